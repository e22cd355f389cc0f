"""Step 5: sentences in which customers praise or criticise what they bought, as labelled lines.

Read from local copies of two repositories (see README.md), in the format in which the data sets were published:

- sentences about phones and restaurants (Kotzias et al. 2015);
- reviews of 14 products (Hu and Liu 2004; Ding, Liu and Yu 2008): the sentences whose opinions all have one sign;
- pros and cons of products (Ganapathibhotla and Liu 2008): the entries of 4 to 25 words.

One sentence in ten of the first two is held out for ``opinions_dev.tsv``.

    python -m training.extract_opinions --repositories work/repositories --out work/sentiment
"""

from __future__ import annotations

import argparse
import html
import io
import random
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from training.errors import run_script
from training.git_snapshots import read_bytes
from training.text import collapse_spaces

__all__ = ["build_parser", "extract_opinions", "main", "pros_and_cons", "review_sentences", "scored_sentences"]

LabelledText = tuple[str, int]

CORPORA = ("nltk+nltk_data", "5db857e6f7df11eabb5e5665836db9ec8df07e28")
SCORED = ("k3v1n-KI+semtement_analyzer", "313f6b405a942e1a3fd2a46b8c68047d6d6d9e9e")

_ENTRY = re.compile(r"\s*<(Pros|Cons)>(.*)</\1>\s*")
_SIGN = re.compile(r"\[([+-])\d?\]")
# "None so far" is no criticism, although it is listed under Cons
_NO_CONS = re.compile(
    r"\b(none|nothing|not a thing|no cons|no complaints|n/a|can'?t think|haven'?t found)\b", re.IGNORECASE
)


def scored_sentences(lines: Iterable[str]) -> Iterator[LabelledText]:
    """Sentences of ``sentence TAB score`` lines; a heading has no score and is left out."""
    for line in lines:
        text, _, score = line.rpartition("\t")
        if score.strip() in ("0", "1"):
            yield collapse_spaces(text), int(score)


def review_sentences(lines: Iterable[str]) -> Iterator[LabelledText]:
    """Sentences of ``feature[+2],feature[-1]##sentence`` lines whose signs agree."""
    for line in lines:
        marks, separator, text = line.partition("##")
        signs = set(_SIGN.findall(marks))
        if separator and len(signs) == 1:
            yield collapse_spaces(html.unescape(text)), int(signs == {"+"})


def pros_and_cons(lines: Iterable[str]) -> Iterator[LabelledText]:
    """Entries of ``<Pros>…</Pros>`` and ``<Cons>…</Cons>`` lines with 4 to 25 words."""
    for line in lines:
        if entry := _ENTRY.fullmatch(line):
            text, label = collapse_spaces(html.unescape(entry[2])), int(entry[1] == "Pros")
            if 4 <= len(text.split()) <= 25 and (label or not _NO_CONS.search(text)):
                yield text, label


def extract_opinions(repositories: Path, out: Path, seed: int) -> dict[str, int]:
    """Write ``opinions_train.tsv``, ``opinions_dev.tsv`` and ``pros_and_cons.tsv`` to ``out``, in random order.

    Texts that occur with both labels are left out, others are written once. Returns the number of lines per file.
    """
    scored = [
        text
        for name in ("amazon_cells", "yelp")
        for text in scored_sentences(_lines(repositories, SCORED, f"{name}_labelled.txt"))
    ]
    reviews = [
        text
        for number in (1, 2)
        for lines in _zipped_files(repositories, f"product_reviews_{number}")
        for text in review_sentences(lines)
    ]
    entries = [text for lines in _zipped_files(repositories, "pros_cons") for text in pros_and_cons(lines)]
    rng = random.Random(seed)
    sentences, lists = (_shuffled(_unambiguous(texts), rng) for texts in (scored + reviews, entries))
    held_out = [zlib.crc32(text.encode()) % 10 == 0 for text, _ in sentences]
    files = {
        "opinions_train": [text for text, held in zip(sentences, held_out, strict=True) if not held],
        "opinions_dev": [text for text, held in zip(sentences, held_out, strict=True) if held],
        "pros_and_cons": lists,
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, texts in files.items():
        rows = "".join(f"{text}\t{label}\n" for text, label in texts)
        (out / f"{name}.tsv").write_text(rows, encoding="utf-8")
    return {name: len(texts) for name, texts in files.items()}


def _lines(repositories: Path, source: tuple[str, str], path: str) -> list[str]:
    name, revision = source
    return read_bytes(repositories / name / "repo", revision, path).decode("utf-8", "replace").split("\n")


def _zipped_files(repositories: Path, corpus: str) -> Iterator[list[str]]:
    """The lines of each text file of one of NLTK's corpora, in the order of their names."""
    name, revision = CORPORA
    content = read_bytes(repositories / name / "repo", revision, f"packages/corpora/{corpus}.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for path in sorted(archive.namelist()):
            if path.endswith(".txt") and not path.endswith("README.txt"):
                yield archive.read(path).decode("utf-8", "replace").split("\n")


def _unambiguous(texts: Sequence[LabelledText]) -> list[LabelledText]:
    """Each text once, without those of both labels; upper and lower case do not matter."""
    labels: dict[str, set[int]] = {}
    for text, label in texts:
        labels.setdefault(text.lower(), set()).add(label)
    first = {text.lower(): (text, label) for text, label in reversed(texts)}
    return [first[key] for key, found in labels.items() if key and len(found) == 1]


def _shuffled(texts: list[LabelledText], rng: random.Random) -> list[LabelledText]:
    rng.shuffle(texts)
    return texts


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=Path, default=Path("work/repositories"))
    parser.add_argument("--out", type=Path, default=Path("work/sentiment"))
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Extract with the command line's options."""
    options = build_parser().parse_args(argv)
    for name, count in extract_opinions(options.repositories, options.out, options.seed).items():
        print(f"{name}: {count} texts", flush=True)


if __name__ == "__main__":
    run_script(main)
