"""JSON as strangers may write it: a few changes, anywhere, to what is valid, or to its characters."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

__all__ = ["damaged", "mutated", "pipelines"]

_NUMBERS = (0, 1, -1, 2, 3, 7, 64, 513, 100_000, 2**31, 10**12, 10**30, -(10**30), 0.5, -0.5, 1e-300, 1e300)
_CONSTANTS = (float("nan"), float("inf"), float("-inf"))
_WORDS = (
    "",
    " ",
    "x",
    "12",
    "gelu",
    "relu",
    "no such thing",
    "a" * 3000,
    "\x00",
    "\ud800",
    "../../etc/passwd",
    "[PAD]",
)
_OTHERS = (None, True, False, [], {}, [[]], [None], {"": None}, {"type": "NFC"}, [1, "a"], {"0": "a", "1": "b"})
_DEEP = json.loads("[" * 200 + "]" * 200)
junk = st.sampled_from((*_NUMBERS, *_CONSTANTS, *_WORDS, *_OTHERS, _DEEP)).map(copy.deepcopy)


@st.composite
def mutated(draw: st.DrawFn, document: dict[str, Any], names: Iterable[str] = ()) -> dict[str, Any]:
    """The document with one to three changes. ``names``: entries that may be added to it."""
    document, names = copy.deepcopy(document), sorted(names)
    for _ in range(draw(st.integers(1, 3))):
        if names and draw(st.booleans()):
            document[draw(st.sampled_from(names))] = draw(junk)
        else:
            _change(draw, document)
    return document


def _change(draw: st.DrawFn, document: Any) -> None:
    """Change one entry, found by going down from the top: each level is as likely as all below it."""
    within, key = _place(draw, document)
    if key is None:
        return
    value = within[key]
    match draw(st.sampled_from(["junk", "junk", "remove", "wrap", "repeat", "exchange", "opposite", "rename"])):
        case "junk":
            within[key] = draw(junk)
        case "remove":
            del within[key]
        case "wrap":
            within[key] = draw(st.sampled_from([[value], {"type": value}, str(value), [value, value]]))
        case "repeat" if isinstance(value, (list, str)):
            within[key] = value * draw(st.sampled_from([2, 100]))
        case "exchange":
            other, place = _place(draw, document)
            if place is not None and not isinstance(value, (list, dict)):
                within[key], other[place] = copy.deepcopy(other[place]), value
        case "opposite" if type(value) in (int, float, bool):
            within[key] = (
                not value if isinstance(value, bool) else draw(st.sampled_from([-value, value + 1, value / 2]))
            )
        case "rename" if isinstance(within, dict):
            within[draw(st.sampled_from(["", "x", "type", f"{key}s"]))] = within.pop(key)


def _place(draw: st.DrawFn, document: Any) -> tuple[Any, Any]:
    within, key = document, None
    while isinstance(document, (dict, list)) and document:
        within = document
        # of a vocabulary, a few entries are enough
        keys = sorted(document, key=str)[:40] if isinstance(document, dict) else list(range(min(len(document), 40)))
        key = draw(st.sampled_from(keys))
        document = document[key]
        if draw(st.booleans()):
            break
    return within, key


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes of a JSON file, cut off or with a few of them replaced."""
    changed = bytearray(content[: draw(st.integers(0, len(content)))] if draw(st.booleans()) else content)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(changed)))
        changed[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [b"", b"\x00", b"\xff", b"{", b"]", b'"', b",", b"NaN", b"1e999", b"-", b"\\ud800", b"null"]
            )
        )
    return bytes(changed)


# --- the steps of a tokenizer -----------------------------------------------------------------------------------

_texts = st.sampled_from(["a", " ", "", "##", "▁", "Ġ", "é", "the", "a" * 50, "\x00", "\u0301", "🙂"])
_patterns = st.one_of(
    st.fixed_dictionaries({"String": _texts}),
    st.fixed_dictionaries(
        {"Regex": st.sampled_from(["a", "", ".", r"\s+", "(a+)+$", "(", "[", r"\p{L}*", "(?=a)", "a{1000}", "^", "."])}
    ),
)
_switches = st.booleans()


def _step(name: str, **parameters: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(name), **parameters})


_BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
_behaviors = st.sampled_from(_BEHAVIORS)
_small = st.sampled_from([-1, 0, 1, 5, 10**6])
_normalizers = st.one_of(
    *(_step(name) for name in ("NFC", "NFKD", "StripAccents", "Lowercase", "Nmt", "ByteLevel")),
    _step(
        "BertNormalizer",
        clean_text=_switches,
        handle_chinese_chars=_switches,
        strip_accents=st.none() | _switches,
        lowercase=_switches,
    ),
    _step("Strip", strip_left=_switches, strip_right=_switches),
    _step("Prepend", prepend=_texts),
    _step("Replace", pattern=_patterns, content=_texts),
    _step("Precompiled", precompiled_charsmap=st.sampled_from(["", "AAAA", "////", "BAAAAAAAAAA=", "x", "AAEAAAA="])),
)
_pre_tokenizers = st.one_of(
    *(_step(name) for name in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")),
    _step("ByteLevel", add_prefix_space=_switches, trim_offsets=_switches, use_regex=_switches),
    _step(
        "Metaspace",
        replacement=st.sampled_from(["▁", "a", " "]),
        prepend_scheme=st.sampled_from(["always", "first", "never"]),
        split=_switches,
    ),
    _step("CharDelimiterSplit", delimiter=st.sampled_from(["a", " ", "é"])),
    _step("Digits", individual_digits=_switches),
    _step("FixedLength", length=_small),
    _step("Punctuation", behavior=_behaviors),
    _step("Split", pattern=_patterns, behavior=_behaviors, invert=_switches),
)
_ids = st.sampled_from([-1, 0, 2, 3, 511, 512, 99_999])
_processors = st.one_of(
    _step("ByteLevel", add_prefix_space=_switches, trim_offsets=_switches, use_regex=_switches),
    _step("BertProcessing", sep=st.tuples(_texts, _ids), cls=st.tuples(_texts, _ids)),
    _step(
        "RobertaProcessing",
        sep=st.tuples(_texts, _ids),
        cls=st.tuples(_texts, _ids),
        trim_offsets=_switches,
        add_prefix_space=_switches,
    ),
    _step("TemplateProcessing", single=st.just([]), pair=st.just([]), special_tokens=st.just({})),
    _step(
        "TemplateProcessing",
        single=st.just([{"Sequence": {"id": "A", "type_id": 0}}]),
        pair=st.sampled_from(
            [
                [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                [{"Sequence": {"id": "B", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 0}}],
                [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            ]
        ),
        special_tokens=st.just({}),
    ),
)


def _sequence(name: str, steps: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any] | None]:
    kinds = {"normalizer": "normalizers", "pre_tokenizer": "pretokenizers", "post_processor": "processors"}
    several = st.lists(steps, max_size=3)
    return st.none() | steps | several.map(lambda chosen: {"type": "Sequence", kinds[name]: chosen})


@st.composite
def pipelines(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """The content of a tokenizer.json with other steps: those that the library knows, in any order, oddly set."""
    document = copy.deepcopy(document)
    parts = {"normalizer": _normalizers, "pre_tokenizer": _pre_tokenizers, "post_processor": _processors}
    for name in draw(st.lists(st.sampled_from(sorted(parts)), min_size=1, max_size=2, unique=True)):
        document[name] = draw(_sequence(name, parts[name]))
    return document
