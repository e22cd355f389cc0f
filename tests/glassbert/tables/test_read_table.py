"""Tables from files and from memory: what is read, what is told, and every damaged row by its number."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassbert as gb
from glassbert.tables import BadRow, Table

#: What stands in a row → column and words of the complaint; "" for a good row.
DAMAGE = [
    (b"fine,pos,1", None),
    (b"only one cell", ("", "1 cells, but there are 3 columns")),
    (b"two,pos", ("", "2 cells, but there are 3 columns")),
    (b"four,pos,1,2", ("", "4 cells, but there are 3 columns")),
    (b"Hello, world,pos,1", ("", "4 cells")),
    (b",pos,1", ("text", "the text is empty")),
    (b"   ,pos,1", ("text", "the text is empty")),
    (b'"",pos,1', ("text", "the text is empty")),
    (b'"\n\n",pos,1', ("text", "the text is empty")),
    ("\u200b\u200b,pos,1".encode(), ("text", "no visible character")),
    ("\u00a0,pos,1".encode(), ("text", "the text is empty")),
    (b"\x07,pos,1", ("text", "no visible character")),
    (b"nul \x00 inside,pos,1", ("text", "a NUL character, at character 5")),
    (b"broken \xff byte,pos,1", ("text", "not in the file's encoding, at character 8")),
    (b"cut \xe2\x82,pos,1", ("text", "not in the file's encoding, at character 5")),
    (b"latin caf\xe9,pos,1", ("text", "not in the file's encoding, at character 10")),
    ("surrogate \ud83d,pos,1".encode("utf-8", "surrogatepass"), ("text", "not in the file's encoding")),
    (b"a,,1", ("label", "the label is missing")),
    (b"b,  ,1", ("label", "the label is missing")),
    (b'c,"",1', ("label", "the label is missing")),
    (b"d,\xff,1", ("label", "not in the file's encoding")),
    (b"e,p\x00s,1", ("label", "not in the file's encoding")),
    (b"", ("", "the row is empty")),
    (b",,", ("text", "the text is empty")),
    (b'"closed" too early,pos,1', ("", "a quotation mark is not closed, or")),
    (b'"he said "no" twice",pos,1', ("", "a quotation mark is not closed, or")),
    (b'"tab\tafter"\t,pos,1', ("", "a quotation mark is not closed, or")),
    (b"one\rtwo,pos,1", ("", "1 cells")),  # a lone carriage return ends a row, here and in a spreadsheet
    (b"pos", ("", "1 cells")),
    (b"text,label,id,text,label,id", ("", "6 cells")),
    (b"x" * 131_073 + b",pos,1", ("", "more than 131,072 characters")),
    (b'"not closed before the next,pos,1', ("", "a quotation mark is not closed, or")),
    ("naïve 😀 and “fine”,neg,1".encode(), None),
    (b'"two\nlines, and ""quotes""",neg,1', None),
    (b"last,neg,1,,", None),
    (b'"never closed,pos,1', ("", "never closed")),
]


