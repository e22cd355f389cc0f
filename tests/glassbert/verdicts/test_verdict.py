"""Verdicts: each statement against another way to the same number, and what must not be trusted is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.evaluation._copies import randomised, stages
from glassbert.evaluation.results import ReceiptLine
from glassbert.verdicts import (
    carrying_words,
    carrying_words_of,
    decided_answer,
    smallest_flip,
    thresholds,
    trust_in,
    verdict_parts,
)
from glassbert.verdicts._trained import spectral_ratio
from glassbert.verdicts.results import _change
from glassbert.verdicts.trusted import _deletion
from glassbert.whatif.edits import word_text
from tests import tiny

TEXT = "The plot is good but the acting is awful."
PAIR = ("The man went to the store.", "He bought a gallon of milk.")


@pytest.fixture(scope="module")
def good(sentiment):
    return gb.verdict(sentiment, TEXT)


# --- a positive case ---------------------------------------------------------------------------------------------


def test_a_clear_review_is_explained_and_passes(sentiment, good):
    label = gb.classify(sentiment, TEXT)
    assert good.answer.answer == "NEGATIVE" == label.labels[int(label.probabilities.argmax())]
    assert good.answer.probability == pytest.approx(float(label.probabilities.max()), abs=1e-6)
    assert good.answer.value == pytest.approx(float(label.logits.max()), abs=1e-5)
    assert [good.words.words[word] for word in good.words.carrying] == ["awful"]
    assert good.verdict == "holds"
    assert good.sentences[1] == "“awful” (5 of 5 quick methods) carries the answer NEGATIVE."
    first, *_ = good.sentences[-1].split(". ")
    assert first.startswith(
        "The words pass the deletion test: removing these words changes the answer more than removing "
    )
    removed = good.trust.receipts[0].line("comprehensiveness").beaten_share
    assert first.removesuffix(".").endswith(f"random ones in {removed:.0%} of the trials")
    assert len(good.sentences) == 4
    assert repr(good).startswith("<Verdict of 'The plot")
    for sentence in good.sentences:
        assert sentence in gb.verdicts.Verdict._picture(good)


def test_the_flip_flips(sentiment, good):
    """The text that the sentence describes, classified as if it had been typed."""
    assert good.flip.found
    flips = good.flip.smallest
    ((position, kind, replacement),) = flips.edits[0]
    said = gb.classify(sentiment, flips.texts[0][0])
    assert said.labels[int(said.logits.argmax())] == flips.predictions[0] == "POSITIVE"
    assert good.encoded.tokens[position] in TEXT
    word = word_text(good.encoded, position)
    change = f"Remove “{word}”" if kind == "delete" else f"Replace “{word}” with “{replacement}”"
    oddly = "" if good.flip.search.found else ", though the text then reads oddly"
    assert good.flip.sentence == f"{change} and the model says POSITIVE{oddly}."


def test_trust_is_each_check_by_itself(sentiment, good):
    scores = gb.attribute(sentiment, TEXT, method="integrated_gradients", target="NEGATIVE")
    gap = good.trust.gap
    assert gap.value == pytest.approx(scores.value, abs=1e-5)
    assert gap.baseline_value == pytest.approx(scores.baseline_value, abs=1e-5)
    assert good.trust.line("baseline").number == pytest.approx((scores.value - scores.baseline_value) / scores.value)
    assert good.trust.line("agreement").number == good.words.votes.max() / 5
    consensus = gb.verdicts.consensus_scores(good.words)
    lines = gb.receipt(sentiment, consensus, checks=["comprehensiveness", "sufficiency"], n_orderings=40).lines
    assert good.trust.line("faithfulness").number == np.mean([line.beaten_share for line in lines])
    again = gb.attribute(sentiment, TEXT, method="attn_lrp", target="NEGATIVE")
    assert good.trust.line("sanity").number == gb.receipt(sentiment, again, checks=["sanity"]).lines[0].number


@pytest.mark.smoke
def test_words_carry_an_answer_that_an_empty_text_leans_to(sentiment):
    """About half of F is there without words. It counts against scores that start from the empty text only."""
    text = "The story is thin, but the acting is superb and I loved it."
    answer = decided_answer(sentiment, text)
    words = carrying_words(sentiment, answer)
    trust = trust_in(sentiment, words)
    gap = gb.baseline_gap(sentiment, text)
    assert gap.verdict == "doubtful"
    assert trust.line("baseline").verdict == trust.verdict == "holds"
    assert trust.line("baseline").number == pytest.approx(gap.share)
    assert trust.sentence.startswith("The words pass the deletion test: ")
    assert trust.sentence.endswith(f" A text without words already gets {1 - gap.share:.0%} of this score.")
    (only,) = [one for one in words.scores if one.baseline is not None]
    assert only.method == "integrated_gradients"
    again = trust_in(sentiment, carrying_words_of([only, replace(only, method="again")]))
    assert again.line("baseline").verdict == "doubtful"
    assert again.verdict in ("doubtful", "fails")


def test_what_the_methods_do_not_agree_on_is_said_beside_the_test_that_was_passed(good):
    """The number is that of the page that shows the methods side by side."""
    alike = gb.method_agreement(list(good.words.scores)).kendall
    mean = alike[np.triu_indices(len(alike), 1)].mean()
    line = good.trust.line("agreement")
    assert line.details["rank_correlation"] == pytest.approx(mean)

    def told(number):
        lines = [
            replace(one, details={"rank_correlation": number}) if one.check == "agreement" else one
            for one in good.trust.lines
        ]
        return replace(good.trust, lines=tuple(lines)).sentence

    assert "However, the quick methods rank the words differently (mean rank correlation +0.21)." in told(0.21)
    assert told(thresholds.ORDER_HOLDS).startswith("The words pass the deletion test")
    assert "differently" not in told(thresholds.ORDER_HOLDS)


def test_a_word_that_occurs_several_times_is_named_once(sentiment):
    text = "Bad food, bad service, bad music, and a long wait for the bill in the rain."
    scores = gb.attribute(sentiment, text, method="input_x_gradient")
    bad = np.array([piece == "bad" for piece in scores.encoded.pieces])
    first = np.flatnonzero(bad)[0]
    methods = [replace(scores, method=name, scores=np.where(bad, 1.0, 0.0)) for name in "abc"]
    methods[2] = replace(methods[2], scores=np.where(np.arange(len(bad)) == first, 1.0, 0.0))
    found = carrying_words_of(methods)
    assert found.votes[list(found.carrying)].tolist() == [3, 2, 2]
    assert found.sentence == "“bad” ×3 (2 to 3 of 3 methods) carries the answer NEGATIVE."
    assert carrying_words_of(methods[:2]).sentence == "“bad” ×3 (2 of 2 methods) carries the answer NEGATIVE."
    assert carrying_words_of(methods[2:]).sentence == "The 1st “bad” (1 of 1 method) carries the answer NEGATIVE."
    last = int(np.flatnonzero(bad)[2])
    search = SimpleNamespace(encoded=scores.encoded)
    changed = _change(search, ((last, "replace", "good"),))  # type: ignore[arg-type]
    assert changed == "Replace the 3rd “bad” with “good”"


def test_a_method_that_counts_a_carrying_word_against_the_answer_is_named(sentiment):
    base = gb.attribute(sentiment, "The plot was dull.", method="input_x_gradient")
    dull = list(base.encoded.pieces).index("dull")

    def scored(method: str, **own: float) -> gb.TokenScores:
        values = np.zeros(len(base.scores))
        values[dull], values[dull - 1] = own["dull"], own["was"]
        return replace(base, method=method, scores=values)

    names = scored("saliency", dull=1.0, was=0.0), scored("attention_relevance", dull=0.9, was=0.1)
    found = carrying_words_of([*names, scored("attn_lrp", dull=-0.6, was=1.0)])
    assert found.disputed == ((found.words.index("dull"), "attn_lrp"),)
    assert (
        found.sentence == "“dull” (2 of 3 quick methods) carries the answer NEGATIVE. AttnLRP counts “dull” against it."
    )
    weak = carrying_words_of([*names, scored("attn_lrp", dull=-0.4, was=1.0)])
    assert weak.disputed == ()
    assert weak.sentence.endswith("carries the answer NEGATIVE.")


def test_a_word_that_the_model_does_not_know_is_named_as_it_was_typed(sentiment):
    scores = gb.attribute(sentiment, "I had a 🙂 day and a 字字 night.", method="input_x_gradient")
    smile = [token == "[UNK]" for token in scores.encoded.tokens].index(True)
    found = carrying_words_of([replace(scores, scores=np.eye(len(scores.scores))[smile])])
    assert next(found.words[word] for word in found.unknown) == "🙂"
    assert "[UNK]" not in found.words
    assert found.sentence == (
        "“🙂” (1 of 1 method) carries the answer POSITIVE. The model does not know “🙂”: in its vocabulary, the "
        "unknown token stands for it."
    )
    alone = gb.verdict(sentiment, "🙂")
    assert alone.words_sentence.startswith("“🙂” is the only word. The model does not know “🙂”: ")
    assert alone.flip.sentence.startswith("The model knows no word of the text, so none is changed: ")


def test_words_only_seem_to_carry_an_answer_that_is_not_trusted(good):
    assert good.words_sentence == "“awful” (5 of 5 quick methods) carries the answer NEGATIVE."
    lines = tuple(replace(line, verdict="doubtful") for line in good.trust.lines)
    doubted = replace(good, trust=replace(good.trust, lines=lines))
    assert (
        doubted.words_sentence
        == doubted.sentences[1]
        == "“awful” (5 of 5 quick methods) seems to carry the answer NEGATIVE."
    )
    assert doubted.frame()["sentence"][1] == doubted.words_sentence
    assert replace(good, trust=None).words_sentence == doubted.words_sentence


# --- what the methods overlook -----------------------------------------------------------------------------------

OVERLOOKED = "The bank refused to refund the fee, although my account manager was very helpful."


@pytest.mark.smoke
def test_a_word_whose_deletion_flips_the_answer_counts_against_words_that_leave_it_out(sentiment, pretrained):
    """The lead without each word is that of the text without it, classified as if it had been typed."""
    found = gb.verdict(sentiment, OVERLOOKED, proposer=pretrained)
    words = found.words
    assert [words.words[word] for word in words.carrying] == ["refused"]

    def lead(text):
        negative, positive = gb.classify(sentiment, text).logits.tolist()
        return negative - positive

    assert words.tried.tolist() == list(range(len(words.words)))
    assert words.lead == pytest.approx(lead(OVERLOOKED), abs=1e-4)
    for word, left in zip(words.words, words.leads, strict=True):
        if word.isalpha() and OVERLOOKED.casefold().count(word) == 1:
            assert left == pytest.approx(lead(OVERLOOKED.replace(f" {word}", "", 1)), abs=1e-4), word
    assert words.lost == pytest.approx(1 - words.leads / words.lead)
    word, lost = words.overlooked
    assert words.words[word] == "although"
    assert lost == words.lost.max() > 1
    assert (found.verdict, found.trust.reason.check) == ("fails", "deletion")
    assert found.sentences[-1] == (
        "Do not trust this explanation. Deleting only “although”, which only 1 of 5 quick methods names, flips the "
        "answer."
    )
    assert found.words_sentence.endswith("seems to carry the answer NEGATIVE.")
    assert found.flip.smallest.edits[0][0][1:] == ("delete", "")
    assert found.flip.sentence == ("Remove “although” and the model says POSITIVE, though the text then reads oddly.")


def test_a_deletion_is_judged_by_what_it_takes_of_the_lead(good):
    """A flip is worst only if no word that the methods name matters as much."""
    words = good.words
    named, other = words.carrying[0], 0

    def line(without_other, without_named=4.0, **changes):
        leads = np.full(len(words.words), 4.0)
        leads[[other, named]] = without_other, without_named
        return _deletion(replace(words, lead=4.0, tried=np.arange(len(leads)), leads=leads, **changes))

    assert line(5.0).sentence == "deleting any other word leaves the answer at least 100% of its lead"
    assert (line(1.3).verdict, line(1.3).number) == ("holds", pytest.approx(0.675))
    assert line(1.3).sentence == "deleting any other word leaves the answer at least 32% of its lead"
    assert line(0.8).verdict == "doubtful"
    assert line(0.8).sentence.startswith(
        "deleting only the 1st “the”, which none of the 5 quick methods names, takes 80% of "
    )
    assert line(-0.1).verdict == "fails"
    assert line(-0.1, -0.2).verdict == "doubtful"
    assert (
        line(-0.1).sentence == "deleting only the 1st “the”, which none of the 5 quick methods names, flips the answer"
    )
    assert line(4.0, -9.0).verdict == "holds"
    assert line(-9.0, explains_answer=False).verdict == "not_applicable"
    assert _deletion(carrying_words_of(words.scores)).verdict == "not_applicable"


# --- what must not be trusted ------------------------------------------------------------------------------------


def test_random_weights_are_not_trusted(sentiment):
    model = randomised(sentiment, len(stages(sentiment)) - 1, seed=3)
    found = gb.verdict(model, TEXT, budget=10)
    assert found.verdict == "fails"
    assert found.trust.reason.check == "weights"
    assert found.trust.reason.number < thresholds.TRAINED_FAILS
    assert found.sentences[-1].startswith("Do not trust this explanation. The model's weights look random")
    assert "undecided" in found.sentences[0]


def test_a_baseline_trap_is_not_trusted(pretrained):
    """An empty pair already "follows": what the words add speaks against the answer."""
    found = gb.verdict(pretrained, *PAIR, budget=10)
    scores = gb.attribute(pretrained, *PAIR, method="integrated_gradients")
    assert found.answer.answer == "B follows A"
    assert scores.scores.sum() < 0 < scores.value < scores.baseline_value
    assert (found.verdict, found.trust.reason.check) == ("fails", "baseline")
    assert found.sentences[-1].startswith(
        "Do not trust this explanation. A text without words has a higher score for the answer than this one"
    )


def test_methods_that_disagree_are_not_trusted(sentiment):
    """The same text and model as in the positive case, with scores that point at five different words."""
    answer = decided_answer(sentiment, TEXT)
    scores = []
    for number, one in enumerate(carrying_words(sentiment, answer).scores):
        values = np.full(len(one.scores), 1e-3)
        values[1 + number] = 1.0  # plot, is, good, …
        scores.append(replace(one, scores=values))
    words = carrying_words_of(scores)
    assert words.votes.tolist() == [1] * 5 + [0] * 5
    assert words.carrying == ()
    assert words.sentence == "The 5 quick methods name different words: no word is named by more than half of them."
    trust = trust_in(sentiment, words)
    assert (trust.verdict, trust.reason.check) == ("fails", "agreement")
    disagree = "Do not trust this explanation. The quick methods disagree: no word is one of the top 3"
    assert trust.sentence.startswith(disagree)
    assert trust.line("baseline").verdict == trust.line("weights").verdict == "holds"


def test_words_that_do_not_matter_are_not_trusted(sentiment):
    """All methods name the same words, those without influence: the model answers the same without them."""
    answer = decided_answer(sentiment, TEXT)
    original = carrying_words(sentiment, answer)
    turned = [replace(one, scores=-np.abs(one.scores)) for one in original.scores]
    trust = trust_in(sentiment, carrying_words_of(turned))
    assert trust.line("faithfulness").verdict == "fails"
    assert trust.verdict == "fails"


def test_the_worst_line_decides(good):
    def with_grades(*grades):
        lines = [replace(line, verdict=grade) for line, grade in zip(good.trust.lines, grades, strict=True)]
        return replace(good.trust, lines=tuple(lines))

    assert with_grades("holds", "doubtful", "holds", "holds", "fails", "fails").reason.check == "faithfulness"
    assert with_grades("holds", "doubtful", "doubtful", "holds", "holds", "holds").reason.check == "baseline"
    assert with_grades("holds", "holds", "holds", "holds", "not_applicable", "holds").verdict == "not_applicable"
    assert with_grades(*["holds"] * 6).reason.check == "faithfulness"


def test_every_line_names_its_number_and_its_limit(good):
    for line in good.trust.lines:
        assert isinstance(line, ReceiptLine)
        assert line.number is not None
        assert any(character.isdigit() for character in line.threshold), line.check


@pytest.mark.parametrize("task", ["classification", "masked_words"])
@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_the_spectral_ratio_is_numpys(tiny_model, family, task):
    """Of every matrix of a tiny network; none of them is trained."""
    model = tiny_model(family, task)
    tables = {id(module.weight) for module in model.network.modules() if hasattr(module, "num_embeddings")}
    ratios = []
    for matrix in model.network.base_model.parameters():
        if matrix.ndim == 2 and id(matrix) not in tables:
            values = matrix.detach().double().numpy()
            values = values - values.mean()
            limit = values.std() * (np.sqrt(values.shape[0]) + np.sqrt(values.shape[1]))
            ratios.append(np.linalg.norm(values, 2) / limit)
    found = spectral_ratio(model)
    assert np.median(ratios) - 0.05 < found <= np.median(ratios) + 0.03  # at most twelve of them, and from below
    assert found < thresholds.TRAINED_FAILS


@pytest.mark.parametrize("name", ["sentiment", "pretrained"])
def test_trained_weights_are_seen_as_trained(request, name):
    model = request.getfixturevalue(name)
    assert spectral_ratio(model) > thresholds.TRAINED_HOLDS
    assert spectral_ratio(randomised(model, len(stages(model)) - 1, seed=0)) < thresholds.TRAINED_FAILS


# --- words -------------------------------------------------------------------------------------------------------


def test_words_are_words_and_special_tokens_are_left_out(pretrained):
    text = "The unbelievable heartwarmingly [MASK] story."
    answer = decided_answer(pretrained, text)
    assert any(token.startswith("##") for token in answer.encoded.tokens)
    found = carrying_words(pretrained, answer)
    assert found.words == ("the", "unbelievable", "heartwarmingly", "story", ".")
    for row, special, one in zip(found.shares, found.special_shares, found.scores, strict=True):
        table = one.by_word().frame()
        inside = ~table["special"] & (table["word"] != "[MASK]")
        total = table["score"][inside].abs().sum()
        np.testing.assert_allclose(row, table["score"][inside] / total, atol=1e-6)
        assert special == pytest.approx(1 - total / table["score"].abs().sum(), abs=1e-6)
    assert np.abs(found.shares).sum(axis=1) == pytest.approx(1)


def test_votes_are_counted(sentiment):
    """Two words of a method's top three score at least half as much as its highest; the third does not."""
    base = gb.attribute(sentiment, TEXT, method="input_x_gradient")  # ten words, one token each, [CLS] and [SEP]

    def method(name, scores):
        values = np.zeros(12)
        for word, score in scores.items():
            values[1 + word] = score
        values[0] = 100.0  # [CLS], which does not count
        return replace(base, method=name, scores=values)

    found = carrying_words_of(
        [
            method("a", {0: 1.0, 1: 0.5, 2: 0.49, 3: -5.0}),
            method("b", {0: 0.2, 1: 0.3, 4: 0.25, 5: 0.19}),
            method("c", {1: 2.0, 0: 0.9}),
        ]
    )
    assert found.votes.tolist() == [2, 3, 0, 0, 1, 0, 0, 0, 0, 0]
    assert found.carrying == (1, 0)
    named = "“plot” (3 of 3 methods) and the 1st “the” (2 of 3)"
    assert found.sentence == f"{named} carry the answer NEGATIVE."
    assert found.told(certain=False) == f"{named} seem to carry the answer NEGATIVE."
    assert (found.special_shares > 0.9).all()
    frame = found.frame()
    assert frame["votes"].tolist() == found.votes.tolist()
    assert frame["carries"].tolist() == [True, True] + [False] * 8


