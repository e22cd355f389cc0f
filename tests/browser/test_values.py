"""The numbers on screen are the library's numbers."""

from __future__ import annotations

import re

import numpy as np
from playwright.sync_api import expect

import glassbert as gb
from components.gateway.saliency import page_options
from components.shared.charts import percent
from tests.browser.conftest import Open
from tests.browser.workbench import Workbench

FACT = "The capital of France is [MASK]."
OPINION = "This was a boring, badly acted waste of time."
FOLLOWS = ("Rome was founded in the eighth century BC.", "It grew into the capital of a vast empire.")


def expect_bars(bench: Workbench, chart: str, names: list[str], shares: list[float]) -> None:
    expect(bench.bars(chart)).to_have_text(names)
    expect(bench.shares(chart)).to_have_text([percent(float(share)) for share in shares])


def test_the_masked_word(shared_workbench: Workbench, pretrained: gb.Model) -> None:
    shared_workbench.type(FACT)
    best = gb.fill_mask(pretrained, FACT, top_k=8)
    assert best.candidates[0][0] == "paris"
    expect_bars(shared_workbench, "candidates_model", list(best.candidates[0]), list(best.probabilities[0]))
    shared_workbench.expect_pictures()


def test_a_word_that_stands_there(shared_workbench: Workbench, pretrained: gb.Model) -> None:
    text = "The doctor washed his elephant before the operation."
    shared_workbench.type(text)
    position = gb.encode(pretrained, text).tokens.index("elephant")
    expect(shared_workbench.tokens()).to_have_text(list(gb.encode(pretrained, text).pieces))
    shared_workbench.select_token(position)
    best = gb.fill_mask(pretrained, text, positions=(position,), top_k=8)
    rank = int(best.original_ranks[0])
    assert rank > 8, "the example is no longer a surprise to the model"
    expect_bars(
        shared_workbench,
        "candidates_model",
        [*best.candidates[0], f"elephant (rank {rank:,})"],
        [*best.probabilities[0], best.original_probabilities[0]],
    )
    expect(shared_workbench.panel("Predictions")).to_contain_text(f"{rank:,}")


def test_the_class(shared_workbench: Workbench, sentiment: gb.Model) -> None:
    shared_workbench.type(OPINION)
    result = gb.classify(sentiment, OPINION)
    order = np.argsort(result.probabilities)[::-1]
    assert result.labels[result.predicted] == "NEGATIVE"
    expect_bars(
        shared_workbench, "classes_beside", [result.labels[i] for i in order], [result.probabilities[i] for i in order]
    )
    expect(shared_workbench.panel("Saliency")).to_contain_text("NEGATIVE")


def test_next_sentence(open_page: Open, pretrained: gb.Model) -> None:
    bench = open_page(text=FOLLOWS[0], method="integrated_gradients")
    expect(bench.part("next_model")).to_have_count(0)
    bench.type_pair(FOLLOWS[1])
    answer = gb.next_sentence(pretrained, *FOLLOWS)
    expect_bars(bench, "next_model", ["B follows A", "B does not follow A"], list(answer.probabilities))
    expect(bench.panel("Saliency")).to_contain_text("GlassBERT pretrained", timeout=30_000)
    score = gb.attribute(
        pretrained,
        gb.encode(pretrained, *FOLLOWS),
        method="integrated_gradients",
        target=gb.NextSentenceTarget(),
        **page_options("integrated_gradients"),
    )
    expect_scores(bench, score.scores)
    bench.choose("Explain", "Class")
    expect(bench.panel("Saliency")).to_contain_text("GlassBERT sentiment")
    bench.expect_parameters(explain="class")
    bench.expect_pictures()


def test_the_saliency_by_a_chosen_method(shared_workbench: Workbench, sentiment: gb.Model) -> None:
    """One of them; tests/pages/test_values.py has them all."""
    shared_workbench.type(OPINION)
    # what can be explained changes with the text, and a list that is open then closes
    expect(shared_workbench.tokens("saliency")).to_have_text(list(gb.encode(sentiment, OPINION).pieces))
    shared_workbench.settle()
    method = gb.METHODS["attention_relevance"]
    shared_workbench.choose("Method", method.label)
    caption = shared_workbench.panel("Saliency").get_by_test_id("stCaptionContainer").last
    expect(caption).to_contain_text(method.label)
    expect_scores(shared_workbench, gb.attribute(sentiment, OPINION, method=method.id).scores)
    shared_workbench.expect_parameters(method=method.id)


def expect_scores(bench: Workbench, scores: np.ndarray) -> None:
    """The strip's spoken scores, which have three digits; float noise may turn the last one."""
    expect(bench.tokens("saliency")).to_have_count(len(scores))

    def shown() -> np.ndarray:
        spoken = bench.tokens("saliency").evaluate_all("(tokens) => tokens.map((token) => token.ariaLabel)")
        found = [label.rpartition("score ")[2].replace("−", "-") for label in spoken]
        return np.array([float(number) for number in found])

    bench.until(lambda: np.allclose(shown(), scores, rtol=0.006, atol=1e-5), lambda: f"{shown()}\n{scores}")


def test_the_attention_weight_under_the_pointer(shared_workbench: Workbench, pretrained: gb.Model) -> None:
    shared_workbench.type(FACT)
    expect(shared_workbench.tokens("saliency")).to_have_text(list(gb.encode(pretrained, FACT).pieces))
    shared_workbench.open_head(3, 5)
    shared_workbench.expect_parameters(layer="3", head="5")
    weights = gb.attention(pretrained, FACT).weights[3, 5]
    tokens = gb.encode(pretrained, FACT).pieces
    assert len(set(tokens)) == len(tokens)
    seen = set()
    for across, down in ((0.5, 0.5), (0.7, 0.6), (0.95, 0.95)):
        shared_workbench.point_into_heatmap(across, down)
        expect(shared_workbench.readout()).to_have_text(re.compile(r"^from .+ → to .+: [0-9.]+$"))
        row, column, shown = re.match(r"from (.+) → to (.+): (.+)", shared_workbench.readout().text_content()).groups()
        weight = weights[tokens.index(row), tokens.index(column)]
        assert abs(float(shown) - weight) <= 0.6e-4, (row, column)
        seen.add((row, column))
    assert len(seen) == 3