def written(tmp_path, content: bytes | str, name: str = "data.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_every_damaged_row_is_named_and_counted(tmp_path):
    assert sum(complaint is not None for _, complaint in DAMAGE) >= 30
    many = [b"text,label,id", *(b"ordinary \xc3\xa9 text,pos,1" for _ in range(600)), *(row for row, _ in DAMAGE)]
    table = gb.read_table(written(tmp_path, b"\n".join(many) + b"\n\n\n"))
    expected, row = [], 601
    for content, complaint in DAMAGE:
        row += 1
        if complaint is not None:
            expected.append((row, *complaint))
        if content.startswith(b"one\r"):  # its second half is a row of three cells
            row += 1
    assert [(bad.row, bad.column) for bad in table.bad_rows] == [(row, column) for row, column, _ in expected]
    for bad, (_, _, words) in zip(table.bad_rows, expected, strict=True):
        assert words in bad.reason
        assert str(bad).startswith(f"row {bad.row:,}")
    good = [b"fine", b"two", "naïve 😀 and “fine”".encode(), b'two\nlines, and "quotes"', b"last"]
    assert [text.encode() for text in table.texts[600:]] == good
    assert table.rows[:2] == (2, 3)
    assert len(table.rows) + len(table.bad_rows) == row - 1
    assert table.label_names == ("neg", "pos")
    assert [table.label_text(place) for place in range(600, 605)] == ["pos", "pos", "neg", "neg", "neg"]


TEXTS = ["Größe und Maß, für alle", "l'été à la plage; déjà vu", "plain | text", 'a "quoted" word']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters(tmp_path, encoding, delimiter):
    file = io.StringIO()
    rows = [("id", "label", "text"), *((n, "ab"[n % 2], TEXTS[n % 4]) for n in range(40))]
    csv.writer(file, delimiter=delimiter).writerows(rows)
    table = gb.read_table(written(tmp_path, file.getvalue().encode(encoding)))
    assert table.texts == tuple(TEXTS[n % 4] for n in range(40))
    assert (table.columns, table.text_column, table.label_column) == (("id", "label", "text"), "text", "label")
    assert table.labels[:3] == (0, 1, 0)
    assert table.bad_rows == ()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Это обычное предложение на русском языке и его надо прочитать"),
        ("shift_jis", "これは日本語の普通の文章です。銀行のカードがまだ届いていません"),
        ("cp1252", "It’s a café – “naïve” people like it"),
    ],
)
def test_other_encodings_are_told_by_their_bytes(tmp_path, encoding, text):
    content = "text,label\n" + "".join(f"{text} {n},{'ab'[n % 2]}\n" for n in range(30))
    assert gb.read_table(written(tmp_path, content.encode(encoding))).texts[0] == f"{text} 0"


def test_bytes_that_are_not_of_the_encoding_are_damage_in_any_of_them(tmp_path):
    content = "text,label\nfirst,a\nsecond,b\n".encode("utf-16-le")
    table = gb.read_table(written(tmp_path, content + b"x\0,"))
    assert table.texts == ("first", "second")
    assert [(bad.row, bad.column) for bad in table.bad_rows] == [(4, "")]
    content = "text,tëxt,labels\na b,é é,x|\n".encode() + b"c d,\xff,x\xff|y\n"
    table = gb.read_table(written(tmp_path, content), kind="multi_label")
    assert [(bad.row, bad.column) for bad in table.bad_rows] == [(3, "labels")]
    content = b"text,lab\xff,\xc3\xa9\na b,\xc3\xa9,x\nc d,\xc3\xa9,y\n"
    assert gb.read_table(written(tmp_path, content), label="é").columns == ("text", "lab\ufffd", "é")
    pd.DataFrame({"text": ["first", "ZZZZ"], "label": ["a", "b"]}).to_parquet(tmp_path / "a.parquet", compression=None)
    content = (tmp_path / "a.parquet").read_bytes().replace(b"ZZZZ", b"ZZ\xfdZ")
    table = gb.read_table(written(tmp_path, content, "b.parquet"))
    assert (table.texts, table.bad_rows[0].row) == (("first",), 2)


def test_quotes_that_are_no_quotes(tmp_path):
    rows = "".join(f'"Well {n}\t{n % 2}\nHe said "no"\t1\n' for n in range(20))
    table = gb.read_table(written(tmp_path, "text\tlabel\n" + rows, "data.tsv"))
    assert table.texts[:2] == ('"Well 0', 'He said "no"')
    escaped = "text,label\n" + "".join(f'"so ""she"" said, {n}",a\n"a \\"word\\", {n}",b\n' for n in range(9))
    assert gb.read_table(written(tmp_path, escaped.replace('""she""', "she"))).texts[:2] == (
        "so she said, 0",
        'a "word", 0',
    )
    excel = "sep=;\ntext;label\nfirst, one;a\nsecond;b\n"
    table = gb.read_table(written(tmp_path, excel))
    assert (table.texts, table.rows) == (("first, one", "second"), (3, 4))


def same_contents(first: Table, second: Table) -> bool:
    return (first.texts, first.labels, first.label_names) == (second.texts, second.labels, second.label_names)


