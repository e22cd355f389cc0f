"""The evidence, section by section: what the summary rests on, in pictures and in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from glassbert.attribution import METHODS
from glassbert.evaluation import CHECKS
from glassbert.evaluation.results import Receipt, ReceiptLine
from glassbert.language.predictions import (
    AnswerPrediction,
    Classification,
    MaskPrediction,
    PairPrediction,
    TokenLabels,
)
from glassbert.pictures.formats import percent, readable, signed, signed_number
from glassbert.pictures.maps import map_drawing
from glassbert.pictures.markup import clipped, element, escaped
from glassbert.pictures.palette import LIGHT
from glassbert.reports.markup import aside, bar, figure, folded, heading, mark, node, passages, said, section, table
from glassbert.results import counted
from glassbert.targets import ClassTarget, Target, TokenTarget

if TYPE_CHECKING:
    from glassbert.attribution.results import ScoresByWord, TokenScores
    from glassbert.reports.results import Report

__all__ = ["evidence_html"]

#: Rows of a table of words; a longer text shows those with the largest numbers.
_MOST_WORDS = 40
_MOST_CLASSES, _MOST_FLIPS, _MOST_MAP_LABEL = 30, 5, 60
_WORD_CHARACTERS = 40
_FILLERS = {"pad": "padding in place of each", "mask": "a mask in place of each", "zero": "zeros in place of each"}
_MAP_PIXELS = 640

#: What the five checks of a verdict ask.
_TRUST_CHECKS = {
    "weights": "Are the model's weights trained?",
    "baseline": "Does the text make a difference?",
    "agreement": "Do methods name the same words?",
    "faithfulness": "Do these words matter to the model?",
    "sanity": "Do the scores depend on the trained weights?",
}


def evidence_html(report: Report) -> str:
    """All sections between the summary and the limits."""
    parts = (
        _prediction,
        _words,
        _scores,
        _agreement,
        _trust,
        _receipts,
        _baseline,
        _flips,
        _attention,
        _masked_words,
    )
    return "".join(part(report) for part in parts)


# --- the prediction ----------------------------------------------------------------------------------------------


def _prediction(report: Report) -> str:
    found = report.prediction
    if isinstance(found, Classification):
        drawn = _classes(found, report.target)
    elif isinstance(found, MaskPrediction):
        drawn = _candidates(found)
    elif isinstance(found, PairPrediction):
        drawn = _pair(found)
    elif isinstance(found, AnswerPrediction):
        drawn = _answers(found)
    else:
        drawn = _labels(found, report)
    return section("prediction", "What the model predicts", *drawn)


def _classes(found: Classification, target: Target) -> Iterator[str]:
    order = np.argsort(-found.logits, kind="stable")[:_MOST_CLASSES]
    if found.regression:
        yield aside("This model gives scores, not classes: they have no probability.")
        yield table(
            ["Score", "Value"], [[_name(found.labels[at]), f"{found.logits[at]:.4g}"] for at in order], numbers=[1]
        )
        return
    yield aside(
        "Each label is decided by itself, so the numbers need not add up to 100%."
        if found.multi_label
        else "All classes add up to 100%. The logit is the number that the model computes before it is turned into a "
        "probability."
    )
    threshold = target.threshold if isinstance(target, ClassTarget) else 0.5
    answer = found.decided(threshold)
    rows = [
        [
            _name(found.labels[at]),
            bar(float(found.probabilities[at]), percent(float(found.probabilities[at])), strong=at == answer),
            signed(float(found.logits[at])),
        ]
        for at in order
    ]
    yield table(["Class", "Probability", "Logit"], rows, numbers=[2])
    if found.is_between_two and threshold != 0.5:
        yield said(f"The answer is “{clipped(found.labels[1], 60)}” if its probability is above {percent(threshold)}.")
    if len(found.labels) > len(order):
        yield aside(f"{len(order)} of {len(found.labels)} classes.")


def _candidates(found: MaskPrediction) -> Iterator[str]:
    spelling = found.encoded.spelling
    yield aside(
        "The words that the model finds most likely in the gap. Their probabilities are those among all "
        "entries of its vocabulary."
    )
    rows = [
        [
            _name(readable(word, spelling)),
            bar(float(share), percent(float(share)), strong=rank == 0),
            signed(float(logit)),
        ]
        for rank, (word, share, logit) in enumerate(
            zip(found.candidates[0], found.probabilities[0], found.logits[0], strict=True)
        )
    ]
    yield table(["Word", "Probability", "Logit"], rows, numbers=[2])
    if found.original_tokens[0]:
        original = readable(found.original_tokens[0], spelling)
        share, rank = float(found.original_probabilities[0]), int(found.original_ranks[0])
        yield said(f"The word in the text, “{clipped(original, 60)}”, gets {percent(share)}: rank {rank:,}.")
    yield aside(f"Entropy {found.entropy[0]:.2f} bits: 0 is certain; each further bit doubles the choice of words.")


def _pair(found: PairPrediction) -> Iterator[str]:
    names = ("B follows A", "B does not follow A")
    rows = [
        [escaped(name), bar(float(share), percent(float(share)), strong=share >= 0.5), signed(float(logit))]
        for name, share, logit in zip(names, found.probabilities, found.logits, strict=True)
    ]
    yield table(["Answer", "Probability", "Logit"], rows, numbers=[2])


def _answers(found: AnswerPrediction) -> Iterator[str]:
    yield aside("The most likely answers: the probability of their start times that of their end.")
    rows = [
        [_name(answer), bar(float(share), percent(float(share)), strong=rank == 0)]
        for rank, (answer, share) in enumerate(zip(found.answers, found.span_probabilities, strict=True))
    ]
    yield table(["Answer", "Probability"], rows)


def _labels(found: TokenLabels, report: Report) -> Iterator[str]:
    if isinstance(report.target, TokenTarget):
        at = report.target.position
        order = np.argsort(-found.logits[at], kind="stable")[:_MOST_CLASSES]
        yield said(f"Labels of “{clipped(found.encoded.pieces[at], 60)}”, the token that is explained.")
        rows = [
            [
                _name(found.labels[label]),
                bar(
                    float(found.probabilities[at, label]),
                    percent(float(found.probabilities[at, label])),
                    strong=rank == 0,
                ),
                signed(float(found.logits[at, label])),
            ]
            for rank, label in enumerate(order)
        ]
        yield table(["Label", "Probability", "Logit"], rows, numbers=[2])
    words = np.flatnonzero(found.encoded.special_tokens_mask == 0)
    shown = words[:_MOST_WORDS]
    rows = [
        [
            _name(found.encoded.pieces[token]),
            _name(found.labels[found.predicted[token]]),
            percent(float(found.probabilities[token, found.predicted[token]])),
        ]
        for token in shown
    ]
    yield table(["Token", "Label", "Probability"], rows, caption="All tokens", numbers=[2])
    if len(words) > len(shown):
        yield aside(f"The first {len(shown)} of {len(words)} tokens.")


# --- the words ---------------------------------------------------------------------------------------------------


def _words(report: Report) -> str:
    words = report.verdict.words
    if words is None:
        return ""
    shown = words.order[:_MOST_WORDS]
    rows = [
        [
            _name(words.words[word]),
            f"{words.votes[word]} of {len(words.scores)}",
            signed_number(float(words.consensus[word])),
        ]
        for word in shown
    ]
    methods = ", ".join(METHODS[one.method].label for one in words.scores)
    most = f"at most {counted(words.top_k, 'word')}"
    drawn = [
        aside(
            f"{len(words.scores)} methods vote: {methods}. Each names {most}, those with its highest scores. A word "
            "carries the answer if more than half of the methods name it. The consensus is the mean of the methods' "
            "scores, each divided by the sum of their magnitudes."
        ),
        *_warning(report),
        passages(words.encoded, words.target, words.positions.tolist(), words.consensus),
        _key("The line below a word is solid where it speaks for the answer, dashed where it speaks against it."),
        table(["Word", "Named by", "Consensus"], rows, numbers=[1, 2]),
    ]
    if len(words.words) > len(shown):
        drawn.append(aside(f"The first {len(shown)} of {len(words.words)} words."))
    return section("words", "Which words carry the answer", *drawn)


def _scores(report: Report) -> str:
    by_word = [one.by_word() for one in report.scores]
    drawn = [
        said(
            f"How much each word counts for “{clipped(report.verdict.answer.target_label, 80)}”, by "
            f"{counted(len(report.scores), 'method')}. Each has a scale of its own.",
        ),
        _key("Solid line and orange: for it. Dashed line and blue: against it. Thicker and darker: more."),
        *_warning(report),
        *(_method(one) for one in by_word),
        _score_table(by_word),
    ]
    return section("scores", "The words, method by method", *drawn)


def _warning(report: Report) -> Iterator[str]:
    """Where the checks failed, colours look as convincing as ever."""
    trust = report.verdict.trust
    if trust is not None and trust.verdict == "fails":
        yield said(f"✗ Do not read these colours as reasons: {trust.reason.sentence}.", kind="opening fails")


def _method(scores: ScoresByWord) -> str:
    of, method = scores.by_token, METHODS[scores.by_token.method]
    ordinary = ~scores.special
    values = scores.scores[ordinary]
    positions = scores.spans[ordinary, 0].tolist()
    total = float(np.abs(scores.scores).sum())
    outside = 1 - float(np.abs(values).sum()) / total if total else 0.0
    return node(
        "div",
        heading(3, method.label),
        aside(f"A score measures {method.meaning}."),
        passages(of.encoded, of.target, positions, values),
        aside(f"{_sum(of)} Special tokens such as [CLS] hold {outside:.0%} of the scores and are not shown."),
        kind="method",
    )


def _sum(of: TokenScores) -> str:
    value = f"The answer's value F is {signed(of.value)} ({of.output})"
    if of.baseline_value is None or of.delta is None:
        return f"{value}."
    change = of.value - of.baseline_value
    total = float(of.scores.sum(dtype=np.float64))
    return (
        f"{value}, {signed(of.baseline_value)} without the words: the scores add up to {signed(total)} of a change of "
        f"{signed(change)}."
    )


def _score_table(by_word: Sequence[ScoresByWord]) -> str:
    first = by_word[0]
    ordinary = np.flatnonzero(~first.special)
    shares = np.stack(
        [np.abs(one.scores[ordinary]) / max(np.abs(one.scores[ordinary]).sum(), 1e-12) for one in by_word]
    )
    chosen = np.sort(np.argsort(-shares.mean(axis=0), kind="stable")[:_MOST_WORDS])
    rows = [
        [_name(first.words[ordinary[at]]), *(signed_number(float(one.scores[ordinary[at]])) for one in by_word)]
        for at in chosen
    ]
    names = ["Word", *(METHODS[one.by_token.method].label for one in by_word)]
    drawn = folded(names, rows, caption="All scores, in units of the logit where a method has units", number=True)
    if len(ordinary) > len(chosen):
        drawn += aside(f"The {len(chosen)} words of {len(ordinary)} with the largest scores, in the order of the text.")
    return drawn


def _agreement(report: Report) -> str:
    found = report.agreement
    if len(found.methods) < 2:
        return ""
    names = [METHODS[method].label for method in found.methods]
    rows = [
        [
            escaped(name),
            *(
                "" if row == column else f"{found.kendall[row, column]:+.2f}".replace("-", "−")
                for column in range(len(names))
            ),
        ]
        for row, name in enumerate(names)
    ]
    return section(
        "agreement",
        "Do the methods agree?",
        aside(
            "Kendall's τ of the order in which two methods put the words: +1 is the same order, 0 no relation, −1 the "
            "opposite order."
        ),
        folded(["Method", *names], rows, number=True),
    )


# --- how far to trust it -----------------------------------------------------------------------------------------


def _trust(report: Report) -> str:
    trust = report.verdict.trust
    if trust is None:
        return ""
    rows = [
        [escaped(_TRUST_CHECKS.get(line.check, line.check)), mark(line.verdict), *_numbered(line)]
        for line in trust.lines
    ]
    return section(
        "trust",
        "How far to trust the words above",
        aside("Five checks of the words that carry the answer. The worst one decides."),
        table(["Check", "Result", "Number", "What it means, and the limit"], rows, numbers=[2]),
    )


def _receipts(report: Report) -> str:
    if not report.receipts:
        return ""
    drawn = [
        aside(
            "Each method is put through the same checks. A receipt that holds does not make an explanation true; one "
            "that fails makes it useless."
        ),
        _overview(report.receipts),
        *(_receipt(one) for one in report.receipts),
    ]
    return section("receipts", "A receipt for each method", *drawn)


def _overview(receipts: Sequence[Receipt]) -> str:
    checks = [line.check for line in receipts[0].lines]
    names = [METHODS[one.method].label for one in receipts]
    rows = [[escaped(CHECKS[check].claim), *(mark(one.line(check).verdict) for one in receipts)] for check in checks]
    return folded(["Check", *names], rows, caption="At a glance")


def _receipt(receipt: Receipt) -> str:
    rows = [
        [
            f"{escaped(CHECKS[line.check].claim)} {node('small', escaped(CHECKS[line.check].label))}",
            mark(line.verdict),
            *_numbered(line),
        ]
        for line in receipt.lines
    ]
    return node(
        "div",
        heading(3, METHODS[receipt.method].label),
        table(["Check", "Result", "Number", "What it means, and the limit"], rows, numbers=[2]),
        aside(f"{counted(receipt.orderings, 'random ordering')}, seed {receipt.seed}."),
        kind="method",
    )


def _numbered(line: ReceiptLine) -> list[str]:
    number = "" if line.number is None else _two_digits(line.number)
    sentence = f"{line.sentence[:1].upper()}{line.sentence[1:]}."
    return [number, said(sentence, "div") + said(f"{line.threshold[:1].upper()}{line.threshold[1:]}.", "div", "aside")]


def _baseline(report: Report) -> str:
    if report.verdict.trust is None:
        return ""
    gap = report.verdict.trust.gap
    rows = [
        ["This text", signed(gap.value)],
        [f"The same without its words ({_FILLERS.get(gap.baseline, gap.baseline)})", signed(gap.baseline_value)],
        ["Change", signed(gap.change)],
        ["Change, as a share of the value", f"{gap.share:.0%}".replace("-", "−")],
    ]
    return section(
        "baseline",
        "Compared with a text without words",
        said(f"{gap.sentence[:1].upper()}{gap.sentence[1:]}."),
        table(["F, the value of the answer", gap.output], rows, numbers=[1]),
        said(f"{gap.threshold[:1].upper()}{gap.threshold[1:]}.", kind="aside"),
    )


def _flips(report: Report) -> str:
    flip = report.verdict.flip
    if flip is None:
        return ""
    drawn = [said(flip.sentence)]
    search = flip.search
    if search is not None:
        rows = [
            [
                "".join(said(text, "div") for text in texts),
                _name(search.flips.predictions[row]),
                percent(float(search.flips.probabilities[row])),
                f"{search.distances[row]:.3f}",
            ]
            for row, texts in enumerate(search.flips.texts[:_MOST_FLIPS])
        ]
        if rows:
            label = clipped(search.target_label, 40)
            drawn.append(
                table(["Changed text", "Answer", f"Probability of “{label}”", "Distance"], rows, numbers=[2, 3])
            )
        tried = f"{counted(search.tried, 'change')} of up to {counted(search.max_edits, 'word')} tried"
        ended = "" if search.complete else f" The search ended at its limit of {search.budget:,} forward passes."
        drawn.append(
            said(
                f"Before: {percent(search.probability)} for “{clipped(search.target_label, 60)}”. {tried}.{ended} The "
                f"distance is 1 − cosine between the texts, measured by {search.measured_by}.",
                kind="aside",
            )
        )
    return section("flips", "The smallest change that flips the answer", *drawn)


# --- attention ---------------------------------------------------------------------------------------------------


def _attention(report: Report) -> str:
    drawn = []
    if report.importance is not None:
        values = report.importance.importance
        rows = [f"layer {layer + 1}" for layer in range(values.shape[0])]
        columns = [str(head + 1) for head in range(values.shape[1])]
        best = np.unravel_index(int(values.argmax()), values.shape)
        drawn += [
            aside(
                "Importance is how strongly the answer's value reacts if a head's output is turned down: |∂F/∂ξ|, a "
                "row for each layer, a column for each head."
            ),
            figure(
                map_drawing(values, rows, columns, on=LIGHT, width_px=_MAP_PIXELS),
                f"Importance of {values.size} heads; the largest, {float(values.max()):.3g}, is head {best[1] + 1} of "
                f"layer {best[0] + 1}.",
            ),
        ]
    if report.maps:
        drawn += [
            aside(
                "Each row shows where a word takes information from: its weights add up to 1. A strong weight does not "
                "mean that the answer rests on it."
            ),
            _picker(report),
        ]
    return section("attention", "Attention of the heads that matter most", *drawn) if drawn else ""


def _picker(report: Report) -> str:
    """The maps, one at a time on a screen, all of them in print: radio buttons and a style sheet, no script."""
    heads = report.heads
    choices, panels = [], []
    for number, ((layer, head), one) in enumerate(zip(heads, report.maps, strict=True)):
        name = f"Layer {layer + 1}, head {head + 1}"
        checked = " checked" if number == 0 else ""
        choices.append(f'<input type="radio" name="head" id="head-{number}"{checked}>')
        choices.append(element("label", escaped(name), **{"for": f"head-{number}"}))
        panels.append(_panel(report, number, name, one.values[0], one.query_labels, one.key_labels))
    return node("div", *choices, *panels, kind="picker")


def _panel(
    report: Report, number: int, name: str, weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> str:
    layer, head = report.heads[number]
    told = name
    if report.importance is not None:
        values = report.importance.importance
        rank = int((values > values[layer, head]).sum()) + 1
        told += f": importance {float(values[layer, head]):.3g}, rank {rank} of {values.size}"
    query, key = divmod(int(weights.argmax()), len(columns))
    seen = (
        f"{name}: attention weights of {len(rows)} words. The largest is {float(weights.max()):.2f}, from "
        f"“{clipped(rows[query], _MOST_MAP_LABEL)}” to “{clipped(columns[key], _MOST_MAP_LABEL)}”."
    )
    drawn = map_drawing(
        weights,
        rows,
        columns,
        on=LIGHT,
        rooted=True,
        legend="Attention weight; colour follows its square root",
        width_px=_MAP_PIXELS,
    )
    return node(
        "div", heading(3, name), figure(drawn, seen, f"{told}. Rows attend, columns are attended to."), kind="panel"
    )


# --- masked words ------------------------------------------------------------------------------------------------


def _masked_words(report: Report) -> str:
    drawn: list[str] = []
    if report.lens is not None:
        drawn += _lens(report)
    if report.surprise is not None:
        drawn += _surprise(report)
    return section("masked-words", "What the model would have written", *drawn) if drawn else ""


def _lens(report: Report) -> Iterator[str]:
    lens = report.lens
    assert lens is not None
    yield aside(
        "The same output head on the states of every layer (logit lens): it shows how far the prediction has formed, "
        "not what those layers “think”. The last row is the model's prediction."
    )
    spelling = lens.encoded.spelling
    rows = []
    for layer in range(lens.layers):
        shown = [
            f"“{_name(readable(word, spelling))}” {escaped(percent(float(share)))}"
            for word, share in zip(lens.candidates[layer][0], lens.probabilities[layer, 0], strict=True)
        ]
        name = "embeddings" if layer == 0 else f"layer {layer}"
        rows.append([name, ", ".join(shown[:3]), f"{lens.entropy[layer, 0]:.2f}"])
    yield table(["After", "Most likely words", "Entropy (bits)"], rows, numbers=[2])


def _surprise(report: Report) -> Iterator[str]:
    found = report.surprise
    assert found is not None
    yield aside(
        "Every token is hidden in turn and predicted from the rest. Surprise is −log₂ of the probability of the token "
        "that stands there: 0 bits is certain, each further bit halves the probability."
    )
    encoded = found.encoded
    order = np.sort(np.argsort(-found.surprisal, kind="stable")[:_MOST_WORDS])
    rows = [
        [
            _name(encoded.pieces[found.positions[at]]),
            f"{found.surprisal[at]:.2f}",
            percent(float(found.probabilities[at])),
            _name(readable(found.choices[at], encoded.spelling)),
            percent(float(found.choice_probabilities[at])),
        ]
        for at in order
    ]
    names = ["Token", "Surprise (bits)", "Probability", "The model's first choice", "Its probability"]
    yield table(names, rows, numbers=[1, 2, 4])
    if len(found.positions) > len(order):
        yield aside(f"The {len(order)} most surprising of {len(found.positions)} tokens, in the order of the text.")
    told = f"{found.total:.1f} bits in all; pseudo-perplexity {found.pseudo_perplexity:.3g}"
    yield aside(f"{told}: the number of equally likely words per token that the model hesitates between.")


# --- small parts -------------------------------------------------------------------------------------------------


def _name(text: str) -> str:
    return element("bdi", escaped(clipped(text, _WORD_CHARACTERS)))


def _key(text: str) -> str:
    return said(text, kind="key")


def _two_digits(number: float) -> str:
    digits = f"{number:.2f}" if abs(number) >= 0.005 or number == 0 else f"{number:.1e}"
    return digits.replace("-", "−")
