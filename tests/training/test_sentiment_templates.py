"""The templates' labels are what their words say, and the everyday probes stay unseen."""

from __future__ import annotations

import re

import pytest

from training.probes import EVERYDAY_PROBES, SENTIMENT_PROBES
from training.sentiment_templates import NEGATIVE, POSITIVE, SENTENCES, SLOTS, templated_sentences

_FUNCTION_WORDS = """
a about after again against ahead all although an and another any anyone anything are as at be because been before
behind being below between both but by can can't cannot could couldn't did didn't do does doesn't don't down each
either enough even ever everyone everything few for from had has hasn't have haven't he her here him his how however
i if in into is isn't it its itself just me more most much my neither never no nobody nor not nothing now of off
often on once one only or other our out over own quite rather really several she should since so some someone still
such than that the their them then there they this those though through till to too under until up us very was
wasn't we were weren't what when where which while who whom why will with within without would wouldn't yet you your
yourself
"""
FUNCTION_WORDS = set(_FUNCTION_WORDS.split())


def stem(word: str) -> str:
    """A word without its ending: "charged" and "charges" are the same word."""
    for ending in ("ing", "ed", "ies", "ly", "es", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def content_words(*texts: str) -> set[str]:
    words = re.findall(r"[a-z']+", re.sub(r"\{\w+\}", " ", " ".join(texts).lower()))
    return {stem(word) for word in words if word not in FUNCTION_WORDS}


def test_no_content_word_of_the_everyday_probes_is_in_a_template() -> None:
    probes = content_words(*(sentence for sentence, _ in EVERYDAY_PROBES))
    slots = [choice for choices in SLOTS.values() for choice in choices]
    templates = content_words(*POSITIVE, *NEGATIVE, *(template for template, _ in SENTENCES), *slots)
    assert len(probes) > 80
    assert len(templates) > 400
    assert "plumb" not in probes | templates
    assert stem("plumber") in probes
    assert not probes & templates


def test_the_everyday_probes_are_twenty_half_of_them_positive() -> None:
    assert len({sentence for sentence, _ in EVERYDAY_PROBES}) == 20
    assert sum(positive for _, positive in EVERYDAY_PROBES) == 10


def test_every_slot_is_filled() -> None:
    for text in (*POSITIVE, *NEGATIVE, *(template for template, _ in SENTENCES)):
        assert set(re.findall(r"\{(\w+)\}", text)) <= {*SLOTS, "p", "n"}, text
    for sentence, _ in templated_sentences(5000, seed=3):
        assert not re.search(r"[{}]|  ", sentence)


def test_the_sentences_are_balanced_seeded_and_hold_no_probe() -> None:
    sentences = templated_sentences(20_000, seed=1)
    assert templated_sentences(50, seed=1) == sentences[:50]
    assert templated_sentences(50, seed=2) != sentences[:50]
    assert sum(label for _, label in sentences) / len(sentences) == pytest.approx(0.47, abs=0.02)
    probes = {sentence.lower() for sentence, _ in (*SENTIMENT_PROBES, *EVERYDAY_PROBES)}
    assert not probes & {sentence for sentence, _ in sentences}


PRAISE = {"praised", "sound", "kind", "tasty", "cosy", "smooth", "fun", "please"}
CRITICISM = {"blamed", "shoddy", "rude", "stale", "shabby", "messy", "grim", "displease"}
NEGATION = re.compile(
    r"\b(not|wasn't|isn't|don't|never|no one|anything but|far from|nothing|fails|failed|rarely|hardly)\b"
)


@pytest.mark.parametrize(("clauses", "positive"), [(POSITIVE, True), (NEGATIVE, False)])
def test_a_clause_with_a_sentiment_slot_says_what_its_list_says(clauses: tuple[str, ...], positive: bool) -> None:
    """An independent reading: the slot's own side, turned round by each negation."""
    read = 0
    for clause in clauses:
        sides = {slot in PRAISE for slot in re.findall(r"\{(\w+)\}", clause) if slot in PRAISE | CRITICISM}
        if not sides:
            continue
        assert len(sides) == 1, clause
        # "could not have been more kind" is no negation
        negations = len(NEGATION.findall(clause.replace("not have been", "have been")))
        assert (sides.pop() == (negations % 2 == 0)) == positive, clause
        read += 1
    assert read > 25


@pytest.mark.parametrize(
    ("template", "label"),
    [
        ("{n}, but {p}.", 1),
        ("{p}, but {n}.", 0),
        ("although {p}, {n}.", 0),
        ("{p}, although {n}.", 1),
        ("i had hoped that {p}, but {n}.", 0),
    ],
)
def test_the_main_clause_decides(template: str, label: int) -> None:
    assert (template, label) in SENTENCES
