"""The whole document: one file, no script, nothing from anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from glassbert.pictures.markup import element, escaped
from glassbert.reports.limits import of_every_answer, of_the_model, of_this_answer
from glassbert.reports.markup import aside, heading, listed, node, said, section
from glassbert.reports.script import script_of
from glassbert.reports.sections import evidence_html
from glassbert.reports.summary import summary_html

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings

__all__ = ["POLICY", "page_html"]

#: What the document may load and run: its own style sheet and embedded pictures.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_STYLE = Path(__file__).with_name("report.css")


def page_html(report: Findings) -> str:
    """The document, made from what the report holds; the same report gives the same text."""
    head = element(
        "head",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escaped(POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="referrer" content="no-referrer">',
        f'<meta name="generator" content="GlassBERT {escaped(report.passport.versions.get("glassbert", ""))}">',
        element("title", escaped(report.title)),
        element("style", _style(), *_chosen_maps(len(report.maps))),
    )
    body = element(
        "body",
        element(
            "main",
            summary_html(report),
            node("h2", "The evidence", kind="part"),
            evidence_html(report),
            *_limits(report),
            _passport(report),
            _script(report),
        ),
    )
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


@cache
def _style() -> str:
    return _STYLE.read_text(encoding="utf-8")


def _chosen_maps(count: int) -> Iterator[str]:
    """The map of the chosen head is the one in sight."""
    for number in range(count):
        yield f"#head-{number}:checked~.panel:nth-of-type({number + 1}){{display:block}}\n"


def _limits(report: Findings) -> Iterator[str]:
    parts = [
        ("Of this answer", of_this_answer(report)),
        ("Of this model, from its card" if report.weaknesses else "Of this model", of_the_model(report)),
        ("Of every such report", of_every_answer(report)),
    ]
    drawn = [node("div", heading(3, title), listed(limits)) for title, limits in parts if limits]
    if report.left_out:
        missing = [f"{part}: {reason}." for part, reason in report.left_out.items()]
        drawn.append(node("div", heading(3, "Missing here, and why"), listed(missing)))
    yield section("limits", "What this report does not show", *drawn)


def _passport(report: Findings) -> str:
    rows = [
        node("tr", node("th", escaped(fact), scope="row"), node("td", escaped(value), dir="auto"))
        for fact, value in report.passport.facts().items()
    ]
    return section(
        "passport",
        "Passport",
        aside("Whoever has files with these hashes has this model, and gets the same numbers from the program below."),
        node("div", element("table", element("tbody", *rows)), kind="wide passport"),
    )


def _script(report: Findings) -> str:
    return section(
        "script",
        "The Python that computes it again",
        said("Needs Python and GlassBERT. Its variables hold every number of this report.", kind="aside"),
        element("pre", element("code", escaped(script_of(report)), dir="ltr"), tabindex="0"),
    )
