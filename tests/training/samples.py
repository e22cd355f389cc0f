"""What the recipe's tests feed it: a few kilobytes of made-up text, and corpora whose token ids tell their place."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.tokenised import TokenisedSource

# --- a corpus of numbers -------------------------------------------------------------------------------------------

FIRST_ID = 1000
SENTENCES_PER_DOCUMENT = 20
TOKENS_PER_SENTENCE = 4


def numbered_source(
    documents: int, *, held_out: Sequence[int] = (), facts: bool = False, first_id: int = FIRST_ID
) -> TokenisedSource:
    """A source where every token of a sentence is ``first_id`` + the sentence's number.

    So a token tells its sentence, and its sentence its document, ``SENTENCES_PER_DOCUMENT`` a document. The object
    of a fact is the middle two of its four tokens.
    """
    sentences = documents * SENTENCES_PER_DOCUMENT
    held = np.zeros(documents, np.bool_)
    held[list(held_out)] = True
    return TokenisedSource(
        token_ids=np.repeat(np.arange(sentences) + first_id, TOKENS_PER_SENTENCE).astype(np.uint16),
        sentence_starts=np.arange(sentences + 1, dtype=np.int64) * TOKENS_PER_SENTENCE,
        document_starts=np.arange(documents + 1, dtype=np.int64) * SENTENCES_PER_DOCUMENT,
        held_out=held,
        object_spans=np.full((sentences, 2), (1, 3), np.int32) if facts else np.zeros((0, 2), np.int32),
    )


def document_of(token_id: int) -> int:
    """The document a token of `numbered_source` is from."""
    return (token_id - FIRST_ID) // SENTENCES_PER_DOCUMENT


# --- a corpus of words ---------------------------------------------------------------------------------------------

_PLACES = ("harbour", "village", "garden", "castle", "market", "valley")
_PEOPLE = ("farmer", "sailor", "teacher", "baker", "doctor", "painter")
_THINGS = ("boat", "basket", "letter", "lantern", "violin", "blanket")
_CAPITALS = {"france": "paris", "italy": "rome", "spain": "madrid", "greece": "athens"}
_SPLITS = ("train", "dev", "test")
_PRAISE = ("wonderful", "great", "lovely", "brilliant")
_BLAME = ("terrible", "awful", "boring", "dreadful")


def _document_ids(prefix: str, *, training: int, held_out: int) -> Iterator[str]:
    """Ids of which the given numbers fall on either side of the split, a CRC-32 divisible by 100 being held out."""
    wanted = {False: training, True: held_out}
    for number in itertools.count():
        identifier = f"{prefix}/{number}"
        side = zlib.crc32(identifier.encode()) % 100 == 0
        if wanted[side]:
            wanted[side] -= 1
            yield identifier
        if not any(wanted.values()):
            return


def _story(rng: random.Random) -> list[str]:
    place, person, thing = rng.choice(_PLACES), rng.choice(_PEOPLE), rng.choice(_THINGS)
    return [
        f"The {person} lived near the {place}. Every morning the {person} carried a {thing} to the {place}.",
        f"One day the {thing} was gone. The {person} looked for the {thing} in the {place} until night.",
    ]


def write_text(folder: Path) -> None:
    """Documents of four sources as the extraction writes them: stories, books, entries and facts."""
    rng = random.Random(1)
    folder.mkdir(parents=True, exist_ok=True)
    for source in ("wiki_full", "books"):
        ids = _document_ids(source, training=12, held_out=3)
        _write_lines(folder / f"{source}.jsonl", [{"id": name, "paras": _story(rng)} for name in ids])
    entries = [f"a {thing} is a thing that a {person} carries." for thing in _THINGS for person in _PEOPLE[:2]]
    ids = _document_ids("noun", training=9, held_out=3)
    _write_lines(
        folder / "wordnet.jsonl",
        [{"id": name, "paras": [entry]} for name, entry in zip(ids, entries, strict=True)],
    )
    facts = [f"The capital of {country} is \x01{city}\x02." for country, city in _CAPITALS.items()]
    ids = _document_ids("P36", training=2, held_out=2)
    _write_lines(folder / "facts.jsonl", [{"id": name, "paras": [fact]} for name, fact in zip(ids, facts, strict=True)])


def write_sentiment(folder: Path) -> None:
    """The files of the sentiment task; every text says plainly which side it is on."""
    rng = random.Random(2)
    folder.mkdir(parents=True, exist_ok=True)

    def sentence(label: int) -> str:
        return f"a {rng.choice(_PRAISE if label else _BLAME)} film about a {rng.choice(_PEOPLE)}"

    for split, count in (("train", 40), ("dev", 8), ("test", 8)):
        rows = [f"{sentence(number % 2)}\t{number % 2}" for number in range(count)]
        (folder / f"sst2_{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name in ("sst_phrases_train", "opinions_train", "opinions_dev", "pros_and_cons"):
        rows = [f"{sentence(number % 2)} for sale\t{number % 2}" for number in range(12)]
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for name, count in (("train_strong", 12), ("test_2000", 4)):
        reviews = [
            {"text": f"I saw it in town. It was {sentence(number % 2)}.", "label": number % 2}
            for number in range(count)
        ]
        _write_lines(folder / f"imdb_{name}.jsonl", reviews)


def write_entities(folder: Path) -> None:
    """The files of the entities task; a name's type is that of its only word."""
    rng = random.Random(3)
    folder.mkdir(parents=True, exist_ok=True)
    names = {"PER": ("Bruno", "Clara", "Dieter"), "ORG": ("Acme", "Globex"), "LOC": ("Lima", "Oslo", "Quito")}

    def row(number: int) -> dict[str, Any]:
        kind = ("PER", "ORG", "LOC")[number % 3]
        words = ["The", rng.choice(_PEOPLE), str(number), "saw", rng.choice(names[kind]), rng.choice(_THINGS), "."]
        return {"tokens": words, "tags": ["O", "O", "O", "O", f"B-{kind}", "O", "O"]}

    numbers = itertools.count()
    files = [f"{name}_{split}" for name in ("crossner", "gum_open", "wnut17", "btc") for split in _SPLITS]
    for name in (*files, "wikigold_all"):
        _write_lines(folder / f"{name}.jsonl", [row(next(numbers)) for _ in range(6)])


def write_answers(folder: Path) -> None:
    """The files of the answers task; every question asks for the only place, or the only thing, of its context."""
    rng = random.Random(4)
    folder.mkdir(parents=True, exist_ok=True)

    def row(number: int) -> dict[str, Any]:
        asked, place, thing = number % 2, rng.choice(_PLACES), rng.choice(_THINGS)
        context = f"The {rng.choice(_PEOPLE)} of house {number // 2} lost a {thing} near the {place}."
        answer = place if asked else thing
        answers = [{"text": answer, "start": context.index(answer)}]
        return {"context": context, "question": "Where?" if asked else "Which thing?", "answers": answers}

    numbers = itertools.count()
    for name in ("squad11_train", "squad11_dev", "qamr_dev", "qamr_test", "policyqa_dev", "policyqa_test", "qed_dev"):
        lines = "".join(json.dumps(row(next(numbers))) + "\n" for _ in range(40 if name == "qamr_dev" else 8))
        with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.write(lines)


def _write_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
