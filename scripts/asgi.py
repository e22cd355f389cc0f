"""The app behind its middleware: what `scripts/server.py` runs, and any ASGI server can.

streamlit run scripts/asgi.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # started by another ASGI server
    sys.path.insert(0, str(ROOT))

from scripts.hardening import Hardened  # noqa: E402

# By now Streamlit has read its configuration. The settings of GlassBERT and relative paths of models are the user's.
os.chdir(os.environ.get("GLASSBERT_STARTED_IN", "."))

app = st.App(ROOT / "app.py", middleware=[Middleware(Hardened)])
