"""GlassBERT: see inside a BERT.

    import glassbert as gb
    model = gb.load("pretrained")
    gb.fill_mask(model, "Paris is the capital of [MASK].").frame()

Reading order: ``errors → targets → results → families → checkpoint → hub → encoder → inputs → words``, then one folder at a
time: ``attention``, ``language``, ``attribution``.
"""

import os

# Threads that wait should sleep, not spin. On a busy two-core machine spinning made integrated gradients 14 times slower
# (3.9 s against 0.28 s); libgomp reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from glassbert.attention import attention
from glassbert.attribution import METHODS, Method, attribute
from glassbert.checkpoint import Checkpoint, embedded
from glassbert.device import available_devices
from glassbert.encoder import Model, load
from glassbert.errors import *  # noqa: F403
from glassbert.errors import __all__ as _errors
from glassbert.inputs import encode, shorten
from glassbert.language import answer, classify, classify_many, fill_mask, label_tokens, next_sentence
from glassbert.results import (
    AnswerPrediction,
    AttentionMaps,
    Classification,
    Encoded,
    MaskPrediction,
    PairPrediction,
    TokenLabels,
    TokenScores,
)
from glassbert.targets import ClassTarget, MaskTarget, NextSentenceTarget, Target

__all__ = [
    "METHODS",
    "AnswerPrediction",
    "AttentionMaps",
    "Checkpoint",
    "ClassTarget",
    "Classification",
    "Encoded",
    "MaskPrediction",
    "MaskTarget",
    "Method",
    "Model",
    "NextSentenceTarget",
    "PairPrediction",
    "Target",
    "TokenLabels",
    "TokenScores",
    "answer",
    "attention",
    "attribute",
    "available_devices",
    "classify",
    "classify_many",
    "embedded",
    "encode",
    "fill_mask",
    "label_tokens",
    "load",
    "next_sentence",
    "shorten",
    *_errors,
]
