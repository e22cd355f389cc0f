"""From text to numbers: every step of the first model's preprocessing, aligned by token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from components import state
from components.gateway import code
from components.gateway.inputs import normalisation_labels, reading_steps
from components.gateway.library import gb
from components.gateway.requests import Opened, version_of
from components.shared.definitions import how_computed
from components.shared.save_and_code import Kept, save_and_code
from components.shared.selection import select_token, selected_in
from components.text import plain
from components.widgets.aligned_rows import Cell, Row, aligned_rows, clicked_column

if TYPE_CHECKING:
    from glassbert.text.results import ReadingSteps

_ROLES = {
    "start": "begins every input; its last state stands for the whole text",
    "separator": "ends a text",
    "end": "ends the input",
    "mask": "hides a word for the model to predict",
    "unknown": "stands for characters that are not in the vocabulary",
}
_PARTS = {
    "word": ("Word embedding", "length of the row that the id selects from the word table"),
    "position": ("Position embedding", "length of the row that the position selects"),
    "segment": ("Segment embedding", "length of the row that the token type selects"),
    "trigram": ("Trigram embedding", "length of what is made of the rows of the token and its two neighbours"),
    "scaled": ("Scaled", "length after each neuron is scaled and shifted: the input of layer 1"),
    "constant": ("Task embedding", "length of the row that every token gets"),
    "sum": ("Their sum", "length of the sum of the rows above: directions may cancel"),
    "normalised": ("After LayerNorm", "length after each token is centred, scaled and weighted: the input of layer 1"),
}


def draw_steps(opened: list[Opened]) -> None:
    """Cost: one forward pass, in which the steps are recorded."""
    one = opened[0]
    request = one.text(state.view())
    steps = reading_steps(request, None)
    encoded = steps.encoded
    version = version_of(request, "steps")
    positions = np.arange(len(encoded))
    aligned_rows(
        [*_text_rows(steps), *_number_rows(steps), *_embedding_rows(steps)],
        key="steps",
        label="From text to numbers",
        columns=len(encoded),
        selected=selected_in(opened, one),
        version=version,
        on_select=select_token("steps", version, positions, clicked_column, request, request),
    )
    st.caption(
        f"As **{plain(one.name)}** reads it. Stronger colours are longer vectors, row by row. Embedding rows show the "
        "Euclidean length of the vectors used in this forward pass. *Length is not importance.*"
    )
    _what_happened(steps)
    _how(steps, selected_in(opened, one))
    kept = Kept("Steps", code.reading_steps(request, None), lambda: reading_steps(request, None))
    save_and_code("inputs", one.name, [kept])


def _text_rows(steps: ReadingSteps) -> Iterable[Row]:
    encoded = steps.encoded
    spans = _word_columns(encoded)
    yield Row(
        "text",
        "Your text",
        "the characters of each word, as typed",
        [
            Cell(_surface(encoded, start, end), start, end, note=f"characters {_characters(encoded, start, end)}")
            for start, end in spans
        ],
    )
    yield Row(
        "words",
        "Words",
        "after normalising, split at spaces and punctuation",
        [Cell(steps.words[encoded.word_ids[start]], start, end) for start, end in spans],
    )
    yield Row(
        "pieces",
        "Pieces",
        "entries of the vocabulary; ## continues a word",
        [
            Cell(
                token,
                column,
                column + 1,
                kind="unknown" if role == "unknown" else "special" if role else "text",
                note=_ROLES.get(role, _where(encoded, column)),
            )
            for column, (token, role) in enumerate(zip(encoded.tokens, steps.roles, strict=True))
        ],
    )


def _number_rows(steps: ReadingSteps) -> Iterable[Row]:
    encoded = steps.encoded
    for id, label, meaning, values in (
        ("ids", "Input ids", "the piece's number in the vocabulary", encoded.input_ids),
        ("mask", "Attention mask", "1: attend to it; 0 would be padding", encoded.attention_mask),
        ("segments", "Token types", "0: text A with its [SEP], 1: text B", encoded.token_type_ids),
        (
            "positions",
            "Positions",
            "which row of the position table, if there is one",
            steps.position_ids,
        ),
    ):
        yield Row(id, label, meaning, [Cell(str(value), column, column + 1) for column, value in enumerate(values)])


def _embedding_rows(steps: ReadingSteps) -> Iterable[Row]:
    for part, norms in zip(steps.parts, steps.part_norms, strict=True):
        label, meaning = _PARTS[part]
        longest = float(norms.max()) or 1.0
        yield Row(
            f"norm-{part}",
            label,
            meaning,
            [Cell(f"{norm:.2f}", column, column + 1, tone=float(norm) / longest) for column, norm in enumerate(norms)],
        )


def _what_happened(steps: ReadingSteps) -> None:
    """In sentences: what the normaliser did, which tokens are special, which are unknown."""
    normalisations = normalisation_labels()
    counts: Counter[str] = Counter()  # of both texts together
    for changes in steps.changes:
        counts.update(dict(changes))
    did = [f"{normalisations[change]} ({count})" for change, count in counts.most_common()]
    told = f"Normalising: {plain('; '.join(did))}." if did else "Normalising changed nothing."
    special = dict.fromkeys(
        f"**{plain(token)}** {_ROLES[role]}"
        for token, role in zip(steps.encoded.tokens, steps.roles, strict=True)
        if role
    )
    st.markdown(f"{told}  \nSpecial tokens: {'; '.join(special)}.")
    unknown = int(steps.unknown.sum())
    if unknown:
        ordinary = int((steps.encoded.special_tokens_mask == 0).sum())
        st.warning(
            f"{unknown} of {ordinary} {'token' if ordinary == 1 else 'tokens'} {'is' if unknown == 1 else 'are'} not "
            "in this vocabulary: the model reads its unknown token instead.",
            icon=":material/help:",
        )


def _how(steps: ReadingSteps, selected: int | None) -> None:
    """The sum of the embeddings of one token, with its first values."""
    with how_computed("Inputs"):
        token = selected if selected is not None else min(1, len(steps.encoded) - 1)
        st.markdown(
            r"""
