"""The model that is pre-trained: BERT with a masked-word head and a next-sentence head, and its losses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForPreTraining, BertModel

from training.batches import IGNORED, Batch
from training.masked_loss import masked_word_loss
from training.precision import autocast
from training.tokenised import PAD, TokenisedSource

__all__ = ["PretrainingOutput", "continued_model", "masked_logits", "new_model", "pretraining_output"]

#: The sources whose tokens are counted for the masked-word head's first bias: running text, no templates.
_COUNTED_SOURCES = ("wiki_full", "openstax", "books", "imdb", "wordnet")


@dataclass(frozen=True, slots=True, eq=False)
class PretrainingOutput:
    """Losses in nats, and their inputs. ``next_sentence_loss`` is None for a batch without pairs."""

    masked_loss: torch.Tensor  # ()
    masked_correct: int  # how many masked positions have their target on top
    next_sentence_loss: torch.Tensor | None  # ()
    masked_states: torch.Tensor  # (masked position, hidden), the masked-word head's
    masked_targets: torch.Tensor  # (masked position,)
    next_sentence_logits: torch.Tensor  # (sequence, 2)
    next_sentence_labels: torch.Tensor  # (sequence,)


def new_model(base: Path, corpus: Path) -> Any:
    """`BertForPreTraining` around the encoder of the checkpoint in ``base``, which has neither head.

    The masked-word head's decoder is tied to the word embeddings. Its transform starts as half an identity plus
    noise, so that it passes on the encoder's output, and its bias as the log frequency of each token in ``corpus``,
    so that it need not learn which words are common. Dropout is off: training is short and repeats little. Draws from
    torch's global generator.
    """
    config = BertConfig.from_pretrained(base)
    config.architectures = ["BertForPreTraining"]
    config.tie_word_embeddings = True
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    model = BertForPreTraining(config)
    model.bert.load_state_dict(BertModel.from_pretrained(base, dtype=torch.float32).state_dict())
    model.tie_weights()
    head = model.cls.predictions
    with torch.no_grad():
        head.bias.copy_(torch.from_numpy(_log_frequencies(corpus, config.vocab_size)))
        size = config.hidden_size
        head.transform.dense.weight.copy_(torch.eye(size) * 0.5 + torch.randn(size, size) * 0.02)
    return model


def _log_frequencies(corpus: Path, vocabulary_size: int) -> npt.NDArray[np.float32]:
    """Log of each token's share of the corpus, every token counted once more than it occurs, plus 8."""
    counts = np.ones(vocabulary_size)
    for name in _COUNTED_SOURCES:
        if (path := corpus / f"{name}.npz").is_file():
            counts += np.bincount(TokenisedSource.load(path).token_ids, minlength=vocabulary_size)
    # softmax is invariant to the constant, which keeps the biases of common words near zero
    frequencies: npt.NDArray[np.float64] = counts / counts.sum()
    return (np.log(frequencies) + 8.0).astype(np.float32)


def continued_model(checkpoint: Path) -> Any:
    """The model of an earlier run, dropout off, to be trained further."""
    return BertForPreTraining.from_pretrained(
        checkpoint, dtype=torch.float32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )


def pretraining_output(model: Any, batch: Batch, device: str = "cpu", precision: str = "bfloat16") -> PretrainingOutput:
    """One forward pass in the given precision (see `training.precision`), losses in float32.

    The vocabulary's logits are computed at the masked positions only, and never kept (`masked_word_loss`): with 30,522
    per position they would otherwise cost more than the encoder.
    """
    input_ids, token_type_ids = batch.input_ids.to(device), batch.token_type_ids.to(device)
    labels = batch.labels.to(device).view(-1)
    next_sentence_labels = batch.next_sentence_labels.to(device)
    real = input_ids != PAD
    # without padding no mask is needed, and attention is faster without one
    attention_mask = None if bool(real.all()) else real.long()
    masked = labels != IGNORED
    with autocast(device, precision):
        encoded = model.bert(input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        hidden = encoded.last_hidden_state
        masked_states = model.cls.predictions.transform(hidden.view(-1, hidden.size(-1))[masked])
        next_sentence_logits = model.cls.seq_relationship(encoded.pooler_output)
    paired = next_sentence_labels != IGNORED
    next_sentence_loss = (
        F.cross_entropy(next_sentence_logits.float()[paired], next_sentence_labels[paired]) if paired.any() else None
    )
    decoder, bias = model.bert.embeddings.word_embeddings.weight, model.cls.predictions.bias
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    masked_loss, masked_correct = masked_word_loss(masked_states, decoder, bias, labels[masked], dtype)
    return PretrainingOutput(
        masked_loss=masked_loss,
        masked_correct=masked_correct,
        next_sentence_loss=next_sentence_loss,
        masked_states=masked_states,
        masked_targets=labels[masked],
        next_sentence_logits=next_sentence_logits,
        next_sentence_labels=next_sentence_labels,
    )


def masked_logits(model: Any, output: PretrainingOutput, precision: str = "bfloat16") -> torch.Tensor:
    """The logits behind ``output.masked_loss``, (masked position, vocabulary), in the given precision."""
    with autocast(output.masked_states.device.type, precision):
        logits: torch.Tensor = F.linear(
            output.masked_states, model.bert.embeddings.word_embeddings.weight, model.cls.predictions.bias
        )
    return logits
