"""Every error a user can cause.

    GlassBERTError
    ├── ModelError                 a model could not be loaded
    │   ├── ModelNotFoundError     no such embedded id, hub id or folder
    │   ├── NetworkError           the hub is needed and cannot be reached
    │   ├── GatedModelError        the hub requires a login or acceptance of the licence
    │   ├── DamagedCheckpointError files are missing, truncated or inconsistent
    │   ├── UnsafeWeightsError     the weights exist only as pickle, which can run code
    │   ├── RemoteCodeError        the model needs its own Python code
    │   ├── UnsupportedModelError  not an encoder of a supported family
    │   └── ModelTooLargeError     the weights need more memory than is free
    ├── DeviceError                the device is not available
    ├── TaskHeadError                  the model's weights contain no such task head
    ├── TextError                  the text cannot be processed as requested
    │   ├── EmptyTextError         the text is empty
    │   ├── TextTooLongError       the text has more tokens than the model has positions
    │   └── TextTypeError          not a text; also a TypeError
    ├── TargetError                no such class, mask or token to explain
    │   └── TargetTypeError        not a target; also a TypeError
    ├── NotEnoughMemoryError       this text needs more memory than is free
    ├── LayerError                 no such layer or attention head
    ├── MethodError                no such attribution method; also a ValueError
    ├── ComparisonError            the two models or texts cannot be compared
    ├── OptionError                an option is out of range; also a ValueError
    │   └── OptionTypeError        an option has the wrong type; also a TypeError
    ├── SavedResultError           not a saved result, or a damaged one; also a ValueError
    ├── TableError                 a table of texts cannot be read; also a ValueError
    └── StoppedError               the computation was cancelled

Each message states what is wrong, what is valid and what to do. Messages are plain text and may quote user input, so
code that displays them must escape them.
"""

from __future__ import annotations

__all__ = [
    "ComparisonError",
    "DamagedCheckpointError",
    "DeviceError",
    "EmptyTextError",
    "GatedModelError",
    "GlassBERTError",
    "LayerError",
    "MethodError",
    "ModelError",
    "ModelNotFoundError",
    "ModelTooLargeError",
    "NetworkError",
    "NotEnoughMemoryError",
    "OptionError",
    "OptionTypeError",
    "RemoteCodeError",
    "SavedResultError",
    "StoppedError",
    "TableError",
    "TargetError",
    "TargetTypeError",
    "TaskHeadError",
    "TextError",
    "TextTooLongError",
    "TextTypeError",
    "UnsafeWeightsError",
    "UnsupportedModelError",
]


class GlassBERTError(Exception):
    """Base class of every error a user can cause; the message is a plain sentence."""


class ModelError(GlassBERTError):
    """A model could not be loaded."""


class ModelNotFoundError(ModelError):
    """No embedded model, hub model or folder has this name."""


class NetworkError(ModelError):
    """The hub is needed and cannot be reached."""


class GatedModelError(ModelError):
    """The hub requires a login or acceptance of the licence."""


class DamagedCheckpointError(ModelError):
    """Files are missing, truncated or inconsistent."""


class UnsafeWeightsError(ModelError):
    """The weights exist only as pickle, which can run code when loaded."""


class RemoteCodeError(ModelError):
    """The model needs its own Python code, which is never executed."""


class UnsupportedModelError(ModelError):
    """Not an encoder of a supported family."""


class ModelTooLargeError(ModelError):
    """The weights need more memory than is free.

    Attribute: ``fits_in_half``, whether those of a checkpoint would fit in half precision.
    """

    def __init__(self, message: str, *, fits_in_half: bool = False) -> None:
        super().__init__(message)
        self.fits_in_half = fits_in_half


class DeviceError(GlassBERTError):
    """The device is not available."""


class TaskHeadError(GlassBERTError):
    """The model's weights contain no such task head."""


class TextError(GlassBERTError):
    """The text cannot be processed as requested."""


class EmptyTextError(TextError):
    """The text contains nothing a model can read."""


class TextTooLongError(TextError):
    """The text has more tokens than the model has positions.

    Attributes: ``tokens`` (with special tokens) and ``max_tokens``.
    """

    def __init__(self, message: str, *, tokens: int, max_tokens: int) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.max_tokens = max_tokens


class TextTypeError(TextError, TypeError):
    """Something other than a text, such as None, bytes or a list, where one text is expected."""


class TargetError(GlassBERTError):
    """No such class, mask or token to explain."""


class TargetTypeError(TargetError, TypeError):
    """Neither a target nor the id or name of one."""


class NotEnoughMemoryError(GlassBERTError):
    """The computation needs more memory than is free."""


class LayerError(GlassBERTError):
    """No such layer or attention head."""


class MethodError(GlassBERTError, ValueError):
    """No such attribution method."""


class ComparisonError(GlassBERTError):
    """Two models or texts cannot be compared in this way."""


class OptionError(GlassBERTError, ValueError):
    """An option is out of range."""


class OptionTypeError(OptionError, TypeError):
    """An option has the wrong type."""


class SavedResultError(GlassBERTError, ValueError):
    """A file or data is not a readable saved result: damaged, of another kind, or in a newer format."""


class TableError(GlassBERTError, ValueError):
    """A table of texts cannot be read: no such file or column, not a table, too large, or no row that can be used."""


class StoppedError(GlassBERTError):
    """A long computation was cancelled by its caller."""
