"""The special tokens of a tokenizer that has them but does not name them, as one read from a tokenizer.json alone."""

from __future__ import annotations

from typing import Any

__all__ = ["UNKNOWN", "name_special_tokens"]

#: Role → the strings of the vocabularies of this kind.
_USUAL = {
    "pad_token": ("[PAD]", "<pad>"),
    "mask_token": ("[MASK]", "<mask>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
}
#: What a vocabulary writes for characters that it does not contain.
UNKNOWN = _USUAL["unk_token"]


def name_special_tokens(tokenizer: Any, padding: Any) -> None:
    """Name the special tokens that are in the vocabulary and have no role yet; none is added to it.

    ``padding`` is the config's ``pad_token_id``, used where the vocabulary has no usual padding token.
    """
    vocabulary, known = tokenizer.get_vocab(), tokenizer.added_tokens_decoder
    for role, usual in _USUAL.items():
        if getattr(tokenizer, role) is not None:
            continue
        token = next((token for token in usual if token in vocabulary), None)
        if token is None and role == "pad_token" and isinstance(padding, int) and 0 <= padding < len(tokenizer):
            token = tokenizer.convert_ids_to_tokens(padding)
        if token is not None:
            # as the file defines it: whether it takes the space before it, as <mask> does
            tokenizer.add_special_tokens({role: known.get(vocabulary[token], token)})
