"""The view, the pages' own fields and the address: what a link restores, and what it does with nonsense."""

from __future__ import annotations

import ast
import base64
import tracemalloc
import zlib
from dataclasses import fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components import address
from components.examples import EXAMPLES, FIRST
from components.shared import crossing, questions
from components.shared.questions import KINDS
from components.shell.navigation import PAGES
from components.state import MADE, WEIGHTS, PageFields, View, full_address
from components.views import attention, compare, entities, inputs, masked_words, question_answering, saliency, what_if
from components.views.attention.fields import AttentionFields
from components.views.behaviour_tests.fields import BehaviourFields
from components.views.compare.fields import CompareFields
from components.views.compress.fields import CompressFields
from components.views.data_set.fields import DataSetFields
from components.views.definitions.fields import DefinitionsFields
from components.views.entities.fields import EntitiesFields
from components.views.fine_tuning.fields import FineTuningFields
from components.views.inputs.fields import InputsFields
from components.views.masked_words.fields import MaskedWordsFields
from components.views.next_sentence.fields import NextSentenceFields
from components.views.question_answering.fields import AnswersFields
from components.views.saliency.fields import SaliencyFields
from components.views.similarity import SimilarityFields
from components.views.tour.fields import TourFields
from components.views.what_if.fields import WhatIfFields

ROOT = Path(__file__).resolve().parents[2]
FRESH = View()
#: Nothing repeats, so that it cannot be compressed much.
LONG = "".join(sha256(str(number).encode()).hexdigest() for number in range(300))
SIGNS = "".join(chr(0x4E00 + int(digit, 16) * 997 + number % 997) for number, digit in enumerate(LONG[:5_000]))
#: English of 300 words.
ENGLISH = " ".join(example.text for example in [*EXAMPLES.values()] * 4)
GROUPS: tuple[type[PageFields], ...] = (
    AnswersFields,
    AttentionFields,
    BehaviourFields,
    CompareFields,
    CompressFields,
    DataSetFields,
    DefinitionsFields,
    EntitiesFields,
    FineTuningFields,
    InputsFields,
    MaskedWordsFields,
    NextSentenceFields,
    SaliencyFields,
    SimilarityFields,
    TourFields,
    WhatIfFields,
)
EVERY = [(group, field.name) for group in (View, *GROUPS) for field in fields(group)]
assert not {MADE, WEIGHTS, address.PACKED} & {name for _, name in EVERY}
NAMES = [f"{group.__name__}.{name}" for group, name in EVERY]


