"""Results about texts: the steps of reading one, its hidden states, its words aligned with those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from glassbert.results import Array, Encoded, Result, counted, quoted, read_only, tidy
from glassbert.text.words import words_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HiddenStates", "LengthHint", "ReadingSteps", "VocabularyCoverage", "WordAlignment", "quoted_pair"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WordAlignment(Result):
    """The aligned words of two inputs. A row covers tokens [start, stop) in each; a gap is empty (start = stop).

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

    def _about(self) -> str:
        kinds = self.kinds
        counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
        return f"by {self.by} of {quoted_pair(self)}: {counted(len(self), 'row')}, {', '.join(counts)}"

    def frame(self) -> pd.DataFrame:
        """One row per aligned row: kind, both words, their tokens."""
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VocabularyCoverage(Result):
    """How many of a text's tokens a model can hardly know anything about. Special tokens and gaps are not counted.

    ``unknown`` tokens stand for characters that the vocabulary does not contain, and all look the same to the model;
    ``letters`` are single letters, or bytes of them, of a script that the vocabulary hardly has. ``symbols`` are other
    tokens of a single character, such as punctuation, digits and variables, and ``signs`` is how many different ones of
    them are brackets, operators and the like, which sentences seldom have. ``split`` of the ``words``, those with
    letters, are not in the vocabulary as a whole, and read in pieces.
    """

    encoded: Encoded
    tokens: int
    unknown: int
    letters: int
    symbols: int
    signs: int
    words: int
    split: int

    #: From this share of unknown tokens and letters on, the model has little to go by.
    LIMIT: ClassVar[float] = 0.5
    #: Shorter texts, and texts with fewer signs, are no code: "I'm 5. (No, 6!)". Of 1,420 sentences and messages, 4 are
    #: taken for it.
    LEAST_TOKENS: ClassVar[int] = 8
    LEAST_SIGNS: ClassVar[int] = 2
    #: With more split words, a text is probably in a language that the vocabulary was not made for. By an English one,
    #: 90 % of German sentences are found, 76 % of Spanish and 57 % of French; of English reviews, questions, contracts,
    #: messages and medical abstracts 0 to 2 %.
    MOST_SPLIT: ClassVar[float] = 0.4
    LEAST_WORDS: ClassVar[int] = 4

    @property
    def is_split(self) -> bool:
        """Whether so many words are read in pieces that the language is probably another one."""
        return self.words >= self.LEAST_WORDS and self.split > self.MOST_SPLIT * self.words

    @property
    def is_poor(self) -> bool:
        """Whether at least half of the tokens are unknown or such letters."""
        return self.unknown + self.letters >= self.LIMIT * self.tokens

    @property
    def is_code(self) -> bool:
        """Whether at least half of the tokens are symbols, and at least two different ones are signs, as in code and
        formulas: written in known characters, but unlike the sentences that a model was trained on."""
        long, signs = self.tokens >= self.LEAST_TOKENS, self.signs >= self.LEAST_SIGNS
        return long and signs and self.symbols >= self.LIMIT * self.tokens

    @property
    def counts(self) -> str:
        """``14 of 17 tokens are unknown or single letters``."""
        lost = self.unknown + self.letters
        kinds = [name for name, count in (("unknown", self.unknown), ("single letters", self.letters)) if count]
        are = "is" if self.tokens == 1 else "are"
        single = ["a single letter" if self.tokens == 1 and kind != "unknown" else kind for kind in kinds]
        return f"{lost} of {counted(self.tokens, 'token')} {are} {' or '.join(single) or 'unknown'}"

    def told(self, languages: Sequence[str] = (), models: Sequence[str] = ()) -> str:
        """What a poor coverage means, or code, or another language, in two sentences; "" for another text.

        ``languages`` are the model's own, ``models`` the names of those that share its vocabulary. Many split words are
        only told of a model of a single language: one of many splits more.
        """
        if not self.is_poor and not self.is_code:
            if not self.is_split or len(languages) != 1 or languages[0][:1].isdigit():  # "104 languages"
                return ""
            who = " and ".join(models) or "This model"
            return (
                f"{who} {'were' if len(models) > 1 else 'was'} trained on {languages[0]}; {self.split} of the "
                f"{self.words} words here are not in its vocabulary and are read in pieces. If the text is in another "
                "language, the numbers below are computed, but mean little."
            )
        counts = self.counts if self.is_poor else f"{self.symbols} of {self.tokens} tokens are single characters"
        who = " and ".join(models)
        if languages:
            trained = (
                f"{who or 'This model'} {'were' if len(models) > 1 else 'was'} trained on {' and '.join(languages)}; "
            )
        else:
            trained = f"To {who or 'this model'}, "
        return f"{trained}{counts}. The numbers below are computed, but mean little."

    def _about(self) -> str:
        return f"of {quoted(self.encoded.texts)}: {self.counts}"

    def frame(self) -> pd.DataFrame:
        """One row: the counts, and whether they are poor."""
        return tidy(
            {
                "tokens": [self.tokens],
                "unknown": [self.unknown],
                "letters": [self.letters],
                "symbols": [self.symbols],
                "words": [self.words],
                "split": [self.split],
                "poor": [self.is_poor],
                "code": [self.is_code],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LengthHint(Result):
    """Whether two texts have the same number of tokens, and if not, why. The first is the clean one."""

    alignment: WordAlignment

    @property
    def fits(self) -> bool:
        return len(self.alignment.first) == len(self.alignment.second)

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, with up to three words that have more tokens on one side."""
        first, second = len(self.alignment.first), len(self.alignment.second)
        if self.fits:
            return f"both texts have {first} tokens including special tokens, so they can be traced"
        found = [
            f"{_counted(row.first, row.first_tokens)} against {_counted(row.second, row.second_tokens)}"
            for row in self.frame().itertuples()
        ]
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        return (
            f"the clean text has {first} tokens including special tokens, the corrupted one {second}, but only texts "
            f"with equal numbers of tokens can be matched. They differ at {'; '.join(found[:3])}{more}: choose words "
            "with equal numbers of tokens"
        )

    def _about(self) -> str:
        alignment = self.alignment
        fits = "fits" if self.fits else "does not fit"
        return (
            f"of {quoted_pair(alignment)} → {fits}: "
            f"{counted(len(alignment.first), 'token')} and {counted(len(alignment.second), 'token')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per place where the numbers differ: both words and their numbers of tokens."""
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


def quoted_pair(alignment: WordAlignment) -> str:
    """Both texts for the ``repr``; a text that was read twice appears once."""
    both = (alignment.first.texts[0], alignment.second.texts[0])
    return quoted(both[:1] if alignment.first.texts == alignment.second.texts else both)


def _labels(encoded: Encoded, spans: Array) -> tuple[str, ...]:
    words = words_of(encoded)
    labels = []
    for start, stop in spans:
        groups = dict.fromkeys(words.group[start:stop].tolist())
        labels.append("".join(words.labels[group] for group in groups))
    return tuple(labels)


def _counted(word: str, tokens: int) -> str:
    return f"{word!r} ({tokens} token{'' if tokens == 1 else 's'})" if word else "nothing"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReadingSteps(Result):
    """Every step from characters to the first layer's input.

    Spans are in characters of the text as it was read (``encoded.texts``). ``changes`` list what the normaliser did, by
    id in :data:`glassbert.NORMALISATIONS`, and the number of characters affected. ``roles`` are "start", "separator",
    "end", "mask" or "unknown", and "" for ordinary tokens. Without padding, padding fields are empty and differences
    None.
    """

    encoded: Encoded
    normalised: tuple[str, ...]  # (text,)
    changes: tuple[tuple[tuple[str, int], ...], ...]  # (text, change): id, characters affected
    words: tuple[str, ...]  # (word,), as the pre-tokenizer spells them; indexed by encoded.word_ids
    word_spans: Array  # (word, 2), in characters
    word_texts: Array  # (word,), 0 or 1
    roles: tuple[str, ...]  # (token,)
    position_ids: Array  # (token,)
    parts: tuple[str, ...]  # (part,): word, position, segment (if the family has them), sum, normalised
    part_norms: Array  # (part, token), Euclidean norms
    vectors: Array  # (part, token, dimension); empty unless requested
    projected: bool  # narrow embeddings are projected up to the hidden size before layer 1 (ALBERT, ELECTRA)
    input_norms: Array  # (token,), norms of the input of layer 1
    padded_ids: Array  # (padded token,)
    padded_mask: Array  # (padded token,)
    padded_segments: Array  # (padded token,)
    padded_positions: Array  # (padded token,)
    padding_difference: float | None  # max |Δ| of the last layer's states at the real tokens
    padding_difference_unmasked: float | None  # the same with an attention mask that hides nothing

    _arrays: ClassVar[Mapping[str, str]] = {
        "word_spans": "int64",
        "word_texts": "int64",
        "position_ids": "int64",
        "part_norms": "float32",
        "vectors": "float32",
        "input_norms": "float32",
        "padded_ids": "int64",
        "padded_mask": "int64",
        "padded_segments": "int64",
        "padded_positions": "int64",
    }

    @property
    def unknown(self) -> Array:
        """(token,): 1 where the vocabulary has no piece for the characters."""
        return read_only([int(role == "unknown") for role in self.roles], "int64")

    def _about(self) -> str:
        padded = f", padded to {len(self.padded_ids)}" if len(self.padded_ids) else ""
        return (
            f"of {quoted(self.encoded.texts)}: {counted(len(self.words), 'word')}, "
            f"{counted(len(self.encoded), 'token')}{padded}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per token."""
        import pandas as pd

        return pd.DataFrame(
            {
                **{name: column for name, column in self.encoded.frame().items() if name != "special"},
                "position_id": self.position_ids,
                "role": self.roles,
                **{f"{part}_norm": norms for part, norms in zip(self.parts, self.part_norms, strict=True)},
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HiddenStates(Result):
    """The hidden state of each token after each layer; layer 0 is the embeddings as the first layer reads them."""

    encoded: Encoded
    states: Array  # (layer + 1, token, hidden)

    _arrays: ClassVar[Mapping[str, str]] = {"states": "float32"}

    @property
    def norms(self) -> Array:
        """(layer + 1, token): the Euclidean norm of each state."""
        return read_only(np.linalg.norm(self.states.astype(np.float64), axis=-1), "float32")

    def _about(self) -> str:
        layers, tokens, hidden = self.states.shape
        return (
            f"of {quoted(self.encoded.texts)}: embeddings and {counted(layers - 1, 'layer')}, "
            f"{counted(tokens, 'token')}, {counted(hidden, 'dimension')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per token and layer: the norm of its state. The states themselves are in ``states``."""
        norms = self.norms
        layer, position = (axis.ravel() for axis in np.indices(norms.shape))
        tokens = np.asarray(self.encoded.tokens, dtype=object)
        return tidy({"layer": layer, "position": position, "token": tokens[position], "norm": norms.ravel()})
