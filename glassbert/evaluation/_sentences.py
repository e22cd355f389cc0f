"""Sixty sentences that methods are ranked over, written for this project; the word in braces is the one to mask.

Praise and blame, negation, contrast, and plain facts, of 6 to 30 words.
"""

from __future__ import annotations

import re

__all__ = ["as_masked", "as_text", "sentences_on_board"]

_PRAISE = """
This is the {best} film I have seen all year.
The actors are {wonderful} and the music stays with you for days.
A warm, funny and {beautiful} story about two sisters and their father.
We laughed from the first {minute} to the last.
The {food} arrived quickly, was still hot and tasted better than at home.
She plays the old queen with so much {charm} that nobody else in the room matters.
Every scene is carefully built, every line sounds {true}, and the end is perfect.
I would gladly watch it {again} tomorrow.
The hotel was clean, quiet and close to the {station}, and the people at the desk were kind.
A small, brave and deeply moving {book} that deserves many readers.
The second album is even {better} than the first one.
What a clever, surprising and generous piece of {work} this is!
"""
_BLAME = """
This is the {worst} film I have seen all year.
The plot is a mess and the jokes are {old}.
I was bored after ten {minutes} and asleep after twenty.
The waiter was rude, the soup was {cold} and the bill was far too high.
A loud, empty and needlessly long {film} that has nothing to say.
The {phone} broke after two weeks and nobody answered my letters.
Her voice is flat, the songs all sound the same, and the {band} seems to be asleep.
He wasted a great cast on a lazy and {stupid} story.
The room smelled of smoke and the {window} did not close.
Please save your money and stay at {home} instead.
The camera shakes so much that I left the {cinema} with a headache.
An ugly, tired and cruel {joke} told for two hours without a pause.
"""
_NEGATION = """
The film is not {good}, and it never tries to be.
There is nothing {wrong} with this lovely little play.
I did not {like} the book at all.
Nobody in the theatre was {bored} for even a second.
It is not a bad {film}, it is simply not finished.
The cook never makes a {mistake}, and tonight was no exception.
You will not find a more {honest} performance this year.
The new {version} does not work, does not help and does not even start.
I cannot say that I was {disappointed}, because I expected nothing.
Hardly anything in this long {novel} is worth the time.
She has never written a {dull} page in her life.
It was not funny, it was not {sad}, it was not anything.
"""
_CONTRAST = """
The beginning is {slow}, but the last half hour is brilliant.
Although the actors are very good, the {story} falls apart in the middle.
The {pictures} are beautiful, yet the film left me completely cold.
It looks cheap and sounds worse, and still I {loved} every minute of it.
The first half is a delight; the {second} half is a disaster.
While the critics hated it, the {children} in our row could not stop laughing.
The camera is excellent, but the battery is {dead} before noon.
My friends found it {boring}, whereas I was moved to tears.
Despite its terrible title, this is a smart and tender {comedy}.
He sings well enough, but he cannot {act}, and the part needs both.
The hotel is far from the beach, but the {garden} makes up for everything.
What starts as a clever idea soon becomes a long and painful {lesson}.
"""
_FACTS = """
The {train} to the coast leaves at nine and stops at every village.
Water {boils} at a lower temperature in the mountains.
The museum is closed on {Monday} and opens again at ten the next day.
In the spring the farmers plant {corn} on both sides of the river.
Her brother works as a {doctor} in a hospital near the border.
The {capital} of the country has about two million people.
The committee will meet in {March} to discuss the plan for the new bridge.
The cat slept on the {chair} while the dog waited at the door.
He put the keys on the table, closed the {window} and went to bed.
The {law} was passed in the autumn and came into force a year later.
A full moon can be seen about every four {weeks}, unless the sky is covered by clouds.
The letter was written in {French}, but the address on the back was in German.
"""


def sentences_on_board() -> tuple[str, ...]:
    """The sentences, with braces round one word each."""
    return tuple(
        line for group in (_PRAISE, _BLAME, _NEGATION, _CONTRAST, _FACTS) for line in group.strip().split("\n")
    )


def as_text(sentence: str) -> str:
    """``"A {good} film." → "A good film."``"""
    return re.sub(r"\{(.*?)\}", r"\1", sentence)


def as_masked(sentence: str, mask: str) -> str:
    """``"A {good} film." → "A [MASK] film."``; without braces the last word but one is masked, or the only one."""
    if mask in sentence:
        return sentence
    if "{" in sentence:
        return re.sub(r"\{.*?\}", mask, sentence, count=1)
    words = sentence.split()
    place = max(len(words) - 2, 0)
    return " ".join([*words[:place], mask, *words[place + 1 :]])
