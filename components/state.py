"""What the visitor has chosen. The only user of ``st.session_state`` and ``st.query_params``.

There is one :class:`View` a session. Widgets are controlled: each shows a field of the view and changes it in a
callback. The view also lives in the address, so that a copied link opens the same model, text and selection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any
from urllib.parse import quote
from zlib import crc32

import streamlit as st

from components.examples import EXAMPLES, FIRST, SWAPS

__all__ = [
    "View",
    "begin",
    "bind",
    "change",
    "event",
    "open_example",
    "picked",
    "put",
    "redraw_page",
    "redraw_page_if_asked",
    "remember",
    "remembered",
    "value",
    "view",
    "write_address",
]

# Percent-encoded, so that a link stays well under what servers accept in a request line.
_MAX_TEXT_IN_LINK = 8_000

_VIEW, _ADDRESS, _CHANGED, _REDRAW = "view", "address", "view_changed", "redraw_page"


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a link restores. ``token`` −1: none is selected; layers, heads and tokens count from 0."""

    model: str = "pretrained"
    beside: str = "sentiment"
    device: str = "auto"
    text: str = FIRST.text
    pair: str = FIRST.pair
    layer: int = 1  # in the first sentence this head looks from "superb" to "acting"
    head: int = 7
    token: int = FIRST.token
    method: str = "integrated_gradients"
    explain: str = ""  # what the saliency explains, see questions.KINDS; "" chooses by the text
    klass: str = ""  # the label that is explained; "": the predicted one
    against: str = ""  # rather than which label
    units: str = "logit"  # or "probability"
    compared: str = ""  # methods side by side, "saliency occlusion"; "": the default set
    judged: str = "rows"  # the open section of the Saliency page
    ranked: str = "position"  # or "score": how an explanation's tokens are ordered
    scale: str = "own"  # or "common": one colour scale for all methods
    attend: str = "model"  # whose attention is shown: "model" or "beside"
    special: bool = True  # show [CLS], [SEP] and the like
    section: str = "heads"  # the open section of the Attention page
    words: bool = False  # words instead of pieces
    rescale: bool = False  # rows of which something is hidden sum to 1 again
    block: str = ""  # part of a text pair, such as "A→B"
    drawn: str = "heatmap"  # one head as "heatmap" or as "lines"
    combined: str = ""  # "mean" or "max" of several heads: of the layer, unless some are chosen
    chosen: str = ""  # heads to combine, "1.7 2.3": layer and head of each
    focus: str = ""  # "rows" or "columns" of the selected token only
    until: int = -1  # the last token of a selected span that begins with `token`
    threshold: int = 0  # percent; weaker weights are not drawn
    colour: str = ""  # what is known about heads, as marks on the map
    least: int = 0  # percent; heads with a smaller share are dimmed
    only: bool = False  # … or left out
    order: str = ""  # heads with the "most" or the "least" of it first; "": layer by layer
    measures: str = "attention rollout value_norms_2020 value_zeroing"  # compared side by side
    off: str = ""  # heads switched off, "1.7 2.3"
    bertviz: str = "head"  # which of BertViz's views
    reads: str = "steps"  # the open section of the Inputs page
    padded: int = 0  # tokens after padding; 0: the text's own length and some
    guess: str = "candidates"  # the open section of the Masked words page
    masks: str = ""  # masked tokens, "3 6"; "": the selected one, "none": none
    ask: str = "he, she, they"  # words to compare
    whole: bool = False  # candidates that are whole words only
    log: bool = False  # probabilities on a log scale
    pll: str = "original"  # how the pieces of one word are masked when a whole text is scored
    rather: str = ""  # the foil: why one word rather than this one
    why: str = ""  # the word to explain; "": the first choice
    tried: str = "edit"  # the open section of the What if page
    swaps: str = SWAPS  # words to put in each other's place, a list a line
    flips: str = "masked_model"  # who proposes words for the smallest change, or "gradient"
    drop: bool = True  # … and whether words may be deleted
    edits: int = 2  # … at most so many changes
    budget: int = 600  # … and so many passes
    other: str = ""  # a second text, to be compared with the first; "": an example's own
    other_pair: str = ""  # its text B; "": the same as the first one's
    versus: str = ""  # what is compared: two "models" or two "texts"; "": texts once there is a second one
    differ: str = "summary"  # the open section of the Compare page
    patch: str = "hidden"  # what is put from one run into the other: "hidden", "head", "mlp", "attention"
    template: str = "The {job} said that [MASK] was tired."
    fillers: str = "job: engineer, nurse, teacher, doctor, secretary, farmer, lawyer, housekeeper"

    def parameters(self) -> dict[str, str]:
        """The address's parameters: what differs from a fresh view. A text too long for a link is left out, and the
        selected token with it."""
        fresh = View()
        if (self.text, self.pair) != (fresh.text, fresh.pair):
            fresh = replace(fresh, token=-1)
        values = {
            field.name: _written(getattr(self, field.name))
            for field in fields(self)
            if getattr(self, field.name) != getattr(fresh, field.name)
        }
        texts = ("text", "pair", "other", "other_pair")
        if len(quote("".join(values.get(name, "") for name in texts), errors="replace")) > _MAX_TEXT_IN_LINK:
            for name in (*texts, "token"):
                values.pop(name, None)
        return values

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> View:
        """The view of an address; a field that makes no sense falls back to the fresh one. A text of the link's own
        has no token selected unless the link says which."""
        fresh = cls()
        if "text" in parameters or "pair" in parameters:
            fresh = replace(fresh, token=-1)
        values = {
            field.name: _read(parameters[field.name], getattr(fresh, field.name))
            for field in fields(cls)
            if field.name in parameters
        }
        read = replace(fresh, **values)
        return replace(read, model=read.model or fresh.model, layer=max(read.layer, 0), head=max(read.head, 0))