def test_scores_of_two_decisions_are_no_agreement(sentiment):
    first = gb.attribute(sentiment, TEXT, method="saliency", target=0)
    with pytest.raises(gb.OptionError, match="another text or target"):
        carrying_words_of([first, gb.attribute(sentiment, TEXT, method="saliency", target=1)])
    with pytest.raises(gb.OptionError, match="at least one method"):
        carrying_words_of([])


def test_a_method_that_cannot_explain_this_is_left_out(tiny_model):
    """The pictures of RoBERTa's positions allow all methods; a broken one is named with its reason."""
    model = tiny_model("bert", "classification")
    found = carrying_words(model, decided_answer(model, TEXT), methods=["saliency", "no_such_method"])
    assert found.methods == ("saliency",)
    assert list(found.left_out) == ["no_such_method"]
    with pytest.raises(gb.MethodError, match="no method can explain"):
        carrying_words(model, decided_answer(model, TEXT), methods=["no_such_method"])


# --- parts -------------------------------------------------------------------------------------------------------


def test_parts_come_one_by_one_and_add_up(sentiment, good):
    parts = list(verdict_parts(sentiment, TEXT))
    present = [[getattr(one, name) is not None for name in ("answer", "words", "trust", "flip")] for one in parts]
    assert present == [[True] * count + [False] * (4 - count) for count in (1, 2, 3, 4)]
    assert parts[-1].sentences == good.sentences
    assert [len(one.sentences) for one in parts] == [1, 2, 3, 4]
    assert parts[0].verdict is None
    assert parts[0].answer.forward_passes == 2


