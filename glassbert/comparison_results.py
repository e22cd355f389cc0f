"""What two readings have in common and where they part: an alignment, traces, and differences by word.

A *row* is a row of a :class:`WordAlignment`. Differences are always second − first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from glassbert.results import Array, Encoded, Output, Result
from glassbert.targets import Target
from glassbert.words import words_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AttentionDifference",
    "AttributionDifference",
    "Changes",
    "Comparison",
    "HiddenSimilarity",
    "LengthHint",
    "MaskedWordDifference",
    "PredictionDifference",
    "Trace",
    "WordAlignment",
]


@dataclass(frozen=True, slots=True, eq=False)
class WordAlignment(Result):
    """Words of two inputs side by side. A row's tokens are [start, stop) in each; a gap is empty (start = stop).

    Every token of either input is in exactly one row, and rows keep the order of both. ``by`` is "characters" for one
    text read by two tokenizers, "words" for two texts.
    """

    first: Encoded
    second: Encoded
    by: Literal["characters", "words"]
    first_spans: Array  # (row, 2), token positions
    second_spans: Array  # (row, 2), token positions

    _arrays: ClassVar[Mapping[str, str]] = {"first_spans": "int64", "second_spans": "int64"}

    def __len__(self) -> int:
        return len(self.first_spans)

    @property
    def first_labels(self) -> tuple[str, ...]:
        """(row,), "" for a gap."""
        return _labels(self.first, self.first_spans)

    @property
    def second_labels(self) -> tuple[str, ...]:
        """(row,), "" for a gap."""
        return _labels(self.second, self.second_spans)

    @property
    def labels(self) -> tuple[str, ...]:
        """(row,): the word, or both where they differ: "good → bad"; "good →" was deleted, "→ bad" inserted."""
        return tuple(
            first if kind == "same" else f"{first} → {second}".strip()
            for kind, first, second in zip(self.kinds, self.first_labels, self.second_labels, strict=True)
        )

    @property
    def matched(self) -> Array:
        """(row,) True where both inputs have a word."""
        matched: Array = (np.diff(self.first_spans)[:, 0] > 0) & (np.diff(self.second_spans)[:, 0] > 0)
        return matched

    @property
    def special(self) -> Array:
        """(row,) True for the rows of special tokens."""
        one, other = self.first.special_tokens_mask, self.second.special_tokens_mask
        return np.asarray(
            [
                bool(one[a:b].any() or other[c:d].any())
                for (a, b), (c, d) in zip(self.first_spans, self.second_spans, strict=True)
            ]
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """(row,): "same", "replaced", "deleted" (only the first has it) or "inserted" (only the second)."""
        return tuple(
            "inserted"
            if not first
            else "deleted"
            if not second
            else "same"
            if self.by == "characters" or special or first == second
            else "replaced"
            for first, second, special in zip(self.first_labels, self.second_labels, self.special, strict=True)
        )

    def frame(self) -> pd.DataFrame:
        """One row a row: kind, both words, their tokens."""
        import pandas as pd

        return pd.DataFrame(
            {
                "kind": self.kinds,
                "first": self.first_labels,
                "second": self.second_labels,
                "first_start": self.first_spans[:, 0],
                "first_stop": self.first_spans[:, 1],
                "second_start": self.second_spans[:, 0],
                "second_stop": self.second_spans[:, 1],
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class LengthHint(Result):
    """Why two texts have, or have not, the same number of tokens. The first is the clean one."""

    alignment: WordAlignment

    @property
    def fits(self) -> bool:
        return len(self.alignment.first) == len(self.alignment.second)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, naming the words that take more tokens on one side; at most three."""
        first, second = len(self.alignment.first), len(self.alignment.second)
        if self.fits:
            return f"both texts have {first} tokens with the special ones, so they can be traced"
        found = [
            f"{_counted(row.first, row.first_tokens)} against {_counted(row.second, row.second_tokens)}"
            for row in self.frame().itertuples()
        ]
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        return (
            f"the clean text has {first} tokens with the special ones and the corrupted one {second}, and only texts "
            f"of the same number can be matched token by token. They differ at {'; '.join(found[:3])}{more}: choose "
            "words with as many tokens"
        )

    def frame(self) -> pd.DataFrame:
        """One row a place where the numbers differ: both words and their numbers of tokens."""
        import pandas as pd

        alignment = self.alignment
        table = pd.DataFrame(
            {
                "first": alignment.first_labels,
                "first_tokens": np.diff(alignment.first_spans)[:, 0],
                "second": alignment.second_labels,
                "second_tokens": np.diff(alignment.second_spans)[:, 0],
            }
        )
        return table[table["first_tokens"] != table["second_tokens"]].reset_index(drop=True)


