"""What both predict, the largest changes in words, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, cast

import streamlit as st

from components import state
from components.gateway import code, comparison, inputs, language, saliency
from components.gateway.files import MOST_ROWS
from components.gateway.library import gb
from components.gateway.models import is_quick
from components.gateway.requests import Opened, TextRequest
from components.shared import charts
from components.shared.definitions import how_computed
from components.shared.plots import draw_chart
from components.shared.save_and_code import Kept, save_and_code
from components.text import plain
from components.views.compare.decisions import common_questions, heads_of
from components.views.compare.phrases import PARTS, number, phrases
from components.views.compare.sides import Compared, offer_texts
from components.views.compare.words import draw_words

if TYPE_CHECKING:
    from glassbert.comparison.changes import Part
    from glassbert.comparison.results import MaskedWordDifference, PredictionDifference

# Per part: enough to see where it happens.
_CHANGES = 3
_MOST_CLASSES = 6
_NAMES = 6
# A more expensive explanation waits in its own section until the user asks for it.
_QUICK_PASSES = 40
_QUICK_TOKENS = 64
_DECISIONS = {"classification": "Class", "next_sentence": "Next sentence"}


def draw_summary(compared: Compared) -> None:
    """Cost: two forward passes per decision, two for attention, two for hidden states, two per mask; and the Saliency
    section's explanation if the text is short and the method quick."""
    draw_words(compared, key="words")
    with st.spinner("Comparing …"):
        found, reasons = _parts(compared)
    left, right = st.columns([0.42, 0.58], gap="large")
    with left:
        _decisions(compared, found)
        if reasons:
            _reasons(reasons)
            offer_texts(compared, "classification")
    with right:
        _changes(compared, list(found.values()))
    _how(compared, list(found.values()))
    save_and_code("summary", compared.names, _kept(compared, found))


def _parts(compared: Compared) -> tuple[dict[str, Part], dict[str, str]]:
    """What can be compared, and why the rest cannot; the Saliency and Masked words sections give more detail."""
    request = compared.request
    work: dict[str, Callable[[], Part]] = {"Predictions": lambda: comparison.predictions(request, "classification")}
    heads = [set(one.model.task_heads) for one in compared.sides]
    if state.view().pair and all("next_sentence" in head for head in heads):
        if not all("classification" in head for head in heads):
            del work["Predictions"]
        work["Next sentence"] = lambda: comparison.predictions(request, "next_sentence")
    work["Attention"] = lambda: comparison.attention(request)
    work["Hidden states"] = lambda: comparison.hidden_states(request)
    possible = common_questions(compared)
    if not heads[0] & heads[1]:
        del work["Predictions"]
        work["Predictions, saliency, masked words"] = lambda: _raise_nothing_common(compared)
    elif not possible:
        work["Saliency"] = lambda: _raise_nothing_common(compared)
    elif _is_quick(compared):
        target = next(iter(possible.values())).target
        work["Saliency"] = lambda: comparison.attributions(request, _method().id, target)
    rows = _masked_rows(compared)
    if all("masked_words" in head for head in heads) and (rows or _gaps(compared)):
        work["Masked words"] = lambda: comparison.masked_words(request, rows)
    found: dict[str, Part] = {}
    reasons: dict[str, str] = {}
    for name, compare in work.items():
        try:
            found[name] = compare()
        except gb.GlassBERTError as error:
            reasons[name] = str(error)
    return found, reasons


def _kept(compared: Compared, found: dict[str, Part]) -> list[Kept]:
    """What could be compared, for "Save & code"."""
    request, kept = compared.request, []
    for name, result in found.items():
        if name == "Attention":
            size = comparison.attention(request).values.size
            written = code.comparison_of(request, "attention", name="attention")
            kept.append(Kept(name, written, lambda: comparison.attention(request), table=size <= MOST_ROWS))
        elif name == "Saliency":
            target = next(iter(common_questions(compared).values())).target
            kept.append(Kept.of(name, code.compare_attributions(request, _method().id, target), result))
        elif name == "Masked words":
            rows = cast("MaskedWordDifference", result).rows.tolist()
            kept.append(Kept.of(name, code.comparison_of(request, "masked_words", rows, name="words"), result))
        elif name == "Hidden states":
            kept.append(Kept.of(name, code.comparison_of(request, "hidden_states", name="states"), result))
        else:
            head = "classification" if name == "Predictions" else "next_sentence"
            kept.append(Kept.of(name, code.comparison_of(request, "predictions", head, name="predictions"), result))
    return kept


