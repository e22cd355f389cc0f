"""Receipts: every check of one explanation, or of many of the same decision. Finds the checks: one file each."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from glassbert.arguments import checked
from glassbert.attribution.results import TokenScores
from glassbert.decision import Passes
from glassbert.errors import OptionError
from glassbert.evaluation._check import Check, Group
from glassbert.evaluation._examination import Examination, Subject
from glassbert.evaluation.results import Receipt, ReceiptLine
from glassbert.network.device import work_threads
from glassbert.network.model import Model

__all__ = ["CHECKS", "receipt", "receipts"]

_MOST_ORDERINGS = 10_000
# The order of a receipt's lines.
_GROUPS: tuple[Group, ...] = ("arithmetic", "faithfulness", "agreement", "sanity", "stability")


def _discover() -> Mapping[str, Check]:
    """The files of this folder that define ``CHECK``."""
    files = pkgutil.iter_modules([str(Path(__file__).parent)])
    names = sorted(info.name for info in files if not info.name.startswith("_") and info.name != "results")
    checks = (importlib.import_module(f"{__package__}.{name}").CHECK for name in names)
    return MappingProxyType({check.id: check for check in sorted(checks, key=lambda one: _GROUPS.index(one.group))})


#: Check id → what the check declares about itself, in the order of a receipt's lines.
CHECKS: Mapping[str, Check] = _discover()


@checked
def receipt(
    model: Model,
    scores: TokenScores,
    *,
    checks: Sequence[str] | None = None,
    n_orderings: int | None = None,
    seed: int = 0,
    thorough: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Receipt:
    """How far one explanation can be trusted: a number, a sentence and a verdict for each of :data:`CHECKS`.

    ``checks`` are ids; ``None`` runs all. Faithfulness is measured against ``n_orderings`` random orderings of the
    tokens; ``None`` means 100, or fewer for texts of more than about 128 tokens (25 at 512), where each costs hundreds
    of passes. A quick receipt runs as much of the sanity and stability checks as about sixty passes each allow, and
    reports what it skipped; ``thorough`` runs them in full. ``progress(passes done, passes expected)`` is called as it
    goes. The model must be the one that was explained. Raises OptionError, TargetError, TaskHeadError; StoppedError
    when ``cancelled()``.
    """
    return next(
        receipts(
            model,
            [scores],
            checks=checks,
            n_orderings=n_orderings,
            seed=seed,
            thorough=thorough,
            progress=progress,
            cancelled=cancelled,
        )
    )


@checked
def receipts(
    model: Model,
    scores: Sequence[TokenScores],
    *,
    checks: Sequence[str] | None = None,
    n_orderings: int | None = None,
    seed: int = 0,
    thorough: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Receipt]:
    """A receipt for each of these explanations of one decision, in order, yielded as soon as it is ready.

    They share F(x), leave-one-out and the random orderings, so ten receipts cost little more than one. All scores must
    be about the same text, target and output. Parameters and errors as for :func:`receipt`.
    """
    chosen = _chosen(checks)
    if n_orderings is not None and not 10 <= n_orderings <= _MOST_ORDERINGS:
        raise OptionError(f"n_orderings must be from 10 to {_MOST_ORDERINGS} or None; got {n_orderings}")
    if not 0 <= seed < 2**31:
        raise OptionError(f"seed must be from 0 to {2**31 - 1}; got {seed}")
    if not scores:
        return iter(())
    passes = Passes(cancelled=cancelled)
    examination = Examination(model, scores[0], n_orderings=n_orderings, seed=seed, thorough=thorough, passes=passes)
    subjects = [examination.subject(one) for one in scores]
    if progress is not None:
        passes.report(progress, _expected(examination, subjects, chosen))
    return _issued(examination, subjects, chosen)


def _issued(examination: Examination, subjects: list[Subject], checks: list[Check]) -> Iterator[Receipt]:
    """First each check names the variants of the text whose F it needs, and ``Examination.compute`` runs them all.

    Then each check looks them up (``run``), and ``_check.verdict`` grades the number that it finds.
    """
    for number, subject in enumerate(subjects):
        start, before = time.perf_counter(), examination.runner.passes.count
        if number == 0:
            wanted = [check.variants(examination, one) for one in subjects for check in checks if check.variants]
            if wanted:
                with work_threads(len(wanted) * examination.runner.decision.length**2):
                    examination.compute(wanted)
        lines = tuple(_line(check, examination, subject) for check in checks)
        runner = examination.runner
        yield Receipt(
            encoded=runner.decision.encoded,
            target=runner.decision.target,
            target_label=runner.decision.target_label,
            output=runner.decision.output,
            method=subject.scores.method,
            lines=lines,
            orderings=len(examination.orderings),
            seed=examination.seed,
            thorough=examination.thorough,
            forward_passes=runner.passes.count - before,
            seconds=time.perf_counter() - start,
        )


def _line(check: Check, examination: Examination, subject: Subject) -> ReceiptLine:
    found = check.run(examination, subject)
    return ReceiptLine(check.id, found.number, found.sentence, found.verdict, check.threshold, found.details)


def _chosen(checks: Sequence[str] | None) -> list[Check]:
    wanted = tuple(CHECKS) if checks is None else tuple(checks)
    unknown = [check for check in wanted if check not in CHECKS]
    if unknown:
        raise OptionError(f"a check must be one of {', '.join(CHECKS)}; got {', '.join(map(repr, unknown))}")
    return [check for check in CHECKS.values() if check.id in wanted]


def _expected(examination: Examination, subjects: list[Subject], checks: list[Check]) -> int:
    """Inputs that will go through the network, roughly: parts that turn out equal are computed once."""
    shared = any(check.variants for check in checks) * 2 * len(set(examination.sizes)) * len(examination.orderings)
    return shared + sum(check.cost(examination, subject) for subject in subjects for check in checks)
