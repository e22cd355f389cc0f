"""Edits, flips and reductions: each against fresh passes of the stock functions, and edits against hand-made texts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.decision import Passes, decide
from glassbert.whatif.edits import edit_text, stands_alone, word_text, words_to_edit
from glassbert.whatif.proposals import by_gradient, by_masked_model, most_effective_first, whole_words
from glassbert.whatif.readability import Reader
from tests import tiny

TEXT, PAIR = "The film was good, but the plot made no sense.", ("The man went home.", "He was very tired today.")
CRITIC = "A superb cast and a clever script make this one of the best films of the year."


@pytest.fixture(scope="module")
def bert(tiny_model):
    return tiny_model("bert", "classification")


def edited(model, text, *edits):
    return edit_text(gb.encode(model, text), edits, model.mask_token).texts[0]


# --- edits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("The film was good.", gb.Edit(4, replacement="bad"), "The film was bad."),
        ("The film was good.", gb.Edit(1, replacement="a"), "A film was good."),
        ("The film was good.", gb.Edit(1, "delete"), "film was good."),
        ("The film was good.", gb.Edit(2, "delete"), "The was good."),
        ("The film was good.", gb.Edit(4, "delete"), "The film was."),
        ("The film was good", gb.Edit(4, "delete"), "The film was"),
        ("The film was good.", gb.Edit(2, "mask"), "The [MASK] was good."),
        ("The film was good.", gb.Edit(2, replacement="long  movie "), "The long  movie was good."),
        ("She  said  no", gb.Edit(2, "delete"), "She   no"),
        ("NASA said no", gb.Edit(1, replacement="he"), "he said no"),
        ("“Good” films", gb.Edit(2, "delete"), "“” films"),
        ("Ça coûte 5 €", gb.Edit(2, replacement="vaut"), "Ça vaut 5 €"),
    ],
)
def test_an_edit_changes_the_word_and_nothing_else(tiny_model, text, edit, expected):
    model = tiny_model("bert", "masked_words")
    encoded = gb.encode(model, text)
    # positions above count words; the tiny vocabulary may split them
    words = [position for position in range(len(encoded)) if encoded.word_ids[position] == edit.position - 1]
    assert edited(model, text, gb.Edit(words[-1], edit.kind, edit.replacement)) == expected


def test_edits_made_together_do_not_move_each_other(bert):
    encoded = gb.encode(bert, *PAIR)
    places = [int(np.flatnonzero(encoded.word_ids == word)[0]) for word in (1, 2, 6)]
    edits = [gb.Edit(places[0], replacement="grandmother"), gb.Edit(places[1], "delete"), gb.Edit(places[2], "mask")]
    for order in itertools.permutations(edits):
        assert edit_text(encoded, order, "[MASK]").texts == ("The grandmother home.", "He [MASK] very tired today.")


@pytest.mark.parametrize("family", tiny.STRUCTURES)
@settings(max_examples=settings().max_examples * 3 // 10)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=30))
@example(" \u0e33")  # Thai sara am, which forms one grapheme with the space before it
def test_a_word_put_in_its_own_place_changes_nothing(tiny_model, family, text):
    model = tiny_model(family, "masked_words")
    try:
        encoded = gb.encode(model, text)
    except gb.TextError:
        return
    for position in words_to_edit(encoded):
        word = word_text(encoded, position)
        assert edit_text(encoded, [gb.Edit(position, replacement=word)], model.mask_token).texts == encoded.texts


@settings(max_examples=settings().max_examples * 3 // 5)
@given(data=st.data())
def test_every_word_is_found_again_after_the_edits(tiny_model, data):
    """Each word's place in the edited text, against what stands there, and the token there against its characters."""
    model = tiny_model("bert", "masked_words")
    encoded = gb.encode(model, *PAIR)
    firsts = [position for position in range(1, len(encoded)) if encoded.word_ids[position] >= 0]
    firsts = [position for position in firsts if encoded.word_ids[position] != encoded.word_ids[position - 1]]
    kinds = {
        position: data.draw(st.sampled_from(["", "", "delete", "mask", "grandmother", "it is"])) for position in firsts
    }
    edits = [
        gb.Edit(position, kind) if kind in ("delete", "mask") else gb.Edit(position, replacement=kind)
        for position, kind in kinds.items()
        if kind
    ]
    after = edit_text(encoded, edits, "[MASK]")
    assert [word.position for word in after.words] == firsts
    again = gb.encode(model, *after.texts) if all(after.texts) else None
    for word in after.words:
        kind, old = kinds[word.position], word_text(encoded, word.position)
        expected = {"": old, "delete": "", "mask": "[MASK]"}.get(kind, kind)
        if old[0].isupper() and kind in ("grandmother", "it is"):
            expected = expected[0].upper() + expected[1:]
        assert (word.old, word.new, word.changed) == (old, expected, bool(kind))
        if again is not None and word.new:
            token = word.token_in(again)
            assert again.sequence_ids[token] == word.text
            assert again.offsets[token, 0] == word.new_start


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: gb.Edit(2, "swap", "x"), gb.OptionError, "must be one of replace, delete, mask"),
        (lambda: gb.Edit(2), gb.OptionError, "needs a replacement"),
        (lambda: gb.Edit(2, "replace", "  "), gb.OptionError, "needs a replacement"),
        (lambda: gb.Edit(2, "delete", "x"), gb.OptionError, "take none"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("edits", "error", "message"),
    [
        ([gb.Edit(0, "delete")], gb.TargetError, "token 0 is not a word"),
        ([gb.Edit(99, "delete")], gb.TargetError, "token 99 is not a word"),
        ([[gb.Edit(2, "delete"), gb.Edit(2, "mask")]], gb.TargetError, "two edits change the same word"),
        ([], gb.OptionError, "at least one edit"),
        (gb.Edit(2, "delete"), gb.OptionError, "edits must be a list"),
    ],
)
def test_variants_that_make_no_sense_are_refused(bert, edits, error, message):
    with pytest.raises(error, match=message):
        gb.variants(bert, TEXT, edits=edits)


