"""Results of evaluating explanations: receipts, scoreboards, rankings, and agreement between methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from glassbert.pictures.formats import signed
from glassbert.pictures.markup import clipped
from glassbert.results import Array, Encoded, Result, counted, quoted, tidy
from glassbert.targets import Output, Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BaselineGap", "Grade", "MethodAgreement", "MethodRanking", "Receipt", "ReceiptLine", "Scoreboard"]

Grade = Literal["holds", "doubtful", "fails", "not_applicable"]

# Worst first: a receipt is as good as its worst line.
_GRADES: tuple[Grade, ...] = ("fails", "doubtful", "holds")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReceiptLine(Result):
    """One check of an explanation: a number, what it means in a sentence, and a verdict by a stated threshold.

    ``check`` is an id of ``gb.CHECKS``. ``number`` is None where the check does not apply; ``sentence`` then states
    why. ``details`` is plain data for charts (lists of numbers, names of stages).
    """

    check: str
    number: float | None
    sentence: str
    verdict: Grade
    threshold: str
    details: dict[str, Any]

    @property
    def beaten_share(self) -> float | None:
        """Of a faithfulness check, the share of random orderings beaten, a tie counting half; None if it has none."""
        share: float | None = self.details.get("beaten_share")
        return share

    def _about(self) -> str:
        number = "no number" if self.number is None else f"{self.number:.3g}"
        return f"{self.check} → {self.verdict}: {number}; {self.sentence}"

    def frame(self) -> pd.DataFrame:
        """One row."""
        return _lines((self,))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Receipt(Result):
    """How far one explanation can be trusted: one line per check.

    ``forward_passes`` and ``seconds`` are this receipt's own. Work shared by the receipts of one input (random
    orderings, leave-one-out) is counted in the first.
    """

    encoded: Encoded
    target: Target
    target_label: str
    output: Output
    method: str
    lines: tuple[ReceiptLine, ...]
    orderings: int
    seed: int
    thorough: bool
    forward_passes: int
    seconds: float

    @property
    def verdict(self) -> Grade:
        """The worst verdict of any line; not applicable when no check could be made."""
        given = {line.verdict for line in self.lines}
        return next((verdict for verdict in _GRADES if verdict in given), "not_applicable")

    def line(self, check: str) -> ReceiptLine:
        """The line of one check. Raises KeyError if the check was not run."""
        for line in self.lines:
            if line.check == check:
                return line
        raise KeyError(f"this receipt has no line {check!r}; it has {', '.join(line.check for line in self.lines)}")

    def _about(self) -> str:
        verdicts = [line.verdict for line in self.lines]
        counts = [f"{verdicts.count(name)} {name.replace('_', ' ')}" for name in dict.fromkeys(verdicts)]
        return (
            f"of {self.method} of {quoted(self.encoded.texts)} → {self.verdict}: "
            f"{counted(len(self.lines), 'check')}, {', '.join(counts)}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per check."""
        return _lines(self.lines)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scoreboard(Result):
    """The methods on one input, most faithful first, with all their numbers.

    The order is by ``faithfulness``: the share of random orderings beaten, a tie counting half, averaged over
    comprehensiveness and sufficiency; methods that tie are ordered by comprehensiveness, then by sufficiency.
    ``numbers`` has None where a check does not apply to a method.
    """

    encoded: Encoded
    target_label: str
    methods: tuple[str, ...]  # best first
    faithfulness: tuple[float | None, ...]  # (method,), in [0, 1]
    columns: tuple[str, ...]  # ids of checks
    numbers: tuple[tuple[float | None, ...], ...]  # [method][column]
    verdicts: tuple[tuple[Grade, ...], ...]  # [method][column]
    rule: str

    def _about(self) -> str:
        shown = [
            name if number is None else f"{name} {number:.2f}"
            for name, number in zip(self.methods, self.faithfulness, strict=True)
        ]
        return f"of {quoted(self.encoded.texts)} → {clipped(', '.join(shown), 80)}: {counted(len(shown), 'method')}"

    def frame(self) -> pd.DataFrame:
        """One row per method, best first."""
        import pandas as pd

        columns = {name: [row[index] for row in self.numbers] for index, name in enumerate(self.columns)}
        return pd.DataFrame({"method": self.methods, "faithfulness": self.faithfulness, **columns})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MethodRanking(Result):
    """Which methods are faithful for one model, over a set of sentences.

    ``comprehensiveness`` and ``sufficiency`` are in probability; ``beaten`` is the share of random orderings beaten,
    averaged over both measures, a tie counting half; ``agreement`` is Kendall's τ with leave-one-out. A sentence in
    which a measure does not apply to a method is excluded for that method; ``used`` marks the others.
    """

    model: str
    methods: tuple[str, ...]  # most faithful first
    sentences: tuple[tuple[str, ...], ...]  # (sentence,), each one text or a pair
    comprehensiveness: Array  # (method, sentence)
    sufficiency: Array  # (method, sentence)
    beaten: Array  # (method, sentence), in [0, 1]
    agreement: Array  # (method, sentence), in [−1, 1]
    used: Array  # (method, sentence), 1 where the measures apply
    forward_passes: Array  # (method,), of the methods themselves, mean over sentences
    planted: Array  # (method, text), in [0, 1], or −1
    planted_chance: float | None
    planted_missing: str
    edits: Array  # (method, text), in [0, 1], or −1
    edits_chance: float | None
    edits_missing: str
    orderings: int
    seed: int
    seconds: float

    _arrays: ClassVar[Mapping[str, str]] = {
        "comprehensiveness": "float32",
        "sufficiency": "float32",
        "beaten": "float32",
        "agreement": "float32",
        "used": "int64",
        "forward_passes": "float32",
        "planted": "float32",
        "edits": "float32",
    }

    @property
    def best(self) -> str:
        """The id of the method that beats the most random orderings."""
        return self.methods[0]

    def mean(self, column: str) -> Array:
        """(method,): the mean over the sentences used of one of the measures, such as "beaten"."""
        values: Array = (getattr(self, column) * self.used).sum(axis=1) / np.maximum(self.used.sum(axis=1), 1)
        return values

    def found(self, truth: Literal["planted", "edits"]) -> Array:
        """(method,): the mean average precision for the planted word or the human edits; NaN where it is not known."""
        values = getattr(self, truth)
        known = values >= 0
        sums: Array = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
        return np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)

    def _about(self) -> str:
        return (
            f"of {clipped(self.model, 60)} → {self.best}: {counted(len(self.methods), 'method')}, "
            f"{counted(len(self.sentences), 'sentence')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per method, most faithful first: means over the sentences, and over the texts of known evidence."""
        import pandas as pd

        columns = ("beaten", "comprehensiveness", "sufficiency", "agreement")
        return pd.DataFrame(
            {
                "method": self.methods,
                **{name: self.mean(name) for name in columns},
                "planted": self.found("planted"),
                "edits": self.found("edits"),
                "sentences": self.used.sum(axis=1),
                "forward_passes": self.forward_passes,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MethodAgreement(Result):
    """How far methods agree on one input.

    ``kendall`` is Kendall's τ-b between two methods' orders of the tokens that are not special; 0 where one of them
    gives all tokens the same score. ``overlap`` is the share of the ``top_k`` tokens that two methods have in common.
    ``consensus`` is the mean over methods of each method's scores divided by the sum of their magnitudes over the
    words, so that each method has the same total weight of 1; 0 for special tokens. ``spread`` is their standard
    deviation.
    ``special_shares`` is the part of each method's magnitude that special tokens hold.
    """

    encoded: Encoded
    target_label: str
    methods: tuple[str, ...]
    kendall: Array  # (method, method)
    overlap: Array  # (method, method), in [0, 1]
    top_k: int
    consensus: Array  # (token,)
    spread: Array  # (token,)
    special_shares: Array  # (method,), in [0, 1]

    _arrays: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("kendall", "overlap", "consensus", "spread", "special_shares"), "float32"
    )

    def _about(self) -> str:
        pairs = self.kendall[np.triu_indices(len(self.methods), 1)]
        mean = f", mean Kendall's τ {pairs.mean():.2f}" if len(pairs) else ""
        return f"of {quoted(self.encoded.texts)}: {counted(len(self.methods), 'method')}{mean}"

    def frame(self) -> pd.DataFrame:
        """One row per pair of methods."""
        import pandas as pd

        first, second = np.triu_indices(len(self.methods), 1)
        return pd.DataFrame(
            {
                "method": [self.methods[index] for index in first],
                "other": [self.methods[index] for index in second],
                "kendall": self.kendall[first, second],
                "overlap": self.overlap[first, second],
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BaselineGap(Result):
    """F of a text compared with F of the baseline, an empty text: what complete scores have to explain.

    ``share`` is (F(x) − F(baseline)) / |F(x)|, with the sign turned if the target is not the prediction: negative means
    that the text moves F away from what the model predicts. For a regression it is |F(x) − F(baseline)| / |F(x)|.
    """

    encoded: Encoded
    target: Target
    target_label: str
    output: Output
    baseline: str
    value: float
    baseline_value: float
    share: float
    verdict: Grade
    threshold: str
    forward_passes: int

    @property
    def change(self) -> float:
        """F(x) − F(baseline)."""
        return self.value - self.baseline_value

    @property
    def sentence(self) -> str:
        """What the comparison means, in a sentence."""
        values = f"{signed(self.baseline_value)} for the empty text, {signed(self.value)} for this one"
        if self.share < 0:
            return (
                f"the empty text already speaks for this answer, and the words lower its value ({values}): the scores "
                "add up to a change in the other direction"
            )
        if self.verdict == "fails":
            return (
                f"the empty text already has nearly the same value ({values}): the scores explain only a change of "
                f"{signed(self.change)}"
            )
        return f"the words change the value by {signed(self.change)} ({values})"

    def _about(self) -> str:
        return (
            f"of {quoted(self.encoded.texts)} → {clipped(self.target_label, 30)} {self.verdict}: F "
            f"{signed(self.value)}, [{self.baseline}] {signed(self.baseline_value)}, share {self.share:.2f}"
        )

    def frame(self) -> pd.DataFrame:
        """One row."""
        names = ("baseline", "value", "baseline_value", "change", "share", "verdict", "sentence", "threshold")
        return tidy({name: [getattr(self, name)] for name in names})


def _lines(lines: tuple[ReceiptLine, ...]) -> pd.DataFrame:
    import pandas as pd

    names = ("check", "number", "verdict", "sentence", "threshold")
    return pd.DataFrame({name: [getattr(line, name) for line in lines] for name in names})
