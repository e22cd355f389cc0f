"""The seven steps, in their order: what each says, draws and leaves out, and the page where it can be tried.

Every number is computed by the models of the tour, through the gateway, which keeps it: a step that is opened again
costs nothing. All steps together take ten passes of one short sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from components import state
from components.gateway import attention, inputs, language, saliency, what_if
from components.gateway.library import gb
from components.gateway.requests import version_of
from components.shared import charts
from components.shared.selection import dark_page, shown_positions, strip_tokens
from components.state import View
from components.text import plain
from components.views.tour import slides
from components.views.tour.cast import Cast
from components.views.tour.fields import TourFields
from components.views.tour.sentence import CHANGES, HEAD, HIDDEN, LAYER, LOOKING, SENTENCE, SPLIT
from components.widgets.attention_walk import attention_walk
from components.widgets.token_strip import Token, token_strip

__all__ = ["STEPS", "Step"]

_GUESSES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One screen: a heading; one or two sentences; a picture; the one caveat that matters here; and the page that shows
    more. ``asks``: the field that says whether the answer to its question has been shown."""

    title: str
    page: str
    say: Callable[[Cast], str]
    draw: Callable[[Cast], None]
    caveat: Callable[[Cast], str]
    asks: str = ""


# --- 1: the whole way ----------------------------------------------------------------------------------------------


def _say_road(_: Cast) -> str:
    return (
        "It cuts the sentence into pieces, turns them into numbers, lets these influence each other in layer after "
        "layer, and reads a decision off the result. The next six steps follow this sentence all the way."
    )


def _draw_road(cast: Cast) -> None:
    """Three passes: for the embeddings, the attention maps and the decision."""
    decision = language.classify(cast.decision)
    share = charts.percent(float(decision.probabilities[decision.predicted]))
    picture = slides.road(
        SENTENCE,
        [cast.encoded.pieces[place] for place in shown_positions(cast.encoded, special=True)],
        inputs.reading_steps(cast.decision, None).vectors[-1],
        attention.thumbnails(cast.decision, True),
        (str(decision.labels[decision.predicted]), share),
        dark=dark_page(),
    )
    st.html(picture)


def _size(cast: Cast) -> str:
    millions = round(cast.decides.model.parameters / 1e6)
    return (
        f"This is a small BERT, with {millions} million weights. Larger ones work in the same way, and make fewer "
        "mistakes."
    )


# --- 2: pieces -----------------------------------------------------------------------------------------------------


def _say_pieces(cast: Cast) -> str:
    encoded = cast.encoded
    (first, *rest) = (
        encoded.pieces[place]
        for place in range(len(encoded))
        if SPLIT in encoded.texts[0][slice(*_word_of(encoded, place))]
    )
    known = cast.decides.model.network.config.vocab_size
    return (
        f"BERT knows {known:,} pieces of text. “{SPLIT}” is not one of them, so it is read as “{first}” and "
        f"“{'” and “'.join(rest)}”; [CLS] and [SEP] mark the beginning and the end."
    )


def _word_of(encoded: gb.Encoded, place: int) -> tuple[int, int]:
    """The characters of the word that this token belongs to."""
    word = encoded.word_ids[place]
    if word < 0:
        return 0, 0
    own = encoded.offsets[encoded.word_ids == word]
    return int(own[:, 0].min()), int(own[:, 1].max())


def _draw_pieces(cast: Cast) -> None:
    """No pass."""
    st.html(slides.sentence_above(SENTENCE))
    _strip(cast, "Pieces", _tokens(cast))


# --- 3: numbers ----------------------------------------------------------------------------------------------------


def _say_numbers(cast: Cast) -> str:
    hidden = cast.decides.model.network.config.hidden_size
    return (
        f"Each piece has a number in the vocabulary and a row of {hidden} values, learned in training. Its place in "
        "the sentence is added, and these rows are all that the first layer gets."
    )


def _draw_numbers(cast: Cast) -> None:
    """No further pass: that of the first step."""
    steps = inputs.reading_steps(cast.decision, None)
    encoded = steps.encoded
    st.html(slides.number_rows(encoded.pieces, encoded.input_ids.tolist(), steps.vectors[-1], dark=dark_page()))


# --- 4: layers -----------------------------------------------------------------------------------------------------


