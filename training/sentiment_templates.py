"""Templated sentences for the sentiment checkpoint: negations, contrasts, and what happens at a counter or in a hotel.

Film reviews contain too few "not bad"s, and almost nothing about a bank, a courier or a kettle, to learn from. A
clause is positive or negative; a sentence of two clauses has the label of the one that decides. No content word of
`training.probes.EVERYDAY_PROBES` occurs here, which a test checks, so that those probes measure what was learned
beyond these templates.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

__all__ = ["NEGATIVE", "POSITIVE", "SENTENCES", "SLOTS", "templated_sentences"]

LabelledText = tuple[str, int]

_SLOT = re.compile(r"\{(\w+)\}")


def _choices(text: str) -> tuple[str, ...]:
    return tuple(choice.strip() for choice in text.split(","))


#: Slot → what may stand in it. Those for people, things and times have no sentiment of their own.
SLOTS: Mapping[str, tuple[str, ...]] = {
    "art": _choices("film, movie, story, acting, plot, ending, book, show, performance, script, album, play, novel"),
    "item": _choices(
        "kettle, toaster, camera, phone, tablet, printer, backpack, jacket, chair, mattress, lamp, keyboard, headset,"
        "vacuum cleaner, watch, bracelet, drill, tent, umbrella, monitor, coffee machine, pillow, router, pan, scooter,"
        "suitcase, toy, sofa, stroller, heater, fridge, razor, software, website, headphones, coat, knife"
    ),
    "place": _choices(
        "restaurant, hotel, bakery, bar, salon, clinic, gym, shop, pharmacy, bank, library, campsite, museum, spa,"
        "diner, bookshop, school, zoo, cinema, airline, ferry, market, apartment, post office, insurance company"
    ),
    "person": _choices(
        "waiter, driver, receptionist, cashier, doctor, teacher, landlord, electrician, barber, courier, agent,"
        "mechanic, vet, tutor, cleaner, coach, clerk, lawyer, builder, optician, gardener, bartender, seller, pilot,"
        "technician, pharmacist, host, instructor, accountant, librarian, owner, surgeon, salesman, hairdresser"
    ),
    "meal": _choices("food, pizza, breakfast, coffee, salad, curry, cake, steak, bread, dinner, pasta, sandwich, rice"),
    "room": _choices("room, bathroom, lobby, flat, bed, balcony, garden, terrace, cabin, swimming pool, changing room"),
    "event": _choices(
        "trip, concert, course, tour, lesson, wedding, festival, appointment, holiday, workshop, weekend, flight, party"
    ),
    "offer": _choices(
        "delivery, service, repair, order, booking, installation, exchange, reservation, refund, claim, application"
    ),
    "short": _choices("an hour, ten minutes, a few minutes, half an hour, the same morning, the hour, no time"),
    "long": _choices("a month, six months, six hours, an eternity, half a winter, the whole summer, a decade"),
    # adjectives
    "praised": _choices(
        "good, great, excellent, enjoyable, interesting, clever, impressive, convincing, memorable, lovely, wonderful,"
        "pleasant, superb, fantastic, brilliant, perfect, amazing, charming, outstanding, delightful, satisfying, fine"
    ),
    "blamed": _choices(
        "bad, terrible, boring, dull, awful, stupid, predictable, disappointing, annoying, slow, ugly, weak,"
        "unpleasant, useless, confusing, horrible, dreadful, mediocre, poor, ridiculous, pathetic, tedious"
    ),
    "sound": _choices(
        "sturdy, reliable, fast, durable, comfortable, handy, silent, well built, accurate, easy to clean, practical,"
        "simple to operate, lightweight, waterproof, great value, bright, powerful, elegant, worth the money, ideal"
    ),
    "shoddy": _choices(
        "flimsy, unreliable, sluggish, defective, uncomfortable, noisy, clumsy, badly built, inaccurate, faulty,"
        "impossible to clean, complicated, overpriced, fragile, wobbly, full of bugs, scratched, broken, dangerous"
    ),
    "kind": _choices(
        "polite, friendly, professional, attentive, welcoming, courteous, competent, cheerful, honest, gentle, kind,"
        "punctual, thoughtful, generous, efficient, well prepared, sympathetic, obliging, considerate"
    ),
    "rude": _choices(
        "rude, careless, unfriendly, arrogant, incompetent, dishonest, hostile, lazy, uncooperative, dismissive,"
        "condescending, clueless, pushy, unprepared, unprofessional, bad-tempered, sarcastic, indifferent"
    ),
    "tasty": _choices("fresh, tasty, delicious, crisp, juicy, flavourful, tender, perfectly seasoned, divine"),
    "stale": _choices("stale, greasy, cold, bland, soggy, dry, undercooked, too salty, rubbery, tasteless, spoiled"),
    "cosy": _choices("clean, spotless, quiet, spacious, bright, tidy, cosy, airy, comfortable, modern, well kept"),
    "shabby": _choices("dirty, noisy, cramped, shabby, damp, gloomy, stuffy, freezing, mouldy, infested, neglected"),
    "smooth": _choices("prompt, simple, fast, flawless, smooth, free, easy, swift, hassle-free, early, first-class"),
    "messy": _choices("slow, delayed, a mess, a nightmare, chaotic, a headache, botched, cancelled, a joke, lost"),
    "fun": _choices("fun, relaxing, well organised, inspiring, exciting, unforgettable, magical, instructive"),
    "grim": _choices("dull, exhausting, badly organised, a waste of money, stressful, miserable, chaotic, pointless"),
    # verbs
    "please": _choices("impress, amuse, delight, excite, convince, move, charm, entertain, please"),
    "displease": _choices("bore, annoy, confuse, irritate, frustrate, insult, disappoint, upset, offend"),
}

#: Clauses that praise.
POSITIVE = (
    "the {art} was {praised}",
    "the {art} is {praised}",
    "the {art} was not {blamed} at all",
    "the {art} is never {blamed}",
    "the {art} wasn't {blamed}",
    "i don't find the {art} {blamed}",
    "the {art} did not {displease} me",
    "the {art} never fails to {please}",
    "no one could say that the {art} is {blamed}",
    "the {item} is {sound}",
    "the {item} was {sound} and {sound}",
    "this {item} is not {shoddy} in the slightest",
    "my {item} has not broken in {long}",
    "the {item} still does its job after {long}",
    "i would buy this {item} again",
    "i cannot praise this {item} highly enough",
    "there is nothing wrong with the {item}",
    "the {item} does what it says on the box",
    "the {item} has survived {long} of abuse",
    "the {item} arrived in perfect condition",
    "the {item} arrived ahead of schedule",
    "the {item} saves me hours of cleaning",
    "i no longer have to worry about my {item}",
    "the {item} started the first time i pressed the button",
    "setting up the {item} was a matter of minutes",
    "they replaced the broken {item} for free",
    "they gave me a full refund for the {item} without any argument",
    "the {person} was {kind}",
    "the {person} was {kind} and {kind}",
    "the {person} wasn't {rude} at all",
    "the {person} could not have been more {kind}",
    "the {person} answered within {short}",
    "the {person} sorted everything out in {short}",
    "the {person} solved the problem in {short}",
    "the {person} went out of the way to please us",
    "the {person} remembered my name",
    "the {person} apologised and gave us a discount",
    "the {person} spotted the mistake and corrected it at once",
    "the {person} explained all my options clearly",
    "the {person} stayed longer so that we could finish",
    "the {person} had an answer to all our questions",
    "the {person} found my lost wallet and sent it to my house",
    "the {person} waived the extra fee",
    "the {person} treated us like family",
    "the {person} arrived right on time",
    "the {person} has my full confidence",
    "i would recommend this {person} to all my friends",
    "the staff at the {place} were {kind}",
    "the staff never lost their smile",
    "the {place} never lets me down",
    "the {place} exceeded our expectations",
    "the {place} apologised and returned my money",
    "i always feel welcome at this {place}",
    "we will go to this {place} again",
    "i can't fault this {place}",
    "we did not have to wait at the {place}",
    "the {place} is a hidden gem",
    "the {place} is the finest in town",
    "there was no queue at the {place}",
    "the {meal} was {tasty}",
    "the {meal} was {tasty} and {tasty}",
    "the {meal} wasn't {stale} at all",
    "my children cleared their plates",
    "nobody could finish the huge portions",
    "the {meal} tasted like my grandmother's",
    "there was plenty of choice for vegetarians",
    "the {room} was {cosy}",
    "the {room} was {cosy} and {cosy}",
    "the {room} was not {shabby} at all",
    "we slept like babies",
    "the {offer} was {smooth}",
    "the {offer} went through in {short}",
    "my {offer} was confirmed within {short}",
    "the {offer} was not {messy} at all",
    "the {offer} cost nothing",
    "the {offer} could not have been easier",
    "the {event} was {fun}",
    "the {event} was {fun} and {fun}",
    "the {event} was not {grim} at all",
    "the {event} ended far too soon",
    "we can't wait for the next {event}",
    "the {event} was over before i knew it, we had such fun",
    "my {item} paid for itself within {long}",
    "i have no complaints about the {offer}",
    "it was worth the wait",
    "they kept their word",
    "the lift was out of order for only {short}",
    "i got more than i had paid for",
    "my skin has cleared completely",
    "my knee pain is gone",
    "the noise has stopped for good",
    "the children did not want to go home",
    "i have been recommending it to my colleagues",
    "there were no hidden fees",
    "we saved a fortune",
    "the air conditioning kept us cool",
    "the view was breathtaking",
    "we felt safe the entire time",
    "my daughter learned to swim in {short}",
    "the bill was lower than we had feared",
    "the town has become a better place",
    "our internet has been faster than ever",
    "the train was on time",
    "i passed my exam thanks to the {person}",
)

#: Clauses that criticise.
NEGATIVE = (
    "the {art} was {blamed}",
    "the {art} is {blamed}",
    "the {art} was not {praised} at all",
    "the {art} is never {praised}",
    "the {art} wasn't {praised}",
    "i don't find the {art} {praised}",
    "the {art} did not {please} me",
    "the {art} never fails to {displease}",
    "the {art} failed to {please} me",
    "no one could say that the {art} is {praised}",
    "the {item} is {shoddy}",
    "the {item} was {shoddy} and {shoddy}",
    "this {item} is not {sound} in the slightest",
    "my {item} broke within {short}",
    "the {item} gave up after {short}",
    "i would not buy this {item} again",
    "i cannot recommend this {item} to anyone",
    "there is nothing good about the {item}",
    "the {item} does not do what it says on the box",
    "the {item} did not survive the first outing",
    "the {item} arrived in pieces",
    "the {item} arrived long behind schedule",
    "the {item} costs me hours of cleaning",
    "i have to worry about my {item} all the time",
    "the {item} stopped responding after {short}",
    "the {item} would not start however often i pressed the button",
    "setting up the {item} was a nightmare",
    "they would not replace the broken {item}",
    "they would not give me a refund for the {item}",
    "they sent me the wrong {item}",
    "the {item} came without a manual",
    "a part of the {item} was missing",
    "the {person} was {rude}",
    "the {person} was {rude} and {rude}",
    "the {person} wasn't {kind} at all",
    "the {person} could not have been more {rude}",
    "the {person} did not answer for {long}",
    "the {person} ignored us for {long}",
    "the {person} sorted nothing out in {long}",
    "the {person} had no idea how to solve the problem",
    "the {person} did not bother to greet us",
    "the {person} forgot my name and my appointment",
    "the {person} blamed us and wanted more money",
    "the {person} denied the mistake and stormed off",
    "the {person} could not explain any of my options",
    "the {person} cut the lesson short",
    "the {person} had no answer to any of our questions",
    "the {person} lost my wallet and denied it",
    "the {person} added a fee that nobody had mentioned",
    "the {person} treated us like criminals",
    "the {person} did not show up",
    "the {person} yelled at my mother",
    "the {person} has lost my confidence",
    "i would warn all my friends against this {person}",
    "the staff at the {place} were {rude}",
    "the staff ignored us",
    "the {place} lets me down each time",
    "the {place} did not meet our expectations",
    "the {place} kept my money and sent nothing",
    "i never feel welcome at this {place}",
    "we will not go to this {place} again",
    "i can't recommend this {place}",
    "we had to wait for {long} at the {place}",
    "the {place} is a tourist trap",
    "the {place} is the poorest in town",
    "there was an endless queue at the {place}",
    "the {meal} was {stale}",
    "the {meal} was {stale} and {stale}",
    "the {meal} wasn't {tasty} at all",
    "my children did not touch their plates",
    "nobody could finish the tiny but inedible portions",
    "the {meal} tasted like cardboard",
    "there was nothing for vegetarians",
    "we found a hair in the {meal}",
    "the {room} was {shabby}",
    "the {room} was {shabby} and {shabby}",
    "the {room} was not {cosy} at all",
    "we did not sleep a wink",
    "the {offer} was {messy}",
    "the {offer} dragged on for {long}",
    "my {offer} was not confirmed for {long}",
    "the {offer} was not {smooth} at all",
    "the {offer} cost a fortune",
    "the {offer} could not have been harder",
    "the {event} was {grim}",
    "the {event} was {grim} and {grim}",
    "the {event} was not {fun} at all",
    "the {event} appeared never to end",
    "we are afraid of the next {event}",
    "the {event} was cancelled without notice",
    "my {item} was money down the drain",
    "i have a long list of complaints about the {offer}",
    "it was not worth the wait",
    "they broke their word",
    "the lift was out of order for {long}",
    "i got a fraction of what i had paid for",
    "my skin has become red and itchy",
    "my knee pain has grown",
    "the noise never stops",
    "the children wanted to go home at once",
    "i have been warning my colleagues against it",
    "there were hidden fees",
    "we lost a fortune",
    "the air conditioning was broken",
    "the view was of a brick wall",
    "we did not feel safe for a moment",
    "my daughter learned nothing in {long}",
    "the bill was higher than we had feared",
    "the town has become a poorer place",
    "our internet has been slower than ever",
    "the train was delayed again",
    "i failed my exam because of the {person}",
    "nobody told us that the {event} had been cancelled",
    "i am still waiting for my {offer}",
    "i want my money returned",
    "my {offer} has vanished without a trace",
)

#: Whole sentences and their labels. {p} and {n} are a positive and a negative clause.
SENTENCES = (
    ("{p}.", 1),
    ("{p}.", 1),
    ("{p}.", 1),
    ("{n}.", 0),
    ("{n}.", 0),
    ("{n}.", 0),
    ("{p} and {p}.", 1),
    ("{n} and {n}.", 0),
    ("{n}, but {p}.", 1),
    ("{p}, but {n}.", 0),
    ("{n}, yet {p}.", 1),
    ("{p}, yet {n}.", 0),
    ("although {n}, {p}.", 1),
    ("although {p}, {n}.", 0),
    ("{p}, although {n}.", 1),
    ("{n}, although {p}.", 0),
    ("{n} at first, but now {p}.", 1),
    ("{p} at first, but now {n}.", 0),
    ("i was afraid that {n}, but {p}.", 1),
    ("i had hoped that {p}, but {n}.", 0),
    ("they say that {n}, but {p}.", 1),
    ("they say that {p}, but {n}.", 0),
    ("for a long time {n}. now {p}.", 1),
    ("for a long time {p}. now {n}.", 0),
    ("to my surprise, {p}.", 1),
    ("to my disappointment, {n}.", 0),
    ("{p}! great {place}.", 1),
    ("{n}! terrible {place}.", 0),
    # negations and understatements
    ("i don't think the {art} is {praised}.", 0),
    ("i don't think the {art} is {blamed}.", 1),
    ("not a {praised} {art}.", 0),
    ("a really {praised} {art}.", 1),
    ("a really {blamed} {art}.", 0),
    ("not {blamed}, actually quite {praised}.", 1),
    ("not {praised}, actually quite {blamed}.", 0),
    ("not the finest {place} in town.", 0),
    ("the {meal} was not what i would describe as {tasty}.", 0),
    ("the {room} was anything but {cosy}.", 0),
    ("the {room} was anything but {shabby}.", 1),
    ("the {person} was anything but {kind}.", 0),
    ("the {person} was anything but {rude}.", 1),
    ("the {item} is far from {sound}.", 0),
    ("the {item} is far from {shoddy}.", 1),
    ("i have had better {meal}.", 0),
    ("i have rarely had better {meal}.", 1),
    ("hardly a {praised} {art}.", 0),
    ("hardly a {blamed} minute in this {art}.", 1),
    ("if only the {person} had been {kind}.", 0),
    ("if only all {place} staff were this {kind}.", 1),
    ("i couldn't be happier with my {item}.", 1),
    ("i couldn't be more disappointed with my {item}.", 0),
    ("what a {praised} {event}.", 1),
    ("what a {blamed} {event}.", 0),
    ("avoid this {place}.", 0),
    ("do yourself a favour and avoid this {place}.", 0),
    ("do yourself a favour and visit this {place}.", 1),
    ("five stars for the {person}.", 1),
    ("one star is too many for this {place}.", 0),
    ("no stars for the {person}.", 0),
    ("save your money.", 0),
    ("money well spent.", 1),
    ("never again.", 0),
    ("we will be there again next summer.", 1),
    ("can't complain about the {offer}.", 1),
    ("not a single complaint about the {offer}.", 1),
    ("nothing but complaints about the {offer}.", 0),
    ("no delays, no hidden fees, no surprises.", 1),
    ("nothing but delays and hidden fees.", 0),
    ("the {meal} is not bad for what it costs.", 1),
    ("the {meal} is not good for what it costs.", 0),
)


def templated_sentences(count: int, seed: int) -> list[LabelledText]:
    """``count`` sentences with their labels, drawn with ``seed``."""
    rng = random.Random(seed)
    return [_sentence(rng) for _ in range(count)]


def _sentence(rng: random.Random) -> LabelledText:
    template, label = rng.choice(SENTENCES)

    def fill(slot: re.Match[str]) -> str:
        name = slot[1]
        if name in ("p", "n"):
            return _SLOT.sub(fill, rng.choice(POSITIVE if name == "p" else NEGATIVE))
        return rng.choice(SLOTS[name])

    return _SLOT.sub(fill, template), label
