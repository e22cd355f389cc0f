"""What a model reads and what it is made of: the results of ``reading_steps`` and ``architecture``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from glassbert.results import Array, Encoded, Result, read_only

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Architecture", "ReadingSteps"]


@dataclass(frozen=True, slots=True, eq=False)
class ReadingSteps(Result):
    """From characters to the first layer's input, every step kept.

    Spans are characters of the text as it was read (``encoded.texts``). ``changes`` say what the normaliser did, with
    ids of :data:`glassbert.NORMALISATIONS` and how many characters each concerns. ``roles`` are "start", "separator",
    "end", "mask" or "unknown", "" for ordinary tokens. Padding fields are empty and differences None without padding.
    """

    encoded: Encoded
    normalised: tuple[str, ...]  # (text,)
    changes: tuple[tuple[tuple[str, int], ...], ...]  # (text, change): id, characters concerned
    words: tuple[str, ...]  # (word,), as the pre-tokenizer spells them; encoded.word_ids point here
    word_spans: Array  # (word, 2), in characters
    word_texts: Array  # (word,), 0 or 1
    roles: tuple[str, ...]  # (token,)
    position_ids: Array  # (token,)
    parts: tuple[str, ...]  # (part,): word, position, segment (where the family has one), sum, normalised
    part_norms: Array  # (part, token), Euclidean norms
    vectors: Array  # (part, token, dimension); empty unless asked for
    projected: bool  # narrow embeddings are projected up to the hidden size before layer 1 (ALBERT, ELECTRA)
    input_norms: Array  # (token,), norms of what layer 1 reads
    padded_ids: Array  # (padded token,)
    padded_mask: Array  # (padded token,)
    padded_segments: Array  # (padded token,)
    padded_positions: Array  # (padded token,)
    padding_difference: float | None  # max |Δ| of the last layer's states at the real tokens
    padding_difference_unmasked: float | None  # the same with an attention mask that hides nothing

    _arrays: ClassVar[Mapping[str, str]] = {
        "word_spans": "int64",
        "word_texts": "int64",
        "position_ids": "int64",
        "part_norms": "float32",
        "vectors": "float32",
        "input_norms": "float32",
        "padded_ids": "int64",
        "padded_mask": "int64",
        "padded_segments": "int64",
        "padded_positions": "int64",
    }

    @property
    def unknown(self) -> Array:
        """(token,): 1 where the vocabulary has no piece for these characters."""
        return read_only([int(role == "unknown") for role in self.roles], "int64")

    def frame(self) -> pd.DataFrame:
        """One row a token."""
        import pandas as pd

        return pd.DataFrame(
            {
                **{name: column for name, column in self.encoded.frame().items() if name != "special"},
                "position_id": self.position_ids,
                "role": self.roles,
                **{f"{part}_norm": norms for part, norms in zip(self.parts, self.part_norms, strict=True)},
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Architecture(Result):
    """The modules of a loaded network in the order they ran on an input of ``tokens`` tokens.

    ``parameters`` are the module's own numbers, each counted once: a table that serves twice (tied embeddings) or a
    layer that is called again (ALBERT) has 0 the second time and is ``shared``. They sum to ``Model.parameters``.
    """

    source: str
    tokens: int
    blocks: tuple[str, ...]  # (module,), such as "embeddings", "layer 1", "pooler", "head"
    parts: tuple[str, ...]  # (module,), such as "attention", "feed-forward", "" elsewhere
    names: tuple[str, ...]  # (module,), the path inside the stock network
    kinds: tuple[str, ...]  # (module,), the class: Linear, Embedding, LayerNorm, …
    inputs: tuple[tuple[int, ...], ...]  # (module,), shape of the tensor that goes in
    outputs: tuple[tuple[int, ...], ...]  # (module,), shape of the tensor that comes out
    parameters: Array  # (module,)
    shared: tuple[bool, ...]  # (module,)

    _arrays: ClassVar[Mapping[str, str]] = {"parameters": "int64"}

    @property
    def total(self) -> int:
        """All parameters."""
        return int(self.parameters.sum())

    def frame(self) -> pd.DataFrame:
        """One row a module call."""
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
        """One row a block, in order: what goes in, what comes out, its new parameters, whether all are used before."""
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
