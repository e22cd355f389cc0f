"""The vocabulary: pieces that given texts never use are removed, and the others numbered anew.

Texts that were given are tokenized as before. What is kept of others is what could spell them: the characters of the
given texts and of ASCII, and all 256 bytes where the vocabulary has them. Abdaoui et al. 2020, arXiv:2010.05609.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from glassbert.compression._draft import Draft
from glassbert.compression._recipe import Given, Recipe
from glassbert.errors import OptionError, UnsupportedModelError
from glassbert.models.checkpoint import TOKENIZER_FILES
from glassbert.network import stock
from glassbert.results import counted
from glassbert.tables import Table

__all__ = ["RECIPES"]

_FAST, _SETTINGS = "tokenizer.json", "tokenizer_config.json"
_AT_ONCE = 1000
#: What is written around a piece that is one character: a continuation, the start of a word, its end.
_MARKS = ("##", "▁", "Ġ", "</w>")


def _apply(draft: Draft, value: Any, given: Given) -> str:
    texts = _texts(value)
    tokenizer = draft.current().tokenizer
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    kind = content["model"].get("type")
    if kind not in _MODELS:
        raise UnsupportedModelError(
            f"the tokenizer of {draft.model.source!r} is of the kind {kind}, whose vocabulary cannot be trimmed; those "
            f"that can are {', '.join(_MODELS)}"
        )
    before = int(draft.config["vocab_size"])
    own = {token: number for token, number in tokenizer.get_vocab().items() if number < before}
    names = {number: token for token, number in own.items()}
    read = list(_ids(tokenizer, texts, given))
    kept = {names[number] for ids in read for number in ids}
    kept |= _special(tokenizer, content) | _characters(own, texts, content)
    if kind == "BPE":
        kept = _with_parts(kept, content["model"])
    chosen = sorted(own[token] for token in kept if token in own)
    ids = {old: new for new, old in enumerate(chosen)}
    padding = draft.config.get("pad_token_id")
    if draft.family.positions_after_padding and ids.get(padding) != padding:
        raise UnsupportedModelError(
            f"{draft.family.label} networks count positions from the number of the padding token, which would change "
            f"from {padding} to {ids.get(padding)}; its vocabulary cannot be trimmed"
        )
    files = _files(tokenizer, _renumbered(content, ids, names))
    _rebuilt(files, read, ids, texts)
    draft.files = {name: one for name, one in draft.files.items() if name not in TOKENIZER_FILES} | files
    _cut(draft, torch.tensor(chosen), before)
    for name, number in draft.config.items():
        if name.endswith("_token_id") and isinstance(number, int):
            draft.config[name] = ids.get(number)
    draft.config["vocab_size"] = len(chosen)
    kept_of = f"{len(chosen):,} of {before:,} pieces of the vocabulary are kept"
    return f"{kept_of}: those of {counted(len(texts), 'text')}, and characters"


def _texts(value: Any) -> list[str]:
    if isinstance(value, Table):
        return [*value.texts, *value.pairs]
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise OptionError('"vocabulary" must be a list of texts, or a Table of gb.read_table: what they use is kept')
    texts = list(value)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise OptionError('"vocabulary" must be a list of at least one text: what they use is kept')
    return texts


def _ids(tokenizer: Any, texts: list[str], given: Given) -> Iterator[list[int]]:
    """The ids of each text, special tokens included, however long it is."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    for start in range(0, len(texts), _AT_ONCE):
        given.check()
        for one in backend.encode_batch(texts[start : start + _AT_ONCE]):
            yield one.ids
        given.progress(min(start + _AT_ONCE, len(texts)), len(texts))


def _special(tokenizer: Any, content: Mapping[str, Any]) -> set[str]:
    added = {entry["content"] for entry in content.get("added_tokens", ())}
    unknown = content["model"].get("unk_token")
    return added | set(tokenizer.all_special_tokens) | ({unknown} if unknown else set())


def _characters(own: Mapping[str, int], texts: list[str], content: Mapping[str, Any]) -> set[str]:
    """The pieces of one character that a text could be spelled with."""
    known = {chr(code) for code in range(33, 127)} | set().union(*map(set, texts))
    known |= {character.lower() for character in known}
    found = set()
    by_bytes = "ByteLevel" in json.dumps([content.get("pre_tokenizer"), content.get("decoder")])
    for token in own:
        bare = token
        for mark in _MARKS:
            bare = bare.removeprefix(mark) if mark != "</w>" else bare.removesuffix(mark)
        as_byte = token.startswith("<0x") and token.endswith(">")
        if bare in known or not bare or as_byte or (by_bytes and len(token) == 1):
            found.add(token)
    return found


def _with_parts(kept: set[str], model: Mapping[str, Any]) -> set[str]:
    """With every piece that one of these is merged from, so that the same merges happen."""
    made: dict[str, list[tuple[str, str]]] = {}
    for left, right in _merges(model):
        made.setdefault(left + right.removeprefix(model.get("continuing_subword_prefix") or ""), []).append(
            (left, right)
        )
    found, open_ = set(kept), list(kept)
    while open_:
        for pair in made.get(open_.pop(), ()):
            new = set(pair) - found
            found |= new
            open_ += new
    return found


