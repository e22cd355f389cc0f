"""Distillation: a model learns the answers of a larger one beside the labels (Hinton, Vinyals and Dean 2015,
arXiv:1503.02531)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from glassbert.errors import OptionError, StoppedError
from glassbert.network.batches import batches
from glassbert.network.model import Model, require_task_head
from glassbert.network.task_heads import task_logits
from glassbert.results import Array
from glassbert.tables import Table
from glassbert.text.inputs import about_text, encode, shorten

__all__ = ["Lesson", "Teaching", "lesson_of"]

_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Teaching:
    """Who teaches, and how much of the loss its answers are."""

    teacher: Model
    temperature: float
    share: float

    def check(self, train: Table) -> None:
        """Raises OptionError, TaskHeadError."""
        if not 0 < self.temperature <= 100:
            raise OptionError(f"temperature must be above 0, up to 100; got {self.temperature:g}")
        if not 0 < self.share <= 1:
            raise OptionError(f"teacher_share must be above 0, up to 1; got {self.share:g}")
        if train.kind != "classification":
            raise OptionError(
                f"a teacher teaches one class a text, and this table is of the kind {train.kind}: leave teacher= out"
            )
        require_task_head(self.teacher, "classification")
        if sorted(map(str.casefold, self.teacher.labels)) != sorted(map(str.casefold, train.label_names)):
            raise OptionError(
                f"the classes of the teacher ({', '.join(self.teacher.labels)}) are not those of the table "
                f"({', '.join(train.label_names)}): choose a teacher that was trained on the same labels"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The teacher's logits for each example, in the order of the student's classes."""

    logits: Tensor  # (example, class)
    temperature: float
    share: float

    def loss(self, own: Tensor, labels_loss: Tensor, places: Tensor) -> Tensor:
        """(1 − share) × the loss of the labels + share × T² KL(teacher ‖ student), both softened by T.

        T² keeps the gradient as large as that of the labels.
        """
        soft = self.temperature
        wanted = (self.logits[places.cpu()].to(own.device) / soft).log_softmax(-1)
        given = (own.float() / soft).log_softmax(-1)
        distance = F.kl_div(given, wanted, log_target=True, reduction="batchmean") * soft**2
        return (1 - self.share) * labels_loss + self.share * distance


def lesson_of(
    teaching: Teaching, table: Table, rows: Array, names: Sequence[str], cancelled: Callable[[], bool]
) -> Lesson:
    """What the teacher answers about these rows of the table; longer texts are shortened. One pass each."""
    teacher = teaching.teacher
    order = [list(map(str.casefold, teacher.labels)).index(name.casefold()) for name in names]
    logits = torch.zeros(len(rows), len(order))
    for start in range(0, len(rows), _AT_ONCE):
        if cancelled():
            raise StoppedError("training was stopped before its first step; call it again to begin anew")
        encoded = []
        for row in rows[start : start + _AT_ONCE].tolist():
            with about_text(row, len(table)):
                text, pair = shorten(teacher, table.texts[row], table.pairs[row] if table.pairs else None)
                encoded.append(encode(teacher, text, pair))
        for chosen in batches(teacher, [len(one) for one in encoded]):
            found = task_logits(teacher, [encoded[number] for number in chosen], "classification").float()
            logits[[start + number for number in chosen]] = found[:, order]
    return Lesson(logits, teaching.temperature, teaching.share)
