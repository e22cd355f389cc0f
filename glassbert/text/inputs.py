"""Text → model input: token ids, segments, and the mapping back to words and characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from glassbert.arguments import checked
from glassbert.errors import (
    EmptyTextError,
    GlassBERTError,
    OptionError,
    StoppedError,
    TargetError,
    TextError,
    TextTooLongError,
)
from glassbert.network.model import Model, require_task_head
from glassbert.pictures.formats import WORD_END, is_byte, readable
from glassbert.results import SPACE, Array, Encoded
from glassbert.text.characters import grapheme_end, unicode_words
from glassbert.text.windows import Windows, in_windows

__all__ = [
    "Text",
    "about_text",
    "encode",
    "encode_many",
    "mask_positions",
    "readable_name",
    "require_no_pair",
    "shorten",
    "spelling_of",
    "token_name",
    "tokenized",
    "with_masks",
]

#: Wherever a text is expected, an encoded input is accepted too.
Text: TypeAlias = str | Encoded


@checked
def encode(model: Model, text: Text, pair: str | None = None, *, windows: Windows | None = None) -> Encoded:
    """Tokenize a text or a pair of texts: ``encode(model, "Hi there") → tokens ([CLS], hi, there, [SEP])``.

    A typed ``[MASK]`` becomes the model's own mask token. An :class:`Encoded` is returned unchanged. Raises
    EmptyTextError for a text without tokens, and TextTooLongError, with the token count, for a text longer than the
    model's positions: text is never truncated silently. ``windows`` let it be longer: ``encode(model, text,
    windows=gb.Windows())`` reads it in overlapping windows, for the functions that have this argument too. Raises
    OptionError for an Encoded that does not fit this model, or that is passed together with a pair or with windows.
    """
    if isinstance(text, Encoded):
        _check_fits(model, text, pair, windows)
        return text
    texts = tuple(_own_mask(model, part) for part in ((text,) if pair is None else (text, pair)))
    for number, part in enumerate(texts):
        if not part.strip():
            which = "the text" if len(texts) == 1 else ("text A", "text B")[number]
            raise EmptyTextError(f"{which} is empty: type at least one word")
    raw = tokenized(
        model, *texts, return_offsets_mapping=True, return_special_tokens_mask=True, return_token_type_ids=True
    )
    ids = raw["input_ids"]
    special = np.asarray(raw["special_tokens_mask"], dtype=int) | np.isin(ids, _special_ids(model))
    sequences = np.asarray([-1 if part is None else part for part in raw.sequence_ids()])
    for number in range(len(texts)):
        if not ((sequences == number) & (special == 0)).any():
            which = "the text" if len(texts) == 1 else ("text A", "text B")[number]
            raise EmptyTextError(f"{which} has no word that this model can read: type at least one")
    if windows is None:
        _check_length(model, len(ids), len(texts))
    tokens = tuple(model.tokenizer.convert_ids_to_tokens(ids))
    offsets = _with_whole_quotes(np.asarray(raw["offset_mapping"]).reshape(-1, 2), sequences, texts)
    segments = raw.get("token_type_ids")
    spelling = spelling_of(model.tokenizer)
    encoded = Encoded(
        tokens=tokens,
        pieces=tuple(
            _piece(token, texts[sequence][start:end], spelling) if sequence >= 0 else token
            for token, sequence, (start, end) in zip(tokens, sequences, offsets, strict=True)
        ),
        input_ids=np.asarray(ids),
        token_type_ids=np.asarray(segments if segments is not None and model.uses_segments else [0] * len(ids)),
        attention_mask=np.ones(len(ids)),
        offsets=offsets,
        word_ids=_running_words(unicode_words(raw.word_ids(), sequences, offsets, texts, spelling), sequences),
        sequence_ids=sequences,
        special_tokens_mask=special,
        texts=texts,
        spelling=spelling,
    )
    return encoded if windows is None else in_windows(model, encoded, windows)


def _with_whole_quotes(offsets: Array, sequences: Array, texts: Sequence[str]) -> Array:
    """(token, 2): ALBERT reads `` and '' as one quotation mark, of whose place its tokenizer tells the second half."""
    offsets = offsets.copy()
    for place, (start, end) in enumerate(offsets):
        text = texts[sequences[place]] if sequences[place] >= 0 else ""
        if not 0 < start < end or text[start - 1 : start + 1] not in ("``", "''"):
            continue
        if place == 0 or sequences[place - 1] != sequences[place] or offsets[place - 1, 1] < start:
            offsets[place, 0] = start - 1
    return offsets


def tokenized(model: Model, *texts: str | list[str], **options: Any) -> Any:
    """What the model's tokenizer makes of a text, a pair or lists of them. Raises TextError if it breaks down over one.

    A foreign tokenizer was tried before it was accepted, but not on this text. Its Rust code can panic, which is no
    Exception: it would end the run of a page or the thread of a job, and nobody would be told.
    """
    try:
        return model.tokenizer(*texts, **options)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the type has no public name
            raise
        raise TextError(
            f"the tokenizer of {model.source!r} breaks down over this text, which is an error in its own rules: change "
            "the text or choose another model"
        ) from None


def encode_many(
    model: Model, texts: Sequence[Text | tuple[str, str]], *, windows: Windows | None = None
) -> tuple[Encoded, ...]:
    """:func:`encode` for each text; pairs are tuples. Errors name the text; OptionError for an empty list."""
    if isinstance(texts, str) or len(texts) == 0:
        raise OptionError("pass a list with at least one text; pairs are tuples of two texts")
    encoded = []
    for number, text in enumerate(texts):
        with about_text(number, len(texts)):
            parts = text if isinstance(text, tuple) else (text,)
            encoded.append(encode(model, *parts, windows=windows))
    return tuple(encoded)


def require_no_pair(pair: str | None) -> None:
    """Raise OptionError for a second text beside a list of texts."""
    if pair is not None:
        raise OptionError("a list of texts contains its pairs as tuples: pass [(text, pair), …] and no pair")


@contextmanager
def about_text(number: int, count: int) -> Iterator[None]:
    """Prefix errors with the text of a list that they are about, counted from 0 here and from 1 in the message."""
    try:
        yield
    except StoppedError:
        raise
    except GlassBERTError as error:
        error.args = (f"text {number + 1} of {count}: {error}",)
        raise


@checked
def shorten(model: Model, text: str, pair: str | None = None) -> tuple[str, str | None]:
    """Truncate the text to the longest beginning that fits the model; of a pair, the longer text is truncated.

    Cuts at the end of a token of the original text, so the rest is unchanged. Raises TextTooLongError if not even the
    first character fits.
    """
    room = model.max_tokens - int(model.tokenizer.num_special_tokens_to_add(pair is not None))
    if pair is None:
        return _beginning(model, text, room), None
    # the longer text is truncated to the length of the shorter one before both are
    first, second = _token_count(model, text), _token_count(model, pair)
    if first >= second:
        text = _beginning(model, text, max(room - second, room - room // 2))
        return text, _beginning(model, pair, room - _token_count(model, text))
    pair = _beginning(model, pair, max(room - first, room // 2))
    return _beginning(model, text, room - _token_count(model, pair)), pair


def _token_count(model: Model, text: str) -> int:
    return len(tokenized(model, _own_mask(model, text), add_special_tokens=False)["input_ids"])


def _beginning(model: Model, text: str, max_tokens: int) -> str:
    """The longest beginning with at most this many tokens that ends where a token of the whole text ends."""
    own = _own_mask(model, text)
    raw = tokenized(model, own, add_special_tokens=False, return_offsets_mapping=True)
    if len(raw["input_ids"]) <= max_tokens:
        return text
    ends = [end for _, end in raw["offset_mapping"][: max(max_tokens, 0)]]
    # One character can be several tokens (the bytes of an emoji), and a beginning can be tokenized differently from the
    # whole text: so count again, and shorten it until it fits.
    for end in sorted({grapheme_end(own, end) for end in ends}, reverse=True):
        part = own[:end]
        if part.strip() and _token_count(model, part) <= max_tokens:
            return part.replace(str(model.mask_token), "[MASK]") if own != text else part
    raise TextTooLongError(
        f"not even the first character of this text fits into the remaining {max(max_tokens, 0)} of the "
        f"{model.max_tokens} tokens that this model reads: shorten the other text",
        tokens=len(raw["input_ids"]),
        max_tokens=model.max_tokens,
    )


def with_masks(model: Model, encoded: Encoded, positions: Sequence[int]) -> Encoded:
    """The same input with the mask token at these positions. Raises TaskHeadError, TargetError."""
    require_task_head(model, "masked_words")
    ids = encoded.input_ids.copy()
    tokens, pieces = list(encoded.tokens), list(encoded.pieces)
    for position in positions:
        if not 0 <= position < len(encoded):
            raise TargetError(f"position {position}: this input has tokens 0 to {len(encoded) - 1}")
        if encoded.special_tokens_mask[position]:
            raise TargetError(
                f"position {position} is the special token {tokens[position]}, not a word: choose another position"
            )
        ids[position] = model.tokenizer.mask_token_id
        tokens[position] = pieces[position] = model.tokenizer.mask_token
    return replace(encoded, input_ids=ids, tokens=tuple(tokens), pieces=tuple(pieces))


def mask_positions(model: Model, encoded: Encoded) -> tuple[int, ...]:
    """The positions of the mask token."""
    return tuple(int(index) for index in np.flatnonzero(encoded.input_ids == model.tokenizer.mask_token_id))


def spelling_of(tokenizer: Any) -> str:
    """How the vocabulary's strings are written, as in :class:`Encoded`; "" for another way."""
    backend = tokenizer.backend_tokenizer
    kind = type(backend.decoder).__name__
    if kind == "BPEDecoder":
        return kind if backend.decoder.suffix == WORD_END else ""
    if kind == "Sequence":  # says no more about its steps than this
        written = repr(backend.decoder)
        kind = next((one for one in ("WordPiece", "ByteLevel", "Metaspace") if one in written), "")
        if not kind and "▁" in written:
            kind = "Metaspace"
    return kind if kind in ("WordPiece", "ByteLevel", "Metaspace") else ""