class Names:
    """The feature of a column of numbered classes, as ``datasets`` has it."""

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Dataset:
    """As much of ``datasets.Dataset`` as is asked for."""

    def __init__(self, rows: list[dict[str, object]], features: dict[str, object]) -> None:
        self.rows, self.features, self.column_names = rows, features, list(rows[0])

    def __iter__(self):
        return iter(self.rows)


def test_one_table_in_every_form(tmp_path):
    texts = [f"text {n}, “with” words" for n in range(6)]
    rows = [{"text": text, "label": ["ham", "spam"][n % 2]} for n, text in enumerate(texts)]
    frame = pd.DataFrame(rows)
    table = gb.read_table(frame)
    assert (table.texts, table.rows, table.label_names) == (tuple(texts), (1, 2, 3, 4, 5, 6), ("ham", "spam"))
    assert table.frame()["label"].tolist() == frame["label"].tolist()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    frame.to_parquet(tmp_path / "data.parquet")
    numbered = [{**row, "label": n % 2} for n, row in enumerate(rows)]
    dataset = Dataset(numbered, {"text": object(), "label": Names(["ham", "spam"])})
    sources = [
        written(tmp_path, frame.to_csv(index=False), "a.csv"),
        written(tmp_path, gzip.compress(frame.to_csv(index=False).encode()), "a.csv.gz"),
        written(tmp_path, frame.to_csv(sep="\t"), "a.tsv"),  # its first column has no name
        written(tmp_path, lines, "a.jsonl"),
        written(tmp_path, gzip.compress(lines.encode(), mtime=0), "a.jsonl.gz"),
        written(tmp_path, lines, "lines.json"),
        written(tmp_path, json.dumps(rows), "a.json"),
        written(tmp_path, json.dumps({"version": 1, "data": rows}), "b.json"),
        written(tmp_path, frame.to_json(orient="split"), "c.json"),
        written(tmp_path, json.dumps({name: frame[name].tolist() for name in frame}), "d.json"),
        tmp_path / "data.parquet",
        str(tmp_path / "data.parquet"),
        frame.astype({"label": "category"}),
        dataset,
    ]
    for source in sources:
        if str(source).endswith("c.json"):
            with pytest.raises(gb.TableError):
                gb.read_table(source)
            continue
        found = gb.read_table(source)
        assert same_contents(found, table), source
        assert found.fingerprint == table.fingerprint
        assert str(tmp_path) not in found.source
    assert gb.read_table({"train": dataset, "test": dataset}, split="train").source == "train"
    with pytest.raises(gb.OptionError, match="one of train, test; got None"):
        gb.read_table({"train": dataset, "test": dataset})
    other = gb.read_table(frame.assign(label="ham"), label_names=("ham", "spam"))
    assert other.fingerprint != table.fingerprint


def test_damaged_json_lines_and_values(tmp_path):
    lines = ['{"text": "a", "label": 1}', "{", "[1]", '{"text": 3, "label": 1}', "", '{"text": ["a"], "label": 0}']
    lines += ['{"label": 1}', '{"text": "b", "label": null}', '{"text": "c", "label": {}}', '{"text": "d", "label": 0}']
    lines += ['{"text": "\\ud83d", "label": 0}', "[" * 100_000]
    table = gb.read_table(written(tmp_path, "\n".join(lines), "a.jsonl"))
    assert table.texts == ("a", "d")
    assert [(bad.row, bad.column) for bad in table.bad_rows] == [
        *((2, ""), (3, ""), (4, "text"), (5, ""), (6, "text"), (7, "text"), (8, "label"), (9, "label"), (11, "text")),
        (12, ""),
    ]
    assert "not a text but the number 3" in str(table.bad_rows[2])
    frame = pd.DataFrame({"text": ["a", None, "c", "d"], "label": [1.0, 0.0, np.nan, 0.0]})
    table = gb.read_table(frame)
    assert (table.labels, table.label_names) == ((1, 0), ("0", "1"))
    assert table.bad_rows == (BadRow(2, "text", "the text is empty"), BadRow(3, "label", "the label is missing"))