def _say_layers(cast: Cast) -> str:
    maps = attention.maps(cast.decision)
    pieces, rows = cast.encoded.pieces, maps.weights[LAYER, HEAD]
    first, second, third = ((_named(pieces, query), _named(pieces, int(rows[query].argmax()))) for query in LOOKING)
    return (
        f"In each of {maps.layers} layers, {maps.heads} heads choose for every piece which others it takes information "
        f"from. Head {HEAD + 1} of layer {LAYER + 1} looks for opinions: the attention of {first[0]} goes mostly to "
        f"{first[1]}, that of {second[0]} to {second[1]}, that of {third[0]} to {third[1]}."
    )


def _named(pieces: Sequence[str], place: int) -> str:
    """``“superb”``; of a piece that is there twice, which: ``the second “is”``."""
    piece = pieces[place]
    which = ("first", "second", "third")[list(pieces[:place]).count(piece)]
    return f"the {which} “{piece}”" if list(pieces).count(piece) > 1 else f"“{piece}”"


def _draw_layers(cast: Cast) -> None:
    """No further pass: the maps are those of the first step."""
    encoded = cast.encoded
    words = shown_positions(encoded, special=False).tolist()
    start = words.index(LOOKING[0])
    attention_walk(
        attention.maps(cast.decision).weights[LAYER, HEAD],
        encoded.pieces,
        path=[*words[start:], *words[:start]],
        key="tour_walk",
        version=version_of(cast.decision, LAYER, HEAD),
        label=f"Where each piece attends in layer {LAYER + 1}, head {HEAD + 1}",
    )


# --- 5: a masked word ----------------------------------------------------------------------------------------------


def _guess(cast: Cast) -> gb.MaskPrediction:
    """One pass, of the model that guesses."""
    return language.fill_mask(cast.guess, (cast.place(HIDDEN),), _GUESSES)


def _say_mask(cast: Cast) -> str:
    if not state.fields(TourFields).guesses:
        return (
            "BERT was trained on texts in which words were hidden: it had to guess them from what stands before and "
            "after. What would you put into the gap?"
        )
    guess = _guess(cast)
    first, share = guess.candidates[0][0], charts.percent(float(guess.probabilities[0, 0]))
    return (
        f"Its first guess is “{first}”, and that is the hidden word. It is far from certain, though: it gives this "
        f"word only {share}, because others would fit as well."
    )


def _draw_mask(cast: Cast) -> None:
    """One pass, once the answer is shown."""
    hidden = cast.place(HIDDEN)
    tokens = _tokens(cast)
    tokens[hidden] = Token("[MASK]", "masked", note="the hidden word")
    _strip(cast, "Sentence with a gap", tokens)
    if not state.fields(TourFields).guesses:
        _show("Show what the model guesses", "guesses")
        return
    guess = _guess(cast)
    words = [charts.readable(word, guess.encoded.spelling) for word in guess.candidates[0]]
    st.html(slides.guesses(zip(words, map(float, guess.probabilities[0]), strict=True), HIDDEN))


# --- 6: the decision -----------------------------------------------------------------------------------------------


def _scores(cast: Cast) -> gb.TokenScores:
    """Two passes, by the method that the app shows first."""
    return saliency.attribute(cast.decision, View().method, gb.ClassTarget())


def _say_decision(cast: Cast) -> str:
    decision, scores = language.classify(cast.decision), _scores(cast)
    words = shown_positions(cast.encoded, special=False)
    order = words[scores.scores[words].argsort()]
    against, second, first = (cast.encoded.pieces[place] for place in (order[0], order[-2], order[-1]))
    return (
        f"Trained further on opinions, the network calls this sentence {decision.labels[decision.predicted]}. Orange "
        f"pieces speak for that, above all “{first}” and “{second}”; blue ones speak against it, above all “{against}”."
    )


def _draw_decision(cast: Cast) -> None:
    """One pass, that of the first step, and what the method needs."""
    decision, scores = language.classify(cast.decision), _scores(cast)
    share = charts.percent(float(decision.probabilities[decision.predicted]))
    st.html(slides.badge(str(decision.labels[decision.predicted]), share))
    words = shown_positions(cast.encoded, special=False)
    _strip(
        cast,
        "How much each piece speaks for the decision",
        strip_tokens(cast.encoded, cast.decides.model, shown_positions(cast.encoded, special=True), scores.scores),
        legend="against · for",
        scale=float(abs(scores.scores[words]).max()),
    )


