"""One answer in plain sentences, with its evidence below them."""

from __future__ import annotations

from glassbert.figures._figure import Figure, Sheet, without_directions
from glassbert.figures._words import shown_label
from glassbert.figures.checks import VERDICTS, lines_table, method_name
from glassbert.figures.edits import flip_rows
from glassbert.pictures.bar_drawings import share_rows
from glassbert.pictures.drawing import Drawing, paragraph, stacked, titled
from glassbert.pictures.formats import signed, whole_percent
from glassbert.pictures.grid_drawings import grid_drawing
from glassbert.pictures.palette import Theme
from glassbert.pictures.tokens import tokens_drawing
from glassbert.results import counted
from glassbert.verdicts.results import CarryingWords, DecidedAnswer, FlipFound, TrustFound, Verdict

_WIDE = 720
_MOST_WORDS = 40


def _said(sentence: str, on: Theme) -> Drawing:
    return paragraph(without_directions(sentence), _WIDE, on, font_px=14)


def _answer_bars(result: DecidedAnswer, on: Theme) -> Drawing:
    named = {result.answer: result.probability, result.next_answer: result.next_probability}
    if not result.explains_answer:
        named[result.target_label] = result.target_probability
    shown = {name: share for name, share in named.items() if name and share is not None}
    if not shown:
        return paragraph(f"F {signed(result.value)}", _WIDE, on)
    return share_rows([shown_label(name) for name in shown], list(shown.values()), [0], on=on, width_px=560)


def _answer(result: DecidedAnswer, on: Theme) -> Sheet:
    drawing = stacked([_said(result.sentence, on), _answer_bars(result, on)], gap=14)
    return Sheet(f"Answer: {shown_label(result.answer)}", drawing, result.encoded.texts)


def _strip(result: CarryingWords, on: Theme) -> Drawing:
    consensus = result.consensus
    carrying = [result.words[word] for word in sorted(result.carrying)]
    named = f"; named by most: {', '.join(shown_label(word, 30) for word in carrying)}" if carrying else ""
    return tokens_drawing(
        result.words, consensus, on=on, legend=f"Mean of {len(result.scores)} methods’ shares{named}", width_px=_WIDE
    )


def _words(result: CarryingWords, on: Theme) -> Sheet:
    parts = [_said(result.sentence, on), _strip(result, on)]
    order = result.order.tolist()[:_MOST_WORDS]
    if order:
        shares = result.shares[:, order].T
        parts.append(
            grid_drawing(
                shares,
                [
                    f"{shown_label(result.words[word], 30)} ({int(result.votes[word])} of {len(result.scores)})"
                    for word in order
                ],
                [method_name(method) for method in result.methods],
                on=on,
                hue="signed",
                texts=[[whole_percent(share) for share in line] for line in shares],
                legend="Share of the magnitude of all words",
            )
        )
    held = ", ".join(
        f"{method_name(method)} {share:.0%}"
        for method, share in zip(result.methods, result.special_shares, strict=True)
    )
    notes = [
        f"Evidence for {shown_label(result.target_label)}. In brackets: the methods that name the word.",
        f"Special tokens hold: {held}.",
        *(f"{method_name(method)} was left out: {reason}." for method, reason in result.left_out.items()),
    ]
    title = f"Words that raise the {result.score_name}" if result.score_name else "Words that carry the answer"
    return Sheet(title, stacked(parts, gap=16), result.encoded.texts, notes)


def _trust(result: TrustFound, on: Theme) -> Sheet:
    drawing = stacked([_said(result.sentence, on), lines_table(result.lines, on)], gap=16)
    notes = [f"Evidence for {shown_label(result.target_label)}. The worst check decides."]
    return Sheet(f"Trust: {VERDICTS[result.verdict][2:]}", drawing, result.encoded.texts, notes)


def _flip(result: FlipFound, on: Theme, *, top_k: int = 10) -> Sheet:
    """``top_k`` is the number of flips shown, the smallest first."""
    parts = [_said(result.sentence, on)]
    if result.search is not None:
        parts.append(flip_rows(result.search, on, top_k))
    notes = []
    if (search := result.search) is not None:
        notes.append(
            f"Of {counted(result.words, 'word')}, {search.words_deleted} were deleted and {search.words_replaced} "
            f"replaced; budget {result.budget:,} passes."
        )
    return Sheet("What flips the answer", stacked(parts, gap=14), result.encoded.texts, notes)


def _verdict(result: Verdict, on: Theme) -> Sheet:
    parts = [stacked([_said(sentence, on) for sentence in result.sentences], gap=8)]
    if result.words is not None and result.words.words:
        parts.append(_strip(result.words, on))
    parts.append(titled(_answer_bars(result.answer, on), "How sure", on))
    if result.flip is not None and result.flip.found and result.flip.search is not None:
        parts.append(titled(flip_rows(result.flip.search, on, 3), "What flips it", on))
    if result.trust is not None:
        parts.append(titled(lines_table(result.trust.lines, on), "How reliable this is", on))
    notes = []
    if result.words is not None:
        methods = ", ".join(method_name(method) for method in result.words.methods)
        notes.append(f"Methods: {methods}.")
    return Sheet(f"Verdict: {shown_label(result.answer.answer)}", stacked(parts, gap=18), result.encoded.texts, notes)


FIGURES = (
    Figure(Verdict, _verdict),
    Figure(DecidedAnswer, _answer),
    Figure(CarryingWords, _words),
    Figure(TrustFound, _trust),
    Figure(FlipFound, _flip),
)