@cache
def kind_of(group: type, name: str) -> Any:
    return get_type_hints(group, include_extras=True)[name]


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Everything that a field of this type can be."""
    if kind is bool:
        return st.booleans()
    if kind is str:
        return st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    assert get_origin(kind) is Annotated
    bounds = kind.__metadata__[0]
    return st.integers(bounds.least, bounds.most)


def all_of(group: type) -> st.SearchStrategy[Any]:
    return st.builds(group, **{field.name: values_of(kind_of(group, field.name)) for field in fields(group)})


views = st.builds(
    lambda view, model, text, pair: replace(view, model=model or "m", text=text or view.text, pair=pair or view.pair),
    all_of(View),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["", FIRST.text]),
    st.sampled_from(["", FIRST.pair]),
)


@given(views)
@example(FRESH)
@example(replace(FRESH, token=-1))
@example(replace(FRESH, text="Something else.", token=FIRST.token))
@example(replace(FRESH, text="", pair="", token=-1))
def test_a_link_restores_the_view(view: View) -> None:
    parameters = view.parameters()
    assert View.from_parameters(parameters) == view
    # and on its way through a browser's address bar
    query = parse_qs(urlencode(parameters), keep_blank_values=True)
    assert {name: values[0] for name, values in query.items()} == parameters


@pytest.mark.parametrize("group", GROUPS)
@given(data=st.data())
def test_a_link_restores_a_page_s_own_fields_and_the_view(group: type[PageFields], data: st.DataObject) -> None:
    view, own = data.draw(views), data.draw(all_of(group))
    parameters = full_address(view, own)
    assert View.from_parameters(parameters) == view
    assert address.read(parameters, group()) == own


@pytest.mark.parametrize("group", [View, *GROUPS])
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_written_in_full_does_not_hang_on_defaults(group: type, data: st.DataObject) -> None:
    """Another version has others."""
    own, elsewhere = data.draw(all_of(group)), data.draw(all_of(group))
    assert address.read(address.written_in_full(own), elsewhere) == own


@given(st.dictionaries(st.sampled_from([name for _, name in EVERY]) | st.text(max_size=10), st.text(max_size=30)))
@example({name: "9" * 5_000 for _, name in EVERY})
@example({name: "9" * 4_000 for _, name in EVERY})
@example({name: "\ud800\x00" for _, name in EVERY})
def test_any_address_is_a_view(parameters: dict[str, str]) -> None:
    view = View.from_parameters(parameters)
    for group in GROUPS:
        own = address.read(parameters, group())
        for part in (view, own):
            for field in fields(part):
                kind, value = kind_of(type(part), field.name), getattr(part, field.name)
                if get_origin(kind) is Literal:
                    assert value in get_args(kind)
                elif get_origin(kind) is Annotated:
                    assert kind.__metadata__[0].least <= value <= kind.__metadata__[0].most
                else:
                    assert type(value) is kind
        full_address(view, own)


#: What a parameter of a link may be: odd numbers, markup, half characters, the wrong type, far too much of it.
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        [
            *(
                "",
                " ",
                "-1",
                "0",
                "1",
                "99",
                "+7",
                " 5 ",
                "1_0",
                "１２",
                "٣",
                "1e3",
                "0x10",
                "1.5",
                "NaN",
                "-0",
                "9" * 400,
            ),
            *(
                "true",
                "None",
                "none",
                "all",
                "[]",
                "{}",
                "{",
                "}",
                "{0}",
                "{a",
                "%s",
                "%00",
                "\x00",
                "\ud800",
                "\udfff",
            ),
            *(
                "1.7",
                "1.7 2.3",
                "99.99",
                "-1.-1",
                "1.",
                ".",
                "1.7 " * 500,
                "0 1 2 3 " * 300,
                "3,",
                ",",
                ",,,",
                "a: b",
                ":",
            ),
            *(
                "[MASK]",
                "[MASK] " * 200,
                "[PAD]",
                "##",
                "</script>",
                "<b>",
                "![x](http://127.0.0.1:9/)",
                "$x^2$",
                ":red[x]",
            ),
            *("../../etc/passwd", "/dev/zero", "no/such", "cuda:99", "saliency saliency", "flow", "e\u0301" * 50),
            *("\u202e", "\u200b", "🙂" * 100, "a\nb: c, d\n" * 200, "x" * 5000, "a b " * 600, "{a} " * 100),
        ]
    ),
)


@pytest.mark.parametrize("group", GROUPS)
@given(data=st.data())
def test_an_address_that_is_written_again_is_the_same(group: type[PageFields], data: st.DataObject) -> None:
    """What the browser is shown is what a link to it means: one reading settles everything."""
    names = [field.name for part in (View, group) for field in fields(part)]
    parameters = data.draw(st.dictionaries(st.sampled_from(names), HOSTILE))
    settled = full_address(View.from_parameters(parameters), address.read(parameters, group()))
    assert full_address(View.from_parameters(settled), address.read(settled, group())) == settled
    query = parse_qs(urlencode(settled), keep_blank_values=True)
    assert {name: values[0] for name, values in query.items()} == settled


def test_a_fresh_view_has_a_bare_address() -> None:
    assert FRESH.parameters() == {}
    assert View.from_parameters({}) == FRESH
    assert [full_address(FRESH, group()) for group in GROUPS] == [{}] * len(GROUPS)


@pytest.mark.parametrize(("group", "name"), EVERY, ids=NAMES)
def test_every_field_is_in_the_address(group: type, name: str) -> None:
    fresh, kind = group(), kind_of(group, name)
    value = getattr(fresh, name)
    if get_origin(kind) is Literal:
        other = next(valid for valid in get_args(kind) if valid != value)
    else:
        other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}x"
    changed = replace(fresh, **{name: other})
    assert name in changed.parameters()
    assert address.read(changed.parameters(), group()) == changed


@pytest.mark.parametrize(("group", "name"), EVERY, ids=NAMES)
def test_what_a_field_cannot_be_falls_back(group: type, name: str) -> None:
    kind = kind_of(group, name)
    for said in ("", "x", "1.5", "nan", "0x3", "9" * 5_000, "<b>", "true"):
        if kind is not str and not (get_origin(kind) is Literal and said in get_args(kind)):
            assert address.read({name: said}, group()) == group(), said


@pytest.mark.parametrize(("group", "name"), EVERY, ids=NAMES)
def test_a_number_out_of_bounds_becomes_the_nearest(group: type, name: str) -> None:
    kind = kind_of(group, name)
    if get_origin(kind) is Annotated:
        assert getattr(address.read({name: "-9"}, group()), name) == kind.__metadata__[0].least
        assert getattr(address.read({name: "9" * 4_000}, group()), name) == kind.__metadata__[0].most
    else:
        assert not isinstance(getattr(group(), name), int) or kind is bool or get_origin(kind) is Literal


@pytest.mark.parametrize("written", ["", "2", "-1", "true", "x"])
def test_a_switch_that_is_neither_on_nor_off_falls_back(written: str) -> None:
    assert View.from_parameters({"special": written}) == FRESH


@pytest.mark.parametrize(
    ("parameters", "field", "value"),
    [
        ({"layer": "-3"}, "layer", 0),
        ({"head": "-1"}, "head", 0),
        ({"token": "-7"}, "token", -1),
        ({"model": ""}, "model", FRESH.model),
        ({"beside": ""}, "beside", ""),
        ({"special": "0"}, "special", False),
        ({"units": "probability"}, "units", "probability"),
        ({"units": "logits"}, "units", "logit"),
        ({"text": "A text of its own."}, "token", -1),
        ({"pair": "A second text."}, "token", -1),
        ({"text": "A text of its own.", "token": "2"}, "token", 2),
    ],
)
def test_what_a_link_means(parameters: dict[str, str], field: str, value: object) -> None:
    assert getattr(View.from_parameters(parameters), field) == value


def test_what_no_field_is_called_is_ignored() -> None:
    nonsense = {"utm_source": "mail", "embed": "true", "View": "1", "page": "2", "of_text": "text"}
    assert View.from_parameters(nonsense) == FRESH
    assert all(address.read(nonsense, group()) == group() for group in GROUPS)


@pytest.mark.parametrize("view", [View(text=LONG, token=900), View(pair=LONG), View(text=SIGNS)])
def test_a_text_too_long_for_a_link_is_left_out_with_its_selection(view: View) -> None:
    """Servers refuse long request lines."""
    parameters = full_address(view, MaskedWordsFields(masks="3 6"))
    assert parameters == {}
    assert full_address(replace(view, layer=3), MaskedWordsFields(masks="3", section="lens")) == {
        "layer": "3",
        "section": "lens",
    }


@given(st.text(max_size=3_000), st.text(max_size=3_000))
@example("/" * 2_900, "/" * 3_000)
@example("字" * 800, "字" * 3_000)
def test_no_address_is_longer_than_a_server_accepts(text: str, template: str) -> None:
    clean, other = (said.encode("utf-8", "replace").decode() for said in (text, template))
    own = MaskedWordsFields(template=other, words=other, fillers=other)
    assert len(urlencode(full_address(View(text=clean, pair=clean, word=other), own))) <= address.LONGEST


# --- packed addresses --------------------------------------------------------------------------------------------


def packed(content: bytes) -> str:
    """Any content, as it would stand in an address."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.urlsafe_b64encode(compress.compress(content) + compress.flush()).decode().rstrip("=")