def test_progress_and_cancelling(sentiment):
    seen = []
    gb.verdict(sentiment, "A superb cast.", budget=10, progress=lambda *now: seen.append(now))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    count = 0

    def stop() -> bool:
        nonlocal count
        count += 1
        return count > 5

    with pytest.raises(gb.StoppedError):
        gb.verdict(sentiment, TEXT, cancelled=stop)


@pytest.mark.smoke
def test_a_search_goes_on_with_a_larger_budget(sentiment, pretrained):
    text = "A dull and lifeless film with a terrible script, and nobody in the room laughed once."
    answer = decided_answer(sentiment, text)
    words = carrying_words(sentiment, answer)
    searches = [smallest_flip(sentiment, answer, words, proposer=pretrained, budget=budget) for budget in (12, 60, 300)]
    assert not searches[0].found
    tried = searches[0]
    search = replace(tried.search, words_deleted=6, words_replaced=3, tried=8)
    assert replace(tried, search=search, words=16).sentence.startswith(
        "No change found that flips it: 6 of 16 words deleted, 3 replaced (8 texts tried). Closest: "
    )
    assert replace(tried, search=replace(search, words_replaced=0), words=6).sentence.startswith(
        "No change found that flips it: each of the 6 words deleted (8 texts tried)."
    )
    assert searches[-1].search.found
    assert [one.search.tried for one in searches] == sorted(one.search.tried for one in searches)
    assert all(one.search.forward_passes <= one.budget for one in searches)
    # the words that carry it are changed first
    first = searches[0].search.closest.edits[0][0][0]
    assert first in words.positions[words.order[: searches[0].words_tried]]


