"""How a number is computed: the formula with this result's numbers, and the way to its definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from components import state

__all__ = ["HEAD", "LOGIT", "TOKEN", "how_computed", "section_id"]

#: What is told on hover, in the words of the glossary.
TOKEN = (
    "A token is a unit of the model's vocabulary: a word or a piece of one. [CLS] and [SEP] are special tokens that "
    "the tokenizer adds; a classifier reads the whole text from [CLS]."
)
HEAD = (
    "Each layer has several heads, which attend to the tokens independently of each other. Each row of a head's map "
    "shows from which tokens one token takes its new value."
)
LOGIT = (
    "A logit is the score of an answer before a softmax turns all scores into probabilities. Orange words raise it, "
    "blue words lower it."
)


def section_id(title: str) -> str:
    """``"Where the difference lives" → "where_the_difference_lives"``: a section of the Definitions page."""
    return re.sub(r"\W+", "_", title.casefold()).strip("_")


@contextmanager
def how_computed(title: str) -> Iterator[None]:
    """A collapsed explanation, ending with a link to the section of this title on the Definitions page; in the plain
    view, the link alone."""
    with st.container(key=f"formula_{section_id(title)}"), st.expander("How this is computed"):
        yield
        if state.view().expert:
            _to_definitions(title)
    if not state.view().expert:
        _to_definitions(title)


def _to_definitions(title: str) -> None:
    st.page_link(
        "pages/definitions.py",
        label=f"Definitions: {title}",
        icon=":material/function:",
        query_params=state.link("definitions", state.view(), section=section_id(title)),
    )
