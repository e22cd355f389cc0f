"""One pure function per source: raw file in, paragraphs of clean text out.

Tables, formulas, exercises, reference lists and licence pages are left out because a masked-word model learns from
running text.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from training.text import OBJECT_END, OBJECT_START, collapse_spaces, is_prose

__all__ = [
    "book_paragraphs",
    "country_sentences",
    "fact_sentence",
    "openstax_paragraphs",
    "plain_text_documents",
    "review_paragraphs",
    "wiki_article_paragraphs",
    "wiki_opening_paragraphs",
    "wordnet_entry",
]

_CITATION = re.compile(r"\[\d+\]|\[[a-z]\]|\[citation needed\]")
_ARTICLE_MARK = re.compile(_CITATION.pattern + r"|\[edit\]|\[note \d+\]")
_CLOSING_SECTIONS = {
    "see also",
    "references",
    "notes",
    "external links",
    "further reading",
    "bibliography",
    "citations",
    "sources",
    "footnotes",
    "works cited",
    "notes and references",
}
_TAG = re.compile(r"<[^>]+>")
_LINE_BREAK = re.compile(r"<br\s*/?>")
_NOT_RUNNING_TEXT = re.compile(
    r"<metadata.*?</metadata>|<math.*?</math>|<m:math.*?</m:math>|<exercise.*?</exercise>|<media.*?</media>"
    r"|<table.*?</table>|<equation.*?</equation>|<!--.*?-->|<glossary.*?</glossary>",
    re.DOTALL,
)


def wiki_article_paragraphs(text: str) -> list[str]:
    """A whole article, one paragraph per line, up to its closing sections (see also, references, …)."""
    paragraphs: list[str] = []
    for raw_line in text.split("\n"):
        line = collapse_spaces(_ARTICLE_MARK.sub("", raw_line))
        # a table of contents near the top names the closing sections too
        if line.lower() in _CLOSING_SECTIONS and len(paragraphs) > 5:
            break
        if is_prose(line, min_words=10):
            paragraphs.append(line)
    return paragraphs


def wiki_opening_paragraphs(text: str) -> list[str]:
    """The first 500 characters of an article: the sentence that was cut at the end is dropped."""
    paragraphs = []
    for raw_line in text.split("\n"):
        line = collapse_spaces(_CITATION.sub("", raw_line)).lstrip('"')
        if line and not re.search(r'[.!?"”)]$', line):
            last_end = max(line.rfind(". "), line.rfind("? "))
            line = line[: last_end + 1] if last_end > 40 else ""
        if is_prose(line, min_words=7):
            paragraphs.append(line)
    return paragraphs


def openstax_paragraphs(cnxml: str) -> list[str]:
    """The paragraphs of a textbook module (CNXML), without maths, exercises, tables, notes and glossary."""
    body = _NOT_RUNNING_TEXT.sub(" ", cnxml)
    paragraphs = []
    for content in re.findall(r"<para\b[^>]*>(.*?)</para>", body, flags=re.DOTALL):
        # a list, note or figure opened inside a paragraph removes the rest of the paragraph too
        running = re.sub(r"<(list|note|figure)\b.*", "", content, flags=re.DOTALL)
        running = _TAG.sub("", re.sub(r"<link[^>]*/>", "", running))
        # "(see <link/>)" leaves empty brackets
        running = re.sub(r"\(\s*\)", "", collapse_spaces(html.unescape(running)))
        if is_prose(running):
            paragraphs.append(running)
    return paragraphs


def book_paragraphs(xhtml: str) -> list[str]:
    """The paragraphs of a chapter (Standard Ebooks XHTML), dialogue and short lines included."""
    contents = re.findall(r"<p\b[^>]*>(.*?)</p>", xhtml, flags=re.DOTALL)
    # U+2060, the word joiner, would split words in the tokeniser
    cleaned = (collapse_spaces(html.unescape(_TAG.sub("", text)).replace("\u2060", "")) for text in contents)
    return [paragraph for paragraph in cleaned if paragraph]


def wordnet_entry(line: str, part_of_speech: str) -> tuple[str, str] | None:
    """One line of WordNet's ``data.*`` files → (synset offset, text), or None for a line without text.

    The definition becomes a sentence about the first word of the synset ("a dog is a member of …"), followed by
    the example sentences.
    """
    if line.startswith("  ") or "|" not in line:  # the licence at the head of the file
        return None
    head, gloss = line.split("|", 1)
    fields = head.split()
    word = re.sub(r"\(.*\)", "", fields[4]).replace("_", " ")
    definition = collapse_spaces(re.sub(r'[;:,]?\s*"[^"]*".*', "", gloss)).rstrip("; ")
    sentences = []
    if len(definition.split()) > 2:
        sentences.append(_definition_sentence(word, definition, part_of_speech))
    for example in re.findall(r'"([^"]{15,200})"', gloss):
        sentences.append(example if example[-1] in "!?" else example.rstrip(" .;") + ".")
    return (fields[0], " ".join(sentences)) if sentences else None


def _definition_sentence(word: str, definition: str, part_of_speech: str) -> str:
    if part_of_speech == "verb":
        return f"to {word} means to {definition}."
    if part_of_speech != "noun":
        return f"{word} means {definition}."
    if word[0].isupper():
        return f"{word} is {definition}."
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word} is {definition}."


def country_sentences(document: str) -> list[str]:
    """A World Factbook country (JSON) → its background and up to seven templated sentences; [] without a name."""
    country = json.loads(document)
    name = _factbook_field(country, "Government", "Country name", "conventional short form")
    if not name or name.lower().startswith("none"):
        return []
    background = country.get("Introduction", {}).get("Background", {}).get("text", "")
    background = collapse_spaces(html.unescape(_TAG.sub(" ", background)))
    capital = _first_item(_factbook_field(country, "Government", "Capital", "name"), r"[;(,]")
    location = _first_item(_factbook_field(country, "Geography", "Location"), r"[;,]")
    language = _first_item(
        _factbook_field(country, "People and Society", "Languages", "Languages")
        or _factbook_field(country, "People and Society", "Languages"),
        r"[;,(0-9]",
    )
    people = _first_item(_factbook_field(country, "People and Society", "Nationality", "noun"), r"[;,(]")
    neighbours = re.findall(
        r"([A-Z][A-Za-z .']+?)(?: \([^)]*\))? [\d,.]+ km",
        _factbook_field(country, "Geography", "Land boundaries", "border countries"),
    )
    sentences = [background] if background else []
    if capital:
        sentences += [f"the capital of {name} is {capital}.", f"{capital} is the capital of {name}."]
    if location:
        sentences.append(f"{name} is located in {location}.")
    if language:
        sentences.append(f"the most spoken language in {name} is {language}.")
    if people:
        sentences.append(f"people who live in {name} are called {people}.")
    if len(neighbours) > 1:
        sentences.append(f"{name} shares borders with {', '.join(neighbours[:-1])} and {neighbours[-1]}.")
    return sentences


def _factbook_field(country: dict[str, Any], *keys: str) -> str:
    """The text under nested keys, cut at the first markup; "" where any key is missing."""
    value: Any = country
    for key in keys:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    text = value.get("text", "") if isinstance(value, dict) else value
    return collapse_spaces(re.sub(r"<[^>]+>.*", "", text)) if isinstance(text, str) else ""


def _first_item(text: str, separators: str) -> str:
    return re.split(separators, text)[0].strip()


def review_paragraphs(text: str) -> list[str]:
    """A film review, split at its HTML line breaks."""
    paragraphs = (collapse_spaces(part) for part in _LINE_BREAK.split(text))
    return [paragraph for paragraph in paragraphs if paragraph]


def plain_text_documents(lines: Iterable[str], *, blank_lines_between: bool) -> Iterator[list[str]]:
    """Plain text, one paragraph per line; documents end at blank lines, or at every line if there are none."""
    paragraphs: list[str] = []
    for line in lines:
        paragraph = collapse_spaces(line)
        if paragraph:
            paragraphs.append(paragraph)
        if paragraphs and not (paragraph and blank_lines_between):
            yield paragraphs
            paragraphs = []
    if paragraphs:
        yield paragraphs


def fact_sentence(pattern: str, subject: str, object_: str) -> str:
    """Fill a ParaRel pattern ("[X] was born in [Y] .") with a triple; control characters mark the object."""
    marked = OBJECT_START + object_ + OBJECT_END
    return collapse_spaces(pattern.replace("[X]", subject).replace("[Y]", marked)).replace(" .", ".")
