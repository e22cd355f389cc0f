"""What the tests of single methods share."""

from __future__ import annotations

import pytest


@pytest.fixture
def decision(request, tiny_model, stock):
    """The decision of a tiny checkpoint: parametrize with (family, task), indirectly."""
    from tests.glassbert.decision.decisions import Decision

    return Decision(*request.param, tiny_model, stock)
