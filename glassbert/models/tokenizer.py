"""A tokenizer, validated as data: its vocabulary, and every step from a text to token ids.

A tokenizer.json may contain any number of replacements, regular expressions and special tokens, which run on every
text. What is bounded here: the number of steps, how much longer a text can become, regular expressions whose running
time explodes, and the ids that are added around a text. What only shows when the tokenizer runs is found by
:mod:`glassbert.network.tokenizer_trial`, in a process of its own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from glassbert.errors import DamagedCheckpointError, RemoteCodeError, UnsupportedModelError
from glassbert.models.characters import CHARACTER_FILES
from glassbert.models.files import parse_json, quoted, read_bytes

__all__ = [
    "TOKENIZER_FILES",
    "check_not_in_python",
    "check_pipeline",
    "check_tokenizer",
    "check_vocabulary",
    "has_tokenizer",
    "read_files",
]

#: Sets of files, each sufficient to build a tokenizer.
_TOKENIZERS = (
    {"tokenizer.json"},
    {"vocab.txt"},
    {"vocab.json", "merges.txt"},
    {"spiece.model"},
    {"sentencepiece.bpe.model"},
    {"spm.model"},
)
_SETTINGS = "tokenizer_config.json"
#: Every file that a tokenizer may consist of.
TOKENIZER_FILES = (
    frozenset().union(*_TOKENIZERS) | CHARACTER_FILES | {_SETTINGS, "special_tokens_map.json", "added_tokens.json"}
)

_MAX_FILE_BYTES = 64_000_000
_MAX_STEPS = 64
_MAX_GROWTH = 16  # how many times longer the normaliser can make a text
_MAX_PATTERN_CHARACTERS = 2000
_MAX_REPETITIONS = 3  # after one another; published tokenizers have two
_MAX_WORD_CHARACTERS = 10_000  # WordPiece tries every piece of a word
_MAX_CHARACTER_BYTES = 256  # what one character can become: NFKC needs 33
_MAX_TOKEN_CHARACTERS = 1000
_ADVICE = "replace it with the tokenizer that the model was trained with"


#: Known before anything is opened or downloaded; any other is found out when it is tried.
_PYTHON_ONLY = ("BertJapaneseTokenizer", "BertweetTokenizer", "PhobertTokenizer")


def has_tokenizer(files: Set[str]) -> bool:
    """Whether these files are enough for a tokenizer."""
    return any(kind <= files for kind in _TOKENIZERS)


def read_files(folder: Path, files: Set[str], source: str) -> dict[str, bytes]:
    """The content of every tokenizer file in a folder. Raises DamagedCheckpointError."""
    return {
        name: read_bytes(folder / name, max_bytes=_MAX_FILE_BYTES, source=source)
        for name in sorted(TOKENIZER_FILES & files)
    }


def check_tokenizer(
    files: Mapping[str, bytes], rows: int, types: int, source: str, *, own: Set[str] = frozenset()
) -> None:
    """Validate the content of the tokenizer files of a model with ``rows`` embeddings and ``types`` segments.

    ``own`` are the names of the stock tokenizers of the family. Raises DamagedCheckpointError, RemoteCodeError or
    UnsupportedModelError.
    """
    if _SETTINGS in files:
        settings = parse_json(files[_SETTINGS], _SETTINGS, source)
        _check_settings(settings, source, own)
        if "tokenizer.json" not in files and settings.get("tokenizer_class") in _PYTHON_ONLY:
            raise slow_tokenizer(source, settings["tokenizer_class"], None)
    for name in ("special_tokens_map.json", "added_tokens.json"):
        if name in files:
            parse_json(files[name], name, source)
    parsed: dict[str, Any] = {}
    if "tokenizer.json" in files:
        parsed = parse_json(files["tokenizer.json"], "tokenizer.json", source)
        check_pipeline(parsed, rows, types, source)
    if files.keys() & {"tokenizer.json", "vocab.txt", "vocab.json"}:  # SentencePiece is counted when it is read
        ids = list(_token_ids(files, parsed, source))
        if not ids or not all(type(id) is int for id in ids):
            raise _damaged(source, "it has no vocabulary")
        check_vocabulary(len(set(ids)), min(ids), max(ids), rows, source)


def check_vocabulary(tokens: int, least: int, most: int, rows: int, source: str) -> None:
    """Compare a vocabulary with the embedding table. Raises DamagedCheckpointError."""
    if least < 0 or most >= rows or 2 * tokens < rows:
        raise DamagedCheckpointError(
            f"the tokenizer of {quoted(source)} has {tokens} tokens (ids up to {most}), but its weights have "
            f"{rows}: the files do not belong together; {_ADVICE}"
        )


def _check_settings(settings: Mapping[str, Any], source: str, own: Set[str]) -> None:
    mapped = settings.get("auto_map")
    if mapped:
        entries = mapped.values() if isinstance(mapped, dict) else [mapped]
        names = [name for entry in entries for name in (entry if isinstance(entry, list) else [entry]) if name]
        if not names or not all(isinstance(name, str) and name.rpartition(".")[2] in own for name in names):
            raise RemoteCodeError(
                f"the tokenizer of {quoted(source)} needs Python code from its own repository, which GlassBERT never "
                "runs; choose a model with a standard tokenizer"
            )
    for name in ("model_max_length", "max_len"):
        longest = settings.get(name)
        if longest is not None and (type(longest) not in (int, float) or longest != int(longest) or longest < 1):
            raise DamagedCheckpointError(
                f"{_SETTINGS} of {quoted(source)} specifies {name} = {quoted(longest)}, which must be a positive whole "
                "number; correct it"
            )


def _token_ids(files: Mapping[str, bytes], parsed: Mapping[str, Any], source: str) -> Iterator[int]:
    try:
        if "tokenizer.json" in files:
            vocabulary = parsed["model"]["vocab"]
            yield from (vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary)))
            yield from (token["id"] for token in parsed.get("added_tokens") or ())
        elif "vocab.txt" in files:
            yield from range(len(files["vocab.txt"].decode().splitlines()))
        elif "vocab.json" in files:
            yield from parse_json(files["vocab.json"], "vocab.json", source).values()
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(source) from error


def check_pipeline(parsed: Mapping[str, Any], rows: int, types: int, source: str) -> None:
    """Validate the steps of a tokenizer.json: normaliser, pre-tokeniser, model, post-processor, added tokens.

    Raises DamagedCheckpointError.
    """
    try:
        problem = _problem(parsed, rows, max(types, 2))  # a family without segments ignores their ids
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise _damaged(source) from error
    if problem:
        raise _damaged(source, problem)


def _problem(parsed: Mapping[str, Any], rows: int, types: int) -> str | None:
    parts = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    steps = [step for part in parts for step in _steps(parsed.get(part))]
    if len(steps) > _MAX_STEPS:
        return f"it has {len(steps)} steps; at most {_MAX_STEPS} are run on a text"
    problems = (
        _growth_problem("normaliser", _steps(parsed.get("normalizer"))),
        _growth_problem("decoder", _steps(parsed.get("decoder"))),
        *(_pattern_problem(step["pattern"]) for step in steps if "pattern" in step),
        *(_template_problem(step, rows, types) for step in _steps(parsed.get("post_processor"))),
        *(_token_problem(token) for token in parsed.get("added_tokens") or ()),
        _model_problem(parsed["model"]),
        _padding_problem(parsed.get("padding")),
    )
    return next((problem for problem in problems if problem), None)


def _steps(part: Any) -> list[dict[str, Any]]:
    """The steps in a part of the pipeline, those in sequences of sequences included, one after the other."""
    found: list[dict[str, Any]] = []
    waiting = [part] if part is not None else []
    while waiting:
        step = waiting.pop(0)
        found.append(step)
        if len(found) > _MAX_STEPS:
            break
        for name in ("normalizers", "pretokenizers", "processors", "decoders"):
            waiting = list(step.get(name) or ()) + waiting
    return found


def _growth_problem(part: str, steps: list[dict[str, Any]]) -> str | None:
    growth = 1.0
    for step in steps:
        if step.get("type") == "Replace":
            pattern, content = step["pattern"], step["content"]
            # a regular expression may match a single character
            shortest = len(pattern["String"].encode()) if "String" in pattern else 1
            if not shortest:
                return "it replaces an empty text"
            growth *= max(1.0, len(content.encode()) / shortest)
        elif step.get("type") == "Prepend":
            growth *= 1 + len(step["prepend"]) / _MAX_TOKEN_CHARACTERS
        elif (
            step.get("type") == "Precompiled"
            and _longest_replacement(step["precompiled_charsmap"]) > _MAX_CHARACTER_BYTES
        ):
            return f"its normaliser replaces a character with more than {_MAX_CHARACTER_BYTES} bytes"
        if growth > _MAX_GROWTH:
            return f"its {part} can make a text more than {_MAX_GROWTH} times as long"
    return None


def _longest_replacement(charsmap: str | None) -> int:
    """Bytes of the longest text in a SentencePiece charsmap: a trie, its size first, then texts that end with NUL."""
    try:
        blob = base64.b64decode(charsmap or "", validate=True)
    except binascii.Error as error:
        raise ValueError("charsmap") from error
    texts = blob[4 + int.from_bytes(blob[:4], "little") :]
    return max((len(text) for text in texts.split(b"\0")), default=0)


def _pattern_problem(pattern: Any) -> str | None:
    if not isinstance(pattern, dict) or "Regex" not in pattern:
        return None
    expression = pattern["Regex"]
    if len(expression) > _MAX_PATTERN_CHARACTERS:
        return f"a regular expression has {len(expression)} characters; at most {_MAX_PATTERN_CHARACTERS} are run"
    if _explodes(expression):
        return f"the running time of its regular expression {quoted(expression)} has no useful bound"
    return None


_PIECES = re.compile(
    r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.|\[(?:\\.|\[:\w+:\]|\[(?:\\.|[^\]\\])*\]|[^\]\\])*\]"
    r"|\(\?[imsx-]*[:=!>]?|\(\?<[=!]|\(|\)|\||[*+?][+?]?|\{\d*,?\d*\}[+?]?|.",
    re.DOTALL,
)


def _explodes(expression: str) -> bool:
    """Whether a repeated group repeats or chooses inside, as in (a+)+ and (a|aa)+, or refers to what it has matched.

    Backtracking then tries a number of ways that grows exponentially with the text. With several repetitions after one
    another, as in a*a*a*a*, it is a power of the length: more than three are not accepted either.
    """
    choices: list[bool] = [False]  # for each open group: whether it repeats or chooses inside
    rows: list[tuple[int, int]] = [(0, 0)]  # for each: repetitions in this alternative, most in those before
    closed = False  # whether the group that has just ended does
    for piece in _PIECES.findall(expression):
        if re.fullmatch(r"\\[1-9]|\\[kg]", piece):
            return True
        repeats = piece[0] in "*+" or (piece[0] == "{" and re.match(r"\{\d*(,\d*|\d\d+)\}", piece) is not None)
        if repeats and closed:
            return True
        closed = False
        if piece.startswith("("):
            choices.append(False)
            rows.append((0, 0))
        elif piece == ")" and len(choices) > 1:
            closed = choices.pop()
            choices[-1] |= closed
            within = max(rows.pop())
            rows[-1] = (rows[-1][0] + within, rows[-1][1])
        elif piece == "|":
            choices[-1] = True
            rows[-1] = (0, max(rows[-1]))
        elif repeats:
            choices[-1] = True
            rows[-1] = (rows[-1][0] + 1, rows[-1][1])
        if max(rows[-1]) > _MAX_REPETITIONS:
            return True
    return False


def _template_problem(step: Mapping[str, Any], rows: int, types: int) -> str | None:
    kind = step.get("type")
    if kind in ("BertProcessing", "RobertaProcessing"):
        ids = [step["sep"][1], step["cls"][1]]
    elif kind == "TemplateProcessing":
        items = [*step["single"], *step["pair"]]
        if len(items) > _MAX_STEPS:
            return f"it adds {len(items)} tokens around a text; at most {_MAX_STEPS} are supported"
        if any(not 0 <= part["type_id"] < types for item in items for part in item.values()):
            return "it assigns segments that the model does not have"
        tokens = step["special_tokens"].values()
        ids = [id for token in tokens for id in token["ids"]]
        if len(ids) > _MAX_STEPS:
            return f"it adds {len(ids)} tokens around a text; at most {_MAX_STEPS} are supported"
    else:
        return None
    if any(type(id) is not int or not 0 <= id < rows for id in ids):
        return f"it adds tokens with ids that the model does not have (its ids are 0 to {rows - 1})"
    return None


def _token_problem(token: Mapping[str, Any]) -> str | None:
    if type(token["id"]) is not int or token["id"] < 0:
        return "an added token has no id"
    if not 0 < len(token["content"]) <= _MAX_TOKEN_CHARACTERS:
        return f"an added token is empty or longer than {_MAX_TOKEN_CHARACTERS} characters"
    return None


def _model_problem(model: Mapping[str, Any]) -> str | None:
    longest = model.get("max_input_chars_per_word", 100)
    if type(longest) is not int or not 0 < longest <= _MAX_WORD_CHARACTERS:
        return f"max_input_chars_per_word is {quoted(longest)}; it must be from 1 to {_MAX_WORD_CHARACTERS}"
    if model.get("dropout"):
        return "it drops merges at random (dropout), so that the same text would be split differently each time"
    return None


def _padding_problem(padding: Any) -> str | None:
    fixed = padding["strategy"].get("Fixed", 0) if padding and isinstance(padding["strategy"], dict) else 0
    return "it pads every text to more tokens than any model reads" if fixed > 1_000_000 else None


def _damaged(source: str, problem: str | None = None) -> DamagedCheckpointError:
    what = f"cannot be used: {problem}" if problem else "is damaged"
    return DamagedCheckpointError(f"the tokenizer of {quoted(source)} {what}; {_ADVICE}")


def check_not_in_python(
    files: Mapping[str, bytes], config: Mapping[str, Any], what: str, own: Set[str], source: str
) -> None:
    """Raise UnsupportedModelError if the files name the family's own tokenizer, which does ``what`` in Python, or none.

    ``own`` are the names of that tokenizer.
    """
    settings = parse_json(files[_SETTINGS], _SETTINGS, source) if _SETTINGS in files else {}
    named = settings.get("tokenizer_class") or config.get("tokenizer_class")
    if named is None or named in own:
        raise UnsupportedModelError(
            f"the tokenizer of {quoted(source)} ({min(own)}) {what}, in Python code that GlassBERT cannot check; it "
            'opens such a model with a tokenizer that is data, as in a tokenizer.json with "tokenizer_class": '
            f'"BertTokenizer" in {_SETTINGS}, if the model was trained with that one'
        )


def slow_tokenizer(source: str, name: str, missing: str | None) -> UnsupportedModelError:
    """The error for a tokenizer without a fast version, ``missing`` a package that it needs besides."""
    besides = f", and it needs the Python package {missing!r}, which is not installed" if missing else ""
    return UnsupportedModelError(
        f"the tokenizer of {quoted(source)} ({name}) has no fast version{besides}; GlassBERT needs a fast tokenizer, "
        "because only those report the place of each token in the text: choose a model that has a tokenizer.json"
    )
