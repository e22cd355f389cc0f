"""The Similarity page: how close two texts are, what that is made of, and which of many texts is closest."""

from __future__ import annotations

from functools import partial

import streamlit as st

from components import state
from components.gateway import inputs, models
from components.gateway.library import gb
from components.gateway.requests import Opened, TextRequest
from components.shared.errors import explained_errors
from components.shell.frame import say_too_long
from components.shell.opening import model_name
from components.text import plain
from components.views.similarity.encoder import Encoder
from components.views.similarity.fields import SimilarityFields
from components.views.similarity.pair import draw_cosine, draw_parts
from components.views.similarity.search import draw_search
from components.views.similarity.sides import draw_sides

__all__ = ["SimilarityFields", "draw_similarity_page"]

#: The sentence encoder on board.
_ON_BOARD = "similarity"
_A, _B = "The bank refunded the fee within a day.", "I got my money back the next morning."


@st.fragment
def draw_similarity_page(opened: list[Opened]) -> None:
    """Cost: two short passes for the cosine, the method's for each text, one per text that is searched; the matrix
    behind a button, unless it is quick."""
    state.redraw_page_if_asked()
    view = state.view()
    encoder = _choose_encoder(opened)
    if encoder is None:
        return
    if not view.text.strip() or not view.pair.strip():
        st.info(
            "Type the second text under **Text B**: how similar the two are, and which words make them so, appears "
            "here."
        )
        st.button("Compare two sentences", icon=":material/play_arrow:", on_click=_open_example, key="similar_example")
    elif _reads_both(encoder):
        left, right = st.columns([0.34, 0.66], gap="large")
        with left:
            st.subheader("How similar are they?", anchor=False)
            with explained_errors():
                draw_cosine(encoder)
        with right:
            st.subheader("What the similarity is made of", anchor=False)
            with explained_errors():
                draw_parts(encoder)
        st.subheader("What each text’s words do", anchor=False)
        with explained_errors():
            draw_sides(encoder)
    st.subheader("Which text is closest to text A?", anchor=False)
    with explained_errors():
        draw_search(encoder)
    state.write_address()


def _choose_encoder(opened: list[Opened]) -> Encoder | None:
    """The encoder on board, or an open model: those that were trained to compare texts, and those that were not."""
    sources = dict.fromkeys([_ON_BOARD, *(one.request.source for one in opened)])
    chosen = state.fields(SimilarityFields).encoder
    source = chosen if chosen in sources else _ON_BOARD
    names = {each: model_name(each) for each in sources}
    left, right = st.columns([0.4, 0.6], vertical_alignment="bottom")
    left.selectbox(
        "Encoder",
        list(sources),
        format_func=names.__getitem__,
        help="The sentence encoder that ships with GlassBERT, or one of the open models.",
        **state.bind("encoder", SimilarityFields, options=sources, initial="index"),
    )
    with explained_errors(), st.spinner("Opening the encoder …"):
        one = next((one for one in opened if one.request.source == source), None)
        if one is None:
            request = models.request_of(source, state.view().device if opened else "auto")
            one = Opened("model", request, models.load(request), model_name(source))
        if "classification" in one.model.task_heads and len(one.model.labels) == 1:
            st.info(
                f"{plain(one.name)} reads two texts together and answers with a score: it has no two embeddings to "
                "compare. What its score is based on is on the page Saliency."
            )
            return None
        if one.model.checkpoint.pooling is not None:
            return Encoder(one, None)
        right.segmented_control(
            "Embedding",
            ["mean", "cls"],
            format_func={"mean": "Mean of all tokens", "cls": "State of [CLS]"}.__getitem__,
            **state.bind("pooling", SimilarityFields, options=dict.fromkeys(("mean", "cls"))),
        )
        st.warning(
            f"{plain(one.name)} was not trained to compare texts, as far as its files say: its cosines are often high "
            "whatever the texts are.",
            icon=":material/help:",
        )
        return Encoder(one, state.fields(SimilarityFields).pooling)
    return None


def _reads_both(encoder: Encoder) -> bool:
    """Whether the encoder can read each text; if not, the page says why and offers what helps."""
    view = state.view()
    for field in ("text", "pair"):
        request = encoder.text(getattr(view, field))
        try:
            inputs.encode(request)
        except gb.TextTooLongError as error:
            say_too_long(encoder.one, error, partial(_shorten, field, request), key=f"shorten_similar_{field}")
            return False
    return True


def _shorten(field: str, request: TextRequest) -> None:
    state.change(**{field: inputs.shorten(request)[0]})
    state.redraw_page()


def _open_example() -> None:
    state.change(text=_A, pair=_B)
    state.redraw_page()
