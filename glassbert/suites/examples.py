"""From the tests of a suite to examples: templates filled, texts changed, seeded and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from random import Random

from glassbert.suites.contents import Case, Suite, SuiteTest, WordList, slots_of
from glassbert.suites.swaps import misspelt, swapped

__all__ = ["Example", "examples_of"]

#: How often a context is used again, with other words.
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its other side or its label. Examples of one ``context`` differ only in the words of a list."""

    text: str
    variant: str
    label: str
    group: str
    context: int


def examples_of(
    suite: Suite, test: SuiteTest, texts: Sequence[str] | None, seed: int, most: int | None
) -> tuple[Example, ...]:
    """The examples of a test, at most ``most``; of ``texts`` in place of its own cases, if there are any.

    Which fillings, words and letters are drawn depends on the seed, the suite and the test alone.
    """
    draw = Random(f"{seed}/{suite.name}/{test.name}")
    limit = test.most if most is None else most
    words = suite.lists[test.swap] if test.swap else None
    a_context = max(1, len(words.groups) - test.by_position) if words else 1
    wanted = max(1, limit // a_context)
    found: list[Example] = []
    if texts is not None:
        # of long tables most texts may have none of the words: go on until there are enough
        for place in draw.sample(range(len(texts)), len(texts)):
            found += _changed(Case(texts[place]), test, words, draw, place)
            if len(found) >= limit:
                break
        found.sort(key=lambda one: one.context)
    else:
        contexts = list(enumerate(_contexts(suite, test, wanted, draw)))
        for _ in range(_ROUNDS if test.changes_texts else 1):  # few contexts give more examples with other words
            for context, (case, fillers) in contexts:
                found += _of_case(suite, case, fillers, test, words, draw, context)
            found = list(dict.fromkeys(found))
            if len(found) >= limit:
                break
    return tuple(found[:limit])


def _contexts(
    suite: Suite, test: SuiteTest, wanted: int, draw: Random
) -> list[tuple[Case, dict[str, tuple[str, str]]]]:
    """Cases and the fillers of their slots, each with its group, except the slot that is swapped."""
    slots = [
        [slot for slot in slots_of(f"{case.text} {case.variant}") if slot in suite.lists and slot != test.swap]
        for case in test.cases
    ]
    sizes = [prod(len(suite.lists[slot].words) for slot in own) for own in slots]
    total = sum(sizes)
    chosen = sorted(draw.sample(range(total), min(wanted, total)))
    found = []
    place, start = 0, 0
    for number in chosen:
        while number >= start + sizes[place]:
            start += sizes[place]
            place += 1
        rest = number - start
        fillers = {}
        for slot in slots[place]:
            words = suite.lists[slot].words
            rest, which = divmod(rest, len(words))
            fillers[slot] = words[which]
        found.append((test.cases[place], fillers))
    return found


def _of_case(
    suite: Suite,
    case: Case,
    fillers: Mapping[str, tuple[str, str]],
    test: SuiteTest,
    words: WordList | None,
    draw: Random,
    context: int,
) -> list[Example]:
    plain = {slot: word for slot, (word, _) in fillers.items()}
    if words is not None and test.swap in slots_of(case.text):
        return [
            Example(
                _filled(case.text, plain | {test.swap: first}),
                _filled(case.text, plain | {test.swap: other}),
                case.label,
                group,
                context,
            )
            for first, other, group in _pairs(words, draw, by_position=test.by_position)
        ]
    filled = Case(_filled(case.text, plain), _filled(case.variant, plain), case.label, case.group)
    if test.changes_texts:
        return _changed(filled, test, words, draw, context)
    # grouped by the first list with groups, if the case has no group itself
    group = case.group or next((own for slot, (_, own) in fillers.items() if suite.lists[slot].is_grouped), "")
    return [Example(filled.text, filled.variant, filled.label, group, context)]


def _pairs(words: WordList, draw: Random, *, by_position: bool) -> list[tuple[str, str, str]]:
    """A word of the list, another one of each group, and that group."""
    if by_position:
        own = draw.choice(list(words.groups))
        place = draw.randrange(len(words.groups[own]))
        return [
            (words.groups[own][place], forms[place], group) for group, forms in words.groups.items() if group != own
        ]
    first, _ = draw.choice(words.words)
    return [
        (first, draw.choice([word for word in own if word != first]), group)
        for group, own in words.groups.items()
        if any(word != first for word in own)
    ]


def _changed(case: Case, test: SuiteTest, words: WordList | None, draw: Random, context: int) -> list[Example]:
    """The text and what the test makes of it; nothing if it has none of the words, or none to misspell."""
    sides: list[tuple[str | None, str]] = [(case.text, case.group)]
    if words is not None:
        sides = list(swapped(case.text, words, draw, by_position=test.by_position))
    if test.typos:
        sides = [(misspelt(text, test.typos, draw), group) for text, group in sides if text]
    if test.before or test.after:
        before = f"{draw.choice(test.before)} " if test.before else ""
        after = f" {draw.choice(test.after)}" if test.after else ""
        sides = [(f"{before}{text}{after}", group) for text, group in sides if text]
    return [
        Example(case.text, other, case.label, group, context) for other, group in sides if other and other != case.text
    ]


def _filled(template: str, fillers: Mapping[str, str]) -> str:
    """The template with its slots filled; what is filled in is plain text, never a slot."""
    return re.sub(r"\{(\w+)\}", lambda match: fillers.get(match[1], match[0]), template)
