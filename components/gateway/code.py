"""Requests as Python: the lines that compute with the library what a view shows.

The functions below `Code` have the names and arguments of those of this folder that compute, and return a `Code` in
place of a result; `script` writes it down. What is taken from a result is written as it is computed:

    script(maps(request).weights[1, 7])

    import glassbert as gb

    model = gb.load("pretrained")
    text = "The film was good."
    maps = gb.attention(model, text)
    maps.weights[1, 7]
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal

from components.gateway.attention import MapDisplay
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.saliency import page_options
from components.gateway.settings import is_shared
from components.gateway.what_if import as_edits

if TYPE_CHECKING:
    import glassbert as gb
    from components.gateway.comparison import SidesRequest
    from components.gateway.what_if import Change, TraceRequest
    from glassbert.targets import Output

__all__ = [
    "Code",
    "ablation_sweep",
    "answer",
    "architecture",
    "attribute",
    "attribute_each",
    "broken",
    "classify",
    "compare_attributions",
    "comparison_of",
    "displayed",
    "encode",
    "fill_mask",
    "find_flip",
    "flow",
    "head_distances",
    "head_importance",
    "head_profile",
    "label_tokens",
    "logit_lens",
    "maps",
    "measure",
    "method_agreement",
    "method_ranking",
    "named",
    "neurons",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "rank_heads",
    "reading_steps",
    "receipt",
    "receipts",
    "reduction",
    "score_words",
    "scoreboard",
    "script",
    "sides",
    "surprise",
    "template",
    "trace",
    "variables",
    "variants",
    "verdict",
]

# As much of a call or a text as is shown in one line.
_WIDTH = 62
_MODEL_NAMES = ("model", "second_model")
_TEXT_NAMES = ("text", "second_text")
_PAIR_NAMES = ("pair", "second_pair")


class Code:
    """A value, as the Python that computes it. Its attributes, its items and what its methods return are codes too."""

    __slots__ = ("_name", "_node", "_note")

    def __init__(self, node: tuple[Any, ...], name: str = "", note: str = "") -> None:
        """``name``: of the variable that holds it, if it gets one; ``note``: a comment on its line."""
        self._node, self._name, self._note = node, name, note

    def __getattr__(self, name: str) -> Code:
        if name.startswith("__"):  # tools look up __wrapped__ and the like on any object
            raise AttributeError(name)
        return Code(("attribute", self, name))

    def __call__(self, *arguments: Any, **options: Any) -> Code:
        return Code(("call", self, arguments, options))

    def __getitem__(self, key: Any) -> Code:
        return Code(("item", self, key))

    def __iter__(self) -> Any:
        raise TypeError("the length of a code is not known: take its items by their number")


def named(code: Code, name: str, note: str = "") -> Code:
    """The same value in a variable of its own."""
    return Code(code._node, name, note)


def template(text: str, *values: Any, needs: str = "") -> Code:
    """An expression with these values in place of {0}, {1} …; ``needs``: a line that imports what it uses."""
    return Code(("template", text, needs, values))


def script(*shown: Code) -> str:
    """The Python that computes these values, the last lines show them. Imports and loads what it needs."""
    lines = _Lines()
    ends = []
    for code in shown:
        expression = lines.expression(code)
        note = f"  # {code._note}" if code._note and not code._name else ""
        ends.append(expression + note)
    return "\n".join([*lines.imports, "", *lines.statements, *ends])


def variables(*shown: Code) -> list[str]:
    """What `script` calls these values, in the same order; for a value without a name, the expression."""
    lines = _Lines()
    return [lines.expression(code) for code in shown]


class _Lines:
    """Statements in order; each value is computed once, also where it is written twice."""

    def __init__(self) -> None:
        self.imports = ["import glassbert as gb"]
        self.statements: list[str] = []
        self._variables: dict[str, str] = {}

    def expression(self, code: Code) -> str:
        if not code._name:
            return self._written(code._node)
        return self.variable(self._written(code._node), (code._name,), code._note)

    def variable(self, expression: str, names: Sequence[str], note: str = "") -> str:
        """The variable that holds this expression, with the first of the names that is free."""
        if expression not in self._variables:
            taken = set(self._variables.values())
            numbered = (f"{names[-1]}_{number}" for number in range(2, 10_000))
            name = next(name for name in (*names, *numbered) if name not in taken)
            self._variables[expression] = name
            self.statements.append(f"{name} = {expression}{f'  # {note}' if note else ''}")
        return self._variables[expression]

    def _written(self, node: tuple[Any, ...]) -> str:
        kind, *parts = node
        if kind == "name":
            return str(parts[0])
        if kind == "text":
            return self.variable(_quoted(parts[0]), parts[1])
        if kind == "import":
            module, name = parts
            line = f"from {module} import {name}"
            if line not in self.imports:
                self.imports.append(line)
            return str(name)
        if kind == "attribute":
            return f"{self.expression(parts[0])}.{parts[1]}"
        if kind == "item":
            key = parts[1]
            inside = ", ".join(map(self.value, key)) if isinstance(key, tuple) else self.value(key)
            return f"{self.expression(parts[0])}[{inside}]"
        if kind == "template":
            template, line, values = parts
            if line and line not in self.imports:
                self.imports.insert(0, line)
            return str(template.format(*map(self.value, values)))
        if kind == "by":
            return f"{{one.{parts[1]}: one for one in {self.expression(parts[0])}}}"
        function, arguments, options = parts
        given = [written for argument in arguments for written in self._argument(argument)]
        given += [f"{name}={self.value(option)}" for name, option in options.items()]
        return _called(self.expression(function), given)

    def _argument(self, argument: Any) -> Iterable[str]:
        """A request is the arguments that most functions of the library begin with: the model, the text, text B."""
        if not isinstance(argument, TextRequest):
            yield self.value(argument)
            return
        yield self.value(argument.model)
        yield self.value(text_of(argument))
        if argument.pair is not None:
            yield self.value(pair_of(argument))

    def value(self, value: Any) -> str:
        """A value as a literal, or the variable that holds it."""
        if isinstance(value, Code):
            return self.expression(value)
        if isinstance(value, ModelRequest):
            return self._model(value)
        if isinstance(value, str):
            return _quoted(value)
        if isinstance(value, Mapping):
            return _enclosed("{", [f"{self.value(key)}: {self.value(item)}" for key, item in value.items()], "}")
        if isinstance(value, tuple):
            return f"({', '.join(map(self.value, value))}{',' * (len(value) == 1)})"
        if isinstance(value, slice):
            return ":".join("" if edge is None else str(edge) for edge in (value.start, value.stop))
        if isinstance(value, list):
            return _enclosed("[", list(map(self.value, value)), "]")
        if is_dataclass(value):  # a target or an edit; after a reload of the library, one of an older class
            return f"gb.{type(value).__name__}({', '.join(self._arguments_of(value))})"
        return repr(value.item() if hasattr(value, "item") else value)

    def _arguments_of(self, value: Any) -> Iterable[str]:
        """What was given to make this object: the fields without a default, and those that differ from it."""
        for field in fields(value):
            given = getattr(value, field.name)
            if field.default is MISSING:
                yield self.value(given)
            elif given != field.default:
                yield f"{field.name}={self.value(given)}"

    def _model(self, request: ModelRequest) -> str:
        source, note = request.source, ""
        if request.files and is_shared():  # where the folder is on the server is nobody's business
            source, note = source.rstrip("/\\").replace("\\", "/").rpartition("/")[2], "the folder of this model"
        device = "" if request.device == "auto" else f", device={_quoted(request.device)}"
        model = self.variable(f"gb.load({_quoted(source)}{device})", _MODEL_NAMES, note)
        if not request.off:
            return model
        off = f"gb.ablate({model}, {self.value(list(request.off))})"
        return self.variable(off, ("ablated",), "these (layer, head) are switched off")


def text_of(request: TextRequest) -> Code:
    """The text in a variable of its own."""
    return Code(("text", request.text, _TEXT_NAMES))


def pair_of(request: TextRequest) -> Code:
    """The same of text B."""
    return Code(("text", request.pair or "", _PAIR_NAMES))


def _quoted(text: str) -> str:
    """A string literal, in double quotes where that needs no more escapes; long ones go over several lines."""
    if len(text) > _WIDTH + 8:
        parts = textwrap.wrap(
            text, _WIDTH, drop_whitespace=False, replace_whitespace=False, expand_tabs=False, break_on_hyphens=False
        )
        if "".join(parts) == text:  # it keeps every character as it is; this makes sure of it
            return "(\n" + "\n".join(f"    {_literal(part)}" for part in parts) + "\n)"
    return _literal(text)


def _literal(text: str) -> str:
    # repr escapes whatever is not printable, such as marks that change the direction of what follows
    return f'"{repr(chr(39) + text)[2:]}' if '"' not in text else repr(text)


def _called(function: str, arguments: list[str]) -> str:
    return _enclosed(f"{function}(", arguments, ")")


def _enclosed(opening: str, parts: list[str], closing: str) -> str:
    """On one line, with all parts on a line between two, or each part on its own."""
    inside = ", ".join(parts)
    if len(opening + inside + closing) <= _WIDTH and "\n" not in inside:
        return f"{opening}{inside}{closing}"
    if len(inside) <= _WIDTH and "\n" not in inside:
        return f"{opening}\n    {inside}\n{closing}"
    return "\n".join([opening, *(f"{textwrap.indent(part, '    ')}," for part in parts), closing])


# --- what the gateway computes, written down ----------------------------------------------------------------------

_gb = Code(("name", "gb"))


def encode(request: TextRequest) -> Code:
    return named(_gb.encode(request), "encoded")


def reading_steps(request: TextRequest, padding: int | None) -> Code:
    given = {} if padding is None else {"padding": padding}
    return named(_gb.reading_steps(request, **given, vectors=True), "steps")


def architecture(model: ModelRequest, tokens: int) -> Code:
    return named(_gb.architecture(model, tokens), "network")


def maps(request: TextRequest) -> Code:
    return named(_gb.attention(request), "maps", "weights[layer, head, query, key]")


def displayed(found: Code, display: MapDisplay) -> Code:
    """`MapDisplay.of`: maps as they are shown."""
    if display.words:
        found = found.by_word()
    if display.block:
        return found.block(display.block, **({"renormalise": True} if display.rescale else {}))
    return found if display.special else found.without_special(*([True] if display.rescale else []))


def score_parts(request: TextRequest, layers: tuple[int, ...]) -> Code:
    return named(_gb.score_parts(request, layers=list(layers)), "parts", "values[part, layer, head, query, key]")


def rank_heads(request: TextRequest, query: int, key: int, by_word: bool) -> Code:
    return named(_gb.rank_heads(maps(request), query, key, **({"by_word": True} if by_word else {})), "ranking")


def measure(request: TextRequest, measure_id: str, target: gb.Target | None) -> Code:
    given = {} if target is None else {"target": target}
    return named(_gb.attention_map(request, measure=measure_id, **given), measure_id)


def flow(request: TextRequest, layer: int, queries: tuple[int, ...] | None) -> Code:
    given = {} if queries is None else {"queries": list(queries)}
    return named(_gb.flow(maps(request), layers=[layer], **given), "flow")


def neurons(request: TextRequest, layers: tuple[int, ...]) -> Code:
    function = Code(("import", "glassbert.maps.neurons", "neurons"))
    return named(function(request, layers=list(layers)), "found")


def head_profile(request: TextRequest) -> Code:
    return named(_gb.head_profile(maps(request)), "profile")


def head_distances(request: TextRequest) -> Code:
    return named(_gb.head_distances(maps(request)), "distances")


def head_importance(request: TextRequest, target: gb.Target) -> Code:
    return named(_gb.head_importance(request, target=target), "importance")


def ablation_sweep(request: TextRequest, target: gb.Target, mode: Literal["one_at_a_time", "greedy"]) -> Code:
    return named(_gb.ablation_sweep(request, target=target, mode=mode), "sweep")


def fill_mask(request: TextRequest, positions: tuple[int, ...], top_k: int) -> Code:
    return named(_gb.fill_mask(request, positions=list(positions), top_k=top_k), "words")


def classify(request: TextRequest) -> Code:
    return named(_gb.classify(request), "classes")


def next_sentence(request: TextRequest) -> Code:
    return named(_gb.next_sentence(request), "follows")


def label_tokens(request: TextRequest) -> Code:
    return named(_gb.label_tokens(request), "labels")


def answer(request: TextRequest, top_k: int) -> Code:
    return named(_gb.answer(request, top_k=top_k), "answers")


def logit_lens(request: TextRequest, position: int, words: tuple[str, ...], top_k: int) -> Code:
    given = {"words": list(words)} if words else {}
    return named(_gb.logit_lens(request, positions=[position], top_k=top_k, **given), "lens")


def surprise(request: TextRequest, variant: Literal["original", "word_l2r"]) -> Code:
    return named(_gb.surprise(request, variant=variant), "surprise")


def score_words(request: TextRequest, position: int, words: tuple[str, ...]) -> Code:
    pair = () if request.pair is None else (pair_of(request),)
    return named(_gb.score_words(request.model, text_of(request), position, list(words), *pair), "scores")


def probe_template(
    model: ModelRequest, template: str, slots: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...]
) -> Code:
    lists = {name: list(fillers) for name, fillers in slots}
    return named(_gb.probe_template(model, template, lists, list(words) or None), "probe")


def rank_continuations(model: ModelRequest, first: str, candidates: tuple[str, ...], swap: bool) -> Code:
    text = text_of(TextRequest(model, first))
    return named(
        _gb.rank_continuations(model, text, list(candidates), **({"swap": True} if swap else {})), "continuations"
    )


# --- attribution, and how far to trust it ---------------------------------------------------------------------------


def attribute(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> Code:
    given = {} if output == "logit" else {"output": output}
    return named(_gb.attribute(request, method=method, target=target, **given, **page_options(method)), "scores")


def attribute_each(request: TextRequest, methods: Sequence[str], target: gb.Target, output: Output) -> Code:
    """The scores by method."""
    given: dict[str, Any] = {} if output == "logit" else {"output": output}
    options = {method: page_options(method) for method in methods if page_options(method)}
    given |= {"options": options} if options else {}
    found = named(_gb.attribute_each(request, methods=list(methods), target=target, **given), "each")
    return named(Code(("by", found, "method")), "scores", "by method")


def receipt(model: ModelRequest, scores: Code) -> Code:
    return named(_gb.receipt(model, scores), "receipt")


def receipts(model: ModelRequest, scores: Sequence[Code]) -> Code:
    """The receipts by method."""
    found = _gb.receipts(model, list(scores))
    return named(Code(("by", found, "method")), "receipts", "by method")


def broken(model: ModelRequest, scores: Code, kind: str, seed: int) -> Code:
    return named(_gb.broken(model, scores, kind=kind, seed=seed), "broken")


def method_agreement(scores: Sequence[Code]) -> Code:
    return named(_gb.method_agreement(list(scores)), "agreement")


def scoreboard(found: Sequence[Code]) -> Code:
    return named(_gb.scoreboard(list(found)), "board")


def method_ranking(model: ModelRequest) -> Code:
    return named(_gb.method_ranking(model), "ranking")


def verdict(request: TextRequest, target: gb.Target, proposer: ModelRequest | None) -> Code:
    given = {} if proposer is None else {"proposer": proposer}
    return named(_gb.verdict(request, target=target, **given), "verdict")


# --- edits ------------------------------------------------------------------------------------------------------------


def variants(request: TextRequest, target: gb.Target, changes: tuple[tuple[Change, ...], ...]) -> Code:
    return named(_gb.variants(request, edits=[as_edits(one) for one in changes], target=target), "found")


def find_flip(request: TextRequest, target: gb.Target, proposer: ModelRequest | None, **options: Any) -> Code:
    given = {} if proposer is None else {"proposer": proposer}
    return named(_gb.find_flip(request, target=target, **given, **options), "search")


def reduction(request: TextRequest, target: gb.Target) -> Code:
    return named(_gb.reduce_input(request, target=target), "reduction")


def trace(request: TraceRequest) -> Code:
    clean, corrupted = request.clean, request.corrupted
    given = {} if clean.pair is None else {"pair": pair_of(clean), "corrupted_pair": pair_of(corrupted)}
    arguments = (clean.model, text_of(clean), text_of(corrupted), request.target)
    return named(_gb.trace(*arguments, kind=request.kind, **given), "trace")


# --- comparisons ------------------------------------------------------------------------------------------------------


def sides(request: SidesRequest) -> Code:
    first, second = request.first, request.second
    compare = _gb.comparison
    if first.model == second.model:
        return named(compare.sides_of_texts(first.model, encode(first), encode(second)), "sides")
    texts = (text_of(first), *([] if first.pair is None else [pair_of(first)]))
    return named(compare.sides_of_models(first.model, second.model, *texts), "sides")


def compare_attributions(request: SidesRequest, method: str, target: gb.Target, output: Output = "logit") -> Code:
    given: dict[str, Any] = {} if output == "logit" else {"output": output}
    given |= {"method": method, "target": target, **page_options(method)}
    return comparison_of(request, "attributions", name="scores", **given)


def comparison_of(request: SidesRequest, part: str, *arguments: Any, name: str, **options: Any) -> Code:
    """``comparison_of(request, "attention")``: `compare_attention` of both sides."""
    return named(getattr(_gb.comparison, f"compare_{part}")(sides(request), *arguments, **options), name)
