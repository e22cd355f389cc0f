"""Read text files out of local git repositories at a fixed revision, without checking them out.

The repositories are in one folder as ``OWNER+NAME/repo`` (bare or not). Partial copies are fine: files whose
contents are missing are left out.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from training.errors import RecipeError

__all__ = ["find_files", "read_bytes", "read_files"]


def _git(repository: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    if not repository.is_dir():
        raise RecipeError(f"there is no repository {repository}; training/README.md lists what to clone and where")
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise RecipeError(f"git cannot read {repository}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def find_files(repository: Path, revision: str, pattern: str) -> list[str]:
    """The paths at ``revision`` that match the regular expression ``pattern`` and whose contents are present.

    Paths are as git prints them: one with characters outside ASCII is quoted, so a pattern that begins with
    ``^folder/`` leaves it out. The shipped checkpoints' corpus was drawn that way.
    """
    paths = []
    for line in _git(repository, "ls-tree", "-r", "-l", revision).decode().splitlines():
        _mode, _kind, _object_id, size, path = line.split(None, 4)
        if size != "BAD" and re.search(pattern, path):
            paths.append(path)
    return paths


def read_files(repository: Path, revision: str, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (path, text) for each of ``paths``, decoded as UTF-8 with replacement characters."""
    # by object id: git looks up each path anew, which takes minutes in a tree of 50,000 entries
    listing = _git(repository, "ls-tree", "-r", revision).decode().splitlines()
    object_ids = {line.split("\t", 1)[1]: line.split()[2] for line in listing}
    wanted = list(paths)
    request = "".join(f"{object_ids[path]}\n" for path in wanted)
    contents = BytesIO(_git(repository, "cat-file", "--batch", stdin=request.encode()))
    for path in wanted:
        header = contents.readline().split()
        if len(header) < 3:  # "<object id> missing"
            continue
        body = contents.read(int(header[2]))
        contents.read(1)
        yield path, body.decode("utf-8", "replace")


def read_bytes(repository: Path, revision: str, path: str) -> bytes:
    """The content of one file at ``revision``."""
    return _git(repository, "cat-file", "blob", f"{revision}:{path}")