# --- variants ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_a_variant_is_judged_as_if_it_had_been_typed(tiny_model, family):
    model = tiny_model(family, "classification")
    edits = [
        gb.Edit(2, "delete"),
        [gb.Edit(2, replacement="The man was tired"), gb.Edit(5, "mask")],
        gb.Edit(4, "mask"),
    ]
    found = gb.variants(model, TEXT, edits=edits)
    base = gb.classify(model, TEXT)
    assert (found.prediction, found.probability) == (
        model.labels[base.predicted],
        pytest.approx(base.probabilities.max(), abs=1e-6),
    )
    for texts, probability, prediction in zip(found.texts, found.probabilities, found.predictions, strict=True):
        fresh = gb.classify(model, *texts)
        assert probability == pytest.approx(fresh.probabilities[base.predicted], abs=1e-5)
        assert prediction == model.labels[fresh.predicted]
    assert found.values == pytest.approx(found.probabilities)


def test_a_gap_keeps_being_asked_about_while_words_before_it_change(tiny_model):
    model = tiny_model("bert", "masked_words")
    text = "The [MASK] was [MASK] today."
    encoded = gb.encode(model, text)
    gap = int(np.flatnonzero(encoded.input_ids == model.tokenizer.mask_token_id)[1])
    edits = [
        gb.Edit(1, "mask"),
        gb.Edit(1, "delete"),
        gb.Edit(1, replacement="Home was the man"),
        gb.Edit(gap + 1, "mask"),
    ]
    found = gb.variants(model, text, edits=edits, target=gb.MaskTarget(gap, 40), output="logit")
    for texts, value, ordinal in zip(found.texts, found.values, (2, 1, 1, 1), strict=True):
        fresh = gb.fill_mask(model, texts[0], top_k=512)
        assert dict(zip(fresh.candidate_ids[ordinal], fresh.logits[ordinal], strict=True))[40] == pytest.approx(
            value, abs=1e-5
        )
    with pytest.raises(gb.TargetError, match="cannot be edited"):
        gb.variants(model, text, edits=[gb.Edit(gap, "delete")], target=gb.MaskTarget(gap))
    with pytest.raises(gb.TargetError, match="only a typed mask can be followed"):
        gb.variants(model, text, edits=[gb.Edit(1, "mask")], target=gb.MaskTarget(gap + 1))


