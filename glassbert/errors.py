"""Every error a user can cause.

    GlassBERTError
    ├── ModelError                 a model could not be loaded
    │   ├── ModelNotFoundError     no such embedded id, hub id or folder
    │   ├── NetworkError           the hub is needed and cannot be reached
    │   ├── GatedModelError        the hub wants a login or an accepted licence
    │   ├── DamagedCheckpointError files are missing, truncated or do not fit together
    │   ├── UnsafeWeightsError     only pickle weights, which can run code
    │   ├── RemoteCodeError        the model brings its own Python code
    │   ├── UnsupportedModelError  not an encoder of a supported family
    │   └── ModelTooLargeError     more weights than free memory
    ├── DeviceError                the device is not there
    ├── HeadError                  this model has no such head in its weights
    ├── TextError                  the text cannot be read as asked
    │   ├── EmptyTextError
    │   ├── TextTooLongError
    │   └── TextTypeError          not a text at all; also a TypeError
    ├── TargetError                no such class, mask or token to explain
    │   └── TargetTypeError        not a target at all; also a TypeError
    ├── LayerError                 no such layer or head
    ├── MethodError                no such attribution method; also a ValueError
    ├── ComparisonError            two things that cannot be compared
    ├── OptionError                an option is out of its range; also a ValueError
    │   └── OptionTypeError        an option of the wrong type; also a TypeError
    ├── SavedResultError           a file or data that is not a saved result; also a ValueError
    └── StoppedError               somebody stopped it before it was done

Messages say what is wrong, what is valid and what to do. They are plain text and may quote user input,
so whoever shows them escapes them.
"""

from __future__ import annotations

__all__ = [
    "ComparisonError",
    "DamagedCheckpointError",
    "DeviceError",
    "EmptyTextError",
    "GatedModelError",
    "GlassBERTError",
    "HeadError",
    "LayerError",
    "MethodError",
    "ModelError",
    "ModelNotFoundError",
    "ModelTooLargeError",
    "NetworkError",
    "OptionError",
    "OptionTypeError",
    "RemoteCodeError",
    "SavedResultError",
    "StoppedError",
    "TargetError",
    "TargetTypeError",
    "TextError",
    "TextTooLongError",
    "TextTypeError",
    "UnsafeWeightsError",
    "UnsupportedModelError",
]


class GlassBERTError(Exception):
    """Base of every error a user can cause; the message is a plain sentence."""


class ModelError(GlassBERTError):
    """A model could not be loaded."""


class ModelNotFoundError(ModelError):
    """No embedded model, hub model or folder has this name."""


class NetworkError(ModelError):
    """The hub is needed and cannot be reached."""


class GatedModelError(ModelError):
    """The hub asks for a login or an accepted licence first."""


class DamagedCheckpointError(ModelError):
    """Files are missing, truncated or do not fit together."""


class UnsafeWeightsError(ModelError):
    """Only pickle weights, which can run code when they are read."""


class RemoteCodeError(ModelError):
    """The model brings its own Python code, which is never executed."""


class UnsupportedModelError(ModelError):
    """Not an encoder of a supported family."""


class ModelTooLargeError(ModelError):
    """The weights need more memory than is free."""


class DeviceError(GlassBERTError):
    """The device is not there."""


class HeadError(GlassBERTError):
    """This model has no such head in its weights."""


class TextError(GlassBERTError):
    """The text cannot be read as asked."""


class EmptyTextError(TextError):
    """The text has nothing a model could read."""


class TextTooLongError(TextError):
    """The text has more tokens than the model has positions.

    Attributes: ``tokens`` (with special tokens) and ``max_tokens``.
    """

    def __init__(self, message: str, *, tokens: int, max_tokens: int) -> None:
        super().__init__(message)
        self.tokens = tokens
        self.max_tokens = max_tokens


class TextTypeError(TextError, TypeError):
    """Something that is not a text, such as None, bytes or a list, where one text belongs."""


class TargetError(GlassBERTError):
    """No such class, mask or token to explain."""


class TargetTypeError(TargetError, TypeError):
    """Something that is neither a target nor the id or name of one."""


class LayerError(GlassBERTError):
    """No such layer or head."""


class MethodError(GlassBERTError, ValueError):
    """No such attribution method."""


class ComparisonError(GlassBERTError):
    """Two models or texts cannot be compared in this way."""


class OptionError(GlassBERTError, ValueError):
    """An option is out of its range."""


class OptionTypeError(OptionError, TypeError):
    """An option is of the wrong type."""


class SavedResultError(GlassBERTError, ValueError):
    """A file or data that is no saved result: damaged, of another kind, or of a newer format."""


class StoppedError(GlassBERTError):
    """A long computation was stopped by whoever started it."""
