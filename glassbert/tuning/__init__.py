"""Fine-tuning: train a model on a table of labelled texts, see how good it is, and what it learnt.

    run = gb.finetune("pretrained", train, dev, "my-model", epochs=3)
    run.data_map.frame(), run.label_errors.frame(), gb.evaluate(gb.load(run.folder), test).frame()

``running`` leads through a training: ``settings`` and their defaults, ``examples`` and ``batching`` for what a step
reads, ``networks`` for what is trained, ``trainer`` for the steps, ``journal`` for the working folder, ``card`` for the
model card. ``learning`` and ``label_errors`` look at what was learnt. ``evaluation_answers`` compares two answers,
``evaluation_metrics`` outputs with labels (no model is needed), ``evaluation_run`` runs a model on a table.
"""

from glassbert.tuning.evaluation_metrics import evaluation_of
from glassbert.tuning.evaluation_results import Evaluation
from glassbert.tuning.evaluation_run import evaluate
from glassbert.tuning.running import finetune
from glassbert.tuning.settings import TrainingSettings, training_settings

__all__ = ["Evaluation", "TrainingSettings", "evaluate", "evaluation_of", "finetune", "training_settings"]
