"""What a picture costs before it is drawn."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.smoke
def test_plotly_is_imported_by_the_first_chart_and_not_before() -> None:
    code = """
import sys
import glassbert.public
from glassbert.pictures import bars, dots, lines, maps, matrices, tokens
tokens.tokens_html(["a"], [1.0])
assert "plotly" not in sys.modules
bars.layer_bars([1.0])
assert "plotly" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
