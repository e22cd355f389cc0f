"""What the user has chosen. The only module that uses ``st.session_state`` and ``st.query_params``.

Each session has one :class:`View` for what all pages share, and for each page its own choices: the page's
:class:`PageFields`, declared in its folder. Widgets are controlled: each shows a field and changes it in a
callback (:func:`bind`).

The address of a page contains the view and the page's own fields, so that a copied link opens the same model, text and
selection, and ``section`` can be a field of every page. The fields of other pages stay in the session, so that a page
looks the same when the user returns. A menu link contains the view and the session's fields of its page, so that it
opens the same page in a new tab. Parameters that match no field are ignored, and removed at the next change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from dataclasses import fields as declared
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from zlib import crc32

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from components import address
from components.address import Between, Count, Place
from components.examples import EXAMPLES, FIRST
from components.text import well_formed

__all__ = [
    "MADE",
    "OF_TOKENS",
    "SHARED",
    "WEIGHTS",
    "DecidedBy",
    "Origin",
    "PageFields",
    "View",
    "begin",
    "bind",
    "change",
    "choices",
    "control",
    "event",
    "everything",
    "fields",
    "full_address",
    "in_full",
    "lacking",
    "link",
    "open_elsewhere",
    "open_example",
    "origin",
    "page",
    "redraw_page",
    "redraw_page_if_asked",
    "remember",
    "remembered",
    "restore",
    "value",
    "view",
    "write_address",
]

# Addresses of the open page that the browser may not have seen yet.
_LATE_ADDRESSES = 20
# Menu links of one page that the browser may still show: a click may come before the menu is drawn again.
_OLD_LINKS = 20

_VIEW, _OWN, _PAGE, _ADDRESS, _LINKS = "view", "page_fields", "page", "address", "menu_links"
_WRITTEN = "written_addresses"
_CHANGED, _REDRAW = "view_changed", "redraw_page"
_GIVEN, _MADE_WITH = "given_parameters", "made_with"

#: What the model decides about a text that it reads in windows, see `glassbert.Windows`.
DecidedBy = Literal["mean", "strongest"]

#: The argument of a widget that holds its first value; "": by its options, see `control`.
Initial = Literal["", "value", "default", "index"]


@dataclass(frozen=True, slots=True)
class View:
    """What all pages share. ``token`` −1: none is selected; layers, heads and tokens count from 0."""

    model: str = "pretrained"
    beside: str = "sentiment"
    shown_model: Literal["", "model", "beside"] = ""  # whose attention is shown; "": the one that makes the decision
    device: str = "auto"
    half: bool = False  # the main model in half precision
    beside_half: bool = False  # … and the second one
    text: str = FIRST.text
    pair: str = FIRST.pair
    other_text: str = ""  # a second text to compare with the first; "": that of the example
    other_pair: str = ""  # its text B; "": the same as the first one's
    layer: Count = 1  # in the first sentence this head attends from "superb" to "acting"
    head: Count = 7
    token: Place = FIRST.token
    toward: Place = -1  # a second token: heads are ranked by the weight between `token` and it; −1: none
    until: Place = -1  # the last token of a selected span that begins with `token`
    window: Count = 0  # the one that is shown of a text longer than the models read
    decided_by: DecidedBy = "mean"  # what the whole of it is decided by
    present: bool = False  # larger, without the menu
    panel: Literal["all", "attention", "predictions", "saliency"] = "all"  # of the Workbench, in a presentation
    verdict: bool = True  # say above the pictures what carries the answer, what flips it, and how far to trust that
    expert: bool = False  # names, formulas, numbers and counts of passes instead of plain words
    special: bool = True  # show [CLS], [SEP] and the like
    by_word: bool = False  # words instead of pieces
    block: Literal["", "A→A", "A→B", "B→A", "B→B"] = ""  # part of the attention within a text pair; "": all of it
    method: str = "attn_lrp"  # one pass, no baseline, and its first word is the one that people would change most often
    explain: str = ""  # what the saliency explains, see questions.KINDS; "" chooses by the text
    # A label and a word are kept apart: the foil of a class must not become the foil of a masked word.
    label: str = ""  # the label that is explained; "": the predicted one
    foil_label: str = ""  # … rather than which label
    word: str = ""  # the masked word that is explained; "": the first choice
    foil_word: str = ""  # … rather than which word
    units: Literal["logit", "probability"] = "logit"
    # Of two classes, the second is the answer above this probability, in percent.
    decide_at: Annotated[int, Between(1, 99)] = 50

    def parameters(self) -> dict[str, str]:
        """The fields that differ from a fresh view."""
        fresh = View()
        if (self.text, self.pair) != (fresh.text, fresh.pair):
            fresh = replace(fresh, token=-1)
        return address.written(self, fresh)

    @property
    def threshold(self) -> float:
        """``decide_at`` as a probability."""
        return self.decide_at / 100

    @property
    def too_long_for_a_link(self) -> bool:
        """Whether the texts are too long for an address, which then has none, and nothing that refers to them."""
        return not address.fits(address.packed(self.parameters()))

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> View:
        """The view of an address; invalid fields fall back to those of a fresh view. If the link has a text of its own,
        no token is selected unless the link specifies one."""
        fresh, parameters = cls(), address.unpacked(parameters)
        if "text" in parameters or "pair" in parameters:
            fresh = replace(fresh, token=-1)
        read = address.read(parameters, fresh)
        return replace(read, model=read.model or fresh.model)


#: The names of what all pages share.
SHARED = frozenset(field.name for field in declared(View))
#: What refers to tokens of the texts, and goes with them.
OF_TOKENS = ("token", "toward", "until", "window")
_TEXTS = ("text", "pair", "other_text", "other_pair", *OF_TOKENS)
#: The parameter of a shared link that says which version of GlassBERT made it.
MADE = "made"
#: … and the one that says with which weights: the short hash of each model's, by its role, "model-0a1b2c3d.beside-…".
WEIGHTS = "weights"


@dataclass(frozen=True, slots=True)
class Origin:
    """What made the link or the file that opened the view: the version of GlassBERT, and role → the short hash of the
    weights that its model had; "" and nothing where it does not say."""

    version: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageFields:
    """The user's choices that belong to one page alone: the base of the dataclass in that page's ``fields.py``.

    Its fields have types that :mod:`components.address` reads, names that :class:`View` does not use, and defaults.
    ``page`` is the page's id; ``of_text`` names the fields that are reset by another text or model.
    """

    page: ClassVar[str] = ""
    of_text: ClassVar[tuple[str, ...]] = ()

    def parameters(self) -> dict[str, str]:
        """The fields that differ from a fresh page."""
        return address.written(self, type(self)())

    def without_text(self) -> PageFields:
        """The fields after a change of text: those in ``of_text`` are reset."""
        fresh = type(self)()
        return replace(self, **{name: getattr(fresh, name) for name in self.of_text})


Group = TypeVar("Group", bound=PageFields)


def full_address(view: View, own: PageFields | None = None) -> dict[str, str]:
    """The parameters of a page: the view's and the page's own. If the address is too long for a server, the texts are
    left out with what refers to them, or else the longest of the page's own."""
    return _shortened(view, own)[0]