def test_the_budget_is_about_half_a_second_of_work(sentiment):
    budgets = [gb.verdicts.flip_budget(sentiment, tokens) for tokens in (4, 24, 512)]
    assert budgets[0] > budgets[1] > budgets[2] >= thresholds.LEAST_FLIP_PASSES
    assert 50 < budgets[1] < 150


# --- every model and text ----------------------------------------------------------------------------------------

CASES = [(family, task) for family in tiny.STRUCTURES for task in tiny.tasks(family) if task != "encoder"]


@pytest.mark.parametrize(("family", "task"), CASES)
def test_every_family_and_task(tiny_model, family, task):
    model = tiny_model(family, task)
    mask = model.mask_token
    texts = {
        "masked_words": (f"The man went to the {mask}.",),
        "next_sentence": PAIR,
        "question_answering": PAIR,
    }.get(task, ("The man went to the store.",))
    found = gb.verdict(model, *texts, budget=20)
    assert found.answer.probability is not None
    assert 0 < found.answer.probability <= 1
    assert not set(found.words.words) & set(model.tokenizer.all_special_tokens)
    assert found.verdict == "fails"  # random weights, whatever the family
    assert found.trust.reason.check == "weights"
    assert len(found.sentences) == 4
    assert all(sentence[0].isupper() or sentence[0] == "“" for sentence in found.sentences)
    assert all(sentence.endswith(".") for sentence in found.sentences)
    if found.flip.search is None:  # an entity of the whole text leaves no word to change
        assert found.answer.target == gb.EntityTarget(1, len(found.encoded) - 1, found.answer.answer)
        assert found.flip.sentence == "The text has no word that could be changed."
    else:
        assert found.flip.search.tried > 0
    match task:
        case "classification":
            said = gb.classify(model, *texts)
            assert found.answer.answer == said.labels[int(said.probabilities.argmax())]
            assert found.answer.probability == pytest.approx(float(said.probabilities.max()), abs=1e-5)
        case "masked_words":
            said = gb.fill_mask(model, *texts, top_k=2)
            assert found.answer.probability == pytest.approx(float(said.probabilities[0, 0]), abs=1e-5)
            assert found.answer.next_probability == pytest.approx(float(said.probabilities[0, 1]), abs=1e-5)
        case "next_sentence":
            said = gb.next_sentence(model, *texts)
            assert found.answer.probability == pytest.approx(float(said.probabilities.max()), abs=1e-5)
        case "token_classification":
            said = gb.label_tokens(model, *texts)
            target = found.answer.target
            own = said.probabilities[target.start : target.end].max(axis=1)
            assert found.answer.probability == pytest.approx(float(own.mean()), abs=1e-5)
        case "question_answering":
            said = gb.answer(model, *texts)
            assert found.answer.answer == said.answers[0]
            assert found.answer.probability == pytest.approx(float(said.span_probabilities[0]), abs=1e-5)
            everything = gb.answer(model, *texts, top_k=10_000)
            first, last = said.spans[0]
            apart = np.flatnonzero((everything.spans[:, 0] > last) | (everything.spans[:, 1] < first))[0]
            assert found.answer.next_answer == everything.answers[apart]
            assert found.answer.next_probability == pytest.approx(float(everything.span_probabilities[apart]), abs=1e-5)


