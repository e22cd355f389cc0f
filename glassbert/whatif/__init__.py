"""What if the text were different: edits and their effect, the smallest flip, and the words that are not needed.

Reading order: ``edits → variant_predictions → proposals → readability → flips → reduction``.
"""

from glassbert.whatif.edits import Edit
from glassbert.whatif.flips import find_flip
from glassbert.whatif.reduction import reduce_input
from glassbert.whatif.variant_predictions import variants

__all__ = ["Edit", "find_flip", "reduce_input", "variants"]
