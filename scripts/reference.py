"""The API reference as one static page, made from the docstrings by pdoc: ``make docs`` writes docs/api/index.html.

Groups are the folders of the library in the order in which the README lists them; the group of each name follows from
the imports of ``glassbert/public.py``, so there is no list to keep up to date. In addition to ``glassbert.__all__``,
the page documents what its functions return: the result classes of each folder, and every error.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def documented() -> dict[str, tuple[str, Any]]:
    """Name → (folder, object) of all that the page documents; the folder is "" for what lies in none."""
    import glassbert
    from glassbert import errors
    from glassbert.results import Result

    home: dict[str, str] = {}
    for node in ast.parse((ROOT / "glassbert" / "public.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("glassbert."):
            folder = node.module.split(".")[1]
            for alias in node.names:
                home[alias.name] = folder if (ROOT / "glassbert" / folder).is_dir() else ""
    found = {name: (home.get(name, ""), getattr(glassbert, name)) for name in glassbert.__all__}
    found |= {name: ("", getattr(errors, name)) for name in errors.__all__}
    # a dataclass with slots makes its class twice, and the second one counts
    results = {cls.__name__: cls for cls in Result.__subclasses__() if cls.__module__.startswith("glassbert.")}
    return {name: (cls.__module__.split(".")[1], cls) for name, cls in results.items()} | found


def groups() -> list[tuple[str, str, list[str]]]:
    """(folder, title, names) of all that is documented."""
    order = ["", *re.findall(r"`(\w+)/`", (ROOT / "README.md").read_text().partition("| `glassbert/` |")[2])]
    by_folder: dict[str, list[str]] = {}
    for name, (folder, _) in documented().items():
        by_folder.setdefault(folder, []).append(name)
    # functions first, then tables, then the classes that they return
    return [
        (folder or "words", _title(folder), sorted(by_folder[folder], key=_rank))
        for folder in sorted(by_folder, key=order.index)
    ]


def _title(folder: str) -> str:
    if not folder:
        return "Targets, results, errors"
    first = (inspect.getdoc(importlib.import_module(f"glassbert.{folder}")) or folder).split("\n")[0]
    return re.split(r"[:;.](\s|$)", first)[0]


def _rank(name: str) -> tuple[int, str]:
    return (0 if name.islower() else 1 if name.isupper() else 3 if name.endswith("Error") else 2), name


def write(folder: Path) -> Path:
    """Write the page to this folder."""
    import pdoc.doc
    import pdoc.render

    import glassbert

    pdoc.render.configure(
        docformat="restructuredtext",
        show_source=False,
        search=False,
        footer_text=f"GlassBERT {glassbert.__version__}",
        template_directory=ROOT / "docs" / "reference",
    )
    pdoc.render.env.globals["groups"] = groups()
    pdoc.render.env.globals["methods"] = [
        (method, inspect.getdoc(method.compute)) for method in glassbert.METHODS.values()
    ]
    face = ModuleType("glassbert", glassbert.__doc__)
    face.__dict__.update(glassbert.__dict__)
    face.__dict__.update({name: found for name, (_, found) in documented().items()})
    face.__all__ = list(documented())  # type: ignore[attr-defined]
    module = pdoc.doc.Module(face)
    page = pdoc.render.html_module(module, {"glassbert": module})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "api")
    print(f"Open {write(parser.parse_args().folder).resolve()}", file=sys.stdout)
