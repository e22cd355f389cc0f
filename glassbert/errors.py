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
    │   └── TextTooLongError
    ├── TargetError                no such class, mask or token to explain
    ├── LayerError                 no such layer or head
    ├── MethodError                no such attribution method
    ├── ComparisonError            two things that cannot be compared
    ├── OptionError                an option is out of its range
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
    "RemoteCodeError",
    "StoppedError",
    "TargetError",
    "TextError",
    "TextTooLongError",
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


class TargetError(GlassBERTError):
    """No such class, mask or token to explain."""


class LayerError(GlassBERTError):
    """No such layer or head."""


class MethodError(GlassBERTError):
    """No such attribution method."""


class ComparisonError(GlassBERTError):
    """Two models or texts cannot be compared in this way."""


class OptionError(GlassBERTError):
    """An option is out of its range."""


class StoppedError(GlassBERTError):
    """A long computation was stopped by whoever started it."""
