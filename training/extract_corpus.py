"""Step 1: raw sources → one JSON-lines file per source, one ``{"id": …, "paras": [paragraph, …]}`` per line.

Everything is read from local copies (see README.md for where they come from, at which revision and under which
licence); nothing is downloaded here.

    python -m training.extract_corpus --repositories work/repositories --wordnet /usr/share/wordnet --reviews 24000
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from training import parsing
from training.errors import RecipeError, run_script
from training.git_snapshots import find_files, read_files

__all__ = [
    "READERS",
    "Document",
    "Inputs",
    "build_parser",
    "extract",
    "main",
]

WIKI_REPOSITORY = "chapmanjacobd+wiki-welcome"
#: The last commit with whole articles; later ones contain their first 500 characters.
WIKI_WHOLE_ARTICLES = "46093555"
FACTBOOK_REPOSITORY = "factbook+factbook.json"
REVIEWS_REPOSITORY = "PVidyadhar+Detection-of-Fraud-apps-using-Sentiment-Analysis"
PARAREL_REPOSITORY = "yanaiela+pararel"

#: Plain texts, gzipped → whether blank lines separate their documents; otherwise every line is a document.
PLAIN_TEXTS = {
    "african_storybook": False,
    "changelog_talk": True,
    "common_voice_en": False,
    "masc": True,
    "onestop_news": True,
    "sgd_dialogues": False,
    "topical_chat": False,
    "us_speeches_1945on": True,
}

_NOT_CHAPTERS = re.compile(
    r"/(colophon|imprint|titlepage|uncopyright|halftitlepage|endnotes|loi|dedication|epigraph|toc)"
)


class Document(NamedTuple):
    """One document; the held-out split depends on its ``id``."""

    id: str
    paragraphs: list[str]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where the raw sources are, and how much to take of the two that are sampled."""

    repositories: Path  # OWNER+NAME/repo
    wordnet: Path  # the folder with data.noun, data.verb, data.adj, data.adv
    openstax_commits: Path  # JSON: textbook → commit
    plain_texts: Path  # the folder with the NAME.txt.gz of `PLAIN_TEXTS`
    reviews: int
    patterns_per_fact: int
    seed: int

    def repository(self, name: str) -> Path:
        return self.repositories / name / "repo"


def _files(inputs: Inputs, name: str, revision: str, pattern: str) -> Iterator[tuple[str, str]]:
    repository = inputs.repository(name)
    return read_files(repository, revision, find_files(repository, revision, pattern))


def read_wiki_full(inputs: Inputs) -> Iterator[Document]:
    """Whole English Wikipedia articles."""
    for path, text in _files(inputs, WIKI_REPOSITORY, WIKI_WHOLE_ARTICLES, r"^articles/"):
        if paragraphs := parsing.wiki_article_paragraphs(text):
            yield Document(path, paragraphs)


def read_wiki_intro(inputs: Inputs) -> Iterator[Document]:
    """The openings of many more Wikipedia articles."""
    for path, text in _files(inputs, WIKI_REPOSITORY, "HEAD", r"^articles/"):
        if paragraphs := parsing.wiki_opening_paragraphs(text):
            yield Document(path, paragraphs)


def read_openstax(inputs: Inputs) -> Iterator[Document]:
    """OpenStax textbooks, each at its last commit under CC BY 4.0."""
    commits: dict[str, str] = json.loads(inputs.openstax_commits.read_text())
    for book, commit in commits.items():
        for path, text in _files(inputs, f"openstax+osbooks-{book}", commit, r"^modules/.*index\.cnxml$"):
            paragraphs = parsing.openstax_paragraphs(text)
            if len(paragraphs) > 2:
                yield Document(f"{book}/{path}", paragraphs)


def read_books(inputs: Inputs) -> Iterator[Document]:
    """All local Standard Ebooks repositories: public-domain fiction, one chapter per document."""
    names = sorted(path.parent.name for path in inputs.repositories.glob("standardebooks+*/repo"))
    if not names:
        raise RecipeError(f"there is no standardebooks+NAME/repo in {inputs.repositories}; see training/README.md")
    for name in names:
        for path, text in _files(inputs, name, "HEAD", r"src/epub/text/.*\.xhtml$"):
            paragraphs = parsing.book_paragraphs(text)
            if len(paragraphs) > 5 and not _NOT_CHAPTERS.search(path):
                yield Document(f"{name}/{path}", paragraphs)


def read_wordnet(inputs: Inputs) -> Iterator[Document]:
    """WordNet's definitions and examples, one synset per document."""
    for part_of_speech in ("noun", "verb", "adj", "adv"):
        path = inputs.wordnet / f"data.{part_of_speech}"
        if not path.is_file():
            raise RecipeError(f"{path} is missing: --wordnet is the folder with WordNet's data.* files")
        with path.open(encoding="latin-1") as lines:
            for line in lines:
                if entry := parsing.wordnet_entry(line, part_of_speech):
                    offset, text = entry
                    yield Document(f"{part_of_speech}/{offset}", [text])


