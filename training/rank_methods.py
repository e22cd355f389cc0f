"""Rank all attribution methods for the embedded models over the bundled sentences, and store the result with them.

    python -m training.rank_methods

Writes ``glassbert/checkpoints/rankings/<model>.json``. Run it again when a checkpoint, a method or its options change,
which ``tests/glassbert/evaluation`` detects.
"""

from __future__ import annotations

import argparse
import sys
import time

import glassbert as gb
from glassbert.evaluation import _ranking, _ranking_store


def main() -> None:
    heads = {"classification", "masked_words"}
    rankable = [checkpoint.id for checkpoint in gb.embedded() if heads & set(checkpoint.task_heads)]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "models", nargs="*", default=rankable, help="embedded ids; all that fill masks or classify by default"
    )
    options = parser.parse_args()
    for name in options.models:
        start, model = time.perf_counter(), gb.load(name, device="cpu")
        key, ranking = _ranking.computed_with_key(model, progress=_show)
        path = _ranking_store.RANKINGS_FOLDER / f"{name}.json"
        _ranking_store.write(key, ranking, path)
        if not path.is_file():
            sys.exit(f"{path} could not be written")
        print(f"\n{name}: {time.perf_counter() - start:.0f} s, {path.stat().st_size / 1e3:.0f} kB")
        print(ranking.frame().round(3).to_string(index=False))


def _show(done: int, total: int) -> None:
    print(f"\r{done} of {total} sentences", end="", flush=True)


if __name__ == "__main__":
    main()
