"""The What if page without a browser: what it shows equals what the library says, and what a visitor can undo."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import glassbert as gb
from components import address, state
from components.examples import EXAMPLES, SWAPS, offered
from components.gateway import inputs, models
from components.gateway.requests import ModelRequest, TextRequest, version_of
from components.gateway.what_if import suggestions
from components.shared import charts, jobs
from components.shared.charts import percent
from components.state import View, full_address
from components.views.what_if import variant_list
from components.views.what_if.editor import interchangeable
from components.views.what_if.listing import marked
from components.views.what_if.reduction import steps_shown
from components.views.what_if.tracing import path
from glassbert.pictures.formats import signed
from glassbert.verdicts._work import operations
from tests.components.widgets.clicks import click, mounted
from tests.pages.workbench import as_read, messages, page, parameters, run

TEXT = "The acting is superb and I loved it."
WORSE = "The acting is terrible and I loved it."
GAP = "The capital of France is [MASK]."
SUPERB = 4  # its token


@pytest.fixture(scope="module")
def sentiment() -> gb.Model:
    return gb.load("sentiment", "cpu")


@pytest.fixture(scope="module")
def pretrained() -> gb.Model:
    return gb.load("pretrained", "cpu")


def what_if(**view: str) -> AppTest:
    return page("what_if", **{"text": TEXT, "token": str(SUPERB)} | view)


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


def shown(app: AppTest) -> str:
    return as_read("\n".join(element.value for element in [*app.markdown, *app.caption]))


def replace_word(app: AppTest, word: str) -> AppTest:
    (field,) = [field for field in app.text_input if field.label.startswith("Replace “")]
    field.set_value(word)
    return run(app)


def finished(app: AppTest) -> AppTest:
    """The page once its search is over: each look at a running one is a run of its own."""
    for name in ("flip", "reduction", "trace"):
        if name in app.session_state["memory_jobs"]:
            app.session_state["memory_jobs"][name].wait(120)
    return run(app)


def variants_of(app: AppTest) -> dict[int, tuple[tuple[int, str, str], ...]]:
    (found,) = app.session_state["memory_variants"].values()
    return found.changes


def link_to(*changes: list, **more: object) -> str:
    """The parameter of a link to variants of `TEXT`, of one change each."""
    encoded = inputs.encode(TextRequest(ModelRequest("sentiment"), TEXT))
    made = {number: [change] for number, change in enumerate(changes, start=1)}
    return json.dumps({"of": version_of(encoded.texts, encoded.tokens), "made": made} | more)


def chart(app: AppTest, key: str) -> dict:
    (found,) = [element.proto for element in app.get("plotly_chart") if key in element.proto.id]
    return json.loads(found.spec)


def rows(app: AppTest, key: str) -> dict[str, list[dict]]:
    return {row["id"]: row["cells"] for row in json.loads(mounted(app, key).json)["rows"]}


# --- edits -----------------------------------------------------------------------------------------------------


def test_a_typed_word_becomes_a_variant_with_the_librarys_numbers(sentiment: gb.Model) -> None:
    app = replace_word(what_if(), "terrible")
    assert variants_of(app) == {0: (), 1: ((SUPERB, "replace", "terrible"),)}
    before, after = (float(gb.classify(sentiment, text).probabilities[1]) for text in (TEXT, WORSE))
    assert before > 0.5 > after
    text, fall = shown(app), round(100 * before, 1) - round(100 * after, 1)
    assert f"POSITIVE** &nbsp; {percent(before)}" in text
    assert f"NEGATIVE] &nbsp; POSITIVE {percent(after)} &nbsp; −{fall:.1f} points" in text
    (bar,) = re.findall(r'class="down" style="width:([\d.]+)%"', "\n".join(html.value for html in app.get("html")))
    assert float(bar) == pytest.approx(50 * (before - after), abs=0.01)
    assert rf"{after:.4f} - {before:.4f}" in "\n".join(formula.value for formula in app.latex)


def test_another_question_is_asked_of_the_variants_that_are_there(sentiment: gb.Model) -> None:
    app = replace_word(what_if(), "terrible")
    (choice,) = [box for box in app.selectbox if box.label == "Probability of"]
    choice.set_value("NEGATIVE")
    run(app)
    before, after = (float(gb.classify(sentiment, text).probabilities[0]) for text in (TEXT, WORSE))
    text, rise = shown(app), round(100 * after, 1) - round(100 * before, 1)
    assert f"POSITIVE** &nbsp; NEGATIVE {percent(before)}" in text
    assert f"NEGATIVE] &nbsp; {percent(after)} &nbsp; +{rise:.1f} points" in text


def test_only_new_variants_are_run() -> None:
    app = replace_word(replace_word(what_if(), "terrible"), "fine")
    (kept,) = app.session_state["memory_variants"].values()
    assert kept.cost.startswith("3 passes")  # the text twice, to find its class and beside the new variant


def test_the_list_of_variants_is_bounded_with_a_sentence() -> None:
    most = variant_list._MOST_VARIANTS
    app = replace_word(what_if(variants=link_to(*([SUPERB, "replace", f"word{n}"] for n in range(most)))), "one more")
    assert len(variants_of(app)) == most + 1, "and the original"
    (told,) = [warning.value for warning in app.warning]
    assert f"{most} variants" in told
    press(app, "variant_3_remove")
    replace_word(app, "one more")
    assert ((SUPERB, "replace", "one more"),) in variants_of(app).values()
    assert not app.warning


def test_variants_and_pins_are_in_the_link() -> None:
    app = replace_word(replace_word(what_if(), "terrible"), "fine")
    press(press(press(app, "edit_delete"), "variant_2_pin_A"), "variant_3_go_on")
    link = parameters(app)
    elsewhere = run(what_if(**link))
    assert (
        variants_of(elsewhere)
        == variants_of(app)
        == {
            0: (),
            1: ((SUPERB, "replace", "terrible"),),
            2: ((SUPERB, "replace", "fine"),),
            3: ((SUPERB, "delete", ""),),
        }
    )
    (first,), (second,) = (one.session_state["memory_variants"].values() for one in (app, elsewhere))
    assert second.pins == first.pins == {"A": 2, "B": 1}
    assert second.draft == first.draft == 3
    assert parameters(elsewhere) == link
    rows = [[line for line in shown(one).splitlines() if "passes" not in line] for one in (app, elsewhere)]
    assert rows[0] == rows[1]


def test_the_way_back_and_another_text_leave_no_variant_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_went_through_history", lambda: True)
    app = replace_word(what_if(), "terrible")
    with_one = parameters(app)["variants"]
    del app.query_params["variants"]  # the browser's Back
    assert list(variants_of(run(app))) == [0]
    app.query_params["variants"] = with_one  # and Forward
    assert list(variants_of(run(app))) == [0, 1]
    click(app, "box_text", {"version": "box_text", "text": "Another text."})
    assert "variants" not in parameters(app)
    click(app, "box_text", {"version": "box_text", "text": TEXT})
    assert json.loads(parameters(app)["variants"])["made"] == {"1": [[SUPERB, "replace", "terrible"]]}


def test_what_no_variant_can_be_is_left_out() -> None:
    impossible = [
        *("", "x", "[]", "3", "{", "null", "[" * 5_000, '{"of": 3}'),
        link_to([SUPERB, "replace", ""]),
        link_to([99, "delete", ""]),
        link_to([0, "delete", ""]),
        link_to([-1, "delete", ""]),
        link_to([10**30, "delete", ""]),
        link_to([True, "delete", ""]),
        link_to([SUPERB, "explode", "x"]),
        link_to([SUPERB, "replace", 3]),
        link_to([SUPERB, "replace"]),
        link_to([[SUPERB], "replace", "x"]),
        link_to("x"),
        link_to(),
        link_to().replace('"made": {}', '"made": [1]'),
        link_to().replace('"made": {}', '"made": {"1": 5, "0": [[4, "delete", ""]], "-1": [], "x": [], "²": []}'),
    ]
    for said in impossible:
        found = variant_list.VariantList()
        found.read(said, TextRequest(ModelRequest("sentiment"), TEXT))
        assert (found.changes, found.draft) == ({0: ()}, 0), said
    app = what_if(variants=link_to([SUPERB, "replace", "fine"]).replace('"of": "', '"of": "another'))
    assert variants_of(app) == {0: ()}
    assert "variants" not in parameters(app)
    assert not messages(app)


def test_impossible_pins_and_drafts_fall_back() -> None:
    for pins, draft in (({"A": 7, "B": "1"}, 9), ([1, 2], True), ("x", "1"), ({"A": True}, None), ({"C": 1}, -1)):
        found = variant_list.VariantList()
        found.read(
            link_to([SUPERB, "replace", "fine"], pins=pins, draft=draft), TextRequest(ModelRequest("sentiment"), TEXT)
        )
        assert (list(found.changes), found.pins, found.draft) == ([0, 1], {}, 0)
    assert "Pin two different texts" in shown(what_if(variants=link_to([SUPERB, "replace", "fine"])))


def test_many_variants_of_a_link_wait_for_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link alone computes no more than what is cheap."""
    request = TextRequest(ModelRequest("sentiment"), TEXT)
    pass_of_it = operations(models.load(request.model), len(inputs.encode(request)))
    monkeypatch.setattr(models, "_QUICK_OPERATIONS", 8 * pass_of_it)
    app = what_if(variants=link_to(*([SUPERB, "replace", f"word{number}"] for number in range(6))))
    assert shown(app).count("Not computed yet") == 3
    assert "3 passes. Takes " in shown(app)
    app = press(app, "variants_ask")
    assert "Not computed yet" not in shown(app)


