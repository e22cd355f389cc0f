"""Documents come out of git repositories at the revision asked for, with the ids the held-out split goes by."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from training import extract_corpus
from training.batches import EVERYDAY_SOURCES, SOURCES
from training.errors import RecipeError
from training.extract_corpus import Document, Inputs
from training.git_snapshots import find_files, read_files

LONG = "The river rises in the northern hills and flows into the sea."


@pytest.fixture(autouse=True)
def _no_outer_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a git hook these point every git at the outer repository."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


def commit(repository: Path, files: Mapping[str, str]) -> str:
    """Write files, commit them, return the commit."""
    identity = {f"GIT_{role}_{what}": "test" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(repository), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    for path, text in files.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text, encoding="utf-8")
    if not (repository / ".git").exists():
        git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "files")
    return git("rev-parse", "HEAD")


def inputs(folder: Path, **changes: object) -> Inputs:
    defaults = {
        "repositories": folder,
        "wordnet": folder / "wordnet",
        "openstax_commits": folder / "openstax_commits.json",
        "plain_texts": folder,
        "reviews": 2,
        "patterns_per_fact": 1,
        "seed": 1,
    }
    return Inputs(**(defaults | changes))  # type: ignore[arg-type]


def test_files_are_read_at_their_revision(tmp_path: Path) -> None:
    first = commit(tmp_path, {"a/one.txt": "old", "a/two.md": "x", "b/one.txt": "y"})
    second = commit(tmp_path, {"a/one.txt": "new\nlines\n"})
    paths = find_files(tmp_path, first, r"^a/.*\.txt$")
    assert paths == ["a/one.txt"]
    assert list(read_files(tmp_path, first, paths)) == [("a/one.txt", "old")]
    assert list(read_files(tmp_path, second, ["b/one.txt", "a/one.txt"])) == [
        ("b/one.txt", "y"),
        ("a/one.txt", "new\nlines\n"),
    ]


def test_missing_repository_and_revision_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no repository .*nowhere"):
        find_files(tmp_path / "nowhere", "HEAD", "")
    commit(tmp_path, {"a": "x"})
    with pytest.raises(RecipeError, match="cannot read"):
        find_files(tmp_path, "feedface", "")


def test_openstax_reads_the_pinned_commit(tmp_path: Path) -> None:
    repository = tmp_path / "openstax+osbooks-rivers" / "repo"
    pinned = commit(repository, {"modules/m1/index.cnxml": f"<para>{LONG}</para>" * 3, "modules/m2/index.cnxml": LONG})
    commit(repository, {"modules/m1/index.cnxml": f"<para>{LONG.upper()}</para>" * 3})
    (tmp_path / "openstax_commits.json").write_text(json.dumps({"rivers": pinned}))
    documents = list(extract_corpus.read_openstax(inputs(tmp_path)))
    assert documents == [Document("rivers/modules/m1/index.cnxml", [LONG] * 3)]


def test_books_are_chapters_and_not_title_pages(tmp_path: Path) -> None:
    text = "<p>Call me.</p>" * 6
    files = {f"src/epub/text/{name}.xhtml": text for name in ("chapter-1", "titlepage")}
    commit(tmp_path / "standardebooks+moby" / "repo", files | {"src/epub/text/chapter-2.xhtml": "<p>Short.</p>"})
    documents = list(extract_corpus.read_books(inputs(tmp_path)))
    assert documents == [Document("standardebooks+moby/src/epub/text/chapter-1.xhtml", ["Call me."] * 6)]


def test_reviews_are_a_seeded_sample_of_the_train_folders(tmp_path: Path) -> None:
    train = {f"x/aclImdb/train/{kind}/{n}_9.txt": f"review {n}<br />end" for kind in ("pos", "unsup") for n in range(4)}
    commit(tmp_path / extract_corpus.REVIEWS_REPOSITORY / "repo", train | {"x/aclImdb/test/pos/0_9.txt": "untouched"})
    sample = list(extract_corpus.read_imdb(inputs(tmp_path, reviews=5)))
    assert len(sample) == 5
    assert {document.id for document in sample} <= set(train)
    assert all(document.paragraphs[1] == "end" for document in sample)
    assert sample == list(extract_corpus.read_imdb(inputs(tmp_path, reviews=5)))
    assert sample != list(extract_corpus.read_imdb(inputs(tmp_path, reviews=5, seed=2)))
    everything = list(extract_corpus.read_imdb(inputs(tmp_path, reviews=100)))
    assert {document.id for document in everything} == set(train)


def test_facts_join_triples_with_the_patterns_of_their_relation(tmp_path: Path) -> None:
    triple = json.dumps({"sub_label": "Paris", "obj_label": "France", "uuid": "u1"})
    patterns = [json.dumps({"pattern": pattern}) for pattern in ("[X] is in [Y].", "[Y] has [X].", "[Y], of [X].")]
    files = {
        "data/trex_lms_vocab/P1.jsonl": triple + "\n",
        "data/trex_lms_vocab/P2.jsonl": triple,  # a relation without patterns
        "data/pattern_data/graphs_json/P1.jsonl": "\n".join(patterns) + "\n",
    }
    commit(tmp_path / extract_corpus.PARAREL_REPOSITORY / "repo", files)
    documents = list(extract_corpus.read_facts(inputs(tmp_path, patterns_per_fact=2)))
    marked = {"Paris is in \x01France\x02.", "\x01France\x02 has Paris.", "\x01France\x02, of Paris."}
    assert [document.id for document in documents] == ["P1/u1", "P1/u1"]
    sentences = {document.paragraphs[0] for document in documents}
    assert len(sentences) == 2
    assert sentences < marked


def test_plain_texts_are_numbered_documents(tmp_path: Path) -> None:
    for name in ("masc", "topical_chat"):
        (tmp_path / f"{name}.txt.gz").write_bytes(gzip.compress(b"Dear Ann,\nit rains.\n\nHow are you?\n"))
    masc, chat = (list(extract_corpus.READERS[name](inputs(tmp_path))) for name in ("masc", "topical_chat"))
    assert masc == [Document("masc/0", ["Dear Ann,", "it rains."]), Document("masc/1", ["How are you?"])]
    assert [document.id for document in chat] == ["topical_chat/0", "topical_chat/1", "topical_chat/2"]
    with pytest.raises(RecipeError, match=r"onestop_news\.txt\.gz is missing"):
        list(extract_corpus.READERS["onestop_news"](inputs(tmp_path)))


def test_there_is_a_reader_for_every_source() -> None:
    assert set(extract_corpus.READERS) == set(SOURCES)
    assert set(extract_corpus.PLAIN_TEXTS) == set(EVERYDAY_SOURCES)


def test_extract_writes_json_lines(tmp_path: Path) -> None:
    folder = tmp_path / "wordnet"
    folder.mkdir()
    for part_of_speech in ("noun", "verb", "adj", "adv"):
        head = "00001740 03 n 01 café 0 000"
        text = f"  1 a licence | line\n{head} | a small place to drink in\n"
        (folder / f"data.{part_of_speech}").write_text(text, encoding="latin-1")
    assert extract_corpus.extract("wordnet", inputs(tmp_path), tmp_path)[0] == 4
    lines = (tmp_path / "wordnet.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {"id": "noun/00001740", "paras": ["a café is a small place to drink in."]}
    assert json.loads(lines[1])["id"] == "verb/00001740"


def test_wordnet_folder_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.noun is missing"):
        list(extract_corpus.read_wordnet(inputs(tmp_path)))
