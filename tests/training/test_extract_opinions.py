"""Customers' sentences get the label of their marks, and none is in two files."""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest

from training import extract_opinions
from training.extract_opinions import pros_and_cons, review_sentences, scored_sentences


def test_scores_and_marks_become_labels() -> None:
    lines = ["sentence\tsentiment", "Great phone!\t1", "It broke \t 0", "no score", ""]
    assert list(scored_sentences(lines)) == [("Great phone!", 1), ("It broke", 0)]
    lines = [
        "*** annotated by hand",
        "[t]a title",
        "phone[+3], work[+2]##a great  phone &amp; it works",
        "sound[-1][u]##tinny .",
        "size[+1],weight[-2]##small but heavy",
        "##i bought it in may",
    ]
    assert list(review_sentences(lines)) == [("a great phone & it works", 1), ("tinny .", 0)]


def test_entries_of_four_to_twenty_five_words_that_say_something() -> None:
    lines = [
        "  <Pros>Easy to use, economical!</Pros>",
        "<Pros>battery life, size</Pros>",  # three words
        "<Pros>" + "word " * 26 + "</Pros>",
        "<Cons>None that I have found yet</Cons>",
        "<Cons>I can't think of anything bad</Cons>",
        "<Cons>it eats up batteries &quot;fast&quot;</Cons>",
        "<Title>What a nice little camera</Title>",
    ]
    assert list(pros_and_cons(lines)) == [("Easy to use, economical!", 1), ('it eats up batteries "fast"', 0)]


def commit(repository: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_bytes(content)

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        done = subprocess.run(["git", "-C", repository, *identity, *arguments], capture_output=True, check=True)
        return done.stdout.decode().strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "data")
    return git("rev-parse", "HEAD")


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"folder/{name}.txt", text)
    return buffer.getvalue()


def test_files_are_written_without_repetition_or_contradiction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored = [f"Sentence number {number} is here.\t{number % 2}" for number in range(300)]
    scored += ["Sentence number 7 is here.\t1", "What can I say?\t0", "what can i say?\t1"]
    entries = ["<Pros>very easy to use</Pros>", "<Pros>Very easy to use</Pros>", "<Cons>far too easy to break</Cons>"]
    corpora = commit(
        tmp_path / "corpora" / "repo",
        {
            "packages/corpora/product_reviews_1.zip": zipped(a="screen[+2]##a bright screen\n", README="##[+1]##no"),
            "packages/corpora/product_reviews_2.zip": zipped(b="lens[-2]##a dull lens\n"),
            "packages/corpora/pros_cons.zip": zipped(IntegratedPros="\n".join(entries)),
        },
    )
    content = "\n".join(scored).encode()
    sentences = commit(
        tmp_path / "scored" / "repo", {"amazon_cells_labelled.txt": content, "yelp_labelled.txt": b"Tasty food.\t1\n"}
    )
    monkeypatch.setattr(extract_opinions, "CORPORA", ("corpora", corpora))
    monkeypatch.setattr(extract_opinions, "SCORED", ("scored", sentences))
    counts = extract_opinions.extract_opinions(tmp_path, tmp_path / "out", seed=1)

    written = {name: (tmp_path / "out" / f"{name}.tsv").read_text(encoding="utf-8").splitlines() for name in counts}
    assert counts == {name: len(lines) for name, lines in written.items()}
    assert sorted(written["pros_and_cons"]) == ["far too easy to break\t0", "very easy to use\t1"]
    assert sorted(written["opinions_train"] + written["opinions_dev"]) == sorted(
        [*scored[:300], "a bright screen\t1", "a dull lens\t0", "Tasty food.\t1"]
    )
    held_out = [zlib.crc32(line.rpartition("\t")[0].encode()) % 10 == 0 for line in written["opinions_dev"]]
    assert len(held_out) > 10
    assert all(held_out)