def read_factbook(inputs: Inputs) -> Iterator[Document]:
    """The CIA World Factbook, one country per document."""
    for path, text in _files(inputs, FACTBOOK_REPOSITORY, "HEAD", r"^[a-z-]+/[a-z]{2}\.json$"):
        if sentences := parsing.country_sentences(text):
            yield Document(path, sentences)


def read_facts(inputs: Inputs) -> Iterator[Document]:
    """T-REx triples in ParaRel's wordings: ``patterns_per_fact`` wordings per triple, the object marked."""
    rng = random.Random(inputs.seed)
    triples = dict(_files(inputs, PARAREL_REPOSITORY, "HEAD", r"^data/trex_lms_vocab/.*jsonl$"))
    pattern_files = _files(inputs, PARAREL_REPOSITORY, "HEAD", r"^data/pattern_data/graphs_json/.*jsonl$")
    patterns = {Path(path).stem: [line["pattern"] for line in _json_lines(text)] for path, text in pattern_files}
    for path, text in triples.items():
        relation = Path(path).stem
        wordings = patterns.get(relation, [])
        if not wordings:
            continue
        for triple in _json_lines(text):
            for wording in rng.sample(wordings, min(inputs.patterns_per_fact, len(wordings))):
                sentence = parsing.fact_sentence(wording, triple["sub_label"], triple["obj_label"])
                yield Document(f"{relation}/{triple['uuid']}", [sentence])


def _json_lines(text: str) -> Iterator[dict[str, str]]:
    return (json.loads(line) for line in text.splitlines() if line.strip())


def read_imdb(inputs: Inputs) -> Iterator[Document]:
    """A seeded sample of film reviews, from the train folders only: the sentiment evaluation uses test/."""
    repository = inputs.repository(REVIEWS_REPOSITORY)
    paths = find_files(repository, "HEAD", r"aclImdb/train/(pos|neg|unsup)/\d+_\d+\.txt$")
    random.Random(inputs.seed).shuffle(paths)
    for path, text in read_files(repository, "HEAD", paths[: inputs.reviews]):
        yield Document(path, parsing.review_paragraphs(text))


def read_plain_text(name: str, inputs: Inputs) -> Iterator[Document]:
    """One of `PLAIN_TEXTS`, its documents numbered."""
    path = inputs.plain_texts / f"{name}.txt.gz"
    if not path.is_file():
        raise RecipeError(f"{path} is missing: --plain-texts is the folder that contains it; see training/README.md")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        documents = parsing.plain_text_documents(lines, blank_lines_between=PLAIN_TEXTS[name])
        for number, paragraphs in enumerate(documents):
            yield Document(f"{name}/{number}", paragraphs)


#: Source id → its reader. The ids name the files of every later step.
READERS: dict[str, Callable[[Inputs], Iterator[Document]]] = {
    "wiki_full": read_wiki_full,
    "wiki_intro": read_wiki_intro,
    "openstax": read_openstax,
    "books": read_books,
    "wordnet": read_wordnet,
    "factbook": read_factbook,
    "facts": read_facts,
    "imdb": read_imdb,
    **{name: partial(read_plain_text, name) for name in PLAIN_TEXTS},
}


def extract(source: str, inputs: Inputs, out: Path) -> tuple[int, int]:
    """Write ``out/source.jsonl``; returns its numbers of documents and characters."""
    documents = characters = 0
    with (out / f"{source}.jsonl").open("w", encoding="utf-8") as lines:
        for document in READERS[source](inputs):
            record = {"id": document.id, "paras": document.paragraphs}
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
            documents += 1
            characters += sum(map(len, document.paragraphs))
    return documents, characters


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=Path, default=Path("work/repositories"))
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    commits = Path(__file__).with_name("openstax_commits.json")
    parser.add_argument("--openstax-commits", type=Path, default=commits)
    parser.add_argument("--plain-texts", type=Path, default=Path("work/plain"))
    parser.add_argument("--out", type=Path, default=Path("work/text"))
    parser.add_argument("--reviews", type=int, default=30_000)
    parser.add_argument("--patterns-per-fact", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sources", nargs="+", choices=READERS, default=list(READERS))
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Extract the sources named on the command line (all of them by default)."""
    options = build_parser().parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    inputs = Inputs(
        repositories=options.repositories,
        wordnet=options.wordnet,
        openstax_commits=options.openstax_commits,
        plain_texts=options.plain_texts,
        reviews=options.reviews,
        patterns_per_fact=options.patterns_per_fact,
        seed=options.seed,
    )
    for source in options.sources:
        documents, characters = extract(source, inputs, options.out)
        print(f"{source}: {documents} documents, {characters / 1e6:.1f} M characters", flush=True)


if __name__ == "__main__":
    run_script(main)
