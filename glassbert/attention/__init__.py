"""Measures computed from attention, one file a measure."""

from glassbert.attention.weights import attention

__all__ = ["attention"]
