"""Smaller and faster models, and whether they still decide for the same reasons.

A kind of recipe is one file that defines ``RECIPES``; it is discovered.
"""

from glassbert.compression.compressing import compress, compression_record

__all__ = ["compress", "compression_record"]
