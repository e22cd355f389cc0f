"""``data_report``: look a table over before a model is trained on it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError, StoppedError
from glassbert.network.model import Model
from glassbert.pictures.markup import clipped
from glassbert.results import Array, counted
from glassbert.tables.contents import Table
from glassbert.tables.giveaways import Giveaway, giveaways, words_in
from glassbert.tables.report_results import DataReport
from glassbert.text.inputs import tokenized

__all__ = ["data_report"]

_SEVERITIES = ("error", "warning", "note")
#: Fewer examples of a class than this teach it hardly.
_FEW_EXAMPLES = 10
_FEW_ROWS = 100
#: The largest class in terms of the smallest, from which on accuracy misleads.
_UNBALANCED = 10
_MUCH_UNKNOWN = 0.01
_MOST_NAMED = 5
_AT_ONCE = 1000
#: UTF-8 that was read as Latin-1 (Ã©, â€™), and what is put in place of bytes that cannot be read.
_WRONG_ENCODING = re.compile("\ufffd|[ÃÂ][\u0080-\u00bf]|â€|â\u0080")
_MARKUP = re.compile(r"</?(?:br|p|div|span|a|b|i|li|ul|td|tr)\b[^>]*>|&(?:amp|lt|gt|quot|nbsp|#\d+);", re.IGNORECASE)

Finding = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """A table and what was counted in it."""

    table: Table
    texts: list[str]  # both of a pair
    counts: Array
    duplicates: list[list[int]]
    conflicts: list[list[int]]
    different: int
    words: Array
    tokens: Array
    max_tokens: int
    unknown: float
    clues: list[Giveaway]
    others: Mapping[str, Table]
    overlaps: list[list[tuple[int, int]]]

    def rows(self, indices: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.table.rows[index] for index in indices)


@checked
def data_report(
    table: Table,
    model: Model | None = None,
    *,
    others: Mapping[str, Table] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> DataReport:
    """What a model trained on this table would stumble over: ``data_report(train, model, others={"test": test})``.

    Rows that cannot be used, classes and their balance, texts that are equal (with one label or with two), and words
    that give the label away though nothing else in the text speaks for it: a shortcut, which a model takes before it
    learns anything else (Gururangan et al. 2018; Bastings et al. 2022). With a model, its limit of tokens and its
    vocabulary as well. ``others`` are development and test sets by name: texts that stand in both, labels that are
    missing. Texts count as equal if only case and white space differ. No forward pass; seconds for 100,000 texts.
    Raises OptionError for others of another kind, and StoppedError when ``cancelled()``.
    """

    def go_on() -> None:
        if cancelled is not None and cancelled():
            raise StoppedError("the report on the data was stopped")

    others = dict(others or {})
    for name, other in others.items():
        if other.kind != table.kind:
            raise OptionError(f"{name!r} is a table for {other.kind}, but the table to report on is for {table.kind}")
    keys = _keys(table)
    groups: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    repeated = [group for group in groups.values() if len(group) > 1]
    same = [group for group in repeated if not table.labels or len({table.labels[index] for index in group}) == 1]
    different = [group for group in repeated if table.labels and len({table.labels[index] for index in group}) > 1]
    tokens, unknown = _tokens(table, model, go_on) if model is not None else (np.zeros(0), 0.0)
    classes = table.kind == "classification"
    texts = [f"{text} {table.pairs[index]}" if table.pairs else text for index, text in enumerate(table.texts)]
    go_on()
    clues = giveaways(texts, table.labels, len(table.label_names), go_on) if classes else []
    go_on()
    looked = _Looked(
        table=table,
        texts=texts,
        counts=_counts(table, table.label_names),
        duplicates=same,
        conflicts=different,
        different=len(groups),
        words=np.asarray([len(text.split()) for text in texts]),
        tokens=tokens,
        max_tokens=0 if model is None else model.max_tokens,
        unknown=unknown,
        clues=clues,
        others=others,
        overlaps=[
            [
                (table.rows[groups[key][0]], row)
                for row, key in zip(other.rows, _keys(other), strict=True)
                if key in groups
            ]
            for other in others.values()
        ],
    )
    found = [finding for look in _LOOKS for finding in look(looked)]
    return DataReport(
        kind=table.kind,
        source=table.source,
        label_names=table.label_names,
        rows=len(table),
        bad_rows=tuple((bad.row, bad.column, bad.reason) for bad in table.bad_rows),
        findings=tuple(sorted(found, key=lambda finding: _SEVERITIES.index(finding[0]))),
        class_counts=looked.counts,
        scores=np.asarray(table.labels if table.kind == "regression" else ()),
        words=looked.words,
        tokens=tokens,
        max_tokens=looked.max_tokens,
        unknown=unknown,
        duplicates=tuple(looked.rows(group) for group in same),
        conflicts=tuple(looked.rows(group) for group in different),
        others=tuple(others),
        other_rows=tuple(len(other) for other in others.values()),
        other_counts=np.asarray([_counts(other, table.label_names) for other in others.values()]),
        overlaps=tuple(map(tuple, looked.overlaps)),
        giveaways=tuple(clue.word for clue in clues),
        giveaway_labels=np.asarray([clue.label for clue in clues]),
        giveaway_rows=np.asarray([clue.rows for clue in clues]),
        giveaway_shares=np.asarray([clue.share for clue in clues]),
        giveaway_p_values=np.asarray([clue.p_value for clue in clues]),
        giveaway_backed=np.asarray([clue.backed for clue in clues]),
        giveaway_usual=np.asarray([clue.usual for clue in clues]),
        giveaway_suspicious=np.asarray([clue.suspicious for clue in clues]),
    )


# --- what is counted --------------------------------------------------------------------------------------------------


def _keys(table: Table) -> list[tuple[str, str]]:
    """What equal texts have in common."""

    def key(text: str) -> str:
        return " ".join(text.casefold().split())

    pairs = table.pairs or ("",) * len(table)
    return [(key(text), key(pair)) for text, pair in zip(table.texts, pairs, strict=True)]


def _counts(table: Table, label_names: Sequence[str]) -> Array:
    """(class,): texts of each of these classes; of tokens, words of each tag."""
    if not label_names:
        return np.zeros(0, dtype=np.int64)
    labels: Iterator[Any] = iter(table.labels)
    if table.kind != "classification":
        labels = (one for label in table.labels for one in label)
    counts = Counter(table.label_names[label] for label in labels)
    return np.asarray([counts[name] for name in label_names])


def _tokens(table: Table, model: Model, go_on: Callable[[], None]) -> tuple[Array, float]:
    """(row,): tokens with special ones; and the share of unknown ones among all."""
    lengths: list[int] = []
    unknown = 0
    for start in range(0, len(table), _AT_ONCE):
        go_on()
        parts = [list(texts[start : start + _AT_ONCE]) for texts in (table.texts, table.pairs) if texts]
        for ids in tokenized(model, *parts, return_attention_mask=False, verbose=False)["input_ids"]:
            lengths.append(len(ids))
            unknown += ids.count(model.tokenizer.unk_token_id)
    return np.asarray(lengths), unknown / max(1, sum(lengths))


# --- what is found ----------------------------------------------------------------------------------------------------


def _unusable(looked: _Looked) -> Iterator[Finding]:
    bad = looked.table.bad_rows
    if not bad:
        return
    reasons = Counter(f"{one.reason} (column {_quoted(one.column)})" if one.column else one.reason for one in bad)
    named = "; ".join(f"{count:,} × {clipped(reason, 90)}" for reason, count in reasons.most_common(_MOST_NAMED))
    more = f"; and {len(reasons) - _MOST_NAMED} other reasons" if len(reasons) > _MOST_NAMED else ""
    severity = "error" if len(bad) > len(looked.table) else "warning"
    cannot = "cannot be used and is" if len(bad) == 1 else "cannot be used and are"
    yield severity, f"{counted(len(bad), 'row')} {cannot} left out: {named}{more}.", tuple(one.row for one in bad)


def _size(looked: _Looked) -> Iterator[Finding]:
    count = len(looked.table)
    if looked.different == 1 and count > 1:
        yield "error", f"All {count:,} texts are equal: there is nothing to learn from.", ()
    elif count < _FEW_ROWS:
        yield "note", f"There are only {counted(count, 'row')}: results will depend on chance.", ()


def _classes(looked: _Looked) -> Iterator[Finding]:
    table, counts = looked.table, looked.counts
    if table.kind not in ("classification", "multi_label"):
        return
    there = np.flatnonzero(counts)
    if not len(there):
        yield "error", "No text has a label: there is nothing to learn.", ()
        return
    if table.kind == "classification" and len(there) == 1:
        yield (
            "error",
            f"All texts have the label {_quoted(table.label_names[there[0]])}: there is nothing to tell apart.",
            (),
        )
        return
    for severity, chosen, sentence in (
        ("warning", counts == 0, "no example: the model cannot learn {them}"),
        ("warning", counts == 1, "one example: it is either trained on or evaluated, never both"),
        ("note", (counts > 1) & (counts < _FEW_EXAMPLES), f"fewer than {_FEW_EXAMPLES} examples"),
    ):
        places = np.flatnonzero(chosen)
        if len(places):
            have = "1 class has" if len(places) == 1 else f"{len(places):,} classes have"
            told = sentence.format(them="it" if len(places) == 1 else "them")
            names = _listed([table.label_names[place] for place in places])
            yield severity, f"{have} {told} ({names}).", _with_labels(table, set(places.tolist()))
    largest, smallest = int(counts.max()), int(counts[there].min())
    if table.kind == "classification" and largest >= _UNBALANCED * smallest:
        name, share = table.label_names[int(counts.argmax())], largest / len(table)
        advice = "Accuracy alone misleads: look" if share > 0.5 else "Look"
        yield (
            "note",
            f"The classes are unbalanced: {_quoted(name)} has {largest:,} texts ({share:.0%}), the smallest class "
            f"{smallest:,}. {advice} at the F1 of each class, and consider class weights.",
            (),
        )
    spelled: dict[str, list[str]] = {}
    for name in table.label_names:
        spelled.setdefault(" ".join(re.split(r"[\s_-]+", name.casefold().strip())), []).append(name)
    for alike in spelled.values():
        if len(alike) > 1:
            yield (
                "warning",
                f"The labels {_listed(alike)} differ only in their spelling, and count as different classes.",
                _with_labels(table, {table.label_names.index(name) for name in alike}),
            )


def _with_labels(table: Table, numbers: set[int]) -> tuple[int, ...]:
    of_rows = ((label,) if table.kind == "classification" else label for label in table.labels)
    return tuple(row for row, labels in zip(table.rows, of_rows, strict=True) if numbers.intersection(labels))


def _scores(looked: _Looked) -> Iterator[Finding]:
    if looked.table.kind == "regression" and len(set(looked.table.labels)) == 1:
        yield "error", f"All labels are {looked.table.labels[0]:g}: there is nothing to predict.", ()


def _equal_texts(looked: _Looked) -> Iterator[Finding]:
    table = looked.table
    if looked.conflicts:
        first = looked.conflicts[0]
        example = f"{_quoted(table.texts[first[0]], 60)}, rows {_numbers(looked.rows(first))}"
        count = counted(len(looked.conflicts), "text")
        stand = "stands in several rows" if len(looked.conflicts) == 1 else "stand in several rows"
        yield (
            "warning",
            f"{count} {stand} with different labels ({example}): at most one label can be right for a model.",
            looked.rows([index for group in looked.conflicts for index in group]),
        )
    if looked.duplicates and looked.different > 1:
        more = sum(len(group) - 1 for group in looked.duplicates)
        are = "is a repetition" if more == 1 else "are repetitions"
        yield (
            "note",
            f"{counted(more, 'row')} ({more / len(table):.1%}) {are} of the same text with the same label.",
            looked.rows([index for group in looked.duplicates for index in group]),
        )


def _lengths(looked: _Looked) -> Iterator[Finding]:
    if not len(looked.tokens):
        return
    over = np.flatnonzero(looked.tokens > looked.max_tokens)
    if len(over):
        have = "1 text has" if len(over) == 1 else f"{len(over):,} texts ({len(over) / len(looked.tokens):.1%}) have"
        read = "in windows" if looked.table.kind == "spans" else "only up to there"
        yield (
            "warning",
            f"{have} more than the {looked.max_tokens:,} tokens that the model reads, at most "
            f"{int(looked.tokens.max()):,}: in training it reads them {read}.",
            looked.rows(over.tolist()),
        )
    if looked.unknown > _MUCH_UNKNOWN:
        yield (
            "warning",
            f"{looked.unknown:.1%} of the tokens are not in the model's vocabulary: is it a model for this language?",
            (),
        )


def _writing(looked: _Looked) -> Iterator[Finding]:
    for severity, pattern, sentence in (
        ("warning", _WRONG_ENCODING, "has characters of a wrong encoding, such as Ã© for é: write the file as UTF-8."),
        ("note", _MARKUP, "contains HTML, such as <br> or &amp;, which the model reads as text."),
    ):
        found = [index for index, text in enumerate(looked.texts) if pattern.search(text)]
        if found:
            verb = sentence if len(found) == 1 else sentence.replace("has ", "have ").replace("contains", "contain")
            yield severity, f"{counted(len(found), 'text')} {verb}", looked.rows(found)


def _giveaways(looked: _Looked) -> Iterator[Finding]:
    table = looked.table
    suspicious = [clue for clue in looked.clues if clue.suspicious]
    for clue in suspicious[:_MOST_NAMED]:
        label = table.label_names[clue.label]
        of_them = "all of them" if clue.share == 1 else f"{clue.share:.1%} of them"
        rows = [index for index, text in enumerate(looked.texts) if clue.word in words_in(text)]
        yield (
            "warning",
            f"The word {_quoted(clue.word)} gives the label away: it stands in {clue.rows:,} texts, {of_them} "
            f"{_quoted(label)}, and their other words do not speak for it. A model learns this "
            "shortcut first: find out how the word came in.",
            looked.rows(rows),
        )
    if len(suspicious) > _MOST_NAMED:
        yield "warning", f"{len(suspicious) - _MOST_NAMED} more words give the label away in this manner.", ()
    topics = [clue.word for clue in looked.clues if not clue.suspicious]
    if topics:
        stand = "1 word stands" if len(topics) == 1 else f"{len(topics)} words stand"
        yield (
            "note",
            f"{stand} in texts of nearly one class only ({_listed(topics)}). The other words of these texts speak for "
            "it too: a matter of topic.",
            (),
        )


def _in_both(looked: _Looked) -> Iterator[Finding]:
    for (name, other), both in zip(looked.others.items(), looked.overlaps, strict=True):
        if both:
            stand = "1 text" if len(both) == 1 else f"{len(both):,} texts ({len(both) / len(other):.1%})"
            verb = "stands" if len(both) == 1 else "stand"
            yield (
                "warning",
                f"{stand} of {_quoted(name)} {verb} in the training data too: the evaluation will look better than it "
                "is.",
                tuple(dict.fromkeys(here for here, _ in both)),
            )
        lacking = [label for label in other.label_names if label not in looked.table.label_names]
        if lacking:
            yield "warning", f"{_quoted(name)} has labels that the training data lack: {_listed(lacking)}.", ()
        counts = _counts(other, looked.table.label_names)
        missing = [
            label
            for label, here, there in zip(looked.table.label_names, looked.counts, counts, strict=True)
            if here and not there
        ]
        if missing:
            have = "1 class has" if len(missing) == 1 else f"{len(missing)} classes have"
            yield (
                "note",
                f"{have} no example in {_quoted(name)}, so nothing is measured there ({_listed(missing)}).",
                (),
            )


def _quoted(text: str, characters: int = 40) -> str:
    return f"“{clipped(' '.join(text.split()), characters)}”"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(_quoted, names[:_MOST_NAMED]))
    return f"{shown} and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else shown


def _numbers(rows: Sequence[int]) -> str:
    shown = ", ".join(f"{row:,}" for row in rows[:_MOST_NAMED])
    return f"{shown} and {len(rows) - _MOST_NAMED:,} more" if len(rows) > _MOST_NAMED else shown


_LOOKS: tuple[Callable[[_Looked], Iterator[Finding]], ...] = (
    *(_unusable, _size, _classes, _scores, _equal_texts, _giveaways, _in_both, _lengths, _writing),
)
