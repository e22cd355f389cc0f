"""Any Unicode at all: a text is read, explained and kept to the bit, or refused in a sentence."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.results import Result
from tests import tiny
from tests.glassbert.attempts import attempt

ODD = (
    *("the ", "film ", "[MASK]", "<mask>", "[SEP]", "</s>", "##ing", "▁", "Ġ", "``", "''", "don't ", "1.5 "),
    *(
        "👩‍👩‍👧",
        "👍🏽",
        "🇫🇷",
        "❤️",
        "☝",
        "e\u0301",
        "a" + "\u0315" * 40,
        "ﬁ",
        "½",
        "İ",
        "ß",
        "ǆ",
        "Å",
        "\u1100\u1161\u11a8",
        "क्ष",
    ),
    *(
        "\u202e",
        "\u202c",
        "\u2066",
        "\u200f",
        "مرحبا ",
        "שלום ",
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u2028",
        "\u0085",
    ),
    *(
        "\x00",
        "\x07",
        "\x1b[31m",
        "\t",
        "\r\n",
        "\x7f",
        "\ufffd",
        "\uffff",
        "\ufdd0",
        "\U0010ffff",
        "\U000e0041",
        "\ue000",
    ),
    *(
        "巴黎",
        "東京は",
        "ไทย",
        "한국어",
        "𓀀",
        "𝔘",
        "\u0301",
        "\ufe0f",
        "\u3000",
        " ",
        "a" * 300,
        "<b>",
        "&amp;",
        '"',
        "\\",
    ),
)
characters = st.characters()  # surrogates too
texts = st.lists(st.sampled_from(ODD) | st.text(characters, max_size=6), max_size=8).map("".join)


def kept(result: Result) -> None:
    """To JSON and back: the same type, texts, numbers and bits."""
    written = json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False)
    back = type(result).from_dict(json.loads(written.encode()))
    assert json.dumps(back.to_dict(), ensure_ascii=False, allow_nan=False) == written
    for name, value in ((name, getattr(result, name)) for name in type(result).__dataclass_fields__):
        other = getattr(back, name)
        if isinstance(value, np.ndarray):
            assert value.dtype == other.dtype
            assert value.tobytes() == other.tobytes(), name
        elif isinstance(value, (str, tuple, int)):
            assert value == other, name


def read(model: gb.Model, *given: str) -> gb.Encoded | None:
    """The encoded text, checked; None if it is refused."""
    half = any("\ud800" <= character <= "\udfff" for text in given for character in text)
    encoded, refused = attempt(lambda: gb.encode(model, *given))
    if encoded is None:
        assert half or isinstance(refused, gb.TextError)
        return None
    assert not half, "half a character is no text"
    own = [text.replace("[MASK]", model.mask_token or "[MASK]") for text in given]
    assert list(encoded.texts) == own
    for sequence, (start, end) in zip(encoded.sequence_ids, encoded.offsets, strict=True):
        if sequence >= 0:
            assert 0 <= start <= end <= len(own[sequence])
            own[sequence][start:end].encode()
    return encoded


@pytest.mark.hypothesis
@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_any_text_is_explained_and_kept_or_refused(family, tiny_model):
    model = tiny_model(family, "classification")
    explained = 0

    @settings(max_examples=settings().max_examples // 4)
    @given(texts, st.none() | texts)
    @example("bad \ud800 text", None)
    @example("\udc80", "fine")
    @example("fine", "\x00")
    @example("👩‍👩‍👧 e\u0301 \u202eabc\u202c 巴黎\ufe0f", None)
    def check(text, pair):
        nonlocal explained
        encoded = read(model, *((text,) if pair is None else (text, pair)))
        if encoded is None:
            with pytest.raises(gb.GlassBERTError):
                gb.classify(model, text, pair)
            return
        scores = gb.attribute(model, text, pair, method="saliency")
        label = gb.classify(model, text, pair)
        assert scores.value == pytest.approx(label.logits.max(), abs=1e-4)
        for result in (encoded, scores, scores.by_word(), label):
            kept(result)
            assert len(result.frame())
            repr(result)
            result._repr_html_().encode()
        explained += 1

    check()
    assert explained > 8


@pytest.mark.hypothesis
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_any_word_may_be_masked_or_replaced(family, tiny_model):
    """What is typed as a candidate, a foil or a replacement is as odd as the text itself."""
    model = tiny_model(family, "masked_words")

    @settings(max_examples=settings().max_examples // 4)
    @given(texts)
    @example("\ud800")
    @example("")
    def check(word):
        for ask in (
            lambda: gb.score_words(model, "The film was good.", 2, [word, "good"]),
            lambda: gb.attribute(model, "A [MASK].", method="saliency", target=gb.MaskTarget(2, "a", word)),
            lambda: gb.probe_template(model, "{x} [MASK]", {"x": [word]}, ["a"]),
            lambda: gb.variants(model, "A [MASK].", edits=[gb.Edit(1, replacement=word)]),
        ):
            found, _ = attempt(ask)
            if found is not None:
                kept(found)

    check()


@pytest.mark.parametrize("family", ["bert", "roberta", "albert"])
@pytest.mark.parametrize("unit", ["a", "a ", "\u0301", "\x00", "👩‍", "東", "[MASK] ", "\u202e"], ids=ascii)
def test_a_line_of_100_kilobytes_is_refused_or_cut(family, unit, tiny_model):
    model = tiny_model(family, "classification")
    text = unit * (100_000 // len(unit.encode()))
    with contextlib.suppress(gb.TextError):  # WordPiece reads a long word as one unknown token
        kept(gb.classify(model, text))
    with contextlib.suppress(gb.TextError):
        short, _ = gb.shorten(model, text)
        assert text.startswith(short)
        assert len(gb.encode(model, short)) <= model.max_tokens
