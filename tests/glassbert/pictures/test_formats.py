"""Numbers and vocabulary strings as a reader sees them."""

from __future__ import annotations

import pytest

from glassbert.pictures.formats import ordinal, percent, points, readable, signed_number, three_digits


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (1.0, "100.0%"),
        (0.9314922, "93.1%"),
        (0.001, "0.1%"),
        (0.00099, "0.099%"),
        (3.1e-6, "0.00031%"),
        (9e-7, "<0.0001%"),
        (0, "0.0%"),
    ],
)
def test_percent(share: float, written: str) -> None:
    assert percent(share) == written


@pytest.mark.parametrize(
    ("token", "spelling", "seen"),
    [
        ("Ġword", "ByteLevel", "␣word"),
        ("word", "ByteLevel", "word"),
        ("cafÃ©", "ByteLevel", "café"),
        ("ĠðŁĺĢ", "ByteLevel", "␣😀"),
        ("ðŁĺ", "ByteLevel", "‹F0 9F 98›"),
        ("Ġ", "ByteLevel", "␣"),
        ("##", "ByteLevel", "##"),
        ("▁word", "Metaspace", "␣word"),
        ("▁", "Metaspace", "␣"),
        ("cafÃ©", "Metaspace", "cafÃ©"),
        ("##ing", "WordPiece", "##ing"),
        ("Ã©", "WordPiece", "Ã©"),
        ("LABEL▁A", "", "LABEL▁A"),
        ("", "ByteLevel", ""),
    ],
)
def test_readable(token: str, spelling: str, seen: str) -> None:
    assert readable(token, spelling) == seen


def test_every_byte_is_read_as_the_tokenizers_library_writes_it() -> None:
    from tokenizers import decoders, pre_tokenizers

    for character in ("é", "½", "日", "😀", "\n", "ſ", "\u00ad"):
        ((written, _),) = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(character)
        assert readable(written, "ByteLevel") == decoders.ByteLevel().decode([written]) == character


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        (0.25, 0.5, "+25.0 points"),
        (0.56875, 0.20640, "−36.3 points"),  # 56.9% and 20.6%, though they are 36.2 apart
        (0.9304, 0.9296, "± 0 points"),  # both 93.0%
        (0.00031, 0.00052, "+0.021 points"),
        (1e-9, 1.0, "+100.0 points"),
    ],
)
def test_points_are_those_between_the_percentages_that_are_shown(before: float, after: float, written: str) -> None:
    assert points(before, after) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.25, "+0.250"),
        (-1.5, "−1.50"),
        (123.4, "+123"),
        (0.00123, "+0.00123"),
        (-0.0004, "−0.0004"),
        (2e-5, "below 0.0001"),
    ],
)
def test_signed_numbers(value: float, written: str) -> None:
    assert signed_number(value) == written


def test_large_numbers_have_all_their_digits() -> None:
    assert [three_digits(value) for value in (3.14159, 20.84, 99.94, 2183.4)] == ["3.14", "20.8", "99.9", "2,183"]


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (1003, "1,003rd"),
    ],
)
def test_ordinal_numbers(number: int, written: str) -> None:
    assert ordinal(number) == written
