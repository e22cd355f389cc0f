"""What a vocabulary covers of a text: English, and scripts that an English vocabulary has only the letters of."""

from __future__ import annotations

import pytest

import glassbert as gb
from glassbert.text.coverage import vocabulary_coverage

ARABIC = "هذا الفيلم رائع جدا وأحببته كثيرا."
CHINESE = "这部电影非常好看，我很喜欢。"
FRENCH = "Ce film était vraiment excellent et je l'ai adoré du début à la fin."


@pytest.mark.parametrize(
    ("text", "tokens", "lost", "poor"),
    [
        ("The story is thin, but the acting is superb and I loved it.", 15, 0, False),
        (ARABIC, 29, 28, True),  # all but the full stop
        (CHINESE, 14, 12, True),  # all but the two marks, which English vocabularies have
        (FRENCH, 21, 0, False),  # another language of a known script shows by its words
        ("I loved it 🙂", 4, 1, False),
        ("🙂 😀", 2, 2, True),
        ("a b c 1 2 €", 6, 0, False),
        ("[MASK] 🙂 good", 2, 1, True),  # exactly half; the gap is no word
    ],
)
def test_unknown_tokens_and_foreign_letters_are_counted(pretrained, text, tokens, lost, poor):
    found = vocabulary_coverage(pretrained, text)
    assert (found.tokens, found.unknown + found.letters, found.is_poor) == (tokens, lost, poor)
    assert found.unknown == gb.encode(pretrained, text).tokens.count("[UNK]")


def test_what_it_means_is_said_in_a_sentence(pretrained):
    found = vocabulary_coverage(pretrained, CHINESE)
    assert found.told(["English"]) == (
        "This model was trained on English; 12 of 14 tokens are unknown or single letters. The numbers below are "
        "computed, but mean little."
    )
    assert found.told(["English"], ["One", "Two"]).startswith("One and Two were trained on English; 12 of 14 tokens")
    assert found.told(models=["One"]).startswith("To One, 12 of 14")
    assert found.told().startswith("To this model, 12 of 14 tokens are unknown or single letters.")
    assert vocabulary_coverage(pretrained, ARABIC).counts == "28 of 29 tokens are single letters"
    assert vocabulary_coverage(pretrained, "🙂").counts == "1 of 1 token is unknown"
    assert vocabulary_coverage(pretrained, "The story is thin, but I loved it.").told(["English"]) == ""


@pytest.mark.parametrize(
    ("text", "tokens", "symbols", "signs", "code"),
    [
        ("for i in range(10): print(i)", 12, 7, 2, True),  # i ( ) : ( i )
        ("I have a cat and a dog, too.", 10, 5, 0, False),  # single characters, but words and punctuation
        ("a = b", 3, 3, 1, False),
        ("(a) {b}", 6, 6, 4, False),  # too short to tell
        (FRENCH, 21, 4, 0, False),
        (CHINESE, 14, 2, 0, False),
    ],
)
def test_code_is_made_of_single_characters(pretrained, text, tokens, symbols, signs, code):
    found = vocabulary_coverage(pretrained, text)
    assert (found.tokens, found.symbols, found.signs, found.is_code) == (tokens, symbols, signs, code)
    assert found.told(["English"]).startswith("This model was trained on English; 7 of 12 tokens are single") is code


def test_both_texts_of_a_pair_count(pretrained):
    pair = vocabulary_coverage(pretrained, "It was good.", ARABIC)
    alone = vocabulary_coverage(pretrained, ARABIC)
    assert (pair.tokens, pair.letters) == (alone.tokens + 4, alone.letters)


def test_single_characters_are_words_where_the_vocabulary_is_made_of_them(tiny_model):
    """A tiny vocabulary of which a third is Chinese knows these characters; Arabic letters it does not."""
    model = tiny_model("bert", "encoder")
    own = [entry for entry in model.tokenizer.get_vocab() if entry.isalpha() and len(entry) == 1 and entry.isascii()]
    text = " ".join(own[:5])
    assert vocabulary_coverage(model, text).letters == 0


def test_bytes_of_a_foreign_letter_count(tiny_model):
    """A byte-level vocabulary reads every text, and one of letters that it has no words of byte by byte."""
    found = vocabulary_coverage(tiny_model("roberta", "encoder"), ARABIC)
    assert found.unknown == 0
    assert found.letters > 0.8 * found.tokens  # the others are spaces


def test_another_language_shows_by_words_in_pieces(pretrained):
    german = "Der Film war wirklich ausgezeichnet, ich habe ihn geliebt."
    found = vocabulary_coverage(pretrained, german)
    tokens = [pretrained.tokenizer.tokenize(word) for word in german.replace(",", "").replace(".", "").split()]
    assert (found.words, found.split) == (9, sum(len(pieces) > 1 for pieces in tokens))
    assert found.is_split
    assert found.told(["English"], ["One"]) == (
        f"One was trained on English; {found.split} of the 9 words here are not in its vocabulary and are read in "
        "pieces. If the text is in another language, the numbers below are computed, but mean little."
    )
    assert found.told(["English", "German"]) == found.told(["104 languages"]) == found.told() == ""
    assert not vocabulary_coverage(pretrained, "Zauberhaft!").is_split  # a single word can be a name
