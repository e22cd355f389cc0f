"""From pages to the library. The only user of ``st.cache_*``.

Every function takes small frozen requests and returns a frozen result, shared between visitors and never copied.
glassbert is imported inside the functions: it brings torch, which takes seconds in a cold process, and the page is
painted before that.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from components.gateway.long_texts import Holding, Keeper, bound_the_heap, visitor

if TYPE_CHECKING:
    import glassbert as gb
    from components.widgets.heads_map import Thumbnails
    from glassbert.models.download import Progress
    from glassbert.models.suggestions import Suggestion
    from glassbert.targets import Output

__all__ = [
    "ModelRequest",
    "TextRequest",
    "attention",
    "attribute",
    "classify",
    "devices",
    "fill_mask",
    "load",
    "prepare",
    "version",
]

# 512 tokens × 12 × 12 heads are 151 MB a result: many small ones may stay, large ones while somebody reads them.
_LARGE_TOKENS = 128
_keeper = Keeper()
bound_the_heap()
_first_import = threading.Lock()
_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model, where; ``off``: the (layer, head) that are switched off."""

    source: str
    device: str = "auto"
    off: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TextRequest:
    """One input of one model."""

    model: ModelRequest
    text: str
    pair: str | None = None


def library() -> Any:
    """glassbert, imported by one thread while the others wait: a cold import from several threads can fail."""
    with _first_import:
        if "glassbert" not in sys.modules:
            with _made_to_stay():
                import glassbert  # noqa: F401
        return sys.modules["glassbert"]


@contextmanager
def _made_to_stay() -> Iterator[None]:
    """What is made inside is not searched for garbage, neither now nor ever after; reference counts still free it.

    torch, transformers and the models are half a million objects. Walking them again and again took a second of a cold
    start, and 230 ms after every run of a page, when Streamlit collects while the last panel is still on its way.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def version(*parts: object) -> str:
    """A short hash that names what a component draws, so that a click on older data is dropped."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def shared(entries: int) -> Callable[[_F], _F]:
    """Keep the results of a function for all visitors, this many of them; for the modules beside this one."""
    cached: Callable[[_F], _F] = st.cache_resource(max_entries=entries, show_spinner=False)
    return cached


def while_read(entries: int, each: int) -> Callable[[_F], _F]:
    """Keep large results as long as `long_texts` says: this many for all visitors, and so many of each of them.

    For functions whose first argument has a ``text`` and a ``pair``, those of the page.
    """

    def decorate(function: _F) -> _F:
        cached: Any = shared(entries)(function)

        @functools.wraps(function)
        def call(request: TextRequest, *rest: Any) -> Any:
            arguments = (request, *rest)
            _keeper.use(visitor(), Holding(cached.clear, arguments, (request.text, request.pair)), each)
            return cached(*arguments)

        return call  # type: ignore[return-value]

    return decorate


def turn_to(text: str, pair: str | None) -> None:
    """The page of this visitor shows this text now; large results on others go soon."""
    _keeper.turn_to(visitor(), (text, pair))


def _is_large(request: TextRequest) -> bool:
    return len(encode(request)) > _LARGE_TOKENS


# --- models ----------------------------------------------------------------------------------------------------


def devices() -> dict[str, str]:
    """Device id → name, "auto" first, of what this machine really has."""
    library()
    from glassbert.network.device import available_devices, choose_device, device_label

    names = {device: device_label(device) for device in available_devices()}
    return {"auto": f"Automatic: {names[choose_device()]}", **names}


def suggestions() -> dict[str, Suggestion]:
    """Model id → suggestion, the embedded ones first."""
    library()
    from glassbert.models.suggestions import SUGGESTIONS

    return {suggestion.id: suggestion for suggestion in SUGGESTIONS}


@st.cache_resource(show_spinner=False)
def embedded() -> tuple[gb.EmbeddedCheckpoint, ...]:
    """The models on board, with their cards."""
    return tuple(library().embedded())


def is_here(source: str) -> bool:
    """Whether this model opens without a download."""
    library()
    from glassbert.models.hub import is_local

    return is_local(source)


def prepare(source: str, progress: Callable[[Progress], None]) -> None:
    """Find a model and download what is missing; free when it is here already. Raises a ModelError."""
    library()
    from glassbert.models.hub import locate

    locate(source, progress=progress)


def load(request: ModelRequest) -> gb.Model:
    """One copy for all visitors; without some heads, a view of that copy. Raises a ModelError."""
    model = _load(request.source, request.device)
    return library().ablate(model, request.off) if request.off else model


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(source: str, device: str) -> gb.Model:
    gb = library()
    with _made_to_stay():  # the first model of a family brings its modelling code
        model: gb.Model = gb.load(source, device)
        gc.collect()  # a traceback of the loading that still points at the model would keep it for ever
    return model


