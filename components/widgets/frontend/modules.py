"""A component's ES modules as one script, because a script loaded by Streamlit cannot import other files.

No bundler: the modules are concatenated in one scope, each after those that it imports. They must therefore follow
three rules, which `joined` enforces: an import is ``import { names } from "./file.js";`` without renaming, only the
entry has a default export, and no two modules of a component declare the same top-level name. Comments, JSDoc types and
indentation are removed, because the script is sent to the browser again with every change of data; a template literal
must therefore end on the line where it begins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["joined"]

_IMPORT = re.compile(r'^import \{(?P<names>[^}]*)\} from "(?P<path>\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) )", re.MULTILINE)
_DECLARED = re.compile(r"^(?:async function|function|class|const|let) (\w+)", re.MULTILINE)
_OTHER_MODULE_SYNTAX = re.compile(r"^(?:import|export (?!default))", re.MULTILINE)
_JSDOC = re.compile(r"/\*\*(?:[^*]|\*(?!/))*\*/")
_UNSENT = re.compile(r"^[ \t]*(?://.*)?\n|^[ \t]+", re.MULTILINE)  # empty lines, lines of comment, indentation


@dataclass(frozen=True, slots=True)
class _Module:
    path: Path
    imports: tuple[Path, ...]
    declared: tuple[str, ...]
    script: str


def joined(entry: Path) -> str:
    """The script of a component: ``entry`` and what it imports, directly or not.

    Raises ValueError for modules that cannot share one scope, and OSError for a missing one.
    """
    modules: dict[Path, _Module] = {}
    _add(entry.resolve(), modules, ())
    declared: dict[str, str] = {}
    for module in modules.values():
        for name in module.declared:
            if name in declared:
                raise ValueError(f"{module.path.name} and {declared[name]} both declare {name}: rename one of them")
            declared[name] = module.path.name
    return "\n".join(module.script for module in modules.values())


def _add(path: Path, modules: dict[Path, _Module], above: tuple[Path, ...]) -> None:
    """Add what a module imports, then the module itself."""
    if path in modules:
        return
    if path in above:
        raise ValueError(f"{above[-1].name} imports {path.name}, which imports it: move what both need into a third")
    module = _read(path)
    if above and "export default" in module.script:
        raise ValueError(f"{above[-1].name} imports {path.name}, which has a default export: give that a name")
    for other in module.imports:
        _add(other, modules, (*above, path))
    modules[path] = module


@cache
def _read(path: Path) -> _Module:
    source = _JSDOC.sub("", path.read_text(encoding="utf-8"))
    if any(line.count("`") % 2 for line in source.splitlines()):
        raise ValueError(f"{path.name}: end a template literal on the line where it begins")
    imports = tuple(_IMPORT.finditer(source))
    script = _EXPORT.sub("", _IMPORT.sub("", source))
    renamed = any(" as " in found["names"] for found in imports)
    if renamed or "import(" in script or _OTHER_MODULE_SYNTAX.search(script):
        raise ValueError(f'{path.name}: write imports as import {{ name }} from "./file.js", exports before a name')
    return _Module(
        path,
        tuple((path.parent / found["path"]).resolve() for found in imports),
        tuple(_DECLARED.findall(script)),
        _UNSENT.sub("", script),
    )