@pytest.mark.parametrize(
    ("labels", "kind", "names"),
    [
        (["1", "0", "10", "2"] * 5, "classification", ("0", "1", "2", "10")),
        ([1, 2, 3, 4, 5] * 4, "classification", ("1", "2", "3", "4", "5")),
        ([1.0, 2.0] * 5, "classification", ("1", "2")),
        ([0.5, 1.0, 2.25] * 5, "regression", ()),
        (["3,5", "2,0", "1"] * 5, "regression", ()),
        (list(range(100)), "regression", ()),
        ([True, False] * 3, "classification", ("False", "True")),
        ([["a", "b"], [], ["b"]] * 3, "multi_label", ("a", "b")),
        (['["a", "b"]', "[]", '["b"]'] * 3, "multi_label", ("a", "b")),
        (["yes", "no", "1"] * 4, "classification", ("1", "no", "yes")),
    ],
)
def test_the_kind_is_told_by_the_labels(labels, kind, names):
    table = gb.read_table(pd.DataFrame({"text": [f"text {n}" for n in range(len(labels))], "label": labels}))
    assert (table.kind, table.label_names, table.bad_rows) == (kind, names, ())


def test_numbers_with_damage_stay_numbers():
    texts = [f"text {n}" for n in range(40)]
    scores = [f"{n / 8}" for n in range(38)]
    table = gb.read_table(pd.DataFrame({"text": texts, "score": [*scores, "n/a", "inf"]}))
    assert table.kind == "regression"
    assert table.labels[1] == 0.125
    assert [bad.reason for bad in table.bad_rows] == ["'n/a' is not a number", "inf is not a finite number"]
    table = gb.read_table(pd.DataFrame({"text": texts, "stars": [*("12" * 19), "?", ""]}))
    assert table.label_names == ("1", "2")
    assert [bad.reason[:27] for bad in table.bad_rows] == ["'?' is not a whole number a", "the label is missing"]


def test_the_names_of_the_training_table_hold_elsewhere():
    train = gb.read_table(pd.DataFrame({"text": list("abcd"), "label": ["x", "y", "z", "z"]}))
    dev = gb.read_table(pd.DataFrame({"text": list("ef"), "label": ["z", "new"]}), label_names=train.label_names)
    assert (dev.labels, dev.label_names) == ((2,), ("x", "y", "z"))
    assert dev.bad_rows == (BadRow(2, "label", "'new' is not one of the 3 known labels"),)
    by_number = gb.read_table(pd.DataFrame({"text": list("ef"), "label": [2, 3]}), label_names=train.label_names)
    assert (by_number.labels, len(by_number.bad_rows)) == ((2,), 1)
    for text in ("a|b", "a; b"):
        several = gb.read_table(pd.DataFrame({"text": ["one", "two"], "label": [text, ""]}), kind="multi_label")
        assert several.labels == ((0, 1), ())


def test_words_and_tags():
    rows = [
        {"tokens": ["Marie", "lives"], "ner_tags": ["B-PER", "O"]},
        {"tokens": ["Paris"], "ner_tags": ["O", "O"]},
        {"tokens": ["a", ""], "ner_tags": ["O", "O"]},
        {"tokens": ["Rome", "is", "old"], "ner_tags": ["B-LOC", "O", "O"]},
    ]
    table = gb.read_table(pd.DataFrame(rows))
    assert (table.kind, table.label_names) == ("tokens", ("O", "B-LOC", "B-PER"))
    assert table.words == (("Marie", "lives"), ("Rome", "is", "old"))
    assert table.texts == ("Marie lives", "Rome is old")
    assert table.labels == ((2, 0), (1, 0, 0))
    assert [str(bad) for bad in table.bad_rows] == [
        "row 2, column 'ner_tags': 2 tags for 1 words",
        "row 3, column 'tokens': word 2 is empty or not a string",
    ]
    numbers = [{**row, "ner_tags": [0] * len(row["tokens"])} for row in rows]
    inner = {"feature": {"names": ["O", "B-LOC"]}}
    assert gb.read_table(Dataset(numbers, {"ner_tags": inner})).label_names == ("O", "B-LOC")
    strings = pd.DataFrame({"text": ["Marie lives"], "tags": ["B-PER O"]})
    assert gb.read_table(strings, kind="tokens").labels == ((1, 0),)


