"""One contract for the pictures of every type of result: a document of its own, inside its edges, the same again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassbert as gb
from glassbert import figures
from glassbert.arguments import lone_surrogate
from glassbert.pictures import palette
from glassbert.results import Result
from tests.glassbert.every_result import MAKE
from tests.glassbert.figures.reading import SVG, TAGS, Text, lines_of_text, parsed, texts
from tests.glassbert.pictures.hostile import HOSTILE, UNWRITABLE

#: What an attribute may be: no event, no address but of embedded images, no class that a page's style sheet knows.
ATTRIBUTES = re.compile(
    r"(xmlns|viewBox|width|height|x|y|x1|x2|y1|y2|cx|cy|r|rx|points|transform|role|href|preserveAspectRatio|style"
    r"|fill(-opacity)?|stroke(-width|-opacity|-dasharray)?|font-(family|size|weight)|text-anchor|shape-rendering"
    r"|pointer-events)"
)
STYLES = {"white-space:pre", "image-rendering:pixelated"}


def check(picture: gb.Picture) -> list[Text]:
    """Everything that holds for any picture; what is written in it."""
    root = parsed(picture.svg)
    for node in root.iter():
        assert node.tag.removeprefix(SVG) in TAGS
        for name, value in node.attrib.items():
            assert ATTRIBUTES.fullmatch(name), name
            assert name != "href" or value.startswith("data:image/png;base64,")
            assert name != "style" or value in STYLES
            assert "url(" not in value
            assert "nan" not in value.lower() or name == "href"
    assert (root.get("width"), root.get("height")) == (str(picture.width), str(picture.height))
    written = lines_of_text(root)
    for line in written:
        assert line.left >= -1, line
        assert line.right <= picture.width + 1, line
        assert line.top >= -1, line
        assert line.bottom <= picture.height + 1, line
        assert line.size >= 9 or not line.content.strip(), line
    assert overlapping(written) == []
    return written


def overlapping(lines: list[Text]) -> list[tuple[str, str]]:
    shown = sorted((line for line in lines if line.content.strip()), key=lambda line: line.top)
    found = []
    for index, one in enumerate(shown):
        for other in shown[index + 1 :]:
            if other.top > one.bottom:
                break
            if one.overlaps(other):
                found.append((one.content, other.content))
    return found


def test_the_check_finds_texts_over_one_another_and_over_the_edge() -> None:
    def written(*lines: str) -> gb.Picture:
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50">{"".join(lines)}</svg>'
        return gb.Picture(svg, 100, 50, "")

    check(written('<text x="2" y="20">one</text>', '<text x="40" y="20">two</text>'))
    for lines in (
        ('<text x="2" y="20">one</text>', '<g transform="translate(9 4)"><text x="0" y="20">two</text></g>'),
        ('<text x="80" y="20">longer</text>',),
        ('<g transform="translate(20 20) rotate(-90)"><text x="0" y="0">longer</text></g>',),
        ('<text x="2" y="20" font-size="6">small</text>',),
        ('<text x="2" y="20" onclick="a">one</text>',),
        ('<image href="https://a.example/b.png"/>',),
    ):
        with pytest.raises(AssertionError):
            check(written(*lines))


def test_pictures_are_of_types_that_exist() -> None:
    """The few others are drawn as their table, which the tests of every type see too."""
    types = {cls.__name__ for cls in Result.__subclasses__() if cls.__module__.startswith("glassbert.")}
    assert set(figures.FIGURES) <= types
    assert len(figures.FIGURES) > 40


def test_what_is_no_result_is_refused() -> None:
    with pytest.raises(gb.OptionError, match="result must be a Result, not str"):
        gb.draw("a text")  # type: ignore[arg-type]


def test_a_type_without_a_picture_is_drawn_as_its_table(made: Callable[[str], Any]) -> None:
    passport = made("Passport")
    picture = gb.draw(passport)
    check(picture)
    written = texts(parsed(picture.svg))
    facts = passport.facts()
    assert len(facts) > 10
    assert picture.title == "Passport"
    assert {"Fact", "Value", "Versions"} - {"Versions"} <= set(written)
    for fact, value in facts.items():
        assert fact.split()[0] in " ".join(written)
        assert len(value) > 80 or value.split()[0][:20] in " ".join(written)
    assert len(texts(parsed(gb.draw(passport, top_k=2).svg))) < len(written)


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_a_document_inside_its_edges(name: str, made: Callable[[str], Any]) -> None:
    result = made(name)
    picture = gb.draw(result, source="a/model")
    written = " ".join(line.content for line in check(picture))
    assert picture.title
    assert picture.title.split()[0] in written
    assert "Model: a/model." in written
    assert len(picture.svg) < 500_000
    encoded = getattr(result, "encoded", None)
    if encoded is not None:
        assert " ".join(encoded.texts[0].split())[:20] in written


@pytest.mark.parametrize("name", MAKE)
def test_a_loaded_result_has_the_same_picture_to_the_byte(name: str, made: Callable[[str], Any]) -> None:
    result = made(name)
    again = type(result).from_dict(json.loads(json.dumps(result.to_dict())))
    dark = gb.draw(result, dark=True)
    assert gb.draw(again, dark=True).svg == dark.svg
    background = parsed(dark.svg).find(SVG + "rect")
    assert background is not None
    assert background.get("fill") == palette.DARK.background


@pytest.mark.parametrize("name", figures.FIGURES)
def test_options_are_checked(name: str, made: Callable[[str], Any]) -> None:
    figure, result = figures.FIGURES[name], made(name)
    with pytest.raises(gb.OptionError, match=f"a picture of {name} has no option nonsense; ") as caught:
        gb.draw(result, nonsense=1)
    assert all(option in str(caught.value) for option in figure.options)
    for option in figure.options:
        with pytest.raises(gb.OptionError, match=option):
            gb.draw(result, **{option: object()})
    for option in {"top_k", "layer", "mask"} & set(figure.options):
        for value in (-1, 10**6) if option != "top_k" else (-1, 0):
            with pytest.raises((gb.OptionError, gb.LayerError), match=str(value).lstrip("-")):
                gb.draw(result, **{option: value})


def test_the_help_says_every_option_of_every_type() -> None:
    told = gb.draw.__doc__ or ""
    for name, figure in figures.FIGURES.items():
        section = re.search(rf"^    {name}\n((?:        .*\n?)*)", told, re.M)
        assert (section is not None) == bool(figure.options), name
        for option in figure.options:
            assert section is not None
            assert re.search(rf"^        {option} : .+, default .+$", section[1], re.M)
            assert "\n            " in section[1], "what they mean"


def test_titles_and_sources_are_text(made: Callable[[str], Any]) -> None:
    for text in (*HOSTILE, *(text for text in UNWRITABLE if lone_surrogate(text) == "")):
        picture = gb.draw(made("Classification"), title=text, source=text or "x")
        check(picture)
        assert "\u202e" not in picture.svg, "an override would turn our own words around"
    assert "onmouseover" in " ".join(texts(parsed(gb.draw(made("Classification"), title=HOSTILE[2]).svg)))


def test_an_empty_title_leaves_the_heading_out(made: Callable[[str], Any]) -> None:
    with_heading, without = (gb.draw(made("Classification"), title=title) for title in (None, ""))
    assert without.height < with_heading.height
    assert without.title == with_heading.title, "browsers still need a name for it"
    assert with_heading.title in texts(parsed(with_heading.svg))
    assert with_heading.title not in texts(parsed(without.svg))


def test_a_folder_is_named_without_its_path(tiny_model: Callable[..., Any]) -> None:
    model = tiny_model("bert", "classification")
    assert model.source.startswith("/")
    result = gb.classify(model, "He was here.")
    for picture in (
        gb.draw(result, source=model),
        gb.draw(result, source=model.source),
        gb.draw(gb.architecture(model, 4)),
    ):
        assert model.source.rpartition("/")[0] not in picture.svg
        assert model.source.rpartition("/")[2] in picture.svg


def hostile_encoded(encoded: gb.Encoded, pieces: tuple[str, ...]) -> gb.Encoded:
    """An input whose tokens are other people's: as an own tokenizer may spell them."""
    count = len(pieces)
    data = encoded.to_dict() | {
        "tokens": list(pieces),
        "pieces": list(pieces),
        "input_ids": list(range(count)),
        "token_type_ids": [0] * count,
        "attention_mask": [1] * count,
        "offsets": [[index, index + 1] for index in range(count)],
        "word_ids": list(range(count)),
        "sequence_ids": [0] * count,
        "special_tokens_mask": [0] * count,
        "texts": [" ".join(pieces)],
    }
    return gb.Encoded.from_dict(data)


