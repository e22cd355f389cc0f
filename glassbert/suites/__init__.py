"""Tests of behaviour: what must not change a prediction, what must change it, and what a model must know.

Reading order: ``contents → on_board → reading → swaps → examples → rates → results → minimal_pairs → running``.
"""

from glassbert.suites.contents import Suite
from glassbert.suites.reading import read_suite
from glassbert.suites.results import Behaviour
from glassbert.suites.running import behaviour

__all__ = ["Behaviour", "Suite", "behaviour", "read_suite"]
