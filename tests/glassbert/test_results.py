"""One contract for every result: frozen, read-only, a tidy table, and the same bits back from JSON."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import glassbert as gb
from glassbert.results import FORMAT_VERSION, Result, read_only
from glassbert.targets import target_from_dict, target_to_dict
from tests.glassbert.every_result import MAKE, TEXT


@pytest.fixture(params=MAKE)
def result(request, made):
    return made(request.param)


def assert_same(first, second):
    assert type(first) is type(second)
    for field in dataclasses.fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, Result):
            assert_same(a, b)
        elif isinstance(a, tuple) and a and isinstance(a[0], Result):
            for one, other in zip(a, b, strict=True):
                assert_same(one, other)
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, strict=True)
        else:
            assert a == b, field.name
            assert type(a) is type(b), field.name


def test_there_is_a_case_for_every_result_type():
    assert {name.partition(" ")[0] for name in MAKE} == {cls.__name__ for cls in Result.__subclasses__()}


def test_json_gives_the_same_bits_back(result):
    text = json.dumps(result.to_dict(), allow_nan=False)
    assert_same(type(result).from_dict(json.loads(text)), result)


def test_saved_data_names_its_format_and_type(result):
    data = result.to_dict()
    assert (data["format"], data["type"]) == (FORMAT_VERSION, type(result).__name__)


def test_fields_are_frozen_and_arrays_read_only(result):
    for field in dataclasses.fields(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, field.name, None)
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                value[...] = 0


def test_saved_data_is_a_copy(tiny_model):
    result = MAKE["TokenScores"](tiny_model)
    result.to_dict()["options"]["n_steps"] = -1
    assert result.options["n_steps"] == 4


def test_from_dict_refuses_every_other_type(result):
    data = result.to_dict()
    for cls in {cls.__name__: cls for cls in Result.__subclasses__()}.values():  # slots make each class twice
        if cls is not type(result):
            with pytest.raises(gb.SavedResultError, match=f"{type(result).__name__!r}, not a {cls.__name__}"):
                cls.from_dict(data)


def test_from_dict_refuses_a_newer_format_and_missing_fields(result):
    data = result.to_dict()
    with pytest.raises(gb.SavedResultError, match="update glassbert"):
        type(result).from_dict({**data, "format": FORMAT_VERSION + 1})
    del data[dataclasses.fields(result)[-1].name]
    with pytest.raises(ValueError, match=f"missing {dataclasses.fields(result)[-1].name}"):
        type(result).from_dict(data)


def test_from_dict_refuses_fields_that_cannot_be(result):
    """Another type in any field is a damaged file, told in a sentence, or it is what the field may hold as well."""
    data = json.loads(json.dumps(result.to_dict()))
    for field in dataclasses.fields(result):
        accepted = 0
        for junk in (object(), "x", -7, [["x"]], {"type": "Nothing"}):
            try:
                type(result).from_dict({**data, field.name: junk})
                accepted += 1
            except gb.SavedResultError as error:
                assert isinstance(error, ValueError)  # noqa: PT017
                assert "damaged" in str(error) or "this is" in str(error)  # noqa: PT017
        assert accepted <= 1, field.name
    for junk in (None, [], "x", 3, {"type": ["Encoded"]}):
        with pytest.raises(gb.SavedResultError, match="this is"):
            type(result).from_dict(junk)


# --- to look at --------------------------------------------------------------------------------------------------


def test_a_result_is_one_line_that_says_what_it_is(result):
    line = repr(result)
    assert line == str(result)
    assert line.startswith(f"<{type(result).__name__} ")
    assert line.endswith(">")
    assert len(line) <= 200
    assert line.isprintable()
    about = line[1:-1].removeprefix(type(result).__name__)
    assert any(character.isdigit() for character in about) or type(result).__name__ in ("ReceiptLine", "Comparison")
    encoded = getattr(result, "encoded", None)
    if encoded is not None:
        assert repr(encoded.texts[0])[:10] in line


class _Markup(HTMLParser):
    """What of a fragment is an element, and what is text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "img":
            self.open.append(tag)
        assert not any(name.startswith("on") or name in ("href", "id") for name, _ in attrs)
        self.sources += [value for name, value in attrs if name == "src"]
        assert not any("url(" in (value or "") for name, value in attrs if name == "style")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_notebook_shows_it_without_scripts_or_addresses(result):
    html = result._repr_html_()
    markup = _Markup()
    markup.feed(html)
    assert markup.open == []
    assert set(markup.tags) <= {"div", "span", "bdi", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert all(source.startswith("data:image/png;base64,") for source in markup.sources)
    assert repr(result) in markup.text
    assert len(html) < 60_000


def test_the_picture_of_a_long_text_is_small(tiny_model):
    model = tiny_model("bert", "masked_words")
    long = gb.encode(model, "good " * 200)
    assert len(long) > 200
    weights = np.random.default_rng(0).dirichlet(np.ones(len(long)), (12, 12, len(long)))
    maps = gb.AttentionMaps(long, weights)
    for large in (maps, maps.maps(), maps.over_heads(), gb.hidden_states(model, long)):
        assert len(repr(large)) <= 200
        assert len(large._repr_html_()) < 400_000


def test_hostile_texts_and_labels_are_shown_as_text(encoded_once):
    hostile = "<img src=x onerror=alert(1)>\n\u202e\x00"
    result = gb.Classification(encoded_once, (hostile, "b" * 500), [1, 0], [0.9, 0.1])
    markup = _Markup()
    markup.feed(result._repr_html_())
    assert markup.sources == []
    assert len(repr(result)) <= 200
    assert repr(result).isprintable()
    assert "<img src=x" in markup.text


def test_the_grammar_of_the_line(tiny_model):
    encoded = gb.encode(tiny_model("bert", "encoder"), 'He said it is not as good as it was, "really".')
    result = gb.TokenScores(
        encoded=encoded,
        scores=np.linspace(-1, 1.5, len(encoded)),
        method="saliency",
        target=gb.ClassTarget(1),
        target_label="POSITIVE",
        output="logit",
        value=2.346,
        delta=None,
        baseline=None,
        baseline_value=None,
        forward_passes=1,
        seconds=0.1,
        options={},
    )
    assert repr(result) == (
        f"<TokenScores saliency of 'He said it is not as good as it was, \"r…' → POSITIVE: {len(encoded)} tokens, "
        f"sum +{len(encoded) / 4:.3g} of F +2.35 (logit)>"
    )


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".json", ".zip", ".result"])
def test_a_file_gives_the_same_bits_back(result, tmp_path, suffix):
    path = result.save(tmp_path / f"it{suffix}")
    assert_same(gb.load_result(path), result)
    assert [file.name for file in tmp_path.iterdir()] == [f"it{suffix}"]
    with path.open("rb") as file:
        start = file.read(2)
    if suffix == ".json":
        assert json.loads(path.read_text())["format"] == FORMAT_VERSION
    if suffix == ".zip":
        with zipfile.ZipFile(path) as members:
            assert json.loads(members.read("result.json"))["format"] == FORMAT_VERSION
    assert start == {".json": b'{"', ".zip": b"PK"}.get(suffix, start)