def test_hostile_tokens_and_labels_are_text(made: Callable[[str], Any]) -> None:
    pieces = tuple(piece for piece in HOSTILE if piece.isprintable() or "\n" in piece)
    encoded = hostile_encoded(made("Encoded"), pieces)
    count = len(pieces)
    scores = gb.TokenScores.from_dict(
        made("TokenScores").to_dict()
        | {"encoded": encoded.to_dict(), "scores": np.linspace(-1, 1, count).tolist(), "target_label": HOSTILE[1]}
    )
    weights = np.full((2, 2, count, count), 1 / count)
    labels = [*HOSTILE, *UNWRITABLE]
    classes = gb.Classification(encoded, tuple(labels), np.zeros(len(labels)), np.full(len(labels), 1 / len(labels)))
    for picture in (
        gb.draw(scores),
        gb.draw(scores, by_word=True),
        gb.draw(gb.AttentionMaps(encoded, weights)),
        gb.draw(gb.AttentionMaps(encoded, weights), layer=0),
        gb.draw(gb.AttentionMaps(encoded, weights), layer=0, head=1),
        gb.draw(classes),
    ):
        root = parsed(picture.svg)
        assert {node.tag.removeprefix(SVG) for node in root.iter()} <= TAGS
        assert all(ATTRIBUTES.fullmatch(name) for node in root.iter() for name in node.attrib)
    assert "<script>alert(1)</script>" in texts(parsed(gb.draw(classes).svg))


def test_long_texts_stay_small(tiny_model: Callable[..., Any]) -> None:
    encoded = gb.encode(tiny_model("bert", "encoder"), "good " * 510)
    assert len(encoded) == 512
    weights = np.random.default_rng(0).dirichlet(np.full(512, 0.05), (2, 2, 512)).astype(np.float32)
    maps = gb.AttentionMaps(encoded, weights)
    for picture in (
        gb.draw(maps, layer=1, head=0),
        gb.draw(maps),
        gb.draw(maps, layer=1),
        gb.draw(gb.hidden_states(tiny_model("bert", "encoder"), encoded)),
    ):
        check(picture)
        assert len(picture.svg) < 1_000_000
        assert picture.width < 1400
    assert len(gb.draw(maps, layer=1, head=0).png(1)) > 10_000
