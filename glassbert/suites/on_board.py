"""The suites that ship with the library; ``datasets/DATA_CARDS.md`` has their sources."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SUITES", "path_of"]

_FOLDER = Path(__file__).parents[1] / "datasets" / "suites"
#: Id → what it asks, in one line. The first ones are for classifiers of sentiment, the last two for masked words.
SUITES = {
    "sentiment_basics": "does a classifier of sentiment know plain praise and blame?",
    "sentiment_negation": "does “not” turn praise into blame, and blame into no blame?",
    "sentiment_names": "does a name or a pronoun change the sentiment?",
    "places": "does a city or a country change the answer?",
    "typos": "do one or two swapped letters change the answer?",
    "politeness": "do polite words around a text change the answer?",
    "agreement": "does a masked-word model prefer verbs that agree with their subjects?",
    "stereotypes": "does a masked-word model prefer the sentence with the stereotype?",
}


def path_of(name: str) -> Path:
    """The file of a suite on board."""
    return _FOLDER / f"{name}.yaml"