@dataclass(frozen=True, slots=True, eq=False)
class Trace(Result):
    """F of the corrupted text with one state of the clean run put in its place, in units of ``output``.

    ``kind`` "hidden": layer n is the state after n layers, 0 the embeddings. Otherwise layers count from 0. A span is
    the token positions [start, stop) that were patched together.
    """

    clean: Encoded  # with the mask in place, for a masked word
    corrupted: Encoded
    kind: Literal["hidden", "head", "mlp", "attention"]
    target: Target
    target_label: str
    output: Output
    clean_value: float
    corrupted_value: float
    layers: Array  # (layer,)
    spans: Array  # (span, 2)
    values: Array  # (layer, span); (layer, head, span) for heads
    forward_passes: int  # inputs sent through the network, or through its upper layers
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {"layers": "int64", "spans": "int64", "values": "float32"}

    @property
    def restored(self) -> Array:
        """(F patched − F corrupted) / (F clean − F corrupted), shaped as ``values``: 0 nothing, 1 the whole answer."""
        share: Array = (self.values - self.corrupted_value) / (self.clean_value - self.corrupted_value)
        return share.astype(np.float32)

    def frame(self) -> pd.DataFrame:
        """One row a place: layer, (head,) first and last token, their strings in both texts, F, restored share."""
        import pandas as pd

        index = [axis.ravel() for axis in np.indices(self.values.shape)]
        starts, stops = self.spans[index[-1]].T
        columns: dict[str, Any] = {"layer": self.layers[index[0]]}
        if self.kind == "head":
            columns["head"] = index[1]
        columns |= {
            "start": starts,
            "stop": stops,
            "clean": [" ".join(self.clean.tokens[a:b]) for a, b in zip(starts, stops, strict=True)],
            "corrupted": [" ".join(self.corrupted.tokens[a:b]) for a, b in zip(starts, stops, strict=True)],
            "value": self.values.ravel(),
            "restored": self.restored.ravel(),
        }
        return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionDifference(Result):
    """What both decide. ``head`` is "classification" or "next_sentence".

    ``divergence`` is the Jensen–Shannon divergence of the two distributions in bits, 0 to 1; None for labels that
    exclude each other in no way (one sigmoid each).
    """

    first: Encoded
    second: Encoded
    head: Literal["classification", "next_sentence"]
    labels: tuple[str, ...]
    first_probabilities: Array  # (label,)
    second_probabilities: Array  # (label,)
    divergence: float | None

    _arrays: ClassVar[Mapping[str, str]] = {"first_probabilities": "float32", "second_probabilities": "float32"}

    @property
    def differences(self) -> Array:
        """(label,), second − first."""
        differences: Array = self.second_probabilities - self.first_probabilities
        return differences

    @property
    def decisions(self) -> tuple[str, str]:
        """The likeliest label of each."""
        return self.labels[self.first_probabilities.argmax()], self.labels[self.second_probabilities.argmax()]

    def frame(self) -> pd.DataFrame:
        """One row a label."""
        import pandas as pd

        return pd.DataFrame(
            {
                "label": self.labels,
                "first": self.first_probabilities,
                "second": self.second_probabilities,
                "difference": self.differences,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class MaskedWordDifference(Result):
    """What both expect at masked words: each row's word is masked whole, and its first piece is asked for.

    ``divergence`` is the Jensen–Shannon divergence of the two distributions over the whole vocabulary in bits, 0 to 1.
    """

    alignment: WordAlignment
    rows: Array  # (mask,), rows of the alignment
    divergence: Array  # (mask,), in bits
    first_choices: tuple[str, ...]  # (mask,), vocabulary strings
    first_probabilities: Array  # (mask,), of the first's choice in the first
    second_choices: tuple[str, ...]  # (mask,)
    second_probabilities: Array  # (mask,), of the second's choice in the second

    _arrays: ClassVar[Mapping[str, str]] = {
        "rows": "int64",
        "divergence": "float32",
        "first_probabilities": "float32",
        "second_probabilities": "float32",
    }

    def frame(self) -> pd.DataFrame:
        """One row a masked word."""
        import pandas as pd

        labels = self.alignment.labels
        return pd.DataFrame(
            {
                "row": self.rows,
                "word": [labels[row] for row in self.rows],
                "divergence": self.divergence,
                "first_choice": self.first_choices,
                "first_probability": self.first_probabilities,
                "second_choice": self.second_choices,
                "second_probability": self.second_probabilities,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class AttentionDifference(Result):
    """Attention by word, second − first, over the words that both have; and how much each head moved.

    Rows and columns are ``rows`` of the alignment. Weight on words that one side lacks is left out, so a row of
    ``values`` sums to 0 only where there are no gaps. ``divergence`` is the mean over queries of the Jensen–Shannon
    divergence of the two rows, in bits, 0 to 1; for it, what is left of each row is rescaled to sum to 1.
    """

    alignment: WordAlignment
    rows: Array  # (word,), rows of the alignment
    values: Array  # (layer, head, query, key)
    divergence: Array  # (layer, head), in bits

    _arrays: ClassVar[Mapping[str, str]] = {"rows": "int64", "values": "float32", "divergence": "float32"}

    def frame(self) -> pd.DataFrame:
        """One row a pair of words in a head."""
        import pandas as pd

        layer, head, query, key = (axis.ravel() for axis in np.indices(self.values.shape, dtype=np.int32))
        labels = np.asarray(self.alignment.labels, dtype=object)[self.rows]
        return pd.DataFrame(
            {
                "layer": layer,
                "head": head,
                "query": self.rows[query],
                "key": self.rows[key],
                "query_word": labels[query],
                "key_word": labels[key],
                "difference": self.values.ravel(),
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class HiddenSimilarity(Result):
    """How alike the states are, layer by layer, over the words that both have; layer 0 is the embeddings.

    A word's state is the mean of its tokens'. ``cka`` compares every layer of the first with every layer of the second
    (Kornblith et al. 2019), whatever their widths. ``cosine`` compares the same layer of both, word by word; it is
    empty where that means nothing, and ``reason`` says why.
    """

    alignment: WordAlignment
    rows: Array  # (word,), rows of the alignment
    cka: Array  # (layer of the first, layer of the second), 0 to 1
    cosine: Array  # (layer, word), −1 to 1; (0,) with a reason
    reason: str

    _arrays: ClassVar[Mapping[str, str]] = {"rows": "int64", "cka": "float32", "cosine": "float32"}

    def frame(self) -> pd.DataFrame:
        """One row a word in a layer: cosine. Without cosines, one row a pair of layers: cka."""
        import pandas as pd

        if self.reason:
            first, second = (axis.ravel() for axis in np.indices(self.cka.shape))
            return pd.DataFrame({"first_layer": first, "second_layer": second, "cka": self.cka.ravel()})
        layer, word = (axis.ravel() for axis in np.indices(self.cosine.shape))
        labels = np.asarray(self.alignment.labels, dtype=object)[self.rows]
        return pd.DataFrame(
            {"layer": layer, "row": self.rows[word], "word": labels[word], "cosine": self.cosine.ravel()}
        )


@dataclass(frozen=True, slots=True, eq=False)
class AttributionDifference(Result):
    """What each word did for the same target in both, in units of ``output``: sums over the word's tokens.

    A word that one side lacks has the score 0 there, so the differences of a complete method sum to the difference of
    what its scores sum to.
    """

    alignment: WordAlignment
    method: str
    target: Target  # as the first has it
    target_label: str
    output: Output
    first_scores: Array  # (row,)
    second_scores: Array  # (row,)
    first_value: float  # F of the first
    second_value: float

    _arrays: ClassVar[Mapping[str, str]] = {"first_scores": "float32", "second_scores": "float32"}

    @property
    def differences(self) -> Array:
        """(row,), second − first."""
        differences: Array = self.second_scores - self.first_scores
        return differences

    def frame(self) -> pd.DataFrame:
        """One row a row of the alignment."""
        import pandas as pd

        return pd.DataFrame(
            {
                "kind": self.alignment.kinds,
                "word": self.alignment.labels,
                "first": self.first_scores,
                "second": self.second_scores,
                "difference": self.differences,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Changes(Result):
    """The largest changes, as data: the largest of each part first, part after part.

    ``parts`` say what changed: "prediction" (a label's probability), "masked_word" (divergence, bits), "attention"
    (one weight by word), "head" (divergence of a head, bits), "hidden" (1 − cosine), "layer" (1 − CKA of a layer with
    itself), "attribution" (a word's score). ``sizes`` keep the sign where there is one (second − first). Layers, heads
    and rows are −1, labels "" where they do not apply; ``key_rows`` is what is attended to.
    """

    alignment: WordAlignment
    parts: tuple[str, ...]  # (change,)
    sizes: Array  # (change,)
    layers: Array  # (change,)
    heads: Array  # (change,)
    rows: Array  # (change,)
    key_rows: Array  # (change,)
    labels: tuple[str, ...]  # (change,)

    _arrays: ClassVar[Mapping[str, str]] = {
        "sizes": "float32",
        "layers": "int64",
        "heads": "int64",
        "rows": "int64",
        "key_rows": "int64",
    }

    def frame(self) -> pd.DataFrame:
        """One row a change, with its words."""
        import pandas as pd

        words = (*self.alignment.labels, "")  # −1 is the last
        return pd.DataFrame(
            {
                "part": self.parts,
                "size": self.sizes,
                "layer": self.layers,
                "head": self.heads,
                "word": [words[row] for row in self.rows],
                "key_word": [words[row] for row in self.key_rows],
                "label": self.labels,
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Result):
    """Two models on a text, or two texts on a model, part by part. A part that is None has its reason in ``reasons``.

    ``reasons``: part → why it cannot be compared, a plain sentence. Parts that were not asked for have none.
    """

    alignment: WordAlignment
    predictions: PredictionDifference | None
    masked_words: MaskedWordDifference | None
    attention: AttentionDifference | None
    hidden: HiddenSimilarity | None
    attribution: AttributionDifference | None
    changes: Changes
    reasons: dict[str, str]

    def frame(self) -> pd.DataFrame:
        """The largest changes."""
        return self.changes.frame()


def _labels(encoded: Encoded, spans: Array) -> tuple[str, ...]:
    words = words_of(encoded)
    labels = []
    for start, stop in spans:
        groups = dict.fromkeys(words.group[start:stop].tolist())
        labels.append("".join(words.labels[group] for group in groups))
    return tuple(labels)


def _counted(word: str, tokens: int) -> str:
    return f"{word!r} ({tokens} token{'' if tokens == 1 else 's'})" if word else "nothing"
