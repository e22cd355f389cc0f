"""What the library returns: frozen results with read-only arrays.

Every result knows three things besides its numbers: ``frame()`` gives a tidy pandas table, ``to_dict()`` plain
JSON-ready data, and ``from_dict()`` the same result back, bit for bit. Axes are named in the field comments;
``token`` always counts every token of the input, special tokens included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from glassbert.targets import target_from_dict, target_to_dict

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMAT_VERSION",
    "SPACE",
    "Encoded",
    "Result",
    "read_only",
    "tidy",
]

#: Written into every ``to_dict()``; ``from_dict()`` refuses a newer one.
FORMAT_VERSION = 1

#: The piece of a token that is nothing but white space.
SPACE = "␣"

Array: TypeAlias = npt.NDArray[Any]

_ARRAY_TYPES = {
    "int64": np.int64,
    "float32": np.float32,
    "float64": np.float64,
}


def read_only(array: npt.ArrayLike, dtype: str) -> Array:
    """A read-only array of this dtype; a copy, unless the input is one that nobody can write through."""
    wanted = _ARRAY_TYPES[dtype]
    if isinstance(array, np.ndarray) and array.dtype == wanted and array.base is None and not array.flags.writeable:
        return array
    result = np.array(array, dtype=wanted)
    result.setflags(write=False)
    return result


class Result:
    """Shared by all results: arrays made read-only, and the JSON round trip.

    A subclass declares ``_arrays``: field name → dtype. Fields that hold another result or a target are converted
    on the way; everything else must be plain JSON data (tuples come back as tuples).
    """

    __slots__ = ()
    _arrays: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        for name, dtype in self._arrays.items():
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))

    def to_dict(self) -> dict[str, Any]:
        """Plain data: dictionaries, lists, strings and numbers, ready for ``json.dumps``."""
        data: dict[str, Any] = {"format": FORMAT_VERSION, "type": type(self).__name__}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name in self._arrays:
                data[field.name] = value.tolist()
            elif isinstance(value, Result):
                data[field.name] = value.to_dict()
            elif isinstance(value, tuple) and value and isinstance(value[0], Result):
                data[field.name] = [item.to_dict() for item in value]
            elif field.name == "target":
                data[field.name] = target_to_dict(value)
            else:
                data[field.name] = dict(value) if isinstance(value, Mapping) else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The result that ``to_dict`` wrote. Raises ValueError for another type, a newer format or a missing field."""
        if data.get("type") != cls.__name__:
            raise ValueError(f"this is a saved {data.get('type')!r}, not a {cls.__name__}")
        if data.get("format", 0) > FORMAT_VERSION:
            raise ValueError(
                f"saved in format {data['format']}; this version reads up to format {FORMAT_VERSION}: "
                "update glassbert to read it"
            )
        missing = [field.name for field in fields(cls) if field.name not in data]  # type: ignore[arg-type]
        if missing:
            raise ValueError(f"this saved {cls.__name__} is incomplete: it lacks {', '.join(missing)}")
        values: dict[str, Any] = {}
        for field in fields(cls):  # type: ignore[arg-type]
            value = data[field.name]
            if field.name == "encoded":
                value = Encoded.from_dict(value)
            elif field.name == "target":
                value = target_from_dict(value)
            elif field.name not in cls._arrays:
                value = _restored(value)
            values[field.name] = value
        return cls(**values)

    def frame(self) -> pd.DataFrame:
        """A tidy table, one row an observation."""
        raise TypeError(f"{type(self).__name__} has no table")


def _result_types() -> dict[str, type[Result]]:
    return {cls.__name__: cls for cls in Result.__subclasses__()}


def _restored(value: Any) -> Any:
    """Lists become tuples again, and saved results within a result become results."""
    if isinstance(value, list):
        return tuple(_restored(item) for item in value)
    if isinstance(value, Mapping) and value.get("type") in (saved := _result_types()):
        return saved[value["type"]].from_dict(value)
    return value


def tidy(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A pandas table of these columns; pandas is imported when the first one is made."""
    import pandas as pd

    return pd.DataFrame(dict(columns))


@dataclass(frozen=True, slots=True, eq=False)
class Encoded(Result):
    """A text, or two, as the model reads it.

    ``tokens`` are the vocabulary's own strings, ``pieces`` the same for human eyes (no ``##``, no ``Ġ``).
    ``offsets`` are character positions in the text that ``sequence_ids`` names (0 or 1; −1 for special tokens).
    ``word_ids`` number the words of both texts one after another, −1 for special tokens.
    """

    tokens: tuple[str, ...]
    pieces: tuple[str, ...]
    input_ids: Array  # (token,)
    token_type_ids: Array  # (token,)
    attention_mask: Array  # (token,)
    offsets: Array  # (token, 2), in characters
    word_ids: Array  # (token,)
    sequence_ids: Array  # (token,)
    special_tokens_mask: Array  # (token,), 1 for [CLS], [SEP] and the like, not for a [MASK]
    texts: tuple[str, ...]

    _arrays: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (
            "input_ids",
            "token_type_ids",
            "attention_mask",
            "offsets",
            "word_ids",
            "sequence_ids",
            "special_tokens_mask",
        ),
        "int64",
    )

    def __len__(self) -> int:
        return len(self.tokens)

    def frame(self) -> pd.DataFrame:
        """One row a token."""
        return tidy(
            {
                "position": np.arange(len(self)),
                "token": self.tokens,
                "input_id": self.input_ids,
                "segment": self.token_type_ids,
                "text": self.sequence_ids,
                "word": self.word_ids,
                "start": self.offsets[:, 0],
                "end": self.offsets[:, 1],
                "special": self.special_tokens_mask.astype(bool),
            }
        )
