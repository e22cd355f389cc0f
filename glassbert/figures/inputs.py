"""What a model reads: tokens, the steps of reading, words aligned with those of another input."""

from __future__ import annotations

import numpy as np

from glassbert.figures._figure import Figure, Sheet
from glassbert.figures._words import as_sentence, both_texts, left_out
from glassbert.pictures.drawing import paragraph, stacked
from glassbert.pictures.formats import short
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.table_drawings import table_drawing
from glassbert.pictures.tokens import tokens_drawing
from glassbert.results import Encoded
from glassbert.text.results import LengthHint, ReadingSteps, WordAlignment

_WIDE = 720


def _encoded(result: Encoded, on: Theme, *, top_k: int = 60) -> Sheet:
    """``top_k`` is the number of tokens in the table, from the first."""
    tokens = range(len(result))[:top_k]
    rows = [
        [
            str(token),
            result.tokens[token],
            result.pieces[token],
            str(int(result.input_ids[token])),
            str(int(result.token_type_ids[token])),
            "" if result.word_ids[token] < 0 else str(int(result.word_ids[token])),
        ]
        for token in tokens
    ]
    table = table_drawing(["Position", "Token", "Text", "Id", "Segment", "Word"], rows, on=on, right=[0, 3, 4, 5])
    strip = tokens_drawing(result.pieces, on=on, width_px=_WIDE)
    notes = [f"{len(result)} tokens, special tokens included.", left_out(len(rows), len(result), "tokens in the table")]
    return Sheet("Tokens", stacked([strip, table], gap=18), result.texts, notes)


def _steps(result: ReadingSteps, on: Theme) -> Sheet:
    encoded = result.encoded
    norms = result.part_norms.astype(np.float64)
    few = norms.shape[1] <= 24
    grid = grid_drawing(
        norms,
        [part.capitalize() for part in result.parts],
        encoded.pieces,
        on=on,
        hue="grey",
        texts=[[short(float(value)) for value in line] for line in norms] if few else None,
        legend="Euclidean norm of each part of the embedding",
        width_px=min(1100, max(_WIDE, 110 + 14 * norms.shape[1])),
    )
    words = tokens_drawing(result.words, on=on, legend="Words, as the pre-tokenizer spells them", width_px=_WIDE)
    tokens = tokens_drawing(encoded.pieces, on=on, legend="Tokens", width_px=_WIDE)
    changes = sum(len(one) for one in result.changes)
    lines = [paragraph(f"Normalised: {text}", _WIDE, on, most_lines=3) for text in result.normalised] if changes else []
    padded = (
        f"Padded to {len(result.padded_ids)} tokens, the last layer’s states differ by at most "
        f"{short(result.padding_difference)}."
        if result.padding_difference is not None
        else ""
    )
    unknown = int(result.unknown.sum())
    notes = [
        f"{len(result.words)} words, {len(encoded)} tokens.",
        f"{unknown} of them unknown to the vocabulary." if unknown else "",
        padded,
    ]
    return Sheet(
        "From text to the first layer’s input", stacked([*lines, words, tokens, grid], gap=18), encoded.texts, notes
    )


def _alignment(result: WordAlignment, on: Theme, *, top_k: int = 100) -> Sheet:
    """``top_k`` is the number of rows shown, from the first."""
    rows = list(zip(result.kinds, result.first_labels, result.second_labels, strict=True))
    sizes = [np.diff(spans)[:, 0].tolist() for spans in (result.first_spans, result.second_spans)]
    shown = [[kind, a, str(m), b, str(n)] for (kind, a, b), m, n in zip(rows, *sizes, strict=True)][:top_k]
    table = table_drawing(["Row", "First", "Tokens", "Second", "Tokens"], shown, on=on, right=[2, 4])
    notes = [f"Aligned by {result.by}.", left_out(len(shown), len(rows), "rows")]
    return Sheet("Words of both, aligned", table, both_texts(result), notes)


def _hint(result: LengthHint, on: Theme) -> Sheet:
    parts = [paragraph(as_sentence(result.sentence), _WIDE, on, font_px=14)]
    differing = [
        [str(row.first), str(row.first_tokens), str(row.second), str(row.second_tokens)]
        for row in result.frame().itertuples()
    ]
    if differing:
        columns = ["First", "Tokens", "Second", "Tokens"]
        parts.append(table_drawing(columns, differing[:40], on=on, right=[1, 3]))
    return Sheet("Have both texts the same number of tokens?", stacked(parts, gap=14), both_texts(result.alignment))


FIGURES = (
    Figure(Encoded, _encoded),
    Figure(ReadingSteps, _steps),
    Figure(WordAlignment, _alignment),
    Figure(LengthHint, _hint),
)
