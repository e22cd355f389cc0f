"""Interventions: states of one run patched into another."""

from glassbert.intervention.patching import trace

__all__ = ["trace"]
