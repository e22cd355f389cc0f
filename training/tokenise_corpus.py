"""Step 2: the JSON-lines documents of step 1 → sentences → word pieces, one ``.npz`` per source.

python -m training.tokenise_corpus --text work/text --out work/corpus
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import AutoTokenizer

from training.checkpoints import local_checkpoint
from training.errors import RecipeError, run_script
from training.text import OBJECT_END, OBJECT_START, split_sentences
from training.tokenised import TokenisedSource, check_vocabulary

__all__ = [
    "build_parser",
    "is_held_out",
    "main",
    "tokenise_file",
]

MAX_SENTENCE_TOKENS = 400
_SENTENCES_AT_ONCE = 20_000

Span = tuple[int, int]


def is_held_out(document_id: str) -> bool:
    """About one document in a hundred, chosen by a hash of its id: the same in every run, whatever the other files."""
    return zlib.crc32(document_id.encode()) % 100 == 0


def tokenise_file(path: Path, tokenizer: Any) -> TokenisedSource:
    """Sentence-split and tokenise one source. Sentences are cut at 400 word pieces.

    Documents without a sentence are left out. A source named ``facts`` has one marked sentence per document,
    one named ``wordnet`` one entry, which is not split.
    """
    sentences: list[str] = []
    object_characters: list[Span] = []
    document_starts, held_out = [0], []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            if path.stem == "facts":
                sentence, span = _unmark_object(document["paras"][0])
                sentences.append(sentence)
                object_characters.append(span)
            elif path.stem == "wordnet":
                sentences += document["paras"]
            else:
                sentences += [s for paragraph in document["paras"] for s in split_sentences(paragraph)]
            if len(sentences) > document_starts[-1]:
                document_starts.append(len(sentences))
                held_out.append(is_held_out(document["id"]))
    if not sentences:
        raise RecipeError(f"{path} contains no text: write it again with python -m training.extract_corpus")
    token_ids, object_spans = [], []
    for index, (ids, offsets) in enumerate(_tokenise(sentences, tokenizer)):
        token_ids.append(np.array(ids[:MAX_SENTENCE_TOKENS], dtype=np.uint16))
        if object_characters:
            object_spans.append(_tokens_within(offsets, object_characters[index]))
    return TokenisedSource(
        token_ids=np.concatenate(token_ids),
        sentence_starts=np.cumsum([0, *map(len, token_ids)], dtype=np.int64),
        document_starts=np.array(document_starts, dtype=np.int64),
        held_out=np.array(held_out, dtype=np.bool_),
        object_spans=np.array(object_spans, dtype=np.int32).reshape(-1, 2),
    )


def _tokenise(sentences: list[str], tokenizer: Any) -> Iterator[tuple[list[int], list[Span]]]:
    """The token ids of each sentence, and the characters each token covers."""
    for start in range(0, len(sentences), _SENTENCES_AT_ONCE):
        encoded = tokenizer(
            sentences[start : start + _SENTENCES_AT_ONCE], add_special_tokens=False, return_offsets_mapping=True
        )
        yield from zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)


def _unmark_object(marked: str) -> tuple[str, Span]:
    """A marked fact → the plain sentence and the characters of its object."""
    start, end = marked.index(OBJECT_START), marked.index(OBJECT_END)
    # the start mark is removed, so the end moves one to the left
    return marked.replace(OBJECT_START, "").replace(OBJECT_END, ""), (start, end - 1)


def _tokens_within(offsets: list[Span], characters: Span) -> Span:
    """The tokens that are entirely inside a span of characters, as first and end; (0, 0) if there are none."""
    inside = [index for index, (start, end) in enumerate(offsets) if start >= characters[0] and end <= characters[1]]
    return (inside[0], inside[-1] + 1) if inside else (0, 0)


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, default=Path("work/text"), help="folder of step 1's JSON lines")
    parser.add_argument("--out", type=Path, default=Path("work/corpus"))
    parser.add_argument("--tokenizer", type=Path, default=Path("glassbert/checkpoints/pretrained"))
    parser.add_argument("--sources", nargs="+", help="only these sources")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Tokenise every ``.jsonl`` of a folder."""
    options = build_parser().parse_args(argv)
    paths = sorted(options.text.glob("*.jsonl"))
    if options.sources:
        paths = [options.text / f"{source}.jsonl" for source in options.sources]
    if not paths or not all(path.is_file() for path in paths):
        raise RecipeError(f"{options.text} lacks the requested .jsonl files: run training.extract_corpus first")
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.tokenizer))
    check_vocabulary(tokenizer, options.tokenizer)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        source = tokenise_file(path, tokenizer)
        source.save(options.out / f"{path.stem}.npz")
        print(
            f"{path.stem}: {len(source.held_out)} documents, {len(source.sentence_starts) - 1} sentences, "
            f"{len(source.token_ids) / 1e6:.2f} M word pieces, {source.held_out.sum()} documents held out",
            flush=True,
        )


if __name__ == "__main__":
    run_script(main)
