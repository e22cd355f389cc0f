"""Write the result folder of an analysis, on this machine or on a Ray cluster."""

from glassbert.analysis.job.running import analyse

__all__ = ["analyse"]
