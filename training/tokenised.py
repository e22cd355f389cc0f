"""The tokenised corpus on disk: one ``.npz`` of five flat arrays per source, and the vocabulary they refer to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.errors import RecipeError

__all__ = ["CLS", "FIRST_WORD", "MASK", "PAD", "SEP", "VOCABULARY_SIZE", "TokenisedSource", "check_vocabulary"]

# The uncased English WordPiece vocabulary of BERT (Devlin et al. 2019). Ids below FIRST_WORD are special tokens and
# unused entries; random replacements are drawn from the rest.
PAD, CLS, SEP, MASK = 0, 101, 102, 103
FIRST_WORD = 1000
VOCABULARY_SIZE = 30_522


def check_vocabulary(tokenizer: Any, folder: str | Path) -> None:
    """Raise `RecipeError` unless ``tokenizer`` has the vocabulary that the constants above describe."""
    found = (len(tokenizer), tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id)
    if found != (VOCABULARY_SIZE, CLS, SEP, MASK):
        raise RecipeError(
            f"the tokenizer in {folder} is not BERT's uncased English one ({VOCABULARY_SIZE} word pieces); "
            f"it has {found[0]}. Pass a folder with that vocab.txt, such as glassbert/checkpoints/pretrained"
        )


@dataclass(frozen=True, slots=True, eq=False)
class TokenisedSource:
    """One source of the corpus, without special tokens.

    | field | npz key | shape | content |
    | --- | --- | --- | --- |
    | ``token_ids`` | ids | (token,) uint16 | all sentences, one after another |
    | ``sentence_starts`` | sent | (sentence + 1,) int64 | first token of each sentence, and the end |
    | ``document_starts`` | doc | (document + 1,) int64 | first sentence of each document, and the end |
    | ``held_out`` | held | (document,) bool | never trained on |
    | ``object_spans`` | obj | (sentence, 2) int32 | facts only: the object's first token in its sentence, and its end |
    """

    token_ids: npt.NDArray[np.uint16]
    sentence_starts: npt.NDArray[np.int64]
    document_starts: npt.NDArray[np.int64]
    held_out: npt.NDArray[np.bool_]
    object_spans: npt.NDArray[np.int32]

    def sentence(self, index: int) -> npt.NDArray[np.int64]:
        """The token ids of one sentence."""
        ids = self.token_ids[self.sentence_starts[index] : self.sentence_starts[index + 1]]
        return ids.astype(np.int64)

    def save(self, path: Path) -> None:
        """Write the arrays; plain numbers only, so that nothing is ever unpickled."""
        np.savez(
            path,
            ids=self.token_ids,
            sent=self.sentence_starts,
            doc=self.document_starts,
            held=self.held_out,
            obj=self.object_spans,
        )

    @classmethod
    def load(cls, path: Path) -> TokenisedSource:
        """Read what `save` wrote. Raises `RecipeError` for a missing file or arrays that do not fit together."""
        if not path.is_file():
            raise RecipeError(f"{path} is missing: write it with python -m training.tokenise_corpus")
        with np.load(path, allow_pickle=False) as arrays:
            missing = {"ids", "sent", "doc", "held", "obj"} - set(arrays.files)
            if missing:
                raise RecipeError(f"{path} has no array {', '.join(sorted(missing))}: write it again")
            source = cls(arrays["ids"], arrays["sent"], arrays["doc"], arrays["held"], arrays["obj"])
        fits = (
            source.sentence_starts[-1] == len(source.token_ids)
            and source.document_starts[-1] == len(source.sentence_starts) - 1
            and len(source.held_out) == len(source.document_starts) - 1
        )
        if not fits:
            raise RecipeError(f"the arrays of {path} do not fit together: write it again")
        return source