def everything(page: str) -> dict[str, str]:
    """All parameters of a page, however long: the view's and the page's own."""
    own = _own().get(page)
    return view().parameters() | (own.parameters() if own is not None else {})


def in_full(page: str) -> dict[str, str]:
    """The same with those that are as in a fresh session: another version may have other defaults."""
    own = _own().get(page)
    return address.written_in_full(view()) | (address.written_in_full(own) if own is not None else {})


def lacking(page: str) -> list[str]:
    """The names of those that the page's address has no room for."""
    return _shortened(view(), _own().get(page))[1]


def open_elsewhere(page: str, parameters: Mapping[str, str]) -> None:
    """The page reads these in place of its address when it is opened next, however long they are."""
    st.session_state[_GIVEN] = page, dict(parameters)


def origin() -> Origin:
    """What made the link or the file that opened this text and model. Of the second model only while it is the same."""
    version, weights, source, beside = st.session_state.get(_MADE_WITH, ("", "", None, None))
    if source != _source(view()):
        return Origin()
    said = {role: short for role, _, short in (one.partition("-") for one in weights.split(".")) if short}
    if view().beside != beside:
        said.pop("beside", None)
    return Origin(version, said)


def _shortened(view: View, own: PageFields | None) -> tuple[dict[str, str], list[str]]:
    everything = view.parameters() | (own.parameters() if own is not None else {})
    parameters = dict(everything)
    if view.too_long_for_a_link:
        of_text = {*_TEXTS, *(own.of_text if own is not None else ())}
        parameters = {name: value for name, value in parameters.items() if name not in of_text}
    while not address.fits(short := address.packed(parameters)):
        others = {name: value for name, value in parameters.items() if name not in _TEXTS}
        del parameters[max(others or parameters, key=lambda name: address.length({name: parameters[name]}))]
    return short, [name for name in everything if name not in parameters]


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
    # after a hot reload, the class of the same name is a new one
    return kept if kept.__class__ is group else address.read(kept.parameters(), group())