def test_questions_contexts_answers():
    context = " Paris is old. Rome is older."
    rows = [
        {"question": "What is old?", "context": context, "answers": {"text": ["Paris"], "answer_start": [1]}},
        {"question": "What is older?", "context": context, "answers": [{"text": "Rome", "start": 15}]},
        {"question": "What is new?", "context": context, "answers": {"text": [], "answer_start": []}},
        {"question": "Off by one?", "context": context, "answers": {"text": ["Paris"], "answer_start": [0]}},
        {"question": "Twice?", "context": context, "answers": ["is o"]},
    ]
    table = gb.read_table(pd.DataFrame(rows))
    assert (table.kind, table.pairs[0], table.text_column, table.pair_column) == (
        "spans",
        context,
        "question",
        "context",
    )
    assert table.labels == (((1, "Paris"),), ((15, "Rome"),), ())
    assert [bad.reason for bad in table.bad_rows] == [
        "the answer 'Paris' is not at character 0 of the context",
        "the answer 'is o' occurs 2 times in the context, and where it starts is not said",
    ]
    plain = pd.DataFrame({"question": ["What is old?"], "context": [context], "answer": ["Paris"], "answer_start": [1]})
    assert gb.read_table(plain).labels == (((1, "Paris"),),)


def test_columns_are_found_by_name_and_by_content(tmp_path):
    words = [f"these are {n} words" for n in range(8)]
    table = gb.read_table(pd.DataFrame({"id": range(8), "verdict": ["a", "b"] * 4, "zzz": words}))
    assert (table.text_column, table.label_column) == ("zzz", "verdict")
    table = gb.read_table(pd.DataFrame({"sentence1": words, "sentence2": words[::-1], "score": [0.5, 1.5] * 4}))
    assert (table.text_column, table.pair_column, table.kind) == ("sentence1", "sentence2", "regression")
    table = gb.read_table(written(tmp_path, "one text\n\n“another”\n", "data.txt"))
    assert (table.kind, table.texts, table.rows, table.labels) == ("texts", ("one text", "“another”"), (1, 3), ())
    one_column = written(tmp_path, "text\nHello, world, you\nA second; text\n")
    assert gb.read_table(one_column).texts == ("Hello, world, you", "A second; text")
    with pytest.raises(gb.TableError, match=r"the first row looks like data.*'new', '1'"):
        gb.read_table(written(tmp_path, "new\t1\n" + "".join(f"a text {n}\t{n % 2}\n" for n in range(9)), "a.tsv"))


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ({"alpha": ["a b c", "d e"], "beta": ["a b", "d e"]}, {}, "which column holds the texts.*'alpha', 'beta'"),
        (
            {"text": ["a", "b"], "label": ["x", "y"]},
            {"text": "txt"},
            "no column 'txt': the columns are 'text', 'label'",
        ),
        ({"text": ["a", "b"], "label": ["x", "y"]}, {"text": "text", "label": "text"}, "cannot be two things"),
        ({"text": ["", None], "label": ["x", "y"]}, {}, "no row that can be used .2 cannot; the first: row 1, column"),
        ({"text": ["a"] * 8, "p": ["x", "y"] * 4, "q": ["x", "y"] * 4}, {}, "which column holds the labels, 'p', 'q'"),
        ({"text": ["a b"] * 201, "label": [f"x{n}" for n in range(201)]}, {}, "201 different values"),
        ({"text": ["a", "b"]}, {"kind": "regression"}, "which column holds the labels"),
        ({"text": ["a", "b"]}, {"kind": "spans"}, "answers need a column of questions"),
        ({"text": ["a", "b"]}, {"kind": "tokens"}, "token labels need a column of words"),
        ({"text": ["a"] * 12, "label": [1] * 12}, {"max_rows": 10}, "more than 10 rows"),
        (3, {}, "not int"),
        (None, {}, "not NoneType"),
    ],
)
def test_what_cannot_be_read_says_why(content, options, message):
    source = pd.DataFrame(content) if isinstance(content, dict) else content
    with pytest.raises(gb.TableError, match=message):
        gb.read_table(source, **options)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.csv", "the file is empty"),
        (b"\n\n", "a.csv", "the file is empty"),
        (b"PK\x03\x04rest", "a.xlsx", "Excel workbook"),
        (b"PAR1 and rubbish", "a.parquet", "damaged or not Parquet"),
        (b"{", "a.json", "is not JSON"),
        (b"3", "a.json", "must hold a list"),
        (b"\n", "a.jsonl", "no rows with named values"),
        (gzip.compress(b"text,label\n" + b"a,b\n" * 9, mtime=0)[:-12], "a.csv.gz", "damaged"),
        (b"text,label\n" + b"a,b\n" * 500, "large.csv", "more than 0 MB"),
        (gzip.compress(b"text,label\n" + b"a,b\n" * 5000, mtime=0), "bomb.csv.gz", "more than 0 MB"),
    ],
)
def test_files_that_are_no_tables(tmp_path, content, name, message):
    with pytest.raises(gb.TableError, match=message) as caught:
        gb.read_table(written(tmp_path, content, name), max_bytes=1000)
    assert isinstance(caught.value, ValueError)


