"""Suggested models, for the picker and for "did you mean": the embedded ones first, then well-known hub models.

Only hub models whose main branch has safetensors weights are listed. Sizes are those of ``model.safetensors`` on the
hub's file pages, rounded, and may change.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from glassbert.models.checkpoint import EMBEDDED_IDS

__all__ = ["SUGGESTIONS", "Suggestion", "canonical_id", "close_matches"]

_TASKS = {
    "masked_words": "masked words",
    "pretraining": "masked words and next sentence",
    "classification": "text classification",
    "token_classification": "token classification",
    "question_answering": "question answering",
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entry of the picker. ``approximate_mb`` is the download size in megabytes; 0 for an embedded model."""

    id: str
    label: str
    task: str
    family: str
    languages: tuple[str, ...]
    approximate_mb: int

    @property
    def ready(self) -> bool:
        """Whether it ships with GlassBERT and needs no download."""
        return self.approximate_mb == 0


def _hub(id: str, label: str, task: str, family: str, megabytes: int, *languages: str) -> Suggestion:
    return Suggestion(id, label, _TASKS[task], family, languages or ("English",), megabytes)


SUGGESTIONS: tuple[Suggestion, ...] = (
    *(Suggestion(name, label, task, "bert", ("English",), 0) for name, (label, task) in EMBEDDED_IDS.items()),
    _hub("google-bert/bert-base-uncased", "BERT base, uncased", "pretraining", "bert", 440),
    _hub("google-bert/bert-base-cased", "BERT base, cased", "pretraining", "bert", 436),
    _hub("google-bert/bert-large-uncased", "BERT large, uncased", "pretraining", "bert", 1340),
    _hub("google-bert/bert-base-multilingual-cased", "BERT multilingual", "pretraining", "bert", 714, "104 languages"),
    _hub("google-bert/bert-base-chinese", "BERT base, Chinese", "pretraining", "bert", 412, "Chinese"),
    _hub("distilbert/distilbert-base-uncased", "DistilBERT base", "masked_words", "distilbert", 268),
    _hub("FacebookAI/roberta-base", "RoBERTa base", "masked_words", "roberta", 499),
    _hub("FacebookAI/xlm-roberta-base", "XLM-RoBERTa base", "masked_words", "xlm-roberta", 1120, "100 languages"),
    _hub("albert/albert-base-v2", "ALBERT base", "masked_words", "albert", 47),
    _hub("microsoft/mpnet-base", "MPNet base", "masked_words", "mpnet", 532),
    _hub(
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        "DistilBERT, sentiment of film reviews",
        "classification",
        "distilbert",
        268,
    ),
    _hub("SamLowe/roberta-base-go_emotions", "RoBERTa, 28 emotions", "classification", "roberta", 499),
    _hub(
        "nlptown/bert-base-multilingual-uncased-sentiment",
        "BERT multilingual, stars of product reviews",
        "classification",
        "bert",
        669,
        *("English", "Dutch", "German", "French", "Italian", "Spanish"),
    ),
    _hub("dslim/bert-base-NER", "BERT base, people, places and organisations", "token_classification", "bert", 433),
    _hub("deepset/minilm-uncased-squad2", "MiniLM, answers from a text", "question_answering", "bert", 133),
    _hub(
        "distilbert/distilbert-base-cased-distilled-squad",
        "DistilBERT, answers from a text",
        "question_answering",
        "distilbert",
        261,
    ),
)

#: Ids from before the hub had owners; it still redirects them.
_LEGACY = {
    name: f"{owner}/{name}"
    for owner, names in {
        "google-bert": (
            "bert-base-uncased bert-base-cased bert-large-uncased bert-large-cased bert-base-chinese "
            "bert-base-german-cased bert-base-multilingual-cased bert-base-multilingual-uncased "
            "bert-large-uncased-whole-word-masking bert-large-cased-whole-word-masking "
            "bert-large-uncased-whole-word-masking-finetuned-squad bert-base-cased-finetuned-mrpc"
        ),
        "distilbert": (
            "distilbert-base-uncased distilbert-base-cased distilbert-base-multilingual-cased distilroberta-base "
            "distilbert-base-uncased-finetuned-sst-2-english distilbert-base-cased-distilled-squad "
            "distilbert-base-uncased-distilled-squad distilbert-base-german-cased"
        ),
        "FacebookAI": (
            "roberta-base roberta-large roberta-large-mnli xlm-roberta-base xlm-roberta-large "
            "xlm-roberta-large-finetuned-conll03-english xlm-roberta-large-finetuned-conll03-german"
        ),
        "albert": (
            "albert-base-v1 albert-large-v1 albert-xlarge-v1 albert-xxlarge-v1 "
            "albert-base-v2 albert-large-v2 albert-xlarge-v2 albert-xxlarge-v2"
        ),
    }.items()
    for name in names.split()
}


def canonical_id(id: str) -> str:
    """``"bert-base-uncased" → "google-bert/bert-base-uncased"``; other ids are unchanged."""
    return _LEGACY.get(id, id)


def close_matches(id: str) -> tuple[str, ...]:
    """Up to three known ids similar to this one, the most similar first."""
    known = {
        written.lower(): full
        for full in (*_LEGACY.values(), *(suggestion.id for suggestion in SUGGESTIONS))
        for written in (full, full.partition("/")[2] or full)
    }
    written = id.lower()
    candidates = get_close_matches(written, known, n=6, cutoff=0.75)
    candidates += get_close_matches(written.partition("/")[2] or written, known, n=6, cutoff=0.75)
    return tuple(dict.fromkeys(known[candidate] for candidate in candidates))[:3]
