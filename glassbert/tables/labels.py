"""From the cells of the label column to labels: of which kind they are, and what each row's is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from glassbert.errors import TableError
from glassbert.tables.cells import DamageError, is_missing, label_of, list_of, number_of
from glassbert.tables.contents import Kind

__all__ = ["MOST_CLASSES", "Labels", "answers_of", "kind_of", "labels_of", "tags_of"]

#: More are no classification that an encoder of this size learns, but a column of something else.
MOST_CLASSES = 200
_FEW = 20
#: If so many of the labels are numbers, the others are damage and no classes.
_MOSTLY = 0.9
_INTEGER = re.compile(r"[+-]?\d+(\.0+)?")
_SEPARATORS = ("|", ";", ",")


@dataclass(frozen=True, slots=True)
class Labels:
    """One entry per row: its label, or a string in words about what is wrong with it."""

    values: list[Any]
    names: tuple[str, ...]


def kind_of(cells: Sequence[Any], *, named: bool) -> Kind:
    """Classes, several classes a row, or numbers. ``named``: the names of classes are known."""
    present = [cell for cell in cells if not is_missing(cell)]
    lists = sum(_is_list(cell) for cell in present)
    if present and lists >= _MOSTLY * len(present):
        return "multi_label"
    if named or not present:
        return "classification"
    numbers = [number for cell in present if (number := _number(cell)) is not None]
    if len(numbers) < _MOSTLY * len(present):
        return "classification"
    different = len(set(numbers))
    whole = all(number.is_integer() for number in numbers)
    few = different <= _FEW or (different <= MOST_CLASSES and different <= len(numbers) / 5)
    return "classification" if whole and few else "regression"


def _is_list(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().startswith("[") and cell.strip().endswith("]")
    return isinstance(cell, list | tuple | set | frozenset) or getattr(cell, "ndim", 0) == 1


def _number(cell: Any) -> float | None:
    """A finite number that is no truth value; None for anything else."""
    if isinstance(cell, bool) or type(cell).__name__ == "bool":
        return None
    try:
        return number_of(cell)
    except DamageError:
        return None


def labels_of(kind: Kind, cells: Sequence[Any], known: Sequence[str], class_names: Sequence[str]) -> Labels:
    """The labels of texts. ``known``: the only names that are valid; ``class_names``: those that numbers stand for.

    Raises TableError for more than 200 classes.
    """
    if kind == "regression":
        return Labels(_in_words([_tried(number_of, cell) for cell in cells]), ())
    if kind == "classification":
        one = _one_of(cells)
        return _numbered([_tried(one, cell) for cell in cells], known, class_names)
    several = _listed(cells)
    return _several([_tried(several, cell) for cell in cells], known, class_names)


def _tried(read: Callable[[Any], Any], cell: Any) -> Any:
    """What is read, or the damage itself."""
    try:
        return read(cell)
    except DamageError as damage:
        return damage


def _one_of(cells: Sequence[Any]) -> Callable[[Any], str]:
    """How a class is read: where nearly all are whole numbers, anything else is damage, and 1.0 is 1."""
    present = [cell for cell in cells if not is_missing(cell)]
    whole = sum(isinstance(cell, str) and bool(_INTEGER.fullmatch(cell.strip())) for cell in present)
    if not present or whole < _MOSTLY * len(present):
        return label_of

    def integer(cell: Any) -> str:
        label = label_of(cell)
        if not _INTEGER.fullmatch(label):
            raise DamageError(f"{label[:40]!r} is not a whole number as the other labels are")
        return str(int(float(label)))

    return integer


def _listed(cells: Sequence[Any]) -> Callable[[Any], list[str]]:
    """How several classes are read: lists, or names with the separator that most cells have; empty: none of them."""
    strings = [cell for cell in cells if isinstance(cell, str) and not _is_list(cell)]
    counts = {separator: sum(separator in cell for cell in strings) for separator in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda one: counts[one])

    def read(cell: Any) -> list[str]:
        if is_missing(cell):
            return []
        if isinstance(cell, str) and not _is_list(cell):
            return [label_of(part) for part in cell.split(separator) if part.strip()]
        return [label_of(one) for one in list_of(cell)]

    return read


def _numbered(labels: list[Any], known: Sequence[str], class_names: Sequence[str]) -> Labels:
    names, translate = _naming([label for label in labels if isinstance(label, str)], known, class_names)
    place = {name: number for number, name in enumerate(names)}
    values = [_placed(translate, place, label) if isinstance(label, str) else label for label in labels]
    return Labels(_in_words(values), names)


def _several(labels: list[Any], known: Sequence[str], class_names: Sequence[str]) -> Labels:
    every = [one for label in labels if isinstance(label, list) for one in label]
    names, translate = _naming(every, known, class_names)
    place = {name: number for number, name in enumerate(names)}
    values: list[Any] = []
    for label in labels:
        found = [_placed(translate, place, one) for one in label] if isinstance(label, list) else label
        damage = next((one for one in found if isinstance(one, DamageError)), None) if isinstance(found, list) else None
        values.append(damage or (tuple(sorted(set(found))) if isinstance(found, list) else found))
    return Labels(_in_words(values), names)


def _placed(translate: Callable[[str], str], place: dict[str, int], label: str) -> int | DamageError:
    name = translate(label)
    if name in place:
        return place[name]
    return DamageError(f"{label[:40]!r} is not one of the {len(place)} known labels")


def _in_words(values: list[Any]) -> list[Any]:
    return [str(value) if isinstance(value, DamageError) else value for value in values]


def _naming(
    labels: list[str], known: Sequence[str], class_names: Sequence[str]
) -> tuple[tuple[str, ...], Callable[[str], str]]:
    """The names in order, and from what stands in a cell to one of them."""
    by_number = known or class_names
    numbers = bool(by_number) and all(label.isdecimal() for label in labels)
    if class_names and known and numbers:
        by_number = class_names  # this source's own numbers
    if numbers and not set(labels) <= set(known):

        def translate(label: str) -> str:
            return by_number[int(label)] if int(label) < len(by_number) else label

    else:

        def translate(label: str) -> str:
            return label

    if known or (class_names and numbers):
        return tuple(known or class_names), translate
    counts = Counter(labels)
    if len(counts) > MOST_CLASSES:
        raise TableError(
            f"the label column has {len(counts):,} different values, and a classification has at most {MOST_CLASSES}: "
            "name another column with label=, or say kind='regression' or kind='texts'"
        )
    return _in_order(counts), translate


def _in_order(names: Counter[str]) -> tuple[str, ...]:
    """Numbers by size, names by the alphabet."""
    if all(_INTEGER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


# --- words and their tags, answers ----------------------------------------------------------------------------------


def tags_of(
    words: Sequence[Any], tags: Sequence[Any], known: Sequence[str], class_names: Sequence[str]
) -> tuple[list[tuple[str, ...] | str], Labels]:
    """The words of each row and a label for each word; lists, or strings with blanks between them."""
    read = [_tried(_words, cell) for cell in words]
    labels = [_tried(_words, cell) for cell in tags]
    for place, (row, label) in enumerate(zip(read, labels, strict=True)):
        if isinstance(row, list) and isinstance(label, list) and len(row) != len(label):
            labels[place] = DamageError(f"{len(label)} tags for {len(row)} words")
    every = [one for label in labels if isinstance(label, list) for one in label]
    names, translate = _naming(every, known, class_names)
    if not known and "O" in names and not class_names:
        names = ("O", *(name for name in names if name != "O"))
    place_of = {name: number for number, name in enumerate(names)}
    values: list[Any] = []
    for label in labels:
        found = [_placed(translate, place_of, one) for one in label] if isinstance(label, list) else label
        damage = next((one for one in found if isinstance(one, DamageError)), None) if isinstance(found, list) else None
        values.append(damage or (tuple(found) if isinstance(found, list) else found))
    return [tuple(row) if isinstance(row, list) else str(row) for row in read], Labels(_in_words(values), names)


def _words(cell: Any) -> list[str]:
    if is_missing(cell):
        raise DamageError("the cell is empty")
    items = cell.split() if isinstance(cell, str) and not _is_list(cell) else list_of(cell)
    words = []
    for place, item in enumerate(items, start=1):
        try:
            words.append(label_of(item))
        except DamageError:
            raise DamageError(f"word {place} is empty or not a string") from None
    if not words:
        raise DamageError("the list is empty")
    return words


def answers_of(cell: Any, start: Any, context: str) -> tuple[tuple[int, str], ...]:
    """The answers (start, text) in this context: SQuAD's dictionary, a list of answers, or one text and its start.

    An answer without a start must occur once. Raises DamageError.
    """
    if isinstance(cell, str) and cell.strip().startswith(("{", "[")):
        cell = _tried(list_of, cell) if cell.strip().startswith("[") else _object(cell)
        if isinstance(cell, DamageError):
            raise cell
    if is_missing(cell):
        return ()
    if isinstance(cell, dict):
        texts = cell.get("text", [])
        starts = cell.get("answer_start", cell.get("start", []))
        pairs = list(zip(_as_list(texts), _as_list(starts), strict=False))
        if len(_as_list(texts)) != len(_as_list(starts)):
            raise DamageError(f"{len(_as_list(texts))} answers but {len(_as_list(starts))} starts")
    elif isinstance(cell, str):
        pairs = [(cell, start)]
    else:
        pairs = [
            (one.get("text"), one.get("start", one.get("answer_start"))) if isinstance(one, dict) else (one, None)
            for one in list_of(cell)
        ]
    return tuple(dict.fromkeys(_answer(text, begin, context) for text, begin in pairs))


def _object(cell: str) -> Any:
    found = list_of(f"[{cell}]")
    return found[0] if found else None


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str | int) else list_of(value)


def _answer(text: Any, start: Any, context: str) -> tuple[int, str]:
    if not isinstance(text, str) or not text.strip():
        raise DamageError("an answer is empty or not a text")
    if is_missing(start):
        count = context.count(text)
        if count != 1:
            where = f"occurs {count} times" if count else "is not"
            raise DamageError(f"the answer {text[:40]!r} {where} in the context, and where it starts is not said")
        return context.index(text), text
    at = number_of(start)
    if not at.is_integer() or at < 0 or context[int(at) : int(at) + len(text)] != text:
        raise DamageError(f"the answer {text[:40]!r} is not at character {at:g} of the context")
    return int(at), text