def test_missing_files_and_wrong_options(tmp_path):
    with pytest.raises(gb.TableError, match=r"there is no file .*none.csv; the sets on board are banking, contracts"):
        gb.read_table(tmp_path / "none.csv")
    with pytest.raises(gb.TableError, match="is a folder"):
        gb.read_table(tmp_path)
    frame = pd.DataFrame({"text": ["a", "b"], "label": ["x", "y"]})
    for options in (
        {"kind": "no"},
        {"max_rows": 0},
        {"split": "dev"},
        {"label_names": ["a", "a"]},
        {"max_bytes": True},
    ):
        with pytest.raises(gb.OptionError):
            gb.read_table(frame, **options)


def test_a_part_of_a_table_and_a_split():
    texts = [f"text {n}" for n in range(60)] + ["text 0", "single"]
    labels = ["a"] * 40 + ["b"] * 20 + ["a", "c"]
    table = gb.read_table(pd.DataFrame({"text": texts, "label": labels}))
    few = table.take([3, 1])
    assert (few.texts, few.rows, few.labels) == (("text 3", "text 1"), (4, 2), (0, 0))
    train, dev = table.split(0.1, seed=3)
    assert sorted(train.rows + dev.rows) == list(table.rows)
    assert not set(train.texts) & set(dev.texts)
    assert [dev.labels.count(one) for one in range(3)] in ([4, 2, 0], [5, 2, 0])
    assert (train.rows, dev.rows) == tuple(part.rows for part in table.split(0.1, seed=3))
    assert dev.rows != table.split(0.1, seed=4)[1].rows
    for share in (0, 1, -1, float("nan")):
        with pytest.raises(gb.OptionError):
            table.split(share)
    with pytest.raises(gb.OptionError, match="index 62: this table has 62 rows"):
        table.take([62])


def test_texts_that_are_all_equal_and_a_class_with_one_example():
    table = gb.read_table(pd.DataFrame({"text": ["same"] * 9, "label": ["a"] * 8 + ["b"]}))
    train, dev = table.split(0.5)
    assert (len(train), len(dev)) == (9, 0)
    assert table.labels.count(1) == 1


def test_100_000_rows_in_bounded_memory(tmp_path):
    """What is asked for is kept, about 25 MB of small strings; 30 MB of notes pass by."""
    rows = "".join(f"t{n} of words,{n % 3},{'x' * 300}\n" for n in range(100_000))
    path = written(tmp_path, "text,label,notes\n" + rows)
    del rows
    tracemalloc.start()
    try:
        table = gb.read_table(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (len(table), table.texts[-1], table.rows[-1]) == (100_000, "t99999 of words", 100_001)
    assert peak < 40e6


cells = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(lambda text: text.strip())


@settings(max_examples=settings().max_examples // 3)
@given(st.lists(cells, min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_what_a_writer_writes_is_read(tmp_path_factory, texts, delimiter):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([("text", "label"), *((text, "a") for text in texts)])
    path = tmp_path_factory.mktemp("written") / "data.csv"
    path.write_bytes(file.getvalue().encode())
    assert gb.read_table(path).texts == tuple(text.strip() for text in texts)
