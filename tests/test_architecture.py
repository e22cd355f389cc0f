"""The rules of the layout, read off the source text: layers, single owners, and what nobody may use.

Every rule is first shown to catch a snippet that breaks it, then held against the project.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import glassbert as gb

ROOT = Path(__file__).resolve().parent.parent

#: Outermost first: a module may import from the layers after its own, and app and pages not from their own.
LAYERS = ("app", "pages", "components", "glassbert")
#: The folders of the library and of the app's components in the order they read, the lowest first: a module imports
#: from its own folder and from those before it. "" is the folder's own root: its words.
ORDER = {
    "glassbert": (
        "pictures",
        "",
        "families",
        "models",
        "network",
        "text",
        "tables",
        "decision",
        "language",
        "maps",
        "heads",
        "attribution",
        "evaluation",
        "whatif",
        "verdicts",
        "intervention",
        "comparison",
        "similarities",
        "tuning",
        "suites",
        "compression",
        "analysis",
        "figures",
        "reports",
        "commands",
    ),
    "components": ("widgets", "", "gateway", "shared", "shell", "views"),
}
#: The modules of the library's public face: they import from everywhere, and no folder from them.
FACE = {"glassbert/__init__.py", "glassbert/__main__.py", "glassbert/public.py"}
#: What stands in the library's root beside its public face.
WORDS = {"errors", "arguments", "targets", "saving", "results"}
#: The names only one module may use.
OWNERS = {
    "session_state": "components/state.py",
    "query_params": "components/state.py",
    "cache_data": "components/gateway/cache.py",
    "cache_resource": "components/gateway/cache.py",
    "plotly_chart": "components/shared/plots.py",
}
#: Modules that run code hidden in the data they read.
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
#: The script that reads pickle weights for `glassbert convert`, in a process of its own and without running code.
UNPICKLING_SCRIPT = "glassbert/models/unpickle.py"
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


def folder_of(module: str) -> tuple[str, str] | None:
    """Layer and folder of a module that stands in `ORDER`; None for the public face, ``glassbert`` itself."""
    layer, *rest = module.split(".")
    if layer not in ORDER or not rest:
        return None
    return layer, rest[0] if rest[0] in ORDER[layer] else ""


def broken_order(path: str, tree: ast.Module) -> Iterator[str]:
    """Imports from a folder that stands higher, and from another page's views."""
    module = path.removesuffix(".py").removesuffix("/__init__").removesuffix("/__main__").replace("/", ".")
    own = folder_of(module)
    if own is None or path in FACE:
        return
    layer, folder = own
    for line, imported in imports(path, tree):
        other = folder_of(imported)
        if other is None or other[0] != layer:
            continue
        if layer == "glassbert" and not other[1] and imported.split(".")[1] not in WORDS:
            yield f"{path}:{line} the library imports its own public face"
        elif ORDER[layer].index(other[1]) > ORDER[layer].index(folder):
            yield f"{path}:{line} {layer}/{folder or '*.py'} imports from {other[1]}, which stands above it"
        view = imported.split(".")[2:3]
        if folder == other[1] == "views" and view and view != module.split(".")[2:3]:
            yield f"{path}:{line} one view imports another"


def past_the_gateway(path: str, tree: ast.Module) -> Iterator[str]:
    """What the app runs of the library it reaches through its gateway; pictures of plain data it may draw itself,
    imports for the type checker run nothing, and of ``gb`` it may use the classes, but no function."""
    if layer_of(path) != "components" or path.startswith("components/gateway/"):
        return
    typing_only = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for line, module in imports(path, tree):
        top, *rest = module.split(".")
        if top == "glassbert" and rest[:1] != ["pictures"] and line not in typing_only:
            yield f"{path}:{line} reaches the library past the gateway"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "gb" and node.attr.islower():
            yield f"{path}:{node.lineno} calls the library past the gateway"


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


def _restricted(tree: ast.Module) -> list[ast.expr]:
    """The functions called with ``weights_only=True``."""
    return [
        node.func
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(key.arg == "weights_only" and ast.unparse(key.value) == "True" for key in node.keywords)
    ]


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
            if path == UNPICKLING_SCRIPT and any(node is call for call in _restricted(tree)):
                continue
            yield f"{path}:{node.lineno} reads pickles, through torch.load"


