"""The structure of a network: the result of ``architecture``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from glassbert.pictures.markup import clipped
from glassbert.results import Array, Result, counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Architecture"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Architecture(Result):
    """The modules of a loaded network in execution order, for an input of ``tokens`` tokens.

    ``parameters`` are the numbers of parameters, each counted once: a table used twice (tied embeddings) or a layer
    called repeatedly (ALBERT) has 0 from the second time on and is ``shared``. They sum to ``Model.parameters``.
    """

    source: str
    tokens: int
    blocks: tuple[str, ...]  # (module,), such as "embeddings", "layer 1", "pooler", "head"
    parts: tuple[str, ...]  # (module,), such as "attention", "feed-forward", "" elsewhere
    names: tuple[str, ...]  # (module,), the path inside the stock network
    kinds: tuple[str, ...]  # (module,), the class: Linear, Embedding, LayerNorm, …
    inputs: tuple[tuple[int, ...], ...]  # (module,), shape of the input tensor
    outputs: tuple[tuple[int, ...], ...]  # (module,), shape of the output tensor
    parameters: Array  # (module,)
    shared: tuple[bool, ...]  # (module,)

    _arrays: ClassVar[Mapping[str, str]] = {"parameters": "int64"}

    @property
    def total(self) -> int:
        """The total number of parameters."""
        return int(self.parameters.sum())

    def _about(self) -> str:
        return (
            f"of {clipped(self.source, 60)}: {counted(len(self.names), 'module')}, "
            f"{counted(self.total, 'parameter')}, {counted(self.tokens, 'token')}"
        )

    def frame(self) -> pd.DataFrame:
        """One row per module call."""
        import pandas as pd

        return pd.DataFrame(
            {
                "block": self.blocks,
                "part": self.parts,
                "module": self.names,
                "kind": self.kinds,
                "input": [" × ".join(map(str, shape)) for shape in self.inputs],
                "output": [" × ".join(map(str, shape)) for shape in self.outputs],
                "parameters": self.parameters,
                "shared": self.shared,
            }
        )

    def block_frame(self) -> pd.DataFrame:
        """One row per block, in order: input, output, new parameters, and whether all its parameters are shared."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for number, block in enumerate(self.blocks):
            if not rows or rows[-1]["block"] != block:
                rows.append({"block": block, "input": self.inputs[number], "modules": []})
            rows[-1]["output"] = self.outputs[number]
            rows[-1]["modules"].append(number)
        for row in rows:
            modules = row["modules"]
            row["parameters"] = int(self.parameters[modules].sum())
            row["shared"] = row["parameters"] == 0 and any(self.shared[number] for number in modules)
        frame = pd.DataFrame(rows)
        for column in ("input", "output"):
            frame[column] = [" × ".join(map(str, shape)) for shape in frame[column]]
        return frame[["block", "input", "output", "parameters", "shared"]]