# --- one input -------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=256, show_spinner=False)
def encode(request: TextRequest) -> gb.Encoded:
    return library().encode(load(request.model), request.text, request.pair)


def attention(request: TextRequest) -> gb.AttentionMaps:
    """One forward pass the first time, free afterwards."""
    return _attention_large(request) if _is_large(request) else _attention_small(request)


@st.cache_resource(max_entries=24, show_spinner=False)
def _attention_small(request: TextRequest) -> gb.AttentionMaps:
    return _attention(request)


@while_read(entries=4, each=2)  # two: all heads on beside some off
def _attention_large(request: TextRequest) -> gb.AttentionMaps:
    return _attention(request)


def _attention(request: TextRequest) -> gb.AttentionMaps:
    return library().attention(load(request.model), encode(request))


@st.cache_resource(max_entries=64, show_spinner=False)
def thumbnails(request: TextRequest, special: bool) -> Thumbnails:
    """Every head small, in 8 bits; without special tokens the rest is shown as it is, not renormalised."""
    from components.widgets.heads_map import thumbnails as make

    maps = attention(request)
    if special:
        return make(maps.weights)
    words = maps.encoded.special_tokens_mask == 0
    return make(maps.weights[:, :, words][:, :, :, words])


@st.cache_resource(max_entries=256, show_spinner=False)
def fill_mask(request: TextRequest, positions: tuple[int, ...], top_k: int) -> gb.MaskPrediction:
    """One forward pass of the encoder, the vocabulary head at the masks only."""
    return library().fill_mask(load(request.model), encode(request), positions=positions, top_k=top_k)


@st.cache_resource(max_entries=256, show_spinner=False)
def classify(request: TextRequest) -> gb.Classification:
    """One forward pass."""
    return library().classify(load(request.model), encode(request))


@st.cache_resource(max_entries=256, show_spinner=False)
def next_sentence(request: TextRequest) -> gb.PairPrediction:
    """One forward pass."""
    return library().next_sentence(load(request.model), request.text, request.pair or "")


@st.cache_resource(max_entries=256, show_spinner=False)
def label_tokens(request: TextRequest) -> gb.TokenLabels:
    """One forward pass."""
    return library().label_tokens(load(request.model), encode(request))


@st.cache_resource(max_entries=256, show_spinner=False)
def answer(request: TextRequest, top_k: int) -> gb.AnswerPrediction:
    """One forward pass."""
    return library().answer(load(request.model), request.text, request.pair or "", top_k=top_k)


