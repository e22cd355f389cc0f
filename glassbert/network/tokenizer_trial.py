"""Open an unknown tokenizer and tokenize awkward texts, in a process of its own with limits on memory and time.

Run as a script with the folder of the tokenizer, and the bytes and the seconds of the processor that it may take;
prints what it found as JSON. The library never imports this module: a tokenizer that aborts, never ends or asks for
more memory than there is ends this process alone.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.modules["torch"] = None  # type: ignore[assignment]  # a tokenizer does not need it, and it takes seconds

import transformers
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import SentencePieceExtractor
from transformers.utils import logging

logging.set_verbosity_error()

_LIMITS = Path(__file__).parents[1] / "models" / "limits.py"
_CHARSMAP = Path(__file__).with_name("charsmap.py")
_CHARACTERS = 20_000  # the longest text of the app
_ORDINARY = "The cat sat."
_TEXTS = ("a", " ", _ORDINARY, "naïve café ½ £ 东京 한국어 नमस्ते 🙂", "\u200d\ufeff\x00\t\n", "<s> [MASK] </s>")
#: A regular expression may run for ever on one kind of characters alone, or where two kinds take turns.
_KINDS = ("7", " ", "\n", "\t", "A", "é", "я", "中", "あ", "ن", "-", ".", "_", "🙂", "a1", "aB", "a.", "7.")


def texts(pipeline: dict[str, object]) -> list[str]:
    """Ordinary texts, and long runs: of each character in the tokenizer's own steps, and of every kind of character."""
    written = json.dumps([pipeline.get(part) for part in ("normalizer", "pre_tokenizer")], ensure_ascii=False)
    own = sorted(set(written[:100_000]))[:60]
    runs = [character * (_CHARACTERS // 8) + "!" for character in own]
    # the characters of a pattern follow, since a search that lacks one of them ends before it has begun
    kinds = [(kind * _CHARACTERS)[: _CHARACTERS // 4] + f"!{''.join(own)}" for kind in _KINDS]
    return [*_TEXTS, "a" * _CHARACTERS, "ab " * (_CHARACTERS // 3), "\u0301" * 1000, *runs, *kinds]


def examine(folder: str) -> dict[str, object]:
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    found: dict[str, object] = {"class": type(tokenizer).__name__, "fast": bool(tokenizer.is_fast)}
    if not tokenizer.is_fast:
        return found | {"missing": None}
    restore_charsmap = runpy.run_path(str(_CHARSMAP))["restore_charsmap"]
    restore_charsmap(tokenizer, Path(folder), lambda path: SentencePieceExtractor(path).proto)
    pipeline = json.loads(tokenizer.backend_tokenizer.to_str())
    vocabulary = tokenizer.get_vocab().values()
    ids, types, placed = {0}, {0}, True
    for text in texts(pipeline):
        for parts in ((text,), (text, _ORDINARY if text == _ORDINARY else "a")):
            read = tokenizer(*parts, return_offsets_mapping=True, return_token_type_ids=True, verbose=False)
            ids |= set(read["input_ids"])
            types |= set(read["token_type_ids"])
            placed = placed and tells_places(read, parts, whole=text == _ORDINARY)
    pipeline["model"] = {name: value for name, value in pipeline["model"].items() if name not in ("vocab", "merges")}
    return found | {
        "pipeline": pipeline,
        "tokens": len(set(vocabulary)),
        "least_id": min(vocabulary, default=-1),
        "most_id": max(vocabulary, default=-1),
        "ids": [min(ids), max(ids)],
        "types": [min(types), max(types)],
        "placed": placed,
    }


def tells_places(read: transformers.BatchEncoding, texts: tuple[str, ...], *, whole: bool) -> bool:
    """Whether the tokens of each text come in order, say which of its words they are of, and lie within it.

    ``whole``: no text may be without tokens.
    """
    sequences = [sequence for sequence in read.sequence_ids() if sequence is not None]
    words = [word for word, sequence in zip(read.word_ids(), read.sequence_ids(), strict=True) if sequence is not None]
    inside = (
        0 <= start <= end <= len(texts[sequence])
        for (start, end), sequence in zip(read["offset_mapping"], read.sequence_ids(), strict=True)
        if sequence is not None
    )
    found = sequences == sorted(sequences) and None not in words and all(inside)
    return found and (not whole or set(sequences) == set(range(len(texts))))


def slow_class(folder: Path) -> str | None:
    """The tokenizer class that the files name, if transformers has it without a fast version."""
    for file in ("tokenizer_config.json", "config.json"):
        path = folder / file
        name = json.loads(path.read_bytes()).get("tokenizer_class") if path.exists() else None
        if isinstance(name, str):
            general = ("PreTrainedTokenizer", "PythonBackend", "TokenizersBackend")
            named = getattr(transformers, name.removesuffix("Fast"), transformers.PreTrainedTokenizerFast)
            slow = name.removesuffix("Fast") not in general
            return name if slow and not issubclass(named, transformers.PreTrainedTokenizerFast) else None
    return None


def main() -> None:
    folder, memory_bytes, cpu_seconds = sys.argv[1:]
    runpy.run_path(str(_LIMITS))["limit"](int(memory_bytes), int(cpu_seconds))
    try:
        found = examine(folder)
    except MemoryError:
        found = {"error": "memory"}
    except BaseException as error:  # a panic of the tokenizer's Rust code is no Exception
        # a class without a fast version fails in many ways: it lacks files, or packages
        name = slow_class(Path(folder))
        missing = error.name if isinstance(error, ImportError) else None
        detail = str(error)[:200]
        if "tiktoken" in detail:  # the guess of transformers for a SentencePiece file that is none
            detail = "its vocabulary file is not a SentencePiece model"
        found = {"error": type(error).__name__, "detail": detail}
        if name or missing:
            found = {"fast": False, "class": name or "its class", "missing": missing}
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