def test_what_was_predicted_for_removed_variants_is_forgotten() -> None:
    app = what_if()
    for number in range(4):
        app = press(replace_word(app, f"word{number}"), "variants_clear")
    (kept,) = app.session_state["memory_variants"].values()
    assert [set(found) for found in kept.outcomes.values()] == [{()}]


def test_long_lists_in_an_address_are_cut_with_a_sentence() -> None:
    words = "/".join(["superb", *(f"w{number}" for number in range(200))])
    app = what_if(swaps="\n".join([f"Many: {words}", *(f"List {number}: superb/x{number}" for number in range(40))]))
    assert "of 200 words" in shown(app)
    assert "of 41 lists" in shown(app)
    offered = [pills for pills in app.get("button_group") if "swap_" in pills.proto.id]
    assert len(offered) == 12
    assert max(len(pills.proto.options) for pills in offered) == 60


def test_the_change_is_marked_in_its_place() -> None:
    request = TextRequest(ModelRequest("sentiment", "cpu"), "A good, long film.", "I liked it.")
    changes = ((2, "replace", "*bad*"), (4, "delete", ""), (9, "mask", ""))
    assert as_read(marked(request, changes)) == (
        "A :gray[~~good~~] :violet-background[***bad***], :gray[~~long~~] film. **/** "
        "I :gray[~~liked~~] :violet-background[**[MASK]**] it."
    )
    assert r"\*bad\*" in marked(request, changes)