def readable_name(model: Model, token_id: int) -> str:
    """:func:`token_name` as people read it: ``"ĠcafÃ©" → "␣café"``."""
    return readable(token_name(model, token_id), spelling_of(model.tokenizer))


def token_name(model: Model, token_id: int) -> str:
    """The vocabulary's string for an id; weights padded to a round size have ids without one."""
    name: str | None = model.tokenizer.convert_ids_to_tokens(int(token_id))
    return f"[id {token_id}]" if name is None else name


def _special_ids(model: Model) -> list[int]:
    """The ids that stand for no word wherever they occur: also a ``[SEP]`` that is typed in the text.

    The mask and the unknown token stand in the place of a word.
    """
    tokenizer = model.tokenizer
    known = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    return sorted((known | set(tokenizer.all_special_ids)) - {tokenizer.mask_token_id, tokenizer.unk_token_id})


def _check_length(model: Model, tokens: int, texts: int) -> None:
    if tokens > model.max_tokens:
        which, them = ("the text has", "it") if texts == 1 else ("the two texts have", "them")
        raise TextTooLongError(
            f"{which} {tokens} tokens including special tokens, but this model reads at most {model.max_tokens}: "
            f"shorten {them}",
            tokens=tokens,
            max_tokens=model.max_tokens,
        )


