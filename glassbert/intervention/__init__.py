"""Interventions: states of one run put into another."""

from glassbert.intervention.trace import trace

__all__ = ["trace"]