def test_of_a_long_text_only_what_is_near_a_change_is_shown() -> None:
    request = TextRequest(ModelRequest("sentiment", "cpu"), "word " * 60 + "good " + "word " * 60)
    text = as_read(marked(request, ((61, "replace", "bad"),)))
    assert len(text) < 250
    assert text.count("…") == 2
    assert "word :gray[~~good~~] :violet-background[**bad**] word" in text


@pytest.mark.parametrize(("kind", "text"), [("delete", "The acting is and I loved it."), ("mask", None)])
def test_words_are_deleted_and_masked(sentiment: gb.Model, kind: str, text: str | None) -> None:
    app = press(what_if(), f"edit_{kind}")
    expected = float(gb.classify(sentiment, text or TEXT.replace("superb", "[MASK]")).probabilities[1])
    assert variants_of(app)[1] == ((SUPERB, kind, ""),)
    assert percent(expected) in shown(app)


def test_suggestions_are_the_masked_models(pretrained: gb.Model) -> None:
    request = TextRequest(ModelRequest("sentiment", "cpu"), TEXT)
    found = suggestions(request, ModelRequest("pretrained", "cpu"), (), SUPERB, 5)
    expected = gb.fill_mask(pretrained, TEXT, positions=[SUPERB], top_k=8)
    whole = [
        (token, share)
        for token, share in zip(expected.candidates[0], expected.probabilities[0].tolist(), strict=True)
        if token.isalpha() and token != "superb"
    ][:5]
    assert [word for word, _ in found] == [word for word, _ in whole]
    assert [share for _, share in found] == pytest.approx([share for _, share in whole], abs=1e-6)


