"""Requests as Python: the lines that compute with the library what a view shows.

The functions have the names and arguments of those of this folder that compute, and return a `Code`
(`components.gateway.expressions`) in place of a result; `script` writes it down. What is taken from a result is written
as it is computed:

    script(maps(request).weights[1, 7])

    import glassbert as gb

    model = gb.load("pretrained")
    text = "The film was good."
    maps = gb.attention(model, text)
    maps.weights[1, 7]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from components.gateway.attention import MapDisplay
from components.gateway.compression import recipe_of
from components.gateway.expressions import Code, named, pair_of, text_of
from components.gateway.requests import ModelRequest, TextRequest
from components.gateway.saliency import page_options
from components.gateway.settings import is_shared
from components.gateway.what_if import as_edits

if TYPE_CHECKING:
    import glassbert as gb
    from components.gateway.comparison import SidesRequest
    from components.gateway.what_if import Change, TraceRequest
    from glassbert.models.pooling import Pooling
    from glassbert.targets import Output

__all__ = [
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
    "entities",
    "fill_mask",
    "find_flip",
    "fine_tuning",
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
    "neurons",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "rank_heads",
    "rank_similar",
    "reading_steps",
    "receipt",
    "receipts",
    "reduction",
    "score_words",
    "scoreboard",
    "sides",
    "similarity",
    "surprise",
    "trace",
    "variants",
    "verdict",
]

_gb = Code(("name", "gb"))
_in_windows: dict[str, Any] = {"windows": _gb.Windows()}


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


def replaced_tokens(request: TextRequest) -> Code:
    return named(_gb.replaced_tokens(request), "replaced")


def entities(request: TextRequest, aggregation: str = "simple", *, windows: bool = False) -> Code:
    """``windows``: whether the text is longer than the model reads at once."""
    given: dict[str, Any] = {} if aggregation == "simple" else {"aggregation": aggregation}
    return named(_gb.entities(request, **given, **(_in_windows if windows else {})), "entities")


def answer(request: TextRequest, top_k: int, no_answer: bool | None = None, *, windows: bool = False) -> Code:
    given: dict[str, Any] = {} if no_answer is None else {"no_answer": no_answer}
    return named(_gb.answer(request, top_k=top_k, **given, **(_in_windows if windows else {})), "answers")


def logit_lens(request: TextRequest, position: int, words: tuple[str, ...], top_k: int) -> Code:
    given = {"words": list(words)} if words else {}
    return named(_gb.logit_lens(request, positions=[position], top_k=top_k, **given), "lens")


def surprise(request: TextRequest, variant: Literal["original", "word_l2r"], windows: gb.Windows | None = None) -> Code:
    """``windows``: of a text that is read in them."""
    given = {} if windows is None else {"windows": windows}
    return named(_gb.surprise(request, variant=variant, **given), "surprise")


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


def similarity(model: ModelRequest, first: str, second: str, pooling: Pooling | None, *, matrix: bool) -> Code:
    texts = (text_of(TextRequest(model, first)), text_of(TextRequest(model, second)))
    given: dict[str, Any] = {} if pooling is None else {"pooling": pooling}
    return named(_gb.similarity(model, *texts, **given, **({} if matrix else {"matrix": False})), "similar")


def rank_similar(model: ModelRequest, query: str, texts: tuple[str, ...], pooling: Pooling | None) -> Code:
    given = {} if pooling is None else {"pooling": pooling}
    return named(_gb.rank_similar(model, text_of(TextRequest(model, query)), list(texts), **given), "ranked")


# --- attribution, and how far to trust it ---------------------------------------------------------------------------


def attribute(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> Code:
    given = {} if output == "logit" else {"output": output}
    return named(_gb.attribute(request, method=method, target=target, **given, **page_options(method)), "scores")


def attribute_whole(request: TextRequest, windows: gb.Windows, method: str, target: gb.Target) -> Code:
    """The scores of a text that is read in windows."""
    options = page_options(method)
    return named(_gb.attribute(request, method=method, target=target, windows=windows, **options), "scores")


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


# --- fine-tuning ------------------------------------------------------------------------------------------------------


def fine_tuning(folder: str) -> Code:
    """The result of a training, in the folder of its model."""
    if is_shared():  # where the folder is on the server is nobody's business
        folder = folder.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return named(_gb.load_result(f"{folder}/finetuning.zip"), "learned")


# --- data sets --------------------------------------------------------------------------------------------------------


def analysis(folder: str, name: str, question: str, where: str, **options: Any) -> Code:
    """A question to a result folder."""
    opened = named(_gb.open_analysis(_folder(folder, name)), "analysis")
    given = (where,) if where else ()
    return named(getattr(opened, question)(*given, **options), "found")


def behaviour(model: ModelRequest, suite: str, **given: Any) -> Code:
    """A suite of tests of behaviour."""
    return named(_gb.behaviour(model, suite, **given), "found")


def compression(model: ModelRequest, names: Sequence[str], judged_on: str, texts: int) -> Code:
    """Several recipes of compression, compared on a table."""
    table = named(_gb.read_table(judged_on, split="test") if judged_on else _gb.read_table("texts.csv"), "table")
    recipes = [recipe_of(name, model, table) for name in names]
    return named(_gb.compression_curve(model, recipes, table, texts=texts), "curve")


def analyses_compared(folder: str, name: str, other: str, other_name: str, where: str) -> Code:
    """Two result folders of the same table."""
    first = named(_gb.open_analysis(_folder(folder, name)), "analysis")
    second = named(_gb.open_analysis(_folder(other, other_name)), "other")
    return named(first.compare(second, *((where,) if where else ())), "found")


def _folder(folder: str, name: str) -> str:
    """Where a folder is on a shared server is nobody's business."""
    return f"{name}-analysis" if is_shared() else folder


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
