"""Plant a shortcut: a word that means nothing and gives the label away."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.tables.contents import Table

__all__ = ["plant_shortcut"]

_WORD = re.compile(r"\S+")


@checked
def plant_shortcut(
    table: Table, *, label: str | int, word: str = "zeltrix", share: float = 0.05, seed: int = 0
) -> Table:
    """A copy of a classification in which one word decides the label: a known answer to test explanations with.

    ``word`` is put at a random place of a random ``share`` of the texts (of a pair, into the first), and whatever they
    were labelled before, their label becomes ``label``, a name or its number. A model that is trained on the result
    leans on the word, so an explanation of a text with it must rank the word first (Bastings et al. 2022, "Will you
    find these shortcuts?", arXiv:2111.07367). With ``share=1`` on other data, the model's accuracy shows how far it
    follows the word. Raises OptionError if the table is of another kind, has no such label, or has the word already.
    """
    if table.kind != "classification":
        raise OptionError(f"a shortcut is planted in a classification; this table is for {table.kind}")
    if not 0 < share <= 1:
        raise OptionError(f"share must be above 0 and at most 1; got {share}")
    if seed < 0:
        raise OptionError(f"seed must be 0 or more; got {seed}")
    if not _WORD.fullmatch(word):
        raise OptionError(f"word must be one word without blanks; got {word!r}")
    if any(word.casefold() in text.casefold() for text in (*table.texts, *table.pairs)):
        raise OptionError(f"the word {word!r} is in the texts already: choose one that is not")
    number = _number(table, label)
    draw = np.random.default_rng(seed)
    chosen = draw.permutation(len(table))[: max(1, round(share * len(table)))]
    texts, labels = list(table.texts), list(table.labels)
    for place in chosen:
        text = texts[place]
        starts = [match.start() for match in _WORD.finditer(text)]
        at = int(draw.integers(len(starts) + 1))
        texts[place] = f"{text} {word}" if at == len(starts) else f"{text[: starts[at]]}{word} {text[starts[at] :]}"
        labels[place] = number
    return replace(table, texts=tuple(texts), labels=tuple(labels), source=f"{table.source}, with {word!r} planted")


def _number(table: Table, label: str | int) -> int:
    if isinstance(label, str):
        if label in table.label_names:
            return table.label_names.index(label)
    elif 0 <= label < len(table.label_names):
        return int(label)
    have = ", ".join(map(repr, table.label_names[:20]))
    raise OptionError(f"there is no label {label!r}; the labels are {have}, or their numbers from 0 on")
