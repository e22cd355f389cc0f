"""Sentences end where they should, and titles, initials and abbreviations do not end them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.text import collapse_spaces, is_prose, split_sentences


@pytest.mark.parametrize(
    ("paragraph", "sentences"),
    [
        ("It rained. We stayed in.", ["It rained.", "We stayed in."]),
        ("Dr. Smith met Mrs. Jones. They talked.", ["Dr. Smith met Mrs. Jones.", "They talked."]),
        ("J. S. Bach wrote it. It is long.", ["J. S. Bach wrote it.", "It is long."]),
        ("The U.S. Senate met. It voted.", ["The U.S. Senate met.", "It voted."]),
        ("See Fig. 3 and Vol. 2 for more. Then stop.", ["See Fig. 3 and Vol. 2 for more.", "Then stop."]),
        ("It cost 3.50 in all. Nobody paid.", ["It cost 3.50 in all.", "Nobody paid."]),
        ("“Go!” He went. “Why?” She knew.", ["“Go!”", "He went.", "“Why?”", "She knew."]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Really?! Yes. 1969 was the year.", ["Really?!", "Yes.", "1969 was the year."]),
        ("Wait ... what? no capital follows. here", ["Wait ... what? no capital follows. here"]),
        ("no mark at the end", ["no mark at the end"]),
        ("  Spaces around.   And between. ", ["Spaces around.", "And between."]),
        ("(It was late.) Nobody came.", ["(It was late.)", "Nobody came."]),
        # the price of keeping initials together
        ("Eat vitamin C. It helps.", ["Eat vitamin C. It helps."]),
        ("", []),
        ("   ", []),
    ],
)
def test_split_sentences(paragraph: str, sentences: list[str]) -> None:
    assert split_sentences(paragraph) == sentences


@given(st.text(alphabet='abCD. !?"”1 \n', max_size=60))
def test_splitting_loses_nothing_but_spaces(paragraph: str) -> None:
    sentences = split_sentences(paragraph)
    assert "".join("".join(sentences).split()) == "".join(paragraph.split())
    assert all(sentence and sentence == sentence.strip() for sentence in sentences)


def test_collapse_spaces() -> None:
    assert collapse_spaces(" a\t\tb\n c\u00a0d ") == "a b c d"


PROSE = "The river rises in the hills and flows into the sea."


@pytest.mark.parametrize(
    ("line", "prose"),
    [
        (PROSE, True),
        (PROSE.rstrip("."), False),  # does not end like a sentence
        ("It flows into the sea.", False),  # under eight words
        ("The Royal Bank Of The North East And South West.", False),  # a name
        ("In 1801, 1811, 1821, 1831 and 1841 it was 3,201, 4,120 and 5,332.", False),  # figures
        ("This article is about the river that rises in the northern hills.", False),
        ("The name redirects here from the river that flows into the sea.", False),
    ],
)
def test_is_prose(line: str, prose: bool) -> None:
    assert is_prose(line) is prose


def test_is_prose_counts_words_against_the_minimum() -> None:
    words = len(PROSE.split())
    assert is_prose(PROSE, min_words=words)
    assert not is_prose(PROSE, min_words=words + 1)
