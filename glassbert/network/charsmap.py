"""The character map of a SentencePiece vocabulary, where transformers leaves it out of a tokenizer.

It is how the text was normalised in training: full-width letters, ligatures and the like become the characters that the
vocabulary has. Without it they would be unknown. The files have it; one stock tokenizer does not take it from there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import normalizers

__all__ = ["restore_charsmap"]

_SENTENCEPIECE = "spm.model"


def restore_charsmap(tokenizer: Any, folder: Path, read_sentencepiece: Callable[[str], Any]) -> None:
    """Put the map in the files of this tokenizer before its own normalisation, in place, unless it is there.

    ``read_sentencepiece``: path → the content of a SentencePiece file.
    """
    backend = tokenizer.backend_tokenizer
    if "Precompiled" in repr(backend.normalizer):
        return
    charsmap = _stored(folder, read_sentencepiece)
    if charsmap:
        own = [] if backend.normalizer is None else [backend.normalizer]
        backend.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), *own])


def _stored(folder: Path, read_sentencepiece: Callable[[str], Any]) -> bytes:
    whole = folder / "tokenizer.json"
    if whole.exists():
        steps = [json.loads(whole.read_bytes()).get("normalizer") or {}]
        while steps:
            step = steps.pop(0)
            if step.get("type") == "Precompiled":
                return base64.b64decode(step.get("precompiled_charsmap") or "")
            steps = list(step.get("normalizers") or ()) + steps
    elif (folder / _SENTENCEPIECE).exists():
        charsmap: bytes = read_sentencepiece(str(folder / _SENTENCEPIECE)).normalizer_spec.precompiled_charsmap
        return charsmap
    return b""
