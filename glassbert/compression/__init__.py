"""Smaller and faster models, and whether they still decide for the same reasons.

A kind of recipe is one file that defines ``RECIPES``; it is discovered.
"""

from glassbert.compression.comparing import compare_compressed
from glassbert.compression.compressing import compress, compression_record
from glassbert.compression.curve import compression_curve
from glassbert.compression.results import Compression, CompressionComparison, CompressionCurve, Drift

__all__ = [
    "Compression",
    "CompressionComparison",
    "CompressionCurve",
    "Drift",
    "compare_compressed",
    "compress",
    "compression_curve",
    "compression_record",
]