def _raise_nothing_common(compared: Compared) -> NoReturn:
    raise gb.ComparisonError(nothing_common(compared))


def nothing_common(compared: Compared) -> str:
    """Why there is no question for both sides."""
    first, second = compared.first, compared.second
    if compared.kind == "texts" or set(first.model.task_heads) & set(second.model.task_heads):
        return "there is no question that both sides can answer: select a word, type [MASK], or open a classifier"
    return (
        f"they have no prediction task in common ({first.name}: {heads_of(first)}; {second.name}: {heads_of(second)}). "
        "Their attention and hidden states can still be compared"
    )


def _masked_rows(compared: Compared) -> tuple[int, ...] | None:
    """The selected word if both have it; None: the typed masks."""
    alignment, row = compared.alignment, compared.row
    return (row,) if row is not None and alignment.matched[row] and not alignment.special[row] else None


def _gaps(compared: Compared) -> bool:
    """Whether both texts have a typed mask."""
    return all(_mask(one, text) is not None for one, text in zip(compared.sides, compared.texts, strict=True))


def _mask(one: Opened, text: TextRequest) -> int | None:
    tokens = inputs.encode(text).tokens
    return tokens.index(one.model.mask_token) if one.model.mask_token in tokens else None


def _method() -> gb.Method:
    methods = saliency.methods()
    return methods.get(state.view().method) or next(iter(methods.values()))


def _is_quick(compared: Compared) -> bool:
    tokens, method = len(inputs.encode(compared.request.first)), _method()
    needed = saliency.passes_of(method, tokens)
    return is_quick(compared.larger, 2 * needed, tokens) and tokens <= _QUICK_TOKENS and needed <= _QUICK_PASSES


# --- predictions -----------------------------------------------------------------------------------------------


def _decisions(compared: Compared, found: dict[str, Part]) -> None:
    predictions = _predictions(list(found.values()))
    for result in predictions:
        _decision(result)
    if not predictions:
        st.markdown("**Each side's own prediction**")
        for side, title in enumerate(compared.titles):
            st.markdown(f"{plain(title)} · {_own_decision(compared, side)}")


def _predictions(results: list[Part]) -> list[PredictionDifference]:
    # by name: a cached result may belong to a class that has been reloaded since
    named = [result for result in results if type(result).__name__ == "PredictionDifference"]
    return cast("list[PredictionDifference]", named)


def _decision(result: PredictionDifference) -> None:
    from glassbert.pictures.bars import paired_bars

    first, second = (plain(label) for label in result.decisions)
    what = _DECISIONS[result.head]
    told = f"**{first}** on both sides" if first == second else f"first **{first}**, second **{second}**"
    st.markdown(f"**{what}**: {told}")
    if result.regression:
        from glassbert.pictures.bars import paired_scores

        figure = paired_scores(
            result.labels, result.first_probabilities.tolist(), result.second_probabilities.tolist(), None, 1.0
        )
        draw_chart(figure, key=f"decision_{result.head}")
        return
    order = (result.first_probabilities + result.second_probabilities).argsort()[::-1][:_MOST_CLASSES]
    figure = paired_bars(
        [result.labels[index] for index in order],
        [float(result.first_probabilities[index]) for index in order],
        [float(result.second_probabilities[index]) for index in order],
        differences=True,
    )
    draw_chart(figure, key=f"decision_{result.head}")
    if result.divergence is not None:
        st.caption(f"Jensen–Shannon divergence between the two: {number(result.divergence)} bits (at most 1).")