def _written(value: str | int | bool) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _read(written: str, default: Any) -> Any:
    if isinstance(default, str):
        return written
    if isinstance(default, bool):
        return {"0": False, "1": True}.get(written, default)
    try:
        return max(int(written), -1)
    except ValueError:
        return default


def view() -> View:
    """The current view."""
    return View(**st.session_state[_VIEW])


def change(**values: Any) -> None:
    """Change fields of the view; a new text or model takes the selected and the masked tokens with it, a new text also
    the one it was compared with."""
    before = view()
    after = replace(before, **values)
    if (after.text, after.pair, after.model) != (before.text, before.pair, before.model):
        after = replace(after, **{"token": -1, "masks": "", **values})
    if (after.text, after.pair) != (before.text, before.pair):
        after = replace(after, **{"other": "", "other_pair": "", **values})
    if after.token != before.token and "until" not in values:
        after = replace(after, until=-1)
    st.session_state[_VIEW] = asdict(after)
    st.session_state[_CHANGED] = True


def open_example(example_id: str) -> None:
    """Put an example's texts and selection in the view."""
    example = EXAMPLES[example_id]
    change(text=example.text, pair=example.pair, token=example.token, explain="")


def begin() -> View:
    """Bring view and address together; called once at the start of every run of a page.

    The address wins on the first run and when the visitor went back or forward (it changed and no widget did);
    otherwise the view wins.
    """
    parameters = dict(st.query_params)
    changed = st.session_state.pop(_CHANGED, False)
    st.session_state.pop(_REDRAW, None)
    moved = not changed and parameters != st.session_state.get(_ADDRESS)
    if _VIEW not in st.session_state or moved:
        st.session_state[_VIEW] = asdict(View.from_parameters(parameters))
    write_address()
    return view()


def write_address() -> None:
    """Write the view into the address, if it is not there yet."""
    parameters = view().parameters()
    if parameters != dict(st.query_params):
        st.query_params.from_dict(parameters)
    st.session_state[_ADDRESS] = parameters
    st.session_state.pop(_CHANGED, None)


def bind(name: str, *, options: Mapping[Any, Any] | None = None, shown: Any = None) -> dict[str, Any]:
    """``key`` and ``on_change`` of a widget that shows and changes one field of the view.

    ``options`` (the widget's valid values) guards against a value from a link that the widget does not have; ``shown``
    is shown instead of the field where the page had to adapt it.
    """
    # Other options make another widget: a click elsewhere brings along every widget's value as the browser last saw it,
    # and the old value of a widget that the page has changed since would count as the visitor's choice.
    key = f"widget_{name}" if options is None else f"widget_{name}_{crc32(repr(list(options)).encode()):08x}"
    value = getattr(view(), name) if shown is None else shown
    if options is not None and value not in options:
        value = next(iter(options))
    st.session_state[key] = value
    remember(f"widget_{name}", key)

    def changed() -> None:
        chosen = st.session_state[key]
        # a segmented control can be emptied; the view keeps its choice
        if chosen is not None and remembered(f"widget_{name}") == key:
            change(**{name: chosen})

    return {"key": key, "on_change": changed}


def event(key: str) -> Mapping[str, Any]:
    """What a custom component of this key reported; read inside its callback."""
    value = st.session_state.get(key)
    return value if isinstance(value, Mapping) else {}


def picked(key: str) -> Any:
    """The value of an unbound widget; read inside its callback, which then resets it."""
    value = st.session_state.get(key)
    st.session_state[key] = None
    return value


def remember(name: str, value: Any) -> None:
    """Keep something about this session that is not part of a link, such as the last model that loaded."""
    st.session_state[f"memory_{name}"] = value


def remembered(name: str, default: Any = None) -> Any:
    """What :func:`remember` kept."""
    return st.session_state.get(f"memory_{name}", default)


def value(key: str) -> Any:
    """The value of a widget; read inside its callback."""
    return st.session_state.get(key)


def put(key: str, chosen: Any) -> None:
    """Set a widget's value before it is drawn."""
    st.session_state[key] = chosen


def redraw_page() -> None:
    """Called in a callback of a fragment: the change concerns the whole page, not only this part of it."""
    st.session_state[_REDRAW] = True


def redraw_page_if_asked() -> None:
    """First line of a fragment; does nothing during a run of the whole page."""
    if st.session_state.pop(_REDRAW, False):
        st.rerun()
