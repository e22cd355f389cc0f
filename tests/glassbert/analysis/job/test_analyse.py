"""What an analysis writes, against the same model asked text by text; and what interrupts it."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import AutoTokenizer, BertForSequenceClassification

import glassbert as gb
from glassbert.analysis import folder as layout
from glassbert.analysis.job import output, running
from glassbert.network.model import Model

ROOT = Path(__file__).resolve().parents[4]
TEXTS = ("The film was good.", "A bad film", "good good film, was it", "The man went home.", "un able case")


def read(folder: Path, kind: str) -> pd.DataFrame:
    parts = [pq.read_table(folder / layout.part_file(kind, number)) for number in layout.parts_in(folder)]
    return pa.concat_tables(parts).to_pandas()


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def assert_same_files(one: Path, other: Path) -> None:
    assert list(layout.parts_in(one)) == list(layout.parts_in(other))
    for kind in layout.KINDS:
        for number in layout.parts_in(one):
            first, second = (pq.read_table(place / layout.part_file(kind, number)) for place in (one, other))
            assert first.equals(second), (kind, number)
    changing = {"seconds", "texts_per_second"}
    assert {k: v for k, v in manifest(one).items() if k not in changing} == {
        k: v for k, v in manifest(other).items() if k not in changing
    }


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PART_ROWS", 8)


@pytest.fixture(scope="module")
def classifier(tiny_model: Callable[..., Model]) -> Model:
    return tiny_model("bert", "classification")


def frame(model: Model, count: int) -> pd.DataFrame:
    labels = [model.labels[number % len(model.labels)].lower() for number in range(count)]
    texts = [f"{TEXTS[number % len(TEXTS)]}{' film' * (number % 7)}" for number in range(count)]
    return pd.DataFrame({"text": texts, "label": labels, "country": ["DE", "FR"] * (count // 2) + ["DE"] * (count % 2)})


@pytest.mark.usefixtures("small_parts")
def test_every_number_is_that_of_the_single_text(classifier: Model, tmp_path: Path) -> None:
    data = frame(classifier, 19)
    gb.analyse(classifier, data, tmp_path, methods=("input_x_gradient", "attn_lrp"), receipts=0)
    predictions, tokens, states = (read(tmp_path, kind) for kind in ("predictions", "attributions", "states"))
    assert predictions["id"].tolist() == list(range(19))
    assert predictions["row"].tolist() == list(range(1, 20))
    assert predictions["meta_0"].tolist() == data["country"].tolist()
    assert predictions["error"].isna().all()
    for row in predictions.itertuples():
        found = gb.classify(classifier, row.text)
        assert row.text == data["text"][row.id]
        assert row.answer == found.predicted
        assert row.probabilities == pytest.approx(found.probabilities, abs=1e-6)
        assert row.confidence == pytest.approx(found.probabilities[row.answer], abs=1e-6)
        assert row.logit == pytest.approx(found.logits[row.answer], abs=1e-5)
        label = [name.lower() for name in classifier.labels].index(data["label"][row.id])
        assert row.label == label
        assert row.right == (label == row.answer)
        assert row.loss == pytest.approx(-np.log(found.probabilities[label]), abs=1e-5)
        hidden = gb.hidden_states(classifier, row.text)
        words = found.encoded.special_tokens_mask == 0
        assert row.tokens == len(found.encoded)
        state = states["state"][row.id].astype(float)
        assert state == pytest.approx(hidden.states[-1][words].mean(axis=0), abs=2e-3)  # float16
        for method in ("input_x_gradient", "attn_lrp"):
            scores = gb.attribute(classifier, row.text, method=method)
            own = tokens[(tokens["id"] == row.id) & (tokens["method"] == method)]
            assert own["token"].tolist() == list(scores.encoded.tokens)
            assert own["position"].tolist() == list(range(len(scores.encoded)))
            assert own["score"].to_numpy() == pytest.approx(scores.scores, abs=1e-5)
            assert set(own["target"]) == {row.answer}
            inside = own[own["segment"] >= 0]
            assert inside["share"].abs().sum() == pytest.approx(1, abs=1e-4)
            assert own["share"].to_numpy() * inside["score"].abs().sum() == pytest.approx(
                own["score"].to_numpy(), abs=1e-5
            )
            by_word = scores.by_word()
            merged = inside.groupby("word_index", sort=True).agg({"score": "sum", "word": "first"})
            assert merged["word"].tolist() == [w for w, s in zip(by_word.words, by_word.special, strict=True) if not s]
            assert merged["score"].to_numpy() == pytest.approx(by_word.scores[~by_word.special], abs=1e-5)
            cut = [row.text[start:stop] for start, stop in zip(inside["start"], inside["stop"], strict=True)]
            assert "".join(cut).replace(" ", "") == row.text.replace(" ", "")
    told = manifest(tmp_path)
    assert told["complete"] is True
    assert (told["rows"], told["errors"], told["labelled"], told["explained"], told["checked"]) == (19, 0, 19, 19, 0)
    assert told["tokens"] == predictions["tokens"].sum()


@pytest.mark.usefixtures("small_parts")
def test_no_row_is_lost(classifier: Model, tmp_path: Path) -> None:
    data = frame(classifier, 12)
    data.loc[1, "text"] = ""
    data.loc[3, "text"] = None
    data.loc[5, "text"] = "good " * 600
    data.loc[6, "label"] = "nonsense"
    data.loc[7, "label"] = None
    data.loc[8, "text"] = "\u200b"
    data.loc[9, "text"] = "'; DROP TABLE predictions; -- <script>alert(1)</script> \u202e good"
    path = tmp_path / "data.csv"
    data.to_csv(path, index=False)
    out = tmp_path / "out"
    gb.analyse(classifier, path, out)
    predictions = read(out, "predictions")
    assert predictions["id"].tolist() == list(range(12))
    assert predictions["row"].tolist() == list(range(2, 14))
    errors = predictions.set_index("id")["error"]
    assert errors[errors.notna()].index.tolist() == [1, 3, 6, 7, 8]
    assert errors[1] == "column 'text': the text is empty"
    assert "no visible character" in errors[8]
    assert errors[6].startswith("label: 'nonsense' is not one of the")
    assert errors[7] == "label: the label is missing"
    assert predictions["answer"].notna().tolist() == [number not in (1, 3, 8) for number in range(12)]
    assert predictions["label"].notna().tolist() == [number not in (1, 3, 6, 7, 8) for number in range(12)]
    assert predictions["truncated"].tolist() == [number == 5 for number in range(12)]
    assert predictions["tokens"][5] <= classifier.max_tokens
    assert predictions["text"][9] == data["text"][9]
    assert set(read(out, "attributions")["id"]) == set(range(12)) - {1, 3, 8}
    assert manifest(out)["errors"] == 5


def test_pairs_and_receipts(classifier: Model, tmp_path: Path) -> None:
    data = pd.DataFrame({"premise": list(TEXTS), "hypothesis": ["He was tired.", "good", "bad", "A film", "movie"]})
    gb.analyse(classifier, data, tmp_path, receipts=1, checks=("comprehensiveness", "sufficiency"), orderings=20)
    tokens, receipts = read(tmp_path, "attributions"), read(tmp_path, "receipts")
    for number, (text, pair) in enumerate(zip(data["premise"], data["hypothesis"], strict=True)):
        scores = gb.attribute(classifier, text, pair, method="attn_lrp")
        own = tokens[tokens["id"] == number]
        assert own["score"].to_numpy() == pytest.approx(scores.scores, abs=1e-5)
        special = scores.encoded.special_tokens_mask.astype(bool)
        assert own["segment"].tolist() == np.where(special, -1, scores.encoded.sequence_ids).tolist()
        receipt = gb.receipt(classifier, scores, checks=("comprehensiveness", "sufficiency"), n_orderings=20)
        found = receipts[receipts["id"] == number].set_index("check")
        for line in receipt.lines:
            assert found["number"][line.check] == pytest.approx(line.number, abs=1e-6)
            assert found["verdict"][line.check] == line.verdict
    assert manifest(tmp_path)["checked"] == 5
    assert manifest(tmp_path)["labelled"] == 0


def test_receipts_are_drawn_by_the_seed(classifier: Model, tmp_path: Path) -> None:
    data = frame(classifier, 60)
    options = {"receipts": 0.2, "checks": ("comprehensiveness",), "orderings": 10}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        gb.analyse(classifier, data, tmp_path / name, seed=seed, **options)
    ids = {name: set(read(tmp_path / name, "receipts")["id"]) for name in "abc"}
    assert ids["a"] == ids["b"] != ids["c"]
    assert 4 <= len(ids["a"]) <= 22  # 60 × 0.2, five standard deviations


def test_several_labels_and_scores(
    tiny_model: Callable[..., Model], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    several = replace(tiny_model("bert", "classification"), multi_label=True)
    names = several.labels
    data = pd.DataFrame({"text": TEXTS[:3], "label": [[names[0]], list(names), []]})
    gb.analyse(several, data, tmp_path / "several")
    for row in read(tmp_path / "several", "predictions").itertuples():
        found = gb.classify(several, row.text)
        truth = np.isin(names, data["label"][row.id]).astype(float)
        assert row.labels.tolist() == np.flatnonzero(truth).tolist()
        assert row.answers.tolist() == np.flatnonzero(found.probabilities > 0.5).tolist()
        assert row.right == (row.labels.tolist() == row.answers.tolist())
        chance = found.probabilities
        entropy = -(truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).mean()
        assert row.loss == pytest.approx(entropy, abs=1e-5)
    stock = BertForSequenceClassification.from_pretrained(
        tiny_checkpoint("bert", "classification"), num_labels=1, ignore_mismatched_sizes=True, problem_type="regression"
    )
    stock.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(tiny_checkpoint("bert", "classification")).save_pretrained(tmp_path / "model")
    scores = gb.load(str(tmp_path / "model"), device="cpu")
    numbers = pd.DataFrame({"text": TEXTS[:3], "score": [0.5, "1,5", "high"]})
    gb.analyse(scores, numbers, tmp_path / "scores", label="score")
    rows = read(tmp_path / "scores", "predictions")
    assert rows["expected"][:2].tolist() == [0.5, 1.5]
    assert rows["error"][2] == "label: 'high' is not a number"
    for row in rows.itertuples():
        assert row.predicted == pytest.approx(gb.classify(scores, row.text).logits[0], abs=1e-6)
    assert rows["loss"][0] == pytest.approx(abs(rows["predicted"][0] - 0.5))
    assert rows["answer"].isna().all()


@pytest.mark.usefixtures("small_parts")
def test_a_stopped_analysis_goes_on(classifier: Model, tmp_path: Path) -> None:
    data = frame(classifier, 30)
    options = {"receipts": 0.1, "orderings": 10}
    gb.analyse(classifier, data, tmp_path / "whole", **options)
    done: list[int] = []
    with pytest.raises(gb.StoppedError, match="the same call goes on with it"):
        gb.analyse(
            classifier,
            data,
            tmp_path / "parts",
            progress=lambda rows, _: done.append(rows),
            cancelled=lambda: bool(done) and done[-1] >= 12,
            **options,
        )
    assert manifest(tmp_path / "parts")["complete"] is False
    assert list(layout.parts_in(tmp_path / "parts")) == [0, 1]  # of four
    gb.analyse(classifier, data, tmp_path / "parts", **options)
    assert_same_files(tmp_path / "whole", tmp_path / "parts")
    again: list[int] = []
    gb.analyse(classifier, data, tmp_path / "parts", progress=lambda rows, _: again.append(rows), **options)
    assert again == []  # it was complete


def test_a_killed_analysis_goes_on(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    """By the command line, killed by the system while it works on the second of two parts."""
    source = tiny_checkpoint("bert", "classification")
    model = gb.load(str(source))
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(frame(model, 1300).apply(lambda row: json.dumps(row.to_dict()), axis=1)))
    command = [sys.executable, "-m", "glassbert", "analyse", f"--model={source}", "--receipts=0", str(data)]
    command += ["--methods", "input_x_gradient"]
    out = tmp_path / "out"
    process = subprocess.Popen([*command, f"--out={out}"], cwd=ROOT, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 240
    while not (out / layout.part_file("predictions", 0)).exists():
        assert process.poll() is None, process.stderr.read().decode()  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert manifest(out)["complete"] is False
    assert len(list(layout.parts_in(out))) < 2
    gb.analyse(model, data, out, receipts=0, methods=["input_x_gradient"])
    gb.analyse(model, data, tmp_path / "whole", receipts=0, methods=["input_x_gradient"])
    assert_same_files(tmp_path / "whole", out)


@pytest.mark.usefixtures("small_parts")
def test_a_full_disk_loses_nothing(classifier: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = frame(classifier, 20)
    own, left = pq.write_table, iter([True] * 6 + [False])

    def write(table: pa.Table, place: Path, **options: Any) -> None:
        own(table, place, **options)
        if not next(left, True):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(output.pq, "write_table", write)
    with pytest.raises(gb.SavedResultError, match=r"no space left .* the same call goes on"):
        gb.analyse(classifier, data, tmp_path / "full", receipts=0)
    assert list(layout.parts_in(tmp_path / "full")) == [0]
    assert not list((tmp_path / "full").glob("*.part"))
    gb.analyse(classifier, data, tmp_path / "full", receipts=0)
    gb.analyse(classifier, data, tmp_path / "whole", receipts=0)
    assert_same_files(tmp_path / "whole", tmp_path / "full")


def test_one_folder_holds_one_analysis(classifier: Model, tmp_path: Path) -> None:
    data, out = frame(classifier, 3), tmp_path / "out"
    gb.analyse(classifier, data, out, receipts=0)
    with pytest.raises(gb.OptionError, match=r"another analysis; what differs is methods .*attn_lrp.*saliency"):
        gb.analyse(classifier, data, out, receipts=0, methods=("saliency",))
    with pytest.raises(gb.OptionError, match="what differs is table, fingerprint"):
        gb.analyse(classifier, data.head(2), out, receipts=0)
    gb.analyse(classifier, data.head(2), out, receipts=0, resume=False)
    assert len(read(out, "predictions")) == 2
    (out / "notes.txt").write_text("mine")
    with pytest.raises(gb.OptionError, match=r"also holds notes\.txt"):
        gb.analyse(classifier, data, out, receipts=0, resume=False)
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(gb.OptionError, match="holds other files"):
        gb.analyse(classifier, data, other)
    held = output.saving.held(out / ".lock")
    with pytest.raises(gb.OptionError, match="another process is writing"):
        gb.analyse(classifier, data, out)
    held.close()


def test_what_cannot_be_analysed_is_said(classifier: Model, tiny_model: Callable[..., Model], tmp_path: Path) -> None:
    data, out = frame(classifier, 3), tmp_path / "out"
    with pytest.raises(gb.TaskHeadError):
        gb.analyse(tiny_model("bert", "masked_words"), data, out)
    with pytest.raises(gb.OptionError, match="receipts must be a share"):
        gb.analyse(classifier, data, out, receipts=2)
    with pytest.raises(gb.OptionError, match="a check must be one of"):
        gb.analyse(classifier, data, out, checks=("nonsense",))
    with pytest.raises(gb.MethodError):
        gb.analyse(classifier, data, out, methods=("nonsense",))
    with pytest.raises(gb.OptionError, match="options for lime, which is not among"):
        gb.analyse(classifier, data, out, options={"lime": {}})
    with pytest.raises(gb.OptionError, match=r"no label in column 'country' .* is one of the model's"):
        gb.analyse(classifier, data, out, label="country")
    with pytest.raises(gb.TableError, match="there is no file"):
        gb.analyse(classifier, tmp_path / "absent.csv", out)
    with pytest.raises(gb.OptionError, match="label_names must be"):
        gb.analyse(classifier, data, out, label_names=["one"])
    assert not out.exists()


def test_label_names_are_the_spelling_of_the_table(classifier: Model, tmp_path: Path) -> None:
    count = len(classifier.labels)
    spelled = [f"class {number}" for number in range(count)]
    data = pd.DataFrame({"text": list(TEXTS), "label": [spelled[number % count] for number in range(len(TEXTS))]})
    gb.analyse(classifier, data, tmp_path, receipts=0, label_names=spelled)
    assert read(tmp_path, "predictions")["label"].tolist() == [number % count for number in range(len(TEXTS))]
    assert manifest(tmp_path)["model"]["labels"] == spelled


def test_input_x_gradient_explains_where_attn_lrp_has_no_rules(
    classifier: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise gb.UnsupportedModelError("no rule")

    monkeypatch.setattr(running, "attribute", refuse)
    assert gb.analyse(classifier, frame(classifier, 3), tmp_path, receipts=0).methods == ("input_x_gradient",)


def test_a_row_without_a_text_keeps_its_other_cells(classifier: Model, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"text,label,country\nThe film was good.,{classifier.labels[0]},DE\n,{classifier.labels[1]},FR\n")
    rows = gb.analyse(classifier, table, tmp_path / "out", receipts=0).rows().table
    assert rows["label_text"].tolist() == list(classifier.labels[:2])
    assert rows["country"].tolist() == ["DE", "FR"]
    assert rows["error"].notna().tolist() == [False, True]
    assert rows["text"].isna().tolist() == [False, True]


def test_a_table_without_rows_is_refused(classifier: Model, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("text,label\n")
    with pytest.raises(gb.TableError, match="no row"):
        gb.analyse(classifier, table, tmp_path / "out")


def test_columns_of_numbers_and_dates(classifier: Model, tmp_path: Path) -> None:
    data = pd.DataFrame(
        {
            "text": list(TEXTS),
            "day": ["2025-06-30", "2025-07-01", "soon", None, "2025-07-02T10:30:00"],
            "score": ["-1.25", "3", None, "0.5", "12"],
            "code": ["007", "1", "2", "3", "4"],
        }
    )
    analysis = gb.analyse(classifier, data, tmp_path, receipts=0)

    def found(where: str) -> list[int]:
        return analysis.rows(where, limit=10).frame()["id"].tolist()

    assert found("day>2025-06-30") == [1, 4]
    assert found("day<=2025-07-01") == [0, 1]
    assert found("day>2025-07-02T10:00") == [4]
    assert found("score<0.6") == [0, 3]
    with pytest.raises(gb.OptionError, match=r"from 0 to 1: 0\.9 in place of 90%"):
        found("confidence>90%")
    with pytest.raises(gb.OptionError, match="no number, nor a date such as"):
        found("day>soon")
    exported = pq.read_table(pa.BufferReader(analysis.export("rows", form="parquet"))).to_pandas()
    assert exported["score"].tolist()[:2] == [-1.25, 3.0]
    assert exported["code"].tolist()[0] == "007"
    written = pd.read_csv(io.BytesIO(analysis.export("rows", form="csv")))
    assert written["score"].dtype.kind == "f"
