"""Inputs, Masked words and Next sentence, without a browser: what they show equals what the library says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components.views.masked_words.probe import _slots
from components.views.masked_words.shared import words_asked
from glassbert.pictures.formats import ordinal
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import as_read, messages, page, parameters, run

GAP = "Mary told her brother that [MASK] was hungry."


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def rows(app: AppTest, key: str) -> dict[str, list[str]]:
    """The rows of an aligned table: id → texts."""
    data = json.loads(mounted(app, key).json)
    return {row["id"]: [cell["text"] for cell in row["cells"]] for row in data["rows"]}


def formulas(app: AppTest) -> str:
    return "\n".join(element.value for element in app.latex)


# --- inputs ----------------------------------------------------------------------------------------------------


def test_steps_are_those_of_the_library(pretrained: gb.Model) -> None:
    text = "Unbelievable Café!"
    app = page("inputs", text=text)
    steps = gb.reading_steps(pretrained, text)
    table = rows(app, "steps")
    assert table["text"] == ["Unbelievable", "Café", "!"]
    assert table["words"] == ["unbelievable", "cafe", "!"]
    assert table["pieces"] == list(steps.encoded.tokens)
    assert table["ids"] == [str(value) for value in steps.encoded.input_ids]
    assert table["positions"] == [str(value) for value in steps.position_ids]
    for part, norms in zip(steps.parts, steps.part_norms, strict=True):
        assert table[f"norm-{part}"] == [f"{norm:.2f}" for norm in norms]
    assert "accents removed (1)" in shown(app)
    first_word = steps.vectors if steps.vectors.size else gb.reading_steps(pretrained, text, vectors=True).vectors
    assert ", \\; ".join(f"{number:.3f}" for number in first_word[0, 1, :3]) in formulas(app)


def test_unknown_signs_are_flagged() -> None:
    app = page("inputs", text="tea ☕ and 🫖")
    assert "are not in this vocabulary" in messages(app)
    data = json.loads(mounted(app, "steps").json)
    pieces = next(row for row in data["rows"] if row["id"] == "pieces")
    assert [cell["kind"] for cell in pieces["cells"]].count("unknown") == 2


def test_a_text_without_a_mask_offers_one_click_that_fills_the_page(pretrained: gb.Model) -> None:
    app = page("masked_words", text="It was an extraordinary day.")
    (offered,) = [button for button in app.button if button.key == "mask_one"]
    assert offered.label == "Mask “extraordinary”"
    offered.click()
    run(app)
    found = gb.fill_mask(pretrained, "It was an extraordinary day.", positions=(4,))
    assert f"“extraordinary” is ranked **{ordinal(int(found.original_ranks[0]))}**" in shown(app)
    assert parameters(app)["masks"] == "4"


def test_padding_changes_nothing_and_says_so(pretrained: gb.Model) -> None:
    text = "It was not bad."
    app = page("inputs", text=text, section="padding", max_length="12")
    steps = gb.reading_steps(pretrained, text, padding=12)
    table = rows(app, "padding")
    assert table["mask"] == list("111111100000")
    assert table["pieces"][-5:] == ["[PAD]"] * 5
    assert f"{steps.padding_difference_unmasked:.2f}" in shown(app)
    assert f"at your {len(steps.encoded)} tokens are" in shown(app)
    assert json.loads(mounted(app, "padding").json)["reveal"] == len(steps.encoded) + 3
    assert steps.padding_difference < 1e-4 < steps.padding_difference_unmasked


def test_the_same_tokenizer_twice_is_said_to_be_the_same() -> None:
    assert "exactly the same pieces" in messages(page("inputs", section="tokenizers"))
    assert "Open a second model" in messages(page("inputs", section="tokenizers", beside=""))


def test_two_tokenizers_are_compared_by_word(tiny_checkpoint: Callable[..., Path]) -> None:
    folder = tiny_checkpoint("roberta", "masked_words")
    app = page("inputs", section="tokenizers", text="The movie was unbelievable.", beside=str(folder))
    table = app.dataframe[0].value
    assert list(table["Text"]) == ["The", "movie", "was", "unbelievable."]
    other = gb.encode(gb.load(str(folder), "cpu"), "The movie was unbelievable.")
    cells = "  ".join(table.iloc[:, 2]).split("  ")
    assert cells == [
        token for token, special in zip(other.tokens, other.special_tokens_mask, strict=True) if not special
    ]


def test_the_network_has_all_its_parameters(pretrained: gb.Model) -> None:
    app = page("inputs", section="network")
    assert f"{pretrained.parameters:,} parameters" in shown(app)
    assert app.dataframe[0].value["parameters"].sum() == pretrained.parameters


# --- masked words ----------------------------------------------------------------------------------------------


def test_several_masks_at_once(pretrained: gb.Model) -> None:
    text = "The story is thin."
    app = page("masked_words", text=text, masks="2 4")
    strip = json.loads(mounted(app, "masks").json)
    assert [token["kind"] for token in strip["tokens"]].count("masked") == 2
    prediction = gb.fill_mask(pretrained, text, positions=[2, 4])
    for row, token in enumerate(("story", "thin")):
        assert f"“{token}” is ranked **{ordinal(prediction.original_ranks[row])}**" in shown(app)


def test_masks_do_not_survive_a_new_text() -> None:
    app = page("masked_words", text="The story is thin.", masks="2 4")
    click(app, "box_text", {"version": "box_text", "text": "Another one."})
    assert "masks" not in parameters(app)
    assert "Click words to mask them" in messages(app)


def test_the_loss_of_the_original_is_in_the_formula(pretrained: gb.Model) -> None:
    app = page("masked_words", text="The story is thin.", masks="4")
    share = float(gb.fill_mask(pretrained, "The story is thin.", positions=[4]).original_probabilities[0])
    assert f"{share:.5f}" in formulas(app)


def test_surprise_is_the_librarys(pretrained: gb.Model) -> None:
    app = page("masked_words", text="The story is thin.", section="surprise")
    result = gb.surprise(pretrained, "The story is thin.")
    values = [metric.value for metric in app.metric]
    assert values[1:] == [f"{result.pseudo_perplexity:.1f}", f"−{-result.pseudo_log_likelihood:.1f} nats"]
    assert as_read(values[0]).startswith(result.encoded.pieces[result.most_surprising])
    assert app.dataframe[0].value["surprisal"].tolist() == pytest.approx(result.surprisal.tolist(), abs=1e-5)


def test_the_lens_ends_in_the_prediction(pretrained: gb.Model) -> None:
    app = page("masked_words", text=GAP, section="lens")
    table = rows(app, "lens")
    best = gb.fill_mask(pretrained, GAP, top_k=6)
    assert table["layer-6"] == list(best.candidates[0])
    assert len(table) == 7


def test_the_lens_follows_the_first_choice_unless_other_words_are_typed(pretrained: gb.Model) -> None:
    best = gb.fill_mask(pretrained, GAP, top_k=1).candidates[0][0]
    typed = {"": [best], "she, he": ["she", "he"]}
    for words, followed in typed.items():
        app = page("masked_words", text=GAP, section="lens", words=words)
        (chart,) = [one for one in app.get("plotly_chart") if "lens_probability" in one.proto.id]
        assert [line["name"] for line in json.loads(chart.proto.spec)["data"]] == followed


def test_a_word_that_cannot_be_followed_is_said_and_the_rest_is_shown() -> None:
    app = page("masked_words", text=GAP, section="lens", words="antidisestablishmentarianism")
    assert "antidisestablishmentarianism" in messages(app)
    assert len(rows(app, "lens")) == 7


def test_why_this_word_rather_than_that(pretrained: gb.Model) -> None:
    app = page("masked_words", text=GAP, section="why", word="she", foil_word="he", method="input_x_gradient")
    target = gb.MaskTarget(6, "she", "he")
    result = gb.attribute(pretrained, GAP, target=target, method="input_x_gradient")
    strip = json.loads(mounted(app, "why").json)
    assert [token["score"] for token in strip["tokens"]] == pytest.approx(result.scores.tolist(), rel=1e-4, abs=1e-5)
    assert "she rather than he" in shown(app)


def test_the_template_probe_is_the_librarys(pretrained: gb.Model) -> None:
    template = "The {job} said that [MASK] was late."
    app = page("masked_words", section="probe", template=template, fillers="job: nurse, doctor", probe_words="he, she")
    expected = gb.probe_template(pretrained, template, {"job": ["nurse", "doctor"]}, ["he", "she"]).frame()
    table = app.dataframe[0].value
    assert list(table["text"]) == list(expected["text"])
    assert table["probability"].tolist() == pytest.approx((100 * expected["probability"]).tolist(), rel=1e-5)


@pytest.mark.parametrize(
    "view",
    [{"template": "No slot [MASK]."}, {"template": "The {job} was late."}, {"fillers": ""}, {"fillers": "job:"}],
    ids=str,
)
def test_a_template_that_does_not_fit_gets_a_sentence(view: dict[str, str]) -> None:
    assert messages(page("masked_words", section="probe", **view))


def test_slots_and_words_as_people_write_them() -> None:
    assert _slots("job: nurse , doctor\n{place}: home\nnonsense\n:x") == (
        ("job", ("nurse", "doctor")),
        ("place", ("home",)),
    )
    assert words_asked(" he, she ,,he\nthey ") == ("he", "she", "they")


@pytest.mark.parametrize("page_id", ["masked_words", "next_sentence"])
def test_a_model_without_the_head_is_offered_the_embedded_one(page_id: str) -> None:
    app = page(page_id, model="sentiment", beside="")
    assert "The bundled model has one" in messages(app)
    (button,) = [button for button in app.button if button.label == "Open GlassBERT pretrained"]
    button.click()
    run(app)
    assert app.session_state.view["model"] == "pretrained"


# --- next sentence ---------------------------------------------------------------------------------------------

FIRST, SECOND = "She opened the window.", "A cold wind blew into the room."


def test_the_decision_is_the_librarys_and_swaps(pretrained: gb.Model) -> None:
    app = page("next_sentence", text=FIRST, pair=SECOND, method="saliency")
    assert f"{gb.next_sentence(pretrained, FIRST, SECOND).probability:.4f}" in formulas(app)
    next(button for button in app.button if "Swap" in button.label).click()
    run(app)
    assert (app.session_state.view["text"], app.session_state.view["pair"]) == (SECOND, FIRST)
    assert f"{gb.next_sentence(pretrained, SECOND, FIRST).probability:.4f}" in formulas(app)


def test_shuffling_keeps_the_words_of_b_and_changes_their_order() -> None:
    app = page("next_sentence", text=FIRST, pair=SECOND, method="saliency")
    next(button for button in app.button if "Shuffle" in button.label).click()
    run(app)
    shuffled = app.session_state.view["pair"]
    assert shuffled != SECOND
    assert shuffled.endswith(".")
    assert sorted(shuffled.rstrip(".").split()) == sorted(SECOND.rstrip(".").split())
    assert app.session_state.view["text"] == FIRST


def test_without_a_second_text_the_page_says_so_and_still_ranks() -> None:
    app = page("next_sentence", text=FIRST, pair="")
    assert "Type a second sentence" in messages(app)
    assert any("ranking" in chart.proto.id for chart in app.get("plotly_chart"))


def test_what_crosses_over_is_the_block_of_the_open_head(pretrained: gb.Model) -> None:
    app = page("next_sentence", text=FIRST, pair=SECOND, layer="3", head="2", method="saliency")
    block = gb.attention(pretrained, FIRST, SECOND).combine([(3, 2)]).block("A→B")
    share = float(block.values[0].sum(axis=-1).mean())
    assert f"on average {share:.0%} of a row's weight crosses over" in shown(app)


def test_what_is_left_out_of_a_long_list_is_said() -> None:
    """Guards against a link that asks for more than it says, and against a list that is cut without a word."""
    words = ", ".join(f"word{number}" for number in range(40))
    for section, field in (("candidates", "words"), ("probe", "probe_words")):
        app = page("masked_words", section=section, masks="2", **{field: words})
        assert "The first 12 of 40 words are compared." in [caption.value for caption in app.caption]
    app = page("next_sentence", text="He opened the door.", pair="He went in.")
    (field,) = [field for field in app.text_area if field.label.startswith("Continuations")]
    field.set_value("\n".join(f"Line {number}." for number in range(31)))
    run(app)
    assert "The first 30 of 31 continuations are ranked." in [caption.value for caption in app.caption]
