"""Sentences worth looking at, chosen by what the embedded models do well, and one that they get wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EXAMPLES", "FIRST", "SWAPS", "Example", "offered"]


@dataclass(frozen=True, slots=True)
class Example:
    """A text to open, the word of it to select, and where to look; ``other`` has as many tokens and another answer."""

    id: str
    label: str
    text: str
    select: str
    look: str
    pair: str = ""
    other: str = ""
    other_pair: str = ""
    page: str = ""  # the only page that offers it; "": all that have no examples of their own

    @property
    def token(self) -> int:
        """The index of the selected word's token, [CLS] counted: every example's words are whole tokens."""
        return 1 + self.text.replace(",", " ,").replace(".", " .").split().index(self.select)


def offered(page: str) -> list[str]:
    """The ids of the examples that a page offers: its own, else those of all pages."""
    own = [id for id, example in EXAMPLES.items() if example.page == page]
    return own or [id for id, example in EXAMPLES.items() if not example.page]


EXAMPLES: dict[str, Example] = {
    example.id: example
    for example in (
        Example(
            "contrast",
            "Contrast",
            "The story is thin, but the acting is superb and I loved it.",
            "superb",
            "One half of the sentence is against, the other for. Which words win in the saliency?",
            other="The story is thin, but the acting is superb and I hated it.",
        ),
        Example(
            "negation",
            "Negation",
            "It was not bad at all.",
            "bad",
            "“bad” alone is negative. Does the saliency show the effect of “not”, and do two methods agree?",
            other="It was quite bad at all.",
        ),
        Example(
            "coreference",
            "Coreference",
            "Mary told her brother that [MASK] was hungry.",
            "[MASK]",
            "The model prefers “she”. Explain the masked word to see whether “Mary” or “her” made the difference.",
            other="John told his brother that [MASK] was hungry.",
        ),
        Example(
            "bias",
            "Gender bias",
            "The engineer said that [MASK] was tired.",
            "[MASK]",
            "The sentence does not mention gender. Compare “he” and “she”, then try another job.",
            other="The actress said that [MASK] was tired.",
        ),
        Example(
            "ambiguity",
            "Ambiguity",
            "He went to the bank to borrow some [MASK].",
            "[MASK]",
            "A bank can lend money or border a river. See which heads link the mask to “borrow” and to “bank”.",
            other="He went to the bank to catch some [MASK].",
        ),
        Example(
            "agreement",
            "Agreement",
            "The keys to the cabinet [MASK] on the table.",
            "[MASK]",
            "“were” or “are”, although “cabinet” is closer. Which word does the saliency of the masked word point to?",
            other="The key to the cabinet [MASK] on the table.",
        ),
        Example(
            "fact",
            "A fact",
            "The capital of France is [MASK].",
            "[MASK]",
            "A fact stored in the weights. Change the country: for small countries the model is often wrong.",
            other="The capital of Germany is [MASK].",
        ),
        Example(
            "pair",
            "Sentence pair",
            "Rome was founded in the eighth century BC.",
            "founded",
            "BERT's second task: does text B follow text A? Try an unrelated text B and watch the probability fall.",
            pair="It grew into the capital of a vast empire.",
            other_pair="The frog sat on the edge of a pond.",
        ),
        Example(
            "wrong",
            "A mistake",
            "The staff were friendly and the room was spotless.",
            "friendly",
            "The sentiment model that comes with GlassBERT calls this praise NEGATIVE, with high confidence. It was "
            "trained mostly on film reviews: the saliency shows which words mislead it.",
            other="The staff were friendly and the room was quite clear.",
        ),
        Example(
            "names",
            "Names",
            "Maria Lopez moved from Lisbon to New York, where she works for the World Bank.",
            "Maria",
            "Two places, a person and an organisation. Does the model need the name, or the words around it?",
            page="entities",
        ),
        Example(
            "three_readings",
            "One name, three readings",
            "Chelsea lives in Chelsea and supports Chelsea.",
            "Chelsea",
            "A person, a place and a club have the same name. Which words tell the model which is which?",
            page="entities",
        ),
        Example(
            "river",
            "A wrong name",
            "The Amazon flows through Brazil and Peru.",
            "Amazon",
            "The model on board takes the river for an organisation, and is unsure. Which words say river?",
            page="entities",
        ),
        Example(
            "when",
            "When?",
            "When did the bank refund the fee?",
            "When",
            "The text has several dates and names. Which words of the question lead to the day?",
            pair="Maria Lopez was charged a fee of twelve dollars in March. She complained to the bank, and the bank "
            "refunded the fee on Tuesday.",
            page="question_answering",
        ),
        Example(
            "not_said",
            "Not in the text",
            "Who owns the bank?",
            "Who",
            "The text does not say. A model that never learned to say so marks an answer all the same: how sure is it?",
            pair="Maria Lopez was charged a fee of twelve dollars in March. She complained to the bank, and the bank "
            "refunded the fee on Tuesday, two days after her call.",
            page="question_answering",
        ),
    )
}

#: What a user without a link sees first.
FIRST = EXAMPLES["contrast"]

#: Interchangeable words, in the format of the What if page: one list per line, groups separated by commas.
SWAPS = """Opposites: good/bad, great/terrible, superb/awful, love/hate, loved/hated, like/dislike, best/worst
Pronouns: he/she/they, him/her/them, his/her/their
Names: Mary/John/Fatima/Wei/Carlos/Aisha
Numbers: one/two/ten, first/last"""
