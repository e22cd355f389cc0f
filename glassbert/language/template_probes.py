"""Template probe: one sentence with slots, every combination of fillers, one batch: a quick probe for bias."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod

import numpy as np
from torch import Tensor

from glassbert.arguments import checked
from glassbert.decision import Passes
from glassbert.errors import OptionError, TargetError
from glassbert.language.masked_copies import look_up, mean_probabilities, states
from glassbert.language.masked_words import check_top_k
from glassbert.language.pseudo_likelihood import check_variant
from glassbert.language.results import PieceScoring, TemplateProbe
from glassbert.language.word_scores import gather_words, plan_words, word_list
from glassbert.network.model import Model, require_task_head
from glassbert.text.inputs import encode, mask_positions, spelling_of, token_name
from glassbert.text.vocabulary import pieces_in_place

#: The maximum number of texts per probe.
MAX_COMBINATIONS = 1000
_SLOT = re.compile(r"\{([^{}]*)\}")


@checked
def probe_template(
    model: Model,
    template: str,
    slots: Mapping[str, Sequence[str]],
    words: Sequence[str | int] | None = None,
    top_k: int = 5,
    *,
    variant: PieceScoring = "word_l2r",
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TemplateProbe:
    """What the model predicts at the mask for every filler of the slots::

        probe_template(model, "The {job} said that [MASK] was late.", {"job": ["nurse", "doctor"]}, ["he", "she"])

    All combinations of several slots are tried, up to 1000 texts. ``words`` None selects the ``top_k`` words that are
    most likely on average over all texts. Words are scored as in :func:`glassbert.score_words`, all in one batched run.
    ``progress(inputs done, inputs)`` is called before each batch. Raises OptionError for slots that do not match the
    template, TargetError unless there is exactly one mask, TaskHeadError, TextErrors; StoppedError when
    ``cancelled()``.
    """
    require_task_head(model, "masked_words")
    check_variant(variant)
    check_top_k(model, top_k)
    wanted = None if words is None else word_list(words)
    names = _check_slots(template, slots)
    combinations = tuple(product(*(tuple(slots[name]) for name in names)))
    texts = tuple(fill(template, dict(zip(names, fillers, strict=True))) for fillers in combinations)
    places = []
    for text in texts:
        encoded = encode(model, text)
        masks = mask_positions(model, encoded)
        if len(masks) != 1:
            raise TargetError(f"the template needs exactly one [MASK], but {text!r} has {len(masks) or 'none'}")
        places.append((encoded, masks[0]))
    known: Tensor | None = None
    passes = Passes(cancelled=cancelled)
    if wanted is None:
        alone = [one for place in places for one in plan_words(model, *place, (), variant).copies]
        passes.report(progress, len(alone))
        known = states(model, alone, passes)
        wanted = tuple(mean_probabilities(model, known).topk(top_k).indices.tolist())
    pieces = [tuple(pieces_in_place(model, *place, word) for word in wanted) for place in places]
    plans = [plan_words(model, *place, own, variant) for place, own in zip(places, pieces, strict=True)]
    copies = [one for plan in plans for one in plan.copies]
    starts = np.cumsum([0, *(len(plan.copies) for plan in plans)])
    rows = [start + row for start, plan in zip(starts, plans, strict=False) for row in plan.rows]
    ids = [piece for plan in plans for piece in plan.ids]
    # the most likely words are single pieces, so they need no further copies
    if known is None:
        passes.report(progress, len(copies))
        known = states(model, copies, passes)
    answers = look_up(model, known, rows, ids)
    found = gather_words(answers, [word for own in pieces for word in own])
    shape = (len(texts), len(wanted))
    single = starts[:-1]  # the copies with one mask
    return TemplateProbe(
        template=template,
        slots=names,
        combinations=combinations,
        texts=texts,
        words=tuple(word if isinstance(word, str) else token_name(model, word) for word in wanted),
        pieces=tuple(tuple(token_name(model, piece) for piece in own) for own in pieces[0]),
        probabilities=np.exp(found.log_probabilities).reshape(shape),
        surprisal=(-found.log_probabilities / np.log(2)).reshape(shape),
        ranks=np.asarray(found.ranks).reshape(shape),
        choices=tuple(token_name(model, token) for token in answers.choices[single].tolist()),
        spelling=spelling_of(model.tokenizer),
        choice_probabilities=answers.choice_log_probabilities[single].exp().numpy(),
        entropy=answers.entropy[single].numpy(),
        variant=variant,
        forward_passes=len(copies),
    )


def _check_slots(template: str, slots: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The template's slot names in order of appearance. Raises OptionError unless exactly these have fillers."""
    names = tuple(dict.fromkeys(_SLOT.findall(template)))
    if not names:
        raise OptionError("the template has no slot: write one in braces, as in 'The {job} said that [MASK] was late.'")
    listed = ", ".join(f"{{{name}}}" for name in names)
    missing = [name for name in names if name not in slots]
    if missing:
        raise OptionError(f"the slot {{{missing[0]}}} of the template has no list of fillers: add one, or remove it")
    unknown = [name for name in slots if name not in names]
    if unknown:
        raise OptionError(f"the template has no slot {{{unknown[0]}}}; its slots are {listed}")
    for name in names:
        fillers = slots[name]
        if isinstance(fillers, str) or len(fillers) == 0 or not all(filler.strip() for filler in fillers):
            raise OptionError(f"the slot {{{name}}} needs a list of at least one filler, none of them empty")
    count = prod(len(slots[name]) for name in names)
    if count > MAX_COMBINATIONS:
        raise OptionError(
            f"these slots give {count} combinations, but at most {MAX_COMBINATIONS} are allowed: shorten a list"
        )
    return names


def fill(template: str, fillers: Mapping[str, str]) -> str:
    """The template with its slots filled; the content of a filler is plain text, never a slot."""
    return _SLOT.sub(lambda match: fillers[match[1]], template)