@pytest.mark.parametrize("text", ["good", "good film", "?", "unbelievable"])
def test_texts_of_a_word_or_two(tiny_model, text):
    model = tiny_model("bert", "classification")
    found = gb.verdict(model, text, budget=10)
    assert found.trust.line("agreement").verdict == "not_applicable"
    assert found.trust.line("faithfulness").verdict in ("not_applicable", "holds", "doubtful", "fails")
    assert len(found.sentences) == 4


def test_a_gap_alone(tiny_model):
    found = gb.verdict(tiny_model("bert", "masked_words"), "[MASK]", budget=10)
    assert found.words.words == ()
    assert found.words.sentence == "The text has no word besides the gap."
    assert found.flip.sentence == "The text has no word that could be changed."


@pytest.mark.smoke
def test_512_tokens(tiny_model):
    model = tiny_model("roberta", "masked_words")
    text = f"{model.mask_token} " + gb.shorten(model, "good film " * 300)[0][:-12]
    encoded = gb.encode(model, text)
    assert len(encoded) > 480
    found = gb.verdict(model, text, budget=20)
    assert {"saliency", "attention_relevance", "attn_lrp"} <= set(found.words.methods)
    assert len(found.sentences) == 4


@pytest.mark.smoke
def test_a_word_masked_by_position_can_be_edited_around(pretrained):
    text = "The keys to the cabinet are on the table."
    position = gb.encode(pretrained, text).tokens.index("are")
    found = gb.verdict(pretrained, text, target=gb.MaskTarget(position), budget=60)
    typed = gb.verdict(pretrained, text.replace("are", "[MASK]"), budget=60)
    assert found.answer.answer == typed.answer.answer
    assert found.flip.search.tried == typed.flip.search.tried
    assert found.sentences == typed.sentences


