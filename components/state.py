"""What the user has chosen. The only module that uses ``st.session_state`` and ``st.query_params``.

There is one :class:`View` per session for what all pages share, and for each page its own choices: the page's
:class:`PageFields`, declared in its folder. Widgets are controlled: each shows a field and changes it in a
callback.

The address of a page holds the view and the page's own fields, so that a copied link opens the same model, text and
selection, and ``section`` can be a field of every page. What belongs to other pages stays in the session, so that
a page looks the same when the user returns. A menu link carries the view and what the session knows of its page, so
that it opens the same in a new tab. Parameters that match no field are ignored, and removed at the next change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import quote_plus
from zlib import crc32

import streamlit as st

from components import address
from components.address import Count, Place
from components.examples import EXAMPLES, FIRST

__all__ = [
    "PageFields",
    "View",
    "begin",
    "bind",
    "change",
    "event",
    "fields",
    "full_address",
    "link",
    "open_example",
    "page",
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
_MAX_LINK = 9_500

_VIEW, _OWN, _PAGE, _ADDRESS, _LINKS = "view", "page_fields", "page", "address", "menu_links"
_CHANGED, _REDRAW = "view_changed", "redraw_page"


@dataclass(frozen=True, slots=True)
class View:
    """What all pages share. ``token`` −1: none is selected; layers, heads and tokens count from 0."""

    model: str = "pretrained"
    beside: str = "sentiment"
    shown_model: Literal["model", "beside"] = "model"  # which of the two a page shows, where it shows one
    device: str = "auto"
    text: str = FIRST.text
    pair: str = FIRST.pair
    other_text: str = ""  # a second text, to be compared with the first; "": an example's own
    other_pair: str = ""  # its text B; "": the same as the first one's
    layer: Count = 1  # in the first sentence this head attends from "superb" to "acting"
    head: Count = 7
    token: Place = FIRST.token
    until: Place = -1  # the last token of a selected span that begins with `token`
    special: bool = True  # show [CLS], [SEP] and the like
    by_word: bool = False  # words instead of pieces
    block: Literal["", "A→A", "A→B", "B→A", "B→B"] = ""  # part of the attention within a text pair; "": all of it
    method: str = "integrated_gradients"
    explain: str = ""  # what the saliency explains, see questions.KINDS; "" chooses by the text
    # A label and a word are kept apart: the foil of a class must not become the foil of a masked word.
    label: str = ""  # the label that is explained; "": the predicted one
    foil_label: str = ""  # … rather than which label
    word: str = ""  # the masked word that is explained; "": the first choice
    foil_word: str = ""  # … rather than which word
    units: Literal["logit", "probability"] = "logit"

    def parameters(self) -> dict[str, str]:
        """The address's parameters: what differs from a fresh view. A text too long for a link is left out, and the
        selected token with it."""
        fresh = View()
        if (self.text, self.pair) != (fresh.text, fresh.pair):
            fresh = replace(fresh, token=-1)
        values = address.written(self, fresh)
        if self.too_long_for_a_link:
            for name in (*_TEXTS, "token"):
                values.pop(name, None)
        return values

    @property
    def too_long_for_a_link(self) -> bool:
        """Whether the texts are."""
        fresh = View()
        texts = [getattr(self, name) for name in _TEXTS if getattr(self, name) != getattr(fresh, name)]
        return len(quote_plus("".join(texts), errors="replace")) > _MAX_TEXT_IN_LINK

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> View:
        """The view of an address; a field that makes no sense falls back to the fresh one. A text of the link's own
        has no token selected unless the link says which."""
        fresh = cls()
        if "text" in parameters or "pair" in parameters:
            fresh = replace(fresh, token=-1)
        read = address.read(parameters, fresh)
        return replace(read, model=read.model or fresh.model)


_TEXTS = ("text", "pair", "other_text", "other_pair")


@dataclass(frozen=True, slots=True)
class PageFields:
    """The user's choices that belong to one page alone: the base of the dataclass in that page's ``fields.py``.

    Its fields have the types that :mod:`components.address` reads, other names than those of :class:`View`, and a
    default each. ``page`` is the page's id; ``of_text`` names the fields that another text or model resets.
    """

    page: ClassVar[str] = ""
    of_text: ClassVar[tuple[str, ...]] = ()

    def parameters(self) -> dict[str, str]:
        """What differs from a fresh page."""
        return address.written(self, type(self)())

    def without_text(self) -> PageFields:
        """What is left of it when the text is another one."""
        fresh = type(self)()
        return replace(self, **{name: getattr(fresh, name) for name in self.of_text})


Group = TypeVar("Group", bound=PageFields)


def full_address(view: View, own: PageFields | None = None) -> dict[str, str]:
    """The parameters of a page: the view's and the page's own. The longest are left out of an address that is too
    long for a server."""
    parameters = view.parameters()
    if own is not None:
        parameters |= (own.without_text() if view.too_long_for_a_link else own).parameters()
    while address.length(parameters) > _MAX_LINK:
        shortened = {name: value for name, value in parameters.items() if name not in _TEXTS}
        del parameters[max(shortened, key=lambda name: address.length({name: shortened[name]}))]
    return parameters


def page() -> str:
    """The id of the open page; "" before the first one."""
    opened: str = st.session_state.get(_PAGE, "")
    return opened


def view() -> View:
    """The current view."""
    return View(**st.session_state[_VIEW])


def fields(group: type[Group]) -> Group:
    """The current choices of a page, such as ``fields(SaliencyFields).section``."""
    kept = _own().get(group.page)
    if kept is None:
        return group()
    # a file saved while the app runs makes a new class of the same name
    return kept if kept.__class__ is group else address.read(kept.parameters(), group())


def change(group: type[PageFields] | None = None, /, **values: Any) -> None:
    """Change fields of the view, or of a page's own group; a new text or model takes the selected token and all else
    that was said of the text with it, a new text also the one it was compared with."""
    if group is not None:
        _keep(replace(fields(group), **values))
        st.session_state[_CHANGED] = True
        return
    before = view()
    after = replace(before, **values)
    if _source(after) != _source(before):
        after = replace(after, **{"token": -1, **values})
    if (after.text, after.pair) != (before.text, before.pair):
        after = replace(after, **{"other_text": "", "other_pair": "", **values})
    if after.token != before.token and "until" not in values:
        after = replace(after, until=-1)
    _turn_to(after)
    st.session_state[_CHANGED] = True


def _own() -> dict[str, Any]:
    """Page id → its fields, of the pages this session has seen."""
    kept: dict[str, Any] = st.session_state.setdefault(_OWN, {})
    return kept


def _keep(own: PageFields) -> None:
    st.session_state[_OWN] = {**_own(), own.page: own}


def _source(view: View) -> tuple[str, str, str]:
    return view.text, view.pair, view.model


def _turn_to(after: View) -> None:
    if _VIEW in st.session_state and _source(after) != _source(view()):
        st.session_state[_OWN] = {page: own.without_text() for page, own in _own().items()}
    st.session_state[_VIEW] = asdict(after)


def open_example(example_id: str) -> None:
    """Put an example's texts and selection in the view."""
    example = EXAMPLES[example_id]
    change(text=example.text, pair=example.pair, token=example.token, explain="")


