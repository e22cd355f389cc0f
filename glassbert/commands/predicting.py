"""What the model predicts: classes, masked words, the next sentence, replaced words; how similar two texts are."""

from __future__ import annotations

import argparse
from typing import Any

from glassbert.commands._command import Command, add_json, add_model, add_windows, number, open_model, windows_of
from glassbert.commands._console import Console
from glassbert.commands._tables import padded, plain, table, texts
from glassbert.commands._texts import Answers, add_texts, answer_each
from glassbert.errors import TextError
from glassbert.pictures.formats import percent, readable, signed

__all__ = ["COMMANDS"]


def _classify_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    add_windows(parser)
    add_json(parser, "a Classification")
    add_model(parser, "sentiment")


def _classify(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import classify

        windows = windows_of(arguments)
        model = open_model(arguments, console)
        width = max((len(plain(label, 30)) for label in model.labels), default=0)
        return Answers(
            lambda text, pair: classify(model, text, pair, windows=windows), lambda one: [_class_line(one, width)], True
        )

    return answer_each(arguments, console, prepare)


def _class_line(result: Any, width: int) -> str:
    """``POSITIVE   97.3%  It was not bad at all.``; of a multi-label model all labels with at least 50%."""
    if result.regression:
        scores = zip(result.labels, result.logits, strict=True)
        said = "  ".join(f"{plain(label, 30)} {score:.4g}" for label, score in scores)
    else:
        likely = [result.predicted]
        if result.multi_label:
            likely = [int(label) for label in (-result.probabilities).argsort() if result.probabilities[label] >= 0.5]
        said = "  ".join(
            f"{padded(plain(result.labels[label], 30), width)}  {percent(float(result.probabilities[label])):>6}"
            for label in likely
        )
    return f"{said or 'no label'}  {texts(result.encoded.texts)}"


def _fill_mask_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    parser.add_argument(
        "--top-k", type=number(1), default=10, metavar="N", help="candidates for each mask (default: %(default)s)"
    )
    add_json(parser, "a MaskPrediction")
    add_model(parser, "pretrained")


def _fill_mask(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import fill_mask

        model = open_model(arguments, console)
        return Answers(
            lambda text, pair: fill_mask(model, text, pair, top_k=arguments.top_k),
            lambda one: _candidate_lines(one, console),
        )

    return answer_each(arguments, console, prepare)


def _candidate_lines(result: Any, console: Console) -> list[str]:
    lines = [texts(result.encoded.texts)]
    for mask, candidates in enumerate(result.candidates):
        if len(result.candidates) > 1:
            lines.append(f"mask {mask + 1} of {len(result.candidates)}")
        rows = [
            [str(rank), plain(readable(token, result.encoded.spelling)), percent(float(share))]
            for rank, (token, share) in enumerate(zip(candidates, result.probabilities[mask], strict=True), start=1)
        ]
        lines += table(["rank", "word", "probability"], rows, right={0, 2}, paint=console.look)
    return lines


def _next_sentence_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser, pair="the text that may follow")
    add_json(parser, "a PairPrediction")
    add_model(parser, "pretrained")


def _next_sentence(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import next_sentence

        model = open_model(arguments, console)

        def compute(text: str, pair: str | None) -> Any:
            return next_sentence(model, text, _second(pair))

        return Answers(compute, lambda one: [_pair_line(one)], True)

    return answer_each(arguments, console, prepare)


def _second(pair: str | None) -> str:
    """The second text. Raises TextError if there is none."""
    from glassbert.errors import TextError

    if pair is None:
        raise TextError("there is no second text: give it with --pair, or after a tab in the line")
    return pair


def _pair_line(result: Any) -> str:
    answer = "is next" if result.probability >= 0.5 else "is not next"
    share = percent(max(result.probability, float(result.probabilities[1])))
    return f"{answer:<11}  {share:>6}  {texts(result.encoded.texts)}"


def _replaced_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    add_json(parser, "a ReplacedTokens")
    add_model(parser, None)


def _replaced(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import replaced_tokens

        model = open_model(arguments, console)
        return Answers(lambda text, pair: replaced_tokens(model, text, pair), lambda one: _replaced_lines(one, console))

    return answer_each(arguments, console, prepare)


def _replaced_lines(result: Any, console: Console) -> list[str]:
    rows = [
        [plain(piece), percent(float(share)), "replaced" if share > 0.5 else ""]
        for piece, share, special in zip(
            result.encoded.pieces, result.probabilities, result.encoded.special_tokens_mask, strict=True
        )
        if not special
    ]
    return [
        texts(result.encoded.texts),
        *table(["token", "probability", "answer"], rows, right={1}, paint=console.look),
    ]


def _entities_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser)
    parser.add_argument(
        "--aggregation",
        choices=["none", "simple", "first", "average", "max"],
        default="first",
        help="how the labels of tokens become those of spans (default: %(default)s, which keeps words whole)",
    )
    add_windows(parser)
    add_json(parser, "an Entities")
    add_model(parser, "entities")


def _entities(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import entities

        windows = windows_of(arguments)
        model = open_model(arguments, console)

        def compute(text: str, pair: str | None) -> Any:
            if pair is not None:
                raise TextError("entities are found in one text: leave the second one out")
            return entities(model, text, aggregation=arguments.aggregation, windows=windows)

        return Answers(compute, lambda one: _entity_lines(one, console))

    return answer_each(arguments, console, prepare)


def _entity_lines(result: Any, console: Console) -> list[str]:
    rows = [
        [plain(surface, 60), plain(name, 30), percent(float(share)), str(start), str(end)]
        for surface, name, share, (start, end) in zip(
            result.surfaces, result.names, result.probabilities, result.offsets.tolist(), strict=True
        )
    ]
    if not rows:
        return [texts(result.encoded.texts), "no entity"]
    head = ["entity", "label", "probability", "start", "end"]
    return [texts(result.encoded.texts), *table(head, rows, right={2, 3, 4}, paint=console.look)]


def _answer_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser, pair="the text to find the answer in")
    parser.add_argument(
        "--top-k", type=number(1), default=5, metavar="N", help="answers for each question (default: %(default)s)"
    )
    parser.add_argument(
        "--no-answer",
        choices=["yes", "no"],
        help="whether it may find that the text has no answer (default: as it was trained, by its name and card)",
    )
    add_windows(parser)
    add_json(parser, "an AnswerPrediction")
    add_model(parser, "answers")


def _answer(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.language import answer

        windows = windows_of(arguments)
        model = open_model(arguments, console)

        def compute(text: str, pair: str | None) -> Any:
            if pair is None:
                raise TextError(
                    "the text to find the answer in is missing: give --pair, or a tab and the text in a file"
                )
            none = None if arguments.no_answer is None else arguments.no_answer == "yes"
            return answer(model, text, pair, top_k=arguments.top_k, no_answer=none, windows=windows)

        return Answers(compute, lambda one: _answer_lines(one, console))

    return answer_each(arguments, console, prepare)


def _answer_lines(result: Any, console: Console) -> list[str]:
    rows = [
        [plain(found, 60) or "(no answer)", percent(float(share))]
        for found, share in zip(result.answers, result.span_probabilities, strict=True)
    ]
    return [texts(result.encoded.texts), *table(["answer", "probability"], rows, right={1}, paint=console.look)]


def _similarity_options(parser: argparse.ArgumentParser) -> None:
    add_texts(parser, pair="the text to compare it with")
    parser.add_argument(
        "--parts",
        type=number(1),
        metavar="N",
        help="the N pairs of tokens that most of the cosine comes from (seconds)",
    )
    parser.add_argument(
        "--pooling",
        choices=["mean", "cls"],
        help="how one vector is made of a text (default: as the model's files say)",
    )
    add_json(parser, "a Similarity, whose matrix is empty without --parts")
    add_model(parser, "similarity")


def _similarity(arguments: argparse.Namespace, console: Console) -> int:
    def prepare(arguments: argparse.Namespace, console: Console) -> Answers:
        from glassbert.similarities import similarity

        model = open_model(arguments, console)

        def compute(text: str, pair: str | None) -> Any:
            return similarity(model, text, _second(pair), pooling=arguments.pooling, matrix=arguments.parts is not None)

        return Answers(compute, lambda one: _similarity_lines(one, arguments.parts, console), arguments.parts is None)

    return answer_each(arguments, console, prepare)


def _similarity_lines(result: Any, parts: int | None, console: Console) -> list[str]:
    lines = [f"{f'{result.score:+.3f}'.replace('-', '−')}  {texts((*result.first.texts, *result.second.texts))}"]
    if parts is not None:
        rows = [
            [
                plain(readable(result.first.tokens[row], result.first.spelling)),
                plain(readable(result.second.tokens[column], result.second.spelling)),
                signed(value),
            ]
            for row, column, value in result.pairs(parts)
        ]
        lines += table(["first", "second", "part"], rows, right={2}, paint=console.look)
    return lines


COMMANDS = (
    Command(
        "classify",
        "the class of a text and its probability",
        "What a classifier says about each text: its most likely class, the probability of that class, and the text.\n"
        "Of a multi-label model, every label with at least 50%; of a regression, its scores. All labels: --json.",
        (
            'glassbert classify "It was not bad at all."',
            "glassbert classify --file reviews.txt",
            "cut -f2 table.tsv | glassbert classify --json > results.jsonl",
        ),
        _classify_options,
        _classify,
        units="probabilities in percent, as the model gives them: not how often it is right",
        defined=("Classes, next sentence, answers",),
    ),
    Command(
        "fill-mask",
        "the words that fit at a [MASK]",
        "The likeliest words at each [MASK] of a text, by a softmax over the whole vocabulary.",
        (
            'glassbert fill-mask "Paris is the capital of [MASK]."',
            'glassbert fill-mask "The [MASK] barked at the [MASK]." --top-k 3',
            'glassbert fill-mask --model google-bert/bert-base-uncased "A [MASK] of bread."',
        ),
        _fill_mask_options,
        _fill_mask,
        units="probabilities in percent; a word of several pieces needs one [MASK] for each",
        defined=("Masked words",),
    ),
    Command(
        "next-sentence",
        "whether one text follows another",
        "Whether the second text of each pair follows the first, by BERT's next-sentence prediction.",
        (
            'glassbert next-sentence "The man went home." --pair "He was tired."',
            "printf 'The man went home.\\tHe was tired.\\n' | glassbert next-sentence",
        ),
        _next_sentence_options,
        _next_sentence,
        units="the probability of the answer that is shown, in percent",
        defined=("Classes, next sentence, answers",),
    ),
    Command(
        "replaced-tokens",
        "which words look replaced",
        "The probability of each token that another one stood in its place, by a discriminator (ELECTRA).\n"
        "None ships with GlassBERT: give a hub id or a folder with --model.",
        (
            'glassbert replaced-tokens --model my-electra "The chef eight the meal that he had cooked."',
            "glassbert replaced-tokens --model my-electra --file texts.txt --json > results.jsonl",
        ),
        _replaced_options,
        _replaced,
        units="probabilities in percent: unlikely here, which need not be wrong",
        defined=("Replaced tokens",),
    ),
    Command(
        "entities",
        "named entities, or other spans",
        "The people, organisations and places in a text, or whatever a token classifier finds, and where they stand.",
        (
            'glassbert entities "Marie Curie was born in Warsaw."',
            "glassbert entities --file texts.txt --json > results.jsonl",
        ),
        _entities_options,
        _entities,
        units="probabilities in percent, the mean over the span; characters, the end exclusive",
        defined=("Entities",),
    ),
    Command(
        "answer",
        "the answer to a question in a text",
        "The spans of a text that answer a question best.",
        (
            'glassbert answer "Who was born in Warsaw?" --pair "Marie Curie was born in Warsaw."',
            "cat questions.tsv | glassbert answer --json > results.jsonl",
        ),
        _answer_options,
        _answer,
        units="probabilities in percent: start times end",
        defined=("Answers",),
    ),
    Command(
        "similarity",
        "how similar two texts are",
        "The cosine of the sentence embeddings of each pair of texts and, with --parts, the pairs of tokens that\n"
        "most of it comes from (integrated Jacobians).",
        (
            'glassbert similarity "The bank refunded the fee." --pair "I got my money back."',
            'glassbert similarity "The bank refunded the fee." --pair "I got my money back." --parts 5',
            "cat pairs.tsv | glassbert similarity --json > results.jsonl",
        ),
        _similarity_options,
        _similarity,
        units="a cosine, −1 to 1; parts of it",
        defined=("Similarity",),
    ),
)