@st.cache_resource(max_entries=256, show_spinner=False)
def attribute(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> gb.TokenScores:
    """As many forward passes as the method declares."""
    return library().attribute(
        load(request.model), encode(request), method=method, target=target, output=output, **page_options(method)
    )


def page_options(method: str) -> dict[str, Any]:
    """Where a page differs from the library's defaults.

    Integrated gradients accept a miss of 5 %, which the panel states: the first 12 passes are enough for most short
    texts, which then miss by 1 or 2 %; the last per cent takes half as many again.
    """
    return {"tolerance": 0.05} if method == "integrated_gradients" else {}


# --- attention and its heads -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """How maps are shown: words or pieces, what is left out, and whether the rest is rescaled."""

    words: bool = False
    special: bool = True
    block: str = ""
    rescale: bool = False

    def of(self, maps: gb.TokenMaps) -> gb.TokenMaps:
        """The maps read this way. Raises OptionError where nothing would be left."""
        if self.words:
            maps = maps.by_word()
        if self.block:
            return maps.block(self.block, renormalise=self.rescale)
        return maps if self.special else maps.without_special(self.rescale)


@st.cache_resource(max_entries=64, show_spinner=False)
def map_thumbnails(request: TextRequest, reading: Reading, side: int) -> Thumbnails:
    """Every head small, layer by layer: no second copy of all weights at once."""
    import numpy as np

    from components.widgets.heads_map import Thumbnails, thumbnails

    maps, gb = attention(request), library()
    small = []
    for weights in maps.weights:
        layer = gb.TokenMaps.of(maps.encoded, "attention", weights[None], rows_sum_to_one=True)
        small.append(thumbnails(reading.of(layer).values, side).pixels)
    return Thumbnails(np.concatenate(small))


def measures() -> dict[str, gb.Measure]:
    """What can be measured from attention, by id."""
    return dict(library().MEASURES)


def measure(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    """From 1 forward pass to 1 + tokens (value zeroing)."""
    find = _measure_large if _is_large(request) else _measure_small
    return find(request, measure_id, target)


@st.cache_resource(max_entries=16, show_spinner=False)
def _measure_small(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    return _measure(request, measure_id, target)


@while_read(entries=16, each=8)  # 13 MB each at 512 tokens and 12 layers
def _measure_large(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    return _measure(request, measure_id, target)


def _measure(request: TextRequest, measure_id: str, target: gb.Target | None) -> gb.TokenMaps:
    maps = attention(request)
    return library().measure(
        load(request.model), request.text, request.pair, measure=measure_id, target=target, maps=maps
    )


def value_zeroing(request: TextRequest, **reports: Any) -> gb.TokenMaps:
    """1 + tokens passes and more. Not cached: it tells its progress and may be stopped; the page keeps the result."""
    return library().value_zeroing(load(request.model), encode(request), **reports)


@st.cache_resource(max_entries=64, show_spinner=False)
def flow(request: TextRequest, layer: int, queries: tuple[int, ...] | None) -> gb.TokenMaps:
    """One layer's flow, of some tokens or all: no forward pass, much arithmetic. Raises OptionError for too much."""
    return library().flow(attention(request), layers=[layer], queries=queries)


@st.cache_resource(max_entries=64, show_spinner=False)
def head_profile(request: TextRequest) -> gb.HeadProfile:
    """No forward pass."""
    return library().head_profile(attention(request))


@st.cache_resource(max_entries=64, show_spinner=False)
def head_distances(request: TextRequest) -> gb.HeadDistances:
    """No forward pass."""
    return library().head_distances(attention(request))


@st.cache_resource(max_entries=64, show_spinner=False)
def head_importance(request: TextRequest, target: gb.Target) -> gb.HeadImportance:
    """Two forward passes and a backward pass, layer by layer."""
    return library().head_importance(load(request.model), request.text, request.pair, target=target)


def head_labels() -> dict[str, gb.HeadLabel]:
    """Names for what heads do, with their rules, by id."""
    return dict(library().HEAD_LABELS)


def ablation_sweep(request: TextRequest, target: gb.Target, mode: str, **reports: Any) -> gb.AblationSweep:
    """About 0.3 passes a head. Not cached: it tells its progress and may be stopped; the page keeps the result."""
    return library().ablation_sweep(
        load(request.model), request.text, request.pair, target=target, mode=mode, **reports
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def neurons(request: TextRequest, layers: tuple[int, ...]) -> Any:
    """Queries and keys of some layers; one forward pass."""
    library()
    from glassbert.maps.neurons import neurons as compute_neurons

    return compute_neurons(load(request.model), request.text, request.pair, layers=layers)


def methods() -> dict[str, gb.Method]:
    """Attribution methods by id."""
    return dict(library().METHODS)


def default_methods() -> tuple[str, ...]:
    """The methods a visitor sees side by side before choosing."""
    library()
    from glassbert.attribution import DEFAULT_METHODS

    return tuple(DEFAULT_METHODS)


def checks() -> dict[str, gb.Check]:
    """What a receipt can check, by id."""
    return dict(library().CHECKS)


@st.cache_resource(max_entries=64, show_spinner=False)
def receipt(request: TextRequest, method: str, target: gb.Target, output: Output = "logit") -> gb.Receipt:
    """How far an explanation can be believed: about 350 passes of a short text, and the method a few times more."""
    return library().receipt(load(request.model), attribute(request, method, target, output))


@st.cache_resource(max_entries=32, show_spinner=False)
def broken(
    request: TextRequest, method: str, target: gb.Target, output: Output, kind: str, seed: int
) -> tuple[gb.TokenScores, gb.Receipt]:
    """An explanation broken on purpose, and its receipt: about 400 passes of a short text."""
    gb, model = library(), load(request.model)
    scores = gb.broken(model, attribute(request, method, target, output), kind=kind, seed=seed)
    return scores, gb.receipt(model, scores)


def stored_ranking(request: ModelRequest) -> gb.MethodRanking | None:
    """Which methods are faithful for this model, if that was computed before: no pass, a small file is read."""
    model = load(request)
    from glassbert.evaluation import stored_ranking as read

    return read(model)


def words(encoded: gb.Encoded) -> tuple[tuple[str, ...], Any]:
    """The words of an input, and the word of each token."""
    library()
    from glassbert.text.words import words_of

    found = words_of(encoded)
    return found.labels, found.group


def same_place(request: TextRequest, position: int, other: TextRequest) -> int | None:
    """The token of ``other`` that stands for the same characters as this one."""
    library()
    from glassbert.text.words import same_place as find

    return find(encode(request), position, encode(other))


def shorten(request: TextRequest) -> tuple[str, str | None]:
    """The longest beginning that fits the model."""
    return library().shorten(load(request.model), request.text, request.pair)
