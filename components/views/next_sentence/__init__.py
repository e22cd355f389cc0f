"""The Next sentence page: does B follow A, which sentence follows best, and what the prediction is based on."""

from __future__ import annotations

import random

import streamlit as st

from components import state
from components.gateway import code, language
from components.gateway.language import long_ranking, rank_continuations
from components.gateway.library import gb
from components.gateway.models import duration, is_quick
from components.gateway.requests import Opened, version_of
from components.shared import charts
from components.shared.crossing import draw_crossing
from components.shared.definitions import how_computed
from components.shared.errors import explained_errors
from components.shared.jobs import run_at_once_if_quick
from components.shared.plots import draw_chart
from components.shared.questions import Question, ask_method
from components.shared.receipts import offer_receipt
from components.shared.save_and_code import Kept, save_and_code
from components.shared.scores_view import draw_scores, kept_scores, scores_of
from components.text import plain
from components.views.next_sentence.fields import NextSentenceFields

__all__ = ["NextSentenceFields", "draw_pair_page"]

_MOST = 30


@st.fragment
def draw_pair_page(opened: list[Opened]) -> None:
    """Cost: one forward pass for the prediction, one per candidate; the attribution as its method declares."""
    state.redraw_page_if_asked()
    one = next((one for one in opened if "next_sentence" in one.model.task_heads), None)
    if one is None:
        st.info(
            "No open model has a trained next-sentence head: not every family is trained on this task, and fine-tuned "
            "models may have lost the head. The bundled model has one."
        )
        st.button("Open GlassBERT pretrained", on_click=_open_pretrained)
        return
    left, right = st.columns([0.5, 0.5], gap="large")
    with left:
        st.subheader("Does B follow A?", anchor=False)
        with explained_errors():
            _decision(one)
    with right:
        st.subheader("Which sentence follows best?", anchor=False)
        with explained_errors():
            _ranked(one)
    if state.view().pair:
        left, right = st.columns([0.5, 0.5], gap="large")
        with left:
            st.subheader("Attention between the sentences", anchor=False)
            with explained_errors():
                draw_crossing(one)
        with right:
            st.subheader("What the prediction is based on", anchor=False)
            with explained_errors():
                _why(opened, one)
    state.write_address()


def _decision(one: Opened) -> None:
    view = state.view()
    if not view.pair:
        st.info("Type a second sentence under **Text B**, or open the example **Sentence pair**.")
        return
    result = language.next_sentence(one.text(view))
    share = plain(charts.percent(float(result.probabilities[result.predicted])))
    st.markdown(f"**{result.answer}** ({share})")
    draw_chart(charts.next_sentence(result), key="decision")
    swap, shuffle = st.columns([0.36, 0.64])
    swap.button("Swap A and B", icon=":material/swap_vert:", on_click=_swap)
    shuffle.button(
        "Shuffle the words of B",
        icon=":material/shuffle:",
        on_click=_shuffle,
        help="Same words, no grammar: does the model notice?",
    )
    st.caption(
        f"{plain(one.name)}, read at [CLS]. Trained to tell the next sentence from one of another text. *It "
        "rewards a shared topic more than coherence.*"
    )
    with how_computed("Classes, next sentence, answers"):
        follows, elsewhere = (float(logit) for logit in result.logits)
        st.markdown("A softmax over two logits, from the pooled state of [CLS] (Devlin et al. 2019):")
        st.latex(
            rf"p(\text{{B follows A}}) = \frac{{e^{{{follows:.3f}}}}}{{e^{{{follows:.3f}}} + e^{{{elsewhere:.3f}}}}} = "
            rf"{result.probability:.4f}"
        )
    save_and_code("next", one.name, [Kept.of("Next sentence", code.next_sentence(one.text(view)), result)], panel=True)


def _ranked(one: Opened) -> None:
    st.text_area("Continuations, one per line", height=130, **state.bind("continuations", NextSentenceFields))
    st.toggle("Ask whether text A follows them", **state.bind("swapped", NextSentenceFields))
    own = state.fields(NextSentenceFields)
    swap, written = own.swapped, own.continuations
    lines = tuple(dict.fromkeys(line.strip() for line in written.splitlines() if line.strip()))
    candidates = lines[:_MOST]
    if not candidates:
        st.info("Type at least one continuation.")
        return
    if len(lines) > _MOST:
        st.caption(f"The first {_MOST} of {len(lines):,} continuations are ranked.")
    text = state.view().text
    tokens = sum(min((len(text) + len(line)) // 2 + 3, one.model.max_tokens) for line in candidates)  # at most about
    result = run_at_once_if_quick(
        "continuations",
        version_of(one.request, text, candidates, swap),
        is_quick(one.model, len(candidates), tokens // len(candidates)),
        lambda: rank_continuations(one.request, text, candidates, swap),
        lambda: long_ranking(one.request, text, candidates, swap),
        label="Rank them",
        cost=f"{len(candidates)} pairs of texts, up to {tokens:,} tokens in all. "
        f"Takes {duration(one.model, len(candidates), tokens // len(candidates))}.",
        narrow=True,
    )
    if result is None:
        return
    draw_chart(charts.ranking(result), key="ranking")
    st.caption("Each line is scored on its own against text A: the probabilities need not sum to 100%.")
    computed = code.rank_continuations(one.request, text, candidates, swap)
    save_and_code("continuations", one.name, [Kept.of("Continuations", computed, result)], panel=True)


def _why(opened: list[Opened], one: Opened) -> None:
    method = ask_method(st.container())
    request = one.text(state.view())
    follows = language.next_sentence(request).predicted == 0
    question = Question("next", opened, one, request, gb.NextSentenceTarget(is_next=follows))
    with st.spinner(f"{method.label} …"):
        result = scores_of(question, method, key="next_why")
    if result is None:
        return
    draw_scores(question, result, method, key="next_why")
    checked = offer_receipt(question, method.id, key="next_why")
    save_and_code("next_why", one.name, [kept_scores(question, result), *checked], panel=True)


def _swap() -> None:
    view = state.view()
    state.change(text=view.pair, pair=view.text)
    state.redraw_page()


def _shuffle() -> None:
    """B's words in another order, deterministic for each text; the full stop stays at the end."""
    pair = state.view().pair
    words, end = pair.rstrip(".!? ").split(), pair[len(pair.rstrip(".!? ")) :]
    mixed = random.Random(pair).sample(words, len(words))
    if mixed == words:
        mixed = words[1:] + words[:1]
    state.change(pair=" ".join(mixed) + end)
    state.redraw_page()


def _open_pretrained() -> None:
    state.change(model="pretrained")
    state.redraw_page()
