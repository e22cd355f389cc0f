"""Scripts that the library runs in a process of their own, forked from one whose imports are done.

Importing transformers or torch is nearly all that such a process takes, 1.5 to 2 s for each tokenizer and each
checkpoint of the tests. A fork runs the same ``main`` under the same limits. What a test itself starts, or puts in the
place of a script, is started as usual, so the tests of how the processes are started see the real ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SERVER = """
import importlib.util, io, json, os, sys

script, *absent = sys.argv[1:]
sys.modules.update(dict.fromkeys(absent))  # as if they were not installed
spec = importlib.util.spec_from_file_location("script", script)
module = sys.modules["script"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for line in sys.stdin:
    arguments, given = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sys.argv, sys.stdin = [script, *arguments], io.StringIO(given)
            os.dup2(writing, 1)
            module.main()
            sys.stdout.flush()
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        printed = pipe.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), printed]), flush=True)
"""


class Forked:
    """Stands for the module ``subprocess`` in the module that runs ``script``."""

    def __init__(self, script: Path, *absent: str) -> None:
        self._command = [sys.executable, "-P", str(script)]
        self._absent = absent
        self._server: subprocess.Popen[str] | None = None
        self._one_at_a_time = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        if list(command[:3]) != self._command:
            return subprocess.run(command, **options)
        with self._one_at_a_time:
            server = self._server = self._server or self._started(options.get("env"))
            assert server.stdin is not None
            assert server.stdout is not None
            print(json.dumps([command[3:], options.get("input", "")]), file=server.stdin, flush=True)
            status, printed = json.loads(server.stdout.readline())
        return subprocess.CompletedProcess(command, status, printed)

    def _started(self, environment: dict[str, str] | None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVER, self._command[2], *self._absent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.communicate()
