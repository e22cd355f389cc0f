"""Hand-written probes: a few dozen sentences to read through, in addition to the figures on held-out data.

One cloze cannot be answered by any model with BERT's vocabulary, in which "photosynthesis" is several word pieces.

The cloze and the next-sentence probes were written while the first training stage ran, before any checkpoint was
evaluated, and none was used to choose data; two lenient answers were removed afterwards. The sentiment probes are less
clean: the training templates were extended after a trial model's failures on them had been seen. The everyday probes
were written and committed before any training text or template was chosen; no template shares a content word with them.
The names and the questions were written while the first of their checkpoints was trained, and chose nothing.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "ANSWER_PROBES",
    "CLOZE_PROBES",
    "ENTITY_PROBES",
    "EVERYDAY_PROBES",
    "NEXT_SENTENCE_PROBES",
    "SENTIMENT_PROBES",
    "Asked",
    "Cloze",
    "Named",
    "NextSentence",
    "Sentiment",
]


class Cloze(NamedTuple):
    """A sentence with one [MASK], and the words counted as correct."""

    sentence: str
    answers: tuple[str, ...]


class Named(NamedTuple):
    """A sentence, punctuation between blanks, and its names: "Marie Curie/PER"."""

    sentence: str
    names: tuple[str, ...]


class Asked(NamedTuple):
    """A context, a question about it, and the answers counted as correct."""

    context: str
    question: str
    answers: tuple[str, ...]


class NextSentence(NamedTuple):
    """Two sentences, and whether the second is meant to follow the first."""

    first: str
    second: str
    follows: bool


class Sentiment(NamedTuple):
    """A sentence, and whether it is positive."""

    sentence: str
    positive: bool


CLOZE_PROBES = (
    Cloze("paris is the capital of [MASK].", ("france",)),
    Cloze("the capital of france is [MASK].", ("paris",)),
    Cloze("berlin is the capital of [MASK].", ("germany",)),
    Cloze("the capital of italy is [MASK].", ("rome",)),
    Cloze("tokyo is the largest city in [MASK].", ("japan",)),
    Cloze("the nile is a river in [MASK].", ("egypt", "africa", "sudan")),
    Cloze("the earth revolves around the [MASK].", ("sun",)),
    Cloze("water is made of hydrogen and [MASK].", ("oxygen",)),
    Cloze("albert einstein was a famous [MASK].", ("physicist", "scientist", "mathematician")),
    Cloze("william shakespeare was an english [MASK].", ("playwright", "poet", "writer", "dramatist", "author")),
    Cloze("the american civil war ended in [MASK].", ("1865",)),
    Cloze("the second world war began in [MASK].", ("1939",)),
    Cloze("the heart pumps [MASK] through the body.", ("blood",)),
    Cloze("spanish is spoken in [MASK].", ("spain", "mexico", "argentina", "chile", "colombia", "peru", "cuba")),
    Cloze("the opposite of hot is [MASK].", ("cold", "cool")),
    Cloze("a whale is a kind of [MASK].", ("mammal", "animal")),
    Cloze("the president lives in the white [MASK].", ("house",)),
    Cloze("plants make food from sunlight in a process called [MASK].", ("photosynthesis",)),
    Cloze("the doctor said that [MASK] was sick.", ("he", "she", "it", "someone", "i")),
    Cloze("the children [MASK] playing in the garden.", ("were", "are", "began", "kept", "started")),
    Cloze("she [MASK] been waiting for an hour.", ("had", "has")),
    Cloze("he is taller [MASK] his brother.", ("than",)),
    Cloze("she is as tall [MASK] her sister.", ("as",)),
    Cloze("neither the cat [MASK] the dog was hungry.", ("nor", "or")),
    Cloze("i have [MASK] seen that movie before.", ("never", "not", "already", "also", "ever")),
    Cloze("they went to the store [MASK] buy some bread.", ("to", "and")),
    Cloze("the keys to the cabinet [MASK] on the table.", ("are", "were", "lay", "sat")),
    Cloze("the man who lives next door [MASK] a teacher.", ("is", "was", "became")),
    Cloze("she poured milk into her [MASK].", ("coffee", "tea", "glass", "cup", "mug", "bowl", "cereal", "mouth")),
    Cloze("he put on his coat because it was [MASK].", ("cold", "raining", "freezing", "cool", "chilly", "winter")),
    Cloze("she opened the [MASK] and walked into the room.", ("door",)),
    Cloze("he drank a cup of [MASK].", ("tea", "coffee", "water", "milk", "wine")),
    Cloze("birds can [MASK].", ("fly", "sing")),
    Cloze("the sun rises in the [MASK].", ("east", "morning", "sky")),
    Cloze("at night you can see the [MASK] in the sky.", ("stars", "moon", "star")),
    Cloze("she was so tired that she fell [MASK].", ("asleep", "down")),
    Cloze("the dog wagged its [MASK].", ("tail",)),
    Cloze("he cut the bread with a [MASK].", ("knife",)),
    Cloze("they lived happily ever [MASK].", ("after",)),
    Cloze(
        "the movie was so [MASK] that i fell asleep.", ("boring", "bad", "dull", "slow", "long", "terrible", "awful")
    ),
    Cloze(
        "i loved this film, it was [MASK]!",
        (
            "great",
            "amazing",
            "wonderful",
            "excellent",
            "fantastic",
            "brilliant",
            "good",
            "awesome",
            "perfect",
            "beautiful",
            "fun",
        ),
    ),
    Cloze(
        "the food was terrible and the service was [MASK].",
        ("bad", "terrible", "awful", "poor", "slow", "horrible", "worse"),
    ),
    Cloze("the patient was taken to the [MASK].", ("hospital", "doctor")),
    Cloze("one, two, three, [MASK], five.", ("four", "4")),
)

NEXT_SENTENCE_PROBES = (
    NextSentence("the man went to the store.", "he bought a gallon of milk.", True),
    NextSentence("the man went to the store.", "penguins are flightless birds.", False),
    NextSentence("she opened the window.", "a cold wind blew into the room.", True),
    NextSentence("she opened the window.", "the treaty was signed in 1648.", False),
    NextSentence("the company reported record profits last year.", "its share price rose by ten percent.", True),
    NextSentence("the company reported record profits last year.", "the frog sat on a lily pad.", False),
    NextSentence("i watched this film last night.", "the acting was terrible and the plot made no sense.", True),
    NextSentence("i watched this film last night.", "photosynthesis takes place in the leaves of plants.", False),
    NextSentence("rome was founded in the eighth century bc.", "it grew into the capital of a vast empire.", True),
    NextSentence(
        "rome was founded in the eighth century bc.", "stir the eggs into the flour and add the sugar.", False
    ),
)

SENTIMENT_PROBES = (
    Sentiment("an absolute delight from start to finish.", True),
    Sentiment("i want my two hours back.", False),
    Sentiment("the film is not good.", False),
    Sentiment("it was not bad at all.", True),
    Sentiment("this restaurant never disappoints.", True),
    Sentiment("i did not enjoy a single minute of it.", False),
    Sentiment("nobody could call this book boring.", True),
    Sentiment("hardly a masterpiece.", False),
    Sentiment("the acting is great but the story is a mess and i was bored.", False),
    Sentiment("the story is thin, but the acting is superb and i loved it.", True),
    Sentiment("i can't recommend this phone enough.", True),
    Sentiment("i can't recommend this phone.", False),
    Sentiment("what a waste of a talented cast.", False),
    Sentiment("a warm, funny and deeply moving picture.", True),
    Sentiment("the service was slow and the food was cold.", False),
    Sentiment("the staff were friendly and the room was spotless.", True),
    Sentiment("it isn't the worst movie i have seen, but it comes close.", False),
    Sentiment("not only is it clever, it is also very funny.", True),
    Sentiment("there is nothing to like here.", False),
    Sentiment("without a doubt the best album of the year.", True),
)

EVERYDAY_PROBES = (
    Sentiment("The plumber fixed the leak quickly and charged less than he had quoted.", True),
    Sentiment("My parcel turned up three weeks late and the lid was cracked.", False),
    Sentiment("The support line hung up on me twice.", False),
    Sentiment("I was dreading the dentist, but it turned out to be painless.", True),
    Sentiment("The blender works, but it smells of burning plastic.", False),
    Sentiment("You could do a lot worse for the price.", True),
    Sentiment("The hostel was filthy and nobody seemed to care.", False),
    Sentiment("Even my fussy uncle asked for a second helping.", True),
    Sentiment("They promised to call back on Monday and never did.", False),
    Sentiment("The battery still lasts all day after four years.", True),
    Sentiment("Our guide was knowledgeable and never rushed us.", True),
    Sentiment("The shoes look gorgeous, yet they fell apart after two walks.", False),
    Sentiment("I would not trust that garage with a bicycle.", False),
    Sentiment("Check-in was effortless and someone carried our bags upstairs.", True),
    Sentiment("The new timetable leaves commuters stranded every evening.", False),
    Sentiment("The soup wasn't exactly hot.", False),
    Sentiment("The app used to crash constantly, but since the update it runs without a hitch.", True),
    Sentiment("The nurse was patient and made my son laugh.", True),
    Sentiment("It took ages to assemble, but the desk is rock solid.", True),
    Sentiment("The manager shrugged and refused to listen.", False),
)

ENTITY_PROBES = (
    Named("Marie Curie was born in Warsaw and worked in Paris .", ("Marie Curie/PER", "Warsaw/LOC", "Paris/LOC")),
    Named("Angela Merkel met Barack Obama in Berlin .", ("Angela Merkel/PER", "Barack Obama/PER", "Berlin/LOC")),
    Named("Apple opened a new office in Dublin last year .", ("Apple/ORG", "Dublin/LOC")),
    Named("Amazon hired two hundred people in Seattle .", ("Amazon/ORG", "Seattle/LOC")),
    Named("The Amazon flows through Brazil and Peru .", ("Amazon/LOC", "Brazil/LOC", "Peru/LOC")),
    Named("Jordan scored thirty points for the Chicago Bulls .", ("Jordan/PER", "Chicago Bulls/ORG")),
    Named("Jordan borders Israel and Saudi Arabia .", ("Jordan/LOC", "Israel/LOC", "Saudi Arabia/LOC")),
    Named("She moved from Washington to Lisbon .", ("Washington/LOC", "Lisbon/LOC")),
    Named("Washington was the first president of the United States .", ("Washington/PER", "United States/LOC")),
    Named("Paris Hilton spent the weekend in Paris .", ("Paris Hilton/PER", "Paris/LOC")),
    Named(
        "Professor Adaeze Okonkwo teaches at the University of Lagos .",
        ("Adaeze Okonkwo/PER", "University of Lagos/ORG"),
    ),
    Named("My neighbour Mrs Kowalczyk works for Siemens in Munich .", ("Kowalczyk/PER", "Siemens/ORG", "Munich/LOC")),
    Named("The Red Cross opened a camp near Goma .", ("Red Cross/ORG", "Goma/LOC")),
    Named("Manchester United beat Liverpool two to one .", ("Manchester United/ORG", "Liverpool/ORG")),
    Named("Hamlet was written by William Shakespeare .", ("Hamlet/MISC", "William Shakespeare/PER")),
    Named("We roasted a turkey and watched a film .", ()),
    Named("Rose gave her sister a rose .", ("Rose/PER",)),
    Named("Mr Green sold his house to Ms White .", ("Green/PER", "White/PER")),
    Named("Will Smith met Grace Park in Hope Town .", ("Will Smith/PER", "Grace Park/PER", "Hope Town/LOC")),
    Named(
        "The European Union and China signed a treaty in Brussels .",
        ("European Union/ORG", "China/LOC", "Brussels/LOC"),
    ),
)

_CURIE = (
    "Marie Curie was born in Warsaw in 1867 and moved to Paris in 1891. She won the Nobel Prize in Physics in 1903 "
    "together with her husband Pierre."
)
_LIBRARY = (
    "The library opens at nine in the morning and closes at six in the evening. On Sundays it is closed. Members may "
    "borrow up to ten books for four weeks; after that each book costs ten cents a day."
)
_PRIVACY = (
    "We collect your name, address and telephone number when you place an order. We share this information only with "
    "the company that delivers your parcel. You may ask us to delete it at any time by writing to us."
)
_BICYCLE = (
    "Anna gave the blue bicycle to her brother Paul because she had bought a red one. Paul rides it to school every "
    "day, although the brakes squeak."
)
_BRIDGE = (
    "The bridge was built between 1894 and 1899 by the engineer Karl Brandt. It is 214 metres long and was destroyed "
    "in a flood in 1953. A new bridge opened two years later."
)

ANSWER_PROBES = (
    Asked(_CURIE, "Where was Marie Curie born?", ("Warsaw",)),
    Asked(_CURIE, "When did she move to Paris?", ("1891",)),
    Asked(_CURIE, "Which prize did she win?", ("Nobel Prize in Physics", "Nobel Prize")),
    Asked(_CURIE, "Who won the prize with her?", ("Pierre", "her husband Pierre")),
    Asked(_LIBRARY, "When does the library open?", ("nine in the morning", "nine", "at nine in the morning")),
    Asked(_LIBRARY, "When is it closed?", ("Sundays", "On Sundays")),
    Asked(_LIBRARY, "How many books may members borrow?", ("ten", "up to ten", "ten books", "up to ten books")),
    Asked(_LIBRARY, "What does a late book cost?", ("ten cents a day", "ten cents")),
    Asked(_PRIVACY, "What do you collect?", ("your name, address and telephone number",)),
    Asked(_PRIVACY, "With whom do you share it?", ("company that delivers your parcel",)),
    Asked(_PRIVACY, "How can I have my data deleted?", ("by writing to us", "writing to us")),
    Asked(_BICYCLE, "What did Anna buy?", ("a red one", "red one", "a red bicycle")),
    Asked(_BICYCLE, "Who is Paul?", ("her brother", "Anna's brother")),
    Asked(_BICYCLE, "What is wrong with the bicycle?", ("brakes squeak",)),
    Asked(_BICYCLE, "Who has the blue bicycle now?", ("Paul", "her brother Paul")),
    Asked(_BRIDGE, "Who built the bridge?", ("Karl Brandt", "the engineer Karl Brandt", "engineer Karl Brandt")),
    Asked(_BRIDGE, "How long is the bridge?", ("214 metres", "214 metres long")),
    Asked(_BRIDGE, "What destroyed the bridge?", ("a flood", "flood in 1953")),
    Asked(_BRIDGE, "When was it destroyed?", ("1953", "in 1953")),
    Asked(_BRIDGE, "When did the new bridge open?", ("two years later",)),
)