def _own_decision(compared: Compared, side: int) -> str:
    """One side's answer, safe in Markdown."""
    one, text = compared.sides[side], compared.texts[side]
    heads = one.model.task_heads
    if "classification" in heads:
        result = language.classify(text)
        if result.regression:
            scores = zip(result.labels, result.logits, strict=True)
            return ", ".join(f"**{plain(name)}** {plain(f'{score:.4g}')}" for name, score in scores)
        answer = result.decided(state.view().threshold)
        return f"**{plain(result.labels[answer])}**, {plain(charts.percent(float(result.probabilities[answer])))}"
    if "masked_words" in heads and (masked := _masked(compared, side)):
        best = language.fill_mask(text, masked, 1)
        share = plain(charts.percent(float(best.probabilities[0, 0])))
        where = "in the gap" if masked[0] == _mask(one, text) else "in place of the selected word"
        return f"**{plain(charts.readable(best.candidates[0][0], best.encoded.spelling))}** {where}, {share}"
    if "token_classification" in heads:
        found = language.entities(text)
        names = [f"**{plain(words)}** {plain(name)}" for words, name in zip(found.surfaces, found.names, strict=True)]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        return (", ".join(names[:_NAMES]) or "no entity") + more
    if "question_answering" in heads and text.pair:
        answers = language.answer(text, 8)  # as many as the pages list
        share = plain(charts.percent(float(answers.span_probabilities[0])))
        return f"**{plain(answers.answers[0] or 'no answer')}**, {share}"
    if "next_sentence" in heads and text.pair:
        pair = language.next_sentence(text)
        return f"**{pair.answer}**, {plain(charts.percent(float(pair.probabilities[pair.predicted])))}"
    if "masked_words" in heads:
        return "nothing yet: select a word to see what this model puts in its place"
    return f"no prediction for a text like this one ({plain(heads_of(one))})"


def _masked(compared: Compared, side: int) -> tuple[int, ...]:
    """The tokens to predict on this side: those of the selected word, else the first typed gap."""
    alignment, row = compared.alignment, compared.row
    spans = (alignment.first_spans, alignment.second_spans)[side]
    if row is not None and not alignment.special[row] and spans[row, 0] < spans[row, 1]:
        return tuple(range(*map(int, spans[row])))
    gap = _mask(compared.sides[side], compared.texts[side])
    return () if gap is None else (gap,)


# --- what changed most -----------------------------------------------------------------------------------------


def _changes(compared: Compared, results: list[Part]) -> None:
    st.markdown("**The largest changes**, from the first to the second")
    changes = comparison.largest_changes(compared.alignment, results, _CHANGES)
    told = phrases(changes, results)
    if not told:
        sized = [
            result for result in results if not getattr(result, "reason", "")
        ]  # a size needs sides of the same shape
        st.markdown("None: everything that could be compared is the same." if sized else "None that could be measured.")
    for part, found in told.items():
        lines = "\n".join(f"- {phrase}" for phrase in found)
        st.markdown(f"{PARTS[part]}\n{lines}")


def _reasons(reasons: dict[str, str]) -> None:
    st.markdown("**What cannot be compared, and why**")
    for name, reason in reasons.items():
        st.info(f"**{name}**: {plain(reason.rstrip('.'))}.", icon=":material/info:")


def _how(compared: Compared, results: list[Part]) -> None:
    with how_computed("Comparison"):
        alignment = compared.alignment
        matched, rows = int(alignment.matched.sum()), len(alignment)
        by = (
            "characters" if alignment.by == "characters" else "words at the least cost of edits (Wagner & Fischer 1974)"
        )
        st.markdown(
            rf"""
The two inputs are aligned by {by}: {rows} columns, of which both sides have {matched}. Every difference is
second − first. Distributions $p$ and $q$ with the mean $m = (p + q) / 2$ are compared by the Jensen–Shannon divergence
(Lin 1991), in bits:

$$\mathrm{{JS}}(p, q) = \tfrac12 \mathrm{{KL}}(p \,\|\, m) + \tfrac12 \mathrm{{KL}}(q \,\|\, m)$$
"""
        )
        decided = next(iter(_predictions(results)), None)
        if decided is not None and decided.divergence is not None:
            first, second = (
                ", ".join(f"{float(share):.4f}" for share in shares[:_MOST_CLASSES])
                for shares in (decided.first_probabilities, decided.second_probabilities)
            )
            st.latex(rf"\mathrm{{JS}}\big(({first}), ({second})\big) = {decided.divergence:.4f}")
        st.markdown(
            "The changes listed are the largest of each kind; kinds have different units and are not ranked against "
            "each other. Changes below 0.00001 are rounding and not listed. *A large change is not always what flipped "
            "the prediction: the What if page tests this by copying single states from one text into the other.*"
        )
