"""What a user or the hub wrote appears as it is, wherever Markdown is read."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from components.text import plain, shortened

# CommonMark with the extensions that Streamlit's Markdown has and this parser knows.
JOINER = "\u2060"
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
printable = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=80)
markdown = st.lists(
    st.sampled_from([*"*_`[]()<>!#|~$:\\&;-+.=^{}/@\"' \t\n", "http://x.y", "1.", "&amp;"]), max_size=40
)


def visible(markup: str) -> tuple[str, set[str]]:
    """The text of a rendered document, and the tags around it."""
    rendered = PARSER.render(markup).strip()
    tags = set(re.findall(r"<([a-z0-9]+)", rendered))
    return html.unescape(re.sub(r"<[^>]*>", "", rendered)), tags


@given(printable | markdown.map("".join))
@example("![x](http://127.0.0.1:9/x.png)")
@example("<img src=x onerror=alert(1)> &lt;b&gt; &#42;")
@example("*a* _b_ `c` ~~d~~ [e](f) <http://g.h>")
@example("| a | b |\n|---|---|\n| c | d |")
@example(":red[x] :material/home: $x^2$ \\(y\\)")
def test_what_is_seen_is_what_was_written(text: str) -> None:
    # a label is a line of a paragraph: there is a word before it, and spaces run together
    seen, tags = visible(f"Text: {plain(text)} (end)")
    assert tags == {"p"}
    assert seen.replace(JOINER, "").split() == f"Text: {text} (end)".replace(JOINER, "").split()


# What Streamlit does with the text between the marks, after its parser has read the escapes.
REWRITTEN = ["--", "->", "<-", "<->", ">=", "<=", "~=", ":streamlit:", "http://a.b", "HTTPS://a.b", "www.a.b", "me@a.b"]


@pytest.mark.parametrize("mark", REWRITTEN)
def test_what_streamlit_rewrites_is_taken_apart(mark: str) -> None:
    shown = html.unescape(re.sub("<[^>]*>", "", PARSER.render(plain(f"left {mark} right"))))
    assert mark not in shown
    assert shown.replace(JOINER, "").strip() == f"left {mark} right"


def test_other_text_is_left_as_it_is() -> None:
    assert plain("one - two: three/four 3.5 a:b") == r"one \- two\: three\/four 3\.5 a\:b"


@given(st.text(max_size=40))
def test_a_label_is_one_line(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f]", plain(text))


@pytest.mark.parametrize(
    ("text", "characters", "short"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("ab cd", 4, "ab…"), ("", 5, ""), ("x" * 61, 60, "x" * 59 + "…")],
)
def test_shortened(text: str, characters: int, short: str) -> None:
    assert shortened(text, characters) == short
    assert len(shortened(text, characters)) <= characters
