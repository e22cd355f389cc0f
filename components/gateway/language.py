"""What a model predicts: masked words, classes, the next sentence, labels, answers, replaced tokens, and what surprises
it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from components.gateway.cache import shared
from components.gateway.inputs import encode
from components.gateway.library import gb, import_library
from components.gateway.models import load
from components.gateway.requests import ModelRequest, TextRequest

if TYPE_CHECKING:
    from glassbert.language.predictions import Aggregation, AnswerPrediction, Entities, ReplacedTokens, TokenLabels
    from glassbert.language.results import ContinuationRanking, LogitLens, Surprise, TemplateProbe, WordScores

__all__ = [
    "answer",
    "answer_of_long",
    "classify",
    "entities",
    "entities_of_long",
    "entity_types",
    "fill_mask",
    "knows_no_answer",
    "label_tokens",
    "logit_lens",
    "long_ranking",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "replaced_tokens",
    "score_words",
    "surprise",
    "whole_words",
]


@shared(256)
def fill_mask(request: TextRequest, positions: tuple[int, ...], top_k: int) -> gb.MaskPrediction:
    """One forward pass of the encoder, the vocabulary head at the masks only."""
    return gb.fill_mask(load(request.model), encode(request), positions=positions, top_k=top_k)


@shared(256)
def classify(request: TextRequest) -> gb.Classification:
    """One forward pass."""
    return gb.classify(load(request.model), encode(request))


@shared(256)
def next_sentence(request: TextRequest) -> gb.PairPrediction:
    """One forward pass."""
    return gb.next_sentence(load(request.model), request.text, request.pair or "")


@shared(256)
def label_tokens(request: TextRequest) -> TokenLabels:
    """One forward pass."""
    return gb.label_tokens(load(request.model), encode(request))


@shared(256)
def replaced_tokens(request: TextRequest) -> ReplacedTokens:
    """One forward pass."""
    return gb.replaced_tokens(load(request.model), encode(request))


@shared(256)
def answer(request: TextRequest, top_k: int, no_answer: bool | None = None) -> AnswerPrediction:
    """One forward pass; one per window of a context that is longer than the model reads at once."""
    return answer_of_long(request, top_k, no_answer)()


def answer_of_long(request: TextRequest, top_k: int, no_answer: bool | None) -> Callable[..., AnswerPrediction]:
    """The same as the work of a job."""
    model, question, context = load(request.model), request.text, request.pair or ""
    return lambda **_: gb.answer(model, question, context, top_k=top_k, no_answer=no_answer, windows=gb.Windows())


def knows_no_answer(model: ModelRequest) -> bool:
    """Whether the model was trained to find that a text has no answer, as far as its name and card say."""
    return load(model).checkpoint.knows_no_answer


@shared(256)
def entities(request: TextRequest, aggregation: Aggregation = "first") -> Entities:
    """Of whole words. One forward pass; one per window of a text that is longer than the model reads at once."""
    return entities_of_long(request, aggregation)()


def entities_of_long(request: TextRequest, aggregation: Aggregation) -> Callable[..., Entities]:
    """The same as the work of a job. Of a pair, those of text A, read by itself."""
    model = load(request.model)
    return lambda **_: gb.entities(model, request.text, aggregation=aggregation, windows=gb.Windows())


def entity_types(model: ModelRequest) -> tuple[str, ...]:
    """The types that a token classifier's labels name; "O", outside of all entities, is one of them."""
    import_library()
    from glassbert.text.entity_labels import types_of

    return types_of(load(model).labels)


@shared(128)
def logit_lens(request: TextRequest, position: int, words: tuple[str, ...], top_k: int) -> LogitLens:
    """One forward pass, the vocabulary head once per layer."""
    return gb.logit_lens(load(request.model), encode(request), positions=[position], words=words, top_k=top_k)


@shared(64)
def surprise(request: TextRequest, variant: Literal["original", "word_l2r"]) -> Surprise:
    """One input per token, batched."""
    return gb.surprise(load(request.model), encode(request), variant=variant)


def surprise_of_long(request: TextRequest, variant: Literal["original", "word_l2r"]) -> Callable[..., Surprise]:
    """The same as the work of a job."""
    model, encoded = load(request.model), encode(request)
    return lambda **reports: gb.surprise(model, encoded, variant=variant, **reports)


@shared(128)
def score_words(request: TextRequest, position: int, words: tuple[str, ...]) -> WordScores:
    """One forward pass, and one per piece of every word of several pieces."""
    return gb.score_words(load(request.model), encode(request), position, list(words))


@shared(32)
def probe_template(
    model: ModelRequest, template: str, slots: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...]
) -> TemplateProbe:
    """One forward pass per sentence, batched."""
    return gb.probe_template(load(model), template, dict(slots), list(words) or None)


def large_probe(
    request: ModelRequest, template: str, slots: tuple[tuple[str, tuple[str, ...]], ...], words: tuple[str, ...]
) -> Callable[..., TemplateProbe]:
    """The same as the work of a job."""
    model = load(request)
    return lambda **reports: gb.probe_template(model, template, dict(slots), list(words) or None, **reports)


@shared(64)
def rank_continuations(model: ModelRequest, first: str, candidates: tuple[str, ...], swap: bool) -> ContinuationRanking:
    """One forward pass per candidate, batched."""
    return gb.rank_continuations(load(model), first, list(candidates), swap=swap)


def long_ranking(
    request: ModelRequest, first: str, candidates: tuple[str, ...], swap: bool
) -> Callable[..., ContinuationRanking]:
    """The same as the work of a job."""
    model = load(request)
    return lambda **_: gb.rank_continuations(model, first, list(candidates), swap=swap)


def whole_words(model: ModelRequest, prediction: gb.MaskPrediction, row: int) -> list[int]:
    """The candidates that are a whole word in this place, by their place in the list; as the tokenizer reads them."""
    import_library()
    from glassbert.text.vocabulary import begins_words

    place, ids = int(prediction.positions[row]), prediction.candidate_ids[row].tolist()
    whole = begins_words(load(model), prediction.encoded, place, ids)
    return [index for index, is_whole in enumerate(whole) if is_whole]
