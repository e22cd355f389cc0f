"""Reports: every number is the library's, the program in it gives the same ones, and hostile text does nothing."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shutil
import sys
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import transformers

import glassbert as gb
from glassbert.pictures.formats import percent, signed, signed_number
from glassbert.reports.limits import NOT_THE_TRUTH
from glassbert.reports.page import POLICY
from glassbert.reports.weighing import (
    REPORT_METHODS,
    affordable_methods,
    affordable_receipts,
    expected_seconds,
    expected_work,
)
from glassbert.results import Result
from glassbert.verdicts import decided_answer
from tests import tiny
from tests.fake_hub import FakeHub
from tests.glassbert.pictures.hostile import HOSTILE
from tests.glassbert.reports.reading import Document

TEXT = "The acting is good but the plot is bad."
PAIR = ("The man went home.", "He was tired.")
#: As each method votes in a verdict: its numbers are the same everywhere in a report.
VOTING = {"saliency": {}, "integrated_gradients": {"tolerance": 0.05}}
QUICK = {"methods": ["saliency", "integrated_gradients"], "maps": 2, "budget": 20}
FEWEST = {"methods": ["saliency"], "maps": 0, "budget": 10}


@pytest.fixture(scope="module")
def made(sentiment, pretrained):
    return gb.report(sentiment, TEXT, proposer=pretrained, **{**QUICK, "budget": 150})


@pytest.fixture(scope="module")
def document(made):
    return Document(made.html)


def numbers(value, path=""):
    """Every number and text of a result with its place, without what a clock says."""
    if isinstance(value, Result):
        for field in fields(value):
            if field.name != "seconds":
                yield from numbers(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from numbers(one, f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from numbers(one, f"{path}.{index}")
    elif isinstance(value, np.ndarray):
        yield path, (value.shape, value.tobytes())
    else:
        yield path, value


# --- the numbers -------------------------------------------------------------------------------------------------


def test_the_first_page_says_what_the_verdict_says(sentiment, pretrained, made, document):
    verdict = gb.verdict(sentiment, TEXT, target=made.target, proposer=pretrained, budget=150)
    told = document.text["summary"]
    assert verdict.answer.answer == "NEGATIVE"
    for sentence in (verdict.answer.sentence, verdict.words_sentence, verdict.flip.sentence):
        assert sentence in told
    opening, reason = verdict.trust.sentence.split(". ", 1)
    assert verdict.trust.reason.check == "faithfulness"
    assert f"✓ {opening}.{reason}" in told, "once"
    label = gb.classify(sentiment, TEXT)
    share = percent(float(label.probabilities.max()))
    assert f"gets {share}" in told
    assert f"{share} is what the model itself gives its answer, not the share of such answers that are right." in told
    assert "on other texts they are too confident" in told  # from the model's card
    assert "Decision rule" not in told
    assert NOT_THE_TRUTH in told
    assert "Everyday language is much weaker than film reviews" in told  # from the model's card
    assert len(made.limits) >= 3


def test_predictions_are_those_of_classify(sentiment, document):
    found = gb.classify(sentiment, TEXT)
    for name, share, logit in zip(found.labels, found.probabilities, found.logits, strict=True):
        assert document.row("prediction", name) == [percent(float(share)), signed(float(logit))]
    widths = re.findall(r"width:([\d.]+)%", "".join(one.get("style", "") for one in document.named("span")))
    for share in found.probabilities:
        assert any(abs(float(width) - 100 * share) < 0.01 for width in widths)


@pytest.mark.smoke
def test_a_threshold_decides_in_the_report_as_in_the_library(sentiment):
    label = gb.classify(sentiment, TEXT)
    threshold = float(label.probabilities[1]) / 2
    found = gb.report(sentiment, TEXT, target=gb.ClassTarget(threshold=threshold), **FEWEST)
    document = Document(found.html)
    assert label.decided() == 0
    assert found.verdict.answer.answer == label.labels[label.decided(threshold)] == "POSITIVE"
    rule = f"“POSITIVE” if its probability is above {percent(threshold)}, else “NEGATIVE”, which needs "
    rule += percent(1 - threshold)
    assert f"Decision rule: {rule}." in document.text["summary"]
    assert document.row("passport", "Decision rule") == [rule]
    assert f"The answer is {rule}." in document.text["prediction"]
    assert found.verdict.answer.sentence in document.text["summary"]
    assert f"threshold={threshold!r}" in found.script
    assert_recomputed(found, rerun(found))


def test_scores_are_those_of_attribute(sentiment, document):
    for column, method in enumerate(QUICK["methods"]):
        words = gb.attribute(sentiment, TEXT, method=method, **VOTING[method]).by_word()
        for word in ("plot", "good", "bad", "."):
            score = float(words.scores[words.words.index(word)])
            assert document.row("scores", word)[column] == signed_number(score), (method, word)
    scores = gb.attribute(sentiment, TEXT, method="integrated_gradients", tolerance=0.05)
    assert f"add up to {signed(float(scores.scores.sum(dtype=np.float64)))}" in document.text["scores"]


def test_one_value_of_the_empty_text_is_told(sentiment):
    """DecompX distributes F itself, so it has nothing to say of a text without its words."""
    document = Document(gb.report(sentiment, TEXT, methods=["integrated_gradients", "decompx"], maps=0, budget=10).html)
    (empty,) = re.findall(r"(\S+) without the words", document.text["scores"])
    assert empty == signed(gb.baseline_gap(sentiment, TEXT).baseline_value)
    total = float(gb.attribute(sentiment, TEXT, method="decompx").scores.sum(dtype=np.float64))
    assert f"(logit): the scores add up to {signed(total)}. Special tokens" in document.text["scores"]


def test_a_repeated_word_in_a_table_says_which_it_is(sentiment):
    document = Document(gb.report(sentiment, "Bad plot, bad acting, good music.", **FEWEST).html)
    for section in ("words", "scores"):
        named = {row[0] for row in document.cells[section]}
        assert {"bad, 1st of 2", "bad, 2nd of 2", "plot", "good"} <= named


def test_votes_receipts_and_the_gap_are_those_of_their_functions(sentiment, made, document):
    words = made.verdict.words
    for place, word in enumerate(words.words):
        if words.words.count(word) == 1:
            told = [f"{words.votes[place]} of 5", signed_number(float(words.shares.mean(axis=0)[place]))]
            assert document.row("words", word) == told
    scores = [gb.attribute(sentiment, TEXT, method=method, **VOTING[method]) for method in QUICK["methods"]]
    lines = [line for receipt in gb.receipts(sentiment, scores) for line in receipt.lines]
    told = document.text["receipts"]
    assert len(lines) == 2 * len(gb.CHECKS)
    for line in lines:
        assert line.sentence[1:] in told
        assert line.threshold[1:] in told
        assert gb.CHECKS[line.check].claim in told
    gap = gb.baseline_gap(sentiment, TEXT)
    assert document.row("baseline", "This text") == [signed(gap.value)]
    assert document.row("baseline", "Change") == [signed(gap.change)]
    agreement = gb.method_agreement(scores)
    assert document.row("agreement", "Gradient saliency")[1] == f"{agreement.kendall[0, 1]:+.2f}".replace("-", "−")


def test_maps_are_of_the_most_important_heads(sentiment, made):
    importance = gb.head_importance(sentiment, TEXT).importance
    order = np.argsort(-importance.ravel(), kind="stable")[:2]
    assert made.heads == tuple((int(one) // 12, int(one) % 12) for one in order)
    weights = gb.attention(sentiment, TEXT).by_word().values
    for (layer, head), one in zip(made.heads, made.maps, strict=True):
        np.testing.assert_allclose(one.values[0], weights[layer, head], atol=1e-6)
    told = re.findall(r"<title>(\w+) → (\w+): ([\d.]+)</title>", made.html)
    layer, head = made.heads[0]
    labels = made.maps[0].query_labels
    drawn = {(row, column): float(weight) for row, column, weight in told[: len(told) // 2]}
    for row, column in (("plot", "good"), ("acting", "bad")):
        expected = weights[layer, head, labels.index(row), labels.index(column)]
        assert drawn[row, column] == pytest.approx(expected, abs=1e-4)


def test_the_flip_in_it_flips(sentiment, made, document):
    search = made.verdict.flip.search
    assert search.found
    changed = search.flips.texts[0][0]
    found = gb.classify(sentiment, changed)
    assert [found.labels[found.predicted], percent(float(found.probabilities[0]))] == document.row("flips", changed)[:2]
    assert changed in document.text["summary"]


def test_words_are_marked_in_the_text_as_it_was_written(made):
    """The word that all methods name, with its votes; the others are left as they are."""
    assert "Do not read" not in made.html
    (marked,) = re.findall(r'<p dir="auto" [^>]*>(.*?)</p>', made.html)[:1]
    assert re.sub("<sup>.*?</sup>|<[^>]+>", "", marked) == TEXT
    ((word, votes),) = re.findall(r"<span title=[^>]*>(\w+)<sup>(.*?)</sup></span>", marked)
    assert (word, votes) == ("bad", "5/5")
    assert "border-bottom:4px solid" in marked


def test_no_word_is_marked_where_the_explanation_fails(tiny_model):
    """The weights are random, so the votes mean nothing."""
    found = gb.report(tiny_model("bert", "classification"), "The film was good.", **FEWEST)
    assert found.verdict.verdict == "fails"
    (text,) = re.findall(r'<p dir="auto" [^>]*>(.*?)</p>', found.html)[:1]
    assert text == "The film was good."
    assert "Do not trust this explanation." in Document(found.html).text["summary"]
    for section in ("words", "scores"):
        assert "Do not read these colours as reasons" in Document(found.html).text[section]
    assert "does not look trained" in Document(found.html).text["summary"]
    assert any(limit.startswith("The explanation did not pass") for limit in found.limits)


# --- the program -------------------------------------------------------------------------------------------------


def rerun(report, *arguments):
    """The variables of its program, run as a file would be."""
    there = {"__name__": "__main__"}
    before = sys.argv
    sys.argv = ["report.py", *arguments]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(report.script, "report.py", "exec"), there)
    finally:
        sys.argv = before
    for sentence in report.verdict.sentences:
        assert sentence in printed.getvalue()
    return there


def assert_recomputed(report, there):
    again = replace(
        report,
        verdict=there["verdict"],
        prediction=there["prediction"],
        scores=tuple(there["scores"]),
        receipts=tuple(there["receipts"]),
        agreement=there["agreement"],
        importance=there.get("importance"),
        maps=tuple(there.get("maps", ())),
        surprise=there.get("surprise"),
        lens=there.get("lens"),
    )
    expected, found = dict(numbers(report)), dict(numbers(again))
    named = {path for path in expected if path.endswith(".measured_by")}  # a name there, what was loaded here
    different = [path for path in expected if path not in named and expected[path] != found.get(path)]
    assert different == []
    assert len(expected) > 300


CASES = {
    "class": ("bert", "classification", ("The film was good.",), {}),
    "class rather than another": (
        "roberta",
        "classification",
        ("The film was good.",),
        {"target": gb.ClassTarget(0, 2)},
    ),
    "masked word": ("bert", "masked_words", ("The [MASK] was good.",), {}),
    "chosen word": ("albert", "masked_words", ("The man was good.",), {"target": gb.MaskTarget(2, "he")}),
    "next sentence": ("bert", "next_sentence", PAIR, {}),
    "an entity": ("distilbert", "token_classification", ("Paris is good.",), {}),
    "label of a token": ("distilbert", "token_classification", ("Paris is good.",), {"target": gb.TokenTarget(2)}),
    "answer": ("electra", "question_answering", ("Who went home?", PAIR[0]), {}),
    "no answer": (
        "bert",
        "question_answering",
        ("Who went home?", PAIR[0]),
        {"target": gb.SpanTarget(0, 0, no_answer=True)},
    ),
    "a pair of texts": ("bert", "classification", PAIR, {"seed": 3, "maps": [(1, 3), (0, 0)]}),
    "quotes": ("bert", "classification", ("'''\"\\n\n\u202e {x} \\",), {"methods": ["saliency"], "maps": 0}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_program_computes_every_number_again(tiny_model, tiny_checkpoint, case):
    family, task, texts, options = CASES[case]
    report = gb.report(tiny_model(family, task), *texts, **{**QUICK, **options})
    assert report.left_out == {}
    assert_recomputed(report, rerun(report, str(tiny_checkpoint(family, task))))
    document = Document(report.html)
    assert document.left_open == []
    assert document.text["script"].endswith(report.script)
    assert ("masked-words" in document.text) == ("masked_words" in report.passport.model.task_heads)


@pytest.mark.smoke
def test_the_program_of_an_embedded_model_with_a_proposer(made):
    there = rerun(made)
    assert there["model"].source == "sentiment"
    assert there["proposer"].source == "pretrained"
    assert_recomputed(made, there)


def test_seeds_and_heads_that_were_switched_off_are_in_it(tiny_model, tiny_checkpoint):
    model = gb.ablate(tiny_model("bert", "classification"), [(0, 1), (1, 2)])
    report = gb.report(model, "The film was good.", seed=7, **QUICK)
    assert "seed=7" in report.script
    assert report.passport.model.ablated_heads == ((0, 1), (1, 2))
    assert_recomputed(report, rerun(report, str(tiny_checkpoint("bert", "classification"))))


# --- the passport ------------------------------------------------------------------------------------------------


def test_the_passport_has_the_hashes_of_the_files(made, document):
    folder = Path(gb.__file__).parent / "checkpoints"
    model = made.passport.model
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()  # noqa: E731
    shared = folder / "word-embeddings.safetensors"
    assert model.weights == {
        "encoder.safetensors": digest(folder / "sentiment" / "encoder.safetensors"),
        shared.name: digest(shared),
    }
    assert model.tokenizer["tokenizer.json"] == digest(folder / "sentiment" / "tokenizer.json")
    assert model.config == digest(folder / "sentiment" / "config.json")
    for one in (*model.weights.values(), *model.tokenizer.values(), model.config):
        assert one in document.text["passport"]
    facts = dict(document.cells["passport"])
    assert facts["Model"] == "GlassBERT sentiment"
    assert facts["Version of glassbert"] == gb.__version__
    assert facts["Version of transformers"] == transformers.__version__
    assert facts["Seed"] == "0"
    assert facts["Proposes words: model"] == "GlassBERT pretrained"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts["Date (UTC)"])


def test_a_model_of_the_hub_is_named_with_its_commit(tiny_checkpoint, tmp_path, monkeypatch):
    folder = tiny_checkpoint("bert", "classification")
    with FakeHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        hub.add("someone/model", folder)
        found = gb.report(gb.load("someone/model", "cpu"), "The film was good.", **FEWEST)
        commit = hub.repositories["someone/model"].commit
        there = rerun(found)
    model = found.passport.model
    assert (model.name, model.origin, model.revision) == ("someone/model", "hub", commit)
    assert model.weights == {
        "model.safetensors": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    }
    assert f"gb.load('someone/model', device='cpu', revision='{commit}')" in found.script
    assert str(tmp_path) not in found.html
    assert_recomputed(found, there)


def test_no_path_is_in_it(tiny_checkpoint, tmp_path):
    folder = tmp_path / "secret place" / "my model"
    shutil.copytree(tiny_checkpoint("bert", "classification"), folder)
    model = gb.load(folder, "cpu")
    found = gb.report(model, "The film was good.", proposer=model, methods=["saliency", "decompx"], maps=1, budget=10)
    for told in (found.html, json.dumps(found.to_dict()), found.script):
        assert "secret place" not in told
        assert "my model" in told


def test_files_that_have_changed_are_not_vouched_for(tiny_checkpoint, tmp_path):
    folder = tmp_path / "changing"
    shutil.copytree(tiny_checkpoint("bert", "classification"), folder)
    model = gb.load(folder, "cpu")
    config = folder / "config.json"
    config.write_text(config.read_text() + " ")
    with pytest.raises(gb.ModelError, match="have changed since it was loaded"):
        gb.report(model, "Good.", **FEWEST)
    shutil.rmtree(folder)
    with pytest.raises(gb.ModelError, match="have changed since it was loaded"):
        gb.report(model, "Good.", **FEWEST)


# --- the file ----------------------------------------------------------------------------------------------------


def test_the_file_is_one_document_that_loads_and_runs_nothing(made, document, tmp_path):
    path = made.save(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8") == made.html
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert len(made.html.encode()) < 400_000
    assert document.left_open == []
    assert made.html.startswith('<!doctype html>\n<html lang="en">')
    (policy,) = [one["content"] for one in document.named("meta") if "http-equiv" in one]
    assert policy == POLICY
    assert "default-src 'none'" in policy
    kinds = {name for name, _ in document.elements}
    assert not kinds & {"script", "link", "iframe", "object", "embed", "base", "form", "a"}
    for name, values in document.elements:
        assert not any(attribute.startswith("on") for attribute in values), name
        for attribute in ("src", "href"):
            assert values.get(attribute, "data:image/png;base64,").startswith("data:image/png;base64,")
        assert "url(" not in values.get("style", "")
    assert not re.search(r"url\(|@import|expression", document.styles)
    assert "prefers-color-scheme: dark" in document.styles
    assert "@page" in document.styles


def test_it_is_accessible(made, document):
    headings = [int(name[1]) for name, _ in document.elements if re.fullmatch("h[1-6]", name)]
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(headings))
    assert all(one.get("scope") for one in document.named("th"))
    assert [one["role"] for one in document.named("svg")] == ["img"] * 3
    named = re.findall(r"<svg [^>]*><title>(.*?)</title>", made.html)
    assert len(named) == 3
    assert all(re.search(r"head \d+ of layer|attention weights of 12 words", name) for name in named)
    labels = {one["for"] for one in document.named("label")}
    assert labels == {one["id"] for one in document.named("input")}
    ids = [one["id"] for _, one in document.elements if one.get("id")]
    assert len(ids) == len(set(ids))
    for mark in ("✓ holds", "– does not apply"):
        assert mark in document.text["receipts"]


def test_json_gives_the_same_file_back(made, tmp_path):
    again = gb.load_result(made.save(tmp_path / "report.json"))
    assert again.html == made.html
    assert again.script == made.script
    assert gb.load_result(made.save(tmp_path / "report.zip")).html == made.html


def test_a_file_that_cannot_be_written_is_refused(made, tmp_path):
    with pytest.raises(gb.SavedResultError, match="cannot be written"):
        made.save(tmp_path / "no folder" / "report.html")


# --- hostile -----------------------------------------------------------------------------------------------------

BREAKOUTS = (*HOSTILE, "</style><script>alert(1)</script>", "</pre></code></title>", "--></svg>", "' or 1; import os #")


@pytest.fixture(scope="module")
def elements(tiny_model):
    """The kinds of elements of a report on a harmless text."""
    plain = gb.report(tiny_model("bert", "classification"), "a word", title="A title", **FEWEST)
    return {name for name, _ in Document(plain.html).elements}


@pytest.mark.parametrize("text", [one for one in BREAKOUTS if one.strip() and len(one) < 1000])
def test_hostile_texts_are_text(tiny_model, elements, text):
    found = gb.report(tiny_model("bert", "classification"), f"{text} word", title=text, **FEWEST)
    document = Document(found.html)
    assert document.left_open == []
    assert {name for name, _ in document.elements} <= elements | {"sup"}
    assert not any(attribute.startswith("on") for _, values in document.elements for attribute in values)
    assert text.strip() in document.text["summary"]
    compile(found.script, "report.py", "exec")
    assert found.html.encode()


def test_hostile_labels_are_text(tiny_checkpoint, tmp_path):
    """Names of labels come with a model from anywhere."""
    folder = tmp_path / "labels"
    shutil.copytree(tiny_checkpoint("bert", "classification"), folder)
    config = json.loads((folder / "config.json").read_text())
    names = ["</style><script>alert(1)</script>", "\u202eevil & <b>", "x" * 500]
    config |= {"id2label": dict(enumerate(names)), "label2id": {name: id for id, name in enumerate(names)}}
    (folder / "config.json").write_text(json.dumps(config))
    model = gb.load(folder, "cpu")
    for label in range(3):
        found = gb.report(model, "The film was good.", target=label, **FEWEST)
        document = Document(found.html)
        assert document.left_open == []
        assert "script" not in {name for name, _ in document.elements}
        assert names[0][:40] not in found.html
        assert any(names[0][:39] in cell for row in document.cells["prediction"] for cell in row)
        assert len(found.html) < 200_000


# --- other models, long texts ------------------------------------------------------------------------------------


def test_a_regression_has_scores_and_no_probabilities(tiny_checkpoint, tmp_path):
    folder = tmp_path / "scores"
    shutil.copytree(tiny_checkpoint("bert", "classification"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"problem_type": "regression", "id2label": {0: "stars", 1: "price", 2: "length"}}
    config["label2id"] = {name: int(id) for id, name in config["id2label"].items()}
    (folder / "config.json").write_text(json.dumps(config))
    model = gb.load(folder, "cpu")
    found = gb.report(model, "The film was good.", **QUICK)
    document = Document(found.html)
    scores = gb.classify(model, "The film was good.")
    for name, score in zip(scores.labels, scores.logits, strict=True):
        assert document.row("prediction", name) == [f"{score:.4g}"]
    assert "gets" not in document.text["summary"]
    assert "the share of such answers" not in found.html
    assert "no change of the text can flip it" in document.text["summary"]
    assert "The answer" not in document.text["summary"]
    assert "What raises it" in document.text["summary"]
    assert f"Which words raise the {found.verdict.answer.score_name}" in document.text["words"]
    assert_recomputed(found, rerun(found, str(folder)))


@pytest.mark.smoke
def test_a_masked_word_shows_the_gap_and_how_it_forms(pretrained):
    text = "The capital of France is [MASK]."
    found = gb.report(pretrained, text, **QUICK)
    document = Document(found.html)
    best = gb.fill_mask(pretrained, text)
    for word, share, logit in zip(best.candidates[0], best.probabilities[0], best.logits[0], strict=True):
        assert document.row("prediction", word) == [percent(float(share)), signed(float(logit))]
    lens = gb.logit_lens(pretrained, text)
    assert document.row("masked-words", "layer 6")[0].startswith(
        f"“paris” {percent(float(lens.probabilities[-1, 0, 0]))}"
    )
    assert "[MASK]" in document.text["summary"]
    typed = gb.report(pretrained, "The capital of France is Paris.", target=gb.MaskTarget(6), **FEWEST)
    assert "rank 1" in Document(typed.html).text["prediction"]
    assert "border:1px dashed" in typed.html


@pytest.mark.parametrize("family", tiny.STRUCTURES)
def test_every_family_gets_a_report(tiny_model, family):
    model = tiny_model(family, "classification")
    found = gb.report(model, "The film was good.", methods=["saliency"], maps=1, budget=10)
    document = Document(found.html)
    assert document.left_open == []
    best = gb.classify(model, "The film was good.")
    assert document.row("prediction", best.labels[best.predicted])[0] == percent(float(best.probabilities.max()))
    assert len(found.maps) + len(found.left_out) == 1


def test_a_table_of_all_methods_fits_on_paper(tiny_model):
    """Six columns side by side, the others below, each with the words."""
    methods = [name for name, method in gb.METHODS.items() if method.family != "perturbation"][:8]
    found = gb.report(tiny_model("bert", "classification"), "Good film.", **{**FEWEST, "methods": methods})
    rows = [row for row in Document(found.html).cells["scores"] if row[0] in ("Word", "good")]
    assert [len(row) for row in rows] == [7, 7, 3, 3]
    assert [name for row in rows if row[0] == "Word" for name in row[1:]] == [gb.METHODS[one].label for one in methods]
    scores = [one.by_word() for one in found.scores]
    told = [cell for row in rows if row[0] == "good" for cell in row[1:]]
    assert told == [signed_number(float(one.scores[one.words.index("good")])) for one in scores]


def test_without_a_language_head_there_are_no_masked_words(tiny_model, document):
    assert "masked-words" not in document.text
    found = gb.report(tiny_model("bert", "next_sentence"), *PAIR, **FEWEST)
    words = Document(found.html).cells["masked-words"]
    surprise = gb.surprise(tiny_model("bert", "next_sentence"), *PAIR)
    assert [row[1] for row in words[1:]] == [f"{bits:.2f}" for bits in surprise.surprisal]


@pytest.mark.smoke
def test_a_long_text_gives_a_file_of_bounded_size(tiny_model):
    """160 words, with everything that a short text gets: maps are pictures, tables end."""
    model = tiny_model("bert", "classification")
    text = " ".join(f"film {number % 10} was good" for number in range(40)) + "."
    found = gb.report(model, text, methods=["saliency"], maps=2, budget=10)
    assert len(found.verdict.words.words) > 160
    size = len(found.html.encode())
    assert size < 1_000_000
    document = Document(found.html)
    assert "40 words of 161" in document.text["scores"]
    assert len(document.cells["scores"]) == 41


def test_24_tokens_with_everything_take_a_fraction_of_a_megabyte(tiny_model):
    model = tiny_model("bert", "classification")
    text = "the film was good " * 5 + "the film"
    found = gb.report(model, text, budget=10)
    assert len(found.encoded) == 24
    assert [one.method for one in found.receipts] == list(REPORT_METHODS)
    assert len(found.maps) == 4
    size = len(found.html.encode())
    assert 100_000 < size < 700_000


def test_what_a_length_allows_is_the_same_everywhere(sentiment):
    assert affordable_methods(sentiment, 24) == REPORT_METHODS
    assert affordable_receipts(sentiment, 24, REPORT_METHODS) == REPORT_METHODS
    long = affordable_methods(sentiment, 400)
    assert long == REPORT_METHODS[:-1]  # all but DecompX
    assert affordable_receipts(sentiment, 400, long) == ("attn_lrp",)
    assert affordable_receipts(sentiment, 512, long) == ()
    work, less = expected_work(sentiment, 24), expected_work(sentiment, 24, ["saliency"])
    assert list(work) == ["verdict", "scores", "receipts", "rest"]
    assert work["verdict"] == less["verdict"]
    assert all(work[stage] > less[stage] > 0 for stage in ("scores", "receipts"))
    assert expected_work(sentiment, 512)["receipts"] == 0
    assert 1 < expected_seconds(sentiment, 8) < expected_seconds(sentiment, 24) < expected_seconds(sentiment, 100) < 90


def test_receipts_that_a_length_does_not_allow_are_named(tiny_model, monkeypatch):
    monkeypatch.setattr("glassbert.reports.composing.affordable_receipts", lambda model, tokens, names: names[:1])
    monkeypatch.setattr("glassbert.reports.composing.affordable_methods", lambda *_: ("saliency", "input_x_gradient"))
    found = gb.report(tiny_model("bert", "classification"), "The film was good.", maps=0, budget=10)
    assert [one.method for one in found.receipts] == ["saliency"]
    assert list(found.left_out) == ["Receipts of the other methods"]
    assert "scores[:1]" in found.script
    assert "too long to check" in Document(found.html).text["limits"]


def test_a_method_that_this_model_has_not_is_named(tiny_model):
    """DecompX explains logits of heads it has rules for."""
    found = gb.report(
        tiny_model("bert", "question_answering"), "Who went home?", PAIR[0], methods=["saliency", "decompx"], maps=0
    )
    refused = {gb.METHODS["decompx"].label} if len(found.scores) == 1 else set()
    assert set(found.left_out) == refused
    for part, reason in found.left_out.items():
        assert f"{part}: {reason}." in Document(found.html).text["limits"]


# --- progress, stopping, wrong options ---------------------------------------------------------------------------


def test_progress_reaches_its_end_and_never_goes_back(tiny_model):
    seen = []
    gb.report(tiny_model("bert", "classification"), "Good film.", progress=lambda *now: seen.append(now), **QUICK)
    assert [total for _, total in seen] == [1000] * len(seen)
    assert seen[-1][0] == 1000
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 8


@pytest.mark.parametrize("after", [0, 1, 20])
def test_it_can_be_stopped(tiny_model, after):
    count = 0

    def stop() -> bool:
        nonlocal count
        count += 1
        return count > after

    with pytest.raises(gb.StoppedError):
        gb.report(tiny_model("bert", "classification"), "The film was good.", cancelled=stop, **QUICK)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"methods": []}, gb.MethodError, "methods must be a list of"),
        ({"methods": ["no_such"]}, gb.MethodError, "methods must be a list of"),
        ({"maps": -1}, gb.OptionError, "maps must be from 0 to 24"),
        ({"maps": 100}, gb.OptionError, "maps must be from 0 to 24"),
        ({"maps": [(0, 99)]}, gb.LayerError, "head 99"),
        ({"seed": -1}, gb.OptionError, "seed must be"),
        ({"title": "x" * 300}, gb.OptionError, "300 characters"),
        ({"budget": 0}, gb.OptionError, "budget must be at least 1"),
        ({"target": "no such class"}, gb.TargetError, "classes are"),
    ],
)
def test_wrong_options_say_what_is_valid(tiny_model, options, error, message):
    with pytest.raises(error, match=message):
        gb.report(tiny_model("bert", "classification"), "Good film.", **{**FEWEST, **options})


def test_an_input_that_its_text_does_not_give_is_refused(tiny_model):
    model = tiny_model("bert", "masked_words")
    masked = decided_answer(model, "The man was good.", target=gb.MaskTarget(2)).encoded
    with pytest.raises(gb.OptionError, match="pass the text"):
        gb.report(model, masked, **FEWEST)
    encoded = gb.encode(model, "The [MASK] was good.")
    assert gb.report(model, encoded, **FEWEST).encoded.tokens == encoded.tokens
