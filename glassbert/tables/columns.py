"""Which column holds the texts and which the labels: by what is asked for, else by name, else by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassbert.errors import TableError
from glassbert.tables.cells import is_missing
from glassbert.tables.contents import Kind

__all__ = ["LABELS", "Columns", "columns_of"]

#: Pairs of columns that go together, before single ones.
_PAIRS = (
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("text1", "text2"),
    ("text_1", "text_2"),
    ("text_a", "text_b"),
    ("question1", "question2"),
    ("premise", "hypothesis"),
    ("query", "passage"),
    ("query", "document"),
    ("question", "passage"),
    ("question", "sentence"),
    ("question", "context"),
    ("text", "text_b"),
    ("text", "text_pair"),
    ("text", "pair"),
    ("first", "second"),
)
_TEXTS = (
    *("text", "texts", "sentence", "review", "question", "content", "message", "comment", "tweet", "document", "body"),
    *("abstract", "utterance", "utt", "query", "sms", "description", "headline", "title", "premise", "sentence1"),
)
LABELS = (
    *("label", "labels", "class", "classes", "category", "categories", "target", "gold_label", "intent", "sentiment"),
    *(
        "topic",
        "topics",
        "polarity",
        "emotion",
        "emotions",
        "score",
        "rating",
        "stars",
        "similarity",
        "similarity_score",
    ),
    *("tag", "tags", "spam", "y", "annotation", "condition_label", "is_duplicate", "type"),
)
_WORDS, _TAGS = ("tokens", "words", "token"), ("ner_tags", "tags", "labels", "tag", "pos_tags", "chunk_tags", "ner")
_QUESTIONS, _CONTEXTS = ("question", "query"), ("context", "passage", "paragraph", "document")
_ANSWERS = ("answers", "answer", "answer_text")
_MOST_CLASSES = 200


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns; ``kind`` where the columns alone settle it. ``starts``: where answers begin."""

    kind: Kind | None
    text: int
    pair: int | None = None
    label: int | None = None
    starts: int | None = None


def columns_of(
    names: Sequence[str],
    sample: Sequence[Sequence[Any]],
    text: str | None,
    pair: str | None,
    label: str | None,
    kind: Kind | None,
) -> Columns:
    """Settle the columns. Raises TableError, which names them."""
    finder = _Finder(names, sample)
    for asked in (text, pair, label):
        if asked is not None:
            finder.place(asked)
    chosen = [one for one in (text, pair, label) if one is not None]
    if len(set(chosen)) < len(chosen):
        raise TableError(f"one column cannot be two things: text {text!r}, pair {pair!r}, label {label!r}")
    if kind in (None, "tokens") and (found := _tokens(finder, text, label, pair, sure=kind == "tokens")):
        return found
    if kind in (None, "spans") and (found := _spans(finder, text, pair, label, sure=kind == "spans")):
        return found
    taken = {finder.place(one) for one in chosen}
    if text is None and pair is None:
        both = next((both for both in _PAIRS if finder.has(both) and not taken & set(map(finder.named, both))), None)
        if both is not None:
            first, second = (finder.named(one) for one in both)
            return Columns(kind, first, second, _label(finder, label, kind, {first, second}))
    finder.require_names(chosen)
    at = finder.place(text) if text is not None else finder.text(taken)
    other = finder.place(pair) if pair is not None else None
    return Columns(kind, at, other, _label(finder, label, kind, {at} if other is None else {at, other}))