def change(group: type[PageFields] | None = None, /, **values: Any) -> None:
    """Change fields of the view, or of a page's own group. A new text or model resets the selected token and every
    other field about the text; a new text also resets the text it was compared with."""
    # half a character, as a script or a broken clipboard may leave one, could not be written into an address
    values = {name: well_formed(value) if isinstance(value, str) else value for name, value in values.items()}
    if group is not None:
        _keep(replace(fields(group), **values))
        st.session_state[_CHANGED] = True
        return
    before = view()
    after = replace(before, **values)
    if _source(after) != _source(before):
        after = replace(after, **{"token": -1, "window": 0, **values})
    if (after.text, after.pair) != (before.text, before.pair):
        after = replace(after, **{"other_text": "", "other_pair": "", **values})
    if after.window != before.window:
        after = replace(after, **{"token": -1, **values})
    if after.token != before.token or _shown(after) != _shown(before):
        after = replace(after, **{"until": -1, "toward": -1, **values})
    _turn_to(after)
    st.session_state[_CHANGED] = True


def choices() -> dict[str, Any]:
    """What was chosen on all pages, for :func:`restore`."""
    return dict(_own())


def restore(kept: Mapping[str, Any]) -> None:
    """Take back what changed since :func:`choices`, such as by a model that then did not open."""
    st.session_state[_OWN] = {**_own(), **kept}


def _own() -> dict[str, Any]:
    """Page id → its fields, for the pages visited in this session."""
    kept: dict[str, Any] = st.session_state.setdefault(_OWN, {})
    return kept


def _keep(own: PageFields) -> None:
    st.session_state[_OWN] = {**_own(), own.page: own}


def _source(view: View) -> tuple[str, str, str]:
    return view.text, view.pair, view.model


def _shown(view: View) -> tuple[str, str, str, int]:
    return *_source(view), view.window


def _turn_to(after: View) -> None:
    if _VIEW in st.session_state and _shown(after) != _shown(view()):
        st.session_state[_OWN] = {page: own.without_text() for page, own in _own().items()}
    st.session_state[_VIEW] = asdict(after)


def open_example(example_id: str) -> None:
    """Set the view's texts and selection to an example's."""
    example = EXAMPLES[example_id]
    change(text=example.text, pair=example.pair, token=example.token, explain="")


def begin(page: str, group: type[PageFields] | None = None) -> View:
    """Synchronise session and address; called once at the start of every run of a page, with the page's own fields.

    The address takes precedence on the first run and when the user goes back, forward or to a link (it changed and no
    widget did); otherwise the session does, also over a menu link drawn before the last changes, and
    over an address that this page had a moment ago: what the browser sends while a run is under way still has it.
    """
    for_page, given = st.session_state.pop(_GIVEN, ("", {}))
    parameters = given if for_page == page else dict(st.query_params)
    changed = st.session_state.pop(_CHANGED, False)
    st.session_state.pop(_REDRAW, None)
    stays = st.session_state.get(_PAGE) == page
    known = st.session_state.get(_ADDRESS) if stays else None
    ours = st.session_state.get(_WRITTEN, []) if stays else st.session_state.get(_LINKS, {}).get(page, [])
    late = not _went_through_history() and parameters in ours
    moved = for_page == page or (not changed and not late and parameters != known)
    if not stays:
        st.session_state[_WRITTEN] = []
    st.session_state[_PAGE] = page
    if _VIEW not in st.session_state or moved:
        _turn_to(View.from_parameters(parameters))
        if group is not None:
            _keep(address.read(parameters, group()))
        if made := parameters.get(MADE, ""):
            st.session_state[_MADE_WITH] = made, parameters.get(WEIGHTS, ""), _source(view()), view().beside
    elif group is not None:
        _keep(fields(group))
    write_address()
    return view()


def write_address() -> None:
    """Write the view and the open page's fields into the address if they differ from it."""
    parameters = full_address(view(), _own().get(st.session_state[_PAGE]))
    if parameters != dict(st.query_params):
        st.query_params.from_dict(parameters)
    st.session_state[_ADDRESS] = parameters
    st.session_state[_WRITTEN] = [*st.session_state.get(_WRITTEN, []), parameters][-_LATE_ADDRESSES:]
    st.session_state.pop(_CHANGED, None)


def _went_through_history() -> bool:
    """Whether the browser's Back or Forward button started this run."""
    context = get_script_run_ctx(suppress_warning=True)
    return context is not None and context.is_history_navigation


def link(page: str, shared: View | None = None, **own: str) -> dict[str, str]:
    """The parameters of a link to a page: the view (or another one), and the page's own fields from the session or from
    ``own``."""
    kept = _own().get(page)
    if shared is None:
        parameters = full_address(view(), kept)
        links = st.session_state.get(_LINKS, {})
        drawn = [one for one in links.get(page, []) if one != parameters]
        st.session_state[_LINKS] = {**links, page: [*drawn, parameters][-_OLD_LINKS:]}
        return parameters
    if kept is not None and _source(shared) != _source(view()):
        kept = kept.without_text()
    parameters = full_address(shared, kept) | own
    # a link of the menu may have led there before; whoever follows this one means what it says
    links = st.session_state.get(_LINKS, {})
    if parameters in links.get(page, []):
        st.session_state[_LINKS] = {**links, page: [one for one in links[page] if one != parameters]}
    return parameters


