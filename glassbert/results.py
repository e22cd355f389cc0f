"""What the library returns: frozen results with read-only arrays.

Besides its numbers, every result has a one-line ``repr``, a picture or a table in notebooks (``_repr_html_``), a tidy
pandas table (``frame()``), and lossless conversion to plain data (``to_dict()``, ``from_dict()``) and files
(``save()``, :func:`load_result`). Axes are named in the field comments; ``token`` always counts every token of the
input, special tokens included.

The ``repr`` has the form ``<Type method of 'text' → answer: sizes, numbers>``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from glassbert import saving
from glassbert.arguments import checked, mismatch
from glassbert.errors import GlassBERTError, OptionError, SavedResultError
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.tables import table_html
from glassbert.targets import target_from_dict, target_to_dict

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FORMAT_VERSION",
    "SPACE",
    "Encoded",
    "Result",
    "counted",
    "load_result",
    "quoted",
    "read_only",
    "tidy",
]

#: Written into every ``to_dict()``; ``from_dict()`` rejects a newer one.
FORMAT_VERSION = 1

_MOST_CHARACTERS = 200

#: Displayed for a token that consists only of white space.
SPACE = "␣"

Array: TypeAlias = npt.NDArray[Any]

_ARRAY_TYPES = {
    "int64": np.int64,
    "float32": np.float32,
    "float64": np.float64,
}


def read_only(array: npt.ArrayLike, dtype: str) -> Array:
    """A read-only array of this dtype; a copy, unless the input is already read-only and owns its data."""
    wanted = _ARRAY_TYPES[dtype]
    if isinstance(array, np.ndarray) and array.dtype == wanted and array.base is None and not array.flags.writeable:
        return array
    result = np.array(array, dtype=wanted)
    result.setflags(write=False)
    return result


class Result:
    """Base class of all results: read-only arrays, ``repr`` and HTML, lossless conversion to plain data and files.

    A subclass declares ``_arrays``: field name → dtype. Fields that hold another result or a target are converted as
    well; everything else must be plain JSON data (tuples are restored as tuples). ``_about`` describes the result in
    one line; ``_picture`` draws it where a table is not the best view.
    """

    __slots__ = ()
    _arrays: ClassVar[Mapping[str, str]] = {}

    def __post_init__(self) -> None:
        for name, dtype in self._arrays.items():
            object.__setattr__(self, name, read_only(getattr(self, name), dtype))

    def __repr__(self) -> str:
        """One line of at most 200 characters."""
        about = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in self._about()
        )
        return f"<{clipped(f'{type(self).__name__} {about}', _MOST_CHARACTERS - 2)}>"

    def _repr_html_(self) -> str:
        """HTML for notebooks: the ``repr`` and, below it, a picture or the first rows of the table."""
        line = element("div", escaped(repr(self)), dir="auto", style="font-family:monospace;margin-bottom:6px")
        return element("div", line, self._picture())

    def _about(self) -> str:
        """The ``repr`` after the type's name: method, text, answer, sizes and numbers."""
        raise NotImplementedError

    def _picture(self) -> str:
        """HTML without scripts or links, small regardless of the length of the text."""
        return _first_rows(self.frame())

    def to_dict(self) -> dict[str, Any]:
        """Plain data: dictionaries, lists, strings and numbers, ready for ``json.dumps``."""
        return self._data(np.ndarray.tolist)

    def _data(self, array: Callable[[Array], Any]) -> dict[str, Any]:
        data: dict[str, Any] = {"format": FORMAT_VERSION, "type": type(self).__name__}
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if one.name in self._arrays:
                data[one.name] = array(value)
            elif isinstance(value, Result):
                data[one.name] = value._data(array)
            elif isinstance(value, tuple) and value and isinstance(value[0], Result):
                data[one.name] = [item._data(array) for item in value]
            elif one.name == "target":
                data[one.name] = target_to_dict(value)
            else:
                data[one.name] = dict(value) if isinstance(value, Mapping) else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Restore a result from the data of ``to_dict``.

        Raises SavedResultError, which is also a ValueError, for another type, a newer format or damaged data.
        """
        if not isinstance(data, Mapping) or data.get("type") != cls.__name__:
            found = f"a saved {data.get('type')!r}" if isinstance(data, Mapping) else f"of type {type(data).__name__}"
            raise SavedResultError(f"this is {found}, not a {cls.__name__}")
        _check_format(data)
        missing = [one.name for one in fields(cls) if one.name not in data]  # type: ignore[arg-type]
        if missing:
            raise SavedResultError(f"this saved {cls.__name__} is incomplete: missing {', '.join(missing)}")
        own: Any = cls
        hints = _hints_of(own)
        return cls(**{name: _field(cls, name, data[name], hints[name]) for name in hints})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save this result to a file without loss; :func:`glassbert.load_result` loads it.

        The suffix ``.json`` selects JSON, and ``.zip`` a compressed archive of JSON and ``.npy`` arrays; with any other
        suffix the size of the arrays decides. Returns the path. Raises SavedResultError if the file cannot be written.
        """
        return saving.write(path, self._data(lambda array: array))

    def to_bytes(self) -> bytes:
        """The content of the ``.zip`` file that :meth:`save` writes."""
        return saving.packed(self._data(lambda array: array), archived=True)

    def frame(self) -> pd.DataFrame:
        """A tidy table, one row per observation."""
        raise TypeError(f"{type(self).__name__} has no table")


