"""Tables, results and pictures as files: what is in them, and what a spreadsheet must not run."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassbert as gb
from components.gateway import files

HARMFUL = ["=1+1", "+1", "-1", "@SUM(A1)", "  =cmd|' /C calc'!A0", "\t=1", "\r=1", "＝1+1", "-", "\n@x"]


def read_back(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


@pytest.mark.parametrize("text", HARMFUL)
def test_no_cell_is_a_formula(text: str) -> None:
    table = pd.DataFrame({"token": [text, "film"], text: ["a", "b"], "score": [-1.5, 2.0]})
    back = read_back(files.as_csv(table))
    assert back["token"][0].startswith("'")
    assert back["token"][0][1:].replace("\r\n", "\n").replace("\r", "\n") == text.replace("\r", "\n")
    assert list(back["token"][1:]) == ["film"]
    assert back.columns[1].startswith("'")
    assert list(back["score"]) == ["-1.5", "2.0"]  # a number is no text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=5))
def test_no_text_begins_like_a_formula(texts: list[str]) -> None:
    content = files.as_csv(pd.DataFrame({"token": texts})).decode("utf-8-sig")
    for cell in pd.read_csv(io.StringIO(content), dtype=str, keep_default_na=False)["token"]:
        assert not re.match(r"\s*[=+\-@]", cell)


def test_what_is_in_a_csv_is_in_the_parquet_file_unchanged() -> None:
    table = pd.DataFrame({"token": ["=x", "naïve", "你好"], "score": [0.25, -1.0, 1e-9], "heads": [[1, 2], [], None]})
    csv, parquet = files.as_csv(table), files.as_parquet(table)
    assert csv.startswith(b"\xef\xbb\xbf")  # or Excel takes it for another encoding
    assert list(read_back(csv)["token"]) == ["'=x", "naïve", "你好"]
    back = pd.read_parquet(io.BytesIO(parquet))
    assert list(back["token"]) == ["=x", "naïve", "你好"]
    assert list(back["score"]) == [0.25, -1.0, 1e-9]
    assert list(back["heads"])[:2] == ["[1, 2]", "[]"]
    assert next(iter(table["heads"])) == [1, 2], "the result's own table is not changed"


def test_a_saved_result_is_read_back_to_an_equal_one(tmp_path: Path) -> None:
    scores = gb.attribute(gb.load("sentiment", "cpu"), "Not bad at all.", method="saliency")
    path = tmp_path / "scores.zip"
    path.write_bytes(files.as_file(scores))
    assert gb.load_result(path).to_dict() == scores.to_dict()
    assert path.read_bytes() == scores.save(tmp_path / "again.zip").read_bytes()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It was not bad!", "glassbert-rows-scores-it-was-not-bad.csv"),
        ("", "glassbert-rows-scores.csv"),
        ("你好", "glassbert-rows-scores.csv"),
        ("Crème brûlée", "glassbert-rows-scores-creme-brulee.csv"),
        ("x" * 100, f"glassbert-rows-scores-{'x' * 32}.csv"),
        ("../../etc/passwd", "glassbert-rows-scores-etc-passwd.csv"),
        ("one two three four five six seven eight nine", "glassbert-rows-scores-one-two-three-four-five-six.csv"),
    ],
)
def test_the_name_of_a_file(text: str, name: str) -> None:
    assert files.file_name("rows-Scores", text, "csv") == name


def test_what_fails_says_nothing_of_the_text() -> None:
    def fails() -> bytes:
        raise gb.TextError("the text 'my secret' is wrong")

    with pytest.raises(RuntimeError) as caught:
        files.made_later(fails)()
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
