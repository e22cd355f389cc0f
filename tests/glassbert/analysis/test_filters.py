"""The filter grammar: each term against pandas, hostile texts, and errors that say what is valid."""

from __future__ import annotations

import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.analysis.filters import compiled, term
from glassbert.analysis.folder import read_manifest, schemas
from tests.glassbert.analysis.folders import WIDTH, write_folder

HOSTILE = (
    "x'; DROP TABLE predictions; --",
    'a "quoted" \\ word',
    "line\nbreak\ttab",
    "Größe ÇA ne™",
    "(?i).*",
    "$1 ? ?",
    "\u202eright to left",
    "100%",
    "don't",
    "a-b",
    "日本",
)

CASES = {
    "": lambda t: t.id >= 0,
    "right": lambda t: t.right.eq(True),
    "wrong": lambda t: t.right.eq(False),
    "not right": lambda t: ~t.right.eq(True),
    "error": lambda t: t.error.notna(),
    "labelled": lambda t: t.label.notna(),
    "truncated": lambda t: t.truncated,
    "label:POSITIVE": lambda t: t.label.eq(1),
    'answer:"NEGATIVE"': lambda t: t.answer.eq(0),
    "confidence>0.9": lambda t: t.confidence > 0.9,
    "confidence <= 0.9": lambda t: t.confidence <= 0.9,
    "tokens=9": lambda t: t.tokens.eq(9),
    "loss>2 wrong": lambda t: (t.loss > 2) & t.right.eq(False),
    "row:17": lambda t: t.row.eq(17),
    "row<5": lambda t: t.row < 5,
    "id:3,1500,7": lambda t: t.id.isin([3, 1500, 7]),
    "word:w1": lambda t: t.text.str.contains(r"\bw1\b", na=False),
    "word:W1": lambda t: t.text.str.contains(r"\bw1\b", na=False),
    'text:"w1"': lambda t: t.text.str.contains("w1", na=False),
    '"country":FR': lambda t: t.meta_0.eq("FR"),
    "country:FR": lambda t: t.meta_0.eq("FR"),
    '"country":"Côte d\'Ivoire"': lambda t: t.meta_0.eq("Côte d'Ivoire"),
    '"age">=60': lambda t: t.meta_1.astype(float) >= 60,
    '"country">3': lambda t: t.id < 0,
    "wrong or confidence>0.99 -word:w1": lambda t: (
        t.right.eq(False) | ((t.confidence > 0.99) & ~t.text.str.contains(r"\bw1\b", na=False))
    ),
    "(wrong or confidence>0.99) and not (word:w1 or word:w2)": lambda t: (
        (t.right.eq(False) | (t.confidence > 0.99)) & ~t.text.str.contains(r"\bw[12]\b", na=False)
    ),
    "--wrong": lambda t: t.right.eq(False),
}


@pytest.mark.parametrize("where", CASES)
def test_a_filter_chooses_what_pandas_chooses(reviews, table, where):
    expected = table[CASES[where](table).fillna(False).astype(bool)]
    found, total = reviews.rows(where, limit=5000)
    assert list(found.id) == list(expected.id)
    assert total == len(expected) == reviews.count(where)


def test_receipts_are_asked_for_by_verdict_and_method(reviews, reviews_folder):
    import pandas as pd

    receipts = pd.concat([pd.read_parquet(part) for part in sorted(reviews_folder[0].glob("receipts-*.parquet"))])
    fails = receipts[receipts.verdict == "fails"]
    assert reviews.count("receipt:fails") == fails.id.nunique() > 0
    assert reviews.count("receipt:saliency:fails") == fails[fails.method == "saliency"].id.nunique()


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("wrnog", r"character 1 \('wrnog'\).*'wrnog' is no term; valid are right, wrong"),
        ("wrong answer:GOOD", r"character 7 .*no class 'GOOD'; the model's are 'NEGATIVE', 'POSITIVE'"),
        ("confidence>high", r"'high' is no number"),
        ("confidence>nan", r"'nan' is no number"),
        ("confidence", r"confidence needs a value, as in confidence>1"),
        ("word:", r"a value is missing after :"),
        ("wrong)", r"character 6 .*a \) without its \("),
        ("(wrong", r"character 1 .*this \( is not closed"),
        ("wrong or", r"\(its end\): a term is missing"),
        ("or wrong", r"a term is missing before this"),
        ('label:"POSITIVE', r"a quote is not closed|no class"),
        ('"nation":DE', r"no field or column 'nation'; fields are .*columns of the source are \"country\", \"age\""),
        ("id:x", r"'x' is no whole number"),
        ("id:99999999999999999999", r"is no whole number"),
        ("receipt:bad", r"'bad' is no verdict; they are holds, doubtful"),
        ("receipt:lime:fails", r"no method 'lime'; there are input_x_gradient, saliency"),
        ("label>3", r"label is a name: write label:NAME"),
        ("a" * 5000, r"5,000 characters; at most 4,000"),
        ("(" * 99 + "wrong" + ")" * 99, r"nested more than 50 deep"),
        ("word:\ud83d", r"half of a character"),
        (": :", r"this is no term"),
    ],
)
def test_an_error_says_where_and_what_is_valid(reviews, where, says):
    with pytest.raises(gb.OptionError, match=says):
        reviews.count(where)


