"""The process in which a run trains: started by the queue, it ends with the server that started it.

    python -P -m components.gateway.runs.process LOCK glassbert finetune --data …

Standard input is a pipe that only the server holds: when it closes, however the server ended, the training is told to
stop, which saves a checkpoint. The lock says to every server on this machine that the run is under way.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

__all__ = ["NICENESS", "lock", "main"]

#: The app stays quick while a training takes every core that is left.
NICENESS = 10
_LAST_SECONDS = 20.0
# Somebody else may only be looking whether the lock is taken.
_LOCK_SECONDS = 2.0


def lock(path: str) -> int | None:
    """Take the lock of a run; None if another process has it. It is given back when this process ends."""
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        import fcntl
    except ImportError:  # Windows: only the queue of this server knows
        return held
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return None
    return held


def _end_with_the_server() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_LAST_SECONDS)
    os._exit(130)


def main(arguments: list[str]) -> None:
    """Run a module with its arguments, holding this lock."""
    path, module, *command = arguments
    until = time.monotonic() + _LOCK_SECONDS
    while lock(path) is None:
        if time.monotonic() > until:
            sys.exit("this run is already under way in another process")
        time.sleep(0.05)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    sys.argv[1:] = command
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
