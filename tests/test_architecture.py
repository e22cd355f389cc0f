"""The rules of the layout, read off the source text: layers, single owners, and what nobody may use.

Every rule is first shown to catch a snippet that breaks it, then held against the project.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Outermost first: a module may import from the layers after its own, and app and pages not from their own.
LAYERS = ("app", "pages", "components", "glassbert")
#: The names only one module may use.
OWNERS = {
    "session_state": "components/state.py",
    "query_params": "components/state.py",
    "cache_data": "components/compute.py",
    "cache_resource": "components/compute.py",
}
#: Modules that run code hidden in the data they read.
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
#: Arguments that may only ever be False.
SWITCHES = {"trust_remote_code", "allow_pickle", "unsafe_allow_html"}
FETCHING_TAG = re.compile(r"<(script|link|img|iframe)\b[^>]*(src|href)\s*=\s*[\"']?(https?:)?//", re.IGNORECASE)
#: Name spaces are names, not addresses: a browser never fetches them.
FOREIGN_ADDRESS = re.compile(r"https?://(?!www\.w3\.org/)|[\"'(`]//\w", re.IGNORECASE)
TEXT_AS_MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|new Function)\b|\beval\("
)


def imports(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The modules a file imports, absolute, with the line that does it; ``from a import b`` gives ``a`` and ``a.b``."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}" if module else alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def layer_of(path: str) -> str | None:
    """The layer a file of the product belongs to; None for training, benchmarks and scripts."""
    first = path.split("/")[0].removesuffix(".py")
    return first if first in LAYERS else None


def broken_layers(path: str, tree: ast.Module) -> Iterator[str]:
    layer = layer_of(path)
    assert layer is not None
    for line, module in imports(path, tree):
        imported = module.split(".")[0]
        if imported == "streamlit" and layer == "glassbert":
            yield f"{path}:{line} the library imports Streamlit"
        if imported not in LAYERS:
            continue
        if LAYERS.index(imported) < LAYERS.index(layer):
            yield f"{path}:{line} {layer} imports upward, from {imported}"
        elif imported == layer and layer in ("app", "pages"):
            yield f"{path}:{line} page imports page"


def names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name a file uses, also as an attribute, an imported name, or a whole string (``getattr(st, "name")``)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def broken_ownership(path: str, tree: ast.Module) -> Iterator[str]:
    for line, name in names(tree):
        if path != OWNERS.get(name, path):
            yield f"{path}:{line} {name} belongs to {OWNERS[name]}"


def late_imports_of_transformers(path: str, tree: ast.Module) -> Iterator[str]:
    """Inside a function two threads could import it at once, which transformers does not survive when cold."""
    at_top = {node.lineno for node in tree.body}
    for line, module in imports(path, tree):
        if module.split(".")[0] == "transformers" and line not in at_top:
            yield f"{path}:{line} transformers is imported below the top of the module"


def unsafe(path: str, tree: ast.Module) -> Iterator[str]:
    """Code or markup from data: pickles, a model's own code, text shown as HTML, and pages fetched from elsewhere."""
    switches: list[tuple[int, object, ast.expr]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            switches += [(node.lineno, keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            switches += [
                (node.lineno, key.value, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and FETCHING_TAG.search(node.value):
            yield f"{path}:{node.lineno} markup that fetches from elsewhere"
        elif isinstance(node, ast.Attribute) and node.attr == "read_pickle":
            yield f"{path}:{node.lineno} reads a pickle"
    for line, name, value in switches:
        if name in SWITCHES and not (isinstance(value, ast.Constant) and value.value is False):
            yield f"{path}:{line} {name} is not False"

    torches = {"torch"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            torches |= {alias.asname for alias in node.names if alias.name == "torch" and alias.asname}
    for line, module in imports(path, tree):
        if module.split(".")[0] in UNPICKLERS or module in ("torch.load", "pandas.read_pickle"):
            yield f"{path}:{line} reads pickles, through {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "load" and ast.unparse(node.value) in torches:
            yield f"{path}:{node.lineno} reads pickles, through torch.load"


def broken_rules(path: str, source: str) -> list[str]:
    """What a Python file does that it must not; empty for a good one."""
    tree = ast.parse(source)
    rules = [unsafe]
    if layer_of(path):
        rules += [broken_layers, broken_ownership, late_imports_of_transformers]
    return sorted({broken for rule in rules for broken in rule(path, tree)})


def broken_asset_rules(path: str, source: str) -> list[str]:
    """What a script, style sheet or page does that it must not."""
    return [
        f"{path}:{number} {what}"
        for number, line in enumerate(source.splitlines(), start=1)
        for pattern, what in (
            (FOREIGN_ADDRESS, "an address elsewhere"),
            (TEXT_AS_MARKUP, "text made into markup or code"),
        )
        if pattern.search(line)
    ]


def importers_of_transformers(sources: dict[str, str]) -> list[str]:
    return sorted(
        path
        for path, source in sources.items()
        if layer_of(path) and any(m.split(".")[0] == "transformers" for _, m in imports(path, ast.parse(source)))
    )


def read(*patterns: str) -> dict[str, str]:
    """Path from the root, with slashes → text."""
    files = (file for pattern in patterns for file in ROOT.glob(pattern) if file.is_file())
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def python_files() -> dict[str, str]:
    folders = ("pages", "components", "glassbert", "training", "benchmarks", "scripts")
    return read("app.py", *(f"{folder}/**/*.py" for folder in folders))


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("glassbert/words.py", "import components.state", "1 glassbert imports upward, from components"),
        ("glassbert/words.py", "from pages import attention", "1 glassbert imports upward, from pages"),
        ("glassbert/a/b.py", "from ...components import state", "1 glassbert imports upward, from components"),
        ("glassbert/words.py", "import streamlit as st", "1 the library imports Streamlit"),
        ("glassbert/words.py", "def f():\n    from streamlit.runtime import get", "2 the library imports Streamlit"),
        ("components/frame.py", "import app", "1 components imports upward, from app"),
        ("components/frame.py", "import importlib\nimportlib.import_module('pages.x')", "2 components imports upward"),
        ("pages/attention.py", "from pages.attribution import draw", "1 page imports page"),
        ("pages/attention.py", "from . import attribution", "1 page imports page"),
        ("pages/attention.py", "from app import main", "1 pages imports upward, from app"),
        (
            "pages/x.py",
            "import streamlit as st\nst.session_state['a'] = 1",
            "2 session_state belongs to components/state",
        ),
        ("app.py", "from streamlit import query_params", "1 query_params belongs to components/state.py"),
        ("components/frame.py", "getattr(st, 'session_state')", "1 session_state belongs to components/state.py"),
        ("components/charts.py", "@st.cache_data\ndef f(): ...", "1 cache_data belongs to components/compute.py"),
        ("components/state.py", "st.cache_resource.clear()", "1 cache_resource belongs to components/compute.py"),
        ("glassbert/encoder.py", "def f():\n    import transformers", "2 transformers is imported below the top"),
        (
            "glassbert/encoder.py",
            "def f():\n    from transformers import AutoModel",
            "2 transformers is imported below",
        ),
        ("pages/x.py", "st.markdown(text, unsafe_allow_html=True)", "1 unsafe_allow_html is not False"),
        ("pages/x.py", "st.markdown(text, unsafe_allow_html=flag)", "1 unsafe_allow_html is not False"),
        ("glassbert/encoder.py", "load(id, trust_remote_code=True)", "1 trust_remote_code is not False"),
        ("glassbert/encoder.py", "load(id, **{'trust_remote_code': True})", "1 trust_remote_code is not False"),
        ("training/data.py", "np.load(path, allow_pickle=True)", "1 allow_pickle is not False"),
        ("training/data.py", "import torch as t\nt.load(path)", "2 reads pickles, through torch.load"),
        ("benchmarks/speed.py", "from torch import load", "1 reads pickles, through torch.load"),
        ("glassbert/encoder.py", "import pickle", "1 reads pickles, through pickle"),
        ("glassbert/encoder.py", "pd.read_pickle(path)", "1 reads a pickle"),
        (
            "components/view.py",
            "page = '<script src=\"https://a.example/b.js\">'",
            "1 markup that fetches from elsewhere",
        ),
    ],
)
def test_the_checker_catches(path: str, source: str, complaint: str) -> None:
    broken = broken_rules(path, source)
    assert len(broken) == 1, broken
    assert broken[0].startswith(f"{path}:{complaint}")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app.py", "from components import frame\nimport glassbert as gb"),
        ("pages/x.py", "from components.charts import heatmap\nimport streamlit as st"),
        ("components/charts.py", "from .text import escape\nfrom components import examples\nimport glassbert"),
        ("components/state.py", "st.session_state['a'] = st.query_params['b']"),
        ("components/compute.py", "@st.cache_resource\ndef f(): ..."),
        ("components/text.py", '"""Never touches session_state, pickle or innerHTML."""'),
        ("glassbert/_stock.py", "import transformers\nfrom transformers import AutoModel"),
        (
            "glassbert/encoder.py",
            "from . import words\nload(id, trust_remote_code=False)\nsafetensors.torch.load(data)",
        ),
        ("training/train.py", "def f():\n    import transformers\nnp.load(path, allow_pickle=False)"),
        ("benchmarks/rerun.py", "AppTest.from_file('app.py').session_state['view']"),
    ],
)
def test_the_checker_lets_pass(path: str, source: str) -> None:
    assert broken_rules(path, source) == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("node.innerHTML = text", "text made into markup or code"),
        ("node.insertAdjacentHTML('beforeend', text)", "text made into markup or code"),
        ("eval(text)", "text made into markup or code"),
        ("import x from 'https://cdn.example/x.js'", "an address elsewhere"),
        ("import x from '//cdn.example/x.js'", "an address elsewhere"),
        ("@import url(//fonts.example/x.css);", "an address elsewhere"),
        ("<script src='http://a.example/x.js'></script>", "an address elsewhere"),
    ],
)
def test_the_asset_checker_catches(source: str, complaint: str) -> None:
    assert broken_asset_rules("a.js", source) == [f"a.js:1 {complaint}"]