def test_variants_of_a_pair_ask_for_the_next_sentence(tiny_model):
    model = tiny_model("bert", "next_sentence")
    found = gb.variants(model, *PAIR, edits=[gb.Edit(2, "delete")], target=gb.NextSentenceTarget())
    assert found.probability == pytest.approx(gb.next_sentence(model, *PAIR).probability, abs=1e-6)
    assert found.probabilities[0] == pytest.approx(gb.next_sentence(model, *found.texts[0]).probability, abs=1e-5)


@pytest.mark.parametrize("target", [gb.TokenTarget(2), gb.AnswerTarget()])
def test_other_decisions_are_not_varied(tiny_model, target):
    task = "token_classification" if isinstance(target, gb.TokenTarget) else "question_answering"
    with pytest.raises(gb.TargetError, match="for a class, a masked word, the next sentence, an entity or an answer"):
        gb.variants(tiny_model("bert", task), *PAIR, edits=[gb.Edit(2, "delete")], target=target)


# --- flips ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("proposals", ["masked_model", "gradient"])
def test_every_flip_flips_on_a_fresh_pass_and_the_smallest_comes_first(sentiment, pretrained, proposals):
    text = "The plot is thin but the acting is good."
    found = gb.find_flip(sentiment, text, proposals=proposals, proposer=pretrained, top_k=8, budget=300)
    assert found.complete
    assert found.found >= len(found.flips.texts) > 0
    before = sentiment.labels[gb.classify(sentiment, text).predicted]
    assert found.prediction == before
    for texts, probability in zip(found.flips.texts, found.flips.probabilities, strict=True):
        fresh = gb.classify(sentiment, *texts)
        assert sentiment.labels[fresh.predicted] != before
        assert fresh.probabilities[sentiment.labels.index(before)] == pytest.approx(probability, abs=1e-5)
    sizes = [(len(edits), distance) for edits, distance in zip(found.flips.edits, found.distances, strict=True)]
    assert sizes == sorted(sizes)
    assert found.forward_passes <= 300
    again = gb.find_flip(sentiment, text, proposals=proposals, proposer=pretrained, top_k=8, budget=300)
    assert again.flips.texts == found.flips.texts


def test_single_flips_are_those_of_a_direct_search(bert):
    found = gb.find_flip(bert, TEXT, proposals="gradient", top_k=3, max_edits=1, results=1000, budget=1000)
    encoded = gb.encode(bert, TEXT)
    offers = by_gradient(decide(bert, encoded, None, "probability"), words_to_edit(encoded), 3)
    tried = {edited(bert, TEXT, gb.Edit(place, "delete")) for place in words_to_edit(encoded)}
    tried |= {edited(bert, TEXT, gb.Edit(one.position, replacement=one.word)) for own in offers for one in own}
    before = gb.classify(bert, TEXT).predicted
    expected = {text for text in tried if gb.classify(bert, text).predicted != before}
    assert {texts[0] for texts in found.flips.texts} == expected
    assert found.tried == len({text.casefold() for text in tried})


def test_the_search_keeps_to_the_words_it_is_given_and_to_their_order(bert):
    """Named by any of their tokens; a budget for two variants tries the first two deletions."""
    encoded = gb.encode(bert, TEXT)
    places = words_to_edit(encoded)
    chosen = [places[4], places[1]]
    pieces = np.flatnonzero(encoded.word_ids == encoded.word_ids[places[1]])
    found = gb.find_flip(bert, TEXT, proposals="gradient", positions=[chosen[0], int(pieces[-1])], results=1000)
    assert found.complete
    everything = [*found.flips.edits, *found.closest.edits]
    assert {position for edits in everything for position, _, _ in edits} <= set(chosen)
    order = []
    spied = gb.find_flip(
        bert, TEXT, proposals="gradient", positions=chosen, budget=10, progress=lambda done, _: order.append(done)
    )
    assert spied.tried < found.tried
    assert spied.closest.edits or spied.found
    for positions, message in (
        ([0], "token 0 is not part of a word"),
        ([], "at least one token"),
        ([999], "token 999"),
    ):
        with pytest.raises(gb.TargetError, match=message):
            gb.find_flip(bert, TEXT, proposals="gradient", positions=positions)


