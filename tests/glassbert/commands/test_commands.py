"""Each command gives the library's numbers, one result for each text, and says on standard error what went wrong."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import glassbert as gb
from glassbert.commands import COMMANDS, _command, parser, run
from glassbert.commands._console import Console
from glassbert.commands._tables import padded, plain, table
from glassbert.commands._targets import _place
from glassbert.results import Result

ROOT = Path(__file__).resolve().parents[3]
TEXT, PAIR = "The film was good.", "He was not tired."
LONG = "The film was good. " * 120
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """``call("classify", TEXT, given=b"…") → (exit status, standard output, standard error)``; a model loads once."""

    def load(arguments, _console, source=None):
        wanted = arguments.model if source is None else source
        if wanted not in loaded:
            loaded[wanted] = gb.load(wanted, device=arguments.device)
        return loaded[wanted]

    for module in ("predicting", "looking", "explaining", "reporting", "testing", "_command"):
        monkeypatch.setattr(f"glassbert.commands.{module}.open_model", load)

    def called(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        status = run(arguments, Console(out, err, io.BytesIO(given)))
        return status, out.getvalue(), err.getvalue()

    return called


loaded: dict[str, gb.Model] = {}


def restored(line: str) -> Result:
    data = json.loads(line)
    return {cls.__name__: cls for cls in Result.__subclasses__()}[data["type"]].from_dict(data)


def without_time(result: Result) -> dict[str, object]:
    """Its data, without how long it took and when."""

    def cleaned(data):
        if isinstance(data, dict):
            return {name: cleaned(value) for name, value in data.items() if name not in ("seconds", "created")}
        return [cleaned(one) for one in data] if isinstance(data, list | tuple) else data

    return cleaned(result.to_dict())


def entity(words: str, **options: str) -> gb.EntityTarget:
    """The entity of these words of TEXT, placed by the tokenizer of transformers."""
    read, start = loaded["labels"].tokenizer(TEXT), TEXT.index(words)
    return gb.EntityTarget(read.char_to_token(start), read.char_to_token(start + len(words) - 1) + 1, **options)


def answer_of(words: str) -> gb.SpanTarget:
    read, start = loaded["questions"].tokenizer(TEXT, PAIR), PAIR.index(words)
    places = (read.char_to_token(0, at, sequence_index=1) for at in (start, start + len(words) - 1))
    return gb.SpanTarget(*places)


#: Arguments → the same from the library.
SAME = {
    ("classify", TEXT): lambda m, s: gb.classify(s, TEXT),
    ("classify", TEXT, "--pair", PAIR): lambda m, s: gb.classify(s, TEXT, PAIR),
    ("classify", LONG, "--windows", "strongest"): lambda m, s: gb.classify(
        s, LONG, windows=gb.Windows(decided_by="strongest")
    ),
    ("attribute", LONG, "--method", "saliency", "--windows", "mean", "--window-length", "300"): lambda m, s: (
        gb.attribute(s, LONG, method="saliency", windows=gb.Windows(300))
    ),
    ("fill-mask", "The [MASK] was [MASK].", "--top-k", "3"): lambda m, s: gb.fill_mask(
        m, "The [MASK] was [MASK].", top_k=3
    ),
    ("next-sentence", TEXT, "--pair", PAIR): lambda m, s: gb.next_sentence(m, TEXT, PAIR),
    ("entities", TEXT, "--model", "labels", "--aggregation", "max"): lambda *_: gb.entities(
        loaded["labels"], TEXT, aggregation="max"
    ),
    ("answer", TEXT, "--pair", PAIR, "--model", "questions", "--top-k", "2"): lambda *_: gb.answer(
        loaded["questions"], TEXT, PAIR, top_k=2
    ),
    ("answer", TEXT, "--pair", PAIR, "--model", "questions", "--no-answer", "yes"): lambda *_: gb.answer(
        loaded["questions"], TEXT, PAIR, no_answer=True
    ),
    (
        "attribute",
        TEXT,
        "--model",
        "labels",
        "--target",
        "film was",
        "--foil",
        "PER",
        "--method",
        "saliency",
    ): lambda *_: gb.attribute(loaded["labels"], TEXT, method="saliency", target=entity("film was", foil="PER")),
    ("attribute", TEXT, "--pair", PAIR, "--model", "questions", "--target", PAIR, "--method", "saliency"): lambda *_: (
        gb.attribute(loaded["questions"], TEXT, PAIR, method="saliency", target=answer_of(PAIR))
    ),
    ("replaced-tokens", TEXT, "--model", "discriminator"): lambda *_: gb.replaced_tokens(loaded["discriminator"], TEXT),
    ("similarity", TEXT, "--pair", PAIR, "--model", "pretrained", "--pooling", "mean"): (
        lambda m, s: gb.similarity(m, TEXT, PAIR, pooling="mean", matrix=False)
    ),
    ("attention", TEXT): lambda m, s: gb.attention(m, TEXT),
    ("attention", TEXT, "--layer", "1", "--head", "0"): lambda m, s: gb.attention(m, TEXT).maps().combine([(1, 0)]),
    ("attention", TEXT, "--measure", "rollout", "--words"): lambda m, s: gb.rollout(gb.attention(m, TEXT)).by_word(),
    ("attention", TEXT, "--hide-special"): lambda m, s: gb.attention(m, TEXT).maps().without_special(),
    ("attribute", TEXT): lambda m, s: gb.attribute(s, TEXT),
    ("attribute", TEXT, "--words", "--method", "occlusion", "-o", "baseline=pad"): lambda m, s: gb.attribute(
        s, TEXT, method="occlusion", baseline="pad"
    ).by_word(),
    ("attribute", TEXT, "--target", "NEGATIVE", "--foil", "1", "--output", "probability", "-o", "n-steps=4"): (
        lambda m, s: gb.attribute(s, TEXT, target=gb.ClassTarget("NEGATIVE", 1), output="probability", n_steps=4)
    ),
    ("attribute", "The [MASK] was good.", "--model", "masked", "--target", "he", "--foil", "she"): (
        lambda m, s: gb.attribute(m, "The [MASK] was good.", target=gb.MaskTarget(2, "he", "she"))
    ),
    ("attribute", TEXT, "--pair", PAIR, "--model", "masked", "--target", "not-next", "--method", "saliency"): (
        lambda m, s: gb.attribute(m, TEXT, PAIR, target=gb.NextSentenceTarget(is_next=False), method="saliency")
    ),
    ("receipt", TEXT, "--method", "saliency", "--orderings", "10", "--seed", "3"): lambda m, s: gb.receipt(
        s, gb.attribute(s, TEXT, method="saliency"), n_orderings=10, seed=3
    ),
    ("flip", TEXT, "--target", "1", "--proposer", "masked", "--budget", "40", "--max-edits", "1"): lambda m, s: (
        gb.find_flip(s, TEXT, target=1, proposer=m, budget=40, max_edits=1)
    ),
    ("report", TEXT, "--proposer", "masked", "--budget", "10", "--method", "saliency", "--maps", "1"): (
        lambda m, s: gb.report(s, TEXT, proposer=m, budget=10, methods=["saliency"], maps=1)
    ),
    ("verdict", TEXT, "--proposer", "masked", "--budget", "10"): lambda m, s: gb.verdict(
        s, TEXT, proposer=m, budget=10
    ),
}


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_json_restores_what_the_library_returns(arguments, call: Call, tiny_model, tmp_path: Path) -> None:
    masked, classifier = tiny_model("bert", "next_sentence"), tiny_model("bert", "classification")
    loaded.update({"masked": masked, "pretrained": masked, "sentiment": classifier})
    if {"labels", "questions"} & set(arguments):
        loaded["labels"] = tiny_model("bert", "token_classification")
        loaded["questions"] = tiny_model("bert", "question_answering")
    if arguments[0] == "replaced-tokens":
        loaded["discriminator"] = tiny_model("electra", "replaced_tokens")
    status, out, err = call(*arguments, "--json")
    assert (status, err, out.count("\n")) == (0, "", 1)
    expected = SAME[arguments](masked, classifier)
    found = restored(out)
    assert type(found) is type(expected)
    assert json.loads(json.dumps(without_time(found))) == json.loads(json.dumps(without_time(expected)))
    # what people read says the same
    place = ("--out", str(tmp_path / "report.html")) if arguments[0] == "report" else ()
    status, shown, err = call(*arguments, *place)
    assert (status, err) == (0, "")
    assert TEXT in shown or "[MASK]" in shown or place
    assert not shown.startswith("{")
    assert "\x1b" not in shown, "no colours where there is no terminal"


def test_numbers_that_people_read(call: Call, tiny_model) -> None:
    masked, classifier = tiny_model("bert", "next_sentence"), tiny_model("bert", "classification")
    loaded.update({"pretrained": masked, "sentiment": classifier})
    best = gb.classify(classifier, TEXT)
    label, share = best.labels[best.predicted], best.probabilities[best.predicted]
    assert call("classify", TEXT)[1] == f"{label:<8}  {share:>6.1%}  {TEXT}\n"
    filled = gb.fill_mask(masked, "The [MASK] was good.", top_k=2)
    lines = call("fill-mask", "The [MASK] was good.", "--top-k", "2")[1].splitlines()
    assert [line.split()[1] for line in lines[2:]] == list(filled.candidates[0])
    maps = gb.attention(masked, TEXT).weights.mean(axis=(0, 1))
    rows = call("attention", TEXT, "--top-k", "1")[1].splitlines()[3:]
    assert [float(row.split()[1]) for row in rows] == pytest.approx(maps.max(axis=-1), abs=0.0051)
    scores = gb.attribute(classifier, TEXT, method="occlusion")
    rows = call("attribute", TEXT, "--method", "occlusion")[1].splitlines()[3:]
    assert [float(row.split()[1].replace("−", "-")) for row in rows] == pytest.approx(scores.scores, rel=0.006)


MANY = (
    b"\xef\xbb\xbfThe film was good.\r\n\nna\xc3\xafve \xf0\x9f\x98\x80\nbad \xff byte\na\tb\tc\nThe man\tHe was tired."
)


def test_one_result_for_each_line_and_an_error_in_its_place(call: Call, tiny_model, tmp_path: Path) -> None:
    loaded["sentiment"] = tiny_model("bert", "classification")
    path = tmp_path / "texts.txt"
    path.write_bytes(MANY)
    status, out, err = call("classify", "--json", "--file", str(path))
    assert status == 1
    answers = [json.loads(line) for line in out.splitlines()]
    assert [one.get("encoded", one).get("texts", one.get("error_type")) for one in answers] == [
        ["The film was good."],
        "EmptyTextError",
        ["naïve 😀"],
        "TextError",
        "TextError",
        ["The man", "He was tired."],
    ]
    assert [one["line"] for one in answers if "error" in one] == [2, 4, 5]
    assert "byte 5 is 0xFF" in answers[3]["error"]
    complaints = err.splitlines()
    assert [re.match(r"glassbert: .*texts\.txt, line (\d): ", line)[1] for line in complaints] == ["2", "4", "5"]
    # from standard input, for people: the good lines only
    status, out, err = call("classify", given=MANY)
    assert status == 1
    assert [line.partition("%")[2].strip() for line in out.splitlines()] == [
        "The film was good.",
        "naïve 😀",
        "The man | He was tired.",
    ]
    assert err.splitlines()[0].startswith("glassbert: standard input, line 2: ")


SMALL = ("--method", "saliency", "--maps", "0", "--budget", "10")


def test_a_report_is_a_file_and_several_are_a_folder(call: Call, tiny_model, tmp_path: Path) -> None:
    loaded["sentiment"] = tiny_model("bert", "classification")
    file = tmp_path / "one.html"
    status, out, err = call("report", TEXT, *SMALL, "--title", "Why <good>?", "--out", str(file))
    assert (status, err) == (0, "")
    assert out.startswith(f"{file}  The model says ")
    assert "Why &lt;good&gt;?" in file.read_text(encoding="utf-8")
    assert TEXT in file.read_text(encoding="utf-8")
    kept = tmp_path / "one.json"
    status, out, _ = call("report", TEXT, *SMALL, "--json", "--out", str(kept))
    assert status == 0
    assert without_time(gb.load_result(kept)) == without_time(restored(out))
    folder = tmp_path / "several"
    status, out, err = call("report", *SMALL, "--out", str(folder), given=b"Good.\n\nThe film.\n")
    assert status == 1
    assert [line.split()[0] for line in out.splitlines()] == [f"{folder}/line-1.html", f"{folder}/line-3.html"]
    assert sorted(path.name for path in folder.iterdir()) == ["line-1.html", "line-3.html"]
    assert "line 2: the text is empty" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((TEXT,), "say where to write the report: --out report.html"),
        ((TEXT, "--out", "{here}"), "is a folder: name the file in it"),
        ((TEXT, "--out", "{here}/no/report.html"), "there is no folder"),
        (("--out", "{here}/a-file"), "is a file, but several texts need a folder"),
    ],
)
def test_where_a_report_cannot_be_is_said_before_the_work(arguments, sentence: str, call: Call, tmp_path: Path) -> None:
    loaded.clear()  # no model is opened
    (tmp_path / "a-file").touch()
    status, out, err = call("report", *(one.format(here=tmp_path) for one in arguments), "--model", "/no/model")
    assert (status, out) == (1 if "--out" in arguments else 2, "")
    assert sentence in err


def test_a_model_that_fails_too_often_gives_a_status(call: Call, tiny_model, tmp_path: Path) -> None:
    loaded["sentiment"] = model = tiny_model("bert", "classification")
    one, other = (label.lower() for label in model.labels[:2])
    rows = [f"all,minimum_ability,The film was good.,{label}" for label in (one, other)] * 20
    suite, texts = tmp_path / "mine.csv", tmp_path / "texts.csv"
    suite.write_text("test,kind,text,label\n" + "\n".join(rows), encoding="utf-8")
    answer = gb.classify(model, "The film was good.")
    rate = 0.5 if answer.predicted < 2 else 1.0
    status, out, err = call("behaviour", str(suite), "--at-most", "0.3", "--failures", "1")
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("all: fails more often than 0.3 (")
    assert f"all         40        {40 * rate:.0f}" in out
    assert out.count("- The film was good.") == 1
    assert call("behaviour", str(suite), "--at-most", "0.3", "--label", f"{one}={answer.labels[answer.predicted]}",
                "--label", f"{other}={answer.labels[answer.predicted]}")[0] == 0  # fmt: skip
    status, out, _ = call("behaviour", str(suite), "--json", "--seed", "2", "--most", "9")
    assert (status, without_time(restored(out))) == (0, without_time(gb.behaviour(model, suite, seed=2, most=9)))
    texts.write_text("review,text\nA film from Paris or London.,x\n", encoding="utf-8")
    given = call("behaviour", "places", "--texts", str(texts), "--text", "review", "--json")
    assert given[0] == 0
    assert {one.row for one in restored(given[1]).failures} <= {0}
    assert "sentiment_names" in call("behaviour", "--list")[1]


def test_a_line_without_an_end_is_not_read_whole(call: Call, tiny_model) -> None:
    loaded["sentiment"] = tiny_model("bert", "classification")
    status, out, err = call("classify", given=b"x" * 2_500_000 + b"\nThe film was good.\n")
    assert (status, out.count("\n")) == (1, 1)
    assert "line 1: the line has more than 1,000,000 bytes" in err


def test_a_pair_for_every_line_keeps_tabs_as_text(call: Call, tiny_model) -> None:
    loaded["pretrained"] = tiny_model("bert", "next_sentence")
    status, out, _ = call("next-sentence", "--json", "--pair", PAIR, given=b"The man.\nHe\twas.\n")
    assert status == 0
    pairs = [json.loads(line)["encoded"]["texts"] for line in out.splitlines()]
    assert pairs == [["The man.", PAIR], ["He\twas.", PAIR]]
    status, out, err = call("next-sentence", given=b"The man.\nThe man.\tHe was.\n")
    assert (status, out.count("\n")) == (1, 1)
    assert "line 1: there is no second text" in err


@pytest.mark.parametrize(
    ("arguments", "sentence", "expected"),
    [
        (("classify", "--file", "/no/such/file"), "/no/such/file cannot be read: No such file or directory", 1),
        (("classify", "It", "was", "good"), 'there are 3 arguments: put a text in quotes, as in "It was good"', 2),
        (("classify", "a", "--file", "b"), "give a text or --file, not both", 2),
        (("classify",), "there is no text: standard input is empty", 1),
        (("classify", ""), "the text is empty", 1),
        (("classify", "a", "--model", "./nowhere"), 'there is no folder "./nowhere"', 1),
        (("classify", "a", "--device", "tpu"), "tpu", 1),
        (("classify", "a", "--window-length", "9"), "need --windows", 2),
        (("classify", TEXT, "--model", "masked"), "masked", 1),
        (("fill-mask", TEXT), "there is no [MASK] in the text", 1),
        (("fill-mask", "a [MASK]", "--top-k", "100000000"), "top_k must be from 1 to", 2),
        (("attention", TEXT, "--measure", "nothing"), "measure must be one of flow, rollout", 2),
        (("attention", TEXT, "--head", "1"), "--head needs --layer", 2),
        (("attention", TEXT, "--layer", "99"), "layer 99: these maps have layers 0 to 1", 1),
        (("attribute", TEXT, "--method", "nothing"), "method must be one of", 2),
        (("attribute", TEXT, "-o", "n_steps"), "'n_steps' is not NAME=VALUE", 2),
        (("attribute", TEXT, "-o", "n_steps=x"), "n_steps must be an integer", 2),
        (("attribute", TEXT, "-o", "seed=1", "-o", "seed=2"), "the option seed is given twice", 2),
        (("behaviour",), "name a suite: one on board", 2),
        (("behaviour", "nowhere.yaml"), "there is no file nowhere.yaml", 1),
        (("behaviour", "typos", "--label", "positive"), "'positive' is not NAME=LABEL", 2),
        (("behaviour", "typos", "--label", "praise=GOOD"), "the suite has no label 'praise'", 2),
        (("behaviour", "typos", "--text", "review"), "--text names a column of --texts", 2),
        (("attribute", TEXT, "--target", "GREAT"), "this model's classes are", 1),
        (("attribute", TEXT, "--target", "he", "--model", "masked"), "name classes of a classifier, or words for a", 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_is_one_sentence(arguments, sentence: str, expected: int, call: Call, tiny_model) -> None:
    masked = tiny_model("bert", "next_sentence")
    loaded.update({"masked": masked, "pretrained": masked, "sentiment": tiny_model("bert", "classification")})
    if "--device" in arguments or "./nowhere" in arguments:
        loaded.clear()
    status, out, err = call(*arguments)
    assert (status, out) == (expected, "")
    assert err.startswith("glassbert: ")
    assert sentence in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [(), ("nothing",), ("fill-mask", "a [MASK]", "--top-k", "0"), ("flip", "a", "--max-edits", "3")]
)
def test_wrong_usage_ends_with_2(arguments, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        call(*arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().out == ""


def test_the_models_that_ship(call: Call) -> None:
    status, out, _ = call("models", "--json")
    assert status == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [one.id for one in gb.embedded()]
    shown = call("models")[1].splitlines()
    assert [line.split()[0] for line in shown] == ["model", *(one.id for one in gb.embedded())]
    assert len({line.index("English") for line in shown[1:]}) == 1, "aligned"


def test_the_methods_with_their_options(call: Call) -> None:
    shown = call("attribute", "--methods")[1]
    assert [line.split()[0] for line in shown.splitlines()[1:]] == list(gb.METHODS)
    assert "n_steps=None" in shown
    listed = [json.loads(line) for line in call("receipt", "--methods", "--json")[1].splitlines()]
    assert {one["id"]: one["options"] for one in listed} == {one.id: dict(one.options) for one in gb.METHODS.values()}


@pytest.mark.parametrize("command", COMMANDS, ids=[command.name for command in COMMANDS])
def test_help_teaches(command: _command.Command, capsys: pytest.CaptureFixture[str]) -> None:
    """An example that the parser accepts, the units of numbers, and where they are defined."""
    with pytest.raises(SystemExit) as stop:
        parser().parse_args([command.name, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 120
    for example in command.examples:
        assert example in shown
        words = _words(example.partition("glassbert ")[2].partition(" > ")[0])
        assert parser().parse_args(words).command == command.name
    definitions = (ROOT / "components/views/definitions/definitions.md").read_text(encoding="utf-8")
    assert all(f"### {section}\n" in definitions for section in command.defined)
    if command.has_results and command.name not in ("models", "convert", "verdict"):
        assert command.units
        assert command.defined


def test_the_help_names_every_measure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["attention", "--help"])
    shown = capsys.readouterr().out
    assert [name for name in gb.MEASURES if name not in shown] == []


def _words(line: str) -> list[str]:
    import shlex

    return shlex.split(line)


def test_text_cannot_give_orders_to_a_terminal() -> None:
    assert plain("a\x1b[2Jb\tc\u202ed\x00") == "a\\x1b[2Jb\\tc\\u202ed\\x00"
    assert plain("naïve 😀 日本 می\u200cخواهم") == "naïve 😀 日本 می\u200cخواهم"
    assert plain("\ud800") == "\\ud800"
    assert plain("a" * 200) == "a" * 99 + "…"


def test_columns_are_aligned_with_wide_and_combining_characters() -> None:
    assert padded("日本", 6) == "日本  "
    assert padded("e\u0301", 3, right=True) == "  e\u0301"
    assert table(["a", "n"], [["日本", "1"], ["xyz", "23"]], right={1}) == ["a      n", "日本   1", "xyz   23"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_on_a_terminal_unless_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = Console(_Terminal(), io.StringIO(), None)
    assert console.look("fails", "fails") == "\x1b[31mfails\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert console.look("fails", "fails") == "fails"


def test_a_download_is_told_on_standard_error_only() -> None:
    from glassbert.models.progress import Progress

    out, err = io.StringIO(), io.StringIO()
    report = Console(out, err, None).download("owner/name")
    for done in (0, 50, 100):
        report(Progress(done * 1_000_000, 100_000_000, "model.safetensors"))
    assert (out.getvalue(), err.getvalue()) == ("", "Downloading owner/name (100 MB) …\n")
    screen = _Terminal()
    report = Console(out, screen, None).download("owner/name")
    for done in (0, 100):
        report(Progress(done * 1_000_000, 100_000_000, "model.safetensors"))
    assert screen.getvalue().endswith("\rDownloading owner/name: 100% of 100 MB\n")


def test_progress_is_for_terminals_and_goes_away() -> None:
    out, screen = io.StringIO(), _Terminal()
    console = Console(out, screen, None)
    console.progress("Checking")(3, 4)
    console.lines(["done"])
    assert (out.getvalue(), screen.getvalue()) == ("done\n", "\rChecking: 75%\x1b[K\r\x1b[K")
    err = io.StringIO()
    Console(out, err, None).progress("Checking")(3, 4)
    assert err.getvalue() == ""


def test_json_has_no_number_that_json_does_not_have() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Console(io.StringIO(), io.StringIO(), None).record({"a": float(np.inf)})


def test_equal_words_are_told_apart_by_their_number(tiny_model):
    encoded = gb.encode(tiny_model("bert", "token_classification"), "he saw he and he # 2")
    starts = [encoded.offsets[_place(encoded, 0, words)[0], 0] for words in ("he", "he#2", "he#3", "he # 2")]
    assert starts == [0, 7, 14, 14]
    with pytest.raises(gb.TargetError, match=re.escape("'he#4': the text has the words 'he' 3 times only")):
        _place(encoded, 0, "he#4")