def test_what_a_user_types_never_becomes_sql(reviews):
    for text in HOSTILE:
        chosen = compiled(f"{term('word', text)} {term('text', text)}", reviews.manifest)
        assert re.fullmatch(r"[\w\s()?,.*|=<>']+", chosen.sql), chosen.sql
        assert text not in chosen.sql


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Texts, labels and columns with quotes, SQL, marks and line breaks; a folder with a name of the same kind."""
    folder = tmp_path_factory.mktemp("analysis") / "it's [1]* ; ünï"
    names = (*HOSTILE, "text", "id")
    write_folder(folder, len(HOSTILE), labels=HOSTILE, meta=names)
    found = pq.read_table(folder / "predictions-00000.parquet").to_pylist()
    for place, row in enumerate(found):
        row |= {"text": HOSTILE[place], "answer": place}
        row |= {f"meta_{number}": HOSTILE[place] for number in range(len(names))}
    schema = schemas(len(names), WIDTH)["predictions"]
    pq.write_table(pa.Table.from_pylist(found, schema=schema), folder / "predictions-00000.parquet")
    with gb.open_analysis(folder) as data:
        yield data


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_hostile_texts_names_and_columns_are_data(hostile, place):
    text = HOSTILE[place]
    for where in (
        term("text", text),
        term("word", text),
        term("answer", text),
        term(text, text, column=True),
        term("text", text, column=True),  # a column that bears the name of a field
    ):
        found, _ = hostile.rows(where)
        assert list(found.id) == [place], where
        assert found.text[0] == text
    assert text in found
    assert {"text (source)", "id (source)"} <= set(found)


def test_a_word_is_whole_in_any_script(tmp_path):
    texts = ("Straßen sind", "die Straße", "STRASSE", "naïve.", "naïveté", "snake_case", "case!", "C++", "日本 語")
    write_folder(tmp_path, len(texts))
    place = tmp_path / "predictions-00000.parquet"
    found = [row | {"text": text} for row, text in zip(pq.read_table(place).to_pylist(), texts, strict=True)]
    pq.write_table(pa.Table.from_pylist(found, schema=schemas(2, WIDTH)["predictions"]), place)
    with gb.open_analysis(tmp_path) as data:
        for word, ids in {
            "straße": [1],
            "NAÏVE": [3],
            "case": [6],
            "c++": [7],
            "日本": [8],
            "!": [6],
            "sind": [0],
            "a": [],
        }.items():
            assert list(data.rows(term("word", word))[0].id) == ids, word


def test_other_kinds_of_models(topics, stars):
    several = topics.rows("label:MONEY answer:ART", limit=1000)[0]
    assert len(several)
    assert all(
        "MONEY" in labels and "ART" in answers for labels, answers in zip(several.labels, several.answers, strict=True)
    )
    assert 0 < stars.count("predicted>1 expected<1") < 700
    with pytest.raises(gb.OptionError, match="predicts a number, so there is no label"):
        stars.count("label:stars")
    assert stars.count("wrong") == stars.count("right") == 0
    assert stars.count("labelled") == 700


def test_a_model_without_columns_names_none(tmp_path):
    write_folder(tmp_path, 5)
    manifest = replace(read_manifest(tmp_path), table={**read_manifest(tmp_path).table, "meta": []})
    with pytest.raises(gb.OptionError, match="columns of the source are none"):
        compiled("country:DE", manifest)


PARTS = ("wrong", " or ", "not ", "word:", "id:1", "country", "confidence", "0.5", "receipt:fails")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"()\"\\:<>=-, ?$;'ö\n", *PARTS]), max_size=25).map("".join))
def test_whatever_is_typed_is_a_filter_or_an_error_that_says_why(reviews, where):
    try:
        chosen = compiled(where, reviews.manifest)
    except gb.OptionError as error:
        assert str(error).startswith("filter, at character")  # noqa: PT017
    else:
        assert chosen.sql.count("?") == len(chosen.parameters)
        assert 0 <= reviews.count(where) <= 2300


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_term_holds_any_text(reviews, text):
    """What a term is made of is what its filter asks for, whatever characters it has."""
    assert compiled(term("text", text), reviews.manifest).parameters == (text,)
    assert compiled(term("country", text, column=True), reviews.manifest).parameters == (text,)