def test_every_word_is_deleted_before_one_is_replaced(bert):
    """A budget for the original, an open target and the deletions, and for the distance of each flip."""
    places = words_to_edit(gb.encode(bert, TEXT))
    enough = gb.find_flip(bert, TEXT, proposals="gradient", words_to_replace=0, max_edits=1, budget=100)
    assert (enough.words_deleted, enough.words_replaced, enough.complete) == (len(places), 0, True)
    assert enough.tried == len(places)
    # the target, the original, one per deletion, and what the distances of flips take: one each and the original's
    assert enough.forward_passes == 2 + len(places) + (1 + enough.found if enough.found else 0)
    small = gb.find_flip(bert, TEXT, proposals="gradient", budget=enough.forward_passes + 2)
    assert (small.words_deleted, small.words_replaced, small.complete) == (len(places), 0, False)
    two = gb.find_flip(bert, TEXT, proposals="gradient", words_to_replace=2, max_edits=1, budget=200)
    assert (two.words_deleted, two.words_replaced) == (len(places), 2)


def test_a_flip_that_does_not_read_well_is_kept_apart(sentiment, pretrained):
    text = "The bank refused to refund the fee, although my account manager was very helpful."
    encoded = gb.encode(sentiment, text)
    place = encoded.pieces.index("although")
    options = {"proposer": pretrained, "positions": [place], "words_to_replace": 0, "readable": True}
    found = gb.find_flip(sentiment, text, **options)
    assert (found.found, found.unreadable, found.odd.edits) == (0, 1, (((place, "delete", ""),),))
    changed = edit_text(encoded, [gb.Edit(place, "delete")])
    assert found.odd.texts[0] == changed.texts
    reader = Reader(pretrained, [text], Passes())
    assert found.oddness == pytest.approx(reader.oddness(changed), abs=1e-4)
    assert found.oddness > 1
    assert not reader.reads_well(changed)
    unread = gb.find_flip(sentiment, text, **options, budget=10)
    assert (unread.odd.edits, unread.oddness) == (found.odd.edits, None)
    kept = gb.find_flip(sentiment, text, **{**options, "readable": False})
    assert (kept.found, kept.odd.edits, kept.oddness) == (1, (), None)


def test_none_found_is_an_answer_with_the_closest_try(sentiment, pretrained):
    text = "Wonderful, wonderful, wonderful and wonderful."
    found = gb.find_flip(sentiment, text, proposer=pretrained, top_k=1, max_edits=1, deletions=False)
    assert found.found == len(found.flips.texts) == 0
    assert found.complete
    assert len(found.closest.texts) == 1
    tried = gb.find_flip(sentiment, text, proposer=pretrained, top_k=1, max_edits=1)
    assert tried.closest.probabilities[0] <= found.closest.probabilities[0]


def test_two_changes_flip_where_one_does_not(sentiment, pretrained):
    text = "A wonderful, moving and beautiful film."
    one = gb.find_flip(sentiment, text, proposer=pretrained, top_k=3, max_edits=1)
    two = gb.find_flip(sentiment, text, proposer=pretrained, top_k=3, max_edits=2)
    assert {len(edits) for edits in one.flips.edits} <= {1}
    assert two.tried > one.tried
    for edits in two.flips.edits:
        assert len({position for position, _, _ in edits}) == len(edits)


def test_the_budget_holds_and_stopping_keeps_what_was_found(sentiment, pretrained):
    small = gb.find_flip(sentiment, CRITIC, proposer=pretrained, budget=60)
    assert small.forward_passes <= 60
    assert not small.complete
    reports = []
    stopped = gb.find_flip(
        sentiment,
        CRITIC,
        proposer=pretrained,
        progress=lambda done, total: reports.append((done, total)),
        cancelled=lambda: len(reports) > 0,
    )
    assert not stopped.complete
    assert 0 < stopped.tried <= 128
    assert all(done <= total == 1000 for done, total in reports)


def test_the_distance_is_that_of_the_mean_states(bert):
    found = gb.find_flip(bert, TEXT, proposals="gradient", top_k=3, max_edits=1, results=3)
    import torch

    def mean(text):
        encoded = gb.encode(bert, text)
        with torch.no_grad():
            states = bert.network.base_model(
                input_ids=torch.tensor(encoded.input_ids)[None],
                attention_mask=torch.ones(1, len(encoded), dtype=torch.long),
                token_type_ids=torch.tensor(encoded.token_type_ids)[None],
            ).last_hidden_state[0]
        return states[encoded.special_tokens_mask == 0].double().numpy().mean(axis=0)

    base = mean(TEXT)
    for texts, distance in zip(found.flips.texts, found.distances, strict=True):
        other = mean(texts[0])
        cosine = base @ other / np.linalg.norm(base) / np.linalg.norm(other)
        assert distance == pytest.approx(1 - cosine, abs=1e-6)


