"""Errors that a user can fix, as sentences in place of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from components.gateway.library import gb
from components.text import plain

__all__ = ["explained_errors"]


@contextmanager
def explained_errors() -> Iterator[None]:
    """Show an error that the user can fix as a sentence, in place of the picture."""
    try:
        yield
    except gb.GlassBERTError as error:
        st.warning(plain(str(error)), icon=":material/info:")
