"""Documents become word pieces without losing their borders, their side of the split or their facts' objects."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from tests.training import samples
from training.errors import RecipeError
from training.tokenise_corpus import MAX_SENTENCE_TOKENS, is_held_out, main, tokenise_file
from training.tokenised import TokenisedSource, check_vocabulary


@pytest.fixture(scope="module")
def tokenizer(vocabulary: Path) -> Any:
    return AutoTokenizer.from_pretrained(vocabulary)


def write(path: Path, documents: Sequence[tuple[str, list[str]]]) -> Path:
    lines = [json.dumps({"id": identifier, "paras": paragraphs}) for identifier, paragraphs in documents]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def words(tokenizer: Any, source: TokenisedSource, sentence: int) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(source.sentence(sentence).tolist()))


def test_held_out_is_the_crc32_of_the_id() -> None:
    # the check value of CRC-32, 0xCBF43926 = 3,421,780,262, ends in 62
    assert zlib.crc32(b"123456789") == 0xCBF43926
    assert not is_held_out("123456789")
    held = [identifier for identifier in (f"document/{n}" for n in range(50_000)) if is_held_out(identifier)]
    assert 0.009 < len(held) / 50_000 < 0.011
    assert all(zlib.crc32(identifier.encode()) % 100 == 0 for identifier in held)


def test_a_documents_side_depends_on_its_id_alone(tmp_path: Path, tokenizer: Any) -> None:
    held = next(identifier for identifier in map(str, range(1000)) if is_held_out(identifier))
    kept = "123456789"
    one = tokenise_file(write(tmp_path / "one.jsonl", [(held, ["A. B."]), (kept, ["C."])]), tokenizer)
    other = tokenise_file(write(tmp_path / "two.jsonl", [(kept, ["Other."]), ("x", ["D."]), (held, ["E."])]), tokenizer)
    assert one.held_out.tolist() == [True, False]
    assert other.held_out.tolist() == [False, is_held_out("x"), True]


def test_borders_of_sentences_and_documents(tmp_path: Path, tokenizer: Any) -> None:
    path = write(
        tmp_path / "books.jsonl",
        [("a", ["Dr. Smith ran. He hid.", "Night fell."]), ("empty", ["  "]), ("b", ["Unbelievably good!"])],
    )
    source = tokenise_file(path, tokenizer)
    assert [words(tokenizer, source, index) for index in range(4)] == [
        "dr . smith ran .",
        "he hid .",
        "night fell .",
        "un ##bel ##ie ##va ##bly good !",
    ]
    assert source.sentence_starts.tolist() == [0, 5, 8, 11, 18]
    assert source.document_starts.tolist() == [0, 3, 4]
    assert len(source.held_out) == 2
    assert source.object_spans.shape == (0, 2)
    assert source.token_ids.dtype == np.uint16


def test_wordnet_entries_stay_whole(tmp_path: Path, tokenizer: Any) -> None:
    entry = "a dog is an animal. the dog barked."
    documents = [("noun/1", [entry.title()])]
    assert len(tokenise_file(write(tmp_path / "wordnet.jsonl", documents), tokenizer).sentence_starts) == 2
    assert len(tokenise_file(write(tmp_path / "other.jsonl", documents), tokenizer).sentence_starts) == 3


@pytest.mark.parametrize(
    ("marked", "pieces"),
    [
        ("Paris is in \x01France\x02.", "france"),
        ("\x01France\x02 has Paris.", "france"),
        ("He speaks \x01Low German\x02 well.", "low german"),
        ("It was \x01unbelievably\x02 good.", "un ##bel ##ie ##va ##bly"),
        ("Half a \x01wo\x02rd is no object.", ""),  # no piece lies within
    ],
)
def test_the_object_of_a_fact(tmp_path: Path, tokenizer: Any, marked: str, pieces: str) -> None:
    source = tokenise_file(write(tmp_path / "facts.jsonl", [("P1/x", [marked])]), tokenizer)
    start, end = source.object_spans[0]
    assert " ".join(tokenizer.convert_ids_to_tokens(source.sentence(0)[start:end].tolist())) == pieces
    assert "\x01" not in words(tokenizer, source, 0)


def test_long_sentences_are_cut(tmp_path: Path, tokenizer: Any) -> None:
    source = tokenise_file(write(tmp_path / "imdb.jsonl", [("a", ["word " * 500, "End."])]), tokenizer)
    assert np.diff(source.sentence_starts).tolist() == [MAX_SENTENCE_TOKENS, 2]


def test_a_source_without_text_is_refused(tmp_path: Path, tokenizer: Any) -> None:
    with pytest.raises(RecipeError, match="contains no text"):
        tokenise_file(write(tmp_path / "books.jsonl", [("a", [])]), tokenizer)


def test_the_command_line_writes_every_source(tmp_path: Path, vocabulary: Path) -> None:
    samples.write_text(tmp_path / "text")
    arguments = ["--text", str(tmp_path / "text"), "--out", str(tmp_path / "out"), "--tokenizer", str(vocabulary)]
    main(arguments)
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"wiki_full", "books", "wordnet", "facts"}
    assert int(TokenisedSource.load(tmp_path / "out" / "books.npz").held_out.sum()) == 3
    with pytest.raises(RecipeError, match="lacks the requested"):
        main([*arguments, "--sources", "imdb"])


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]))
    from transformers import BertTokenizer

    with pytest.raises(RecipeError, match="6"):
        check_vocabulary(BertTokenizer(vocab=str(tmp_path / "vocab.txt")), tmp_path)


def test_save_and_load_round_trip(tmp_path: Path) -> None:
    source = samples.numbered_source(3, held_out=(1,), facts=True)
    source.save(tmp_path / "facts.npz")
    loaded = TokenisedSource.load(tmp_path / "facts.npz")
    for field in TokenisedSource.__dataclass_fields__:
        before, after = getattr(source, field), getattr(loaded, field)
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is missing"):
        TokenisedSource.load(tmp_path / "none.npz")
    source = samples.numbered_source(3)
    arrays = {"ids": source.token_ids, "sent": source.sentence_starts, "doc": source.document_starts}
    np.savez(tmp_path / "few.npz", **arrays)
    with pytest.raises(RecipeError, match="no array held, obj"):
        TokenisedSource.load(tmp_path / "few.npz")
    arrays |= {"held": source.held_out[1:], "obj": source.object_spans}
    np.savez(tmp_path / "short.npz", **arrays)
    with pytest.raises(RecipeError, match="do not fit together"):
        TokenisedSource.load(tmp_path / "short.npz")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    source = samples.numbered_source(1)
    objects = np.array([{"code": "here"}], dtype=object)
    np.savez(
        tmp_path / "bad.npz",
        ids=objects,
        sent=source.sentence_starts,
        doc=source.document_starts,
        held=source.held_out,
        obj=source.object_spans,
    )
    with pytest.raises(ValueError, match="allow_pickle=False"):
        TokenisedSource.load(tmp_path / "bad.npz")
