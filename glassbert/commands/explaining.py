"""Why the model says so: attributions, receipts, verdicts, and changes that flip the prediction."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glassbert.commands._command import (
    Command,
    add_json,
    add_model,
    add_proposer,
    add_windows,
    number,
    open_model,
    open_proposer,
    settings,
    windows_of,
)
from glassbert.commands._console import Console
from glassbert.commands._tables import plain, table, texts
from glassbert.commands._targets import add_target, target_of
from glassbert.commands._texts import Answers, add_texts, answer_each
from glassbert.pictures.formats import percent, signed_number

if TYPE_CHECKING:
    from glassbert.network.model import Model
    from glassbert.text.windows import Windows

__all__ = ["COMMANDS"]


def _add_method(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--method",
        default="integrated_gradients",
        metavar="ID",
        help="the attribution method (default: %(default)s); --methods lists all",
    )
    parser.add_argument(
        "-o",
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the method, such as n_steps=50 or baseline=mask; may be repeated",
    )
    add_target(parser)
    parser.add_argument(
        "--output",
        choices=("logit", "probability"),
        default="logit",
        help="explain the logit or the probability of the target (default: %(default)s)",
    )
    parser.add_argument("--methods", action="store_true", help="list the methods with their options, and end")


def _attribute_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    _add_method(parser)
    parser.add_argument("--words", action="store_true", help="one score for each word: the sum of those of its tokens")
    add_windows(parser)
    add_json(parser, "TokenScores, or ScoresByWord with --words")
    add_model(parser, "sentiment")


def _attribute(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.methods:
        return _list_methods(console)

    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        windows = windows_of(arguments)
        explain = _explainer(arguments, open_model(arguments, console), console, windows)

        def compute(text: str, pair: str | None) -> Any:
            scores = explain(text, pair)
            return scores.by_word() if arguments.words else scores

        return Answers(compute, lambda one: _score_lines(one, console))

    return answer_each(arguments, console, prepare)


def _explainer(
    arguments: argparse.Namespace, model: Model, console: Console, windows: Windows | None = None
) -> Callable[[str, str | None], Any]:
    """Explains a text as the options say. Raises MethodError, OptionError before any text is read."""
    from glassbert.attribution import attribute
    from glassbert.attribution._methods import chosen_method

    options = settings(arguments.option)
    chosen_method(arguments.method, options)

    def explain(text: str, pair: str | None) -> Any:
        target = target_of(model, text, pair, arguments)
        return attribute(
            model,
            text,
            pair,
            method=arguments.method,
            target=target,
            output=arguments.output,
            windows=windows,
            progress=console.progress("Explaining"),
            **options,
        )

    return explain


def _score_lines(result: Any, console: Console) -> list[str]:
    by_word = hasattr(result, "by_token")
    scores = result.by_token if by_word else result
    names = result.words if by_word else scores.encoded.pieces
    said = f"{scores.method} of {plain(scores.target_label, 60)}: {scores.output} {signed_number(scores.value)}"
    if scores.baseline_value is not None:
        said += f", baseline {signed_number(scores.baseline_value)}"
    if scores.delta is not None:
        said += f"; the scores add up to the difference within {abs(scores.delta):.2g}"
    rows = [[plain(name, 40), signed_number(float(score))] for name, score in zip(names, result.scores, strict=True)]
    head = ["word" if by_word else "token", "score"]
    return [texts(scores.encoded.texts), said, *table(head, rows, right={1}, paint=console.look)]


def _list_methods(console: Console) -> int:
    from glassbert.attribution import METHODS

    rows = [
        [one.id, one.label, " ".join(f"{name}={default}" for name, default in one.options.items())]
        for one in METHODS.values()
    ]
    if console.as_json:
        for one in METHODS.values():
            console.record({"id": one.id, "label": one.label, "paper": one.paper, "options": dict(one.options)})
    else:
        console.lines(table(["method", "name", "options and defaults"], rows, paint=console.look))
    return 0


def _receipt_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    _add_method(parser)
    parser.add_argument(
        "--orderings", type=number(10), metavar="N", help="random orderings to compare with (default: 100)"
    )
    parser.add_argument(
        "--seed", type=number(0), default=0, metavar="N", help="seed of the random orderings (default: %(default)s)"
    )
    parser.add_argument("--thorough", action="store_true", help="run the sanity and stability checks in full")
    add_windows(parser)
    add_json(parser, "a Receipt")
    add_model(parser, "sentiment")


def _receipt(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.methods:
        return _list_methods(console)

    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.evaluation import receipt

        model = open_model(arguments, console)
        explain = _explainer(arguments, model, console, windows_of(arguments))
        return Answers(
            lambda text, pair: receipt(
                model,
                explain(text, pair),
                n_orderings=arguments.orderings,
                seed=arguments.seed,
                thorough=arguments.thorough,
                progress=console.progress("Checking"),
            ),
            lambda one: _receipt_lines(one, console),
        )

    return answer_each(arguments, console, prepare)


def _receipt_lines(result: Any, console: Console) -> list[str]:
    grade = console.look(_spelt(result.verdict), result.verdict)
    rows = [
        [
            _spelt(line.verdict),
            line.check,
            "" if line.number is None else f"{line.number:.3g}".replace("-", "−"),
            plain(line.sentence, 200),
        ]
        for line in result.lines
    ]
    looks = [line.verdict for line in result.lines]
    return [
        texts(result.encoded.texts),
        f"{result.method} of {plain(result.target_label, 60)}: {grade}",
        *table(["verdict", "check", "number", "meaning"], rows, right={2}, paint=console.look, looks=looks),
    ]


def _spelt(grade: str) -> str:
    return grade.replace("_", " ")


def _flip_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    add_target(parser, foil=False)
    parser.add_argument(
        "--proposals",
        choices=("masked_model", "gradient"),
        default="masked_model",
        help="words that fit the text, or words that lower the logit most (default: %(default)s)",
    )
    add_proposer(parser)
    parser.add_argument("--readable", action="store_true", help="only flips that read well to the masked-word model")
    parser.add_argument("--no-deletions", action="store_true", help="replace words, remove none")
    parser.add_argument(
        "--max-edits", type=int, choices=(1, 2), default=2, help="words changed at once (default: %(default)s)"
    )
    parser.add_argument(
        "--budget", type=number(10), default=1000, metavar="N", help="forward passes at most (default: %(default)s)"
    )
    parser.add_argument(
        "--results", type=number(1), default=10, metavar="N", help="flips to keep (default: %(default)s)"
    )
    add_json(parser, "a FlipSearch")
    add_model(parser, "sentiment")


def _flip(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.whatif import find_flip

        model = open_model(arguments, console)
        proposer = open_proposer(arguments, console, model)
        return Answers(
            lambda text, pair: find_flip(
                model,
                text,
                pair,
                target=target_of(model, text, pair, arguments),
                proposals=arguments.proposals,
                proposer=proposer,
                deletions=not arguments.no_deletions,
                readable=arguments.readable,
                max_edits=arguments.max_edits,
                budget=arguments.budget,
                results=arguments.results,
                progress=console.progress("Searching"),
            ),
            lambda one: _flip_lines(one, console),
        )

    return answer_each(arguments, console, prepare)


def _flip_lines(result: Any, console: Console) -> list[str]:
    found = result.flips
    answer = f"{plain(result.prediction, 40)} {percent(result.probability)}"
    said = f"{answer}: {result.found} of {result.tried} changes flip it"
    if not result.complete:
        said += "; the budget ended before all were tried"
    shown, head = found, "changed text"
    if not found.texts and result.closest.texts:
        shown, head = result.closest, "closest, which does not flip it"
    rows = [
        [plain(prediction, 40), percent(float(share)), texts(changed)]
        for prediction, share, changed in zip(shown.predictions, shown.probabilities, shown.texts, strict=True)
    ]
    of_target = f"of {plain(result.target_label, 30)}"
    listed = table(["prediction", of_target, head], rows, right={1}, paint=console.look) if rows else []
    return [texts(result.encoded.texts), said, *listed]


def _verdict_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    add_target(parser)
    add_proposer(parser)
    parser.add_argument(
        "--budget",
        type=number(10),
        metavar="N",
        help="forward passes for the search of a flip (default: about half a second)",
    )
    add_json(parser, "a Verdict")
    add_model(parser, "sentiment")


def _verdict(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.verdicts import verdict

        model = open_model(arguments, console)
        proposer = open_proposer(arguments, console, model)
        return Answers(
            lambda text, pair: verdict(
                model,
                text,
                pair,
                target=target_of(model, text, pair, arguments),
                proposer=proposer,
                budget=arguments.budget,
                progress=console.progress("Weighing"),
            ),
            lambda one: [texts(one.encoded.texts), *(plain(sentence, 1000) for sentence in one.sentences)],  # type: ignore[attr-defined]
        )

    return answer_each(arguments, console, prepare)


COMMANDS = (
    Command(
        "attribute",
        "which tokens drive the prediction",
        "One score for each token, special tokens included: how much it contributed to what the model says.",
        (
            'glassbert attribute "It was not bad at all."',
            'glassbert attribute "It was not bad at all." --words --method occlusion',
            'glassbert attribute "It was not bad." --target NEGATIVE --output probability',
            'glassbert attribute "The nurse said [MASK] was tired." --model pretrained --target she --foil he',
            'glassbert attribute "She moved to Warsaw." --model entities --target Warsaw --foil ORG',
            "glassbert attribute --methods",
        ),
        _attribute_options,
        _attribute,
        units="scores are in the unit of --output: logits (any number; only differences matter) or probability "
        "(0 to 1);\n  plus speaks for the target, minus against it",
        defined=("Saliency",),
    ),
    Command(
        "receipt",
        "how far such scores can be trusted",
        "Puts an attribution through checks: do the scores add up, do they beat random orderings of the same words,\n"
        "do they depend on the trained weights, …? Each has a number, a sentence and a verdict.",
        (
            'glassbert receipt "It was not bad at all."',
            'glassbert receipt "It was not bad at all." --method saliency --thorough',
        ),
        _receipt_options,
        _receipt,
        units="each check has its own, stated in its sentence; holds, doubtful and fails follow stated thresholds",
        defined=("Receipts",),
    ),
    Command(
        "verdict",
        "the answer, why, and how far to trust it, in plain sentences",
        "Plain sentences about one answer: how sure the model is, which words carry it, what flips it, and how far to\n"
        "trust all that.",
        (
            'glassbert verdict "The plot is thin but the acting is superb."',
            "glassbert verdict --file reviews.txt --json > verdicts.jsonl",
        ),
        _verdict_options,
        _verdict,
        defined=("Verdict",),
    ),
    Command(
        "flip",
        "the smallest change of a text that flips the prediction",
        "Deletes and replaces words until the prediction changes, and lists the smallest changes that do.",
        (
            'glassbert flip "The plot is thin but the acting is good."',
            'glassbert flip "The acting is good." --max-edits 1 --readable',
        ),
        _flip_options,
        _flip,
        units="the probability of the original prediction after the change, in percent",
        defined=("What if",),
    ),
)