Each token's vectors are looked up, added and normalised (Devlin et al. 2019; LayerNorm: Ba et al. 2016):

$$x = \mathrm{LayerNorm}(e_\text{word} + e_\text{position} + e_\text{segment}), \qquad
\mathrm{LayerNorm}(v) = \gamma \odot \frac{v - \mu(v)}{\sqrt{\sigma^2(v) + \epsilon}} + \beta$$
"""
        )
        st.markdown(
            f"The first three of the {steps.vectors.shape[-1]} numbers of **{plain(steps.encoded.tokens[token])}**:"
        )
        for part, vectors in zip(steps.parts, steps.vectors, strict=True):
            numbers = ", \\; ".join(f"{number:.3f}" for number in vectors[token][:3])
            st.latex(rf"\text{{{_PARTS[part][0]}: }} ({numbers}, \; \dots)")


def _word_columns(encoded: gb.Encoded) -> list[tuple[int, int]]:
    """First column and end of each word."""
    words = encoded.word_ids
    starts = [
        column
        for column in range(len(words))
        if words[column] >= 0 and (column == 0 or words[column] != words[column - 1])
    ]
    ends = [
        next((end for end in range(start, len(words)) if words[end] != words[start]), len(words)) for start in starts
    ]
    return list(zip(starts, ends, strict=True))


def _surface(encoded: gb.Encoded, start: int, end: int) -> str:
    text: str = encoded.texts[encoded.sequence_ids[start]]
    return text[encoded.offsets[start, 0] : encoded.offsets[end - 1, 1]]


def _characters(encoded: gb.Encoded, start: int, end: int) -> str:
    return f"{encoded.offsets[start, 0]} to {encoded.offsets[end - 1, 1]}"


def _where(encoded: gb.Encoded, column: int) -> str:
    return f"“{_surface(encoded, column, column + 1)}”, characters {_characters(encoded, column, column + 1)}"