def bind(
    name: str,
    group: type[PageFields] | None = None,
    /,
    *,
    options: Mapping[Any, Any] | None = None,
    shown: Any = None,
    initial: Initial = "",
    whole_page: bool = False,
    of: str = "",
) -> dict[str, Any]:
    """The arguments of a widget that shows and changes one field of the view, or of a page's own group.

    ``options`` (the widget's valid values) guards against values from a link that the widget does not have; ``shown``
    replaces the field's value where the page had to adapt it. A change redraws the ``whole_page``, not only the
    fragment of the widget, if other parts depend on it. ``initial`` and ``of`` are as in :func:`control`.
    """
    value = getattr(view() if group is None else fields(group), name) if shown is None else shown
    if options is not None and value not in options:
        value = next(iter(options))

    def choose(chosen: Any) -> None:
        change(group, **{name: chosen})
        if whole_page:
            redraw_page()

    widget = f"widget_{name}" if group is None else f"widget_{group.page}_{name}"
    return control(widget, value, choose, options=None if options is None else list(options), of=of, initial=initial)


def control(
    widget: str,
    value: Any,
    choose: Callable[[Any], None],
    *,
    options: Sequence[Any] | None = None,
    of: str = "",
    initial: Initial = "",
) -> dict[str, Any]:
    """The arguments of a widget that shows ``value``, and hands what the user chooses to ``choose``.

    ``initial`` is the widget's argument for its first value: "default" where there are ``options``, as for segmented
    controls and pills, "index" for a selectbox; else "value". A widget of other ``options``, or ``of`` another subject,
    is another one.

    The browser keeps the values of widgets, and sends all of them with each event: also that of a widget that the page
    has just changed, or that is no longer drawn, or that it first met without a value, because the message with the
    value was replaced by the next run's. None of these is a choice of the user. So a value is never put into a widget
    that the browser has: where it has to change, a new widget takes its place, which is made with it; and one
    counts only if it says something else than it shows.
    """
    base = widget if options is None else f"{widget}_{crc32(repr(list(options)).encode()):08x}"
    base += f"_{of}" if of else ""
    known, number = remembered(f"control_{widget}", ("", -1))
    key = _numbered(base, number)
    if known != base or key not in st.session_state or st.session_state[key] != value:
        number += 1
        key = _numbered(base, number)
    remember(f"control_{widget}", (base, number))
    shows = value

    def changed() -> None:
        nonlocal shows
        chosen = st.session_state.get(key)
        # a segmented control can be emptied; the view keeps its choice
        if chosen is None or chosen == shows or remembered(f"control_{widget}")[0] != base:
            return
        # what the browser kept is the label of an option, which another text may have changed
        if options is not None and not isinstance(chosen, list) and chosen not in options:
            return
        shows = chosen
        choose(chosen)

    name = initial or ("value" if options is None else "default")
    first = list(options or ()).index(value) if name == "index" else value
    return {"key": key, "on_change": changed, name: first}


def _numbered(base: str, number: int) -> str:
    return f"{base}_{number}" if number > 0 else base


def event(key: str) -> Mapping[str, Any]:
    """What a custom component of this key reported; read inside its callback."""
    value = st.session_state.get(key)
    return value if isinstance(value, Mapping) else {}


def remember(name: str, value: Any) -> None:
    """Store something about this session that is not part of a link, such as the last model that loaded."""
    st.session_state[f"memory_{name}"] = value


def remembered(name: str, default: Any = None) -> Any:
    """The value stored by :func:`remember`."""
    return st.session_state.get(f"memory_{name}", default)


def lead_to_text() -> None:
    """The next page that is drawn puts the cursor into its text field."""
    remember("led_to_text", led_to_text() + 1)


def led_to_text() -> int:
    """How often that was asked for in this session: the field follows each request once."""
    return int(remembered("led_to_text", 0))


def value(key: str) -> Any:
    """The value of a widget; read inside its callback."""
    return st.session_state.get(key)


def redraw_page() -> None:
    """Called in a fragment's callback if a change affects the whole page, not only the fragment."""
    st.session_state[_REDRAW] = True


def redraw_page_if_asked() -> None:
    """First line of a fragment; does nothing during a run of the whole page."""
    if st.session_state.pop(_REDRAW, False):
        st.rerun()