def test_a_word_of_several_pieces_makes_way_for_one_gap(pretrained: gb.Model) -> None:
    text = "It was spotless there."
    request = TextRequest(ModelRequest("sentiment", "cpu"), text)
    assert gb.encode(pretrained, text).tokens[3:5] == ("spot", "##less")
    found = suggestions(request, ModelRequest("pretrained", "cpu"), (), 3, 1)
    assert found[0][0] == gb.fill_mask(pretrained, "It was [MASK] there.", top_k=1).candidates[0][0]


def test_a_suggestion_and_a_word_of_the_lists_are_buttons() -> None:
    app = what_if()
    labels = [as_read(group.label) for group in app.get("button_group")]
    assert "Suggestions by GlassBERT pretrained" in labels
    opposites = next(group for group in app.button_group if group.label == "Opposites")
    assert list(opposites.options) == ["awful"]
    opposites.set_value("awful")
    run(app)
    assert variants_of(app)[1] == ((SUPERB, "replace", "awful"),)


def test_going_on_from_a_variant_adds_to_it_and_undo_takes_it_back(sentiment: gb.Model) -> None:
    app = replace_word(what_if(), "simply terrible")
    press(app, "variant_1_go_on")
    strip = json.loads(mounted(app, "edit_sentence").json)
    assert [token["text"] for token in strip["tokens"]][4:7] == ["simply", "terrible", "and"]
    click(app, "edit_sentence", {"version": strip["version"], "index": 8})  # "loved", moved by one
    assert parameters(app)["token"] == "7"
    replace_word(app, "hated")
    assert variants_of(app)[2] == ((SUPERB, "replace", "simply terrible"), (7, "replace", "hated"))
    both = float(gb.classify(sentiment, "The acting is simply terrible and I hated it.").probabilities[1])
    assert percent(both) in shown(app)
    press(app, "variant_2_undo")
    assert list(variants_of(app)) == [0, 1]  # what is left of it is variant 1
    press(app, "variant_1_undo")
    assert list(variants_of(app)) == [0]


def test_a_second_change_of_a_word_takes_the_place_of_the_first() -> None:
    app = press(replace_word(what_if(), "bad"), "variant_1_go_on")
    replace_word(app, "good")
    assert variants_of(app)[2] == ((SUPERB, "replace", "good"),)


def test_what_changes_nothing_or_leaves_nothing_is_refused() -> None:
    app = replace_word(what_if(), "superb")
    assert "leaves the text unchanged" in messages(app)
    assert list(variants_of(app)) == [0]
    alone = press(what_if(text="Superb", token="1"), "edit_delete")
    assert "empty" in messages(alone)
    assert list(variants_of(alone)) == [0]


def test_an_opened_variant_is_the_text_of_the_app_and_the_way_back_keeps_the_list() -> None:
    app = press(replace_word(what_if(), "terrible"), "variant_1_open")
    assert parameters(app)["text"] == WORSE
    click(app, "box_text", {"version": "box_text", "text": TEXT})
    assert "terrible" in shown(app)


def test_two_variants_side_by_side(sentiment: gb.Model) -> None:
    app = replace_word(replace_word(what_if(), "terrible"), "fine")
    press(app, "variant_1_pin_A")
    press(app, "variant_2_pin_B")
    first, second = chart(app, "pinned")["data"]
    for bars, text in ((first, WORSE), (second, TEXT.replace("superb", "fine"))):
        shares = gb.classify(sentiment, text).probabilities
        assert sorted(bars["x"]) == pytest.approx(sorted(shares.tolist()), abs=1e-5)
    press(app, "variants_clear")
    assert list(variants_of(app)) == [0]


def test_a_typed_gap_is_asked_about_and_cannot_be_edited(pretrained: gb.Model) -> None:
    app = what_if(text=GAP, token="6", explain="mask")
    assert "gap being predicted" in messages(app)
    click(app, "edit_sentence", {"version": json.loads(mounted(app, "edit_sentence").json)["version"], "index": 4})
    replace_word(app, "ancient Greece")  # two words: the gap moves
    prediction = gb.fill_mask(pretrained, "The capital of ancient Greece is [MASK].", top_k=1)
    assert f"{prediction.candidates[0][0]}]" in shown(app)
    paris = gb.score_words(pretrained, "The capital of ancient Greece is [MASK].", 7, ["paris"]).probabilities[0]
    assert f"paris {percent(float(paris))}" in shown(app)
    assert percent(float(prediction.probabilities[0, 0])) in json.dumps(chart(app, "pinned"))


