"""The image, step by step as its Dockerfile says, as far as that goes without docker; and with it the wheel.

One environment is made as the build stage makes it: from the files that .dockerignore lets through, by the same
commands. It sees the libraries of this environment instead of installing them. The image's own command runs in it.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "/opt/glassbert"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile: ``[("FROM", "python:…"), …]``."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


@functools.cache
def context() -> frozenset[str]:
    """The files that docker would send: the last line of .dockerignore that matches a file or its folder decides."""
    rules = [
        (line.removeprefix("!"), line.startswith("!"))
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    found = set()
    for folder, folders, files in os.walk(ROOT):
        inside = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if name not in (".git", ".venv", "node_modules")]
        for name in files:
            path = inside / name
            parts = [path, *path.parents][:-1]  # without "."
            sent = True
            for pattern, kept in rules:
                if any(_matches(part, pattern) for part in parts):
                    sent = kept
            if sent:
                found.add(path.as_posix())
    return frozenset(found)


def _matches(path: Path, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatch.fnmatchcase(path.name, pattern[3:])
    return len(path.parts) == len(Path(pattern).parts) and fnmatch.fnmatchcase(path.as_posix(), pattern)


def test_the_context_has_what_the_wheel_needs_and_nothing_else() -> None:
    sent = context()
    tops = {path.partition("/")[0] for path in sent}
    assert tops == {
        *("app.py", "components", "glassbert", "pages", "scripts", ".streamlit"),
        *("LICENSE", "README.md", "pyproject.toml", "setup.py", "requirements.txt", "requirements.lock"),
    }
    assert "glassbert/checkpoints/sentiment/encoder.safetensors" in sent
    assert [path for path in sent if "__pycache__" in path or path.endswith(".pyc")] == []
    assert not any(path.startswith("scripts/") and path.endswith(".sh") for path in sent)
    assert ".streamlit/secrets.toml" not in sent
    copied = [source for rest in of("COPY") if "--from" not in rest for source in rest.split()[:-1]]
    assert copied
    assert [source for source in copied if source != "." and source not in sent] == []


def test_the_image_runs_without_rights_and_without_build_tools() -> None:
    words = [word for word, _ in instructions()]
    last_stage = instructions()[len(words) - 1 - words[::-1].index("FROM") :]
    assert len(of("FROM")) == 2
    assert all(re.fullmatch(r"python:\$\{PYTHON\}-slim( AS build)?", image) for image in of("FROM"))
    after = [rest for word, rest in last_stage if word == "RUN"]
    assert not any("apt-get" in step or "install" in step.split() for step in after)
    assert [rest for word, rest in last_stage if word == "COPY"] == [f"--from=build {IMAGE} {IMAGE}"]
    users = [rest for word, rest in last_stage if word == "USER"]
    assert users
    assert users[-1] not in ("root", "0")
    assert f"--uid {users[-1]} " in " ".join(after)
    assert words.index("USER") < words.index("CMD")


@pytest.mark.parametrize("step", of("RUN"))
def test_a_step_is_a_command_that_a_shell_can_read(step: str) -> None:
    subprocess.run(["sh", "-n", "-c", step], check=True)


@pytest.mark.parametrize(("index", "shown"), [("", []), ("some/index", ["--index-url", "some/index"])])
def test_torch_comes_first_by_its_pin_and_from_the_index_that_is_named(
    index: str, shown: list[str], tmp_path: Path
) -> None:
    steps = [step for step in of("RUN") if " install " in step and "pip" in step.split()[0]]
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    pip.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "TORCH_INDEX": index}
    done = subprocess.run(["sh", "-c", steps[0]], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    words = done.stdout.splitlines()
    assert words[words.index("install") + 3 :] == [*shown, "-c", "requirements.lock", _pin("torch")]
    assert "-r requirements.txt" in steps[1]
    assert steps[2].endswith("--no-deps .")
    assert f"{IMAGE}/bin:$PATH" in of("ENV")[0]


def _pin(name: str) -> str:
    return next(line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith(f"{name}=="))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the image has, made by the steps of the Dockerfile."""
    folder = tmp_path_factory.mktemp("image")
    source, made = folder / "source", folder / "glassbert"
    for path in context():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        _link(str(ROOT / path), str(source / path))
    steps = [step.replace(IMAGE, str(made)) for step in of("RUN")]
    create = next(step for step in steps if "-m venv" in step)
    install = next(step for step in steps if step.endswith("--no-deps ."))
    # the build runs here with the setuptools of this environment, and does not compress what is unpacked at once
    install = install.replace(" install ", " install --quiet --no-index --no-build-isolation ", 1)
    install += " --config-settings=--build-option=--compression=stored"
    home = Path(sys.executable).parent
    tools = folder / "tools"
    tools.mkdir()
    for name in ("python", "pip"):
        code = f'exec "{sys.executable}" "$@"\n' if name == "python" else f'exec "{sys.executable}" -m pip "$@"\n'
        (tools / name).write_text(f"#!/bin/sh\n{code}")
        (tools / name).chmod(0o755)
    paths = {**os.environ, "PATH": f"{tools}:{home}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for step in (create, install):
        done = subprocess.run(["sh", "-c", step], cwd=source, env=paths, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        if step == create:
            (_packages(made) / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return made


def _packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory that is not the repository."""
    return tmp_path_factory.mktemp("elsewhere")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def port(environment: Path, elsewhere: Path) -> Iterator[int]:
    """The port at which the image's own command serves, but for the number of it."""
    port = _free_port()
    command = json.loads(of("CMD")[0].replace("8501", str(port)))
    log = elsewhere / "server.log"
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with log.open("w") as output:
        server = subprocess.Popen(
            [environment / "bin" / command[0], *command[1:]],
            cwd=elsewhere,
            env={**inherited, "CI": "1", "HF_HOME": str(elsewhere / "hub")},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    yield port
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.mark.slow
def test_the_wheel_has_the_library_the_app_and_the_models(environment: Path) -> None:
    packages = _packages(environment)
    assert {path.name for path in packages.iterdir() if not path.name.endswith(".dist-info")} == {
        "glassbert",
        "libraries.pth",
    }
    installed = {
        path.relative_to(packages / "glassbert").as_posix()
        for path in (packages / "glassbert").rglob("*")
        if path.is_file()
    }
    library = {path.removeprefix("glassbert/") for path in context() if path.startswith("glassbert/")}
    app = {
        f"_app/{path}"
        for path in context()
        if path.startswith(("components/", "pages/", "scripts/", ".streamlit/")) or path == "app.py"
    }
    assert installed == library | app
    assert {"py.typed", "checkpoints/word-embeddings.safetensors", "_app/components/shell/frame.css"} <= installed


@pytest.mark.slow
@pytest.mark.smoke
def test_the_app_is_healthy_and_the_command_answers(port: int, environment: Path, elsewhere: Path) -> None:
    """The command runs while the server starts."""
    command = [environment / "bin" / "glassbert", "classify", "It was not bad at all.", "--json"]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=elsewhere, env=inherited, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["labels"][found["logits"].index(max(found["logits"]))] == "POSITIVE"
    health = json.loads(of("HEALTHCHECK")[0].partition("CMD ")[2].replace("8501", str(port)))
    deadline = time.monotonic() + 60
    while True:
        checked = subprocess.run(
            [environment / "bin" / health[0], *health[1:]], capture_output=True, text=True, check=False
        )
        if checked.returncode == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert checked.returncode == 0, checked.stderr + (elsewhere / "server.log").read_text()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        assert b'<div id="root">' in page.read()
    said = (elsewhere / "server.log").read_text()
    assert "Everyone who can reach this machine on its network can use this app: it has no login." in said


#: One page as the installed app draws it, as far as Streamlit's own test harness goes.
PAGE = """
import sys
from pathlib import Path

import glassbert
from glassbert.commands.serving import app_folder

root = app_folder()
assert root == Path(glassbert.__file__).parent / "_app", root
sys.path.insert(0, str(root))
from streamlit.testing.v1 import AppTest

app = AppTest.from_file(str(root / "app.py"), default_timeout=60).switch_page("pages/definitions.py").run()
assert not app.exception, app.exception
assert Path(sys.modules["components.state"].__file__).is_relative_to(root)
print(len(app.markdown))
"""


@pytest.mark.smoke
def test_a_page_of_the_installed_app_is_drawn(environment: Path, elsewhere: Path) -> None:
    done = subprocess.run(
        [environment / "bin" / "python", "-c", PAGE], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5


@pytest.mark.slow
def test_the_version_is_that_of_the_library(environment: Path, elsewhere: Path) -> None:
    import glassbert

    done = subprocess.run(
        [environment / "bin" / "glassbert", "--version"], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"glassbert {glassbert.__version__}\n"
