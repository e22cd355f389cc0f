"""The sentence of the tour, and the words of it that the steps name; tests hold the models to what the tour says.

It was chosen by what the embedded models do well. One of its words is cut into two pieces that are words themselves
("over", "long"). The word hidden at the masked-word step is the model's first guess, though not a sure one. The
decision is right and sure, and "loved" and "superb" carry it by most methods. One head of the sentiment model looks
from nearly every piece at a word that states an opinion. And of two words that are changed one flips the decision for a
good reason, the other for none.
"""

from __future__ import annotations

__all__ = ["CHANGES", "HEAD", "HIDDEN", "LAYER", "LOOKING", "SENTENCE", "SPLIT"]

SENTENCE = "The film is overlong, but the plot is superb and I loved it."
#: The word that the vocabulary does not have.
SPLIT = "overlong"
#: The head that looks for opinions, counted from 0, and three pieces that show it, by their place among the tokens:
#: "film", the second "is", and "I".
LAYER, HEAD = 2, 1
LOOKING = (2, 10, 13)
#: The word that is to be guessed.
HIDDEN = "plot"
#: Old word → new word. The first should flip the decision, the second should not, but does.
CHANGES = (("loved", "hated"), ("but", "although"))