def test_the_next_sentence_is_a_question_too(pretrained: gb.Model) -> None:
    first, second = "She opened the window.", "A cold wind blew in."
    app = replace_word(what_if(text=first, pair=second, token="2", explain="next"), "ate")
    assert percent(gb.next_sentence(pretrained, "She ate the window.", second).probability) in shown(app)


def test_without_a_question_the_visitor_is_told() -> None:
    assert "Nothing to flip yet" in messages(what_if(beside="", text="Hello there."))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("superb", {"Opposites": ["awful"]}),
        ("Her", {"Pronouns": ["him", "them", "his", "their"]}),
        ("Linda", {"Names": ["Mary", "John", "Fatima", "Wei", "Carlos", "Aisha"]}),
        ("story", {}),
    ],
)
def test_words_to_put_in_each_others_place(word: str, expected: dict[str, list[str]]) -> None:
    assert interchangeable(word, SWAPS) == expected


def test_lists_as_people_write_them() -> None:
    assert interchangeable("a", "a/b, a / c;\n\n:\nmine: A/d") == {"Words": ["b", "c"], "mine": ["d"]}


# --- the smallest change ---------------------------------------------------------------------------------------


def test_flips_are_the_librarys_and_can_be_opened_and_kept(sentiment: gb.Model, pretrained: gb.Model) -> None:
    app = what_if(section="smallest", max_edits="1", budget="200")
    assert "At most 200 passes" in shown(app)
    assert "flip the prediction from" not in shown(app)
    press(app, "flip_start")
    finished(app)
    expected = gb.find_flip(sentiment, TEXT, proposer=pretrained, max_edits=1, budget=200)
    assert len(expected.flips.texts) > 1
    text = shown(app)
    assert f"**{expected.found} changes flip the prediction from POSITIVE**" in text
    for share, distance in zip(expected.flips.probabilities, expected.distances, strict=True):
        assert percent(float(share)) in text
        assert f"meaning distance {distance:.2f}" in text
    press(app, "turned_0_add")
    assert variants_of(app)[1] == expected.flips.edits[0]
    press(app, "turned_1_open")
    assert parameters(app)["text"] == expected.flips.texts[1][0]


def test_no_flip_is_an_answer_with_the_closest_try(sentiment: gb.Model) -> None:
    text = "A superb, brilliant, wonderful, beautiful and moving film."
    app = press(
        what_if(section="smallest", text=text, proposals="gradient", max_edits="1", deletions="0", budget="60"),
        "flip_start",
    )
    finished(app)
    expected = gb.find_flip(sentiment, text, proposals="gradient", deletions=False, max_edits=1, budget=60)
    assert not expected.flips.texts, "the test needs a text that no single word turns"
    assert f"No flip found within {expected.forward_passes:,} passes" in messages(app)
    assert percent(float(expected.closest.probabilities[0])) in shown(app)


def test_a_search_that_is_stopped_keeps_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_END_SECONDS", 120.0)  # a first pass takes longer than usual on a busy machine
    app = what_if(section="smallest", budget="20000")
    press(app, "flip_start")
    search = app.session_state["memory_jobs"]["flip"]
    search.stop()
    finished(app)
    assert not search.found.complete
    assert "The search was stopped before everything was tried" in shown(app) + messages(app)


# --- input reduction -------------------------------------------------------------------------------------------


def test_the_remainder_and_its_steps_are_the_librarys(sentiment: gb.Model) -> None:
    app = finished(press(what_if(section="reduction"), "reduction_start"))
    expected = gb.reduce_input(sentiment, TEXT)
    assert app.header[0].value == " / ".join(expected.texts[-1])
    marks = sum(word in ",.!" for word in expected.removed_words)
    assert f"Without the other **{len(expected.removed) - marks}** words and **{marks}** punctuation mark" in shown(app)
    assert chart(app, "reduction_steps")["data"][0]["y"] == pytest.approx(expected.probabilities.tolist())
    steps = rows(app, "reduction_rows")
    assert len(steps) == len(expected.probabilities)
    for step, present in enumerate(expected.present):
        struck = [cell["kind"] == "struck" for cell in steps[f"step-{step}"]]
        assert struck == [not there for there in present[1:-1]]  # every word of this text is one token
    went = [cell["text"] for cells in steps.values() for cell in cells if cell["tone"]]
    assert went == [word.casefold() for word in expected.removed_words]