def test_large_arrays_are_packed_and_zeros_come_back(encoded_once, tmp_path):
    many = np.random.default_rng(1).random((2, 3, 60, 60), dtype=np.float32)
    for weights in (many, np.zeros((4, 4, 512, 512), dtype=np.float32)):
        path = gb.AttentionMaps(encoded_once, weights).save(str(tmp_path / "maps"))
        assert path.read_bytes()[:2] == b"PK"
        np.testing.assert_array_equal(gb.load_result(path).weights, weights)
        assert not gb.load_result(path).weights.flags.writeable


def test_numbers_that_are_not_finite_go_into_an_archive_only(encoded_once, tmp_path):
    result = gb.Classification(encoded_once, ("a", "b"), [np.inf, 0], [1, 0])
    with pytest.raises(gb.SavedResultError, match=r"save it as \.zip"):
        result.save(tmp_path / "a.json")
    assert_same(gb.load_result(result.save(tmp_path / "a.zip")), result)


def _archive(path, members, **document):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if document:
            archive.writestr("result.json", json.dumps(document))
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


class TestFilesThatAreRefused:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "not JSON"),
            (b"\xff\xfe", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[1, 2]", "does not contain a result type"),
            (b'{"type": "Poem"}', "does not contain a result type"),
            (b'{"type": ["Encoded"]}', "does not contain a result type"),
            (b'{"type": "Encoded", "format": 99}', "update glassbert"),
            (b'{"type": "Encoded", "format": "x"}', "damaged"),
            (b'{"type": "Encoded", "format": 1}', "missing tokens"),
            (b"PK\x03\x04 and no more", "damaged archive"),
        ],
    )
    def test_foreign_ones(self, tmp_path, content, message):
        path = tmp_path / "it.json"
        path.write_bytes(content)
        with pytest.raises(gb.SavedResultError, match=message) as caught:
            gb.load_result(path)
        assert "it.json" in str(caught.value)
        assert isinstance(caught.value, ValueError)

    def test_missing_ones_and_folders(self, tmp_path, encoded_once):
        with pytest.raises(gb.SavedResultError, match="cannot be read"):
            gb.load_result(tmp_path / "nothing.json")
        with pytest.raises(gb.SavedResultError, match="cannot be read"):
            gb.load_result(tmp_path)
        with pytest.raises(gb.SavedResultError, match="cannot be written"):
            encoded_once.save(tmp_path / "no folder" / "it.json")
        with pytest.raises(gb.OptionTypeError, match="path must be a string or a path, not None"):
            gb.load_result(None)

    def test_archives_cut_off_or_changed_anywhere(self, tmp_path, encoded_once):
        whole = gb.AttentionMaps(encoded_once, np.random.default_rng(0).random((1, 2, 9, 9))).save(tmp_path / "a.zip")
        content = whole.read_bytes()
        expected = gb.load_result(whole)
        refused = 0
        for place in range(2, len(content), 37):
            for damaged in (content[:place], content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]):
                whole.write_bytes(damaged)
                try:
                    assert_same(gb.load_result(whole), expected)  # a date, or the like, that nothing depends on
                except gb.SavedResultError:
                    refused += 1
        assert refused > len(content) // 37

    @pytest.mark.parametrize(
        "name", ["../escaped.npy", "/etc/it.npy", "a\\b.npy", "encoded/../x.npy", "run.py", "x.npy/"]
    )
    def test_members_that_point_elsewhere(self, tmp_path, encoded_once, name):
        path = _archive(tmp_path / "it.zip", {name: _npy(np.zeros(2))}, **encoded_once.to_dict())
        with pytest.raises(gb.SavedResultError, match="an unexpected member"):
            gb.load_result(path)
        assert [file.name for file in tmp_path.iterdir()] == ["it.zip"]

    def test_members_that_have_no_place(self, tmp_path, encoded_once):
        for name in ("nothing.npy", "tokens/99.npy", "input_ids/0/0.npy", "input_ids.npy"):
            path = _archive(tmp_path / "it.zip", {name: _npy(np.zeros(2))}, **encoded_once.to_dict())
            with pytest.raises(gb.SavedResultError, match="no placeholder for"):
                gb.load_result(path)

    def test_pickles_and_announcements(self, tmp_path, encoded_once):
        document = {**encoded_once.to_dict(), "input_ids": None}
        small = _npy(np.zeros(2))
        for content in (
            _npy(np.array([print], dtype=object), allow_pickle=True),
            _npy(np.array(["a"])),
            small.replace(b"(2,)", b"(9,)"),
            small.replace(b"(2,)", b"(-2,)".ljust(4)),
            small[:20],
            b"nothing",
        ):
            path = _archive(tmp_path / "it.zip", {"input_ids.npy": content}, **document)
            wrong = r"input_ids\.npy (is not an array|does not match its header)"
            with pytest.raises(gb.SavedResultError, match=wrong):
                gb.load_result(path)

    def test_bombs(self, tmp_path, encoded_once):
        document = {**encoded_once.to_dict(), "input_ids": None}
        path = _archive(tmp_path / "it.zip", {"input_ids.npy": _npy(np.zeros(20_000_000, dtype=np.int64))}, **document)
        assert path.stat().st_size < 1_000_000
        with pytest.raises(gb.SavedResultError, match="would decompress to"):
            gb.load_result(path)
        many = {f"a{number}.npy": b"0" * 60_000 for number in range(1500)}
        with pytest.raises(gb.SavedResultError, match="would decompress to far more"):
            gb.load_result(_archive(tmp_path / "it.zip", many, **document))

    def test_archives_of_something_else(self, tmp_path):
        with pytest.raises(gb.SavedResultError, match=r"no result\.json"):
            gb.load_result(_archive(tmp_path / "it.zip", {"readme.txt": "hello"}))