def broken_rules(path: str, source: str) -> list[str]:
    """What a Python file does that it must not; empty for a good one."""
    tree = ast.parse(source)
    rules = [unsafe]
    if layer_of(path):
        rules += [broken_layers, broken_order, past_the_gateway, broken_ownership, late_imports_of_transformers]
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
        ("glassbert/text/words.py", "import components.state", "1 glassbert imports upward, from components"),
        ("glassbert/text/words.py", "from pages import attention", "1 glassbert imports upward, from pages"),
        ("glassbert/a/b.py", "from ...components import state", "1 glassbert imports upward, from components"),
        ("glassbert/text/words.py", "import streamlit as st", "1 the library imports Streamlit"),
        (
            "glassbert/text/words.py",
            "def f():\n    from streamlit.runtime import get",
            "2 the library imports Streamlit",
        ),
        ("glassbert/text/words.py", "from glassbert import load", "1 the library imports its own public face"),
        ("glassbert/commands/x.py", "from glassbert.public import load", "1 the library imports its own public face"),
        (
            "glassbert/maps/weights.py",
            "def f():\n    from glassbert import heads",
            "2 glassbert/maps imports from heads, which stands above it",
        ),
        (
            "glassbert/targets.py",
            "from glassbert.text.words import words_of",
            "1 glassbert/*.py imports from text, which stands above it",
        ),
        (
            "components/shared/charts.py",
            "from components.shell.frame import open_page",
            "1 components/shared imports from shell, which stands above it",
        ),
        (
            "components/views/compare/words.py",
            "from components.views.inputs.steps import draw",
            "1 one view imports another",
        ),
        ("components/views/x/y.py", "import glassbert", "1 reaches the library past the gateway"),
        ("components/views/x/y.py", "board = gb.scoreboard(receipts)", "1 calls the library past the gateway"),
        ("components/shell/frame.py", "import app", "1 components imports upward, from app"),
        (
            "components/shell/frame.py",
            "import importlib\nimportlib.import_module('pages.x')",
            "2 components imports upward",
        ),
        ("pages/attention.py", "from pages.attribution import draw", "1 page imports page"),
        ("pages/attention.py", "from . import attribution", "1 page imports page"),
        ("pages/attention.py", "from app import main", "1 pages imports upward, from app"),
        (
            "pages/x.py",
            "import streamlit as st\nst.session_state['a'] = 1",
            "2 session_state belongs to components/state",
        ),
        ("app.py", "from streamlit import query_params", "1 query_params belongs to components/state.py"),
        ("components/text.py", "getattr(st, 'session_state')", "1 session_state belongs to components/state.py"),
        (
            "components/shared/charts.py",
            "@st.cache_data\ndef f(): ...",
            "1 cache_data belongs to components/gateway/cache.py",
        ),
        (
            "components/state.py",
            "st.cache_resource.clear()",
            "1 cache_resource belongs to components/gateway/cache.py",
        ),
        ("glassbert/network/model.py", "def f():\n    import transformers", "2 transformers is imported below the top"),
        (
            "glassbert/network/model.py",
            "def f():\n    from transformers import AutoModel",
            "2 transformers is imported below",
        ),
        ("pages/x.py", "st.markdown(text, unsafe_allow_html=True)", "1 unsafe_allow_html is not False"),
        ("pages/x.py", "st.markdown(text, unsafe_allow_html=flag)", "1 unsafe_allow_html is not False"),
        ("glassbert/network/model.py", "load(id, trust_remote_code=True)", "1 trust_remote_code is not False"),
        ("glassbert/network/model.py", "load(id, **{'trust_remote_code': True})", "1 trust_remote_code is not False"),
        ("training/data.py", "np.load(path, allow_pickle=True)", "1 allow_pickle is not False"),
        ("training/data.py", "import torch as t\nt.load(path)", "2 reads pickles, through torch.load"),
        ("glassbert/models/unpickle.py", "import torch\ntorch.load(path)", "2 reads pickles, through torch.load"),
        (
            "glassbert/models/files.py",
            "import torch\ntorch.load(path, weights_only=True)",
            "2 reads pickles, through torch.load",
        ),
        ("benchmarks/speed.py", "from torch import load", "1 reads pickles, through torch.load"),
        ("glassbert/network/model.py", "import pickle", "1 reads pickles, through pickle"),
        ("glassbert/network/model.py", "pd.read_pickle(path)", "1 reads a pickle"),
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
        ("pages/x.py", "from components.shared.charts import heatmap\nimport streamlit as st"),
        ("components/shared/charts.py", "from .tokens import strip\nfrom glassbert.pictures.bars import score_bars"),
        ("components/shared/charts.py", "if TYPE_CHECKING:\n    import glassbert as gb"),
        ("components/gateway/models.py", "import glassbert"),
        ("components/gateway/models.py", "gb.load('pretrained')"),
        ("components/views/x/y.py", "found: gb.Receipt = gb.MaskTarget(2)"),
        ("components/views/compare/words.py", "from components.views.compare import sides"),
        ("glassbert/heads/results.py", "from glassbert.maps.results import TokenMaps"),
        ("glassbert/public.py", "from glassbert.comparison import compare_models"),
        ("glassbert/__main__.py", "from glassbert.models.convert import convert"),
        ("components/state.py", "st.session_state['a'] = st.query_params['b']"),
        ("components/gateway/cache.py", "@st.cache_resource\ndef f(): ..."),
        ("components/text.py", '"""Never touches session_state, pickle or innerHTML."""'),
        ("glassbert/models/unpickle.py", "import torch\ntorch.load(path, weights_only=True)"),
        ("glassbert/network/stock.py", "import transformers\nfrom transformers import AutoModel"),
        (
            "glassbert/network/model.py",
            "from . import blocks\nload(id, trust_remote_code=False)\nsafetensors.torch.load(data)",
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


#: Imports each module named on the command line in a process of its own, and prints those that cannot be.
_IMPORT_ALONE = """
import importlib, os, sys
import pandas, plotly, streamlit, torch, transformers  # once for all: they take seconds
import glassbert.public  # so does this, and it imports nothing of what is tested
for module in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(module)
        except BaseException as error:
            print(f"{module}: {type(error).__name__}: {error}", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.smoke
def test_every_module_can_be_imported_alone(python_files: dict[str, str]) -> None:
    """Load order must not hide a cycle: whatever is asked for first, it comes."""
    modules = [
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in python_files
        if path.startswith("components/")
    ]
    assert len(modules) > 50
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALONE, *modules], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def test_no_module_or_folder_bears_the_name_of_a_public_function() -> None:
    """``import glassbert.surprise`` would otherwise give a function or a module, depending on what came first."""
    functions = {name for name in gb.__all__ if callable(getattr(gb, name)) and name.islower()}
    assert {"attention", "surprise", "load"} <= functions
    parts = {part for path in ROOT.glob("glassbert/**/*.py") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & functions == set()


def test_two_modules_import_transformers(python_files: dict[str, str]) -> None:
    """One for networks, one for its Trainer, and one script, which runs in a process of its own."""
    assert importers_of_transformers(python_files) == [
        "glassbert/network/stock.py",
        "glassbert/network/tokenizer_trial.py",
        "glassbert/tuning/trainer.py",
    ]
    imported = {module for path, source in python_files.items() for _, module in imports(path, ast.parse(source))}
    assert not imported & {"glassbert.network.tokenizer_trial", "glassbert.models.unpickle"}


def test_every_script_and_style_sheet_keeps_the_rules() -> None:
    files = read(*(f"{top}/**/*.{kind}" for top in ("components", "pages", "static") for kind in ("js", "css", "html")))
    files = {path: source for path, source in files.items() if "/vendor/" not in path}  # other people's, unchanged
    # others' code, as they published it: the browser tests see that nothing is fetched
    ours = {path: source for path, source in files.items() if "/vendor/" not in path}
    assert {Path(path).suffix for path in ours} >= {".js", ".css"}
    assert [rule for path, source in ours.items() for rule in broken_asset_rules(path, source)] == []