def begin(page: str, group: type[PageFields] | None = None) -> View:
    """Bring session and address together; called once at the start of every run of a page, with the page's own fields.

    The address wins on the first run and when the user went back or forward (it changed and no widget did);
    otherwise the session wins. It also wins over a link of the menu, which may have been drawn before the last change.
    """
    parameters = dict(st.query_params)
    changed = st.session_state.pop(_CHANGED, False)
    st.session_state.pop(_REDRAW, None)
    stays = st.session_state.get(_PAGE) == page
    known = st.session_state.get(_ADDRESS) if stays else st.session_state.get(_LINKS, {}).get(page)
    moved = not changed and parameters != known
    st.session_state[_PAGE] = page
    if _VIEW not in st.session_state or moved:
        _turn_to(View.from_parameters(parameters))
        if group is not None:
            _keep(address.read(parameters, group()))
    elif group is not None:
        _keep(fields(group))
    write_address()
    return view()


def write_address() -> None:
    """Write the view and the open page's fields into the address, if they are not there yet."""
    parameters = full_address(view(), _own().get(st.session_state[_PAGE]))
    if parameters != dict(st.query_params):
        st.query_params.from_dict(parameters)
    st.session_state[_ADDRESS] = parameters
    st.session_state.pop(_CHANGED, None)


def link(page: str, shared: View | None = None, **own: str) -> dict[str, str]:
    """The parameters of a link to a page: the view (or another one), and the page's own fields as the session knows
    them or as they are given here."""
    kept = _own().get(page)
    if shared is None:
        parameters = full_address(view(), kept)
        st.session_state[_LINKS] = {**st.session_state.get(_LINKS, {}), page: parameters}
        return parameters
    if kept is not None and _source(shared) != _source(view()):
        kept = kept.without_text()
    return full_address(shared, kept) | own


def bind(
    name: str, group: type[PageFields] | None = None, /, *, options: Mapping[Any, Any] | None = None, shown: Any = None
) -> dict[str, Any]:
    """``key`` and ``on_change`` of a widget that shows and changes one field of the view, or of a page's own group.

    ``options`` (the widget's valid values) guards against a value from a link that the widget does not have; ``shown``
    is shown instead of the field where the page had to adapt it.
    """
    # Other options make another widget: a click elsewhere brings along every widget's value as the browser last saw it,
    # and the old value of a widget that the page has changed since would count as the user's choice.
    widget = f"widget_{name}" if group is None else f"widget_{group.page}_{name}"
    key = widget if options is None else f"{widget}_{crc32(repr(list(options)).encode()):08x}"
    value = getattr(view() if group is None else fields(group), name) if shown is None else shown
    if options is not None and value not in options:
        value = next(iter(options))
    # Streamlit sends every assigned value to the browser, where it replaces what is being typed: assign only news.
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    remember(widget, key)

    def changed() -> None:
        chosen = st.session_state[key]
        # a segmented control can be emptied; the view keeps its choice
        if chosen is not None and remembered(widget) == key:
            change(group, **{name: chosen})

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