def _check_fits(model: Model, encoded: Encoded, pair: str | None, windows: Windows | None) -> None:
    if pair is not None:
        raise OptionError("an encoded input already contains its second text: pass both texts to encode() instead")
    if windows is not None:
        raise OptionError("an encoded input has its windows already: pass the text, or encode it with these windows")
    longest = max((len(encoded.window_positions(k)) for k in range(len(encoded.windows))), default=len(encoded))
    _check_length(model, longest, len(encoded.texts))
    if int(encoded.input_ids.max()) >= int(model.network.config.vocab_size):
        raise OptionError(f"this input was encoded for a model with more tokens than {model.source!r}: encode it again")


def _own_mask(model: Model, text: str) -> str:
    mask = model.mask_token
    return text.replace("[MASK]", mask) if mask and mask != "[MASK]" else text


def _piece(token: str, surface: str, spelling: str) -> str:
    """The token in readable form. ``spelling`` is the decoder's name: how this vocabulary marks word boundaries."""
    match spelling:
        case "WordPiece":
            return token[2:] if token.startswith("##") and len(token) > 2 else token
        case "ByteLevel":  # these encode bytes as other letters; only the text itself is readable
            return surface.strip() or SPACE
        case "BPEDecoder":
            return token.removesuffix(WORD_END) or SPACE
        case _ if is_byte(token):
            return surface.strip() or SPACE
        case _:
            return token.lstrip("▁") or SPACE


def _running_words(word_ids: Sequence[int | None], sequences: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Number words consecutively over both texts: the tokenizer restarts at 0 for the second."""
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
