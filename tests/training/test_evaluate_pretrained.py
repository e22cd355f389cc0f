"""The figures of a model whose answers are known: heads that say the same whatever they read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForPreTraining

from training.batches import SHAPES, BatchSampler
from training.checkpoints import save_checkpoint
from training.errors import RecipeError
from training.evaluate_pretrained import (
    HELD_OUT_SOURCES,
    SEED,
    SEQUENCES,
    HeldOutResult,
    cloze,
    evaluate_held_out,
    main,
    next_sentence,
)
from training.probes import CLOZE_PROBES, NEXT_SENTENCE_PROBES, Cloze, NextSentence
from training.tokenised import VOCABULARY_SIZE

SOURCES = ("wiki_full", "wiki_intro", "books", "facts")
FAVOURITE = 1003
#: How much more the favourite's logit is than that of any other token.
LEAD = 4.0


@pytest.fixture(scope="module")
def model() -> Any:
    """Says FAVOURITE for every mask, then four tokens that are in no document, and "random" for every pair."""
    config = BertConfig(
        vocab_size=VOCABULARY_SIZE, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    model = BertForPreTraining(config).eval()
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.seq_relationship.weight.zero_()
        model.cls.seq_relationship.bias.copy_(torch.tensor([0.0, math.log(3)]))
        model.cls.predictions.bias.zero_()
        model.cls.predictions.bias[FAVOURITE] = LEAD
        model.cls.predictions.bias[20_000:20_004] = LEAD / 2
    return model


def held_out(model: Any, corpus: Path, shape_id: str, *, batches: int) -> HeldOutResult:
    return evaluate_held_out(model, corpus, shape_id, batches=batches, sources=SOURCES, precision="float32")


def test_held_out_figures_are_those_of_the_same_batches(model: Any, numbered_corpus: Path) -> None:
    result = held_out(model, numbered_corpus, "short_pairs", batches=2)
    sampler = BatchSampler(numbered_corpus, seed=SEED, held_out=True, sources=SOURCES)
    batches = [sampler.draw_batch("short_pairs", SEQUENCES["short_pairs"]) for _ in range(2)]
    targets = torch.cat([batch.labels[batch.labels >= 0] for batch in batches])
    favoured = (targets == FAVOURITE).float().mean().item()
    assert 0 < favoured < 1
    assert result.masked_tokens == len(targets)
    assert result.top1 == result.top5 == pytest.approx(favoured)
    normaliser = math.log(math.exp(LEAD) + 4 * math.exp(LEAD / 2) + VOCABULARY_SIZE - 5)
    assert result.loss == pytest.approx(normaliser - LEAD * favoured, abs=1e-3)
    labels = torch.cat([batch.next_sentence_labels for batch in batches])
    assert result.pairs == 96
    assert result.next_sentence == pytest.approx(labels.float().mean().item())


def test_the_held_out_set_is_that_of_the_first_checkpoints() -> None:
    """Its sources, their order and their shares decide every draw: whoever changes them starts the figures anew."""
    assert HELD_OUT_SOURCES == ("books", "facts", "imdb", "openstax", "wiki_full", "wiki_intro", "wordnet")
    shares = {
        shape_id: [(name, share) for name, share in shape.mix.items() if name in HELD_OUT_SOURCES]
        for shape_id, shape in SHAPES.items()
    }
    assert shares == {
        "long_pairs": [("wiki_full", 0.40), ("openstax", 0.28), ("books", 0.14), ("imdb", 0.18)],
        "short_pairs": [
            *[("wiki_full", 0.30), ("wiki_intro", 0.12), ("openstax", 0.22)],
            *[("books", 0.16), ("imdb", 0.20)],
        ],
        "single_sentences": [
            *[("facts", 0.22), ("wordnet", 0.20), ("wiki_full", 0.14), ("wiki_intro", 0.10)],
            *[("openstax", 0.12), ("books", 0.10), ("imdb", 0.08)],
        ],
    }


def test_single_sentences_have_no_next_sentence_figure(model: Any, numbered_corpus: Path) -> None:
    result = held_out(model, numbered_corpus, "single_sentences", batches=1)
    assert (result.next_sentence, result.pairs) == (None, 0)


def test_probes_are_judged_by_their_answers(model: Any, vocabulary: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    favourite, second = tokenizer.convert_ids_to_tokens([FAVOURITE, 20_002])
    result = cloze(model, tokenizer, Cloze("paris is [MASK].", (favourite, "x")))
    assert (result.top1, result.top5) == (True, True)
    assert result.candidates[0][0] == favourite
    total = math.exp(LEAD) + 4 * math.exp(LEAD / 2) + VOCABULARY_SIZE - 5
    assert result.candidates[0][1] == pytest.approx(math.exp(LEAD) / total, rel=1e-4)
    fifth = cloze(model, tokenizer, Cloze("[MASK] is paris.", (second,)))
    assert (fifth.top1, fifth.top5) == (False, True)
    neither = cloze(model, tokenizer, Cloze("paris is [MASK].", ("absent",)))
    assert (neither.top1, neither.top5) == (False, False)
    for follows in (True, False):
        pair = next_sentence(model, tokenizer, NextSentence("one.", "two.", follows))
        assert pair.probability == pytest.approx(0.25, abs=1e-5)
        assert pair.right is not follows


def test_the_report_holds_what_was_computed(
    model: Any, numbered_corpus: Path, tmp_path: Path, vocabulary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(model, vocabulary / "vocab.txt", tmp_path)
    common = [str(tmp_path), "--corpus", str(numbered_corpus), "--sources", *SOURCES]
    main([*common, "--batches", "1", "--precision", "float32", "--json", str(tmp_path / "report.json")])
    report = json.loads((tmp_path / "report.json").read_text())
    direct = held_out(model, numbered_corpus, "short_pairs", batches=1)
    assert report["held_out"]["short_pairs"]["top1"] == direct.top1
    assert len(report["cloze"]) == len(CLOZE_PROBES)
    right = sum(not probe.follows for probe in NEXT_SENTENCE_PROBES)
    assert f"next-sentence probes: {right}/10" in capsys.readouterr().out
    with pytest.raises(RecipeError, match="must be at least 1"):
        main([*common, "--batches", "0"])


def test_every_probe_but_one_can_be_answered_with_one_word_piece(vocabulary: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(vocabulary)
    words = tokenizer.get_vocab()
    assert all(probe.sentence.count("[MASK]") == 1 for probe in CLOZE_PROBES)
    hopeless = [probe for probe in CLOZE_PROBES if not any(answer in words for answer in probe.answers)]
    assert [probe.answers for probe in hopeless] == [("photosynthesis",)]
    assert len(CLOZE_PROBES) == 44
    assert [probe.follows for probe in NEXT_SENTENCE_PROBES] == [True, False] * 5
