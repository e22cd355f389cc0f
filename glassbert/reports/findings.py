"""What a report holds: the verdict with its evidence, and the passport of all of its numbers.

The document is made from it: see ``results``, where the two meet.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassbert.attribution.results import TokenScores
from glassbert.evaluation.results import MethodAgreement, Receipt
from glassbert.heads.results import HeadImportance
from glassbert.language.predictions import Classification, Prediction, ReplacedTokens
from glassbert.language.results import LogitLens, Surprise
from glassbert.maps.results import TokenMaps
from glassbert.pictures.formats import percent
from glassbert.pictures.markup import clipped
from glassbert.results import Encoded, Result, tidy
from glassbert.targets import ClassTarget, Target
from glassbert.verdicts.results import Verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Findings", "ModelIdentity", "Passport", "decision_rule"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelIdentity(Result):
    """Which model it was, so that anyone can tell whether theirs is the same.

    ``name`` is its display name, ``id`` what :func:`glassbert.load` takes; of a folder both are its name without the
    path. ``origin`` is "embedded", "hub" or "folder", and ``revision`` the commit of a hub model. ``weights`` and
    ``tokenizer`` are file name → SHA-256 of the file, ``config`` the SHA-256 of its config.json. ``ablated_heads`` are
    the (layer, head) that were switched off.
    """

    name: str
    id: str
    origin: str
    revision: str | None
    family: str
    task_heads: tuple[str, ...]
    parameters: int
    weights: dict[str, str]
    tokenizer: dict[str, str]
    config: str
    device: str
    device_label: str
    precision: str
    ablated_heads: tuple[tuple[int, int], ...]

    @property
    def short_hash(self) -> str:
        """The first eight digits of the SHA-256 of the weights; of several files, of the SHA-256 of their hashes."""
        hashes = list(self.weights.values())
        one = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        return one[:8]

    def _about(self) -> str:
        return f"{clipped(self.name, 60)} ({self.origin}): {self.parameters:,} parameters, {self.precision}"

    def facts(self) -> dict[str, str]:
        """What it is → its value, in words."""
        facts = {
            "Model": self.name,
            "Source": {
                "embedded": f"ships with GlassBERT as “{self.id}”",
                "hub": f"{self.id} on the Hugging Face hub",
                "folder": "a local folder; the hashes below identify it",
            }.get(self.origin, self.origin),
        }
        if self.revision:
            facts["Revision"] = self.revision
        facts["Architecture"] = f"{self.family}, {self.parameters:,} parameters"
        facts["Heads"] = ", ".join(head.replace("_", " ") for head in self.task_heads) or "none"
        if self.ablated_heads:
            off = ", ".join(f"{layer + 1}·{head + 1}" for layer, head in self.ablated_heads)
            facts["Attention heads switched off"] = off
        facts["Weights, short hash"] = self.short_hash
        facts["Runs on"] = f"{self.device_label}, {self.precision}"
        for kind, hashes in (("Weights", self.weights), ("Tokenizer", self.tokenizer), ("Config", {"": self.config})):
            for file, digest in hashes.items():
                facts[f"{kind} {file}, SHA-256".replace(" ,", ",")] = digest
        return facts

    def frame(self) -> pd.DataFrame:
        """One row per fact."""
        facts = self.facts()
        return tidy({"fact": list(facts), "value": list(facts.values())})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Passport(Result):
    """Where the numbers of a report come from: models, versions, settings and date.

    ``proposer`` is the model that suggested words to replace, None where the model itself did or none was needed.
    ``versions`` is package → version. ``threads`` is torch's number of threads, which may change the last digit of a
    number. ``created`` is in UTC, ISO 8601.
    """

    model: ModelIdentity
    proposer: ModelIdentity | None
    versions: dict[str, str]
    system: str
    threads: int
    seed: int
    settings: dict[str, Any]
    created: str

    def _about(self) -> str:
        return f"of {clipped(self.model.name, 60)}: GlassBERT {self.versions.get('glassbert', '?')}, {self.created}"

    def facts(self) -> dict[str, str]:
        """What it is → its value, in words."""
        facts = self.model.facts()
        if self.proposer is not None:
            facts |= {f"Proposes words: {name.lower()}": value for name, value in self.proposer.facts().items()}
        facts |= {f"Version of {package}": version for package, version in self.versions.items()}
        facts |= {"System": self.system, "Threads": str(self.threads), "Seed": str(self.seed)}
        facts |= {name.replace("_", " ").capitalize(): _told(value) for name, value in self.settings.items()}
        facts["Date (UTC)"] = self.created
        return facts

    def frame(self) -> pd.DataFrame:
        """One row per fact."""
        facts = self.facts()
        return tidy({"fact": list(facts), "value": list(facts.values())})


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_told(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_told(one) for one in value) or "none"
    return "automatic" if value is None else str(value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Findings:
    """The fields of a :class:`glassbert.reports.results.Report`, which describes them."""

    title: str
    verdict: Verdict
    prediction: Prediction
    scores: tuple[TokenScores, ...]  # (method,)
    receipts: tuple[Receipt, ...]  # of all methods or of the first ones
    agreement: MethodAgreement
    importance: HeadImportance | None
    maps: tuple[TokenMaps, ...]  # (head,), each (1, word, word)
    surprise: Surprise | None
    lens: LogitLens | None
    unknown: int  # tokens that the model cannot read
    weaknesses: tuple[str, ...]  # known ones of the model, from its card
    left_out: dict[str, str]
    passport: Passport

    @property
    def encoded(self) -> Encoded:
        """The text, as the model reads it."""
        return self.verdict.encoded

    @property
    def target(self) -> Target:
        """What is explained."""
        return self.verdict.answer.target

    @property
    def heads(self) -> tuple[tuple[int, int], ...]:
        """(layer, head) of each map, counted from 0."""
        found = (one.options["heads"][0] for one in self.maps)
        return tuple((int(layer), int(head)) for layer, head in found)

    @property
    def decision_rule(self) -> str:
        """How the answer follows from the probabilities: "the class with the highest probability"; "" for a score."""
        return decision_rule(self.prediction, self.target)


def decision_rule(prediction: Prediction, target: Target) -> str:
    """How the answer follows from the probabilities: "the class with the highest probability"; "" for a score."""
    if isinstance(prediction, ReplacedTokens):
        return "each token by itself: it counts as replaced if its probability is above 50%"
    if not isinstance(prediction, Classification):
        return "the answer with the highest probability"
    if prediction.regression:
        return ""
    if prediction.multi_label:
        return "each label by itself, if its probability is above 50%"
    threshold = target.threshold if isinstance(target, ClassTarget) else 0.5
    if prediction.is_between_two and threshold != 0.5:
        first, second = (clipped(label, 60) for label in prediction.labels)
        needed = f", which needs {percent(1 - threshold)}"
        return f"“{second}” if its probability is above {percent(threshold)}, else “{first}”{needed}"
    return "the class with the highest probability"
