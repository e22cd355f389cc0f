"""Properties of heads, as numbers to mark and filter them by on the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.gateway import code
from components.gateway.attention import head_importance, head_labels, head_profile
from components.shared.head_ranking import link_between
from components.shared.kept_maps import kept_link
from components.shared.save_and_code import Kept
from components.text import plain
from components.views.attention.shared import Subject, note_no_decision, target_of, target_phrase

__all__ = ["MARKS", "Mark", "Marked", "kept_mark", "mark", "names"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One number per head: ``source`` is "share" (of the weight on a target), "profile", "importance" or "link"."""

    id: str
    label: str
    source: str
    text: str  # completes "heads with the most …"


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """The numbers, (layer, head), none negative, and their description; ``told`` is one head's number as text."""

    values: np.ndarray
    text: str
    told: Callable[[int, int], str] | None = None


MARKS: dict[str, Mark] = {
    mark.id: mark
    for mark in (
        Mark("", "Nothing", "", ""),
        Mark("previous", "Attends to the previous token", "share", "share of weight on the previous token"),
        Mark("next", "Attends to the next token", "share", "share of weight on the next token"),
        Mark("self", "Attends to the token itself", "share", "share of weight on the token itself"),
        Mark("same_word", "Attends to the same word", "share", "share of weight on the same word"),
        Mark("cls", "Attends to [CLS]", "share", "share of weight on the first special token"),
        Mark("sep", "Attends to [SEP]", "share", "share of weight on the closing special tokens"),
        Mark("punctuation", "Attends to punctuation", "share", "share of weight on punctuation"),
        Mark("entropy", "Entropy", "profile", "entropy, in bits: high is broad"),
        Mark("distance", "Distance", "profile", "mean distance, in tokens"),
        Mark("importance", "Importance for the prediction", "importance", "importance"),
        Mark("link", "Weight between two tokens", "link", ""),
    )
}


def mark(subject: Subject, chosen: Mark) -> Marked | None:
    """The numbers of a mark; None for no mark, without a prediction to be important for, without two tokens."""
    if chosen.source == "importance":
        target = target_of(subject)
        if target is None:
            note_no_decision()
            return None
        found = head_importance(subject.request, target)
        return Marked(
            found.importance, plain(f"importance for {target_phrase(subject, target)}, in logits (Michel et al. 2019)")
        )
    if chosen.source == "link":
        link = link_between(subject.request, subject.selected, subject.second)
        return None if link is None else Marked(link.values, plain(link.text), link.told)
    if not chosen.source:
        return None
    profile = head_profile(subject.request)
    if chosen.source == "share":
        return Marked(np.nan_to_num(profile.share(chosen.id)), plain(chosen.text))
    return Marked(profile.entropy if chosen.id == "entropy" else profile.distance, plain(chosen.text))


def kept_mark(subject: Subject, chosen: Mark) -> list[Kept]:
    """What the bars of the map are taken from, for "Save & code"."""
    request = subject.request
    if chosen.source == "link":
        if subject.selected is None or subject.second is None:
            return []
        return [kept_link(request, subject.selected, subject.second)]
    if chosen.source == "importance":
        target = target_of(subject)
        if target is None:
            return []
        return [Kept.of("Importance", code.head_importance(request, target), head_importance(request, target))]
    return [Kept.of("What each head does", code.head_profile(request), head_profile(request))] if chosen.source else []


def names(subject: Subject) -> tuple[tuple[str, ...], ...]:
    """[layer][head]: what the head does, with the evidence."""
    profile, labels = head_profile(subject.request), head_labels()
    return tuple(
        tuple(f"{labels[label].label}: {profile.evidence(layer, head)}" for head, label in enumerate(row))
        for layer, row in enumerate(profile.labels)
    )