finite = arrays.arrays(
    np.float32, st.integers(1, 6), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


@settings(max_examples=settings().max_examples * 3 // 5)
@given(finite, st.lists(st.text(), min_size=1, max_size=6))
def test_any_floats_and_any_labels_survive_json(encoded_once, logits, labels):
    result = gb.Classification(encoded_once, tuple(labels), logits, logits[::-1])
    assert_same(gb.Classification.from_dict(json.loads(json.dumps(result.to_dict()))), result)


@pytest.fixture(scope="session")
def encoded_once(tiny_model):
    return gb.encode(tiny_model("bert", "encoder"), TEXT)


names = st.none() | st.text() | st.integers(0, 10**6)
targets = st.one_of(
    st.builds(gb.ClassTarget, names, names),
    st.builds(gb.MaskTarget, st.integers(0, 511), names, names),
    st.builds(gb.NextSentenceTarget, st.booleans()),
)


@given(targets)
def test_targets_survive_json_and_are_hashable(target):
    again = target_from_dict(json.loads(json.dumps(target_to_dict(target))))
    assert again == target
    assert hash(again) == hash(target)


def test_an_unknown_kind_of_target_says_what_is_valid():
    with pytest.raises(gb.TargetError, match="must be one of class, mask, next_sentence"):
        target_from_dict({"kind": "poem"})


def test_results_do_not_alias_what_they_were_made_of():
    import torch

    values = np.arange(4, dtype=np.float32)
    view = values[:]
    view.setflags(write=False)
    tensor = torch.arange(4, dtype=torch.float32)
    kept = [read_only(values, "float32"), read_only(view, "float32"), read_only(tensor.numpy(), "float32")]
    values += 1
    tensor += 1
    for array in kept:
        assert array.tolist() == [0, 1, 2, 3]
    assert read_only(kept[0], "float32") is kept[0]


class TestTables:
    """frame(): one row a unit, with the right numbers."""

    def test_encoded(self, tiny_model):
        encoded = MAKE["Encoded"](tiny_model)
        frame = encoded.frame()
        assert len(frame) == len(encoded)
        assert frame["token"].tolist() == list(encoded.tokens)
        assert frame["input_id"].tolist() == encoded.input_ids.tolist()
        assert frame[["start", "end"]].to_numpy().tolist() == encoded.offsets.tolist()
        assert frame["special"].sum() == 4

    def test_attention(self, tiny_model):
        maps = MAKE["AttentionMaps"](tiny_model)
        frame = maps.frame()
        assert len(frame) == maps.weights.size
        row = frame[(frame["layer"] == 1) & (frame["head"] == 2) & (frame["query"] == 3) & (frame["key"] == 4)]
        assert row["weight"].item() == maps.weights[1, 2, 3, 4]
        assert (row["query_token"].item(), row["key_token"].item()) == maps.encoded.tokens[3:5]
        np.testing.assert_allclose(frame.groupby(["layer", "head", "query"])["weight"].sum(), 1, atol=1e-5)

    def test_mask_prediction(self, tiny_model):
        best = MAKE["MaskPrediction"](tiny_model)
        frame = best.frame()
        assert frame["position"].tolist() == [1] * 4 + [3] * 4
        assert frame["rank"].tolist() == [1, 2, 3, 4] * 2
        assert frame["token"].tolist() == [*best.candidates[0], *best.candidates[1]]
        assert frame["probability"].tolist() == best.probabilities.ravel().tolist()
        assert frame["logit"].tolist() == best.logits.ravel().tolist()

    def test_classification(self, tiny_model):
        label = MAKE["Classification"](tiny_model)
        frame = label.frame().set_index("label")
        assert frame.index.tolist() == ["NEGATIVE", "NEUTRAL", "POSITIVE"]
        assert frame["probability"].sum() == pytest.approx(1, abs=1e-6)
        assert frame["logit"].idxmax() == label.labels[label.predicted]

    def test_pair_prediction(self, tiny_model):
        order = MAKE["PairPrediction"](tiny_model)
        frame = order.frame()
        assert frame["answer"].tolist() == ["is next", "is not next"]
        assert frame["probability"][0] == pytest.approx(order.probability)

    def test_token_labels(self, tiny_model):
        labels = MAKE["TokenLabels"](tiny_model)
        frame = labels.frame()
        assert len(frame) == len(labels.encoded)
        assert frame["probability"].tolist() == labels.probabilities.max(axis=-1).tolist()
        assert frame["label"].tolist() == [labels.labels[row.argmax()] for row in labels.logits]

    def test_answers(self, tiny_model):
        answers = MAKE["AnswerPrediction"](tiny_model)
        frame = answers.frame()
        assert frame["answer"].tolist() == list(answers.answers)
        assert frame[["first_token", "last_token"]].to_numpy().tolist() == answers.spans.tolist()
        assert frame["probability"].is_monotonic_decreasing

    def test_scores(self, tiny_model):
        scores = MAKE["TokenScores"](tiny_model)
        frame = scores.frame()
        assert frame["score"].tolist() == scores.scores.tolist()
        assert frame["word"].tolist() == scores.encoded.word_ids.tolist()
        assert frame["position"].tolist() == list(range(len(scores.encoded)))
        assert frame["special"].tolist() == [True, *[False] * (len(frame) - 2), True]
