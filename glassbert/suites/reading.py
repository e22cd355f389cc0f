"""``read_suite``: tests of behaviour from a file that people write, with every mistake named where it stands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with transformers

from glassbert.arguments import checked
from glassbert.errors import TableError
from glassbert.pictures.markup import clipped
from glassbert.suites.contents import (
    CASES,
    CHARACTERS,
    EXPECTED,
    KINDS,
    LISTS,
    SCORINGS,
    TESTS,
    WORDS,
    Case,
    Suite,
    SuiteTest,
    WordList,
    slots_of,
)
from glassbert.suites.on_board import SUITES, path_of
from glassbert.tables.files import UNREADABLE, Limits, opened_text
from glassbert.tables.records import records_of

__all__ = ["read_suite"]

_LIMITS = Limits(rows=CASES, size_bytes=5_000_000)
#: The deepest that a suite nests is lists → list → group → word.
_DEPTH = 8
_SUITE = ("name", "about", "licence", "flaws", "labels", "lists", "tests")
_TEST = tuple(field.name for field in fields(SuiteTest))
_CASE = tuple(field.name for field in fields(Case))
#: The columns of a table of tests beside those of a case.
_COLUMNS = ("test", "kind", "label", "expect", "tolerance", "scoring", "chance")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}
#: Where a value stands: the keys and places that lead to it.
_Place = tuple[str | int, ...]


class _MistakeError(Exception):
    """What is wrong at a place of a suite."""

    def __init__(self, place: _Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place


@checked
def read_suite(path: str | os.PathLike[str]) -> Suite:
    """Read tests of behaviour from a file, or one of the suites on board by its name, such as "sentiment_names".

    A suite is a YAML file (``.yaml``, ``.yml``; JSON is YAML too)::

        name: bank_bot
        lists:
          name: {female: [Mary, Fatima], male: [John, Wei]}   # words in groups
          thing: [card, account, loan]                        # or without
        tests:
        - name: A name changes nothing
          kind: invariance
          swap: name
          cases: ["{name} wants to close the {thing}.", "Please call {name} back."]
        - name: Not turns praise
          kind: direction
          label: positive
          cases: [["The {thing} is good.", "The {thing} is not good."]]
        - name: Plain praise
          kind: minimum_ability
          label: positive
          cases: ["I love this {thing}.", {text: "I hate this {thing}.", label: negative}]

    A case is a text, a list of a text and its ``variant``, or has the keys ``text``, ``variant``, ``label`` and
    ``group``. ``{thing}`` is a slot, filled from the list of this name. The kinds of tests, after CheckList (Ribeiro et
    al. 2020), fail as follows:

    - "invariance": the answer differs between a text and its variant, or the probability of the text's answer by more
      than ``tolerance`` (0.1). The variant is the case's own, or made by the test: ``swap: name`` puts another word of
      the list into the slot {name}, or, in a text without the slot, in place of a word of the list, once for each group
      of the list; ``by_position: true`` exchanges all words of a group with those at the same places of another group
      (he, his with she, her); ``typos: 1`` swaps two neighbouring letters in so many words; ``before`` and ``after``
      are lists of phrases to be put in front and behind;
    - "direction": the probability of ``label`` (without one: of the text's answer) rises by more than ``tolerance``
      from text to variant, or with ``expect: higher`` falls; texts of which it cannot, because it is within the
      tolerance of 1 or 0, are not counted. The variant is given or made as above;
    - "minimum_ability": the answer is not the label of the case, or else of the test;
    - "minimal_pair": a masked-word model prefers the variant: it has the higher pseudo-log-likelihood. ``scoring``
      "all" sums the log probability of every token, each masked in turn (Salazar et al. 2020); "unmodified" only of
      those that both sentences share (Nangia et al. 2020), so that how frequent the exchanged words are by themselves
      does not count. ``chance: 0.5`` says which failure rate is the one of a model without any preference.

    ``most`` (200) bounds the examples made of a test. The suite may have ``about``, ``licence`` and ``flaws``, and in
    ``labels`` other names that a model may use for a label: ``{positive: [pos, LABEL_1]}``.

    Any other file is read as a table (CSV, TSV, JSON lines, Parquet), one case a row, with the columns ``test`` and
    ``kind`` (where they are empty, as in the row above), ``text``, and as needed ``variant``, ``label``, ``group``,
    ``expect``, ``tolerance``, ``scoring``, ``chance``. A table has no lists: braces in it are just text.

    All values are text as written; aliases (``*name``) are not allowed. At most 200 tests, 20,000 cases, 100 lists of
    1,000 words, 10,000 characters a text, 5 MB. Raises TableError, which names line or row and column.
    """
    source = Path(path)
    if isinstance(path, str) and path in SUITES and not source.exists():
        source = path_of(path)
    if not source.exists():
        raise TableError(f"there is no file {source}; the suites on board are {', '.join(SUITES)}")
    if source.suffix.lower() in (".yaml", ".yml", ".json"):
        return _of_yaml(source)
    return _of_table(source)


# --- YAML -----------------------------------------------------------------------------------------------------------

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _of_yaml(path: Path) -> Suite:
    with opened_text(path, _LIMITS) as lines:
        written = lines.read()
    if UNREADABLE in written:
        raise TableError(f"{path.name} has bytes that are not of its encoding: save it as UTF-8")
    at: dict[_Place, int] = {}
    try:
        data = _plain(_composed(written), (), at)
        return _suite(data, path.stem)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise TableError(f"{path.name} is not YAML{where}: {problem}") from error
    except _MistakeError as mistake:
        place = mistake.place
        while place not in at:
            place = place[:-1]
        raise TableError(f"{path.name}, line {at[place]}{_named(mistake.place)}: {mistake}") from mistake


def _named(place: _Place) -> str:
    """``("tests", 2, "kind") → " (tests, 3, kind)"``."""
    parts = ", ".join(clipped(str(one + 1 if isinstance(one, int) else one), 60) for one in place)
    return f" ({parts})" if parts else ""


def _composed(written: str) -> Any:
    """The nodes of a document, which is neither deep nor has aliases, by which a small file becomes huge."""
    depth = 0
    for event in yaml.parse(written, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH:
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=event.start_mark)
    return yaml.compose(written, Loader=_Loader)


def _plain(node: Any, place: _Place, at: dict[_Place, int]) -> Any:
    """Dictionaries, lists and strings: a name like No or Null is no other value, and a version is no number."""
    if node is None:
        at[place] = 1
        return ""
    at[place] = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, number), at) for number, item in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _MistakeError(place, "a key must be a word")
        at[*place, key.value] = key.start_mark.line + 1
        if key.value in found:
            raise _MistakeError((*place, key.value), "the key is there twice")
        found[key.value] = _plain(value, (*place, key.value), at)
    return found


# --- a table ---------------------------------------------------------------------------------------------------------


def _of_table(path: Path) -> Suite:
    records = records_of(path, None, _LIMITS)
    for needed in ("test", "kind", "text"):
        if needed not in records.columns:
            raise TableError(
                f"{path.name} has no column {needed!r}; its columns are {', '.join(map(repr, records.columns[:20]))}"
            )
    if unknown := [one for one in records.columns if one not in (*_COLUMNS, *_CASE)]:
        valid = ", ".join((*_COLUMNS[:2], *_CASE, *_COLUMNS[3:]))
        raise TableError(f"{path.name} has the column {unknown[0]!r}, which means nothing; the columns are {valid}")
    tests: dict[str, dict[str, Any]] = {}
    rows: dict[tuple[int, int], int] = {}  # test, case → the row it stands in
    row = 0
    try:
        test = kind = ""
        for row, values in records.rows:
            if isinstance(values, str):
                raise _MistakeError((), values)
            cells = {name: _cell(name, value) for name, value in zip(records.columns, values, strict=True)}
            test = cells["test"] or test
            kind = cells["kind"] or (tests[test]["kind"] if test in tests else kind)
            for name, value in {"test": test, "kind": kind}.items():
                if not value:
                    raise _MistakeError((name,), "the cell is empty, and so are those above")
            own = tests.setdefault(test, {"name": test, "cases": []})
            for name, value in {"kind": kind, **{name: cells.get(name) for name in _COLUMNS[3:]}}.items():
                if value and own.setdefault(name, value) != value:
                    raise _MistakeError((name,), f"the test {clipped(test, 60)!r} has {own[name]!r} in a row above")
            rows[list(tests).index(test), len(own["cases"])] = row
            own["cases"].append({name: cells[name] for name in _CASE if cells.get(name)})
            if len(rows) > CASES:
                raise _MistakeError((), f"a suite has at most {CASES:,} cases")
            if len(tests) > TESTS:
                raise _MistakeError(("test",), f"a suite has at most {TESTS} tests")
        row = 0
        return _suite({"tests": list(tests.values())}, path.stem, templates=False)
    except _MistakeError as mistake:
        place = mistake.place
        column = next((part for part in reversed(place) if isinstance(part, str) and part in records.columns), "")
        numbers = [part for part in place if isinstance(part, int)]
        if numbers:
            row = rows.get((numbers[0], numbers[1] if len(numbers) > 1 else 0), row)
        where = f", row {row:,}" if row else ""
        shown = f", column {column!r}" if column else ""
        raise TableError(f"{path.name}{where}{shown}: {mistake}") from mistake


def _cell(column: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    written = value if isinstance(value, str) else str(value)
    if UNREADABLE in written:
        raise _MistakeError((column,), "the cell has bytes that are not of the file's encoding")
    return written.strip()


# --- what both hold -------------------------------------------------------------------------------------------------


def _suite(data: Any, stem: str, *, templates: bool = True) -> Suite:
    """The suite of plain data. Raises _MistakeError."""
    own = _keys(data, (), _SUITE, "a suite")
    if not own.get("tests"):
        raise _MistakeError((), "a suite needs a list of tests")
    lists = _lists(own.get("lists") or {}, ("lists",))
    tests: list[SuiteTest] = []
    cases = 0
    for number, one in enumerate(_items(own["tests"], ("tests",), TESTS, "tests")):
        test = _test(one, ("tests", number), lists if templates else None)
        cases += len(test.cases)
        if cases > CASES:
            raise _MistakeError(("tests", number), f"a suite has at most {CASES:,} cases")
        if any(test.name == other.name for other in tests):
            raise _MistakeError(("tests", number, "name"), f"two tests have the name {test.name!r}")
        tests.append(test)
    labels = own.get("labels") or {}
    if not isinstance(labels, Mapping):
        raise _MistakeError(("labels",), "labels are names with lists of other names")
    return Suite(
        name=_text(own.get("name") or stem, ("name",)),
        tests=tuple(tests),
        **{key: _text(own.get(key, ""), (key,)) for key in ("about", "licence", "flaws")},
        lists=MappingProxyType(lists),
        labels=MappingProxyType({key: _words(value, ("labels", key)) for key, value in labels.items()}),
    )


def _lists(data: Any, place: _Place) -> dict[str, WordList]:
    if not isinstance(data, Mapping):
        raise _MistakeError(place, "lists are names with words: thing: [card, account]")
    if len(data) > LISTS:
        raise _MistakeError(place, f"a suite has at most {LISTS} lists")
    found = {}
    for name, value in data.items():
        here = (*place, name)
        if slots_of(f"{{{name}}}") != (name,):
            raise _MistakeError(here, "the name of a list is made of letters, digits and _, a letter first")
        groups = value if isinstance(value, Mapping) else {"": value}
        words = {
            group: _words(own, (*here, group) if isinstance(value, Mapping) else here) for group, own in groups.items()
        }
        if not words or ("" in words and isinstance(value, Mapping)):
            raise _MistakeError(here, "every group of a list needs a name")
        if sum(map(len, words.values())) > WORDS:
            raise _MistakeError(here, f"a list has at most {WORDS:,} words")
        found[name] = WordList(MappingProxyType(words))
    return found


def _test(data: Any, place: _Place, lists: Mapping[str, WordList] | None) -> SuiteTest:
    own = _keys(data, place, _TEST, "a test")
    for needed in ("name", "kind", "cases"):
        if not own.get(needed):
            raise _MistakeError(place, f"a test needs {needed!r}")
    kind = _choice(own["kind"], (*place, "kind"), KINDS)
    test = SuiteTest(
        name=_text(own["name"], (*place, "name"), 200),
        kind=kind,  # type: ignore[arg-type]
        cases=tuple(
            _case(one, (*place, "cases", number))
            for number, one in enumerate(_items(own["cases"], (*place, "cases"), CASES, "cases"))
        ),
        about=_text(own.get("about", ""), (*place, "about")),
        swap=_text(own.get("swap", ""), (*place, "swap")),
        by_position=_flag(own.get("by_position", "false"), (*place, "by_position")),
        typos=int(_number(own.get("typos", "0"), (*place, "typos"), 0, 20, whole=True)),
        before=_words(own["before"], (*place, "before")) if "before" in own else (),
        after=_words(own["after"], (*place, "after")) if "after" in own else (),
        label=_text(own.get("label", ""), (*place, "label")),
        expect=_choice(own.get("expect", EXPECTED[0]), (*place, "expect"), EXPECTED),  # type: ignore[arg-type]
        tolerance=_number(own.get("tolerance", "0.1"), (*place, "tolerance"), 0, 1),
        scoring=_choice(own.get("scoring", SCORINGS[0]), (*place, "scoring"), SCORINGS),  # type: ignore[arg-type]
        chance=_number(own["chance"], (*place, "chance"), 0, 1) if "chance" in own else None,
        most=int(_number(own.get("most", "200"), (*place, "most"), 1, CASES, whole=True)),
    )
    _fits(test, place, lists)
    return test


def _fits(test: SuiteTest, place: _Place, lists: Mapping[str, WordList] | None) -> None:
    """Raise _MistakeError unless the parts of a test make sense together."""
    compares = test.kind in ("invariance", "direction")
    if test.changes_texts and not compares:
        raise _MistakeError(place, f"a test of kind {test.kind!r} makes no variants: leave swap, typos, before, after")
    if test.swap and test.swap not in (lists or {}):
        raise _MistakeError((*place, "swap"), f"there is no list {test.swap!r}")
    if test.by_position:
        groups = (lists or {})[test.swap].groups if test.swap else {}
        if len(groups) < 2 or len({len(words) for words in groups.values()}) != 1:
            raise _MistakeError((*place, "by_position"), "needs swap with a list whose groups have equally many words")
    elif test.swap and len(set((lists or {})[test.swap].words)) < 2:
        raise _MistakeError((*place, "swap"), f"the list {test.swap!r} needs two words or more")
    for number, case in enumerate(test.cases):
        here = (*place, "cases", number)
        if test.changes_texts == bool(case.variant) and compares:
            reason = (
                "the test makes the variant: give none" if case.variant else "needs a variant, or a test that makes it"
            )
            raise _MistakeError((*here, "variant"), reason)
        if test.kind == "minimal_pair" and not case.variant:
            raise _MistakeError((*here, "variant"), "a minimal pair needs a variant")
        if case.variant == case.text:
            raise _MistakeError((*here, "variant"), "text and variant are the same")
        if test.kind == "minimum_ability" and (case.variant or not (case.label or test.label)):
            raise _MistakeError((*here, "label"), "needs a label, here or in the test, and no variant")
        if lists is None:
            continue
        for part in ("text", "variant"):
            for slot in slots_of(getattr(case, part)):
                if slot not in lists:
                    raise _MistakeError((*here, part), f"there is no list {slot!r} for the slot {{{slot}}}")


def _case(data: Any, place: _Place) -> Case:
    if isinstance(data, list):
        if len(data) != 2:
            raise _MistakeError(place, "a case that is a list has two texts: the text and its variant")
        data = {"text": data[0], "variant": data[1]}
    elif not isinstance(data, Mapping):
        data = {"text": data}
    own = _keys(data, place, _CASE, "a case")
    case = Case(
        **{name: _text(value, (*place, name)) for name, value in own.items()} | ({} if "text" in own else {"text": ""})
    )
    if not case.text:
        raise _MistakeError((*place, "text"), "a case needs a text")
    return case


def _keys(data: Any, place: _Place, known: Sequence[str], what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise _MistakeError(place, f"{what} has keys and values: {', '.join(known)}")
    if unknown := [key for key in data if key not in known]:
        raise _MistakeError(
            (*place, unknown[0]), f"{what} has no {clipped(str(unknown[0]), 40)!r}; its keys are {', '.join(known)}"
        )
    return data


def _items(data: Any, place: _Place, most: int, what: str) -> list[Any]:
    if not isinstance(data, list):
        raise _MistakeError(place, "must be a list")
    if len(data) > most:
        raise _MistakeError(place, f"at most {most:,} {what}")
    return data


def _words(data: Any, place: _Place) -> tuple[str, ...]:
    words = [_text(one, (*place, number), 200) for number, one in enumerate(_items(data, place, WORDS, "words"))]
    if not words or not all(words):
        raise _MistakeError(place, "needs at least one word, none of them empty")
    return tuple(words)


def _text(data: Any, place: _Place, most: int = CHARACTERS) -> str:
    if not isinstance(data, str):
        raise _MistakeError(place, "must be text")
    if len(data) > most:
        raise _MistakeError(place, f"at most {most:,} characters")
    return data.strip()


def _choice(data: Any, place: _Place, valid: Sequence[str]) -> str:
    if data not in valid:
        raise _MistakeError(place, f"must be one of {', '.join(valid)}; got {clipped(str(data), 40)!r}")
    return str(data)


def _flag(data: Any, place: _Place) -> bool:
    if str(data).lower() not in _FLAGS:
        raise _MistakeError(place, f"must be true or false; got {clipped(str(data), 40)!r}")
    return _FLAGS[str(data).lower()]


def _number(data: Any, place: _Place, least: float, most: float, *, whole: bool = False) -> float:
    try:
        value = float(data)
    except (TypeError, ValueError):
        value = float("nan")
    if not isfinite(value) or not least <= value <= most or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise _MistakeError(place, f"must be {kind} from {least:g} to {most:g}; got {clipped(str(data), 40)!r}")
    return value
