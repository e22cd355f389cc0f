"""The progress of a download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Meter", "Progress", "byte_counter"]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a download; ``file`` is the one being downloaded."""

    bytes_done: int
    bytes_total: int
    file: str


class Meter:
    """Sums the bytes of several files and reports them; never decreases, even if a file restarts."""

    def __init__(self, bytes_total: int, progress: Callable[[Progress], None] | None) -> None:
        self._total = bytes_total
        self._progress = progress or (lambda report: None)
        self._before = 0  # the files that are complete
        self._arrived = 0  # of the current file
        self._reported = -1
        self._file, self._size = "", 0

    @property
    def done(self) -> int:
        """Bytes so far."""
        return self._before + min(self._arrived, self._size)

    def arrived(self, file: str, size: int, count: int) -> None:
        """``count`` bytes of a file of ``size`` bytes are here."""
        self._file, self._size, self._arrived = file, size, count
        self._report()

    def finish(self) -> None:
        self._arrived = self._size
        self._report()
        self._before += self._size
        self._arrived = 0

    def _report(self) -> None:
        if self.done > self._reported:
            self._reported = self.done
            self._progress(Progress(self.done, self._total, self._file))


def byte_counter(advance: Callable[[int], None]) -> type:
    """A progress-bar class for huggingface_hub that draws nothing and only passes on the byte counts."""

    class Bar:
        def __init__(self, *, total: int | None = None, initial: int = 0, **_looks: Any) -> None:
            self.total, self.n = total, initial

        def update(self, count: float = 1) -> None:
            self.n += int(count)
            advance(int(count))

        def update_transfer(self, count: float) -> None:
            """Bytes on the wire, possibly compressed, so they are not reported."""

        def _nothing(self, *args: Any, **options: Any) -> None: ...

        set_postfix_str = set_transfer_postfix_str = set_description = refresh = close = _nothing

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *exception: object) -> None: ...

    return Bar
