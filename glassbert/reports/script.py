"""The Python that computes every number of a report again, with the functions that anyone can call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassbert.reports.findings import Findings, ModelIdentity

__all__ = ["script_of"]


def script_of(report: Findings) -> str:
    """A complete program; its variables have the names of the report's fields."""
    return "\n".join(
        [
            *_opening(report),
            "",
            *_texts(report),
            "",
            "# the answer, the words that carry it, what flips it, and how far to trust that",
            *_verdict(report),
            "",
            "# the prediction in full",
            f"prediction = {_prediction(report)}",
            "",
            "# several methods side by side, a receipt for each, and how far they agree",
            *_methods(report),
            *_heads(report),
            *_guesses(report),
            "",
            'print(*verdict.sentences, sep="\\n")',
            "for one in scores:",
            "    print(one.by_word().frame())",
            "for one in receipts:",
            "    print(one.frame())",
            "",
        ]
    )


def _opening(report: Findings) -> list[str]:
    passport, model = report.passport, report.passport.model
    versions = ", ".join(f"{name} {version}" for name, version in passport.versions.items())
    lines = [
        f"# Computes the report of {passport.created} again ({versions}; {model.device_label}, {model.precision}).",
        "# Other versions, devices or numbers of threads may change the last digits.",
        *(["import sys", ""] if "folder" in _origins(report) else []),
        "import glassbert as gb",
        "",
        *_loading("model", model, argument=1),
    ]
    if model.ablated_heads:
        lines.append(f"model = gb.ablate(model, {list(model.ablated_heads)!r})")
    if passport.proposer is not None:
        lines += _loading("proposer", passport.proposer, argument=2)
    return lines


def _origins(report: Findings) -> set[str]:
    passport = report.passport
    return {one.origin for one in (passport.model, passport.proposer) if one is not None}


def _loading(name: str, model: ModelIdentity, *, argument: int) -> list[str]:
    options = f", device={model.device!r}"
    if model.precision != "float32":
        options += f", precision={model.precision!r}"
    if model.revision:
        options += f", revision={model.revision!r}"
    if model.origin != "folder":
        return [f"{name} = gb.load({model.id!r}{options})"]
    file, digest = next(iter(model.weights.items()))
    return [
        f"# the folder {model.name!a}; the SHA-256 of {file!a} in it is",
        f"# {digest}",
        f"{name} = gb.load(sys.argv[{argument}]{options})",
    ]


def _texts(report: Findings) -> list[str]:
    text, *pair = report.encoded.texts
    return [
        f"text = {text!r}",
        f"pair = {pair[0]!r}" if pair else "pair = None",
        f"target = gb.{report.target!r}",
    ]


def _verdict(report: Findings) -> list[str]:
    options = ["target=target"]
    if report.passport.proposer is not None:
        options.append("proposer=proposer")
    budget = report.passport.settings.get("budget_of_the_smallest_change")
    if budget is not None:
        options.append(f"budget={budget}")
    if report.passport.seed:
        options.append(f"seed={report.passport.seed}")
    return [f"verdict = gb.verdict(model, text, pair, {', '.join(options)})"]


def _prediction(report: Findings) -> str:
    match type(report.prediction).__name__:
        case "Classification":
            return "gb.classify(model, text, pair)"
        case "MaskPrediction":
            top_k = report.prediction.probabilities.shape[1]  # type: ignore[union-attr]
            return f"gb.fill_mask(model, text, pair, positions=[target.position], top_k={top_k})"
        case "PairPrediction":
            return "gb.next_sentence(model, text, pair)"
        case "AnswerPrediction":
            none = ", no_answer=True" if getattr(report.prediction, "no_answer", False) else ""
            return f"gb.answer(model, text, pair{none})"
        case "Entities":
            return "gb.entities(model, text)"
        case "ReplacedTokens":
            return "gb.replaced_tokens(model, text, pair)"
        case _:
            return "gb.label_tokens(model, text, pair)"


def _methods(report: Findings) -> list[str]:
    names = [one.method for one in report.scores]
    checked = len(report.receipts)
    some = "scores" if checked == len(names) else f"scores[:{checked}]"
    seed = f", seed={report.passport.seed}" if report.passport.seed else ""
    return [
        f"methods = {names!r}",
        f"scores = list(gb.attribute_each(model, text, pair, methods=methods, target=target{_options(report)}))",
        "scores.sort(key=lambda one: methods.index(one.method))",
        f"receipts = list(gb.receipts(model, {some}{seed}))" if checked else "receipts = []",
        "agreement = gb.method_agreement(scores)",
    ]


def _options(report: Findings) -> str:
    options = report.passport.settings.get("options_of_methods")
    return f", options={dict(options)!r}" if options else ""


def _heads(report: Findings) -> list[str]:
    lines = []
    if report.importance is not None or report.maps:
        lines += ["", "# the attention heads that matter most for this decision, and where they attend, word by word"]
    if report.importance is not None:
        lines.append("importance = gb.head_importance(model, text, pair, target=target)")
    if report.maps:
        lines += [
            f"heads = {list(report.heads)!r}  # (layer, head), counted from 0",
            "attention = gb.attention(model, verdict.encoded)",
            "maps = [attention.combine([head]).by_word() for head in heads]",
        ]
    return lines


def _guesses(report: Findings) -> list[str]:
    lines = []
    if report.surprise is not None:
        lines += ["", "# each word hidden in turn", "surprise = gb.surprise(model, text, pair)"]
    if report.lens is not None:
        top_k = report.lens.probabilities.shape[2]
        lines += [
            "",
            "# the masked word, layer by layer",
            f"lens = gb.logit_lens(model, text, pair, positions=[target.position], top_k={top_k})",
        ]
    return lines
