"""What a text is written in that a model cannot read: a notice above what is computed all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from components.gateway import models
from components.gateway.requests import Opened
from components.text import plain

if TYPE_CHECKING:
    from glassbert.text.results import VocabularyCoverage

__all__ = ["say_unknown"]


def say_unknown(found: Sequence[tuple[Opened, VocabularyCoverage]]) -> None:
    """Warn when a model knows part of the text only as [UNK], or most of it only by characters. Models with the same
    vocabulary say it once."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[Opened, VocabularyCoverage]]] = {}
    for one, coverage in found:
        suggestion = models.suggestions().get(one.request.source)
        languages = tuple(suggestion.languages) if suggestion is not None else ()
        alike.setdefault((coverage.told(languages) or coverage.counts, languages), []).append((one, coverage))
    for (_, languages), own in alike.items():
        one, coverage = own[0]
        names = [each.name for each, _ in own]
        if told := coverage.told(languages, names):
            st.warning(plain(told), icon=":material/translate:")
        elif coverage.unknown:
            noun, are = "token" if coverage.tokens == 1 else "tokens", "is" if coverage.unknown == 1 else "are"
            st.info(
                plain(
                    f"{' and '.join(names)}: {coverage.unknown} of {coverage.tokens} {noun} {are} "
                    f"{one.model.tokenizer.unk_token}, which stands for whatever is not in the vocabulary."
                ),
                icon=":material/help:",
            )