def test_of_many_steps_some_are_drawn() -> None:
    assert steps_shown(5) == [0, 1, 2, 3, 4]
    drawn = steps_shown(400)
    assert (drawn[0], drawn[-1], len(drawn)) == (0, 399, 24)


# --- traces ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "columns"), [("hidden", 11), ("head", 12), ("mlp", 11)])
def test_the_trace_is_the_librarys(sentiment: gb.Model, kind: str, columns: int) -> None:
    app = finished(what_if(section="tracing", other_text=WORSE, patch=kind))
    expected = gb.trace(sentiment, TEXT, WORSE, kind=kind)
    drawn = chart(app, "trace")["data"][0]
    z = np.asarray(drawn["z"])
    assert z.shape == (7 if kind == "hidden" else 6, columns)
    assert np.allclose(z, expected.restored.reshape(z.shape), atol=1e-5)
    assert (drawn["zmin"], drawn["zmax"]) == (-1, 1)
    assert (
        f"{signed(expected.clean_value)} for the first text, {signed(expected.corrupted_value)} for the second"
        in shown(app)
    )


def test_the_words_under_the_trace_name_where_it_is(sentiment: gb.Model) -> None:
    hidden = gb.trace(sentiment, TEXT, WORSE)
    assert as_read(path(hidden)).startswith("Most of it is at: embeddings to layer 5: “superb” (")
    assert "layer 6: “[CLS]” (100%)" in as_read(path(hidden))
    heads = gb.trace(sentiment, TEXT, WORSE, kind="head")
    layer, head, _ = np.unravel_index(heads.restored.argmax(), heads.restored.shape)
    assert as_read(path(heads)).startswith(f"Most is restored at layer {layer + 1}, head {head + 1}: ")


def test_words_that_differ_stand_over_each_other(sentiment: gb.Model) -> None:
    figure = charts.trace(gb.trace(sentiment, "It was <b>good.", "It was <b>bad."))
    assert "<b>good</b><br>bad" in figure.layout.xaxis.ticktext
    assert "&lt;" in figure.layout.xaxis.ticktext


@pytest.mark.parametrize("example", offered("what_if"))
def test_every_example_has_a_partner_that_can_be_traced(
    example: str, sentiment: gb.Model, pretrained: gb.Model
) -> None:
    """As many tokens, and at the decision that the page asks about by itself another answer."""
    one = EXAMPLES[example]
    clean, corrupted = (one.text, one.pair or None), (one.other or one.text, one.other_pair or one.pair or None)
    assert len(gb.encode(pretrained, *clean)) == len(gb.encode(pretrained, *corrupted))

    def decided(text: str, pair: str | None) -> str:
        if "[MASK]" in text:
            return gb.fill_mask(pretrained, text, top_k=1).candidates[0][0]
        if pair:
            return str(gb.next_sentence(pretrained, text, pair).probability > 0.5)
        result = gb.classify(sentiment, text)
        return result.labels[result.predicted]

    assert decided(*clean) != decided(*corrupted)


def test_without_a_second_text_the_page_offers_words_that_keep_the_length() -> None:
    app = what_if(section="tracing")
    assert "type a second text" in messages(app)
    words = next(group for group in app.button_group if group.label.startswith("Replace “"))
    words.set_value(words.options[0])
    run(app)
    assert parameters(app)["other_text"] == TEXT.replace("superb", words.options[0])
    assert chart(finished(app), "trace")


def test_texts_of_other_lengths_are_aligned_and_mended() -> None:
    app = what_if(section="tracing", other_text="The acting is immaculately spotless and I hated it.")
    assert "“superb” (1 token) against “spotless” (2 tokens)" in messages(app)
    assert not app.get("plotly_chart")
    data = json.loads(mounted(app, "both_texts").json)
    (added,) = [cell["from"] for cell in data["rows"][1]["cells"] if cell["text"] == "immaculately"]
    click(app, "both_texts", {"version": data["version"], "index": added})
    assert parameters(app)["token"] == str(SUPERB), "only the second text has this word: nothing else is selected"
    click(app, "both_texts", {"version": data["version"], "index": 2})
    assert parameters(app)["token"] == "2"
    press(app, "repair_keep")
    assert parameters(app)["other_text"] == "The acting is superb and I hated it."
    assert chart(finished(app), "trace")


