"""Failures counted by hand on a classifier of known words, intervals against scipy, likelihoods against a loop."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from difflib import SequenceMatcher
from random import Random

import numpy as np
import pytest
import torch
from scipy import stats

import glassbert as gb
from glassbert.language.predictions import Classification
from glassbert.suites import rates
from glassbert.suites.contents import Case, SuiteTest, WordList
from glassbert.suites.examples import examples_of
from glassbert.suites.on_board import SUITES
from glassbert.suites.swaps import misspelt, swapped

NAMES = WordList({"female": ("Mary", "Anna"), "male": ("John", "Will Smith")})
PRONOUNS = WordList({"male": ("he", "him", "his"), "female": ("she", "her", "her")})
#: What each word adds to the logit of POSITIVE in the classifier below; the other two stay at 0.
WORTH = {"good": 4.0, "not": -8.0, "bad": -4.0, "anna": -9.0, "berlin": 0.2}


@pytest.fixture
def knowing(tiny_model, monkeypatch: pytest.MonkeyPatch) -> gb.Model:
    """A classifier that adds up the worth of the words: its every answer is known."""

    def answer(model, texts):
        found = []
        for encoded in texts:
            words = encoded.texts[0].lower().replace(".", " ").split()
            logits = np.asarray([0.0, 0.0, sum(WORTH.get(word, 0.0) for word in words)], dtype=np.float32)
            shares = np.exp(logits) / np.exp(logits).sum()
            found.append(Classification(encoded, model.labels, logits, shares))
        return tuple(found)

    monkeypatch.setattr("glassbert.suites.running.classify_many", answer)
    return tiny_model("bert", "classification")


def run(model: gb.Model, *tests: SuiteTest, texts=None, lists=None, **options):
    return gb.behaviour(model, gb.Suite("mine", tests, lists=lists or {"name": NAMES}), texts, **options)


def share(*logits: float) -> float:
    """The softmax of the first."""
    return math.exp(logits[0]) / sum(map(math.exp, logits))


# --- rates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (1, 2000), (0, 1)])
def test_wilson_as_scipy(count: int, total: int) -> None:
    expected = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert rates.wilson(count, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_difference_of_two_rates_as_published() -> None:
    """Newcombe 1998, table II, (a) and (h): 56 of 70 against 48 of 80, and 10 of 10 against 0 of 10; method 10."""
    assert rates.newcombe((56, 70), (48, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert rates.newcombe((10, 10), (0, 10)) == pytest.approx((0.6075, 1.0), abs=5e-5)


def test_tests_in_closed_form() -> None:
    assert rates.fisher((3, 3), (0, 3)) == pytest.approx(2 / math.comb(6, 3))
    assert rates.from_chance(5, 5, 0.5) == pytest.approx(2 / 2**5)
    first, second = [0.1, 0.5, 0.4, 0.9], [0.2, 0.4, 0.1, 0.3]
    expected = stats.ttest_rel(first, second)
    mean, low, high, p_value = rates.paired(np.subtract(first, second))
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))
    assert (mean, p_value) == pytest.approx((0.225, expected.pvalue))
    assert rates.paired([0.0, 0.0]) == (0, 0, 0, 1)
    assert rates.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert rates.holm([0.9, 0.8]) == [1, 1]


# --- changes of a text ------------------------------------------------------------------------------------------------


def test_words_are_swapped_whole_and_keep_their_capital() -> None:
    changed = dict(reversed(one) for one in swapped("Mary met Maryam. Mary left.", NAMES, Random(0)))
    assert changed["female"] == "Anna met Maryam. Anna left."
    assert changed["male"] in ("John met Maryam. John left.", "Will Smith met Maryam. Will Smith left.")
    assert swapped("mary", NAMES, Random(0)) == [], "a name has its capital"
    ((text, _),) = [one for one in swapped("Will Smith left.", NAMES, Random(0)) if one[1] == "male"]
    assert text == "John left."
    both = {text for n in range(20) for text, group in swapped("Mary and John", NAMES, Random(n)) if group == "male"}
    assert both == {"Will Smith and John", "Mary and Will Smith"}, "never two of the same name"
    things = WordList({"": ("film", "book")})
    assert swapped("Film? A film.", things, Random(0)) == [("Book? A book.", "")]


def test_forms_are_exchanged_together_or_not_at_all() -> None:
    def other(text: str) -> list[tuple[str, str]]:
        return swapped(text, PRONOUNS, Random(0), by_position=True)

    assert other("He saw him and his dog; this one.") == [("She saw her and her dog; this one.", "female")]
    assert other("She left.") == [("He left.", "male")]
    assert other("She saw her dog.") == [], "her may be him or his"
    assert other("She saw him.") == [], "two groups"
    assert other("Nobody.") == []


def test_a_typo_swaps_two_neighbours_inside_a_word() -> None:
    seen = {misspelt("The film.", 1, Random(n)) for n in range(30)}
    assert seen == {"The flim.", "The fiml."}
    assert misspelt("a is on aaaa", 1, Random(0)) is None
    twice = misspelt("A strange picture.", 2, Random(1))
    assert sorted(twice) == sorted("A strange picture.")
    changed = [old != new for old, new in zip(["A", "strange", "picture."], twice.split(), strict=True)]
    assert changed == [False, True, True]


# --- examples ---------------------------------------------------------------------------------------------------------


def test_examples_are_seeded_bounded_and_balanced() -> None:
    lists = {"name": NAMES, "thing": WordList({"": tuple("abcdefgh")})}
    test = SuiteTest("names", "invariance", (Case("{name} has {thing}."), Case("{thing} of {name} {x}")), swap="name")
    suite = gb.Suite("mine", (test,), lists=lists)
    found = examples_of(suite, test, None, 0, 20)
    assert len(found) == len(set(found)) == 20
    assert [one.group for one in found].count("female") == 10
    assert found == examples_of(suite, test, None, 0, 20) != examples_of(suite, test, None, 1, 20)
    for one in found:
        first, other = one.text.split(), one.variant.split()
        assert one.text != one.variant
        assert "Smith" in f"{first}{other}" or sum(a != b for a, b in zip(first, other, strict=True)) == 1
        own = NAMES.groups[one.group]
        assert any(name in one.variant for name in own)
    every = examples_of(suite, test, None, 0, 10_000)
    assert len({one.context for one in every}) == 16
    ability = SuiteTest("all", "minimum_ability", (Case("{name}: {thing}"),), label="x")
    whole = examples_of(suite, ability, None, 0, 1000)
    assert len({one.text for one in whole}) == 4 * 8
    assert all((one.group == "female") == one.text.startswith(("Mary", "Anna")) for one in whole)


# --- what fails -------------------------------------------------------------------------------------------------------


def test_invariance_counts_other_answers_and_large_moves(knowing: gb.Model) -> None:
    cases = (Case("good", "good Anna"), Case("good", "good Berlin"), Case("not", "not Berlin"))
    test = SuiteTest("a", "invariance", cases)
    found = run(knowing, test, replace(test, name="b", tolerance=0.005))
    first, second = found.tests
    assert (first.examples, first.failures, second.failures) == (3, 1, 2)
    assert (first.low, first.high) == rates.wilson(1, 3)
    worst, again, moved = found.failures
    assert (worst.test, worst.text, worst.variant) == ("a", "good", "good Anna")
    assert (worst.answer, worst.variant_answer, worst.label) == ("POSITIVE", "NEGATIVE", "POSITIVE")
    assert worst.probability == pytest.approx(share(4, 0, 0))
    assert worst.variant_probability == pytest.approx(share(-5, 0, 0))
    assert worst.severity == pytest.approx(1 + share(4, 0, 0) - share(-5, 0, 0))
    assert [(one.test, one.variant) for one in (again, moved)] == [("b", "good Anna"), ("b", "good Berlin")]
    assert moved.severity == pytest.approx(share(4.2, 0, 0) - share(4, 0, 0))


def test_a_direction_that_cannot_fail_is_not_counted(knowing: gb.Model) -> None:
    cases = (Case("good", "not good"), Case("bad", "not bad"), Case("x", "good"), Case("good", "good good"))
    lower = SuiteTest("lower", "direction", cases, label="positive", tolerance=0.1)
    higher = replace(lower, name="higher", expect="higher")
    down, up = run(knowing, lower, higher).tests
    # lower: p = .965, .009, .333, .965: the first and last cannot rise by more than 0.1; only x → good rises
    assert (down.examples, down.failures, down.not_counted) == (2, 1, 2)
    # higher: "bad" cannot fall; good → not good falls
    assert (up.examples, up.failures, up.not_counted) == (3, 1, 1)
    strict = run(knowing, replace(lower, tolerance=0.0)).tests[0]
    assert (strict.examples, strict.failures) == (4, 2)


def test_minimum_ability_by_group_with_the_difference(knowing: gb.Model) -> None:
    cases = tuple(Case(f"{name} is good", group=group) for name, group in [("Anna", "f"), ("Mary", "f"), ("John", "m")])
    (test,) = (found := run(knowing, SuiteTest("a", "minimum_ability", cases, label="POSITIVE"))).tests
    assert [(one.group, one.examples, one.failures) for one in test.groups] == [("f", 2, 1), ("m", 1, 0)]
    (gap,) = test.differences
    assert (gap.group, gap.other, gap.difference) == ("f", "m", 0.5)
    assert (gap.low, gap.high) == rates.newcombe((1, 2), (0, 1))
    assert found.failures[0].severity == pytest.approx(share(0, 0, -5) - share(-5, 0, 0))


def test_a_name_that_lowers_the_probability_shows_between_groups(knowing: gb.Model) -> None:
    """All texts with Anna fail; the mean difference is that of the probabilities, context by context."""
    names = WordList({"f": ("Anna",), "m": ("John", "Mark")})
    test = SuiteTest(
        "a", "invariance", tuple(Case(f"{{name}} {word}") for word in "pqrstu"), swap="name", label="positive"
    )
    found = run(knowing, test, lists={"name": names}, most=60).tests[0]
    f, m = found.groups
    assert f.failures == f.examples
    assert f.mean_probability == pytest.approx(share(-9, 0, 0))
    assert m.mean_probability == pytest.approx(1 / 3)
    rate, probability = found.differences
    assert (rate.measure, rate.other) == ("failure_rate", "m")
    assert probability.difference == pytest.approx(share(-9, 0, 0) - 1 / 3)
    assert probability.p_value == 0
    assert found.followed == "POSITIVE"


def test_texts_of_ones_own(knowing: gb.Model) -> None:
    swap = SuiteTest("swap", "invariance", (Case("{name}"),), swap="name")
    typos = SuiteTest("typos", "invariance", (Case("abcd"),), typos=1)
    fixed = SuiteTest("fixed", "minimum_ability", (Case("good"),), label="positive")
    texts = ["good Anna", "nobody here", "{name} and John good", "good Anna " * 400]
    found = run(knowing, swap, typos, fixed, texts=texts)
    assert found.left_out == ("fixed",)
    assert [test.name for test in found.tests] == ["swap", "typos"]
    assert found.tests[0].not_counted == 2, "too long for the model, twice"
    assert {one.row for one in found.failures if one.test == "swap"} <= {0, 2}
    own = [one for one in found.failures if one.test == "swap" and one.row == 0]
    assert {one.text for one in own} == {"good Anna"}
    assert {one.group for one in own} == {"female", "male"}, "any other name is far from Anna"
    assert gb.behaviour(knowing, gb.Suite("mine", (typos,)), texts[:2]).tests[0].examples == 2
    with pytest.raises(gb.OptionError, match="none of the texts has a word"):
        run(knowing, swap, texts=["nobody"])
    with pytest.raises(gb.OptionError, match="leave the texts out"):
        run(knowing, fixed, texts=texts)
    with pytest.raises(gb.OptionError, match="there are no texts"):
        run(knowing, swap, texts=[])


def test_labels_are_found_or_named(knowing: gb.Model) -> None:
    test = SuiteTest("a", "minimum_ability", (Case("good"),), label="praise")
    with pytest.raises(
        gb.OptionError, match=r"no label 'praise'; its labels are 'NEGATIVE', .*labels=\{'praise': 'NEG"
    ):
        run(knowing, test)
    assert run(knowing, test, labels={"praise": "positive"}).tests[0].failures == 0
    assert run(knowing, test, labels={"praise": "Neutral"}).tests[0].failures == 1
    suite = gb.Suite("a", (test,), labels={"praise": ("pos", "POSITIVE")})
    assert gb.behaviour(knowing, suite).tests[0].failures == 0
    with pytest.raises(gb.OptionError, match="the suite has no label 'x'; its labels are 'praise'"):
        run(knowing, test, labels={"x": "POSITIVE"})


def test_it_tells_how_far_it_is_and_stops(knowing: gb.Model) -> None:
    test = SuiteTest("a", "invariance", (Case("{name} good"),), swap="name")
    told: list[tuple[int, int]] = []
    run(knowing, test, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 4)
    with pytest.raises(gb.StoppedError):
        run(knowing, test, cancelled=lambda: True)
    for wrong in ({"most": 0}, {"seed": -1}):
        with pytest.raises(gb.OptionError, match="must be"):
            run(knowing, test, **wrong)


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_classifier_answers_as_text_by_text(tiny_model) -> None:
    model = tiny_model("bert", "classification")
    test = SuiteTest("a", "invariance", (Case("The {name} was good."), Case("{name}!")), swap="name", tolerance=0)
    found = run(model, test)
    for one in found.failures:
        first, other = gb.classify(model, one.text), gb.classify(model, one.variant)
        assert one.answer == first.labels[first.predicted]
        assert one.probability == pytest.approx(float(first.probabilities[first.predicted]), abs=1e-6)
        assert one.variant_probability == pytest.approx(float(other.probabilities[first.predicted]), abs=1e-6)
    assert found.failures
    assert gb.Behaviour.from_dict(json.loads(json.dumps(found.to_dict()))).to_dict() == found.to_dict()
    with pytest.raises(gb.TaskHeadError):
        run(tiny_model("bert", "masked_words"), test)
    with pytest.raises(gb.TaskHeadError):
        run(model, SuiteTest("b", "minimal_pair", (Case("a", "b"),)))


def by_loop(stock, text: str, counted: list[int] | None = None) -> float:
    """Salazar et al. 2020, one token after the other."""
    ids = stock.tokenizer(text, return_tensors="pt")["input_ids"]
    total = 0.0
    for place in counted if counted is not None else range(1, ids.shape[1] - 1):
        masked = ids.clone()
        masked[0, place] = stock.tokenizer.mask_token_id
        with torch.no_grad():
            total += float(stock.network(input_ids=masked).logits[0, place].log_softmax(-1)[ids[0, place]])
    return total


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_pairs_are_scored_as_by_a_plain_loop(family: str, tiny_model, stock) -> None:
    plain = stock(family, "masked_words")
    pairs = [("The doctor was unbelievable.", "The man was unbelievable."), ("The film", "The long film, or")]
    cases = tuple(Case(*pair) for pair in [*pairs, *(pair[::-1] for pair in pairs)])
    for scoring in ("all", "unmodified"):
        found = run(
            tiny_model(family, "masked_words"), SuiteTest("a", "minimal_pair", cases, scoring=scoring, chance=0.5)
        )
        assert (found.tests[0].examples, found.tests[0].failures, found.tests[0].p_value) == (4, 2, 1)
        for one in found.failures:
            both = [plain.tokenizer(text)["input_ids"] for text in (one.text, one.variant)]
            counted: list[list[int] | None] = [None, None]
            if scoring == "unmodified":  # as in the code of Nangia et al. 2020, without the special tokens
                opcodes = SequenceMatcher(None, both[0], both[1]).get_opcodes()
                equal = [code[1:] for code in opcodes if code[0] == "equal"]
                counted = [
                    [place for code in equal for place in range(*code[2 * side : 2 * side + 2])][1:-1]
                    for side in (0, 1)
                ]
            assert one.score == pytest.approx(by_loop(plain, one.text, counted[0]), abs=1e-3)
            assert one.variant_score == pytest.approx(by_loop(plain, one.variant, counted[1]), abs=1e-3)
            assert one.severity == pytest.approx(one.variant_score - one.score)


def test_a_pair_that_shares_nothing_is_not_counted(tiny_model) -> None:
    pairs = SuiteTest("a", "minimal_pair", (Case("He", "it"), Case("He is", "it is")), scoring="unmodified")
    test = run(tiny_model("bert", "masked_words"), pairs).tests[0]
    assert (test.examples, test.not_counted) == (1, 1)


@pytest.mark.parametrize("name", SUITES)
def test_the_suites_on_board_fit_the_embedded_models(name: str, request: pytest.FixtureRequest) -> None:
    most = {"agreement": 1, "stereotypes": 6}.get(name)
    found = gb.behaviour(request.getfixturevalue("pretrained" if most else "sentiment"), name, most=most or 12)
    assert all(test.examples >= (most or 4) for test in found.tests)
    assert found.examples >= 6
    assert sum(test.failures for test in found.tests) / found.examples < (1 if most else 0.35)
