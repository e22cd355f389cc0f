"""Words at a place: one piece as fill_mask has it, several by the chain rule written out; spelt as in the real text."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.language.results import ContinuationRanking
from glassbert.text.vocabulary import pieces_in_place
from tests import tiny

TEXT = "The [MASK] was tired."
#: In every tiny vocabulary the first two are one piece and the last two several.
WORDS = ("the", "was", "unbelievable", "heartwarming")


def logits_of(oracle, ids, position):
    with torch.no_grad():
        inputs = oracle.inputs("a")
        row = torch.tensor([ids])
        batch = {"input_ids": row, "attention_mask": torch.ones_like(row), "token_type_ids": torch.zeros_like(row)}
        output = oracle.network(**{name: value for name, value in batch.items() if name in inputs})
    return output.logits[0, position].double()


def by_hand(oracle, before, pieces, after, variant):
    """ln p of each piece, one stock forward pass each."""
    mask = oracle.tokenizer.mask_token_id
    logs = []
    for number, piece in enumerate(pieces):
        shown = list(pieces)
        shown[number] = mask
        if variant == "word_l2r":
            shown[number:] = [mask] * (len(pieces) - number)
        log_probabilities = logits_of(oracle, [*before, *shown, *after], len(before) + number).log_softmax(dim=-1)
        logs.append(float(log_probabilities[piece]))
    return logs


@pytest.mark.parametrize("variant", ["original", "word_l2r"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_pieces_are_scored_as_defined(tiny_model, stock, family, variant):
    model, oracle = tiny_model(family, "masked_words"), stock(family, "masked_words")
    result = gb.score_words(model, TEXT, 2, WORDS, variant=variant)
    ids = oracle.inputs(TEXT)["input_ids"][0].tolist()
    position = ids.index(oracle.tokenizer.mask_token_id)
    before, after = ids[:position], ids[position + 1 :]
    assert (result.position, result.encoded.input_ids.tolist()) == (position, ids)
    assert result.replaced == (oracle.tokenizer.mask_token,)
    single = logits_of(oracle, ids, position)
    several = 0
    for row, word in enumerate(WORDS):
        pieces = oracle.tokenizer(f"The {word} was tired.")["input_ids"][len(before) : -len(after)]
        logs = by_hand(oracle, before, pieces, after, variant)
        assert result.piece_ids[row] == tuple(pieces)
        assert result.pieces[row] == tuple(oracle.tokenizer.convert_ids_to_tokens(pieces))
        np.testing.assert_allclose(result.piece_probabilities[row], np.exp(logs), atol=1e-5)
        assert result.surprisal[row] == pytest.approx(-sum(logs) / math.log(2), rel=1e-5)
        assert result.probabilities[row] == pytest.approx(math.exp(sum(logs)), rel=1e-4)
        if len(pieces) == 1:
            assert result.ranks[row] == int((single > single[pieces[0]]).sum()) + 1
        else:
            assert result.ranks[row] == 0
            several += len(pieces)
    assert several >= 4
    assert result.forward_passes == 1 + several
    assert result.variant == variant


def test_left_to_right_is_a_distribution_over_words_of_two_pieces(tiny_model):
    """Σ over second pieces of p(first) p(second | first) is p(first): the chain rule."""
    model = tiny_model("bert", "masked_words", vocab=420)
    from glassbert.language.masked_copies import look_up, states
    from glassbert.language.word_scores import gather_words, plan_words

    place = gb.encode(model, TEXT)
    words = [(50, second) for second in range(420)]
    plan = plan_words(model, place, 2, words, "word_l2r")
    found = gather_words(look_up(model, states(model, plan.copies), plan.rows, plan.ids), words)
    first = {round(pieces[0], 6) for pieces in found.pieces}
    assert len(first) == 1
    assert np.exp(found.log_probabilities).sum() == pytest.approx(first.pop(), abs=1e-5)


def test_words_of_one_piece_are_fill_masks(pretrained):
    text = "The nurse said that [MASK] was late."
    position = gb.encode(pretrained, text).tokens.index("[MASK]")
    result = gb.score_words(pretrained, text, position, ["he", "she", "They"])
    best = gb.fill_mask(pretrained, text, top_k=300)
    for word, probability, rank in zip(("he", "she", "they"), result.probabilities, result.ranks, strict=True):
        place = best.candidates[0].index(word)
        assert rank == place + 1
        assert probability == pytest.approx(best.probabilities[0, place], abs=1e-5)
    assert result.forward_passes == 1
    np.testing.assert_allclose(result.surprisal, -np.log2(result.probabilities), rtol=1e-5)


def test_a_token_or_a_whole_word_is_replaced(tiny_model):
    model = tiny_model("bert", "masked_words")
    text, masked = "the unbelievable film", "the [MASK] film"
    encoded = gb.encode(model, text)
    word = np.flatnonzero(encoded.word_ids == 1)
    assert len(word) > 2
    whole = gb.score_words(model, text, word, ["was", "heartwarming"])
    typed = gb.score_words(model, masked, int(word[0]), ["was", "heartwarming"])
    assert whole.encoded.input_ids.tolist() == gb.encode(model, masked).input_ids.tolist()
    assert whole.encoded.offsets[whole.position].tolist() == [4, 16]
    assert whole.replaced == encoded.tokens[word[0] : word[-1] + 1]
    np.testing.assert_array_equal(whole.surprisal, typed.surprisal)
    one = gb.score_words(model, text, int(word[1]), ["##able"])
    assert len(one.encoded) == len(encoded)
    best = gb.fill_mask(model, text, positions=[int(word[1])], top_k=512)
    assert one.probabilities[0] == pytest.approx(best.probabilities[0, best.candidates[0].index("##able")], abs=1e-5)


def test_the_second_text_of_a_pair_keeps_its_segment(tiny_model, stock):
    model, oracle = tiny_model("bert", "masked_words"), stock("bert", "masked_words")
    pair = ("the film", "it was [MASK] tired")
    position = gb.encode(model, *pair).tokens.index("[MASK]")
    result = gb.score_words(model, pair[0], position, ["unbelievable"], pair[1], variant="original")
    inputs = oracle.inputs(pair[0], "it was unbelievable tired")
    total, log_sum = len(result.piece_ids[0]), 0.0
    for number in range(total):
        row = inputs["input_ids"].clone()
        row[0, position + number] = oracle.tokenizer.mask_token_id
        with torch.no_grad():
            logits = oracle.network(**{**inputs, "input_ids": row}).logits[0, position + number].double()
        log_sum += float(logits.log_softmax(dim=-1)[result.piece_ids[0][number]])
    assert result.surprisal[0] == pytest.approx(-log_sum / math.log(2), rel=1e-5)


IN_PLACE = (
    ("The [MASK] was tired.", "film"),
    ("[MASK] was tired.", "The"),
    ("It was ([MASK]) tired.", "film"),
    ("tired-[MASK] at home", "was"),
    ("a  [MASK], b", "unbelievable"),
    ("巴黎是[MASK]。", "首都"),
    ("so [MASK] it", "naïve"),
    ("it is 3 [MASK]", "%"),
    ("so [MASK] it", "½"),
)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize(("text", "word"), IN_PLACE)
def test_a_word_is_spelt_as_in_the_real_text(tiny_model, family, text, word):
    """Where the real text with the word in place cuts at its edges, its pieces are those of the word at the mask."""
    model = tiny_model(family, "masked_words")
    place = gb.encode(model, text)
    position = next(index for index, token in enumerate(place.tokens) if token == model.mask_token)
    full = gb.encode(model, text.replace("[MASK]", word))
    start = text.index("[MASK]")
    inside = (full.offsets[:, 1] > start) & (full.offsets[:, 0] < start + len(word)) & (full.sequence_ids == 0)
    # a space of its own, as byte-level vocabularies have it before a byte they do not merge
    inside |= (full.offsets == start).all(axis=1) & (full.sequence_ids == 0)
    if model.tokenizer.unk_token_id in full.input_ids[inside]:
        with pytest.raises(gb.TargetError, match="are not in this model's vocabulary"):
            pieces_in_place(model, place, position, word)
    else:
        assert list(pieces_in_place(model, place, position, word)) == full.input_ids[inside].tolist()


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ([], gb.OptionError, "list (with at least one word|of strings)"),
        ("he", gb.OptionError, "list (with at least one word|of strings)"),
        ([""], gb.TargetError, "no character that this model can read"),
        (["  "], gb.TargetError, "no character that this model can read"),
        (["\u200b"], gb.TargetError, "no character that this model can read"),
        (["😀"], gb.TargetError, "not in this model's vocabulary"),
        ([512], gb.TargetError, "ids 0 to 511"),
        ([-1], gb.TargetError, "ids 0 to 511"),
    ],
)
def test_words_that_cannot_be_scored_say_so(tiny_model, words, error, message):
    with pytest.raises(error, match=message):
        gb.score_words(tiny_model("bert", "masked_words"), TEXT, 2, words)


def test_places_that_cannot_be_scored_say_so(tiny_model):
    model = tiny_model("bert", "masked_words")
    for position, message in (
        (0, "special token"),
        (99, "tokens 0 to"),
        ([], "one position"),
        ([1, 3], "adjacent"),
    ):
        with pytest.raises(gb.TargetError, match=message):
            gb.score_words(model, TEXT, position, ["he"])
    with pytest.raises(gb.OptionError, match="must be one of original, word_l2r"):
        gb.score_words(model, TEXT, 2, ["he"], variant="chain")  # type: ignore[arg-type]
    with pytest.raises(gb.TaskHeadError, match="masked words"):
        gb.score_words(tiny_model("bert", "classification"), TEXT, 2, ["he"])
    full = "a " * 509 + "[MASK]"
    assert gb.score_words(model, full, 510, ["was"]).ranks[0] >= 1
    with pytest.raises(gb.TextTooLongError, match=r"with the \d pieces u ##n") as error:
        gb.score_words(model, full, 510, ["unable"])
    assert error.value.tokens == 512 + len(pieces_in_place(model, gb.encode(model, full), 510, "unable")) - 1


def test_the_frame_has_a_row_a_word(tiny_model):
    result = gb.score_words(tiny_model("bert", "masked_words"), TEXT, 2, ["he", "unable"])
    frame = result.frame()
    assert frame["word"].tolist() == ["he", "unable"]
    assert frame["pieces"].tolist() == ["he", "u ##n ##able"]
    assert frame["probability"].tolist() == result.probabilities.tolist()
    assert frame["rank"].tolist() == result.ranks.tolist()


TEMPLATE, JOBS = "The {job} said that [MASK] was {state}.", ("doctor", "man", "unbelievable store")


class TestTemplateProbe:
    @pytest.mark.parametrize("family", tiny.FAMILIES)
    def test_equals_one_text_at_a_time(self, tiny_model, family):
        model = tiny_model(family, "masked_words")
        slots = {"state": ["tired", "good"], "job": JOBS}
        probe = gb.probe_template(model, TEMPLATE, slots, ["he", "was", "heartwarming"])
        assert probe.slots == ("job", "state")
        assert probe.combinations == tuple((job, state) for job in JOBS for state in ("tired", "good"))
        for row, (job, state) in enumerate(probe.combinations):
            text = f"The {job} said that [MASK] was {state}."
            assert probe.texts[row] == text
            best = gb.fill_mask(model, text, top_k=1)
            alone = gb.score_words(model, text, int(best.positions[0]), ["he", "was", "heartwarming"])
            np.testing.assert_allclose(probe.probabilities[row], alone.probabilities, rtol=1e-4, atol=1e-9)
            np.testing.assert_allclose(probe.surprisal[row], alone.surprisal, atol=1e-4)
            assert probe.ranks[row].tolist() == alone.ranks.tolist()
            assert probe.choices[row] == best.candidates[0][0]
            assert probe.choice_probabilities[row] == pytest.approx(best.probabilities[0, 0], abs=1e-5)
            assert probe.entropy[row] == pytest.approx(best.entropy[0], abs=1e-4)
            assert probe.pieces == alone.pieces
        several = sum(len(pieces) for pieces in probe.pieces if len(pieces) > 1)
        assert probe.forward_passes == 6 * (1 + several)

    def test_without_words_the_likeliest_on_average(self, tiny_model):
        model = tiny_model("bert", "masked_words")
        template = "The {job} said that [MASK] was late."
        probe = gb.probe_template(model, template, {"job": JOBS}, top_k=4)
        mean = np.zeros(512)
        for job in JOBS:
            best = gb.fill_mask(model, template.replace("{job}", job), top_k=512)
            mean[best.candidate_ids[0]] += best.probabilities[0] / len(JOBS)
        order = np.argsort(-mean)[:4]
        assert probe.words == tuple(model.tokenizer.convert_ids_to_tokens(order))
        np.testing.assert_allclose(probe.probabilities.mean(axis=0), mean[order], atol=1e-6)
        assert probe.forward_passes == 3

    def test_what_fills_a_slot_is_text(self, tiny_model):
        probe = gb.probe_template(
            tiny_model("bert", "masked_words"), "{a} [MASK] {b} {a}", {"a": ["{b}", "x"], "b": ["<b>"]}, ["he"]
        )
        assert probe.texts == ("{b} [MASK] <b> {b}", "x [MASK] <b> x")

    @pytest.mark.parametrize(
        ("template", "slots", "error", "message"),
        [
            ("The [MASK].", {}, gb.OptionError, "has no slot: write one in braces"),
            (TEMPLATE, {"job": ["a"]}, gb.OptionError, r"slot \{state\} of the template has no list"),
            ("{job} [MASK]", {"job": ["a"], "jop": ["b"]}, gb.OptionError, r"no slot \{jop\}; its slots are \{job\}"),
            ("{job} [MASK]", {"job": []}, gb.OptionError, "at least one filler"),
            ("{job} [MASK]", {"job": "nurse"}, gb.OptionError, "at least one filler"),
            ("{job} [MASK]", {"job": ["a", " "]}, gb.OptionError, "none of them empty"),
            ("{job} was", {"job": ["a"]}, gb.TargetError, "needs exactly one .MASK., but 'a was' has none"),
            ("{job} [MASK] [MASK]", {"job": ["a"]}, gb.TargetError, "has 2"),
            ("{job} [MASK]", {"job": ["[MASK]"]}, gb.TargetError, "has 2"),
            (
                "{a} {b} [MASK]",
                {"a": ["x"] * 40, "b": ["y"] * 26},
                gb.OptionError,
                "1040 combinations, but at most 1000",
            ),
            ("{a} [MASK]", {"a": ["a " * 600]}, gb.TextTooLongError, "the text has 603 tokens"),
        ],
    )
    def test_templates_that_cannot_be_run_say_so(self, tiny_model, template, slots, error, message):
        with pytest.raises(error, match=message):
            gb.probe_template(tiny_model("bert", "masked_words"), template, slots, ["he"])

    def test_other_wrong_requests_say_so(self, tiny_model):
        model, good = tiny_model("bert", "masked_words"), ("{job} [MASK]", {"job": ["a"]})
        with pytest.raises(gb.OptionError, match="at least one word"):
            gb.probe_template(model, *good, [])
        with pytest.raises(gb.OptionError, match="1 to 512"):
            gb.probe_template(model, *good, top_k=0)
        with pytest.raises(gb.OptionError, match="must be one of original"):
            gb.probe_template(model, *good, variant="x")  # type: ignore[arg-type]
        with pytest.raises(gb.TaskHeadError, match="masked words"):
            gb.probe_template(tiny_model("bert", "encoder"), *good)

    def test_the_frame_names_slots_as_the_template_does(self, tiny_model):
        slots = {"word": ["man", "doctor"], "text": ["tired"]}
        probe = gb.probe_template(tiny_model("bert", "masked_words"), "The {word} [MASK] {text}", slots, ["he", "she"])
        frame = probe.frame()
        assert frame["{word}"].tolist() == ["man", "man", "doctor", "doctor"]
        assert frame["{text}"].tolist() == ["tired"] * 4
        assert frame["word"].tolist() == ["he", "she"] * 2
        assert frame["probability"].tolist() == probe.probabilities.ravel().tolist()
        assert probe.labels() == ("man · tired", "doctor · tired")


class TestContinuations:
    FIRST = "The man went to the store."
    CANDIDATES = ("He bought a gallon of milk.", "Penguins are flightless birds", "It stays at home. " * 9, "a")

    @pytest.mark.parametrize("swap", [False, True])
    def test_equals_next_sentence_one_by_one(self, tiny_model, swap, monkeypatch):
        from glassbert.network import batches as batching

        model = tiny_model("bert", "next_sentence")
        for limit in (batching._CPU_BYTES, 1):
            monkeypatch.setattr(batching, "_CPU_BYTES", limit)
            result = gb.rank_continuations(model, self.FIRST, self.CANDIDATES, swap=swap)
            for row, candidate in enumerate(self.CANDIDATES):
                pair = (candidate, self.FIRST) if swap else (self.FIRST, candidate)
                alone = gb.next_sentence(model, *pair)
                np.testing.assert_allclose(result.logits[row], alone.logits, atol=1e-5)
                np.testing.assert_allclose(result.probabilities[row], alone.probabilities, atol=1e-5)
            assert result.swapped is swap
            assert (np.diff(result.probability[result.order]) <= 0).all()
            assert result.frame()["candidate"].tolist() == [self.CANDIDATES[index] for index in result.order]

    def test_equals_the_stock_model(self, tiny_model, stock):
        result = gb.rank_continuations(tiny_model("bert", "next_sentence"), self.FIRST, self.CANDIDATES)
        for row, candidate in enumerate(self.CANDIDATES):
            logits = stock("bert", "next_sentence")(self.FIRST, candidate).seq_relationship_logits[0].numpy()
            np.testing.assert_allclose(result.logits[row], logits, atol=1e-5)
            assert result.margins[row] == pytest.approx(logits[0] - logits[1], abs=1e-5)

    def test_candidates_too_sure_to_tell_apart_by_probability_are_still_ordered(self):
        logits = np.array([[90, 0], [100, 0], [100, 0], [95, 0]], dtype=np.float32)
        result = ContinuationRanking("a", ("b", "c", "d", "e"), False, logits, np.array([[1, 0]] * 4))
        assert result.order.tolist() == [1, 2, 3, 0]

    @pytest.mark.parametrize("family", tiny.FAMILIES)
    def test_models_without_the_head_say_so(self, tiny_model, family):
        with pytest.raises(gb.TaskHeadError, match="no trained head for next sentence"):
            gb.rank_continuations(tiny_model(family, "masked_words"), self.FIRST, self.CANDIDATES)

    def test_wrong_requests_say_so(self, tiny_model):
        model = tiny_model("bert", "next_sentence")
        for candidates in ([], "one sentence"):
            with pytest.raises(gb.OptionError, match="list with at least one sentence"):
                gb.rank_continuations(model, self.FIRST, candidates)
        with pytest.raises(gb.EmptyTextError, match="text B is empty"):
            gb.rank_continuations(model, self.FIRST, ["a", " "])
