"""Interventions: states of one run put into another."""

from glassbert.intervention.patching import trace

__all__ = ["trace"]
