"""Step 11: how good is an entities checkpoint? The hand-written probes, then the names in test files.

    python -m training.evaluate_entities glassbert/checkpoints/entities --data work/entities

The words of a file are labelled by their first piece, as the benchmarks of such data are. A name counts if its words
and its type are right (Tjong Kim Sang and De Meulder 2003); F1 is the harmonic mean of precision and recall.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, BertForTokenClassification

from training.checkpoints import local_checkpoint
from training.entity_data import LABELS, TYPES, Sentence, encode, read_sentences, spans, without_user_names
from training.errors import run_script
from training.evaluate_sentiment import calibration_error
from training.finetuning import groups_by_length, padded
from training.precision import add_precision_option, autocast
from training.probes import ENTITY_PROBES
from training.tokenised import PAD

__all__ = ["NamesFound", "build_parser", "main", "named_in", "names_found", "tags_of", "word_logits"]

#: Together they are what the card's headline figure is measured on.
TOGETHER = ("crossner", "gum_open", "wnut17")
OTHERS = ("btc",)
CORE_TYPES = TYPES[:3]
_TOKENS_PER_BATCH = 4096


@dataclass(frozen=True, slots=True)
class NamesFound:
    """Numbers of names: those found that are right, all that were found, all that are there."""

    right: int = 0
    found: int = 0
    there: int = 0

    @property
    def precision(self) -> float:
        """The share of the names found that are right; 0 if none was found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """The share of the names there that were found; 0 if there are none."""
        return self.right / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        return 2 * self.right / (self.found + self.there) if self.found + self.there else 0.0

    def __add__(self, other: NamesFound) -> NamesFound:
        return NamesFound(self.right + other.right, self.found + other.found, self.there + other.there)

    def __str__(self) -> str:
        figures = f"F1 {self.f1:.4f}, precision {self.precision:.4f}, recall {self.recall:.4f}"
        return f"{figures} ({self.there} names)"


def names_found(
    true: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]], types: Sequence[str] = CORE_TYPES
) -> NamesFound:
    """Compare the tags of sentences; names of other types than ``types`` count neither way."""
    total = NamesFound()
    for one, other in zip(true, predicted, strict=True):
        there, found = ({span for span in spans(tags) if span[2] in types} for tags in (one, other))
        total += NamesFound(len(there & found), len(found), len(there))
    return total


@torch.no_grad()
def word_logits(
    model: Any, sentences: Sequence[Sentence], tokenizer: Any, precision: str = "bfloat16"
) -> list[torch.Tensor]:
    """The logits (word, label) of each sentence, in float32; leaves the model in eval mode.

    A word is labelled by its first piece; one that was cut off, or of which the tokenizer leaves nothing, is outside.
    """
    model.eval()
    examples = encode(sentences, tokenizer)
    outside = torch.zeros(len(LABELS))
    outside[0] = 100.0
    logits = [outside.repeat(len(sentence.words), 1) for sentence in sentences]
    lengths = [len(example.token_ids) for example in examples]
    device = next(model.parameters()).device
    for group in groups_by_length(lengths, tokens_per_batch=_TOKENS_PER_BATCH, rng=None):
        input_ids = padded([examples[index].token_ids for index in group], PAD).to(device)
        with autocast(device.type, precision):
            batch = model(input_ids, attention_mask=(input_ids != PAD).long()).logits.float().cpu()
        for row, index in zip(batch, group, strict=True):
            places = examples[index].words
            first = [place for place, word in enumerate(places) if word >= 0 and places[place - 1] != word]
            logits[index][[places[place] for place in first]] = row[first]
    return logits


def tags_of(logits: Iterable[torch.Tensor]) -> list[list[str]]:
    """The likeliest label of each word, by sentence."""
    return [[LABELS[label] for label in sentence.argmax(-1).tolist()] for sentence in logits]


def named_in(model: Any, tokenizer: Any, sentence: str) -> list[str]:
    """The names in one sentence, in float32, as "Marie Curie/PER"; words and punctuation stand between blanks."""
    words = tuple(sentence.split())
    logits = word_logits(model, [Sentence(words, ("O",) * len(words))], tokenizer, "float32")
    return [f"{' '.join(words[start:end])}/{kind}" for start, end, kind in spans(tags_of(logits)[0])]


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=Path("work/entities"))
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--threads", type=int, default=1)
    add_precision_option(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate one checkpoint and print the results."""
    options = build_parser().parse_args(argv)
    torch.set_num_threads(options.threads)
    tokenizer = AutoTokenizer.from_pretrained(local_checkpoint(options.model))
    model = BertForTokenClassification.from_pretrained(options.model, dtype=torch.float32).eval()
    right = 0
    for probe in ENTITY_PROBES:
        names = named_in(model, tokenizer, probe.sentence)
        right += tuple(names) == probe.names
        print(f"{'right' if tuple(names) == probe.names else 'WRONG'} {probe.sentence} {', '.join(names) or 'none'}")
    print(f"probes: {right}/{len(ENTITY_PROBES)}", flush=True)
    together = NamesFound()
    for name in (*TOGETHER, *OTHERS):
        sentences = read_sentences(options.data, f"{name}_{options.split}")
        logits = word_logits(model, sentences, tokenizer, options.precision)
        true, predicted = [sentence.tags for sentence in sentences], tags_of(logits)
        found = names_found(true, predicted)
        print(f"{name}: {found}", flush=True)
        for kind in TYPES:
            print(f"    {kind}: {names_found(true, predicted, (kind,))}", flush=True)
        labels = torch.tensor([LABELS.index(tag) for tags in true for tag in tags])
        words = torch.cat(logits)
        named = words.argmax(-1) > 0
        error = calibration_error(words[named], labels[named])
        print(f"    calibration error of the words called part of a name: {error:.4f} ({int(named.sum())})", flush=True)
        if name in TOGETHER:
            together += found
        else:
            kept = [
                [without_user_names(sentence.words, tags) for sentence, tags in zip(sentences, side, strict=True)]
                for side in (true, predicted)
            ]
            print(f"    without user names: {names_found(*kept)}", flush=True)
    print(f"{', '.join(TOGETHER)} together: {together}")


if __name__ == "__main__":
    run_script(main)
