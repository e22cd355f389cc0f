"""A report as a reader's program sees it: its elements, the cells of its tables, its text."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "input", "img", "br", "hr"}


class Document(HTMLParser):
    """``cells[section]`` is every row of every table of a section, as text; ``text[section]`` all that it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.cells: dict[str, list[list[str]]] = {}
        self.text: dict[str, str] = {}
        self.styles = ""
        self.left_open: list[str] = []
        self._open: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        self.left_open = [name for name, _ in self._open]

    @property
    def section(self) -> str:
        return next((id for _, id in reversed(self._open) if id), "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag not in VOID:
            self._open.append((tag, values.get("id", "") if tag == "section" else ""))
        if tag == "tr":
            self.cells.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.cells[self.section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if any(name == "style" for name, _ in self._open):
            self.styles += data
            return
        self.text[self.section] = self.text.get(self.section, "") + data
        if any(name in ("td", "th") for name, _ in self._open):
            self.cells[self.section][-1][-1] += data

    def row(self, section: str, head: str) -> list[str]:
        """The cells after a row's head; the first row of that name."""
        return next(row[1:] for row in self.cells[section] if row and row[0] == head)

    def named(self, tag: str) -> list[dict[str, str]]:
        """The attributes of all elements of a kind."""
        return [values for name, values in self.elements if name == tag]
