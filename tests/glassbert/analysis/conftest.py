"""Folders that several tests ask, written once a session."""

from __future__ import annotations

import pytest

import glassbert as gb
from tests.glassbert.analysis.folders import write_folder


@pytest.fixture(scope="session")
def reviews_folder(tmp_path_factory):
    """2,300 rows in three parts, two of them bad, and what was planted."""
    folder = tmp_path_factory.mktemp("analysis") / "reviews"
    planted = write_folder(folder, 2300, bad_rows=(3, 1500), methods=("input_x_gradient", "saliency"), shortcut=0.05)
    return folder, planted


@pytest.fixture(scope="session")
def reviews(reviews_folder):
    with gb.open_analysis(reviews_folder[0]) as data:
        yield data


@pytest.fixture(scope="session")
def topics(tmp_path_factory):
    """Several classes a text."""
    folder = tmp_path_factory.mktemp("analysis") / "topics"
    write_folder(folder, 700, kind="multi_label", labels=("SPORT", "MONEY", "ART"))
    with gb.open_analysis(folder) as data:
        yield data


@pytest.fixture(scope="session")
def stars(tmp_path_factory):
    """A number for each text."""
    folder = tmp_path_factory.mktemp("analysis") / "stars"
    write_folder(folder, 700, kind="regression", labels=("stars",))
    with gb.open_analysis(folder) as data:
        yield data


@pytest.fixture(scope="session")
def table(reviews_folder):
    """The predictions as pandas reads them: the slow way."""
    import pandas as pd

    parts = sorted(reviews_folder[0].glob("predictions-*.parquet"))
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