def _merges(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for merge in model["merges"]:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        yield left, right


def _renumbered(content: dict[str, Any], ids: Mapping[int, int], names: Mapping[int, str]) -> dict[str, Any]:
    """tokenizer.json with the kept pieces alone, by their new numbers."""
    model, kept = content["model"], {names[old] for old in ids}
    _MODELS[model["type"]](model, ids, kept)
    content["added_tokens"] = [
        entry | {"id": ids[entry["id"]]} for entry in content.get("added_tokens", ()) if entry["id"] in ids
    ]
    by_name = {names[old]: new for old, new in ids.items()}
    content["post_processor"] = _processor(content.get("post_processor"), by_name)
    content["truncation"] = content["padding"] = None
    return content


def _pieces(model: dict[str, Any], ids: Mapping[int, int], _kept: set[str]) -> None:
    model["vocab"] = {token: ids[old] for token, old in model["vocab"].items() if old in ids}


def _scored(model: dict[str, Any], ids: Mapping[int, int], _kept: set[str]) -> None:
    model["vocab"] = [entry for old, entry in enumerate(model["vocab"]) if old in ids]
    if model.get("unk_id") is not None:
        model["unk_id"] = ids[model["unk_id"]]


def _merged(model: dict[str, Any], ids: Mapping[int, int], kept: set[str]) -> None:
    _pieces(model, ids, kept)
    prefix = model.get("continuing_subword_prefix") or ""
    model["merges"] = [
        [left, right]
        for left, right in _merges(model)
        if left in kept and right in kept and left + right.removeprefix(prefix) in kept
    ]


#: Kinds of tokenizers whose vocabulary can be trimmed → how.
_MODELS = {"WordPiece": _pieces, "Unigram": _scored, "BPE": _merged}


def _processor(processor: Any, ids: Mapping[str, int]) -> Any:
    """The part of tokenizer.json that adds special tokens, with their new numbers."""
    if not isinstance(processor, dict):
        return processor
    changed = dict(processor)
    for name in ("sep", "cls"):
        if name in changed:
            changed[name] = [changed[name][0], ids[changed[name][0]]]
    if "special_tokens" in changed:
        changed["special_tokens"] = {
            token: entry | {"ids": [ids[one] for one in entry["tokens"]]}
            for token, entry in changed["special_tokens"].items()
        }
    if "processors" in changed:
        changed["processors"] = [_processor(one, ids) for one in changed["processors"]]
    return changed


def _files(tokenizer: Any, content: dict[str, Any]) -> dict[str, bytes]:
    """The files of the new tokenizer: its vocabulary and rules, and the settings of the old one."""
    with tempfile.TemporaryDirectory() as place:
        tokenizer.save_pretrained(place)
        settings = json.loads((Path(place) / _SETTINGS).read_text(encoding="utf-8"))
    settings.pop("added_tokens_decoder", None)  # it has numbers, and tokenizer.json says the same
    return {
        name: (json.dumps(one, ensure_ascii=False, indent=1) + "\n").encode()
        for name, one in ((_FAST, content), (_SETTINGS, settings))
    }


def _rebuilt(files: Mapping[str, bytes], read: list[list[int]], ids: Mapping[int, int], texts: list[str]) -> None:
    """Check that the new tokenizer reads the texts as the old one does. Raises UnsupportedModelError."""
    with tempfile.TemporaryDirectory() as place:
        for name, content in files.items():
            (Path(place) / name).write_bytes(content)
        backend = stock.read_tokenizer(Path(place)).backend_tokenizer
    for start in range(0, len(texts), _AT_ONCE):
        for number, one in enumerate(backend.encode_batch(texts[start : start + _AT_ONCE]), start):
            if one.ids != [ids[old] for old in read[number]]:
                raise UnsupportedModelError(
                    f"without the pieces that no text uses, text {number + 1} would be cut into other ones; this "
                    "tokenizer's vocabulary cannot be trimmed"
                )


def _cut(draft: Draft, kept: torch.Tensor, before: int) -> None:
    """Keep these rows of the table of words, and of what predicts words."""
    words = draft.path(f"{draft.family.embeddings.words}.weight")
    inside = draft.path("")
    for name, tensor in draft.tensors.items():
        in_head = not (inside and name.startswith(inside)) and name.startswith(_PREDICTING)
        if name == words or (in_head and len(tensor) == before):
            draft.tensors[name] = tensor[kept]


#: How the names of the heads that predict words begin.
_PREDICTING = (
    *("cls.", "lm_head", "vocab_projector", "generator_lm_head", "generator_predictions", "predictions", "decoder"),
    *("head", "lm_predictions"),
)

RECIPES = (
    Recipe(
        "vocabulary",
        "texts, as a list or a Table: pieces that none of them uses are removed, and the others numbered anew. These "
        "texts get the same answers, to the bit of the tables; others are spelled with what is left",
        _apply,
    ),
)
