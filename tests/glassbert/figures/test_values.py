"""The numbers in pictures are the results' numbers: cells' colours and titles, lengths of bars, places on lines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import glassbert as gb
from glassbert.pictures import palette
from glassbert.pictures.formats import percent, readable, short, signed, signed_number
from glassbert.tuning import evaluation_of
from tests.glassbert.figures.reading import SVG, parsed, texts, told
from tests.glassbert.pictures.test_maps import pictures

Made = Callable[[str], Any]


def drawn(result: Any, **options: Any) -> ElementTree.Element:
    return parsed(gb.draw(result, **options).svg)


def bars(root: ElementTree.Element) -> dict[str, float]:
    """Title → length, of the rectangles in the colours of bars."""
    colours = {palette.NEUTRAL, palette.POSITIVE, palette.NEGATIVE}
    return {title: float(bar.get("width") or 0) for title, bar in told(root) if bar.get("fill") in colours}


def proportional(lengths: list[float], values: list[float]) -> None:
    unit = max(lengths) / max(values)
    assert lengths == pytest.approx(
        [max(0.5, abs(value) * unit) if value else length for value, length in zip(values, lengths, strict=True)],
        abs=0.6,
    )


def everything(root: ElementTree.Element) -> str:
    return " ".join(texts(root))


# --- maps --------------------------------------------------------------------------------------------------------


def map_cells(root: ElementTree.Element) -> list[tuple[str, str]]:
    return [
        (title, cell.get("fill") or "") for title, cell in told(root) if " → " in title and cell.get("shape-rendering")
    ]


@pytest.mark.parametrize("dark", [False, True])
def test_a_map_of_a_head_has_its_weights_in_the_palettes_colours(made: Made, dark: bool) -> None:
    maps = made("AttentionMaps")
    weights = maps.weights[1, 2].astype(float)
    ramp = palette.weights_ramp(palette.theme(dark))
    pieces = maps.encoded.pieces
    wanted = [
        (
            f"{pieces[row]} → {pieces[column]}: {weights[row, column]:.4f}",
            "#" + bytes(ramp[round(255 * math.sqrt(weights[row, column] / weights.max()))]).hex(),
        )
        for row in range(len(pieces))
        for column in range(len(pieces))
    ]
    root = drawn(maps, layer=1, head=2, dark=dark)
    assert map_cells(root) == wanted
    assert "Attention weights, layer 2, head 3" in texts(root)
    assert "in Python layer=1, head=2" in everything(root)
    assert {"0", signed_number(weights.max() / 4)[1:], signed_number(weights.max())[1:]} <= set(texts(root))


def test_words_and_special_tokens_are_options(made: Made) -> None:
    maps = made("AttentionMaps")
    by_word = maps.by_word().without_special()
    root = drawn(maps, layer=0, head=1, by_word=True, special=False)
    found = [float(title.rpartition(": ")[2]) for title, _ in map_cells(root)]
    np.testing.assert_allclose(np.reshape(found, by_word.values.shape[2:]), by_word.values[0, 1], atol=6e-5)
    assert "[CLS]" not in texts(root)
    assert map_cells(drawn(maps.combine([(0, 1)]).by_word().without_special())) == map_cells(root)


def test_a_common_scale_makes_maps_comparable(made: Made) -> None:
    maps = made("AttentionMaps")
    weights = maps.weights[0, 0].astype(float)
    fills = [fill for _, fill in map_cells(drawn(maps, layer=0, head=0, most=1.0))]
    ramp = palette.weights_ramp(palette.LIGHT)
    assert fills == ["#" + bytes(ramp[round(255 * math.sqrt(weight))]).hex() for weight in weights.ravel()]
    with pytest.raises(gb.OptionError, match="most must be a positive number; got -1"):
        gb.draw(maps, layer=0, head=0, most=-1.0)


def test_all_heads_are_the_roots_of_their_weights(made: Made) -> None:
    maps = made("AttentionMaps")
    root = drawn(maps)
    images = pictures(root)
    layers, heads, count, _ = maps.weights.shape
    full = float(maps.weights.max())
    for image, head in zip(images[: layers * heads], maps.weights.reshape(-1, count, count), strict=True):
        assert np.abs(image.astype(int) - 255 * np.sqrt(head / full)).max() <= 0.51
    assert len(images) == layers * heads + 1, "and the scale"


def test_a_layer_is_all_its_heads_on_one_scale(made: Made) -> None:
    maps = made("AttentionMaps")
    root = drawn(maps, layer=1)
    found = [float(title.rpartition(": ")[2]) for title, _ in map_cells(root)] or None
    heads = maps.weights.shape[1]
    assert [f"Head {head + 1}" in texts(root) for head in range(heads)] == [True] * heads
    if found is not None:
        np.testing.assert_allclose(np.reshape(found, maps.weights[1].shape), maps.weights[1], atol=6e-5)
    else:
        for image, head in zip(pictures(root), maps.weights[1], strict=False):
            assert np.abs(image.astype(int) - 255 * np.sqrt(head / maps.weights[1].max())).max() <= 0.51


def test_what_is_not_there_is_said(made: Made) -> None:
    maps = made("AttentionMaps")
    layers, heads = maps.weights.shape[:2]
    with pytest.raises(gb.LayerError, match=f"layer {layers}: these maps have layers 0, 1"):
        gb.draw(maps, layer=layers)
    with pytest.raises(gb.LayerError, match=f"head {heads}: these maps have heads 0, 1"):
        gb.draw(maps, layer=0, head=heads)
    with pytest.raises(gb.OptionError, match="head 0 of which layer"):
        gb.draw(maps, head=0)
    with pytest.raises(gb.LayerError, match="these maps have no heads"):
        gb.draw(maps.over_heads(), layer=0, head=0)


def test_captions_of_maps_say_what_was_left_out(made: Made) -> None:
    maps = made("AttentionMaps").without_special(renormalise=True).over_heads("max")
    written = everything(drawn(maps, layer=1))
    assert "Special tokens left out; rows rescaled to sum to 1" in written
    assert "max of" in written
    assert "Each row sums to 1." not in written


# --- scores ------------------------------------------------------------------------------------------------------


def test_bars_of_scores_are_the_scores(made: Made) -> None:
    scores = made("TokenScores")
    root = drawn(scores)
    found = [(title, bar) for title, bar in told(root) if bar.get("fill") in (palette.POSITIVE, palette.NEGATIVE)]
    rows = [(title, bar) for title, bar in found if not bar.get("fill-opacity")]
    values = scores.scores.astype(float).tolist()
    assert [title for title, _ in rows] == [
        f"{piece}: {signed_number(value)}" for piece, value in zip(scores.encoded.pieces, values, strict=True)
    ]
    lengths = [float(bar.get("width") or 0) for _, bar in rows]
    unit = max(lengths) / max(map(abs, values))
    assert lengths == pytest.approx([abs(value) * unit for value in values], abs=0.02)
    assert [bar.get("fill") == palette.NEGATIVE for _, bar in rows] == [value < 0 for value in values]


def test_words_are_coloured_by_the_strongest_word_not_by_special_tokens(made: Made) -> None:
    scores = made("TokenScores")
    data = scores.to_dict()
    data["scores"] = [100.0, *np.linspace(-1, 0.5, len(scores.scores) - 2), -50.0]
    changed = gb.TokenScores.from_dict(data)
    root = drawn(changed)
    chips = [rect for rect in root.iter(SVG + "rect") if rect.get("rx") == "4"]
    opacities = [float(chip.get("fill-opacity") or 0) for chip in chips]
    strongest = palette.TINT_OPACITY
    assert opacities[0] == opacities[-1] == opacities[1] == strongest
    assert opacities[-2] == pytest.approx(strongest / 2, abs=1e-4)
    assert "Special tokens hold" in everything(root)
    without = drawn(changed, special=False)
    assert "[CLS]" not in texts(without)
    assert "which are left out," in everything(without)


def test_a_caption_says_method_value_and_settings(made: Made) -> None:
    scores = made("TokenScores")
    written = everything(drawn(scores))
    method = gb.METHODS[scores.method]
    assert method.paper in written
    assert f"F(text) {signed(scores.value)}" in written
    assert "n_steps 4" in written
    assert f"evidence for {scores.target_label}" in written


def test_a_word_is_the_sum_of_its_tokens(made: Made) -> None:
    scores = made("TokenScores")
    by_word = scores.by_word()
    assert gb.draw(scores, by_word=True).svg == gb.draw(by_word).svg
    titles = [title for title, bar in told(drawn(by_word)) if not bar.get("fill-opacity")]
    assert titles == [
        f"{word}: {signed_number(score)}" for word, score in zip(by_word.words, by_word.scores, strict=True)
    ]


# --- predictions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Classification", "PairPrediction", "ContinuationRanking", "WordScores"])
def test_bars_of_predictions_are_their_probabilities(made: Made, name: str) -> None:
    result = made(name)
    shares = result.probability if name == "ContinuationRanking" else result.probabilities
    lengths = bars(drawn(result))
    values = [float(title.rpartition(": ")[2]) for title in lengths]
    expected = [float(share) for share in shares]
    if name != "PairPrediction":
        expected.sort(reverse=True)
    np.testing.assert_allclose(values, expected, atol=6e-5)
    proportional(list(lengths.values()), expected)
    assert all(percent(share) in everything(drawn(result)) for share in expected)


def test_a_threshold_decides_which_of_two_is_the_answer(made: Made) -> None:
    two = gb.Classification(made("Classification").encoded, ("NO", "YES"), np.log([0.3, 0.7]), [0.3, 0.7])
    for threshold, answer in ((0.5, "YES"), (0.8, "NO")):
        picture = gb.draw(two, threshold=threshold)
        assert picture.title == f"Prediction: {answer}"
        (dark,) = [title for title, bar in told(parsed(picture.svg)) if bar.get("fill-opacity") == "1"]
        assert dark.startswith(answer)
    assert "YES is predicted above 80.0%." in everything(drawn(two, threshold=0.8))
    with pytest.raises(gb.OptionError, match="threshold must be a probability"):
        gb.draw(two, threshold=2)


def test_candidates_and_the_original_word(made: Made) -> None:
    result = made("MaskPrediction")
    for mask in range(len(result.positions)):
        found = bars(drawn(result, mask=mask))
        names = [readable(token) for token in result.candidates[mask]]
        shares = [float(share) for share in result.probabilities[mask]]
        if result.original_ids[mask] not in result.candidate_ids[mask]:
            names.append(f"{readable(result.original_tokens[mask])} (rank {int(result.original_ranks[mask]):,})")
            shares.append(float(result.original_probabilities[mask]))
        assert list(found) == [f"{name}: {share:.4f}" for name, share in zip(names, shares, strict=True)]
        dark = [bar for _, bar in told(drawn(result, mask=mask)) if bar.get("fill-opacity") == "1"]
        assert len(dark) == 1
    assert len(bars(drawn(result, mask=0, top_k=2))) in (2, 3)


def test_the_lens_holds_every_layers_words(made: Made) -> None:
    result = made("LogitLens")
    root = drawn(result, mask=1)
    cells = [title for title, _ in told(root)]
    layers = ["embeddings", *(f"layer {n}" for n in range(1, result.layers))]
    wanted = [
        f"{layer}, {readable(token)}: {percent(float(share))}"
        for n, layer in enumerate(layers)
        for token, share in zip(result.candidates[n][1], result.probabilities[n, 1], strict=True)
    ]
    assert [cell for cell in cells if cell in set(wanted)] == wanted
    dots = [title for title, _ in told(root, "circle")]
    followed = [
        f"{word}, {layer}: {percent(float(share))}"
        for number, word in enumerate(result.words)
        for layer, share in zip(layers, result.word_probabilities[:, 1, number], strict=True)
    ]
    assert set(followed) <= set(dots)


def test_surprise_is_in_bits(made: Made) -> None:
    result = made("Surprise")
    rows = [
        title
        for title, bar in told(drawn(result))
        if bar.get("fill") == palette.POSITIVE and not bar.get("fill-opacity")
    ]
    found = [title.rpartition(": ")[2] for title in rows]
    assert found == [signed_number(float(bits)).removeprefix("+") for bits in result.surprisal]
    assert f"{result.total:.1f} bits in all" in everything(drawn(result))


# --- grids -------------------------------------------------------------------------------------------------------


def grid_numbers(root: ElementTree.Element, pattern: str) -> list[float]:
    found = (re.fullmatch(pattern, title) for title, _ in told(root))
    return [float(match[1]) for match in found if match]


@pytest.mark.parametrize(
    ("name", "options", "values"),
    [
        ("HeadImportance", {}, lambda r: r.importance),
        ("HeadImportance", {"values": "gradient"}, lambda r: r.gradient),
        ("HeadProfile", {"target": "previous"}, lambda r: r.share("previous")),
        ("HeadRanking", {}, lambda r: np.stack([r.weights, r.reverse])),
        ("AttentionDifference", {}, lambda r: r.divergence),
    ],
)
def test_a_grid_of_heads_holds_the_number_of_each(made: Made, name: str, options: Any, values: Any) -> None:
    result = made(name)
    found = grid_numbers(drawn(result, **options), r"layer \d+, head \d+: (-?[\d.e+-]+)")
    numbers = np.asarray(values(result), dtype=float).ravel()
    np.testing.assert_allclose(found, numbers, rtol=1e-3)
    if options == {"values": "gradient"}:
        fills = [cell.get("fill") for title, cell in told(drawn(result, **options)) if title.startswith("layer ")]
        shares = numbers / np.abs(numbers).max()
        assert fills == [palette.hexadecimal(palette.diverging(share, palette.LIGHT)) for share in shares]


def test_heads_switched_off(tiny_model: Any, made: Made) -> None:
    one = gb.ablation_sweep(tiny_model("bert", "classification"), "He was not here.")
    found = grid_numbers(drawn(one), r"layer \d+, head \d+: (-?[\d.e+-]+)")
    np.testing.assert_allclose(found, one.matrix().ravel(), rtol=1e-3)
    greedy = made("AblationSweep")
    dots = [title for title, _ in told(drawn(greedy), "circle")]
    names = ["all heads on", *(f"{a + 1}·{b + 1}" for a, b in zip(greedy.layers, greedy.heads, strict=True))]
    values = [greedy.value, *map(float, greedy.values)]
    assert dots == [f"F, {name}: {short(value)}" for name, value in zip(names, values, strict=True)]


def test_distances_between_heads_are_places(made: Made) -> None:
    result = made("HeadDistances")
    dots = dict(told(drawn(result), "circle"))
    assert list(dots) == [f"{a + 1}·{b + 1}" for a, b in zip(result.layers, result.heads, strict=True)]
    at = np.array([[float(dot.get("cx") or 0), float(dot.get("cy") or 0)] for dot in dots.values()])
    drawn_apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
    apart = np.linalg.norm(result.positions[:, None] - result.positions[None], axis=-1)
    np.testing.assert_allclose(drawn_apart, apart * drawn_apart.max() / apart.max(), atol=0.2)


def test_a_trace_is_its_restored_shares_with_the_first_layer_on_top(made: Made) -> None:
    result = made("Trace")
    found = grid_numbers(drawn(result), r"(?:embeddings|layer \d+), .*: (-?[\d.e+-]+)")
    np.testing.assert_allclose(found, result.restored.ravel(), rtol=1e-3, atol=1e-6)
    heads = made("Trace of heads")
    found = grid_numbers(drawn(heads), r"layer \d+, head \d+: (-?[\d.e+-]+)")
    np.testing.assert_allclose(found, heads.restored[..., 0].ravel(), rtol=1e-3, atol=1e-6)


def test_states_are_shown_by_their_norms(made: Made) -> None:
    result = made("HiddenStates")
    found = grid_numbers(drawn(result), r"(?:embeddings|layer \d+), .*: ([\d.e+-]+)")
    np.testing.assert_allclose(found, result.norms.ravel(), rtol=1e-3)


def test_agreement_is_a_table_of_both_measures(made: Made) -> None:
    result = made("MethodAgreement")
    labels = [gb.METHODS[method].label for method in result.methods]
    pattern = rf"(?:{'|'.join(map(re.escape, labels))}), (?:{'|'.join(map(re.escape, labels))}): (-?[\d.e+-]+)"
    found = grid_numbers(drawn(result), pattern)
    np.testing.assert_allclose(found, [*result.kendall.ravel(), *result.overlap.ravel()], rtol=1e-3, atol=1e-6)


def test_a_template_is_a_grid_of_probabilities(made: Made) -> None:
    result = made("TemplateProbe")
    root = drawn(result)
    assert [percent(float(share)) in texts(root) for share in result.probabilities.ravel()] == [
        True
    ] * result.probabilities.size
    assert "<b> · y" in texts(root)


# --- evidence in words -------------------------------------------------------------------------------------------


def test_a_receipt_says_every_check_with_its_number_and_verdict(made: Made) -> None:
    result = made("Receipt")
    written = everything(drawn(result))
    marks = {"holds": "✓", "doubtful": "?", "fails": "✗", "not_applicable": "–"}
    for line in result.lines:
        assert gb.CHECKS[line.check].label.split()[0] in written
        assert line.number is None or short(line.number) in written
        assert f"{marks[line.verdict]} " in written
        assert line.sentence.split()[-1].rstrip(".") in written
    assert f"{result.orderings} random orderings, seed {result.seed}" in written


def test_a_verdict_says_its_sentences(made: Made) -> None:
    result = made("Verdict")
    written = everything(drawn(result))
    for sentence in result.sentences:
        for word in sentence.split():
            assert word in written


def test_variants_are_bars_below_the_unchanged_text(made: Made) -> None:
    result = made("Variants")
    found = [float(title.rpartition(": ")[2]) for title in bars(drawn(result))]
    np.testing.assert_allclose(found, [result.probability, *result.probabilities], atol=6e-5)
    for name in (result.prediction, *result.predictions):
        assert name in everything(drawn(result))


def test_words_removed_one_by_one(made: Made) -> None:
    result = made("InputReduction")
    root = drawn(result)
    dots = [title.rpartition(": ")[2] for title, _ in told(root, "circle")]
    assert dots == [f"{share:.0%}" for share in result.probabilities]
    assert all(percent(float(share)) in texts(root) for share in result.probabilities)


def test_both_sides_of_a_comparison(made: Made) -> None:
    result = made("PredictionDifference")
    found = {title: float(title.rpartition(": ")[2]) for title in bars(drawn(result, sides=("one", "other")))}
    wanted = {}
    for label, a, b in zip(result.labels, result.first_probabilities, result.second_probabilities, strict=True):
        wanted |= {f"{label}, One: {a:.4f}": a, f"{label}, Other: {b:.4f}": b}
    assert found == {name: pytest.approx(value, abs=6e-5) for name, value in wanted.items()}
    scores = made("AttributionDifference")
    rows = [
        title
        for title, bar in told(drawn(scores))
        if bar.get("fill") in (palette.POSITIVE, palette.NEGATIVE) and not bar.get("fill-opacity")
    ]
    labels = scores.alignment.labels
    assert rows == [
        f"{label}: {signed_number(float(value))}"
        for values in (scores.first_scores, scores.second_scores, scores.differences)
        for label, value in zip(labels, values, strict=True)
    ]


def test_a_difference_of_attention_is_signed(made: Made) -> None:
    result = made("AttentionDifference")
    values = result.values[1, 0].astype(float)
    found = [float(title.rpartition(": ")[2]) for title, _ in map_cells(drawn(result, layer=1, head=0))]
    np.testing.assert_allclose(found, values.ravel(), atol=6e-5)
    fills = [fill for _, fill in map_cells(drawn(result, layer=1, head=0))]
    shares = values.ravel() / np.abs(values).max()
    ramp = palette.differences_ramp(palette.LIGHT)
    roots = np.rint(128 + 127 * np.sign(shares) * np.sqrt(np.abs(shares))).astype(int)
    assert fills == ["#" + bytes(ramp[level]).hex() for level in roots]


def test_the_network_is_all_its_blocks(made: Made) -> None:
    result = made("Architecture")
    root = drawn(result)
    blocks = result.block_frame()
    for block, count in zip(blocks["block"], blocks["parameters"], strict=True):
        assert f"{block}: {count:,} parameters" in [title for title, _ in told(root)]
    assert f"{result.total:,} parameters in all" in everything(root)


# --- labelled texts ----------------------------------------------------------------------------------------------


def test_a_confusion_matrix_has_the_classes_with_most_mistakes_and_their_numbers() -> None:
    frame = pd.DataFrame({"text": [f"text {n}" for n in range(40)], "label": ["a", "b", "c", "d"] * 10})
    table = gb.read_table(frame)
    logits = 3.0 * np.eye(4)[[1 if n % 8 == 0 else 3 if n % 20 == 3 else n % 4 for n in range(40)]]
    root = drawn(evaluation_of(table, logits, table.label_names), top_k=2)
    cells = [title for title, _ in told(root) if " answered as " in title]
    assert cells == ["a answered as a: 5", "a answered as b: 5", "b answered as a: 0", "b answered as b: 10"]
    assert {"0.875", "Matthews correlation"} <= set(texts(root))
    assert "The 2 of 4 classes with the most mistakes." in everything(root)


def test_a_report_has_its_findings_and_the_sizes_of_classes() -> None:
    frame = pd.DataFrame({"text": [f"text {n}" for n in range(12)], "label": ["a"] * 9 + ["b"] * 3})
    report = gb.data_report(gb.read_table(frame))
    root = drawn(report)
    assert bars(root) == pytest.approx({"a: 0.7500": bars(root)["b: 0.2500"] * 3, "b: 0.2500": bars(root)["b: 0.2500"]})
    assert "There are only 12 rows" in everything(root)
    assert "75.0%  (9)" in everything(root)
