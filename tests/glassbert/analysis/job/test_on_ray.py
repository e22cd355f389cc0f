"""An analysis on a real Ray cluster of two actors, one of which is killed while it works."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import glassbert as gb
from glassbert.analysis import folder as layout
from glassbert.analysis.job import on_ray, running

ray = pytest.importorskip("ray")
COUNT, PART = 48, 8


def _actors() -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"ray::MapWorker" in (place / "cmdline").read_bytes():
                yield int(place.name)


@pytest.mark.smoke  # the cluster alone takes half a minute
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the processes of actors in /proc")
def test_two_actors_one_of_them_killed(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PART_ROWS", PART)
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    data = pd.DataFrame({"text": [f"The film was good.{' film' * (n % 30)}" for n in range(COUNT)]})
    data.loc[5, "text"] = ""
    options = {"receipts": 1.0, "orderings": 30}
    gb.analyse(model, data, tmp_path / "local", **options)
    ours, out, killed = set(_actors()), tmp_path / "ray", []

    def kill() -> None:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and not killed:
            if any(out.glob("predictions-*.parquet")) and (found := set(_actors()) - ours):
                os.kill(killed.append(found.pop()) or killed[0], signal.SIGKILL)
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    done: list[tuple[int, int | None]] = []
    gb.analyse(model, data, out, engine="ray", actors=2, progress=lambda *now: done.append(now), **options)
    killer.join()
    assert killed
    assert done[0] == (0, COUNT)
    assert done[-1] == (COUNT, COUNT)
    assert not (out / ".rows").exists()
    for kind in layout.KINDS:
        for number in range(COUNT // PART):
            here, there = (
                pq.read_table(tmp_path / name / layout.part_file(kind, number)).to_pandas() for name in ("local", "ray")
            )
            assert here.columns.tolist() == there.columns.tolist()
            for name in here:
                if here[name].dtype.kind == "f" and len(here):
                    assert np.allclose(here[name], there[name], atol=1e-5, equal_nan=True), (kind, number, name)
                elif name in ("state", "probabilities"):
                    for one, other in zip(here[name], there[name], strict=True):
                        assert one is other is None or np.allclose(one, other, atol=2e-3)
                else:
                    assert here[name].tolist() == there[name].tolist() or here[name].isna().all()


def test_without_ray_the_message_says_what_to_install(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    with pytest.raises(gb.OptionError, match=r"pip install 'glassbert\[ray\]'"):
        gb.analyse(model, pd.DataFrame({"text": ["good"]}), tmp_path / "out", engine="ray")


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        on_ray.StreamedRow(2, "a\nb\u2028c", "p", ["x", 1.5], ("\U0001f600", None), None),
        on_ray.StreamedRow(3, damage="the row is empty"),
    ]
    on_ray._write_rows(tmp_path / "00000.json", rows)
    assert on_ray._read_rows(tmp_path / "00000.json") == rows
