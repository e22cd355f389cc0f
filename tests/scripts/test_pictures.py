"""The README shows the pictures that `make pictures` takes, and each opens a page with fields that the page has."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest

from components.shell.navigation import PAGES
from components.state import PageFields, View
from scripts.pictures import PICTURES

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_them_all() -> None:
    shown = re.findall(r"\(docs/([\w-]+)\.png\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_every_field_is_one_of_the_page(name: str) -> None:
    picture = PICTURES[name]
    page = picture.page or "workbench"
    assert page in PAGES
    known = {field.name for field in fields(View)}
    if page != "workbench":
        module = importlib.import_module(f"components.views.{page}.fields")
        (group,) = [
            one
            for one in vars(module).values()
            if isinstance(one, type) and issubclass(one, PageFields) and one is not PageFields
        ]
        known |= {field.name for field in fields(group)}
    assert picture.fields.keys() <= known
