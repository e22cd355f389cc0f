"""Which words an explanation has to find, where that is known: a word planted in a model, and words people changed.

- **Planted evidence.** One word of the vocabulary gets a vector that turns the model's answer, whatever the sentence:
  found by gradient descent on the planted class's lead over the answer, among the vectors that are as long as the
  median word vector. All else of the model stays as it is. The word is put into sentences with another answer. With it
  the model answers with the planted class, without it it does not, and no other word changes that when it is left out:
  the word decides. (A word planted in training data, as in Bastings et al. 2022, needs a training, and the model may
  lean on other words as well.)
- **Human edits.** Sentences of film reviews in which people changed as few words as possible to reverse the label
  (Kaushik et al. 2020); they count where the model follows both labels. A word between blanks has the sum of its
  tokens' scores.

A method's *average precision* is the mean, over the words to be found, of the share of them among all words that rank
at least as high: 1 if they come first. For a single word it is one over its rank. A random order has the expected value
(1/n)(H_n + (m − 1)(n − H_n)/(n − 1)) for m of n words, with H_n the n-th harmonic number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes, decide
from glassbert.decision.runner import Runner
from glassbert.errors import TextError
from glassbert.evaluation._copies import Noise
from glassbert.language import classify_many
from glassbert.network.model import Model, word_embeddings
from glassbert.results import Array, Encoded
from glassbert.targets import ClassTarget
from glassbert.text.inputs import encode

__all__ = ["MOST", "Found", "average_precision", "by_blank", "expected_precision", "human_edits", "planted_evidence"]

#: Sentences of each kind at most, and how many there must be for a number.
MOST, _FEWEST = 20, 8
#: Steps of gradient descent at most, its rate as a share of the vector's length, and the lead in logits that is enough.
_STEPS, _RATE, _LEAD = 60, 0.1, 2.0
#: Letters of the planted word, and how many words are tried.
_SHORTEST, _LONGEST, _TRIES, _SEED = 4, 12, 200, 0
_EDITS = Path(__file__).parents[1] / "datasets" / "human_edits" / "sentences.jsonl"
#: How classifiers call the two labels.
_POSITIVE = ("positive", "pos", "label_1")
_NEGATIVE = ("negative", "neg", "label_0")

#: Scores of every method that can explain a text, by the method's number.
Explain = Callable[[Model, str], dict[int, TokenScores]]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """How well each method finds the words of each text, −1 where it cannot explain it; or why this is not known."""

    precision: Array  # (method, text)
    chance: float | None
    reason: str = ""


def planted_evidence(
    model: Model, methods: int, texts: Sequence[str], explain: Explain, passes: Passes, step: Callable[[], None]
) -> Found:
    """Average precision of each method for the planted word. ``step`` is called before each of the texts explained."""
    if reason := _no_classes(model):
        return _unknown(methods, reason)
    predictions = classify_many(model, list(texts))
    passes.add(len(texts))
    answers = [one.predicted for one in predictions]
    # the class that is the likeliest beside the most frequent answer
    likely = np.mean([one.probabilities for one in predictions], axis=0)
    likely[np.bincount(answers, minlength=len(model.labels)).argmax()] = -1
    planted = int(likely.argmax())
    chosen = [(text, own) for text, own in zip(texts, answers, strict=True) if own != planted]
    if len(chosen) < _FEWEST:
        return _unknown(methods, "too few sentences have another answer")
    chosen = [chosen[place] for place in np.unique(np.linspace(0, len(chosen) - 1, MOST).round().astype(int)).tolist()]
    word = _word_to_plant(model, [text for text, _ in chosen])
    if word is None:
        return _unknown(methods, "no word of the vocabulary is one token in all sentences")
    token, written = word
    places = [(encode(model, text), own) for text, (_, own) in zip(written, chosen, strict=True)]
    vector = _turning_vector(model, token, planted, places, passes)
    table = Noise(model, np.asarray([token]))
    changed = table.model(vector - table.embeddings)
    turned = [one.predicted == planted for one in classify_many(changed, [encoded for encoded, _ in places])]
    passes.add(len(places))
    decides = [
        is_turned and _hangs_on_no_other(changed, encoded, token, passes)
        for (encoded, _), is_turned in zip(places, turned, strict=True)
    ]
    if sum(decides) < _FEWEST:
        return _unknown(methods, "no vector of a word turns the model's answers by itself")
    columns, chances = [], []
    for text, (encoded, _), is_decided in zip(written, places, decides, strict=True):
        if not is_decided:
            continue
        step()
        real = encoded.special_tokens_mask == 0
        wanted = (encoded.input_ids == token)[real]
        columns.append(_column(methods, explain(changed, text), lambda scores: scores[real], wanted))  # noqa: B023
        chances.append(expected_precision(1, int(real.sum())))
    return Found(np.stack(columns, axis=1), float(np.mean(chances)))


def human_edits(model: Model, methods: int, explain: Explain, passes: Passes, step: Callable[[], None]) -> Found:
    """Average precision of each method for the words that people changed. ``step`` as above."""
    if reason := _no_classes(model):
        return _unknown(methods, reason)
    names = [name.casefold() for name in model.labels]
    known = [next((names.index(name) for name in side if name in names), None) for side in (_NEGATIVE, _POSITIVE)]
    if None in known:
        return _unknown(methods, "the model's labels are not positive and negative")
    edits = _edits()
    wanted = [known[edit.positive] for edit in edits] + [known[not edit.positive] for edit in edits]
    try:
        answers = classify_many(model, [edit.text for edit in edits] + [edit.revised for edit in edits])
    except TextError as error:
        return _unknown(methods, f"a sentence cannot be read: {error}")
    passes.add(2 * len(edits))
    right = np.asarray([one.predicted == own for one, own in zip(answers, wanted, strict=True)]).reshape(2, -1)
    usable = [edits[place] for place in np.flatnonzero(right.all(axis=0)).tolist()][:MOST]
    if len(usable) < _FEWEST:
        return _unknown(methods, "the model follows too few of the edits")
    columns, chances = [], []
    for edit in usable:
        step()
        encoded = encode(model, edit.text)
        wanted_words = np.zeros(len(edit.text.split()), dtype=bool)
        wanted_words[list(edit.changed)] = True
        explained = explain(model, edit.text)
        columns.append(_column(methods, explained, lambda scores: by_blank(encoded, scores), wanted_words))  # noqa: B023
        chances.append(expected_precision(len(edit.changed), len(wanted_words)))
    return Found(np.stack(columns, axis=1), float(np.mean(chances)))


def average_precision(scores: Array, wanted: Array) -> float:
    """The mean over the wanted of the share of them among all that rank at least as high; ties in a random order."""
    order = np.random.default_rng(0).permutation(len(scores))
    order = order[np.argsort(-np.asarray(scores)[order], kind="stable")]
    hits = np.asarray(wanted, dtype=bool)[order]
    precision: Array = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def expected_precision(wanted: int, total: int) -> float:
    """The average precision that a random order has on average."""
    harmonic = float((1 / np.arange(1, total + 1)).sum())
    others = (wanted - 1) / (total - 1) * (total - harmonic) if total > 1 else 0.0
    return (harmonic + others) / total


def by_blank(encoded: Encoded, scores: Array) -> Array:
    """(token,) → (word,): sums over the tokens of each word between blanks of the first text."""
    text = encoded.texts[0]
    starts = [
        place for place in range(len(text)) if not text[place].isspace() and (place == 0 or text[place - 1].isspace())
    ]
    inside = encoded.sequence_ids == 0
    place = np.searchsorted(starts, encoded.offsets[inside, 0], side="right") - 1
    summed: Array = np.bincount(np.maximum(place, 0), weights=scores[inside], minlength=len(starts))
    return summed


def _unknown(methods: int, reason: str) -> Found:
    return Found(np.zeros((methods, 0)), None, reason)


def _no_classes(model: Model) -> str:
    if "classification" not in model.task_heads:
        return "the model is not a classifier"
    if model.regression or model.multi_label or len(model.labels) < 2:
        return "the model does not choose between classes"
    return ""


def _column(methods: int, explained: dict[int, TokenScores], read: Callable[[Array], Array], wanted: Array) -> Array:
    column = np.full(methods, -1.0)
    for index, one in explained.items():
        column[index] = average_precision(read(one.scores), wanted)
    return column


# --- the planted word -------------------------------------------------------------------------------------------------


def _word_to_plant(model: Model, texts: Sequence[str]) -> tuple[int, list[str]] | None:
    """A rare word, one token wherever it stands and in none of the texts, and the texts with it at a random place.

    Among the last words of the vocabulary; None if there is none.
    """
    special = set(model.tokenizer.all_special_ids)
    before = [encode(model, text).input_ids.tolist() for text in texts]
    used = {token for ids in before for token in ids}
    tries = 0
    for token in reversed(range(_rows(model))):
        word = model.tokenizer.decode([token]).strip() if token not in special | used else ""
        if not (_SHORTEST <= len(word) <= _LONGEST and word.isascii() and word.isalpha() and word.islower()):
            continue
        draw = Random(_SEED)
        written = [_inserted(text, word, draw) for text in texts]
        if all(
            _is_inserted(encode(model, new).input_ids.tolist(), ids, token)
            for new, ids in zip(written, before, strict=True)
        ):
            return token, written
        tries += 1
        if tries == _TRIES:
            break
    return None


def _rows(model: Model) -> int:
    return int(model.network.get_input_embeddings().weight.shape[0])


def _inserted(text: str, word: str, draw: Random) -> str:
    """The text with the word before one of its words, not the first, so that every tokenizer sees a space before it."""
    words = text.split(" ")
    place = draw.randrange(1, max(2, len(words)))
    return " ".join([*words[:place], word, *words[place:]])


def _is_inserted(new: list[int], old: list[int], token: int) -> bool:
    return new.count(token) == 1 and [one for one in new if one != token] == old


def _turning_vector(
    model: Model, token: int, planted: int, places: Sequence[tuple[Encoded, int]], passes: Passes
) -> Tensor:
    """(1, dimension): a word vector of ordinary length with which every text is answered with the planted class."""
    runners: list[tuple[Runner, Tensor]] = []
    for encoded, own in places:
        runner = decide(model, encoded, ClassTarget(planted, foil=own), "logit", passes=passes)
        runners.append((runner, torch.from_numpy(encoded.input_ids == token)))
    sample = torch.linspace(0, _rows(model) - 1, 1000).long()
    length = word_embeddings(model, sample).detach().float().norm(dim=-1).median().cpu()
    vector = word_embeddings(model, torch.tensor([token])).detach().float().cpu()[0]
    vector = (vector * length / vector.norm().clamp(min=1e-9)).requires_grad_()
    descent = torch.optim.Adam([vector], lr=_RATE * float(length) / float(np.sqrt(len(vector))))
    for _step in range(_STEPS):
        descent.zero_grad()
        least = np.inf
        for runner, here in runners:
            stock = runner.decision.embeddings
            mask = here.to(stock.device)[None, :, None]
            lead = runner.value(torch.where(mask, vector.to(stock.device, stock.dtype), stock))[0].float()
            least = min(least, float(lead.detach()))
            # texts that are turned well enough do not pull any more
            torch.nn.functional.relu(2 * _LEAD - lead).backward()  # type: ignore[no-untyped-call]
        if least >= _LEAD:
            break
        descent.step()
        with torch.no_grad():
            vector *= length / vector.norm()
    found: Tensor = vector.detach()[None]
    return found


def _hangs_on_no_other(model: Model, encoded: Encoded, token: int, passes: Passes) -> bool:
    """Whether the answer stays when any one of the other tokens is left out."""
    runner = decide(model, encoded, None, "logit", passes=passes)
    others = np.flatnonzero(runner.decision.removable & (encoded.input_ids != token))
    present = np.ones((1 + len(others), len(encoded)), dtype=bool)
    present[1 + np.arange(len(others)), others] = False
    answers = np.zeros(len(present), dtype=np.int64)
    for chosen, logits in runner.logits_without(present):
        answers[chosen] = logits.argmax(dim=-1).cpu().numpy()
    return bool((answers == answers[0]).all())


# --- the edits --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edit:
    """A sentence and what people made of it; ``changed`` are the places of its words, split at blanks."""

    text: str
    revised: str
    positive: bool
    changed: tuple[int, ...]


@cache
def _edits() -> tuple[_Edit, ...]:
    lines = _EDITS.read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    return tuple(_Edit(one["text"], one["revised"], one["label"] == "positive", tuple(one["changed"])) for one in read)