def test_who_proposes_must_know_masked_words(sentiment):
    with pytest.raises(gb.TaskHeadError, match="masked"):
        gb.find_flip(sentiment, TEXT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"proposals": "magic"}, "must be one of masked_model, gradient"),
        ({"max_edits": 3}, "must be 1 or 2"),
        ({"top_k": 0}, "at least 1"),
        ({"budget": 3}, "at least 10"),
        ({"results": 0}, "at least 1"),
        ({"words_to_replace": -1}, "words_to_replace must be at least 0"),
    ],
)
def test_options_of_the_search_are_checked(bert, options, message):
    with pytest.raises(gb.OptionError, match=message):
        gb.find_flip(bert, TEXT, **{"proposals": "gradient", **options})


def test_a_text_without_words_cannot_be_changed(bert):
    with pytest.raises(gb.TargetError, match="no word to change"):
        gb.find_flip(bert, "...", proposals="gradient")


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_proposed_words_are_the_likeliest_whole_words(tiny_model, family):
    model = tiny_model(family, "masked_words")
    encoded = gb.encode(model, TEXT)
    places = words_to_edit(encoded)
    for place, offered in zip(places, by_masked_model(model, encoded, places, 5, Passes()), strict=True):
        masked = gb.fill_mask(model, edited(model, TEXT, gb.Edit(place, "mask")), top_k=512)
        known = dict(zip(masked.candidate_ids[0].tolist(), np.log(masked.probabilities[0]).tolist(), strict=True))
        scores = [one.score for one in offered]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
        for one in offered:
            assert one.word.isalpha()
            (token,) = model.tokenizer(" " + one.word, add_special_tokens=False)["input_ids"]
            assert one.score == pytest.approx(known[token], abs=1e-4)


def test_hotflip_ranks_by_the_linear_fall_of_the_value(bert):
    """Where the model is linear in one embedding the fall is exact: checked by a small step towards the new word."""
    import torch

    runner = decide(bert, gb.encode(bert, TEXT), gb.ClassTarget(0), "logit")
    (offered,) = by_gradient(runner, [2], 3)
    table = bert.network.get_input_embeddings().weight
    for one in offered:
        (token,) = bert.tokenizer(" " + one.word, add_special_tokens=False)["input_ids"]
        step, moved = 1e-2, runner.decision.embeddings.clone()
        with torch.no_grad():
            moved[0, 2] += step * (table[token] - moved[0, 2])
            fall = float(runner.value(runner.decision.embeddings) - runner.value(moved)) / step
        assert fall == pytest.approx(one.score, rel=0.05, abs=1e-3)


def test_the_most_effective_proposals_of_a_place_come_first(bert):
    """The fall of a proposal is the gradient's own; a word of several pieces, which has none, is last."""
    encoded = gb.encode(bert, TEXT)
    runner = decide(bert, encoded, gb.ClassTarget(0), "logit")
    place = words_to_edit(encoded)[1]
    (known,) = by_gradient(runner, [place], 6)
    mixed = [known[number] for number in (3, 0, 5, 1, 4, 2)]
    pieces = [gb.Edit(place, replacement="unbelievable heartwarming")]
    (ordered,) = most_effective_first(runner, [mixed])
    assert ordered == known
    odd = type(known[0])(place, pieces[0].replacement, 0.0)
    assert most_effective_first(runner, [[odd, *mixed], []]) == [[*known, odd], []]