def test_the_asset_checker_lets_pass() -> None:
    source = "// a comment, medieval(ly)\nnode.textContent = text\nconst svg = 'http://www.w3.org/2000/svg'"
    assert broken_asset_rules("a.js", source) == []


def test_transformers_is_counted_in_the_product_only() -> None:
    sources = {
        "glassbert/a.py": "import transformers",
        "glassbert/b.py": "from transformers.utils import logging",
        "glassbert/c.py": "import torch",
        "training/d.py": "import transformers",
    }
    assert importers_of_transformers(sources) == ["glassbert/a.py", "glassbert/b.py"]


def test_every_python_file_keeps_the_rules(python_files: dict[str, str]) -> None:
    assert "glassbert/results.py" in python_files
    assert [rule for path, source in python_files.items() for rule in broken_rules(path, source)] == []


def test_one_module_imports_transformers(python_files: dict[str, str]) -> None:
    importers = importers_of_transformers(python_files)
    assert len(importers) == 1, importers
    assert importers[0].startswith("glassbert/")


def test_every_script_and_style_sheet_keeps_the_rules() -> None:
    files = read(*(f"{top}/**/*.{kind}" for top in ("components", "pages", "static") for kind in ("js", "css", "html")))
    files = {path: source for path, source in files.items() if "/vendor/" not in path}  # other people's, unchanged
    # others' code, as they published it: the browser tests see that nothing is fetched
    ours = {path: source for path, source in files.items() if "/vendor/" not in path}
    assert {Path(path).suffix for path in ours} >= {".js", ".css"}
    assert [rule for path, source in ours.items() for rule in broken_asset_rules(path, source)] == []
