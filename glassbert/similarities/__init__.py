"""Why two texts are similar: the cosine of their sentence embeddings, and what it is made of.

    found = gb.similarity(encoder, "The bank refunded the fee.", "I got my money back.")
    found.score                     # the cosine
    found.matrix                    # (token of a, token of b): integrated Jacobians
    gb.rank_similar(encoder, "refund", texts)

Reading order: ``embeddings`` (one vector a text), ``jacobians`` (what each token moves it by), ``cosine``,
``ranking``. What one text's own tokens do, by any method, is :func:`glassbert.attribute` with a
:class:`glassbert.SimilarityTarget`.
"""

from glassbert.similarities.cosine import similarity
from glassbert.similarities.ranking import rank_similar
from glassbert.similarities.results import Similarity, SimilarityRanking

__all__ = ["Similarity", "SimilarityRanking", "rank_similar", "similarity"]
