"""Where the difference between two texts is located: activation patching, also called causal tracing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from glassbert.arguments import checked
from glassbert.decision import Passes, Runner, decide
from glassbert.errors import LayerError, OptionError, TargetError, TextError
from glassbert.families import require
from glassbert.intervention._patches import Kind, Place, changed, patched_values, run_and_keep
from glassbert.intervention.results import Trace
from glassbert.network.batches import rows_that_join
from glassbert.network.blocks import blocks
from glassbert.network.model import Model
from glassbert.network.run import many_passes
from glassbert.results import Encoded
from glassbert.targets import Output, Target
from glassbert.text.alignment import same_length_hint
from glassbert.text.inputs import Text, encode

KINDS: tuple[Kind, ...] = ("hidden", "head", "mlp", "attention")

# Token rows per pass: enough to fill the cores, few enough for their caches. A pass also runs the corrupted text, which
# in long texts is only worthwhile for at least this many patches (about 300 MB for a base-size model).
_TOKEN_ROWS, _LEAST_PATCHES = 2048, 8
# F of the two runs is "the same" within this share of its size: a restored share would divide by rounding errors.
_SAME_SHARE, _SAME = 1e-3, 1e-6


@checked
def trace(
    model: Model,
    clean: Text,
    corrupted: Text,
    target: Target | int | str | None = None,
    *,
    pair: str | None = None,
    corrupted_pair: str | None = None,
    kind: Kind = "hidden",
    output: Output = "logit",
    layers: Sequence[int] | None = None,
    spans: Sequence[tuple[int, int]] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Trace:
    """How much of the clean text's F each place restores when its state is patched into the corrupted run.

    Activation patching, or causal tracing (Vig et al. 2020; Meng et al. 2022): the model runs on ``corrupted``, with
    the state at one place replaced by that of the run on ``clean``, and F is read. ``kind`` selects what is patched:
    "hidden", the state after a layer (layer 0: the embeddings); "attention" and "mlp", what a layer's attention or
    feed-forward block adds to it; "head", one head's output before the output projection. ``layers`` (None: all) and
    ``spans`` select places; a span is token positions [start, stop), patched together. ``spans`` None patches each
    token alone, and for "head" the whole text at once.

    Both texts must have the same number of tokens: positions are matched one to one (:func:`same_length_hint` helps).
    ``pair`` is the second text of both, unless ``corrupted_pair`` gives another for the corrupted one. ``target`` is as
    in :func:`glassbert.attribute`; what it leaves open is determined by the clean text. A masked position is masked in
    both.

    Patches share passes: each splits off from the corrupted run at its layer, so the layers below are computed once,
    and patches that cannot have an effect (equal states, tokens that are not read after the last layer) are not run.
    This costs less than a third of a forward pass per place. ``progress(places done, places)`` is called after every
    pass. Raises TextError for different lengths, TargetError if both texts give the same F, OptionError, LayerError,
    TaskHeadError, TextErrors, UnsupportedModelError; StoppedError when ``cancelled()`` returns true.
    """
    start = time.perf_counter()
    if kind not in KINDS:
        raise OptionError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if kind == "mlp":
        require(model.checkpoint.family, "known_feed_forward", "patching the output of the feed-forward block")
    blocks(model.network)  # raises where the inside of the network is not known
    first = encode(model, clean, pair)
    second = encode(model, corrupted, corrupted_pair if corrupted_pair is not None else pair)
    _check_lengths(model, first, second)
    chosen = _layers(model, kind, layers)
    wanted = _spans(kind, len(first), spans)
    passes = Passes(cancelled=cancelled)
    clean_runner = decide(model, first, target, output, passes=passes)
    runner = decide(model, second, clean_runner.decision.target, output, passes=passes)
    heads = range(model.attention_heads if kind == "head" else 1)
    places = [Place(layer, head, *span) for layer in sorted(chosen) for head in heads for span in wanted]

    clean_value, corrupted_value, found = many_passes(
        model, lambda: _patch(clean_runner, runner, kind, places, progress)
    )
    values = np.asarray([[[found[Place(n, head, *span)] for span in wanted] for head in heads] for n in chosen])
    return Trace(
        clean=clean_runner.decision.encoded,
        corrupted=runner.decision.encoded,
        kind=kind,
        target=clean_runner.decision.target,
        target_label=clean_runner.decision.target_label,
        output=output,
        clean_value=clean_value,
        corrupted_value=corrupted_value,
        layers=np.asarray(chosen),
        spans=np.asarray(wanted),
        values=values if kind == "head" else values[:, 0],
        forward_passes=passes.count,
        seconds=time.perf_counter() - start,
    )


def _patch(
    clean_runner: Runner,
    runner: Runner,
    kind: Kind,
    places: Sequence[Place],
    progress: Callable[[int, int], None] | None,
) -> tuple[float, float, dict[Place, float]]:
    """F of the clean run and of the corrupted one, and of the latter with each place patched."""
    clean_value, clean = run_and_keep(clean_runner, kind)
    corrupted_value, corrupted = run_and_keep(runner, kind)
    _check_difference(runner, clean_value, corrupted_value)
    found = dict.fromkeys(places, corrupted_value)
    matter = [place for place in places if changed(runner, kind, clean, corrupted, place)]
    tokens = runner.decision.length
    size = rows_that_join(runner.decision.model, tokens, min(len(matter), max(_LEAST_PATCHES, _TOKEN_ROWS // tokens)))
    for start in range(0, len(matter), size):
        chunk = matter[start : start + size]
        found.update(zip(chunk, patched_values(runner, kind, chunk, clean).tolist(), strict=True))
        if progress is not None:
            progress(len(places) - len(matter) + start + len(chunk), len(places))
    if progress is not None and not matter:
        progress(len(places), len(places))
    return clean_value, corrupted_value, found


def _check_lengths(model: Model, clean: Encoded, corrupted: Encoded) -> None:
    if len(clean) != len(corrupted):
        raise TextError(same_length_hint(model, clean, corrupted).sentence)
    if (clean.input_ids == corrupted.input_ids).all():
        raise TextError(
            "both texts give this model the same tokens, so there is nothing to restore: change a word in one"
        )


def _check_difference(runner: Runner, clean: float, corrupted: float) -> None:
    decision = runner.decision
    if abs(clean - corrupted) <= _SAME_SHARE * max(abs(clean), abs(corrupted)) + _SAME:
        raise TargetError(
            f"both texts give {decision.target_label!r} almost the same {decision.output} "
            f"({clean:.4g} and {corrupted:.4g}), so there is no difference to restore: choose another target or change "
            "another word"
        )


def _layers(model: Model, kind: Kind, layers: Sequence[int] | None) -> list[int]:
    last = model.layers if kind == "hidden" else model.layers - 1
    chosen = list(range(last + 1)) if layers is None else list(dict.fromkeys(int(layer) for layer in layers))
    for layer in chosen:
        if not 0 <= layer <= last:
            which = "states after the embeddings (0) and each layer:" if kind == "hidden" else "layers"
            raise LayerError(f"layer {layer}: this model has {which} 0 to {last}")
    if not chosen:
        raise OptionError("there is no layer to patch: choose at least one")
    return chosen


def _spans(kind: Kind, tokens: int, spans: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    if spans is None:
        return [(0, tokens)] if kind == "head" else [(token, token + 1) for token in range(tokens)]
    chosen = [(int(start), int(stop)) for start, stop in spans]
    for start, stop in chosen:
        if not 0 <= start < stop <= tokens:
            raise OptionError(
                f"span {(start, stop)}: these texts have tokens 0 to {tokens - 1}, and stop must be larger than start"
            )
    if not chosen:
        raise OptionError("there is no token to patch: choose at least one")
    return chosen
