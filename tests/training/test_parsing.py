"""Each raw format gives its running text and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from training import parsing

LONG = "The river rises in the northern hills and flows into the sea."


def test_wiki_article_stops_at_its_closing_sections_and_drops_citations() -> None:
    lines = [
        "References",  # in the table of contents: no end yet
        *[
            f"{LONG[:-1]} in part {word}[12].[citation needed]"
            for word in ("one", "two", "three", "four", "five", "six")
        ],
        "Flora and fauna",
        "References",
        LONG,
    ]
    paragraphs = parsing.wiki_article_paragraphs("\n".join(lines))
    assert paragraphs == [f"{LONG[:-1]} in part {word}." for word in ("one", "two", "three", "four", "five", "six")]


def test_wiki_opening_drops_the_sentence_that_was_cut() -> None:
    text = f'"{LONG} It is long. Its source was first described in the year'
    assert parsing.wiki_opening_paragraphs(text) == [f"{LONG} It is long."]
    assert parsing.wiki_opening_paragraphs("Too short. It was cut in the mid") == []


def test_openstax_leaves_out_what_is_not_running_text() -> None:
    module = f"""<document><metadata><para>{LONG}</para></metadata>
      <para id="a">The <term>river</term> rises in the hills (see <link to="x"/>) &amp; flows into the sea.</para>
      <exercise><para>{LONG}</para></exercise>
      <para id="b">{LONG}<list><item>one</item></list></para>
      <para>A caption</para>
      <glossary><para>{LONG}</para></glossary></document>"""
    assert parsing.openstax_paragraphs(module) == [
        "The river rises in the hills (see ) & flows into the sea.",
        LONG,
    ]
    assert parsing.openstax_paragraphs(f"<para>{LONG[:-1]} ( <link/> ).</para>") == [f"{LONG[:-1]} ."]


def test_book_keeps_short_paragraphs_and_joins_words() -> None:
    chapter = '<p class="x">“Ah<i>ab</i>,” he\u2060 said.</p><p>\n</p><pre>not this</pre><p>Yes &mdash; no.</p>'
    assert parsing.book_paragraphs(chapter) == ["“Ahab,” he said.", "Yes — no."]


HEAD = "00001740 03 n 01 {word} 0 003 ~ 00001930 n 0000"


@pytest.mark.parametrize(
    ("word", "gloss", "part_of_speech", "text"),
    [
        ("dog", "a member of the genus Canis", "noun", "a dog is a member of the genus Canis."),
        ("eagle", "a large bird of prey", "noun", "an eagle is a large bird of prey."),
        ("Paris", "the capital of France; ", "noun", "Paris is the capital of France."),
        ("give_up", "stop trying to win", "verb", "to give up means to stop trying to win."),
        ("fast(a)", "moving at high speed", "adj", "fast means moving at high speed."),
        (
            "run",
            'move on foot fast; "he ran for the bus"; "did you run all the way?"',
            "verb",
            "to run means to move on foot fast. he ran for the bus. did you run all the way?",
        ),
        ("dry", 'not wet; "a dry spell of weather"', "adj", "a dry spell of weather."),  # two words define nothing
    ],
)
def test_wordnet_entry(word: str, gloss: str, part_of_speech: str, text: str) -> None:
    line = f"{HEAD.format(word=word)} | {gloss}\n"
    assert parsing.wordnet_entry(line, part_of_speech) == ("00001740", text)


@pytest.mark.parametrize("line", ["  1 This software and database | is licensed", "no gloss here", f"{HEAD} | x"])
def test_wordnet_lines_without_text(line: str) -> None:
    assert parsing.wordnet_entry(line, "noun") is None


def country(**changes: Any) -> dict[str, Any]:
    document = {
        "Introduction": {"Background": {"text": "<p>An old &amp; <b>small</b> land.</p>"}},
        "Government": {
            "Country name": {"conventional short form": {"text": "Freedonia"}},
            "Capital": {"name": {"text": "Marxburg (official); Old Town"}},
        },
        "Geography": {
            "Location": {"text": "Central Europe, north of the Alps"},
            "Land boundaries": {
                "border countries": {"text": "Sylvania 1,200 km; Osterlich (north) 86.5 km; Ruritania 3 km"}
            },
        },
        "People and Society": {
            "Languages": {"Languages": {"text": "Freedonian (official) 90%"}},
            "Nationality": {"noun": {"text": "Freedonian(s)"}},
        },
    }
    return document | changes


def test_country_sentences() -> None:
    assert parsing.country_sentences(json.dumps(country())) == [
        "An old & small land.",
        "the capital of Freedonia is Marxburg.",
        "Marxburg is the capital of Freedonia.",
        "Freedonia is located in Central Europe.",
        "the most spoken language in Freedonia is Freedonian.",
        "people who live in Freedonia are called Freedonian.",
        "Freedonia shares borders with Sylvania, Osterlich and Ruritania.",
    ]


def test_country_without_fields_or_name() -> None:
    bare = {"Government": {"Country name": {"conventional short form": {"text": "Freedonia"}}}}
    assert parsing.country_sentences(json.dumps(bare)) == []
    unnamed = country(Government={"Country name": {"conventional short form": {"text": "none"}}})
    assert parsing.country_sentences(json.dumps(unnamed)) == []


def test_review_is_split_at_line_breaks() -> None:
    assert parsing.review_paragraphs("One  line.<br /><br />Two.<br>") == ["One line.", "Two."]


def test_plain_text_documents() -> None:
    lines = ["\n", "One  line.\n", "Another.\n", "\n", " \n", "Last."]
    together = list(parsing.plain_text_documents(lines, blank_lines_between=True))
    assert together == [["One line.", "Another."], ["Last."]]
    alone = list(parsing.plain_text_documents(lines, blank_lines_between=False))
    assert alone == [["One line."], ["Another."], ["Last."]]


def test_fact_sentence_marks_the_object() -> None:
    sentence = parsing.fact_sentence("[X] was born in [Y] .", "Ada Lovelace", "London")
    assert sentence == "Ada Lovelace was born in \x01London\x02."
