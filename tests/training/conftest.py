"""Folders the recipe's tests share, each made once a session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.training import samples

if TYPE_CHECKING:
    from training.smoke import SmokeReport

#: The real vocabulary, which the recipe's constants describe.
VOCABULARY = Path(__file__).resolve().parents[2] / "glassbert" / "checkpoints" / "pretrained"


@pytest.fixture(scope="session")
def vocabulary() -> Path:
    """The folder of the shipped checkpoint, for its tokenizer."""
    return VOCABULARY


@pytest.fixture(scope="session")
def numbered_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sources of numbered sentences; documents 0 and 5 are held out."""
    folder = tmp_path_factory.mktemp("numbered")
    for name in ("wiki_full", "wiki_intro", "books", "facts"):
        source = samples.numbered_source(12, held_out=(0, 5), facts=name == "facts")
        source.save(folder / f"{name}.npz")
    return folder


@pytest.fixture(scope="session")
def smoke_report(tmp_path_factory: pytest.TempPathFactory, vocabulary: Path) -> SmokeReport:
    """The whole recipe, run once on a few kilobytes of text."""
    from training.smoke import smoke

    folder = tmp_path_factory.mktemp("smoke")
    samples.write_text(folder / "text")
    samples.write_sentiment(folder / "sentiment")
    samples.write_entities(folder / "entities")
    samples.write_answers(folder / "answers")
    data = (folder / name for name in ("text", "sentiment", "entities", "answers"))
    return smoke(*data, folder / "out", vocabulary=vocabulary)
