"""The commands of the recipe's README are commands the scripts understand."""

from __future__ import annotations

import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "training" / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m training\.(\w+) ?(.*)$", README, flags=re.MULTILINE)
SCRIPTS = re.findall(r"^\| (?:\d+|all) \| `(\w+)` \|", README, flags=re.MULTILINE)


def test_the_readme_shows_every_step() -> None:
    assert len(SCRIPTS) == 16
    assert {script for script, _ in COMMANDS} == set(SCRIPTS) - {"smoke"}


@pytest.mark.parametrize(("script", "arguments"), COMMANDS)
def test_commands_parse(script: str, arguments: str) -> None:
    parser = importlib.import_module(f"training.{script}").build_parser()
    try:
        parser.parse_args(shlex.split(arguments))
    except SystemExit:
        pytest.fail(f"{script} does not understand {arguments}")


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_is_there(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(f"training.{script}").main(["--help"])
    assert caught.value.code == 0
    assert f"python -m training.{script} " in capsys.readouterr().out


def test_every_textbook_is_pinned_to_a_commit() -> None:
    commits = json.loads((ROOT / "training" / "openstax_commits.json").read_text())
    assert len(commits) == 17
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for commit in commits.values())
