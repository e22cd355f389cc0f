"""The names people import, and what the methods declare about themselves."""

from __future__ import annotations

import ast
import inspect
import math
import pydoc
import re
import subprocess
import sys
import typing
from pathlib import Path

import numpy as np
import pytest

import glassbert as gb
from glassbert import attribution, errors
from glassbert.results import Result

README = Path(gb.__file__).resolve().parents[1] / "README.md"
FUNCTIONS = {name: getattr(gb, name) for name in gb.__all__ if inspect.isfunction(getattr(gb, name))}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_read_alike(name):
    """What is explained comes first and by position; whatever tunes the answer is named in the call."""
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    assert all(one.annotation is not one.empty for one in parameters.values())
    by_position = [one.name for one in parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
    if "text" in by_position:
        assert set(by_position[: by_position.index("text")]) <= {"model", "first", "second", "source"}, (
            "models before the text"
        )
    if "model" in parameters and parameters["model"].default is inspect.Parameter.empty:
        assert by_position[0] == "model"
    for option in ("method", "output", "progress", "cancelled", "checks", "seed", "words", "top_k", "target"):
        if option in by_position:
            assert option in BY_POSITION.get(name, ()), f"{option} is an option: make it keyword-only"


#: What is the question itself there, and no option.
BY_POSITION = {
    "probe_template": ("words", "top_k"),
    "score_words": ("words",),
    "method_agreement": ("top_k",),
    "trace": ("target",),
}


def test_the_readme_calls_functions_as_they_are():
    """Every call of the library in the README's example fits the signature of a public function."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    calls = [
        node
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "gb"
    ]
    assert len(calls) > 8
    for call in calls:
        assert call.func.attr in gb.__all__, ast.unparse(call)
        named = {keyword.arg: None for keyword in call.keywords}
        try:
            inspect.signature(getattr(gb, call.func.attr)).bind(*call.args, **named)
        except TypeError as error:
            pytest.fail(f"{ast.unparse(call)}: {error}")


def test_all_has_every_target_and_few_other_names():
    assert len(set(gb.__all__)) == len(gb.__all__)
    for name in gb.__all__:
        member = getattr(gb, name)
        if inspect.isclass(member) or inspect.isfunction(member):  # tables and unions have no docstring of their own
            assert member.__doc__, name
    targets = {name for name, cls in vars(gb.targets).items() if inspect.isclass(cls) and name.endswith("Target")}
    assert targets | {"Target", "Method", "Model", "METHODS"} <= set(gb.__all__)
    # of the bound, 100 explain a model; what fine-tunes, analyses and compresses one comes on top
    assert len(gb.__all__) <= 130, "a name earns its place here; the others are found in their folder"


#: What may be raised, by its name in a docstring.
_RAISED = re.compile(r"\b(\w+Errors?|IndexError|KeyError)\b")


RESULTS = {cls.__name__: cls for cls in Result.__subclasses__() if cls.__module__.startswith("glassbert.")}


@pytest.mark.parametrize("name", dict.fromkeys([*gb.__all__, *errors.__all__, *RESULTS]))
def test_a_public_name_is_documented(name):
    """A first sentence for all; functions say every parameter or have telling types, and what they return and raise."""
    member = RESULTS.get(name) or getattr(gb, name)
    if not (inspect.isclass(member) or inspect.isfunction(member)):
        return
    doc = inspect.getdoc(member) or ""
    first = doc.split("\n")[0]
    assert len(first) >= 15
    assert not first.startswith(f"{name}("), "a docstring of its own, not the dataclass's signature"
    assert first[0].isupper() or not first[0].isalpha()
    assert first.rstrip()[-1] in ".:,;→" or "\n" in doc
    if inspect.isfunction(member):
        hints = typing.get_type_hints(member)
        assert set(inspect.signature(member).parameters) | {"return"} == set(hints), "every parameter has a type"
        takes_text = {"text", "first", "clean", "template", "question"} & set(hints)
        if takes_text and "model" in hints:
            assert _RAISED.search(doc), "says what it raises"
    elif issubclass(member, Result) and member is not Result:
        assert inspect.getdoc(member.frame), "says what a row is"


def test_every_error_is_a_glassbert_error_and_in_the_tree():
    classes = {name: cls for name, cls in vars(errors).items() if inspect.isclass(cls)}
    assert set(classes) == set(errors.__all__)
    branches = {name for name, cls in classes.items() if gb.GlassBERTError in (cls, *cls.__bases__)}
    assert branches == {name for name in gb.__all__ if name.endswith("Error")}
    for name, cls in classes.items():
        assert issubclass(cls, gb.GlassBERTError)
        assert getattr(gb, name) is cls
        assert name in errors.__doc__
    assert issubclass(gb.TextTooLongError, gb.TextError)
    assert issubclass(gb.DamagedCheckpointError, gb.ModelError)


def test_methods_are_the_files_of_the_folder():
    files = {path.stem for path in Path(attribution.__file__).parent.glob("[a-z]*.py")} - {"results"}
    # a file that bore the name of a public function would hide it
    named_apart = {"rollout": "attention_rollout", "value_norms": "attention_norms"}
    assert {named_apart.get(method, method) for method in gb.METHODS} == files
    assert {"integrated_gradients", "input_x_gradient", "saliency", "attention_relevance"} <= files
    with pytest.raises(TypeError):
        gb.METHODS["mine"] = None  # type: ignore[index]


@pytest.mark.parametrize("name", gb.METHODS)
def test_a_method_says_what_it_is(name):
    method = gb.METHODS[name]
    assert re.search(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})\b", method.paper)
    assert method.family in ("gradient", "perturbation", "attention", "decomposition")
    assert len(method.meaning.split()) > 5


def test_no_two_methods_look_the_same_in_a_list():
    for told in ("label", "meaning"):
        assert len({getattr(method, told) for method in gb.METHODS.values()}) == len(gb.METHODS)


@pytest.mark.parametrize(("name", "option"), [(m.id, option) for m in gb.METHODS.values() for option in m.parameters])
def test_an_option_accepts_what_it_declares_and_nothing_else(name, option):
    method = gb.METHODS[name]
    assert method.options[option.name] == option.default == option.accept(option.default)
    assert option.meaning.endswith(".")
    assert option.choices or option.unit or option.name == "seed", "a number has a unit"
    for choice in option.choices:
        assert method.settings({option.name: choice})[option.name] == choice
    refused = [b"pad", [], {}, object(), True, "no such thing", math.nan, -1]
    if not option.none:
        refused.append(None)
    if not option.choices:
        inside = option.minimum + (0.5 if option.type == "float" else 1)
        accepted = option.accept(np.float64(inside) if option.type == "float" else np.int64(inside))
        assert accepted == inside
        assert type(accepted) is (float if option.type == "float" else int), "plain, so that JSON can hold it"
        refused += [option.minimum - 1] + ([] if option.maximum is None else [option.maximum + 1, 10**400])
        if option.open_ends:
            refused += [option.minimum, option.maximum]
        if option.type == "int":
            refused.append(inside + 0.5)
    for value in refused:
        with pytest.raises(gb.OptionError, match=f"^{option.name} must be .*; got ") as caught:
            method.settings({option.name: value})
        assert len(str(caught.value)) < 300


def test_help_says_every_option_with_type_default_and_meaning():
    for method in gb.METHODS.values():
        own = pydoc.plain(pydoc.render_doc(method))
        assert method.label in own
        assert method.paper in own
        for option in method.parameters:
            for text in (own, gb.attribute.__doc__, gb.attribute_many.__doc__):
                assert f"{option.name} : {option.annotation}, default {option.default!r}" in text
                assert " ".join(option.meaning.split()) in " ".join(text.split())
    assert gb.Method.__doc__.startswith("One attribution method.")
    assert "none: " in gb.attribute.__doc__
    for name, method in gb.METHODS.items():
        assert repr(method).startswith(f"<Method {name}: ")
        assert len(repr(method)) < 200


@pytest.mark.smoke
def test_the_declared_cost_of_a_sentence_of_24_tokens(pretrained):
    """A fixed number of passes is declared exactly; what a tolerance needs, in the usual case."""
    first, rest = "The doctor told the nurse that [MASK] would be late", "because the train was delayed in the snow."
    text = f"{first} for the meeting {rest}"
    position = gb.encode(pretrained, text).tokens.index("[MASK]")
    target = gb.MaskTarget(position, "she")
    for name, method in gb.METHODS.items():
        options = {"n_samples": 4} if "n_samples" in method.options else {}
        score = gb.attribute(pretrained, text, method=name, target=target, **options)
        assert len(score.encoded) == 24
        declared = method.cost(24, {**method.options, **options})
        if "tolerance" in method.options:
            assert 0.5 * declared <= score.forward_passes <= 2 * declared
        elif method.family == "perturbation":  # the masked word stays, which no number of tokens tells
            assert declared - options.get("n_samples", 1) <= score.forward_passes <= declared
        else:
            assert declared == score.forward_passes


def test_the_example_of_the_package_runs(pretrained):
    frame = gb.fill_mask(pretrained, "Paris is the capital of [MASK].").frame()
    assert frame["token"][0] == "france"
    assert len(frame) == 10


#: In a process of its own: what is imported when.
LAZY = """
import os, sys
import glassbert as gb

assert "torch" not in sys.modules
assert os.environ["OMP_WAIT_POLICY"] == "passive"
assert gb.__version__
from glassbert import saving  # a module of the vocabulary
import glassbert.results
assert gb.results.saving is saving
assert not hasattr(gb, "__wrapped__")
assert "torch" not in sys.modules and "glassbert.public" not in sys.modules
assert gb.load is sys.modules["glassbert.network.model"].load
assert vars(gb)["fill_mask"], "all names at once: the next use looks nothing up"
assert not hasattr(gb, "no_such_name")
from glassbert import *
assert {"load", "__all__", "EmptyTextError", "__version__"} <= {*dir(gb)}
assert fill_mask is gb.fill_mask and gb.verdicts.verdict is gb.verdict
try:
    from glassbert import no_such_name
except ImportError as error:
    assert "no_such_name" in str(error)
else:
    raise AssertionError
"""


@pytest.mark.smoke
def test_the_package_itself_is_light_and_a_name_brings_all_of_them():
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
