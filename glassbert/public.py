"""The names of ``gb``: everything that ``import glassbert as gb`` offers, and where it is defined.

Importing this module brings torch and transformers, which takes seconds. ``glassbert/__init__.py`` does so at the first
use of one of these names, so that ``glassbert --help`` and the vocabulary need not wait for it.
"""

from glassbert.analysis.job import analyse
from glassbert.analysis.opening import Analysis, open_analysis
from glassbert.attribution import METHODS, Method, attribute, attribute_each, attribute_many
from glassbert.attribution.results import TokenScores
from glassbert.comparison import compare_models, compare_texts
from glassbert.compression import compare_compressed, compress, compression_curve, compression_record

# Every error can be caught as gb.Name; __all__ lists the branches.
from glassbert.errors import *
from glassbert.evaluation import (
    CHECKS,
    baseline_gap,
    broken,
    method_agreement,
    method_ranking,
    receipt,
    receipts,
    scoreboard,
)
from glassbert.evaluation.results import Receipt
from glassbert.figures import Picture, draw, show
from glassbert.heads import ablate, ablation_sweep, head_distances, head_importance, head_profile, rank_heads
from glassbert.intervention import trace
from glassbert.language import (
    answer,
    classify,
    classify_many,
    entities,
    fill_mask,
    label_tokens,
    logit_lens,
    next_sentence,
    probe_template,
    rank_continuations,
    replaced_tokens,
    score_words,
    surprise,
)
from glassbert.language.predictions import Classification, MaskPrediction, PairPrediction
from glassbert.maps import MEASURES, attention, attention_map, flow, rollout, score_parts, value_norms, value_zeroing
from glassbert.maps.results import AttentionMaps, TokenMaps
from glassbert.models.checkpoint import embedded
from glassbert.network.anatomy import architecture
from glassbert.network.in_memory import wrap
from glassbert.network.model import Model, load
from glassbert.reports import report
from glassbert.results import Encoded, Result, load_result
from glassbert.similarities import rank_similar, similarity
from glassbert.suites import Behaviour, Suite, behaviour, read_suite
from glassbert.tables import DataReport, Table, data_report, plant_shortcut, read_table
from glassbert.targets import (
    AnswerTarget,
    ClassTarget,
    EntityTarget,
    MaskTarget,
    NextSentenceTarget,
    SimilarityTarget,
    SpanTarget,
    Target,
    TokenTarget,
)
from glassbert.text.coverage import vocabulary_coverage
from glassbert.text.inputs import encode, shorten
from glassbert.text.reading import reading_steps
from glassbert.text.states import hidden_states
from glassbert.text.windows import Windows
from glassbert.tuning import Evaluation, TrainingSettings, evaluate, finetune, training_settings
from glassbert.tuning.results import FineTuning
from glassbert.verdicts import Verdict, verdict
from glassbert.whatif import Edit, find_flip, reduce_input, variants

__all__ = [
    # functions
    "ablate",
    "ablation_sweep",
    "analyse",
    "answer",
    "architecture",
    "attention",
    "attention_map",
    "attribute",
    "attribute_each",
    "attribute_many",
    "baseline_gap",
    "behaviour",
    "broken",
    "classify",
    "classify_many",
    "compare_compressed",
    "compare_models",
    "compare_texts",
    "compress",
    "compression_curve",
    "compression_record",
    "data_report",
    "draw",
    "embedded",
    "encode",
    "entities",
    "evaluate",
    "fill_mask",
    "find_flip",
    "finetune",
    "flow",
    "head_distances",
    "head_importance",
    "head_profile",
    "hidden_states",
    "label_tokens",
    "load",
    "load_result",
    "logit_lens",
    "method_agreement",
    "method_ranking",
    "next_sentence",
    "open_analysis",
    "plant_shortcut",
    "probe_template",
    "rank_continuations",
    "rank_heads",
    "rank_similar",
    "read_suite",
    "read_table",
    "reading_steps",
    "receipt",
    "receipts",
    "reduce_input",
    "replaced_tokens",
    "report",
    "rollout",
    "score_parts",
    "score_words",
    "scoreboard",
    "shorten",
    "show",
    "similarity",
    "surprise",
    "trace",
    "training_settings",
    "value_norms",
    "value_zeroing",
    "variants",
    "verdict",
    "vocabulary_coverage",
    "wrap",
    # models and results
    "Analysis",
    "AttentionMaps",
    "Behaviour",
    "Classification",
    "DataReport",
    "Edit",
    "Encoded",
    "Evaluation",
    "FineTuning",
    "MaskPrediction",
    "Method",
    "Model",
    "PairPrediction",
    "Picture",
    "Receipt",
    "Result",
    "Suite",
    "Table",
    "TokenMaps",
    "TokenScores",
    "TrainingSettings",
    "Verdict",
    "Windows",
    # what is explained
    "AnswerTarget",
    "ClassTarget",
    "EntityTarget",
    "MaskTarget",
    "NextSentenceTarget",
    "SimilarityTarget",
    "SpanTarget",
    "Target",
    "TokenTarget",
    # tables: id → what it declares
    "CHECKS",
    "MEASURES",
    "METHODS",
    # errors
    "ComparisonError",
    "DeviceError",
    "GlassBERTError",
    "LayerError",
    "NotEnoughMemoryError",
    "MethodError",
    "ModelError",
    "OptionError",
    "SavedResultError",
    "StoppedError",
    "TableError",
    "TargetError",
    "TaskHeadError",
    "TextError",
]
