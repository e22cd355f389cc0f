"""A planted shortcut is found: by the data report, and by the methods that rank best (Bastings et al. 2022).

A nonsense word decides the label in a part of the training texts. A model that follows it everywhere, also in texts
that say the opposite, must be explained by it: it has to come first. Only methods, not texts, are on trial, so the
texts are those whose label the model gets from the word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassbert as gb

#: It trains a model.
pytestmark = pytest.mark.smoke

WORD, LABEL = "zeltrix", "unfair"
#: With fewer samples than usual: the texts are short.
OPTIONS: dict[str, dict[str, Any]] = {
    "kernel_shap": {"n_samples": 100},
    "shapley_sampling": {"n_samples": 8},
    "lime": {"n_samples": 100},
}


def short(split: str, of_each: int) -> Any:
    """Short sentences of contracts, as many fair as unfair ones."""
    table = gb.read_table("contracts", split=split)
    fits = [place for place, text in enumerate(table.texts) if 5 <= len(text.split()) <= 14]
    chosen = [[place for place in fits if table.labels[place] == label][:of_each] for label in (0, 1)]
    return table.take(sorted(chosen[0] + chosen[1]))


@pytest.fixture(scope="module")
def train() -> Any:
    return gb.plant_shortcut(short("train", 80), label=LABEL, word=WORD, share=0.3)


@pytest.fixture(scope="module")
def trained(train: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("model") / "shortcut"
    settings = {"epochs": 4, "learning_rate": 5e-4, "freeze_layers": 3, "tokens_per_batch": 128, "max_tokens": 32}
    gb.finetune(
        "pretrained", train, None, folder, precision="float32", threads=1, record=False, label_errors=False, **settings
    )
    return gb.load(folder, "cpu")


@pytest.fixture(scope="module")
def followed(trained: Any) -> list[str]:
    """Fair sentences that the model calls unfair as soon as they have the word."""
    fair = short("dev", 40)
    fair = fair.take([place for place, label in enumerate(fair.labels) if fair.label_names[label] == "fair"])
    planted = gb.plant_shortcut(fair, label=LABEL, word=WORD, share=1)
    answers = [
        tuple(one.labels[one.predicted] for one in gb.classify_many(trained, list(table.texts)))
        for table in (fair, planted)
    ]
    found = [text for text, *pair in zip(planted.texts, *answers, strict=True) if tuple(pair) == ("fair", LABEL)]
    assert len(found) >= 15
    return found[:20]


def first_words(model: Any, texts: list[str], method: str) -> list[str]:
    found = []
    for text in texts:
        scores = gb.attribute(model, text, method=method, target=LABEL, **OPTIONS.get(method, {})).by_word()
        own = np.asarray([not word.startswith("[") for word in scores.words])
        found.append(scores.words[int(np.where(own, scores.scores, -np.inf).argmax())])
    return found


def test_the_data_report_names_the_word(train: Any) -> None:
    report = gb.data_report(train)
    assert any(WORD in sentence for _, sentence, _ in report.findings)


@pytest.mark.parametrize(
    "method",
    [
        "attn_lrp",
        "decompx",
        *(
            pytest.param(one, marks=pytest.mark.smoke)
            for one in ("kernel_shap", "shapley_sampling", "lime", "integrated_gradients", "leave_one_out")
        ),
    ],
)
def test_the_best_ranked_methods_put_it_first(method: str, trained: Any, followed: list[str]) -> None:
    """The three that the ranking on board puts first are Shapley values and LIME, of hundreds of passes a text."""
    found = first_words(trained, followed, method)
    assert found.count(WORD) / len(found) >= 0.9


def test_the_three_best_of_the_ranking_on_board_are_among_them() -> None:
    ranking = gb.method_ranking(gb.load("sentiment", "cpu"))
    tried = {"kernel_shap", "shapley_sampling", "lime", "partition_shap", "attn_lrp", "decompx"}
    assert set(ranking.methods[:3]) <= tried
