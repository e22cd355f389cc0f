"""Stands for ``glassbert finetune`` in tests of the queue: it writes a line of progress and does what it is told.

python -m tests.components.gateway.runs.fake_training wait|stubborn|done|fail|kill FOLDER
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(doing: str, out: str) -> int:
    folder = Path(out)
    training = folder.with_name(f"{folder.name}.training")
    training.mkdir(parents=True, exist_ok=True)

    def say(**line: object) -> None:
        with (training / "progress.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def stopped(*_: object) -> None:
        say(kind="stopped", step=1)
        os._exit(130)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if doing == "stubborn" else stopped)
    say(kind="start", steps=4, epochs=1, rows=8, niceness=os.nice(0), threads=os.environ["OMP_NUM_THREADS"])
    pinned = {"words": ["[CLS]", "Good"], "scores": [9.0, 0.5], "answer": "good", "confidence": 0.75}
    say(kind="pinned", epoch=1, sentence=0, **pinned)
    say(kind="step", step=1, epoch=0.25, loss=0.7, learning_rate=1e-3, left=9.0, process=os.getpid())
    if doing in ("wait", "stubborn"):
        time.sleep(120)
    if doing == "fail":
        say(kind="failed", error_type="TableError", error="all texts are equal: nothing can be learned")
        return 1
    if doing == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if doing == "usage":
        sys.stderr.write("glassbert: no such option\n")
        return 2
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    training.joinpath("progress.jsonl").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
