"""What a visitor was shown and what the library says: the numbers of charts and maps, by the keys of their elements."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from _visitor import Screen

import glassbert as gb
from components.state import View
from components.widgets.frontend import unpack
from glassbert.pictures.formats import percent

__all__ = ["Library", "Numbers", "Visit", "numbers", "wrong"]

Numbers = Sequence[float | str]

#: Largest difference between two computations of the same number, in batches of other sizes.
TOLERANCE = 1e-4
_CANDIDATES_BESIDE_OTHERS = 5
_CANDIDATES = 10
# the answer and its probability, or the answer and the target with its probability
_ORIGINAL = re.compile(r"\*\*[^*]+\*\* &nbsp; (?:\D+ )?(\d[\d.e-]*%?)")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request and its answer: the numbers that were shown; ``fault``: what went wrong."""

    page: str
    text: str
    pair: str
    seconds: float = 0.0
    shown: Mapping[str, Numbers] = field(default_factory=dict)
    fault: str = ""


def numbers(screen: Screen) -> dict[str, Numbers]:
    """The numbers of a page's charts and maps; on What if, the probability of the original as it is written."""
    shown: dict[str, Numbers] = {}
    for key, element in screen.elements.items():
        if element.DESCRIPTOR.name == "PlotlyChart":
            bars = json.loads(element.spec)["data"][0]
            shown[key] = bars["x"] if bars.get("orientation") == "h" else bars["y"]
        elif getattr(element, "component_name", "") == "glassbert_attention_heatmap":
            header, body = unpack(element.bytes)
            high, low = np.frombuffer(body, np.uint8).reshape(2, -1).astype(int)
            shown[key] = ((256 * high + low) * header["step"]).tolist()
    for written in screen.markdown:
        if found := _ORIGINAL.fullmatch(written.replace("\\", "")):
            shown.setdefault("original", [found[1]])
    return shown


class Library:
    """What the pages must show."""

    def __init__(self) -> None:
        self._pretrained, self._sentiment = gb.load("pretrained", "cpu"), gb.load("sentiment", "cpu")

    def numbers(self, page: str, text: str, pair: str) -> dict[str, Numbers]:
        """By the keys of the elements; of a list that is longer on the page, its beginning."""
        read = gb.encode(self._pretrained, text, pair or None)
        gaps = [position for position, token in enumerate(read.tokens) if token == "[MASK]"]
        decider, target = self._pretrained, self._decision(text, pair) if pair else gb.ClassTarget()
        if gaps:
            target = gb.MaskTarget(gaps[0])
        elif not pair:
            decider, read = self._sentiment, gb.encode(self._sentiment, text)

        def heatmap() -> Numbers:
            fresh = View()
            return gb.attention(decider, read).weights[fresh.layer, fresh.head].ravel().tolist()

        def scores() -> Numbers:
            result = gb.attribute(decider, read, method=View().method, target=target)
            return result.scores[read.special_tokens_mask == 0].tolist()

        def candidates(most: int) -> list[float]:
            return gb.fill_mask(self._pretrained, read, top_k=most).probabilities[0].tolist()

        def follows() -> list[float]:
            return sorted(gb.next_sentence(self._pretrained, text, pair).probabilities.tolist(), reverse=True)

        def classes() -> list[float]:
            return sorted(gb.classify(self._sentiment, text, pair or None).probabilities.tolist(), reverse=True)

        if page == "workbench":
            found = {"heatmap": heatmap(), "classes_beside": classes(), "saliency_bars": scores()}
            found |= {"next_model": follows()} if pair else {}
            return found | ({"candidates_model": candidates(_CANDIDATES_BESIDE_OTHERS)} if gaps else {})
        if page == "attention":
            return {"head_heatmap": heatmap()}
        if page == "masked_words":
            return {"gap_0": candidates(_CANDIDATES)}
        if page == "next_sentence":
            return {"decision": follows(), "next_why_bars": scores()}
        if page == "what_if":
            probability = candidates(1)[0] if gaps else follows()[0] if pair else classes()[0]
            return {"original": [percent(probability)]}
        raise ValueError(f"{page!r}: nothing is known about the numbers of this page")

    def _decision(self, text: str, pair: str) -> gb.Target:
        """What the pages explain of a pair: the answer."""
        return gb.NextSentenceTarget(is_next=gb.next_sentence(self._pretrained, text, pair).predicted == 0)


def wrong(visit: Visit, library: Library) -> list[str]:
    """The elements that showed something else than the library says, or nothing."""
    return [
        name
        for name, expected in library.numbers(visit.page, visit.text, visit.pair).items()
        if not _same(visit.shown.get(name, ())[: len(expected)], expected)
    ]


def _same(shown: Numbers, expected: Numbers) -> bool:
    return len(shown) == len(expected) and all(
        one == other if isinstance(one, str) or isinstance(other, str) else abs(one - other) <= TOLERANCE
        for one, other in zip(shown, expected, strict=True)
    )
