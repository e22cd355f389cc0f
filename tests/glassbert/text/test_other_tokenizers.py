"""Families with tokenizers that are not their own, as published checkpoints combine them.

BERT with byte pairs that end words by ``</w>`` (HerBERT), RoBERTa with WordPiece (KLUE), SentencePiece with a fallback
to bytes, whole words alone: each reads, names, edits and explains as the others do.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import glassbert as gb
from glassbert.text.characters import grapheme_end
from glassbert.text.inputs import readable_name, spelling_of
from glassbert.text.vocabulary import begins_words, pieces_in_place
from glassbert.text.words import words_of
from tests import tiny

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def end_of_word() -> Tokenizer:
    backend = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.BPEDecoder("</w>")
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, end_of_word_suffix="</w>", show_progress=False
    )
    backend.train_from_iterator(tiny.SENTENCES, trainer)
    return backend


def byte_fallback() -> Tokenizer:
    letters = sorted(set("".join(tiny.SENTENCES[:7])) - {" "})
    words = ["▁The", "▁doctor", "▁was", "▁good", "▁film", "▁is"]
    scores = [(piece, 0.0) for piece in SPECIAL + BYTES] + [(piece, -3.0) for piece in ["▁", *letters, *words]]
    backend = Tokenizer(models.Unigram(scores, unk_id=3, byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return backend


def word_pieces() -> Tokenizer:
    backend = Tokenizer(models.WordPiece(unk_token="<unk>"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=False)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=SPECIAL, show_progress=False)
    backend.train_from_iterator(tiny.SENTENCES, trainer)
    return backend


def whole_words() -> Tokenizer:
    backend = Tokenizer(models.WordLevel(unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    words = sorted({word for text in tiny.SENTENCES for word, _ in backend.pre_tokenizer.pre_tokenize_str(text)})
    words += [f"[unused{number}]" for number in range(300 - len(words))]
    trainer = trainers.WordLevelTrainer(vocab_size=500, special_tokens=SPECIAL, show_progress=False)
    backend.train_from_iterator([*tiny.SENTENCES, " ".join(f"unused{word}" for word in range(200))], trainer)
    return backend


TOKENIZERS = {one.__name__: one for one in (end_of_word, byte_fallback, word_pieces, whole_words)}


@pytest.fixture(scope="module")
def model(
    tiny_checkpoint: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str, str], gb.Model]:
    """``model("bert", "masked_words", "end_of_word")``."""
    loaded: dict[tuple[str, str, str], gb.Model] = {}

    def get(family: str, task: str, name: str) -> gb.Model:
        if (family, task, name) not in loaded:
            folder = tmp_path_factory.mktemp("tokenizers") / f"{family}-{task}-{name}"
            shutil.copytree(tiny_checkpoint(family, task), folder)
            backend = TOKENIZERS[name]()
            backend.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
            roles = {"pad": 1, "mask": 4, "unk": 3, "cls": 0, "sep": 2}
            transformers.PreTrainedTokenizerFast(
                tokenizer_object=backend,
                model_max_length=512,
                **{f"{role}_token": SPECIAL[number] for role, number in roles.items()},
            ).save_pretrained(folder)
            loaded[family, task, name] = gb.load(folder, device="cpu")
        return loaded[family, task, name]

    return get


EACH = pytest.mark.parametrize("name", list(TOKENIZERS))
FAMILIES = pytest.mark.parametrize("family", ["bert", "roberta"])


@FAMILIES
@EACH
def test_an_explanation_is_of_the_number_beside_it(model, family, name):
    one = model(family, "classification", name)
    for text in ("Paris is the <pad> capital </s> of France.", "東京 é <s> नमस्ते <pad>"):
        logits = gb.classify(one, text).logits
        for method in ("saliency", "leave_one_out", "attn_lrp"):
            for target in range(3):
                value = gb.attribute(one, text, method=method, target=target).value
                assert value == pytest.approx(float(logits[target]), abs=1e-4)


@FAMILIES
@EACH
@pytest.mark.parametrize("text", ["{} is good.", "It is ({}).", "It is {}."])
def test_a_whole_word_is_what_is_read_as_one_piece_in_its_place(model, family, name, text):
    one = model(family, "masked_words", name)
    masked = gb.encode(one, text.format(one.mask_token))
    place = masked.tokens.index(one.mask_token)
    ids = list(range(5, one.tokenizer.vocab_size, 2))
    found = dict(zip(ids, begins_words(one, masked, place, ids), strict=True))
    assert any(found.values())
    begin = text.index("{}")
    for token in ids:
        word = readable_name(one, token).strip("␣").replace("##", "")
        if not word.isascii() or not word.isalpha():
            continue
        typed = gb.encode(one, text.format(word))
        there = (typed.offsets[:, 1] > begin) & (typed.offsets[:, 0] < begin + len(word)) & (typed.sequence_ids == 0)
        read = [int(typed.input_ids[at]) for at in np.flatnonzero(there)]
        lone = "▁" in typed.tokens[place - 1 : place + 1]  # then its own piece stands behind a space that is another
        assert found[token] == (read == [token] and not lone), (word, read)


def test_words_are_written_without_what_ends_them(model):
    one = model("bert", "masked_words", "end_of_word")
    assert spelling_of(one.tokenizer) == "BPEDecoder"
    encoded = gb.encode(one, "The doctor said (unbelievable).")
    assert not any("</w>" in piece for piece in encoded.pieces)
    assert "".join(encoded.pieces[1:-1]) == "Thedoctorsaid(unbelievable)."
    vocabulary = one.tokenizer.get_vocab()
    both = next(entry for entry in vocabulary if f"{entry}</w>" in vocabulary and entry.isalpha())
    assert readable_name(one, vocabulary[f"{both}</w>"]) == both
    assert readable_name(one, vocabulary[both]) == f"{both}##"
    assert readable_name(one, vocabulary["<mask>"]) == "<mask>"
    masked = gb.encode(one, "The <mask>.")
    assert pieces_in_place(one, masked, 2, f"{both}</w>") == (vocabulary[f"{both}</w>"],)
    found = gb.fill_mask(one, "The <mask>.", top_k=50).candidates[0]
    assert any(entry.endswith("</w>") for entry in found)
    assert "</w>" not in repr(gb.fill_mask(one, "The <mask>.", top_k=50))


@pytest.mark.parametrize("sign", ["½", "日", "😀", "क"])
def test_a_character_of_several_byte_tokens_is_written_once(model, sign):
    one = model("roberta", "masked_words", "byte_fallback")
    encoded = gb.encode(one, f"The {sign} film")
    labels = words_of(encoded)
    shown = [labels.labels[word] for word in np.unique(labels.group[1:-1])]
    assert sign in shown
    assert not any("<0x" in piece for piece in encoded.pieces)
    assert readable_name(one, one.tokenizer.get_vocab()["<0xE6>"]) == "‹E6›"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]),  # Persian, with a non-joiner inside a word
        ("क्\u200dष है", ["क्\u200dष", "है"]),  # Hindi, with a joiner
        ("ex\u00adample text", ["ex\u00adample", "text"]),  # a soft hyphen
        ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),  # Hebrew with points
        ("வணக்கம் உலகம்", ["வணக்கம்", "உலகம்"]),  # Tamil
    ],
)
def test_signs_that_join_belong_to_their_word(tiny_model, text, expected):
    encoded = gb.encode(tiny_model("roberta", "encoder"), text)
    spans = [
        text[encoded.offsets[own, 0].min() : encoded.offsets[own, 1].max()].strip()
        for word in range(encoded.word_ids.max() + 1)
        for own in [encoded.word_ids == word]
    ]
    assert spans == expected


@pytest.mark.parametrize(
    "word",
    [
        "\u1112\u1161\u11ab\u1100\u1173\u11af",  # Korean, decomposed as macOS writes it
        "q\u0307\u0323",  # two marks
        "👩‍👩‍👧",
        "🇫🇷",
        "1\ufe0f\u20e3",  # a keycap
        "ก\u0e33",  # Thai sara am
        "நி",
    ],
)
@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_an_edit_takes_whole_characters(tiny_model, family, word):
    """Whatever the token covers: nothing of a character is left behind, and nothing of another is taken."""
    model = tiny_model(family, "classification")
    text = f"The {word} was nice."
    encoded = gb.encode(model, text)
    begin = text.index(word)
    there = (encoded.offsets[:, 1] > begin) & (encoded.offsets[:, 0] < begin + len(word)) & (encoded.sequence_ids == 0)
    first = int(np.flatnonzero(there)[-1])
    ((edited,),) = gb.variants(model, text, edits=[gb.Edit(first, replacement="tea")]).texts
    kept = edited.replace("tea", "\0")
    before, after = kept.split("\0")
    assert text.startswith(before)
    assert text.endswith(after)
    assert grapheme_end(text, len(before)) == len(before)
    end = len(text) - len(after)
    assert grapheme_end(text, end) == end
