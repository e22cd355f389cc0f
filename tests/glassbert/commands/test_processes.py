"""The command as a process: pipes, streams, signals, and what does not belong on standard output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import glassbert as gb

ROOT = Path(__file__).resolve().parents[3]
#: Python runs this at its start: a library that prints when it is imported, from Python and from below it.
NOISE = """
import os, sys

def noise(event, arguments):
    if event == "import" and arguments[0] == "transformers.utils":
        print("printed by a library", flush=True)
        os.write(1, b"written by its C code\\n")

sys.addaudithook(noise)
"""


def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "glassbert", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def say(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


@pytest.mark.slow
@pytest.mark.smoke
def test_a_stream_of_lines_under_the_c_locale(sentiment: gb.Model, tmp_path: Path) -> None:
    """Each answer comes before the next text is given, in UTF-8, and nothing else comes to standard output; a reader
    that goes away ends it without a word."""
    (tmp_path / "sitecustomize.py").write_text(NOISE)
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    process = start("classify", "--json", PYTHONPATH=path, LC_ALL="C", PYTHONIOENCODING="ascii")
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        for number, text in enumerate(["It was not bad at all.", "naïve café 😀 日本", "A dull film."]):
            if number == 2:
                say(process, b"bad \xff\n")
                assert json.loads(process.stdout.readline())["line"] == 3
            say(process, f"{text}\n".encode())
            found = gb.Classification.from_dict(json.loads(process.stdout.readline().decode()))
            expected = gb.classify(sentiment, text)
            assert found.encoded.texts == (text,)
            np.testing.assert_allclose(found.logits, expected.logits, atol=1e-5)
        process.stdout.close()
        say(process, b"It was good.\n")
        assert process.wait(60) == 128 + signal.SIGPIPE
        said = process.stderr.read().decode().splitlines()
        assert said == ["printed by a library", "written by its C code", said[-1]]
        assert said[-1].startswith("glassbert: standard input, line 3: the line is not UTF-8")
    finally:
        process.kill()
        process.wait()


def test_an_interrupt_ends_it_without_a_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start("classify", "--file", str(pipe))
    with pipe.open("wb"):  # succeeds when the command opens its end, right before the imports
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


#: What every shell does while one types: it must not wait for torch.
QUICK = """
import sys
from glassbert.__main__ import main

for arguments in (["--help"], ["--version"], ["classify", "--help"], ["app", "--help"], ["models"]):
    try:
        main(arguments)
    except SystemExit as stop:
        assert stop.code == 0
    heavy = {"torch", "transformers", "pandas", "streamlit", "captum"} & set(sys.modules)
    assert not heavy, (arguments, heavy)
"""


def test_help_and_the_list_of_models_do_not_wait_for_torch() -> None:
    done = subprocess.run([sys.executable, "-c", QUICK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    assert f"\nglassbert {gb.__version__}\n" in done.stdout


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [
        (">&-", 0, ""),
        ("| true", 0, ""),
        ("> /dev/full", 1, "glassbert: the results cannot be written: No space left on device\n"),
        ("2>&- --nonsense", 2, ""),
    ],
)
def test_streams_that_are_closed_or_full(ending: str, status: int, said: str) -> None:
    command = f"{sys.executable} -m glassbert models {ending}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said)
