"""GlassBERT: see inside a BERT.

    import glassbert as gb
    model = gb.load("pretrained")
    gb.fill_mask(model, "Paris is the capital of [MASK].").frame()

Reading order: ``errors → targets → results → families → checkpoint → hub → blocks → encoder → inputs → words →
maps → vocabulary → normalisation → reading → anatomy``, then one folder at a time: ``language``, ``attribution``,
``attention``, ``comparison``, ``intervention``.
"""

import os

# Threads that wait should sleep, not spin. On a busy two-core machine spinning made integrated gradients 14 times
# slower (3.9 s against 0.28 s); libgomp reads this once, when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from glassbert.alignment_results import LengthHint, WordAlignment
from glassbert.anatomy import architecture
from glassbert.attention import (
    HEAD_LABELS,
    MEASURES,
    HeadLabel,
    Measure,
    ablate,
    ablation_sweep,
    attention,
    attention_relevance_map,
    flow,
    head_distances,
    head_importance,
    head_profile,
    measure,
    rollout,
    value_norms,
    value_zeroing,
)
from glassbert.attribution import (
    DEFAULT_METHODS,
    LEFT_OUT,
    METHODS,
    Method,
    attribute,
    attribute_each,
    attribute_many,
)
from glassbert.checkpoint import Checkpoint, embedded
from glassbert.comparison import (
    Sides,
    align_words,
    compare_attention,
    compare_attributions,
    compare_hidden_states,
    compare_masked_words,
    compare_models,
    compare_predictions,
    compare_texts,
    largest_changes,
    same_length_hint,
    sides_of_models,
    sides_of_texts,
)
from glassbert.comparison_results import (
    AttentionDifference,
    AttributionDifference,
    Changes,
    Comparison,
    HiddenSimilarity,
    MaskedWordDifference,
    PredictionDifference,
)
from glassbert.device import available_devices
from glassbert.encoder import Model, load
from glassbert.errors import *  # noqa: F403
from glassbert.errors import __all__ as _errors
from glassbert.evaluation import (
    CHECKS,
    Check,
    broken,
    method_agreement,
    method_ranking,
    receipt,
    receipts,
    scoreboard,
    stored_ranking,
)
from glassbert.evaluation_results import MethodAgreement, MethodRanking, Receipt, ReceiptLine, Scoreboard
from glassbert.head_results import AblationSweep, HeadDistances, HeadImportance, HeadProfile
from glassbert.input_results import Architecture, ReadingSteps
from glassbert.inputs import encode, shorten
from glassbert.intervention import trace
from glassbert.intervention_results import Trace
from glassbert.language import (
    answer,
    classify,
    classify_many,
    fill_mask,
    label_tokens,
    logit_lens,
    next_sentence,
    probe_template,
    rank_continuations,
    score_words,
    surprise,
)
from glassbert.language_results import (
    ContinuationRanking,
    LogitLens,
    PieceScoring,
    Surprise,
    TemplateProbe,
    WordScores,
)
from glassbert.maps import AttentionMaps, TokenMaps
from glassbert.normalisation import NORMALISATIONS
from glassbert.reading import reading_steps
from glassbert.results import (
    AnswerPrediction,
    Classification,
    Encoded,
    MaskPrediction,
    PairPrediction,
    TokenLabels,
    TokenScores,
)
from glassbert.targets import AnswerTarget, ClassTarget, MaskTarget, NextSentenceTarget, Target, TokenTarget
from glassbert.whatif import Edit, find_flip, reduce_input, variants
from glassbert.whatif_results import FlipSearch, InputReduction, Variants

__all__ = [
    "DEFAULT_METHODS",
    "CHECKS",
    "HEAD_LABELS",
    "LEFT_OUT",
    "MEASURES",
    "METHODS",
    "NORMALISATIONS",
    "AblationSweep",
    "AnswerPrediction",
    "AnswerTarget",
    "Architecture",
    "AttentionDifference",
    "AttentionMaps",
    "AttributionDifference",
    "Changes",
    "Checkpoint",
    "ClassTarget",
    "Classification",
    "Comparison",
    "ContinuationRanking",
    "Edit",
    "Encoded",
    "FlipSearch",
    "HeadDistances",
    "HeadImportance",
    "HeadLabel",
    "HeadProfile",
    "HiddenSimilarity",
    "LengthHint",
    "InputReduction",
    "LogitLens",
    "MaskPrediction",
    "MaskTarget",
    "MaskedWordDifference",
    "Measure",
    "Method",
    "Model",
    "NextSentenceTarget",
    "PairPrediction",
    "PieceScoring",
    "PredictionDifference",
    "ReadingSteps",
    "Sides",
    "Surprise",
    "Target",
    "TemplateProbe",
    "TokenLabels",
    "TokenMaps",
    "TokenScores",
    "TokenTarget",
    "Trace",
    "WordAlignment",
    "Variants",
    "WordScores",
    "ablate",
    "ablation_sweep",
    "align_words",
    "answer",
    "architecture",
    "attention",
    "attention_relevance_map",
    "attribute",
    "attribute_each",
    "attribute_many",
    "available_devices",
    "classify",
    "classify_many",
    "compare_attention",
    "compare_attributions",
    "compare_hidden_states",
    "compare_masked_words",
    "compare_models",
    "compare_predictions",
    "compare_texts",
    "embedded",
    "encode",
    "fill_mask",
    "find_flip",
    "flow",
    "head_distances",
    "head_importance",
    "head_profile",
    "label_tokens",
    "largest_changes",
    "load",
    "logit_lens",
    "measure",
    "next_sentence",
    "probe_template",
    "rank_continuations",
    "reading_steps",
    "reduce_input",
    "rollout",
    "same_length_hint",
    "score_words",
    "shorten",
    "sides_of_models",
    "sides_of_texts",
    "surprise",
    "trace",
    "value_norms",
    "value_zeroing",
    "variants",
    "Check",
    "broken",
    "method_agreement",
    "method_ranking",
    "receipt",
    "receipts",
    "scoreboard",
    "stored_ranking",
    "MethodAgreement",
    "MethodRanking",
    "Receipt",
    "ReceiptLine",
    "Scoreboard",
    *_errors,
]
