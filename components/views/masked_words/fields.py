"""The user's choices that belong to the Masked words page alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from components.state import PageFields

__all__ = ["MaskedWordsFields"]


@dataclass(frozen=True, slots=True)
class MaskedWordsFields(PageFields):
    """What is masked, which words are compared there, and how probabilities are shown."""

    page: ClassVar[str] = "masked_words"
    of_text: ClassVar[tuple[str, ...]] = ("masks",)

    section: Literal["candidates", "surprise", "lens", "why", "probe", "replaced"] = "candidates"
    masks: str = ""  # masked tokens, "3 6"; "": the selected one, "none": none
    words: str = ""  # to compare at a gap; "": none, or the first choice
    probe_words: str = "he, she, they"  # to compare in the sentences of the probe; "": the likeliest
    whole_words: bool = False  # leave out candidates that continue a word
    log_scale: bool = False
    scoring: Literal["original", "word_l2r"] = "original"  # how the pieces of one word are masked in a scored text
    template: str = "The {job} said that [MASK] was tired."
    fillers: str = "job: engineer, nurse, teacher, doctor, secretary, farmer, lawyer, housekeeper"