def _other_methods(_: Cast) -> str:
    return (
        f"These colours come from one of {len(saliency.methods())} methods, and they do not always agree. The Saliency "
        "page tests how far each can be trusted."
    )


# --- 7: a change ---------------------------------------------------------------------------------------------------


def _variants(cast: Cast) -> tuple[slides.Outcome, ...]:
    """The sentence and both changed ones, each with the share of the first one's label. Four passes: for the label, and
    for each sentence."""
    changes = tuple(((cast.place(old), "replace", new),) for old, new in CHANGES)
    found = what_if.variants(cast.decision, gb.ClassTarget(), changes)
    changed = zip(found.texts, CHANGES, found.probabilities, found.predictions, strict=True)
    return (
        (SENTENCE, "", found.probability or 0.0, found.prediction),
        *((text, new, float(share), label) for (text, *_), (_, new), share, label in changed),
    )


def _say_change(cast: Cast) -> str:
    (flipped, wrongly), (good, bad) = CHANGES, [label for *_, label in _variants(cast)[1:]]
    if not state.fields(TourFields).outcome:
        return (
            f"Reasons are claims; a change is a test. What will the model say if “{flipped[0]}” becomes "
            f"“{flipped[1]}”? And if “{wrongly[0]}” becomes “{wrongly[1]}”, which means much the same?"
        )
    return (
        f"With “{flipped[1]}” it says {good}, as it should. With “{wrongly[1]}” it says {bad} too, and that is a "
        "mistake: the opinion has not changed."
    )


def _draw_change(cast: Cast) -> None:
    """No further pass: the question needs them already."""
    rows, shown = _variants(cast), state.fields(TourFields).outcome
    st.html(slides.outcomes(rows if shown else rows[:1], rows[0][3]))
    if not shown:
        _show("Show what the model says", "outcome")


# --- parts of several steps ----------------------------------------------------------------------------------------


def _tokens(cast: Cast) -> list[Token]:
    return strip_tokens(cast.encoded, cast.decides.model, shown_positions(cast.encoded, special=True))


def _strip(cast: Cast, label: str, tokens: list[Token], *, legend: str = "", scale: float | None = None) -> None:
    token_strip(
        tokens,
        key="tour_strip",
        label=label,
        selected=None,
        version=version_of(cast.decision, label),
        legend=legend,
        scale=scale,
        large=True,
        selectable=False,
    )


def _show(label: str, field: str) -> None:
    """The button that shows the answer, so that people can guess first."""

    def show() -> None:
        state.change(TourFields, **{field: True})

    with st.container(key="tour_question", horizontal=True, horizontal_alignment="center"):
        st.button(plain(label), key="tour_show", type="primary", on_click=show)


STEPS = (
    Step("What does BERT do with a sentence?", "workbench", _say_road, _draw_road, _size),
    Step(
        "The text becomes pieces",
        "inputs",
        _say_pieces,
        _draw_pieces,
        lambda _: (
            "The pieces come from counting which letters often stand together, not from meaning; capital letters are "
            "lost."
        ),
    ),
    Step(
        "The pieces become numbers",
        "inputs",
        _say_numbers,
        _draw_numbers,
        lambda _: "No single value has a meaning that one could name: it is the whole row that stands for a piece.",
    ),
    Step(
        "The pieces look at each other",
        "attention",
        _say_layers,
        _draw_layers,
        lambda _: (
            "Attention shows where a head looks, not what it does with what it finds, or whether the decision depends "
            "on it."
        ),
    ),
    Step(
        "It learned by filling gaps",
        "masked_words",
        _say_mask,
        _draw_mask,
        lambda _: (
            "A likely word is one that often stood in such places in the training texts. It need not be true, or fair."
        ),
        asks="guesses",
    ),
    Step("It decides, and we ask why", "saliency", _say_decision, _draw_decision, _other_methods),
    Step(
        "Change one word",
        "what_if",
        _say_change,
        _draw_change,
        lambda _: (
            "A test of one sentence shows what the model does with that sentence, and no rule. Test many before you "
            "trust it."
        ),
        asks="outcome",
    ),
)