@pytest.mark.parametrize("proposals", ["masked_model", "gradient"])
def test_no_word_of_the_text_is_proposed(tiny_model, proposals):
    model = tiny_model("bert", "masked_words" if proposals == "masked_model" else "classification")
    encoded = gb.encode(model, TEXT)
    places = words_to_edit(encoded)
    if proposals == "gradient":
        offers = by_gradient(decide(model, encoded, None, "probability"), places, 20)
        assert all(len(one.word) >= 3 or not one.word.islower() for own in offers for one in own)
    else:
        offers = by_masked_model(model, encoded, places, 20, Passes())
    proposed = {one.word.casefold() for own in offers for one in own}
    assert proposed
    assert not proposed & set(TEXT.casefold().replace(",", "").replace(".", "").split())
    assert not proposed & {token.removeprefix("##") for token in encoded.tokens}


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("They don't know", {"They", "know"}),
        ("They don’t know", {"They", "know"}),
        ("a well-made film", {"a", "film"}),
        ("the critics' choice - good", {"the", "critics", "choice", "good"}),
        ("'good' film", {"good", "film"}),
    ],
)
def test_parts_of_a_word_do_not_stand_alone(pretrained, text, alone):
    encoded = gb.encode(pretrained, text)
    found = {word_text(encoded, place) for place in words_to_edit(encoded) if stands_alone(encoded, place)}
    assert found == alone
    places = {position for edits in _everything_tried(pretrained, text) for position, _, _ in edits}
    assert {word_text(encoded, place) for place in places} <= alone


def _everything_tried(model, text):
    found = gb.find_flip(model, f"{text} [MASK].", top_k=1, max_edits=1, budget=60, results=100)
    return [*found.flips.edits, *found.closest.edits]


# --- reading -----------------------------------------------------------------------------------------------------


def log_probability(model, text, gap, word):
    """Of a word where ``gap`` stands in the text, by the stock prediction."""
    found = gb.fill_mask(model, text.replace(gap, model.mask_token), top_k=30000)
    at = [str(candidate) for candidate in found.candidates[0]].index(word)
    return float(np.log(found.probabilities[0, at]))


def test_a_change_is_read_by_its_word_and_two_on_either_side(pretrained):
    """Each predicted by the stock function before and after; what is known of the original is not asked again."""
    text = "the cast is superb and clever ."
    encoded = gb.encode(pretrained, text)
    passes = Passes()
    reader = Reader(pretrained, [text], passes)
    place = encoded.tokens.index("superb")

    def fall(before, after, word, other=None):
        return log_probability(pretrained, before, "@", word) - log_probability(pretrained, after, "@", other or word)

    changed, beside = reader.falls(edit_text(encoded, [gb.Edit(place, replacement="awful")], None))
    same = "the cast is @ and clever ."
    np.testing.assert_allclose(changed, [fall(same, same, "superb", "awful")], atol=1e-3)
    places = {
        "is": "the cast @ {} and clever .",
        "cast": "the @ is {} and clever .",
        "and": "the cast is {} @ clever .",
        "clever": "the cast is {} and @ .",
    }
    expected = [fall(text.format("superb"), text.format("awful"), word) for word, text in places.items()]
    np.testing.assert_allclose(beside, expected, atol=1e-3)
    assert passes.count == 10
    changed, beside = reader.falls(edit_text(encoded, [gb.Edit(place, "delete")], None))
    assert not len(changed)
    expected = [fall(text.format("superb"), " ".join(text.format("").split()), word) for word, text in places.items()]
    np.testing.assert_allclose(beside, expected, atol=1e-3)
    assert passes.count == 14


@pytest.mark.parametrize(
    ("text", "word", "opposite"),
    [
        ("The story is thin, but the acting is superb and I loved it.", "loved", "hated"),
        ("The acting is superb and I loved it.", "superb", "awful"),
        ("I love this place.", "love", "hate"),
    ],
)
def test_what_people_would_write_reads_well(pretrained, text, word, opposite):
    encoded = gb.encode(pretrained, text)
    reader = Reader(pretrained, [text], Passes())

    def reads_well(replacement):
        return reader.reads_well(
            edit_text(encoded, [gb.Edit(encoded.tokens.index(word), replacement=replacement)], None)
        )

    assert reads_well(opposite)
    assert not reads_well("the")
    assert not reads_well("banana")


