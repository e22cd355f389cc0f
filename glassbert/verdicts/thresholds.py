"""Every limit that a verdict draws, with its reason. The Definitions page of the app shows the same numbers.

Work is counted in floating-point operations of forward passes, so that a verdict is the same on every machine: with all
that is done around the passes, 1e11 take about a second on one core of the machine that the benchmarks were run on.
"""

from __future__ import annotations

__all__ = [
    "AGREE_FAILS",
    "AGREE_HOLDS",
    "DELETIONS_OPERATIONS",
    "DELETION_HOLDS",
    "FAITHFUL_FAILS",
    "FAITHFUL_HOLDS",
    "FEWEST_WORDS",
    "FLIP_OPERATIONS",
    "LEAST_FLIP_PASSES",
    "LEAST_OF_TOP",
    "LEAST_ORDERINGS",
    "MOST_FLIP_PASSES",
    "MOST_ORDERINGS",
    "MOST_ORDERINGS_OPERATIONS",
    "MOST_TOP_WORDS",
    "ORDERINGS_OPERATIONS",
    "TRAINED_FAILS",
    "TRAINED_HOLDS",
    "UNDECIDED",
    "WORDS_OPERATIONS",
]

# --- the answer -------------------------------------------------------------------------------------------------

#: An answer less than this probability ahead of the next one is called undecided: 60% against 40% is the limit.
UNDECIDED = 0.2

# --- the words that carry it ------------------------------------------------------------------------------------

#: A method names its highest-scoring words: a third of them, but no more than three, which a sentence can hold.
MOST_TOP_WORDS = 3
#: … of them only those that score at least half as much as its highest: a word far behind does not carry the answer.
LEAST_OF_TOP = 0.5
#: Below this many words there is nothing to choose between: the top third of two words is one of them.
FEWEST_WORDS = 3
#: Methods agree from this share of them on that name the same word. If five methods named three of twenty words at
#: random, four would meet in some word in 4 texts of 100.
AGREE_HOLDS = 0.75
#: They disagree if no word is named by more than this share of them. Three of five random choices meet in a word in
#: four texts of ten, so a bare majority is doubtful only.
AGREE_FAILS = 0.5
#: Below this mean rank correlation (Kendall's τ-b over the tokens) of two methods, the verdict says that they agree on
#: the top words only. At a half, three pairs of tokens in four are in the same order in both.
ORDER_HOLDS = 0.5
#: Work for deleting words one by one, about three seconds: every word of a text of up to about 100.
DELETIONS_OPERATIONS = 3e11
#: The methods may take this much work, about three seconds; those of one pass always run.
WORDS_OPERATIONS = 3e11

# --- trust ------------------------------------------------------------------------------------------------------

#: The largest singular value of a weight matrix, as a multiple of that of a random matrix of the same size and spread,
#: σ(√rows + √columns) (Bai & Yin 1993; Martin & Mahoney 2018, arXiv:1810.01075). Median over matrices: 1.74 in the
#: embedded models, 0.97 once their weights are drawn at random, 0.95 to 0.97 in small random networks of each family.
TRAINED_HOLDS = 1.2
#: Between the limit and random numbers, of which no single matrix came above 1.07.
TRAINED_FAILS = 1.1
#: Share of the answer's lead that may be lost when a word is deleted that the methods do not name; at 1 the answer
#: flips. In 52 of 60 sentences (film reviews, and customers' questions to a bank) no such word took more than 62%, in
#: the other 8 one took 75% or more.
DELETION_HOLDS = 0.7
#: Share of random orderings that the words must beat, a tie counting half: the limits of the receipts' checks.
FAITHFUL_HOLDS, FAITHFUL_FAILS = 0.95, 0.80
#: 40 orderings resolve 95%; a long text gets fewer, at least 20, which still do.
MOST_ORDERINGS, LEAST_ORDERINGS = 40, 20
#: Work for the random orderings beyond the least number, about 1.5 s.
ORDERINGS_OPERATIONS = 1.5e11
#: With more work than this for the least number, about 20 s, faithfulness is not tested unless asked for.
MOST_ORDERINGS_OPERATIONS = 2e12

# --- what flips it ----------------------------------------------------------------------------------------------

#: Work for the search, about half a second, in passes from 10 to 1,000.
FLIP_OPERATIONS = 4e10
LEAST_FLIP_PASSES, MOST_FLIP_PASSES = 10, 1000
