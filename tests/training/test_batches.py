"""Batches hide the right tokens, pair the right sentences and never meet a held-out document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training import samples
from tests.training.samples import FIRST_ID, TOKENS_PER_SENTENCE, document_of
from training.batches import (
    EVERYDAY_SOURCES,
    FIRST_SOURCES,
    IGNORED,
    SHAPES,
    SOURCES,
    Batch,
    BatchSampler,
    Ids,
    mask_tokens,
    split_by_length,
)
from training.errors import RecipeError
from training.tokenised import CLS, FIRST_WORD, MASK, PAD, SEP, VOCABULARY_SIZE

PAIRED = ("wiki_full", "wiki_intro", "books")
ALL = (*PAIRED, "facts")
HELD_OUT = {0, 5}


def sampler(folder: Path, *, seed: int = 1, held_out: bool = False, sources: tuple[str, ...] = ALL) -> BatchSampler:
    return BatchSampler(folder, seed=seed, held_out=held_out, sources=sources)


# --- masking -------------------------------------------------------------------------------------------------------


def test_masking_follows_the_80_10_10_rule() -> None:
    rng = np.random.default_rng(7)
    tokens: Ids = np.concatenate([[CLS], np.full(20, 2001), [SEP], np.full(20, 2002), [SEP]])
    hidden = masked = kept = replaced = 0
    replacements = []
    for _ in range(3000):
        inputs, labels = mask_tokens(tokens, rng)
        chosen = labels != IGNORED
        assert chosen.sum() == 6  # 15 % of 40
        np.testing.assert_array_equal(labels[chosen], tokens[chosen])
        np.testing.assert_array_equal(inputs[~chosen], tokens[~chosen])
        hidden += 6
        masked += int((inputs[chosen] == MASK).sum())
        kept += int((inputs[chosen] == tokens[chosen]).sum())
        other = inputs[chosen][(inputs[chosen] != MASK) & (inputs[chosen] != tokens[chosen])]
        replaced += len(other)
        replacements.extend(other.tolist())
    # 18,000 draws: one standard deviation is 0.003 of 0.8, 0.0022 of 0.1
    assert masked / hidden == pytest.approx(0.8, abs=0.01)
    assert kept / hidden == pytest.approx(0.1, abs=0.008)
    assert replaced / hidden == pytest.approx(0.1, abs=0.008)
    # random tokens are uniform over the words of the vocabulary: mean and range of about 1,800 draws
    assert min(replacements) >= FIRST_WORD
    assert max(replacements) < VOCABULARY_SIZE
    assert np.mean(replacements) == pytest.approx((FIRST_WORD + VOCABULARY_SIZE) / 2, rel=0.05)


def test_every_position_but_the_special_ones_is_hidden_alike_often() -> None:
    rng = np.random.default_rng(8)
    tokens: Ids = np.array([CLS, *range(2000, 2010), SEP])
    counts = np.zeros(len(tokens))
    for _ in range(5000):
        counts += mask_tokens(tokens, rng)[1] != IGNORED
    assert counts[0] == counts[-1] == 0
    # round(1.5) = 2 of 10
    np.testing.assert_allclose(counts[1:-1] / 5000, 0.2, atol=0.025)


@pytest.mark.parametrize(("length", "hidden"), [(1, 1), (3, 1), (10, 2), (40, 6), (100, 15)])
def test_how_many_tokens_are_hidden(length: int, hidden: int) -> None:
    tokens: Ids = np.array([CLS, *range(2000, 2000 + length), SEP])
    assert (mask_tokens(tokens, np.random.default_rng(1))[1] != IGNORED).sum() == hidden


def test_a_sequence_of_special_tokens_has_nothing_to_hide() -> None:
    tokens: Ids = np.array([CLS, SEP])
    inputs, labels = mask_tokens(tokens, np.random.default_rng(1))
    assert inputs.tolist() == [CLS, SEP]
    assert labels.tolist() == [IGNORED, IGNORED]


# --- pairs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [128, 64])
def test_next_sentence_labels_are_right(numbered_corpus: Path, length: int) -> None:
    batches = sampler(numbered_corpus)
    random_pairs = 0
    for _ in range(400):
        first, second, label = batches.draw_pair("books", length)
        assert len(first) + len(second) <= length - 3
        assert len(first) <= int((length - 3) * 0.7)
        if label == 0:  # the sentence after the first text's last one, in the same document
            assert second[0] == first[-1] + 1
            assert document_of(second[0]) == document_of(first[-1])
        else:
            assert document_of(second[0]) != document_of(first[0])
        # each text is sentences of one document, in order
        for text in (first, second):
            assert set(np.diff(text)) <= {0, 1}
            assert document_of(text[0]) == document_of(text[-1])
        random_pairs += label
    assert random_pairs / 400 == pytest.approx(0.5, abs=0.08)


def test_short_pairs_begin_with_one_sentence_and_long_ones_with_more(numbered_corpus: Path) -> None:
    batches = sampler(numbered_corpus)
    short = [batches.draw_pair("books", 64) for _ in range(300)]
    assert {len(pair.first) for pair in short} == {TOKENS_PER_SENTENCE}
    single = np.mean([len(pair.second) == TOKENS_PER_SENTENCE for pair in short])
    assert single == pytest.approx(0.5, abs=0.1)  # the others are filled up, or end with their document
    # long: 20 to 60 % of the room of 125 tokens, whole sentences of 4, fewer only at the end of a document
    long = [len(batches.draw_pair("books", 128).first) for _ in range(300)]
    assert max(long) <= 76
    assert all(length % TOKENS_PER_SENTENCE == 0 for length in long)
    assert np.mean(np.array(long) >= 25) > 0.6


def test_a_long_first_text_leaves_room_for_the_second(tmp_path: Path) -> None:
    source = samples.numbered_source(4)
    # twenty sentences of four tokens become one of eighty
    long = replace(
        source,
        sentence_starts=source.sentence_starts[::20],
        document_starts=np.array([0, 2, 4]),
        held_out=np.zeros(2, np.bool_),
    )
    long.save(tmp_path / "books.npz")
    batches = sampler(tmp_path, sources=("books",))
    for length in (128, 64):
        room = length - 3
        first, second, _ = batches.draw_pair("books", length)
        assert len(first) == min(int(0.7 * room), 80)
        assert len(second) == room - len(first)


def test_a_batch_of_pairs_is_laid_out_as_bert_reads_it(numbered_corpus: Path) -> None:
    batch = sampler(numbered_corpus).draw_batch("long_pairs", 40)
    original = torch.where(batch.labels == IGNORED, batch.input_ids, batch.labels)
    assert batch.input_ids.shape == batch.token_type_ids.shape == batch.labels.shape == (40, 128)
    for row, types, label in zip(original, batch.token_type_ids, batch.next_sentence_labels, strict=True):
        tokens = row[row != PAD].tolist()
        assert tokens[0] == CLS
        assert tokens[-1] == SEP
        assert tokens.count(SEP) == 2
        border = tokens.index(SEP)
        assert types.tolist() == [0] * (border + 1) + [1] * (len(tokens) - border - 1) + [0] * (128 - len(tokens))
        same_document = document_of(tokens[border + 1]) == document_of(tokens[border - 1])
        assert (label == 0) == same_document
    assert set(batch.next_sentence_labels.tolist()) == {0, 1}
    assert (batch.labels[original == PAD] == IGNORED).all()


# --- single sentences ----------------------------------------------------------------------------------------------


def test_single_sentences_have_no_pair_label(numbered_corpus: Path) -> None:
    batch = sampler(numbered_corpus).draw_batch("single_sentences", 50)
    assert batch.input_ids.shape == (50, 32)
    assert (batch.next_sentence_labels == IGNORED).all()
    assert (batch.token_type_ids == 0).all()
    original = torch.where(batch.labels == IGNORED, batch.input_ids, batch.labels)
    for row in original:
        tokens = row[row != PAD].tolist()
        assert tokens[0] == CLS
        assert tokens[-1] == SEP
        assert len(set(tokens[1:-1])) == 1  # one sentence
    assert ((batch.labels != IGNORED).sum(1) >= 1).all()


def test_of_most_facts_the_whole_object_is_masked_and_nothing_else(numbered_corpus: Path) -> None:
    batch = sampler(numbered_corpus, sources=("facts",)).draw_batch("single_sentences", 2000)
    # [CLS] and the object's tokens 1 and 2 of four; 15 % of four tokens would be one
    whole = (batch.labels != IGNORED).sum(1) == 2
    assert whole.float().mean().item() == pytest.approx(0.7, abs=0.03)
    assert (batch.input_ids[whole][:, 2:4] == MASK).all()
    assert (batch.labels[whole][:, 2:4] >= FIRST_ID).all()
    assert ((batch.labels[~whole] != IGNORED).sum(1) == 1).all()


# --- which documents -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape_id", SHAPES)
def test_training_and_held_out_documents_never_mix(numbered_corpus: Path, shape_id: str) -> None:
    for held_out in (False, True):
        batch = sampler(numbered_corpus, held_out=held_out).draw_batch(shape_id, 300)
        original = torch.where(batch.labels == IGNORED, batch.input_ids, batch.labels)
        documents = {document_of(token) for token in original[original >= FIRST_ID].tolist()}
        assert documents == (HELD_OUT if held_out else set(range(12)) - HELD_OUT)


def test_documents_are_drawn_by_their_number_of_sentences(tmp_path: Path) -> None:
    source = samples.numbered_source(4)
    # the first document takes three quarters of the sentences
    source = type(source)(
        source.token_ids, source.sentence_starts, np.array([0, 60, 80]), np.zeros(2, np.bool_), source.object_spans
    )
    source.save(tmp_path / "books.npz")
    batch = sampler(tmp_path, sources=("books",)).draw_batch("single_sentences", 2000)
    original = torch.where(batch.labels == IGNORED, batch.input_ids, batch.labels)[:, 1]
    assert (original < FIRST_ID + 60).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_a_missing_sources_share_goes_to_the_others(tmp_path: Path) -> None:
    samples.numbered_source(4).save(tmp_path / "wiki_full.npz")
    samples.numbered_source(4, first_id=20_000).save(tmp_path / "books.npz")
    batch = sampler(tmp_path, sources=("wiki_full", "books")).draw_batch("long_pairs", 1500)
    original = torch.where(batch.labels == IGNORED, batch.input_ids, batch.labels)[:, 1]
    # 0.40 and 0.14 of the whole mix
    assert (original >= 20_000).float().mean().item() == pytest.approx(0.14 / 0.54, abs=0.035)


def test_the_mix_is_complete() -> None:
    assert set(FIRST_SOURCES).isdisjoint(EVERYDAY_SOURCES)
    drawn = {source for shape in SHAPES.values() for source in shape.mix}
    assert drawn == set(SOURCES) == {*FIRST_SOURCES, *EVERYDAY_SOURCES}
    for shape in SHAPES.values():
        assert sum(share for source, share in shape.mix.items() if source in FIRST_SOURCES) == pytest.approx(1)
        everyday = sum(share for source, share in shape.mix.items() if source in EVERYDAY_SOURCES)
        assert 0.35 < everyday / sum(shape.mix.values()) < 0.4  # over a third, the first ones still the most


# --- splitting a batch ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 3, 7, 60])
def test_split_batches_are_the_same_sequences_with_less_padding(numbered_corpus: Path, parts: int) -> None:
    batch = sampler(numbered_corpus).draw_batch("short_pairs", 40)
    split = split_by_length(batch, parts)
    assert len(split) == {1: 1, 3: 3, 7: 7, 60: 40}[parts]
    lengths = [(part.input_ids != PAD).sum(1) for part in split]
    for part, length in zip(split, lengths, strict=True):
        assert part.input_ids.shape[1] % 8 == 0
        assert 0 <= part.input_ids.shape[1] - int(length.max()) < 8
    assert torch.cat(lengths).tolist() == sorted(torch.cat(lengths).tolist())

    def rows(part: Batch) -> list[tuple[list[int], ...]]:
        padding = (0, 64 - part.input_ids.shape[1])
        return [
            (ids.tolist(), types.tolist(), labels.tolist(), [int(label)])
            for ids, types, labels, label in zip(
                torch.nn.functional.pad(part.input_ids, padding),
                torch.nn.functional.pad(part.token_type_ids, padding),
                torch.nn.functional.pad(part.labels, padding, value=IGNORED),
                part.next_sentence_labels,
                strict=True,
            )
        ]

    assert sorted(row for part in split for row in rows(part)) == sorted(rows(batch))


def test_one_seed_is_one_stream(numbered_corpus: Path) -> None:
    def stream(seed: int) -> list[torch.Tensor]:
        batches = sampler(numbered_corpus, seed=seed)
        return [batches.draw_batch(batches.draw_shape((0.4, 0.3, 0.3)), 4).input_ids for _ in range(6)]

    same = [torch.equal(one, other) for one, other in zip(stream(3), stream(3), strict=True)]
    assert all(same)
    assert any(
        one.shape != other.shape or not torch.equal(one, other) for one, other in zip(stream(3), stream(4), strict=True)
    )


def test_shapes_are_drawn_with_their_shares(numbered_corpus: Path) -> None:
    batches = sampler(numbered_corpus)
    drawn = [batches.draw_shape((0.5, 0.2, 0.3)) for _ in range(2000)]
    shares = [drawn.count(shape_id) / 2000 for shape_id in SHAPES]
    np.testing.assert_allclose(shares, (0.5, 0.2, 0.3), atol=0.04)


# --- what cannot be drawn ------------------------------------------------------------------------------------------


def test_errors_say_what_is_wrong(tmp_path: Path, numbered_corpus: Path) -> None:
    with pytest.raises(RecipeError, match=r"no source novels; the sources are african_storybook, books, .* wordnet"):
        sampler(numbered_corpus, sources=("novels",))
    with pytest.raises(RecipeError, match=r"imdb\.npz is missing"):
        sampler(numbered_corpus, sources=("imdb",))
    with pytest.raises(RecipeError, match="none of the sources of long_pairs"):
        sampler(numbered_corpus, sources=("facts",)).draw_batch("long_pairs", 1)
    samples.numbered_source(1).save(tmp_path / "books.npz")
    with pytest.raises(RecipeError, match="books has no held-out documents"):
        sampler(tmp_path, held_out=True, sources=("books",))
    with pytest.raises(RecipeError, match="books needs two documents"):
        sampler(tmp_path, sources=("books",)).draw_batch("short_pairs", 1)
