"""Texts longer than the model: windows, decisions, scores and receipts of the whole, against stock window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import glassbert as gb
from tests import tiny

LONG = " ".join(tiny.SENTENCES[1:5]) + " " + " ".join(tiny.SENTENCES[3:6])
QUESTION = "Who went to the store?"
SMALL = gb.Windows(length=30, stride=12)


def stock_logits(model, encoded, places):
    """(class,) of the tokens at these places, read alone."""
    arguments = {"input_ids": torch.tensor(encoded.input_ids[places])[None]}
    if model.uses_segments:
        arguments["token_type_ids"] = torch.tensor(encoded.token_type_ids[places])[None]
    with torch.no_grad():
        return model.network(**arguments).logits[0].double().numpy()


def places_of(encoded):
    """The tokens of each window: all that are in none, and its own."""
    first, last = encoded.windows[:, 0].min(), encoded.windows[:, 1].max()
    return [np.r_[0:first, start:stop, last : len(encoded)] for start, stop in encoded.windows]


@pytest.fixture(params=("bert", "mpnet"))  # one and two separators between the texts of a pair
def classifier(request, tiny_model):
    return tiny_model(request.param, "classification")


@pytest.fixture
def bert(tiny_model):
    return lambda task: tiny_model("bert", task)


# --- the windows ------------------------------------------------------------------------------------------------


def test_windows_of_whole_words_of_one_token(bert):
    text = "the " * 20
    encoded = gb.encode(bert("encoder"), text, windows=gb.Windows(length=10, stride=4))
    assert encoded.windows.tolist() == [[1, 9], [5, 13], [9, 17], [13, 21]]
    np.testing.assert_allclose(encoded.window_weights, np.array([8, 4, 4, 4]) / 20)
    assert len(gb.encode(bert("encoder"), text, windows=gb.Windows(length=22))) == 22
    last = gb.encode(bert("encoder"), text, windows=gb.Windows(length=10, stride=7))
    assert last.windows.tolist() == [[1, 9], [8, 16], [13, 21]]  # filled up with what stands before it
    np.testing.assert_allclose(last.window_weights, np.array([8, 7, 5]) / 20)


@pytest.mark.parametrize("texts", [(LONG,), (LONG, QUESTION), (QUESTION, LONG)])
def test_every_token_is_read_and_no_word_is_cut(classifier, texts):
    encoded = gb.encode(classifier, *texts, windows=SMALL)
    assert len(encoded.windows) > 2
    for number, places in enumerate(places_of(encoded)):
        assert len(places) <= 30
        assert encoded.window_positions(number).tolist() == places.tolist()
        start, stop = encoded.windows[number]
        for edge in (start, stop):
            assert encoded.word_ids[edge] != encoded.word_ids[edge - 1]
    assert set(np.concatenate(places_of(encoded))) == set(range(len(encoded)))
    assert encoded.window_weights.sum() == pytest.approx(1)
    assert (encoded.windows[1:, 0] <= encoded.windows[:-1, 1]).all()


def test_a_text_that_fits_gives_the_same_numbers(classifier):
    text = tiny.SENTENCES[3]
    plain, windowed = gb.classify(classifier, text), gb.classify(classifier, text, windows=gb.Windows())
    assert plain.logits.tolist() == windowed.logits.tolist()
    assert len(windowed.encoded.windows) == 0
    scores = [gb.attribute(classifier, text, method="saliency", windows=one) for one in (None, gb.Windows())]
    assert scores[0].scores.tolist() == scores[1].scores.tolist()


def test_a_text_of_more_tokens_than_the_model_reads(bert):
    model = bert("classification")
    found = gb.classify(model, "a good film " * 700, windows=gb.Windows())
    assert len(found.encoded) > 2000
    assert max(len(places) for places in places_of(found.encoded)) <= model.max_tokens
    with pytest.raises(gb.TextTooLongError):
        gb.classify(model, "a good film " * 700)


def test_a_word_longer_than_a_window_is_cut(bert):
    encoded = gb.encode(bert("encoder"), "unbelievable" * 8, windows=gb.Windows(length=12))
    assert set(np.concatenate(places_of(encoded))) == set(range(len(encoded)))
    assert max(len(places) for places in places_of(encoded)) <= 12


def test_what_no_window_can_be(bert):
    model = bert("classification")
    for windows, message in [
        (gb.Windows(length=600), "at most 512"),
        (gb.Windows(length=9), "at least 10"),
        (gb.Windows(length=30, stride=0), "1 to 28"),
        (gb.Windows(length=30, stride=29), "1 to 28"),
    ]:
        with pytest.raises(gb.OptionError, match=message):
            gb.classify(model, LONG, windows=windows)
    with pytest.raises(gb.OptionError, match="mean, strongest"):
        gb.Windows(decided_by="best")
    with pytest.raises(gb.TextTooLongError, match="shorter text leaves room"):
        gb.classify(model, "film " * 600, "film " * 600, windows=gb.Windows())
    encoded = gb.encode(model, LONG, windows=SMALL)
    with pytest.raises(gb.OptionError, match="read in windows"):
        gb.hidden_states(model, encoded)
    with pytest.raises(gb.OptionError, match="has its windows already"):
        gb.classify(model, encoded, windows=SMALL)
    with pytest.raises(gb.OptionError, match="choose the output logit"):
        gb.attribute(model, LONG, method="saliency", output="probability", windows=SMALL)
    with pytest.raises(gb.OptionError, match=r"windows 0 to \d+"):
        encoded.window(99)
    assert len(gb.hidden_states(model, encoded.window(1)).encoded) <= 30


def test_saved_and_loaded(bert, tmp_path):
    for windows in (SMALL, None):
        encoded = gb.encode(bert("encoder"), LONG, windows=windows)
        again = gb.load_result(encoded.save(tmp_path / "encoded.json"))
        assert again.windows.tolist() == encoded.windows.tolist()
        assert again.windows.shape == encoded.windows.shape
        assert again.window_weights.tolist() == encoded.window_weights.tolist()


# --- decisions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [(LONG,), (QUESTION, LONG)])
def test_the_whole_is_decided_by_the_mean_or_the_strongest_window(classifier, texts):
    encoded = gb.encode(classifier, *texts, windows=SMALL)
    each = np.stack([stock_logits(classifier, encoded, places) for places in places_of(encoded)])
    new = np.diff(encoded.windows[:, 1], prepend=encoded.windows[0, 0])
    mean = gb.classify(classifier, *texts, windows=SMALL)
    np.testing.assert_allclose(mean.logits, new / new.sum() @ each, atol=2e-5)
    strongest = gb.classify(classifier, *texts, windows=gb.Windows(length=30, stride=12, decided_by="strongest"))
    certain = torch.tensor(each).softmax(-1).max(-1).values.argmax()
    np.testing.assert_allclose(strongest.logits, each[certain], atol=2e-5)
    assert strongest.encoded.window_weights.tolist() == np.eye(len(each))[certain].tolist()
    scores = gb.attribute(classifier, strongest.encoded, method="saliency")
    outside = np.setdiff1d(np.arange(len(encoded)), places_of(encoded)[certain])
    assert not scores.scores[outside].any()


def test_several_long_and_short_texts_at_once(classifier):
    texts = [LONG, tiny.SENTENCES[1], (QUESTION, LONG)]
    together = gb.classify(classifier, texts, windows=SMALL)
    for text, found in zip(texts, together, strict=True):
        alone = gb.classify(classifier, *(text if isinstance(text, tuple) else (text,)), windows=SMALL)
        np.testing.assert_allclose(found.logits, alone.logits, atol=2e-5)


def test_one_token_is_read_in_the_window_where_it_is_most_central(bert):
    model = bert("token_classification")
    labels = gb.label_tokens(model, LONG, windows=SMALL)
    windows = labels.encoded.windows
    for position in (1, 20, len(labels.encoded) - 2):
        margin = np.minimum(position - windows[:, 0], windows[:, 1] - 1 - position)
        places = places_of(labels.encoded)[int(margin.argmax())]
        own = stock_logits(model, labels.encoded, places)[places.tolist().index(position)]
        np.testing.assert_allclose(labels.logits[position], own, atol=2e-5)
        scores = gb.attribute(model, LONG, method="saliency", target=gb.TokenTarget(position, 1), windows=SMALL)
        assert scores.value == pytest.approx(own[1], abs=2e-5)
        assert scores.target.position == position


def test_a_discriminator_reads_a_long_text_the_same_way(tiny_model):
    model = tiny_model("electra", "replaced_tokens")
    found = gb.replaced_tokens(model, LONG, windows=SMALL)
    windows = found.encoded.windows
    for position in (1, 20, len(found.encoded) - 2):
        margin = np.minimum(position - windows[:, 0], windows[:, 1] - 1 - position)
        places = places_of(found.encoded)[int(margin.argmax())]
        own = stock_logits(model, found.encoded, places)[places.tolist().index(position)]
        assert found.logits[position] == pytest.approx(own, abs=2e-5)
    scores = gb.attribute(model, LONG, method="saliency", windows=SMALL)
    assert scores.target.position == found.most_suspicious
    assert scores.value == pytest.approx(found.logits[found.most_suspicious], abs=2e-5)


def test_an_answer_is_found_where_its_window_says(bert):
    model = bert("question_answering")
    found = gb.answer(model, QUESTION, LONG, windows=SMALL, max_answer_tokens=10_000, top_k=1)
    edges = {}
    for edge in ("start", "end"):
        logits = {}
        for number, places in enumerate(places_of(found.encoded)):
            with torch.no_grad():
                rows = torch.tensor(found.encoded.input_ids[places])[None]
                kinds = torch.tensor(found.encoded.token_type_ids[places])[None]
                output = model.network(input_ids=rows, token_type_ids=kinds)
            own = getattr(output, f"{edge}_logits")[0]
            for place, logit in zip(places.tolist(), own.tolist(), strict=True):
                windows = found.encoded.windows
                margin = np.minimum(place - windows[:, 0], windows[:, 1] - 1 - place)
                if int(margin.argmax()) == number and found.encoded.sequence_ids[place] == 1:
                    logits[place] = logit
        edges[edge] = logits
        np.testing.assert_allclose(
            getattr(found, f"{edge}_logits")[sorted(logits)], [logits[place] for place in sorted(logits)], atol=2e-5
        )
    best = max(edges["start"], key=edges["start"].get)
    scores = gb.attribute(model, QUESTION, LONG, method="saliency", target=gb.AnswerTarget("start"), windows=SMALL)
    assert scores.target.position == best
    assert scores.value == pytest.approx(edges["start"][best], abs=2e-5)


def test_a_masked_word_and_the_surprise_of_every_token(bert):
    model = bert("masked_words")
    whole = gb.surprise(model, LONG, windows=SMALL, variant="word_l2r")
    position = 40
    windows = whole.encoded.windows
    number = int(np.minimum(position - windows[:, 0], windows[:, 1] - 1 - position).argmax())
    window = whole.encoded.window(number)
    alone = gb.surprise(model, window, variant="word_l2r")
    here = whole.encoded.window_positions(number).tolist().index(position)
    same = alone.positions.tolist().index(here)
    assert whole.surprisal[whole.positions.tolist().index(position)] == pytest.approx(alone.surprisal[same], abs=1e-4)
    scores = gb.attribute(model, LONG, method="saliency", target=gb.MaskTarget(position, 30), windows=SMALL)
    of_window = gb.attribute(model, window, method="saliency", target=gb.MaskTarget(here, 30))
    assert scores.value == pytest.approx(of_window.value, abs=2e-5)
    assert scores.encoded.tokens[position] == "[MASK]"


def test_maps_are_blocks_along_the_diagonal(classifier):
    maps = gb.attention(classifier, LONG, windows=SMALL)
    np.testing.assert_allclose(maps.weights.sum(-1), 1, atol=1e-5)
    row = 25
    windows = maps.encoded.windows
    number = int(np.minimum(row - windows[:, 0], windows[:, 1] - 1 - row).argmax())
    places = places_of(maps.encoded)[number]
    own = gb.attention(classifier, maps.encoded.window(number)).weights
    np.testing.assert_allclose(maps.weights[:, :, row, places], own[:, :, places.tolist().index(row)], atol=1e-6)
    assert not maps.weights[:, :, row, np.setdiff1d(np.arange(len(maps.encoded)), places)].any()
    first = np.mean(
        [gb.attention(classifier, maps.encoded.window(k)).weights[:, :, 0, 0] for k in range(len(windows))], 0
    )
    np.testing.assert_allclose(maps.weights[:, :, 0, 0], first, atol=1e-6)


# --- explanations of the whole ------------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [(LONG,), (QUESTION, LONG)])
def test_scores_of_the_whole_add_up_to_its_value(classifier, texts):
    scores = gb.attribute(classifier, *texts, method="integrated_gradients", n_steps=4, windows=SMALL, target=1)
    decided = gb.classify(classifier, *texts, windows=SMALL)
    assert scores.value == pytest.approx(float(decided.logits[1]), abs=2e-5)
    weights = scores.encoded.window_weights
    parts = [
        gb.attribute(classifier, scores.encoded.window(k), method="integrated_gradients", n_steps=4, target=1)
        for k in range(len(weights))
    ]
    assert scores.baseline_value == pytest.approx(weights @ [part.baseline_value for part in parts], abs=1e-4)
    assert scores.delta == pytest.approx(weights @ [part.delta for part in parts], abs=1e-3)
    total = np.zeros(len(scores.encoded))
    for weight, part, places in zip(weights, parts, places_of(scores.encoded), strict=True):
        total[places] += weight * part.scores
    np.testing.assert_allclose(scores.scores, total, atol=1e-5)
    assert scores.forward_passes == sum(part.forward_passes for part in parts)


def test_leaving_a_token_out_leaves_it_out_of_all_its_windows(classifier):
    scores = gb.attribute(classifier, LONG, method="leave_one_out", windows=SMALL, target=2)
    weights = scores.encoded.window_weights
    for position in (1, 18, 33):
        without = [
            stock_logits(classifier, scores.encoded, places[places != position])[2]
            for places in places_of(scores.encoded)
        ]
        assert scores.scores[position] == pytest.approx(scores.value - weights @ without, abs=5e-5)


def test_receipts_are_of_the_whole_text(classifier):
    scores = gb.attribute(classifier, LONG, method="input_x_gradient", windows=SMALL)
    receipt = gb.receipt(classifier, scores, checks=("comprehensiveness", "stability", "sanity"), n_orderings=10)
    line = receipt.lines[0]
    encoded, weights = scores.encoded, scores.encoded.window_weights
    words = np.flatnonzero(encoded.special_tokens_mask == 0)
    order = words[np.argsort(-scores.scores[words].astype(np.float64), kind="stable")]
    label = scores.target.label

    def probability(gone):
        rows = [stock_logits(classifier, encoded, np.setdiff1d(places, gone)) for places in places_of(encoded)]
        return float(torch.tensor(weights @ np.stack(rows)).softmax(-1)[label])

    expected = [probability([]) - probability(order[:size]) for size in line.details["tokens"]]
    np.testing.assert_allclose(line.details["curve"], expected, atol=5e-5)
    assert all(one.number is not None for one in receipt.lines)
    assert not any("fails on a model" in one.sentence for one in receipt.lines)


@pytest.mark.parametrize("method", sorted(gb.METHODS))
def test_every_method_explains_a_text_in_windows(bert, method):
    """Its scores are the weighted sums of those of the windows, where nothing is drawn at random."""
    model = bert("classification")
    declared = gb.METHODS[method]
    few = {name: value for name, value in (("n_samples", 4), ("n_steps", 4)) if name in declared.options}
    text = " ".join(LONG.split()[:24])
    windows = gb.Windows(length=20)
    scores = gb.attribute(model, text, method=method, windows=windows, target=0, **few)
    total = np.zeros(len(scores.encoded))
    for k, weight in enumerate(scores.encoded.window_weights):
        part = gb.attribute(model, scores.encoded.window(k), method=method, target=0, **few)
        total[scores.encoded.window_positions(k)] += weight * part.scores
    np.testing.assert_allclose(scores.scores, total, atol=1e-4)


def test_a_cancelled_explanation_ends_between_two_windows(bert):
    asked = []

    def cancelled():
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(gb.StoppedError):
        gb.attribute(bert("classification"), LONG, method="saliency", target=1, windows=SMALL, cancelled=cancelled)
    assert len(asked) == 3


def test_progress_counts_the_passes_of_all_windows(bert):
    seen = []
    scores = gb.attribute(
        bert("classification"),
        LONG,
        method="occlusion",
        target=1,
        windows=SMALL,
        progress=lambda *now: seen.append(now),
    )
    assert seen[0][0] == 0
    assert max(done for done, _ in seen) <= scores.forward_passes
    assert {expected for _, expected in seen} == {scores.forward_passes}
