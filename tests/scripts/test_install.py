"""What the installer does, and says, with a Python that only writes down how it was called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Stands for the interpreter and for the one in .venv: notes pip's arguments, fails where a file says so.
FAKE_PYTHON = """\
#!/bin/sh
case "$1 $2" in
"-c "*print*) echo "${FAKE_VERSION:-3.12}" ;;
"-c "*version_info*) [ "${FAKE_VERSION:-3.12}" != 3.10 ] ;;
"-c "*ensurepip*) [ -z "${FAKE_NO_VENV:-}" ] ;;
"-m venv") [ "$3" = --clear ] && rm -rf .venv; mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip") shift 3 && echo "$*" >>pip.log && [ ! -e pip-fails ] ;;
"-m compileall") shift 2 && echo "compiled $*" >>pip.log && exit 1 ;;
esac
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the real script and small requirements."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/install.sh", tmp_path / "scripts")
    (tmp_path / "requirements.txt").write_text("# pins\ntorch==2.0.0\nstreamlit==1.0.0\n")
    (tmp_path / "requirements-dev.txt").write_text("pytest==9.0.0\n")
    (tmp_path / "requirements.lock").write_text("torch==2.0.0\nstreamlit==1.0.0\npytest==9.0.0\n")
    (tmp_path / "fake-python").write_text(FAKE_PYTHON)
    (tmp_path / "fake-python").chmod(0o755)
    return tmp_path


def install(project: Path, wanted: str = "app", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "scripts/install.sh", wanted],
        cwd=project,
        env={**os.environ, "PYTHON": str(project / "fake-python"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pip_calls(project: Path) -> list[str]:
    """The calls of pip and of the compiler since the last look, without how much they may say."""
    log = project / "pip.log"
    calls = [re.sub("-qq? ", "", line) for line in log.read_text().splitlines()] if log.exists() else []
    log.unlink(missing_ok=True)
    return calls


TORCH = "--no-compile -c requirements.lock torch==2.0.0"
APP = "--no-compile -c requirements.lock -r requirements.txt"
COMPILED = "compiled -j 0 -x /tests/ .venv/lib"
DEV = "--no-compile -c requirements.lock -r requirements-dev.txt"


def test_torch_comes_first_and_the_lock_always(project: Path) -> None:
    done = install(project, "dev")
    assert done.returncode == 0, done.stderr
    assert pip_calls(project) == [TORCH, APP, COMPILED, DEV]


def test_a_second_start_installs_nothing(project: Path) -> None:
    install(project)
    pip_calls(project)
    again = install(project)
    assert (again.returncode, again.stdout, pip_calls(project)) == (0, "", [])


@pytest.mark.parametrize("file", ["requirements.txt", "requirements.lock"])
def test_a_changed_pin_installs_again(project: Path, file: str) -> None:
    install(project)
    pip_calls(project)
    with (project / file).open("a") as pins:
        pins.write("captum==0.9.0\n")
    install(project)
    assert pip_calls(project) == [TORCH, APP, COMPILED]


def test_a_failed_installation_is_said_and_tried_again(project: Path) -> None:
    (project / "pip-fails").touch()
    failed = install(project)
    assert failed.returncode == 1
    assert "The installation stopped" in failed.stderr
    assert pip_calls(project) == [TORCH]
    (project / "pip-fails").unlink()
    assert install(project).returncode == 0
    assert pip_calls(project) == [TORCH, APP, COMPILED]


def test_a_half_done_change_is_not_taken_for_the_pins_before_it(project: Path) -> None:
    before = (project / "requirements.txt").read_text()
    install(project)
    (project / "requirements.txt").write_text(before + "captum==0.9.0\n")
    (project / "pip-fails").touch()
    install(project)
    (project / "pip-fails").unlink()
    (project / "requirements.txt").write_text(before)
    pip_calls(project)
    install(project)
    assert pip_calls(project) == [TORCH, APP, COMPILED]


def test_a_broken_environment_is_made_anew(project: Path) -> None:
    install(project)
    pip_calls(project)
    (project / ".venv/bin/python").unlink()
    done = install(project)
    assert "Creating a virtual environment" in done.stdout
    assert pip_calls(project) == [TORCH, APP, COMPILED]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PYTHON": "no-such-python"}, "There is no 'no-such-python' here. Leave PYTHON out, or name"),
        ({"FAKE_VERSION": "3.10"}, "GlassBERT needs Python 3.11 or newer, and "),
        ({"FAKE_NO_VENV": "1"}, "apt install python3.12-venv"),
    ],
)
def test_what_is_missing_is_one_sentence(project: Path, environment: dict[str, str], sentence: str) -> None:
    done = install(project, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (project / ".venv").exists()