@checked
def load_result(path: str | os.PathLike[str]) -> Result:
    """Load a result of any type from a file that :meth:`Result.save` wrote.

    Nothing in the file is executed or unpickled. Raises SavedResultError, which is also a ValueError, if the file is
    missing, damaged, not a saved result, or in a newer format.
    """
    data = saving.read(path)
    kind = data.get("type") if isinstance(data, dict) else None
    types = _result_types()
    if not isinstance(kind, str) or kind not in types:
        raise SavedResultError(f"{path} does not contain a result type that this version of GlassBERT knows")
    try:
        return types[kind].from_dict(data)
    except SavedResultError as error:
        raise SavedResultError(f"{path}: {error}") from error


def _check_format(data: Mapping[str, Any]) -> None:
    found = data.get("format", 0)
    if isinstance(found, bool) or not isinstance(found, int):
        raise SavedResultError(f"this saved {data.get('type')} is damaged: its format is {found!r}, not an integer")
    if found > FORMAT_VERSION:
        raise SavedResultError(
            f"saved in format {found}, but this version reads formats up to {FORMAT_VERSION}: update glassbert"
        )


def _field(cls: type[Result], name: str, value: Any, hint: Any) -> Any:
    """Restore the value of a saved field. Raises SavedResultError if it is not valid for this field."""
    try:
        if name in cls._arrays:
            wanted = _ARRAY_TYPES[cls._arrays[name]]
            if not isinstance(value, list | np.ndarray):
                raise TypeError(f"{name} must be an array, not {type(value).__name__}")
            found = np.asarray(value)
            if found.size and (found.dtype.kind not in "fiu" or (found.dtype.kind == "f" and wanted is np.int64)):
                raise TypeError(f"{name} must be an array of numbers")
            return found
        value = target_from_dict(value) if name == "target" else _restored(value)
        if isinstance(value, Mapping) and get_origin((get_args(hint) or (None, None))[-1]) is tuple:
            value = {key: _restored(item) for key, item in value.items()}
        if sentence := mismatch(name, value, hint, exact=True):
            raise TypeError(sentence)
    except SavedResultError:
        raise
    except (GlassBERTError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise SavedResultError(f"this saved {cls.__name__} is damaged: {error or name}") from error
    return value


@cache
def _hints_of(cls: Any) -> dict[str, Any]:
    """Field name → its annotation, in order."""
    hints = get_type_hints(cls)
    return {one.name: hints[one.name] for one in fields(cls)}


def _result_types() -> dict[str, type[Result]]:
    return {cls.__name__: cls for cls in Result.__subclasses__()}


def _restored(value: Any) -> Any:
    """Turn lists back into tuples, and saved results within a result back into results."""
    if isinstance(value, list):
        return tuple(_restored(item) for item in value)
    if isinstance(value, Mapping) and value.get("type") in (saved := _result_types()):
        return saved[value["type"]].from_dict(value)
    return value


def _first_rows(table: pd.DataFrame, most: int = 10) -> str:
    rows = table.head(most).itertuples(index=False, name=None)
    left_out = f"{most} of {len(table):,} rows" if len(table) > most else ""
    return table_html([str(name) for name in table.columns], list(rows), left_out=left_out)


def quoted(texts: Sequence[str], characters: int = 40) -> str:
    """``("The acting is superb and so is the script",) → "'The acting is superb and so is the scr…'"``."""
    each = max(12, characters // max(1, len(texts)))
    return " / ".join(repr(clipped(text, each)) for text in texts)


def counted(number: int, noun: str) -> str:
    """``(1, "token") → "1 token"``, ``(2, "token") → "2 tokens"``, ``(2, "query") → "2 queries"``."""
    if number != 1:
        noun = noun[:-1] + "ies" if noun.endswith(("ry", "ty")) else f"{noun}s"
    return f"{number:,} {noun}"


def tidy(columns: Mapping[str, Any]) -> pd.DataFrame:
    """A pandas table of these columns; pandas is imported only when first needed."""
    import pandas as pd

    return pd.DataFrame(dict(columns))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Encoded(Result):
    """One text, or a pair of texts, as the model reads it.

    ``tokens`` are the strings of the vocabulary, and ``pieces`` the same in readable form (no ``##``, no ``Ġ``).
    ``offsets`` are character positions in the text given by ``sequence_ids`` (0 or 1; −1 for the special tokens that
    are added around the texts). ``word_ids`` number the words of both texts consecutively, with −1 for those tokens.
    ``special_tokens_mask`` is 1 for them and for special tokens that are typed in a text, such as a ``[SEP]``.
    ``spelling`` is how the vocabulary's strings are written: "WordPiece" (``##``), "ByteLevel" (``Ġ``, bytes as
    letters), "Metaspace" (``▁``), "BPEDecoder" (``</w>`` at the end of a word) or "" for another way.

    A text that is longer than the model reads at once has ``windows``: the tokens [start, stop) of each, overlapping.
    Every window is read with all tokens that are in no window: the special tokens and, of a pair, the shorter text.
    ``window_weights`` are the shares of the windows in a decision about the whole text; all 0 if the window that is
    most certain decides, which is not known before they are read. See :class:`glassbert.Windows`.
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
    spelling: str = ""
    windows: Array = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))  # (window, 2), [start, stop)
    window_weights: Array = field(default_factory=lambda: np.empty(0))  # (window,), adding up to 1

    _arrays: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(
            (
                "input_ids",
                "token_type_ids",
                "attention_mask",
                "offsets",
                "word_ids",
                "sequence_ids",
                "special_tokens_mask",
                "windows",
            ),
            "int64",
        ),
        "window_weights": "float64",
    }

    def __post_init__(self) -> None:
        Result.__post_init__(self)
        if self.windows.ndim != 2:  # JSON has no shape for an array without rows
            object.__setattr__(self, "windows", read_only(self.windows.reshape(-1, 2), "int64"))

    def __len__(self) -> int:
        return len(self.tokens)

    def window_positions(self, number: int) -> Array:
        """(token,): the tokens that a window is read with, as positions in the whole text. Raises OptionError."""
        if not 0 <= number < len(self.windows):
            have = f"windows 0 to {len(self.windows) - 1}" if len(self.windows) else "no windows: it is read at once"
            raise OptionError(f"window {number}: this input has {have}")
        outside = np.ones(len(self), dtype=bool)
        outside[self.windows[:, 0].min() : self.windows[:, 1].max()] = False
        start, stop = self.windows[number]
        outside[start:stop] = True
        return np.flatnonzero(outside)

    def window(self, number: int) -> Encoded:
        """One window as an input of its own, which every function accepts. Raises OptionError."""
        at = self.window_positions(number)
        return Encoded(
            tokens=tuple(self.tokens[place] for place in at),
            pieces=tuple(self.pieces[place] for place in at),
            input_ids=self.input_ids[at],
            token_type_ids=self.token_type_ids[at],
            attention_mask=self.attention_mask[at],
            offsets=self.offsets[at],
            word_ids=self.word_ids[at],
            sequence_ids=self.sequence_ids[at],
            special_tokens_mask=self.special_tokens_mask[at],
            texts=self.texts,
            spelling=self.spelling,
        )

    def _about(self) -> str:
        windows = f" in {counted(len(self.windows), 'window')}" if len(self.windows) else ""
        return f"of {quoted(self.texts)}: {counted(len(self), 'token')}{windows}"

    def frame(self) -> pd.DataFrame:
        """One row per token."""
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