@pytest.mark.parametrize("text", [ENGLISH, ENGLISH * 6, "字は" * 400, "مرحبا " * 500, "🙂 " * 300], ids=len)
def test_a_long_text_fits_into_an_address(text: str) -> None:
    view = View(text=text, pair=ENGLISH[::-1], token=200, layer=4, other_text=text[:-1])
    own = WhatIfFields(section="smallest", swaps="a/b, " * 200)
    link = full_address(view, own)
    query = parse_qs(urlencode(link), keep_blank_values=True)
    back = {name: values[0] for name, values in query.items()}
    assert View.from_parameters(back) == view
    assert address.read(back, WhatIfFields()) == own
    assert len(urlencode(link)) <= address.LONGEST
    assert link["layer"] == "4", "what is short stays readable"
    assert set(address.unpacked(link)) == set(view.parameters() | own.parameters()), "nothing is left out"


def test_a_short_address_is_readable() -> None:
    assert full_address(View(text=ENGLISH[:800], token=-1)) == {"text": ENGLISH[:800]}
    assert address.PACKED not in View(text=LONG).parameters()


@pytest.mark.parametrize("group", GROUPS)
@settings(max_examples=max(settings().max_examples // 5, 1))
@given(data=st.data())
def test_a_packed_address_restores_every_field(group: type[PageFields], data: st.DataObject) -> None:
    view, own = data.draw(views), data.draw(all_of(group))
    view = replace(view, text=ENGLISH * 3)
    parameters = full_address(view, own)
    assert address.PACKED in parameters
    assert View.from_parameters(parameters) == view
    assert address.read(parameters, group()) == own


BOMB = packed(b"{" + b" " * 50_000_000 + b"}")


@pytest.mark.parametrize(
    "value",
    [
        *("", "=", "====", "a", "!!!!", "AAAA", "z" * 7_000, "\ud800", "字", "a b", "%00", BOMB, BOMB[:-40]),
        packed(b""),
        packed(b"[]"),
        packed(b"3"),
        packed(b"null"),
        packed(b"[" * 100_000),
        packed(b'{"a":' * 50_000),
        packed(b'{"layer": ' + b"9" * 5_000 + b"}"),
        packed(b"\xff\xfe"),
        packed(b'{"layer": 3, "text": ["a"], "token": null, "special": false}'),
        packed(b'{"z": "AAAA"}'),
        packed(b'{"layer": "3"}') + packed(b'{"layer": "4"}'),
        packed(b'{"layer": "3"}')[:-3],
    ],
    ids=lambda value: value[:12],
)
def test_a_value_that_is_no_packed_address_is_nothing(value: str) -> None:
    tracemalloc.start()
    assert View.from_parameters({"z": value}) == FRESH
    assert address.read({"z": value}, WhatIfFields()) == WhatIfFields()
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert len(BOMB) < 100_000, "it is small before it is unpacked"


def test_what_is_written_plainly_counts_before_what_is_packed() -> None:
    both = {"z": packed(b'{"text": "packed", "layer": "3"}'), "text": "plain"}
    assert View.from_parameters(both) == View(text="plain", layer=3, token=-1)


def test_half_a_character_in_a_packed_value_is_replaced() -> None:
    assert View.from_parameters({"z": packed(b'{"text": "\\ud800"}')}).text == "\ufffd"


# --- one name for one idea ---------------------------------------------------------------------------------------


def test_every_page_opens_with_the_fields_of_its_folder() -> None:
    opened = {}
    for page in PAGES.values():
        (call,) = [
            node
            for node in ast.walk(ast.parse((ROOT / page.file).read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open_page"
        ]
        opened[page.id] = [ast.unparse(argument) for argument in call.args]
    owners = {group.page: [f"'{group.page}'", group.__name__] for group in GROUPS}
    assert opened == {page: owners.get(page, [f"'{page}'"]) for page in PAGES}
    for group in GROUPS:
        assert group.__module__ == f"components.views.{group.page}.fields"


def test_a_page_s_own_fields_have_other_names_than_the_shared_ones() -> None:
    shared = {field.name for field in fields(View)}
    for group in GROUPS:
        own = {field.name for field in fields(group)}
        assert not own & shared
        assert set(group.of_text) <= own


@pytest.mark.parametrize(
    ("group", "name", "offered"),
    [
        (AttentionFields, "section", attention._SECTIONS),
        (AttentionFields, "mark", attention.heads.MARKS),
        (AttentionFields, "order", attention.heads._ORDERS),
        (AttentionFields, "combine", attention.heads._COMBINED),
        (AttentionFields, "focus", attention.heads._FOCUS),
        (AttentionFields, "drawn", attention.heads._DRAWN),
        (AttentionFields, "bertviz", attention.bertviz_views._VIEWS),
        (CompareFields, "section", compare._SECTIONS),
        (CompareFields, "sides", ("", *compare.sides._KINDS)),
        (InputsFields, "section", inputs._SECTIONS),
        (MaskedWordsFields, "section", masked_words._SECTIONS),
        (MaskedWordsFields, "scoring", masked_words.surprise._VARIANTS),
        (SaliencyFields, "section", saliency._SECTIONS),
        (SaliencyFields, "order", saliency.rows._ORDERS),
        (SaliencyFields, "agreement", saliency.agreement._MEASURES),
        (SaliencyFields, "broken", saliency.teaching._KINDS),
        (AttentionFields, "switch_by", attention.ablation._BARS),
        (SaliencyFields, "scale", saliency.rows._SCALES),
        (WhatIfFields, "section", what_if._SECTIONS),
        (WhatIfFields, "proposals", what_if.smallest._PROPOSALS),
        (WhatIfFields, "max_edits", what_if.smallest._EDITS),
        (WhatIfFields, "patch", what_if.tracing._KINDS),
        (EntitiesFields, "aggregation", entities.found._AGGREGATIONS),
        (AnswersFields, "none", question_answering.found._NONE),
        (View, "block", attention.heads._BLOCKS),
        (View, "units", questions._UNITS),
    ],
)
def test_a_page_offers_the_values_a_link_can_have(group: type, name: str, offered: Any) -> None:
    assert list(offered) == list(get_args(kind_of(group, name)))


def test_the_values_that_depend_on_text_and_model_are_guarded_by_the_page() -> None:
    """They are plain text in the view; what the text cannot be asked falls back where it is drawn."""
    assert kind_of(View, "explain") is kind_of(View, "method") is str
    assert "" not in KINDS
    assert set(crossing._BLOCKS) < set(get_args(kind_of(View, "block")))