def test_another_target_is_named(sentiment):
    text = "The plot is dull but the acting is wonderful."
    found = gb.verdict(sentiment, text, target="NEGATIVE", budget=10)
    assert not found.answer.explains_answer
    assert found.answer.answer == "POSITIVE"
    assert found.answer.sentence == "The model says POSITIVE (93.8%); NEGATIVE gets 6.2%."
    assert found.words.sentence == "“dull” (5 of 5 quick methods) speaks most for “NEGATIVE”."


def test_an_undecided_model_says_so(sentiment):
    found = decided_answer(sentiment, "It rained all day.")
    assert found.is_undecided
    assert found.lead == pytest.approx(2 * found.probability - 1, abs=1e-6)
    assert found.sentence.startswith("The model is undecided: NEGATIVE (56")


@pytest.fixture
def changed(tiny_checkpoint, tmp_path):
    """A tiny classifier with another kind of output."""

    def load(problem, labels):
        source = tiny_checkpoint("bert", "classification")
        torch.manual_seed(0)  # the head is new: a score near 0 would leave no digits to compare
        network = transformers.BertForSequenceClassification.from_pretrained(
            source, num_labels=labels, ignore_mismatched_sizes=True, problem_type=problem
        )
        network.save_pretrained(tmp_path / "changed")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(source / name, tmp_path / "changed")
        return gb.load(str(tmp_path / "changed"), device="cpu")

    return load