def test_a_word_of_another_length_is_replaced_where_it_stands() -> None:
    app = what_if(section="tracing", other_text=TEXT.replace("superb", "spotless"))
    words = next(group for group in app.button_group if "spotless" in group.label)
    words.set_value(words.options[0])
    run(app)
    assert parameters(app)["other_text"] == TEXT.replace("superb", words.options[0])


def test_a_variant_of_the_same_length_can_be_traced() -> None:
    app = replace_word(replace_word(what_if(), "terrible"), "not at all good")
    section = next(group for group in app.button_group if group.label == "Section")
    section.set_value("tracing")
    run(app)
    variants = next(group for group in app.button_group if group.label == "One of your variants")
    assert list(variants.options) == ["Variant 1"]
    variants.set_value(1)
    run(app)
    assert parameters(app)["other_text"] == WORSE


def test_texts_that_the_model_cannot_tell_apart_are_told_so() -> None:
    app = finished(what_if(section="tracing", other_text=TEXT.upper()))
    assert "give this model the same tokens" in messages(app)


# --- links and hostile text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        {"section": "nothing"},
        {"section": "smallest", "proposals": "x", "max_edits": "9", "budget": "-1", "deletions": "maybe"},
        {"section": "smallest", "budget": "99999999"},
        {"section": "reduction", "explain": "end"},
        {"section": "tracing", "patch": "x", "other_text": WORSE},
        {"label": "nobody", "token": "99", "swaps": "::,,//"},
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_still_opens(view: dict[str, str]) -> None:
    assert messages(finished(what_if(**view))) in ("", "Click a word to change it.")


def test_a_new_text_leaves_the_old_partner_behind() -> None:
    app = what_if(section="tracing", other_text=WORSE)
    click(app, "box_text", {"version": "box_text", "text": "Another text."})
    assert not {"other_text", "other_pair"} & set(parameters(app))


def test_a_text_too_long_for_a_link_takes_its_partner_with_it() -> None:
    view = View(text="a", other_text="".join(chr(0x4E00 + number) for number in range(5_000)))
    assert not {"text", "other_text"} & set(address.unpacked(full_address(view)))


@pytest.mark.parametrize("section", ["edit", "smallest", "reduction", "tracing"])
def test_hostile_text_is_never_markup(section: str) -> None:
    hostile = "![x](http://a) <img> :red[good]"
    app = what_if(
        section=section, text=hostile, other_text=hostile.replace("good", "bad"), token="-1", budget="60", max_edits="1"
    )
    name = {"smallest": "flip", "reduction": "reduction"}.get(section)
    if section == "edit":
        strip = json.loads(mounted(app, "edit_sentence").json)
        good = next(index for index, token in enumerate(strip["tokens"]) if token["text"] == "good")
        click(app, "edit_sentence", {"version": strip["version"], "index": good})
        replace_word(app, "![y](http://d.e/f.png)<b>")
        assert "d" in shown(app)
    if name:
        press(app, f"{name}_start")
    finished(app)
    written = [element.value for element in [*app.markdown, *app.caption, *app.info, *app.warning, *app.header]]
    written += [group.label for group in app.get("button_group")] + [field.label for field in app.text_input]
    for text in written:
        assert not re.search(r"(?<!\\)!\[|(?<!\\)<(img|b)\b|(?<!\\):red\[|\]\(http", text), text
    markup = [html.value for html in app.get("html") if '<div class="gb-answers"' not in html.value]
    assert all(re.fullmatch(r"<style>.*</style>|<div class=\"what-if-bar\" title=\"[^\"<>]+\"><span class="
                            r"\"(up|down)\" style=\"width:[\d.]+%\"></span></div>", html, re.S)
               for html in markup), "numbers are all that reaches HTML"  # fmt: skip
    assert not re.search(r"<img|<b>[^<]*<b>", "".join(html.value for html in app.get("html")))
