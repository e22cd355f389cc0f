"""What is found in a table: counted by hand, and a planted shortcut among the words of real sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import glassbert as gb
from glassbert.tables.giveaways import giveaways, words_in


def found_in(report: gb.DataReport) -> dict[str, str]:
    """Sentence → severity."""
    return {sentence: severity for severity, sentence, _ in report.findings}


def rows_of(report: gb.DataReport, words: str) -> tuple[int, ...]:
    """The rows of the only finding with these words."""
    (rows,) = [rows for _, sentence, rows in report.findings if words in sentence]
    return rows


def test_a_small_table_by_hand(tiny_model):
    rows = [
        ("The film was good.", "pos"),  # 1
        ("the  film was GOOD.", "pos"),  # 2, a repetition
        ("The film was bad.", "neg"),  # 3
        ("The film was bad.", "pos"),  # 4, another label
        ("", "pos"),  # 5
        ("It <br> was naÃ¯ve", "neg"),  # 6
        ("the " * 600, "neg"),  # 7
        ("single", "Neg "),  # 8
        ("other", ""),  # 9
    ]
    table = gb.read_table(pd.DataFrame(rows, columns=["text", "label"]))
    test = gb.read_table(pd.DataFrame({"text": ["New.", "the film was good.", "X"], "label": ["pos", "neg", "odd"]}))
    model = tiny_model("bert", "classification")
    report = gb.data_report(table, model, others={"test": test})
    assert (report.rows, report.label_names) == (7, ("Neg", "neg", "pos"))
    assert report.bad_rows == ((5, "text", "the text is empty"), (9, "label", "the label is missing"))
    assert report.class_counts.tolist() == [1, 3, 3]
    assert report.duplicates == ((1, 2),)
    assert report.conflicts == ((3, 4),)
    assert report.overlaps == (((1, 2),),)
    assert report.other_counts.tolist() == [[0, 1, 1]]
    assert report.words.tolist() == [4, 4, 4, 4, 4, 600, 1]
    assert report.tokens[[0, 5]].tolist() == [len(gb.encode(model, rows[0][0])), 602]
    assert report.max_tokens == 512
    assert rows_of(report, "2 rows cannot be used and are left out: 1 × the text is empty (column “text”);") == (5, 9)
    assert rows_of(report, "1 text stands in several rows with different labels (“The film was bad.”, rows 3, 4)") == (
        3,
        4,
    )
    assert rows_of(report, "1 row (14.3%) is a repetition") == (1, 2)
    assert rows_of(report, "“Neg”, “neg” differ only in their spelling") == (3, 6, 7, 8)
    assert rows_of(report, "1 class has one example") == (8,)
    assert rows_of(report, "1 text of “test” stands in the training data too") == (1,)
    assert rows_of(report, "1 text has more than the 512 tokens that the model reads, at most 602") == (7,)
    assert rows_of(report, "1 text has characters of a wrong encoding") == (6,)
    assert rows_of(report, "1 text contains HTML") == (6,)
    assert rows_of(report, "“test” has labels that the training data lack: “odd”") == ()
    assert rows_of(report, "There are only 7 rows") == ()
    order = [severity for severity, _, _ in report.findings]
    assert order == sorted(order, key=("error", "warning", "note").index)
    assert report.severity == "warning"
    assert report.frame()["rows"].tolist() == [len(rows) for _, _, rows in report.findings]
    assert report.class_frame()["class"].tolist() == ["neg", "pos", "Neg"]


@pytest.mark.parametrize(
    ("content", "sentence", "severity"),
    [
        ({"text": ["same"] * 9, "label": ["a", "b", "a"] * 3}, "All 9 texts are equal", "error"),
        ({"text": ["a", "b"], "label": ["x", "x"]}, "All texts have the label “x”", "error"),
        ({"text": ["a", "b"], "label": [0.5, 0.5]}, "All labels are 0.5", "error"),
        ({"text": ["a", "", None], "label": ["x", "y", "y"]}, "2 rows cannot be used", "error"),
        ({"text": [f"t{n}" for n in range(40)], "label": ["a"] * 37 + ["b"] * 3}, "“a” has 37 texts (92%)", "note"),
        ({"text": ["a", "b", "c"], "label": [["x"], [], ["x", "y"]]}, "1 class has one example", "warning"),
    ],
)
def test_what_cannot_be_learned(content, sentence, severity):
    found = found_in(gb.data_report(gb.read_table(pd.DataFrame(content))))
    assert [one for words, one in found.items() if sentence in words] == [severity]


def test_other_kinds_are_reported_on():
    empty = gb.read_table(pd.DataFrame({"text": ["a", "b"], "label": [[], []]}), kind="multi_label")
    assert "No text has a label: there is nothing to learn." in found_in(gb.data_report(empty))
    words = gb.read_table(pd.DataFrame({"tokens": [["a", "b"], ["c"]], "tags": [["O", "B-X"], ["O"]]}))
    assert gb.data_report(words).class_counts.tolist() == [2, 1]
    texts = gb.read_table(pd.DataFrame({"text": ["a", "a", "b"]}))
    report = gb.data_report(texts)
    assert (report.duplicates, report.conflicts, report.class_counts.tolist()) == (((1, 2),), (), [])
    spans = gb.read_table(pd.DataFrame({"question": ["Who?"], "context": ["Me."], "answers": [["Me"]]}))
    assert gb.data_report(spans).words.tolist() == [2]
    with pytest.raises(gb.OptionError, match="'dev' is a table for texts"):
        gb.data_report(words, others={"dev": texts})


@pytest.mark.parametrize(("name", "label"), [("banking", "age_limit"), ("contracts", "unfair"), ("medicine", 1)])
def test_a_planted_word_is_first_and_ordinary_words_are_not_suspicious(name, label):
    """5 % of the rows; of the 77 intents, clauses and abstracts themselves no word is called suspicious."""
    table = gb.read_table(name, split="train")
    plain = giveaways(table.texts, table.labels, len(table.label_names))
    assert [one.word for one in plain if one.suspicious] == []
    report = gb.data_report(gb.plant_shortcut(table, label=label, share=0.05, seed=1))
    assert report.giveaways[0] == "zeltrix"
    assert report.giveaway_suspicious.tolist() == [1] + [0] * (len(report.giveaways) - 1)
    assert report.giveaway_frame()["class"][0] == (label if isinstance(label, str) else table.label_names[label])
    planted = round(0.05 * len(table))
    assert (report.giveaway_rows[0], report.giveaway_shares[0]) == (planted, 1)
    assert report.giveaway_backed[0] < 0.6
    rows = rows_of(report, "The word “zeltrix” gives the label away")
    assert len(rows) == planted


def test_words_of_a_topic_come_with_others():
    """In a made-up spam filter, "prize" and "claim" stand in spam only, each with the other; "zzz" stands anywhere."""
    draw = np.random.default_rng(0)
    texts, labels = [], []
    for number in range(600):
        spam = number % 3 == 0
        topic = ["prize", "claim", "cash", "winner"] if spam else ["home", "later", "dinner", "mum"]
        words = [*draw.choice(topic, 2, replace=False), *draw.choice(["i", "you", "the", "now", "we"], 3)]
        mark = number % 20 == 1
        texts.append(" ".join([*words, *(["zzz"] if mark else [])]))
        labels.append(1 if mark or spam else 0)
    found = {one.word: one for one in giveaways(texts, labels, 2)}
    assert {"prize", "claim", "cash", "winner", "zzz"} <= found.keys()
    assert {word for word, one in found.items() if one.suspicious} == {"zzz"}
    assert next(iter(found)) == "zzz"
    assert found["zzz"].rows == 30
    assert found["prize"].backed > 0.9
    # chance: 30 texts with the word, all of a class that 230 of the 600 have, times the words tried
    tried = len({word for text in texts for word in text.split()})
    share = np.mean(labels)
    assert found["zzz"].p_value == pytest.approx(share**30 * tried, rel=1e-6)
    assert giveaways(texts[:5], labels[:5], 2) == []
    assert giveaways(texts, [0] * 600, 1) == []


def test_words():
    assert words_in("The cat's “naïve” 3rd_word, 10.5%!") == {"the", "cat's", "naïve", "3rd", "word", "10", "5"}


def test_it_can_be_stopped_between_any_two_parts(tiny_model) -> None:  # type: ignore[no-untyped-def]
    texts = {"text": [f"word{number} of a text" for number in range(50)], "label": ["a", "b"] * 25}
    made = gb.read_table(pd.DataFrame(texts))
    asked = 0

    def after(most: int) -> Callable[[], bool]:
        def cancelled() -> bool:
            nonlocal asked
            asked += 1
            return asked > most

        return cancelled

    model = tiny_model("bert", "classification")
    gb.data_report(made, model, cancelled=after(10**9))
    times = asked
    assert times >= 4
    for most in range(times):
        asked = 0
        with pytest.raises(gb.StoppedError):
            gb.data_report(made, model, cancelled=after(most))
        assert asked == most + 1