class _Finder:
    """Columns by name and by content."""

    def __init__(self, names: Sequence[str], sample: Sequence[Sequence[Any]]) -> None:
        self.names = tuple(names)
        self.sample = sample
        self._folded: dict[str, int] = {}
        for place, name in enumerate(self.names):
            self._folded.setdefault(name.strip().lower().replace(" ", "_"), place)

    def have(self) -> str:
        shown = ", ".join(repr(name) for name in self.names[:30])
        return f"the columns are {shown}{' and more' if len(self.names) > 30 else ''}"

    def place(self, name: str) -> int:
        """Where the column of exactly this name is."""
        count = self.names.count(name)
        if count != 1:
            what = f"there is no column {name!r}" if not count else f"{count} columns are called {name!r}"
            raise TableError(f"{what}: {self.have()}")
        return self.names.index(name)

    def has(self, names: Sequence[str]) -> bool:
        return all(name in self._folded for name in names)

    def named(self, name: str) -> int:
        return self._folded[name]

    def first(self, names: Sequence[str], taken: set[int]) -> int | None:
        """The first of these names that a column bears."""
        found = (self._folded[name] for name in names if name in self._folded)
        return next((place for place in found if place not in taken), None)

    def require_names(self, asked: Sequence[str]) -> None:
        """A first row that is data would be lost as names: no name is known, and one of them is a value further on."""
        if asked or self.first(_TEXTS, set()) is not None or self.first(LABELS, set()) is not None:
            return
        if any(name in map(str, self.values(place)) for place, name in enumerate(self.names)):
            raise TableError(
                f"the first row looks like data, not like names of columns: put a row of names above it; {self.have()}"
            )

    def values(self, place: int) -> list[Any]:
        return [row[place] for row in self.sample if not is_missing(row[place])]

    def text(self, taken: set[int]) -> int:
        """By name, else the only column with words between blanks, or the one that has twice as many as any other."""
        if (place := self.first(_TEXTS, taken)) is not None:
            return place
        lengths: dict[int, float] = {}
        for place in range(len(self.names)):
            strings = [value for value in self.values(place) if isinstance(value, str)]
            if place not in taken and strings:
                lengths[place] = sum(len(value.split()) for value in strings) / len(strings)
        longest = sorted(lengths, key=lambda place: -lengths[place])
        clear = bool(longest) and (len(longest) == 1 or lengths[longest[0]] >= 2 * lengths[longest[1]])
        if clear and (len(self.names) == 1 or lengths[longest[0]] >= 2):
            return longest[0]
        raise TableError(f"which column holds the texts? Name it with text=; {self.have()}")


def _label(finder: _Finder, label: str | None, kind: Kind | None, used: set[int]) -> int | None:
    if kind == "texts":
        return None
    if label is not None:
        return finder.place(label)
    if (place := finder.first(LABELS, used)) is not None:
        return place
    candidates = [place for place in range(len(finder.names)) if place not in used and _few(finder.values(place))]
    if len(candidates) > 1:
        several = ", ".join(repr(finder.names[place]) for place in candidates)
        raise TableError(f"which column holds the labels, {several}? Name it with label=; or say kind='texts' for none")
    if not candidates and kind is not None:
        raise TableError(f"which column holds the labels? Name it with label=; {finder.have()}")
    return candidates[0] if candidates else None


def _few(values: list[Any]) -> bool:
    """Whether these can be classes: several rows each, and few of them."""
    try:
        different = len(set(values))
    except TypeError:
        return False
    return 2 <= different <= min(_MOST_CLASSES, len(values) / 2)


def _tokens(finder: _Finder, text: str | None, label: str | None, pair: str | None, *, sure: bool) -> Columns | None:
    words = finder.place(text) if text is not None else finder.first(_WORDS, set())
    tags = finder.place(label) if label is not None else finder.first(_TAGS, set() if words is None else {words})
    if words is None and sure:
        words = finder.text(set() if tags is None else {tags})
    if words is not None and tags is not None and pair is None:
        listed = all(isinstance(value, list | tuple) or _is_array(value) for value in finder.values(words)[:20])
        by_name = finder.names[words].strip().lower() in _WORDS
        if sure or ((listed or by_name) and finder.values(words)):
            return Columns("tokens", words, None, tags)
    if sure:
        raise TableError(f"token labels need a column of words (text=) and one of tags (label=); {finder.have()}")
    return None


def _is_array(value: Any) -> bool:
    return hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1


def _spans(finder: _Finder, text: str | None, pair: str | None, label: str | None, *, sure: bool) -> Columns | None:
    question = finder.place(text) if text is not None else finder.first(_QUESTIONS, set())
    taken = set() if question is None else {question}
    context = finder.place(pair) if pair is not None else finder.first(_CONTEXTS, taken)
    answers = finder.place(label) if label is not None else finder.first(_ANSWERS, taken)
    if question is not None and context is not None and answers is not None and len({question, context, answers}) == 3:
        starts = finder.first(("answer_start", "start", "answer_starts"), {question, context, answers})
        plain = all(isinstance(value, str) for value in finder.values(answers)[:20])
        if sure or not plain or starts is not None or finder.names[answers].strip().lower() == "answers":
            return Columns("spans", question, context, answers, starts)
    if sure:
        raise TableError(
            f"answers need a column of questions (text=), contexts (pair=) and answers (label=); {finder.have()}"
        )
    return None