def test_readable_flips_read_well_and_the_others_are_counted(sentiment, pretrained):
    text = "The plot is thin but the acting is good."
    options = {"proposer": pretrained, "top_k": 8, "max_edits": 1, "budget": 400, "results": 1000}
    every = gb.find_flip(sentiment, text, **options)
    some = gb.find_flip(sentiment, text, readable=True, **options)
    assert every.unreadable == 0
    assert some.complete
    reader = Reader(pretrained, [text], Passes())
    encoded = gb.encode(sentiment, text)

    vectors = pretrained.network.get_input_embeddings().weight.detach().double().numpy()
    words = whole_words(pretrained)
    vectors = vectors - vectors[words].mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    drawn = np.random.default_rng(1).choice(np.flatnonzero(words), (2, 20_000))
    limit = np.quantile((vectors[drawn[0]] * vectors[drawn[1]]).sum(axis=1), 0.95)

    def reads(edits):
        changed, beside = reader.falls(edit_text(encoded, [gb.Edit(*edit) for edit in edits], None))
        falls = (max(changed, default=0.0) <= np.log(20), max(beside, default=0.0) <= np.log(5))
        return all(falls) and sum(beside) <= np.log(10)

    def alike(edits, slack):
        ((position, kind, word),) = edits
        own, other = encoded.input_ids[position], pretrained.tokenizer.convert_tokens_to_ids(word)
        return kind == "delete" or vectors[own] @ vectors[other] > limit + slack

    found = set(some.flips.edits)
    assert all(reads(edits) and alike(edits, -0.02) for edits in found)
    assert found >= {edits for edits in every.flips.edits if reads(edits) and alike(edits, 0.02)}
    assert any(not alike(edits, 0) for edits in every.flips.edits)
    assert some.unreadable > 0
    assert some.found > 0
    assert some.forward_passes <= 400
    with pytest.raises(gb.TaskHeadError, match="masked"):
        gb.find_flip(sentiment, text, proposals="gradient", readable=True)


# --- reduction -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta"])
def test_each_step_takes_the_word_that_costs_least(tiny_model, family):
    """Against one-by-one passes of the shorter inputs, words left out by id."""
    model = tiny_model(family, "classification")
    found = gb.reduce_input(model, TEXT)
    encoded, decided = found.encoded, gb.classify(model, TEXT).predicted
    assert found.present[0].all()
    for before, after, removed, probability in zip(
        found.present, found.present[1:], found.removed, found.probabilities[1:], strict=False
    ):
        gone = encoded.word_ids == encoded.word_ids[removed]
        assert (after == (before & ~gone)).all()
        chances = {}
        for word in np.unique(encoded.word_ids[(before == 1) & (encoded.word_ids >= 0)]):
            kept = (before == 1) & (encoded.word_ids != word)
            fresh = gb.classify(model, subset(encoded, kept))
            if fresh.predicted == decided:
                chances[int(word)] = float(fresh.probabilities[decided])
        assert probability == pytest.approx(max(chances.values()), abs=1e-5)
        assert chances[int(encoded.word_ids[removed])] == pytest.approx(max(chances.values()), abs=1e-5)
    assert found.complete
    assert len(found.texts) == len(found.present)


def subset(encoded, kept):
    import dataclasses

    arrays = (
        "input_ids",
        "token_type_ids",
        "attention_mask",
        "offsets",
        "word_ids",
        "sequence_ids",
        "special_tokens_mask",
    )
    strings = ("tokens", "pieces")
    values = {name: getattr(encoded, name)[kept] for name in arrays}
    values |= {name: tuple(itertools.compress(getattr(encoded, name), kept)) for name in strings}
    return dataclasses.replace(encoded, **values)


def test_the_decision_holds_to_the_last(sentiment):
    found = gb.reduce_input(sentiment, CRITIC)
    assert found.prediction == "POSITIVE"
    assert (found.probabilities > 0.5).all()
    assert len(found.texts[-1][0].split()) < 4
    assert found.texts[0] == (CRITIC,)
    assert found.forward_passes <= 1 + 1 + sum(range(19))


def test_stopping_a_reduction_keeps_its_steps(sentiment):
    steps = []
    found = gb.reduce_input(
        sentiment, CRITIC, progress=lambda done, total: steps.append((done, total)), cancelled=lambda: len(steps) == 3
    )
    assert not found.complete
    assert steps == [(1, 18), (2, 18), (3, 18)]
    assert len(found.removed) == 3


def test_a_gap_stays_until_the_end(pretrained):
    found = gb.reduce_input(pretrained, "Paris is the capital of [MASK].")
    assert all("[MASK]" in texts[0] for texts in found.texts)


def test_nothing_but_a_gap_cannot_be_reduced(pretrained):
    with pytest.raises(gb.TargetError, match="no word to remove"):
        gb.reduce_input(pretrained, "[MASK]")
