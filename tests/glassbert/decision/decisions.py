"""One decision of every kind, for our library and for the explicit network."""

from __future__ import annotations

import numpy as np

import glassbert as gb
from tests.glassbert.attribution.explicit import Explicit
from tests.glassbert.oracles import CHECKPOINTS

TEXT = "This film was not good at all."
QUESTION = ("Who bought milk?", "He bought a gallon of milk.")
PAIR = ("The man went to the store.", "He bought a gallon.")
MASKED = "The doctor said that [MASK] was tired."
TEXTS = {
    "classification": (TEXT,),
    "masked_words": (MASKED,),
    "next_sentence": PAIR,
    "token_classification": (TEXT,),
    "question_answering": QUESTION,
}
DECIDED = [(family, task) for family, task in CHECKPOINTS if task != "encoder"]


class Decision:
    """``logits[index]`` at ``position`` is explained; ``foil`` and ``contrast`` are targets of the same kind."""

    def __init__(self, family, task, tiny_model, stock):
        self.family, self.task = family, task
        self.model, self.oracle = tiny_model(family, task), stock(family, task)
        self.texts = TEXTS[task]
        self.encoded = gb.encode(self.model, *[self.own(text) for text in self.texts])
        self.position, self.foil_position, self.index, self.foil_index = 0, 0, 1, 0
        match task:
            case "classification":
                self.target, self.foil, self.contrast = gb.ClassTarget(1), gb.ClassTarget(0), gb.ClassTarget(1, foil=0)
            case "next_sentence":
                self.index = 0
                self.target, self.foil, self.contrast = gb.NextSentenceTarget(), gb.NextSentenceTarget(False), None
            case "masked_words":
                mask = self.model.tokenizer.mask_token_id
                self.position = self.foil_position = int(np.flatnonzero(self.encoded.input_ids == mask)[0])
                self.index, self.foil_index = 100, 200
                ids = ((100,), (200,), (100, 200))
                self.target, self.foil, self.contrast = (gb.MaskTarget(self.position, *one) for one in ids)
            case "token_classification":
                self.position = self.foil_position = 3
                ids = ((1,), (0,), (1, 0))
                self.target, self.foil, self.contrast = (gb.TokenTarget(3, *one) for one in ids)
            case "question_answering":
                context = np.flatnonzero(self.encoded.sequence_ids == 1)
                self.position, self.foil_position = int(context[1]), int(context[3])
                places = ((self.position,), (self.foil_position,), (self.position, self.foil_position))
                self.index = self.foil_index = 1
                self.target, self.foil, self.contrast = (gb.AnswerTarget("end", *one) for one in places)

    def own(self, text):
        """[MASK] as this tokenizer writes it."""
        return text.replace("[MASK]", self.model.mask_token)

    def explicit(self):
        return Explicit(self.oracle, *self.texts)

    def attribute(self, method, **options):
        options.setdefault("target", self.target)
        return gb.attribute(self.model, *[self.own(text) for text in self.texts], method=method, **options)
