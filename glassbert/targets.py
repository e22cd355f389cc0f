"""What an explanation explains: a class, a masked word, the next sentence, a token's label, an entity, an answer or one
of its ends, or the similarity to another text.

Targets are small, frozen and hashable, so they can be part of a cache key. Names and ids are both accepted; the
decision package resolves names to ids and lists the valid ones for an unknown name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from glassbert.arguments import check_fields
from glassbert.errors import TargetError, TargetTypeError

__all__ = [
    "AnswerTarget",
    "ClassTarget",
    "EntityTarget",
    "MaskTarget",
    "NextSentenceTarget",
    "Output",
    "SimilarityTarget",
    "SpanTarget",
    "Target",
    "TokenTarget",
    "target_from_dict",
    "target_to_dict",
    "unit_of",
]


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """A class of a classifier, by id or name; ``None``: the predicted class.

    With ``foil``, the target is the difference: why this class rather than the foil. Of two classes, the second (id 1)
    is predicted if its probability is above ``threshold``, else the first; elsewhere the threshold has no effect. It
    changes what is predicted, not what is explained: F of a class stays the same.
    """

    label: int | str | None = None
    foil: int | str | None = None
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)
        if not 0 < self.threshold < 1:
            raise TargetError(f"the threshold must be a probability between 0 and 1; got {self.threshold}")


@dataclass(frozen=True, slots=True)
class MaskTarget:
    """A token of the vocabulary at a masked position; ``None``: the model's top prediction.

    ``position`` is a token index, special tokens included; the token there is first replaced by the mask token. With
    ``foil``, the target is the difference: why "he" rather than "she".
    """

    position: int
    token: int | str | None = None
    foil: int | str | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


@dataclass(frozen=True, slots=True)
class NextSentenceTarget:
    """That the second text follows the first (``is_next=False``: that it does not)."""

    is_next: bool = True

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


@dataclass(frozen=True, slots=True)
class TokenTarget:
    """The label of one token (named entities, parts of speech), by id or name; ``None``: the predicted label.

    Of a discriminator the only label is "replaced": why the token looks as if it had been replaced. ``position`` is a
    token index, special tokens included. With ``foil``, the target is the difference: why this label rather than the
    foil.
    """

    position: int
    label: int | str | None = None
    foil: int | str | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


@dataclass(frozen=True, slots=True)
class EntityTarget:
    """The type of the tokens [start, end), taken as one entity: ``EntityTarget(*found.spans[0], found.names[0])``.

    ``label`` is a type as :func:`glassbert.entities` names it, such as "PER", or one of the labels of that type by name
    or id; ``None``: the type that the model gives the span. F is the mean over the tokens of the logit of their label:
    of those of the type, the one that the model scores highest there ("B-PER" for the first token, say, "I-PER" for the
    others). With ``foil``, the target is the difference: why this type rather than the foil; "O" is no entity.
    """

    start: int
    end: int
    label: int | str | None = None
    foil: int | str | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


@dataclass(frozen=True, slots=True)
class SpanTarget:
    """That a span is the answer to a question, first and last token included: ``SpanTarget(*found.spans[0])``.

    F is the logit of the start at ``start`` plus that of the end at ``end``; both ``None``: the best span. With
    ``foil``, a pair of tokens, the target is the difference from another span. Where the model may find no answer in
    the text (``no_answer``, as in :func:`glassbert.answer`), that is the span (0, 0).
    """

    start: int | None = None
    end: int | None = None
    foil: tuple[int, int] | None = None
    no_answer: bool | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)
        if self.foil is not None:  # a list, as JSON has it, cannot be part of a cache key
            object.__setattr__(self, "foil", (int(self.foil[0]), int(self.foil[1])))


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """That the answer to a question starts, or ends, at a token of the second text; ``None``: the predicted position.

    With ``foil``, the target is the difference: why this position rather than the foil.
    """

    edge: Literal["start", "end"] = "start"
    position: int | None = None
    foil: int | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


@dataclass(frozen=True, slots=True)
class SimilarityTarget:
    """That the text is similar to ``other``: the cosine of their sentence embeddings, -1 to 1. The other text is fixed.

    With ``foil``, the target is the difference of two cosines: why the text is closer to ``other`` than to the foil.
    ``pooling`` makes an embedding of the last states, their "mean" or the state of the first token ("cls"); None: as
    the files of the sentence encoder say.
    """

    other: str
    foil: str | None = None
    pooling: Literal["mean", "cls"] | None = None

    def __post_init__(self) -> None:
        check_fields(self, TargetTypeError)


#: What an attribution explains: the logit of the target or its probability.
Output: TypeAlias = Literal["logit", "probability"]

Target: TypeAlias = (
    ClassTarget
    | MaskTarget
    | NextSentenceTarget
    | TokenTarget
    | EntityTarget
    | SpanTarget
    | AnswerTarget
    | SimilarityTarget
)

_KINDS: dict[str, type[Target]] = {
    "class": ClassTarget,
    "mask": MaskTarget,
    "next_sentence": NextSentenceTarget,
    "token": TokenTarget,
    "entity": EntityTarget,
    "span": SpanTarget,
    "answer": AnswerTarget,
    "similarity": SimilarityTarget,
}


def target_to_dict(target: Target) -> dict[str, Any]:
    """Plain data, ``kind`` first."""
    kind = next(name for name, cls in _KINDS.items() if type(target) is cls)
    return {"kind": kind, **asdict(target)}


def target_from_dict(data: Mapping[str, Any]) -> Target:
    """Restore a target from the data of :func:`target_to_dict`. Raises TargetError for an unknown kind."""
    if not isinstance(data, Mapping):
        raise TargetTypeError(f"a saved target must be a dictionary, not {type(data).__name__}")
    values = dict(data)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise TargetError(f"the kind of a saved target must be one of {', '.join(_KINDS)}; got {kind!r}")
    try:
        return _KINDS[kind](**values)
    except TypeError as error:  # a field that is missing or unknown
        raise TargetError(f"this saved target of kind {kind!r} is damaged: {error}") from error


def unit_of(target: Target, output: Output) -> str:
    """What F is measured in, as a chart says it: "logits", "probability" or "cosine"."""
    if isinstance(target, SimilarityTarget):
        return "cosine"
    return "logits" if output == "logit" else "probability"
