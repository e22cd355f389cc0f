"""The picker's list and "did you mean"."""

from __future__ import annotations

import pytest

from glassbert.families import FAMILIES, TASKS
from glassbert.models.checkpoint import embedded
from glassbert.models.suggestions import SUGGESTIONS, canonical_id, close_matches


def test_embedded_models_come_first_and_are_ready() -> None:
    shipped = [checkpoint.id for checkpoint in embedded()]
    assert [suggestion.id for suggestion in SUGGESTIONS[: len(shipped)]] == shipped
    assert [suggestion.id for suggestion in SUGGESTIONS if suggestion.ready] == shipped


def test_entries_are_complete() -> None:
    assert len({suggestion.id for suggestion in SUGGESTIONS}) == len(SUGGESTIONS)
    for suggestion in SUGGESTIONS:
        assert suggestion.family in FAMILIES
        assert suggestion.languages
        assert suggestion.label
        assert suggestion.ready or suggestion.id.count("/") == 1
        assert suggestion.ready or 10 < suggestion.approximate_mb < 2000


def test_every_head_has_a_suggestion() -> None:
    tasks = " ".join(suggestion.task for suggestion in SUGGESTIONS)
    # a discriminator is opened by those who train one
    assert all(label in tasks for task, label in TASKS.items() if task != "replaced_tokens")


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("bert-base-uncased", "google-bert/bert-base-uncased"),
        (
            "distilbert-base-uncased-finetuned-sst-2-english",
            "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        ),
        ("roberta-base", "FacebookAI/roberta-base"),
        ("albert-base-v2", "albert/albert-base-v2"),
        ("someone/bert-base-uncased", "someone/bert-base-uncased"),
        ("unknown", "unknown"),
    ],
)
def test_legacy_ids(short: str, full: str) -> None:
    assert canonical_id(short) == full


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bert-base-uncasd", "google-bert/bert-base-uncased"),
        ("BERT-base-cased", "google-bert/bert-base-cased"),
        ("google/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("dslim/bert-base-ner-", "dslim/bert-base-NER"),
        ("roberta-bas", "FacebookAI/roberta-base"),
        ("sentimen", "sentiment"),
    ],
)
def test_close_matches(written: str, meant: str) -> None:
    found = close_matches(written)
    assert found[0] == meant
    assert len(found) <= 3


def test_nothing_is_close_to_nonsense() -> None:
    assert close_matches("qqqq/zzzzzzzz") == ()
    assert close_matches("") == ()
