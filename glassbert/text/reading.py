"""From text to the first layer: every step, recorded from the tokenizer and the network themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from glassbert.arguments import checked
from glassbert.errors import OptionError
from glassbert.network.model import Model
from glassbert.network.run import Batch, Forward, batch, encoder_of, run
from glassbert.results import SPACE, Array, Encoded
from glassbert.text.inputs import Text, encode
from glassbert.text.normalisation import normalise
from glassbert.text.results import ReadingSteps
from glassbert.text.words import words_of

__all__ = ["reading_steps"]


@checked
def reading_steps(
    model: Model,
    text: Text,
    pair: str | None = None,
    *,
    padding: int | Literal["max_length"] | None = None,
    vectors: bool = False,
) -> ReadingSteps:
    """Text → normalised text → words → pieces → ids, mask, segments, positions → embeddings → their sum, normalised.

    Ids, positions and embeddings are recorded in a real forward pass, not recomputed. ``vectors`` keeps the embeddings
    themselves, not only their norms. ``padding`` pads to this many tokens ("max_length": the model's maximum) and runs
    the network twice more: with the attention mask, which hides the padding, and without it, for comparison. One
    forward pass, three with padding. Raises OptionError for a padding shorter than the text, TextErrors.
    """
    encoded = encode(model, text, pair)
    plain = batch(model, [encoded])
    run = _run(model, plain)
    normalised = tuple(normalise(model.tokenizer, part) for part in encoded.texts)
    unknown = encoded.input_ids == model.tokenizer.unk_token_id
    words, spans, texts = _words(encoded, [word for part in normalised for word in part.words], unknown)
    padded, positions, with_mask, without_mask = _padding(model, encoded, run, padding)
    return ReadingSteps(
        encoded=encoded,
        normalised=tuple(part.text for part in normalised),
        changes=tuple(part.changes for part in normalised),
        words=words,
        word_spans=spans,
        word_texts=texts,
        roles=_roles(model, encoded),
        position_ids=run["position_ids"],
        parts=tuple(run["parts"]),
        part_norms=np.stack([np.linalg.norm(part, axis=-1) for part in run["parts"].values()]),
        vectors=np.stack(list(run["parts"].values())) if vectors else np.zeros(0),
        projected=run["first"].shape != run["parts"]["sum"].shape,
        input_norms=np.linalg.norm(run["first"], axis=-1),
        padded_ids=padded.input_ids[0].numpy() if padded else np.zeros(0),
        padded_mask=padded.attention_mask[0].numpy() if padded else np.zeros(0),
        padded_segments=padded.token_type_ids[0].numpy() if padded else np.zeros(0),
        padded_positions=positions,
        padding_difference=with_mask,
        padding_difference_unmasked=without_mask,
    )


@contextmanager
def _seen(modules: dict[str, Any], see: dict[str, tuple[Tensor, Tensor]]) -> Iterator[None]:
    """A context that records the input and output of each module."""
    with ExitStack() as stack:
        for name, module in modules.items():

            def hook(_: Any, inputs: tuple[Any, ...], output: Tensor, name: str = name) -> None:
                see[name] = (inputs[0], output)

            stack.callback(module.register_forward_hook(hook).remove)
        yield


def _run(model: Model, inputs: Batch) -> dict[str, Any]:
    """One forward pass: the embedding parts, the positions, the input of layer 1, and the last layer's states."""
    tables = _tables(model)
    name = model.checkpoint.family.embeddings.norm
    norm = None if name is None else encoder_of(model).get_submodule(name)
    last = "scaled" if model.checkpoint.family.bottleneck and not isinstance(norm, nn.LayerNorm) else "normalised"

    def read(forward: Forward) -> dict[str, Any]:
        seen: dict[str, tuple[Tensor, Tensor]] = {}
        with _seen(tables if norm is None else tables | {"sum": norm}, seen):
            output = forward.encoder(output_hidden_states=True)
        first, length = output.hidden_states[0], inputs.input_ids.shape[1]
        parts = {part: _rows(seen[part][1].expand(1, length, -1)) for part in tables}
        summed, normalised = seen.get("sum", (first, first))
        positions = seen["position"][0].reshape(-1).cpu().numpy() if "position" in seen else np.arange(length)
        return {
            "parts": parts | {"sum": _rows(summed), last: _rows(normalised)},
            "position_ids": positions,
            "first": _rows(first),
            "last": _rows(output.last_hidden_state),
        }

    return run(model, inputs, read)


def _tables(model: Model) -> dict[str, Any]:
    """Part → its embedding table, or the Linear that reads three rows of one, of those that this network has."""
    names, encoder = model.checkpoint.family.embeddings, encoder_of(model)
    words = {"word": names.words} if names.trigrams is None else {"trigram": names.trigrams}
    paths = words | {"position": names.positions, "segment": names.segments, "constant": names.constant}
    modules = dict(encoder.named_modules())
    return {part: modules[path] for part, path in paths.items() if path in modules}


def _rows(states: Tensor) -> Array:
    """(input, token, dimension) of one input → (token, dimension)."""
    rows: Array = states[0].float().cpu().numpy()
    return rows


def _words(encoded: Encoded, spelt: list[str], unknown: Array) -> tuple[tuple[str, ...], Array, Array]:
    """The words, their character spans, and the index of their text."""
    count = int(encoded.word_ids.max()) + 1
    spans, texts = np.zeros((count, 2), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for word in range(count):
        own = encoded.word_ids == word
        spans[word] = encoded.offsets[own, 0].min(), encoded.offsets[own, 1].max()
        texts[word] = encoded.sequence_ids[own][0]
    foreign = encoded.spelling == "Metaspace" and not all(text.isascii() for text in encoded.texts)
    if len(spelt) != count or foreign:  # a word without a piece, an added token, or words cut by Unicode's rules
        found = (encoded.texts[text][start:end] for text, (start, end) in zip(texts, spans, strict=True))
        spelt = [word.lstrip(" ") or SPACE for word in found]
    if foreign:  # normalised, as the pieces are
        labels = words_of(encoded)
        for word in range(count):
            own = np.flatnonzero(encoded.word_ids == word)
            if not unknown[own].any():
                spelt[word] = labels.labels[labels.group[own[0]]]
    return tuple(spelt), spans, texts


def _roles(model: Model, encoded: Encoded) -> tuple[str, ...]:
    tokenizer = model.tokenizer
    names = {
        tokenizer.unk_token_id: "unknown",
        tokenizer.mask_token_id: "mask",
        tokenizer.sep_token_id: "separator",
        tokenizer.cls_token_id: "start",
    }
    roles = [names.get(int(token), "") for token in encoded.input_ids]
    if encoded.special_tokens_mask[-1]:
        roles[-1] = "end"
    return tuple(roles)


def _padding(
    model: Model, encoded: Encoded, run: dict[str, Any], padding: int | str | None
) -> tuple[Batch | None, Array, float | None, float | None]:
    if padding is None:
        return None, np.zeros(0), None, None
    length = model.max_tokens if padding == "max_length" else padding
    if not isinstance(length, Integral) or not len(encoded) <= length <= model.max_tokens:
        raise OptionError(
            f"padding must be from {len(encoded)}, the tokens of this text, to {model.max_tokens}, the maximum of this "
            f'model ("max_length"); got {padding!r}'
        )
    missing = int(length) - len(encoded)
    plain = batch(model, [encoded])
    fill = torch.nn.functional.pad
    padded = Batch(
        fill(plain.input_ids, (0, missing), value=model.tokenizer.pad_token_id),
        fill(plain.attention_mask, (0, missing)),
        fill(plain.token_type_ids, (0, missing)),
    )
    masked = _run(model, padded)
    bare = _run(model, Batch(padded.input_ids, torch.ones_like(padded.attention_mask), padded.token_type_ids))
    differences = [float(np.abs(other["last"][: len(encoded)] - run["last"]).max()) for other in (masked, bare)]
    return padded, masked["position_ids"], differences[0], differences[1]
