"""Logit lens: what each layer would predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import code
from components.gateway.language import logit_lens
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest, version_of
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.masked_words.fields import MaskedWordsFields
from components.views.masked_words.shared import gap_chooser, say_if_words_are_left_out, sentence_strip, words_asked
from components.widgets.aligned_rows import Cell, Row, aligned_rows

if TYPE_CHECKING:
    from glassbert.language.results import LogitLens

_CANDIDATES = 6


def draw_lens(opened: list[Opened], one: Opened) -> None:
    """Cost: one forward pass, and the vocabulary head once per layer."""
    place = sentence_strip(opened, one, "Sentence: select the token to inspect")
    if place is None:
        return
    view = state.view()
    request = one.text(view)
    st.text_input(
        "Words to follow",
        placeholder="The first choice",
        help="Whole vocabulary entries, separated by commas.",
        **state.bind("words", MaskedWordsFields),
    )
    written = state.fields(MaskedWordsFields).words
    words = words_asked(written) or (_first_choice(request, place),)
    say_if_words_are_left_out(written)
    try:
        lens = logit_lens(request, place, words, _CANDIDATES)
    except gb.TargetError as error:
        st.warning(plain(str(error)), icon=":material/info:")
        lens = logit_lens(request, place, (), _CANDIDATES)
    rows = [
        Row(
            f"layer-{layer}",
            "embeddings" if layer == 0 else f"layer {layer}",
            "the model's output" if layer == lens.layers - 1 else "the head was not trained on this layer's state",
            [
                Cell(
                    charts.readable(token, lens.encoded.spelling),
                    number,
                    number + 1,
                    tone=float(lens.probabilities[layer, 0, number]),
                    note=f"rank {number + 1}, {charts.percent(float(lens.probabilities[layer, 0, number]))}",
                )
                for number, token in enumerate(lens.candidates[layer][0])
            ],
        )
        for layer in range(lens.layers)
    ]
    left, right = st.columns([0.55, 0.45], gap="large")
    with left:
        st.markdown(f"What each layer would predict at {gap_chooser(one, request, place)}, most likely on the left")
        aligned_rows(
            rows,
            key="lens",
            label="Candidates by layer, the output at the bottom",
            columns=_CANDIDATES,
            selected=None,
            version=version_of(request, place, words),
            linked="text",
        )
        st.caption(
            "The masked-word head applied to every layer's state; stronger colours are more probable. The last row "
            "is the prediction itself. *The head was trained on the last layer only: for earlier layers it shows how "
            "far the prediction has formed, not what a layer “thinks”.*"
        )
    with right:
        _over_layers(lens)
    with how_computed("Layer by layer"):
        best = float(lens.probabilities[-1, 0, 0])
        st.markdown(
            r"""
The state $h_\ell$ of the gap after layer $\ell$ is passed through the head and a softmax (nostalgebraist 2020):

$$p_\ell(w) = \mathrm{softmax}_w\big(\mathrm{head}(h_\ell)\big), \qquad H_\ell = -\sum_w p_\ell(w) \log_2 p_\ell(w)$$
"""
        )
        st.latex(
            rf"p_{{{lens.layers - 1}}}(\text{{first choice}}) = {best:.4f}, \qquad "
            rf"H_0 = {float(lens.entropy[0, 0]):.2f}, \; H_{{{lens.layers - 1}}} = {float(lens.entropy[-1, 0]):.2f}"
            r"\text{ bits}"
        )
    computed = code.logit_lens(request, place, lens.words, _CANDIDATES)
    save_and_code("lens", one.name, [Kept.of("Layer by layer", computed, lens)])


def _first_choice(request: TextRequest, place: int) -> str:
    """The vocabulary's string of the likeliest word. Cost: the same pass without words to follow, which is kept."""
    return logit_lens(request, place, (), _CANDIDATES).candidates[-1][0][0]


def _over_layers(lens: LogitLens) -> None:
    from glassbert.pictures.lines import over_layers

    followed = {word: lens.word_probabilities[:, 0, number].tolist() for number, word in enumerate(lens.words)}
    ranks = {word: lens.word_ranks[:, 0, number].tolist() for number, word in enumerate(lens.words)}
    if lens.original_tokens[0]:
        original = charts.readable(lens.original_tokens[0], lens.encoded.spelling)
        name = f"{original} (original)"
        followed.pop(original, None)  # asked for and original: one curve
        ranks.pop(original, None)
        followed = {name: lens.original_probabilities[:, 0].tolist(), **followed}
        ranks = {name: lens.original_ranks[:, 0].tolist(), **ranks}
    if followed:
        figures = {
            "probability": over_layers(followed, title="Probability by layer"),
            "rank": over_layers(ranks, title="Rank by layer (1 on top)", log=True, reversed_axis=True),
        }
        for name, figure in figures.items():
            draw_chart(figure, key=f"lens_{name}")
    entropy = over_layers({"entropy": lens.entropy[:, 0].tolist()}, title="Entropy by layer, bits")
    draw_chart(entropy, key="lens_entropy")
