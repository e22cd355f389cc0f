"""Pages opened by hostile links: nothing breaks, and a link alone computes no more than what is cheap."""

from __future__ import annotations

import json
import string
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.gateway import inputs, models
from components.gateway.requests import ModelRequest, TextRequest, version_of
from components.shell.navigation import PAGES
from components.state import PageFields, View
from components.text import well_formed
from glassbert.network.run import Forward
from glassbert.text import results
from glassbert.verdicts._work import operations
from tests.components.test_state import GROUPS, HOSTILE, kind_of
from tests.pages.workbench import page, parameters

TEXT = "The film was good."
OWN: dict[str, type[PageFields]] = {group.page: group for group in GROUPS}
SECTIONS = [
    (page_id, section)
    for page_id in PAGES
    for section in (get_args(kind_of(OWN[page_id], "section")) if hasattr(OWN.get(page_id), "section") else ()) or ("",)
]
#: What a page can be asked to do at most.
GREEDY = {
    "method": "shapley_sampling",
    "methods": "shapley_sampling kernel_shap lime partition_shap occlusion smoothgrad gradient_shap decompx",
    "measures": "attention rollout flow value_norms_2020 value_norms_2021 value_zeroing attention_relevance",
    "budget": "20000",
    "max_edits": "2",
    "max_length": "1000000",
    "masks": " ".join(map(str, range(2000))),
    "combined_heads": " ".join(f"{layer}.{head}" for layer in range(50) for head in range(50)),
    "heads_off": " ".join(f"{layer}.{head}" for layer in range(6) for head in range(11)),
    "mark": "importance",
    "combine": "max",
    "dim_below": "100",
    "words": ", ".join(string.ascii_lowercase) + ", " + ", ".join(f"w{number}" for number in range(200)),
    "template": "{a} {b} said that [MASK] was tired.",
    "fillers": "\n".join(f"{slot}: " + ", ".join(f"w{number}" for number in range(100)) for slot in "ab"),
    "swaps": "\n".join(f"w{number}, v{number}" for number in range(2000)),
    "patch": "head",
    "continuations": "\n".join(f"{number} {'word ' * 400}" for number in range(200)),
    "broken_seed": "1000000",
    "switch_by": "importance",
}


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The floating-point operations of each pass."""
    work: list[float] = []
    for name in ("network", "encoder"):
        run = getattr(Forward, name)

        def counted(self: Forward, run: Any = run, **options: Any) -> Any:
            tokens = self.inputs.input_ids.shape[1]
            work.append(self.inputs.token_rows / tokens * operations(self.model, tokens))
            return run(self, **options)

        monkeypatch.setattr(Forward, name, counted)
    return work


@pytest.mark.parametrize(("page_id", "section"), SECTIONS)
def test_a_link_alone_computes_what_is_cheap(page_id: str, section: str, computed: list[float]) -> None:
    asked = GREEDY | ({"section": section} if section else {})
    shown = parameters(page(page_id, text=TEXT, **asked))
    assert shown.get("section", section) == section
    assert sum(computed) <= models._QUICK_OPERATIONS


@pytest.mark.parametrize(
    ("page_id", "section"),
    [
        ("workbench", ""),
        ("attention", "beyond"),
        ("masked_words", "surprise"),
        ("saliency", "rows"),
        ("what_if", "tracing"),
    ],
)
def test_so_does_a_link_with_a_long_text(page_id: str, section: str, computed: list[float]) -> None:
    """So long that one pass per token is more than what is computed without being asked."""
    text = "a b " * 70
    page(page_id, text=text, **GREEDY, **({"section": section} if section else {}))
    assert sum(computed) <= models._QUICK_OPERATIONS


def test_so_does_a_link_with_many_variants_of_a_long_text(computed: list[float]) -> None:
    text = "good film " * 200
    encoded = inputs.encode(TextRequest(ModelRequest("sentiment"), text))
    made = {number: [[1 + number, "replace", "bad"]] for number in range(1, 41)}
    written = json.dumps({"of": version_of(encoded.texts, encoded.tokens), "made": made})
    app = page("what_if", text=text, explain="class", variants=written)
    assert [button.label for button in app.button if button.key == "variants_ask"], "the rest is asked for"
    assert sum(computed) <= models._QUICK_OPERATIONS


@pytest.mark.hypothesis
def test_any_link_opens_its_page() -> None:
    said = HOSTILE.map(well_formed)  # a browser's address holds no half characters

    @st.composite
    def links(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
        page_id, section = draw(st.sampled_from(SECTIONS))
        groups = (View, OWN[page_id]) if page_id in OWN else (View,)
        names = [field.name for group in groups for field in fields(group) if field.name not in ("model", "text")]
        link = draw(st.dictionaries(st.sampled_from(names), said, max_size=12))
        link |= {"section": section} if section and draw(st.booleans()) else {}
        return page_id, link | {"text": draw(st.just(TEXT) | said), "verdict": "0"}

    @settings(max_examples=max(settings().max_examples // 5, 1))
    @given(links())
    def check(asked: tuple[str, dict[str, str]]) -> None:
        page_id, link = asked
        page(page_id, **link)

    check()


@pytest.mark.parametrize("section", ["summary", "attention", "hidden"])
def test_the_work_of_drawing_words_does_not_grow_with_their_square(
    section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How often all words of a text are gone through is the same for few words and for many."""
    gone_through: list[int] = []
    whole = results.words_of
    monkeypatch.setattr(results, "words_of", lambda encoded: gone_through.append(len(encoded)) or whole(encoded))
    counts = []
    for words in (6, 24):
        gone_through.clear()
        page("compare", section=section, text="good film " * (words // 2), beside="sentiment")
        counts.append(len(gone_through))
    assert counts[0] == counts[1] > 0