def test_a_regression_has_a_value_and_no_probability(changed):
    model = changed("regression", 1)
    found = gb.verdict(model, TEXT, budget=10)
    score = float(gb.classify(model, TEXT).logits[0])
    assert found.answer.probability is None
    assert found.answer.value == pytest.approx(score, abs=1e-5)
    assert found.answer.sentence == f"The model's score is {score:.3g}."
    assert found.flip.sentence == "A score has no classes, so no change of the text can flip it."
    assert found.trust.gap.share == pytest.approx(abs(found.trust.gap.change) / abs(score), rel=1e-4)
    assert found.words.role(certain=True) == "raise the score most"
    assert found.words.role(certain=False, one=True) == "seems to raise the score most"
    assert not any("answer" in sentence for sentence in found.sentences)


def test_a_score_of_several_is_named(changed):
    found = gb.verdict(changed("regression", 2), TEXT, target="LABEL_1", budget=10)
    assert found.answer.sentence.startswith("The model's score for “LABEL_1” is ")
    assert found.words.role(certain=True, one=True) == "raises the score for “LABEL_1” most"


def test_a_label_of_several_is_decided_by_itself(changed):
    model = changed("multi_label_classification", 3)
    label = gb.classify(model, TEXT)
    for number, name in enumerate(label.labels):
        found = gb.verdict(model, TEXT, target=name, budget=10)
        share = float(label.probabilities[number])
        assert found.answer.answer == (name if share > 0.5 else f"not {name}")
        assert found.answer.probability == pytest.approx(max(share, 1 - share), abs=1e-5)
        assert found.answer.target_probability == pytest.approx(share, abs=1e-5)


def test_hostile_text_is_shown_as_text(tiny_model):
    found = gb.verdict(tiny_model("bert", "classification"), "<img src=x onerror=alert(1)> good", budget=10)
    assert "<img" not in found._repr_html_()


def test_what_cannot_be_asked_is_refused(tiny_model):
    with pytest.raises(gb.TargetError, match="nothing to explain yet"):
        gb.verdict(tiny_model("bert", "masked_words"), "No gap here.")
    with pytest.raises(gb.TargetError, match="no task head"):
        gb.verdict(tiny_model("bert", "encoder"), TEXT)
