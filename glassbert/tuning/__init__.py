"""Fine-tuning: train a model on a table of labelled texts, see how good it is, and what it learnt.

    gb.evaluate(model, gb.read_table("test.csv")).frame()

``evaluation_answers`` compares two answers, ``evaluation_metrics`` outputs with labels (no model is needed),
``evaluation_run`` runs a model on a table.
"""

from glassbert.tuning.evaluation_metrics import evaluation_of
from glassbert.tuning.evaluation_results import Evaluation
from glassbert.tuning.evaluation_run import evaluate

__all__ = ["Evaluation", "evaluate", "evaluation_of"]
