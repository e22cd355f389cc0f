"""What is tested: a suite on board or the visitor's own, its word lists, and the texts they are tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from components import state
from components.gateway import suites
from components.gateway.library import gb
from components.gateway.requests import ModelRequest
from components.shared.run_list import say_refused, with_error
from components.text import plain, shortened
from components.views.behaviour_tests.fields import BehaviourFields

if TYPE_CHECKING:
    from glassbert.suites import Suite

__all__ = ["ask_labels", "choose_suite", "draw_editor"]

_UPLOADED, _REFUSED, _OWN = "suite_uploaded", "suite_refused", "suites_of_the_visitor"


def choose_suite() -> tuple[str, Suite] | None:
    """The id of the suite and the suite itself; None where it is not kept any more, which the page says."""
    chosen = state.fields(BehaviourFields).suite
    names = {name: f"{told[:1].upper()}{told[1:]}" for name, told in suites.on_board().items()}
    for own in {**state.remembered(_OWN, {}), **({chosen: ""} if suites.is_own(chosen) else {})}:
        if (file := suites.own_file(own)) is not None:
            names[own] = f"Your own: {file.name}"
    left, right = st.columns([0.6, 0.4], gap="large")
    with right:
        _upload()
    shown = chosen if chosen in names else next(iter(names))
    with left:
        st.selectbox(
            "What is tested",
            list(names),
            format_func=lambda name: shortened(names[name], 100),
            **state.bind("suite", BehaviourFields, options=names, shown=shown, initial="index"),
        )
        if suites.is_own(chosen) and chosen not in names:
            st.info(
                "The suite that this address names is not kept on this server any more: upload it again.",
                icon=":material/info:",
            )
            return None
    found = suites.suite(shown)
    return None if found is None else (shown, found)


def _upload() -> None:
    uploaded = st.file_uploader(
        "Or your own suite",
        type=list(suites.ENDINGS),
        key="own_suite",
        max_upload_size=1,
        help="YAML or CSV: templates with lists of names, places or other words, and what must not change, must "
        "fall or must be answered. `help(gb.read_suite)` describes both forms. It is kept on this server, under an "
        "address that only you know.",
    )
    if uploaded is None:
        state.remember(_REFUSED, "")
        return
    if state.remembered(_UPLOADED) != uploaded.file_id:
        state.remember(_UPLOADED, uploaded.file_id)
        try:
            _turn_to(suites.keep(uploaded.name, uploaded.getvalue()))
        except gb.GlassBERTError as error:
            state.remember(_REFUSED, str(error))
        else:
            state.remember(_REFUSED, "")
            st.rerun()
    if refused := state.remembered(_REFUSED, ""):
        st.error(plain(f"{refused[:1].upper()}{refused[1:]}"), icon=":material/error:")


def _turn_to(own: str) -> None:
    state.remember(_OWN, {**state.remembered(_OWN, {}), own: True})
    state.change(BehaviourFields, suite=own, test="")


def draw_editor(name: str, chosen: Suite) -> None:
    """The file of the suite, to be edited, and texts of one's own for the tests that make variants of texts."""
    say_refused()
    changes_texts = any(test.changes_texts for test in chosen.tests)
    title = "Edit the suite, or try it on your own texts" if changes_texts else "Edit the suite"
    with st.expander(title, icon=":material/edit:", key="edit_suite"):
        if changes_texts:
            st.text_area(
                "Your own texts, one a line",
                height=100,
                placeholder="Left empty, the texts of the suite are used.",
                help="Names, places, typos or phrases are then changed in these texts. Tests that have examples of "
                "their own are left out.",
                **state.bind("texts", BehaviourFields),
            )
        file, text = suites.written(name)
        edited = state.remembered("suite_edited", ("", ""))
        current = edited[1] if edited[0] == name else text
        st.text_area(
            f"The suite, {plain(file)}",
            height=320,
            help="A list is a name and its words, in groups where results are compared by group. `help(gb.read_suite)` "
            "describes the form.",
            **state.control(
                "suite_text", current, lambda given: state.remember("suite_edited", (name, given)), of=name
            ),
        )
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Use this version",
                key="use_suite",
                icon=":material/check:",
                disabled=current == text,
                help="It becomes a suite of your own; the one on board stays as it is.",
                on_click=with_error,
                args=(lambda: _turn_to(suites.keep(file, current.encode())),),
            )
            st.download_button(
                "Download",
                current.encode(),
                file,
                key="download_suite",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
            )


def ask_labels(request: ModelRequest, name: str, chosen: Suite) -> dict[str, str] | None:
    """The model's names of labels that it has under no name of the suite; None until each is chosen."""
    missing, known = suites.unknown_labels(request, chosen)
    if not missing:
        return {}
    kept = f"suite_labels_{name}_{request.source}"
    given: dict[str, str] = {label: one for label, one in state.remembered(kept, {}).items() if one in known}
    st.markdown("The model calls the labels of this suite otherwise. Which of its labels is meant?")
    with st.container(horizontal=True, gap="medium"):
        for number, label in enumerate(missing):

            def choose(one: str, label: str = label) -> None:
                state.remember(kept, {**state.remembered(kept, {}), label: one})

            st.selectbox(
                shortened(label, 40),
                ["", *known],
                format_func=lambda one: shortened(one, 40) or "choose a label",
                width=260,
                **state.control(
                    f"suite_label_{number}",
                    given.get(label, ""),
                    choose,
                    options=["", *known],
                    of=f"{name}_{request.source}",
                    initial="index",
                ),
            )
    return given if set(missing) <= set(given) else None
