"""Text → what the model reads: token ids, segments, and the way back to words and characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from glassbert.encoder import Model, require_head
from glassbert.errors import EmptyTextError, OptionError, TargetError, TextTooLongError
from glassbert.results import Encoded

__all__ = ["Text", "encode", "encode_many", "mask_positions", "shorten", "with_masks"]

#: Wherever a text is wanted, an input that is already encoded will do.
Text: TypeAlias = str | Encoded


def encode(model: Model, text: Text, pair: str | None = None) -> Encoded:
    """The text, or two, as this model reads it: ``encode(model, "Hi there") → tokens ([CLS], hi, there, [SEP])``.

    A typed ``[MASK]`` becomes the model's own mask token. An :class:`Encoded` passes through. Raises EmptyTextError
    for a text without tokens and TextTooLongError, with the count, for one longer than the model's positions: text is
    never cut silently.
    """
    if isinstance(text, Encoded):
        return text
    texts = tuple(_own_mask(model, part) for part in ((text,) if pair is None else (text, pair)))
    for number, part in enumerate(texts):
        if not part.strip():
            which = "the text" if len(texts) == 1 else ("text A", "text B")[number]
            raise EmptyTextError(f"{which} is empty: type at least one word")
    raw = model.tokenizer(
        *texts, return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True
    )
    ids = raw["input_ids"]
    special = np.asarray(raw["special_tokens_mask"])
    sequences = np.asarray([-1 if part is None else part for part in raw.sequence_ids()])
    for number in range(len(texts)):
        if not (sequences == number).any():
            which = "the text" if len(texts) == 1 else ("text A", "text B")[number]
            raise EmptyTextError(f"{which} has no character that this model can read: type at least one word")
    if len(ids) > model.max_tokens:
        raise TextTooLongError(
            f"the text has {len(ids)} tokens with the special ones, this model reads at most {model.max_tokens}: "
            "shorten it",
            tokens=len(ids),
            max_tokens=model.max_tokens,
        )
    tokens = tuple(model.tokenizer.convert_ids_to_tokens(ids))
    offsets = np.asarray(raw["offset_mapping"]).reshape(-1, 2)
    segments = raw.get("token_type_ids")
    # Byte-level vocabularies spell bytes as other letters; the text itself is what people can read.
    byte_level = type(model.tokenizer.backend_tokenizer.decoder).__name__ == "ByteLevel"
    return Encoded(
        tokens=tokens,
        pieces=tuple(
            _piece(token, texts[sequence][start:end] if sequence >= 0 and byte_level else token)
            for token, sequence, (start, end) in zip(tokens, sequences, offsets, strict=True)
        ),
        input_ids=np.asarray(ids),
        token_type_ids=np.asarray(segments if segments is not None and model.uses_segments else [0] * len(ids)),
        attention_mask=np.ones(len(ids)),
        offsets=offsets,
        word_ids=_running_words(raw.word_ids(), sequences),
        sequence_ids=sequences,
        special_tokens_mask=special,
        texts=texts,
    )


def encode_many(model: Model, texts: Sequence[Text]) -> tuple[Encoded, ...]:
    """:func:`encode` for each text. Raises OptionError for an empty list."""
    if isinstance(texts, str) or not texts:
        raise OptionError("give a list with at least one text")
    return tuple(encode(model, text) for text in texts)


def shorten(model: Model, text: str, pair: str | None = None) -> tuple[str, str | None]:
    """The longest beginning of the text that fits the model; of the longer text of a pair, if there are two.

    Cuts at the end of a token of the original text, so what is kept is unchanged.
    """
    texts = [text] if pair is None else [text, pair]
    counts = [len(model.tokenizer(part, add_special_tokens=False)["input_ids"]) for part in texts]
    excess = sum(counts) + model.tokenizer.num_special_tokens_to_add(pair is not None) - model.max_tokens
    while excess > 0:
        longest = int(np.argmax(counts))
        shortest = min(counts)
        # Shorten the longer text down to the shorter one before both lose anything.
        cut = min(excess, max(counts[longest] - shortest, 1)) if len(texts) == 2 else excess
        keep = max(counts[longest] - cut, 1)
        raw = model.tokenizer(texts[longest], add_special_tokens=False, return_offsets_mapping=True)
        texts[longest] = texts[longest][: raw["offset_mapping"][keep - 1][1]]
        counts = [len(model.tokenizer(part, add_special_tokens=False)["input_ids"]) for part in texts]
        excess = sum(counts) + model.tokenizer.num_special_tokens_to_add(pair is not None) - model.max_tokens
    return texts[0], texts[1] if pair is not None else None


def with_masks(model: Model, encoded: Encoded, positions: Sequence[int]) -> Encoded:
    """The same input with the mask token at these positions. Raises HeadError, TargetError."""
    require_head(model, "masked_words")
    ids = encoded.input_ids.copy()
    tokens, pieces = list(encoded.tokens), list(encoded.pieces)
    for position in positions:
        if not 0 <= position < len(encoded):
            raise TargetError(f"position {position}: this input has tokens 0 to {len(encoded) - 1}")
        if encoded.special_tokens_mask[position]:
            raise TargetError(
                f"position {position} is the special token {tokens[position]}, which is not a word: choose another"
            )
        ids[position] = model.tokenizer.mask_token_id
        tokens[position] = pieces[position] = model.tokenizer.mask_token
    return replace(encoded, input_ids=ids, tokens=tuple(tokens), pieces=tuple(pieces))


def mask_positions(model: Model, encoded: Encoded) -> tuple[int, ...]:
    """Where the mask token stands."""
    return tuple(int(index) for index in np.flatnonzero(encoded.input_ids == model.tokenizer.mask_token_id))


def _own_mask(model: Model, text: str) -> str:
    mask = model.mask_token
    return text.replace("[MASK]", mask) if mask and mask != "[MASK]" else text


def _piece(token: str, surface: str) -> str:
    if token.startswith("##") and len(token) > 2:
        return token[2:]
    if token.startswith("▁") and len(token) > 1:
        return token[1:]
    return surface.strip() or token


def _running_words(word_ids: Sequence[int | None], sequences: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Number words over both texts: the tokenizer starts again at 0 for the second."""
    running = np.full(len(word_ids), -1)
    offset = 0
    for sequence in (0, 1):
        where = np.flatnonzero(sequences == sequence)
        if not len(where):
            continue
        own = np.asarray([word_ids[int(index)] for index in where])
        running[where] = own + offset
        offset = int(running[where].max()) + 1
    return running
