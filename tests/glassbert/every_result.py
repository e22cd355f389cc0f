"""One of each type of result, made with tiny models: name, which begins with the type → how it is made.

The fixture ``made`` makes each once a session.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

import glassbert as gb
from glassbert.suites.contents import Case, SuiteTest, WordList
from tests.glassbert.analysis.folders import write_folder

TEXT, PAIR = "The film was naïve 😀 and <b>good</b>.", ("The man went home.", "He was tired.")
TEXTS = ("The [MASK] was good.", "The old [MASK] was great.")

MAKE = {
    "Encoded": lambda model: gb.encode(model("roberta", "masked_words"), *PAIR),
    "AttentionMaps": lambda model: gb.attention(model("bert", "masked_words"), TEXT),
    "MaskPrediction": lambda model: gb.fill_mask(model("bert", "masked_words"), TEXT, positions=[1, 3], top_k=4),
    "Classification": lambda model: gb.classify(model("distilbert", "classification"), TEXT),
    "PairPrediction": lambda model: gb.next_sentence(model("bert", "next_sentence"), *PAIR),
    "Entities": lambda model: gb.entities(model("albert", "token_classification"), TEXT),
    "TokenLabels": lambda model: gb.label_tokens(model("albert", "token_classification"), TEXT),
    "ReplacedTokens": lambda model: gb.replaced_tokens(model("electra", "replaced_tokens"), TEXT),
    "AnswerPrediction": lambda model: gb.answer(model("electra", "question_answering"), *PAIR),
    "TokenScores": lambda model: gb.attribute(model("bert", "classification"), TEXT, n_steps=4),
    "TokenScores of a mask": lambda model: gb.attribute(
        model("bert", "masked_words"),
        TEXT,
        method="saliency",
        target=gb.MaskTarget(2, "he", "she"),
        output="probability",
    ),
    "TokenScores of a pair": lambda model: gb.attribute(
        model("bert", "next_sentence"), *PAIR, method="attention_relevance", target=gb.NextSentenceTarget(is_next=False)
    ),
    "ScoresByWord": lambda model: _scores(model, "input_x_gradient").by_word(),
    "HiddenStates": lambda model: gb.hidden_states(model("albert", "encoder"), *PAIR),
    "TokenMaps": lambda model: gb.attention(model("bert", "masked_words"), *PAIR).by_word().block("A→B"),
    "TokenMaps of a target": lambda model: gb.maps.attention_relevance_map(model("distilbert", "classification"), TEXT),
    "ScoreParts": lambda model: gb.score_parts(model("deberta-v2", "encoder"), TEXT, layers=[1]),
    "HeadProfile": lambda model: gb.head_profile(gb.attention(model("roberta", "masked_words"), TEXT)),
    "HeadDistances": lambda model: gb.head_distances(gb.attention(model("bert", "masked_words"), TEXT)),
    "HeadImportance": lambda model: gb.head_importance(model("albert", "classification"), [TEXT, "Good."]),
    "AblationSweep": lambda model: gb.ablation_sweep(model("bert", "classification"), TEXT, mode="greedy", steps=2),
    "Receipt": lambda model: _receipt(model, "integrated_gradients", n_steps=4),
    "ReceiptLine": lambda model: _receipt(model, "saliency").line("comprehensiveness"),
    "ReceiptLine without a number": lambda model: _receipt(model, "saliency").line("arithmetic"),
    "Scoreboard": lambda model: gb.scoreboard([_receipt(model, "saliency"), _receipt(model, "input_x_gradient")]),
    "MethodAgreement": lambda model: gb.method_agreement([_scores(model, "saliency"), _scores(model, "rollout")]),
    "MethodRanking": lambda model: gb.method_ranking(
        model("bert", "classification"), methods=["saliency", "rollout"], sentences=["Good.", TEXT]
    ),
    "LogitLens": lambda model: gb.logit_lens(model("bert", "masked_words"), TEXT, positions=[1, 3], words=["he", "a"]),
    "LogitLens without words": lambda model: gb.logit_lens(model("albert", "masked_words"), "a [MASK]", top_k=2),
    "Surprise": lambda model: gb.surprise(model("mpnet", "masked_words"), TEXT, variant="word_l2r"),
    "WordScores": lambda model: gb.score_words(model("bert", "masked_words"), TEXT, 2, ["he", "unable"]),
    "TemplateProbe": lambda model: gb.probe_template(
        model("bert", "masked_words"), "{a} [MASK] {b}", {"a": ["<b>", "x"], "b": ["y"]}, ["he", "unable"]
    ),
    "ContinuationRanking": lambda model: gb.rank_continuations(model("bert", "next_sentence"), PAIR[0], ["a", PAIR[1]]),
    "ReadingSteps": lambda model: gb.reading_steps(model("roberta", "encoder"), *PAIR, padding=40, vectors=True),
    "ReadingSteps without padding": lambda model: gb.reading_steps(model("bert", "encoder"), TEXT),
    "FineTuning": lambda model: _finetuning(model, "<b>a</b>"),
    "FineTuning without what was learnt": lambda model: _finetuning(model, record=False, label_errors=False),
    "DataMap": lambda model: _finetuning(model).data_map,
    "LabelErrors": lambda model: _finetuning(model).label_errors,
    "LabelErrors that were found": lambda _: gb.tuning.results.LabelErrors(
        rows=[3, 5],
        given=[0, 1],
        suggested=[1, 0],
        quality=[0.1, 0.2],
        words=(("a", "b"), ()),
        label_names=("x", "y"),
        looked_at=9,
    ),
    "PinnedSentence": lambda model: _finetuning(model).pinned[0],
    "Moved": lambda model: _finetuning(model).moved,
    "DataReport": lambda model: gb.data_report(_table(), model("bert", "classification"), others={"test": _table()}),
    "Compression": lambda model: gb.compression_record(_compressed(model)),
    "CompressionComparison": lambda model: _comparison(model),
    "CompressionCurve": lambda model: gb.compression_curve(
        model("bert", "classification"), ["bfloat16", {"layers": [1]}], _table(), texts=2
    ),
    "Drift": lambda model: _comparison(model).drift,
    "Drift of models of different shapes": lambda model: (
        gb.compare_compressed(
            model("bert", "classification"),
            gb.compress(model("bert", "classification"), {"layers": [1]}),
            _table(),
            texts=2,
        ).drift
    ),
    "Evaluation": lambda model: gb.evaluate(model("bert", "classification"), _table()),
    **{
        name: lambda _, ask=ask: _asked(ask)
        for name, ask in {
            "RowMetrics": lambda data: data.metrics("confidence>0.6"),
            "RowMetrics without labels": lambda data: data.metrics("error"),
            "ClassConfusion": lambda data: data.confusion(),
            "CalibrationCurve": lambda data: data.calibration(),
            "GlobalWords": lambda data: data.words(least=4, top=3),
            "ShortcutWords": lambda data: data.shortcuts(least=4),
            "WeakSlices": lambda data: data.slices(top=4),
            "NearDuplicates": lambda data: data.near_duplicates(),
            "ReceiptShares": lambda data: data.receipts(by="country"),
            "StateMap": lambda data: data.map(most=20),
            "ModelsCompared": lambda data: data.compare(data),
        }.items()
    },
    "Behaviour": lambda model: _behaviour(model),
    "TestedBehaviour": lambda model: _behaviour(model).tests[0],
    "GroupRate": lambda model: _behaviour(model).tests[0].groups[0],
    "GroupDifference": lambda model: _behaviour(model).tests[0].differences[-1],
    "BehaviourFailure": lambda model: _behaviour(model).failures[0],
    "BehaviourFailure of a pair": lambda model: _preferred(model).failures[0],
    "WordAlignment": lambda model: gb.text.alignment.align_words(
        *(gb.encode(model(f, "encoder"), *PAIR) for f in ("bert", "roberta"))
    ),
    "LengthHint": lambda model: gb.text.alignment.same_length_hint(model("bert", "encoder"), TEXT, PAIR[0]),
    "VocabularyCoverage": lambda model: gb.vocabulary_coverage(model("bert", "encoder"), TEXT),
    "Trace": lambda model: gb.trace(model("bert", "classification"), "The man was good.", "The man was great."),
    "Trace of heads": lambda model: gb.trace(
        model("bert", "masked_words"),
        "The man was [MASK].",
        "The film was [MASK].",
        gb.MaskTarget(4, "he"),
        kind="head",
    ),
    **{
        name: lambda model, part=part: getattr(
            gb.compare_texts(
                model("bert", "masked_words" if part == "masked_words" else "classification"), *TEXTS, method="saliency"
            ),
            part,
        )
        for name, part in {
            "PredictionDifference": "predictions",
            "MaskedWordDifference": "masked_words",
            "AttentionDifference": "attention",
            "HiddenSimilarity": "hidden",
            "AttributionDifference": "attribution",
            "Changes": "changes",
        }.items()
    },
    "HiddenSimilarity without cosines": lambda model: gb.comparison.compare_hidden_states(
        gb.comparison.sides_of_models(model("bert", "encoder"), model("bert", "encoder", layers=3), TEXT)
    ),
    "Changes of nothing": lambda model: gb.comparison.largest_changes(
        gb.text.alignment.align_words(*[gb.encode(model("bert", "encoder"), TEXT)] * 2)
    ),
    "Comparison": lambda model: gb.compare_models(
        model("bert", "classification"), model("albert", "classification"), TEXT, method="saliency"
    ),
    "Comparison with reasons": lambda model: gb.compare_models(
        model("bert", "masked_words"), model("roberta", "masked_words"), TEXT, method="saliency"
    ),
    "Architecture": lambda model: gb.architecture(model("albert", "masked_words"), 5),
    "Variants": lambda model: gb.variants(model("bert", "classification"), TEXT, edits=[gb.Edit(2, "delete")]),
    "FlipSearch": lambda model: gb.find_flip(model("bert", "next_sentence"), *PAIR, top_k=2, budget=40),
    "BaselineGap": lambda model: gb.baseline_gap(model("bert", "classification"), TEXT),
    "HeadRanking": lambda model: gb.rank_heads(gb.attention(model("bert", "masked_words"), TEXT), 1, 3),
    "DecidedAnswer": lambda model: _verdict(model).answer,
    "CarryingWords": lambda model: _verdict(model).words,
    "TrustFound": lambda model: _verdict(model).trust,
    "FlipFound": lambda model: _verdict(model).flip,
    "FlipFound without a search": lambda model: gb.verdicts.smallest_flip(
        model("bert", "token_classification"),
        gb.verdicts.decided_answer(model("bert", "token_classification"), TEXT),
    ),
    "Verdict": lambda model: _verdict(model),
    "Verdict of the answer alone": lambda model: next(gb.verdicts.verdict_parts(model("bert", "next_sentence"), *PAIR)),
    "Report": lambda model: _report(model),
    "Passport": lambda model: _report(model).passport,
    "ModelIdentity": lambda model: _report(model).passport.model,
    "Similarity": lambda model: gb.similarity(
        model("bert", "encoder"), TEXT, PAIR[0], pooling="mean", reference="zero", tolerance=0.3
    ),
    "Similarity without a matrix": lambda model: gb.similarity(
        model("roberta", "encoder"), *PAIR, pooling="cls", matrix=False
    ),
    "SimilarityRanking": lambda model: gb.rank_similar(model("albert", "encoder"), TEXT, PAIR, pooling="mean"),
    "TokenScores of a similarity": lambda model: gb.attribute(
        model("bert", "encoder"), PAIR[0], target=gb.SimilarityTarget(PAIR[1], TEXT, "mean"), method="saliency"
    ),
    "InputReduction": lambda model: gb.reduce_input(model("roberta", "classification"), TEXT),
}


def _asked(ask):
    """The answer to a question to a small data set."""
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), 60)
        with gb.open_analysis(folder) as data:
            return ask(data)


def _table():
    texts = [{"text": TEXT, "label": "POSITIVE"}, {"text": PAIR[0], "label": "NEUTRAL"}]
    return gb.read_table(pd.DataFrame(texts))


def _behaviour(model):
    """Names in two groups, and a label that not every answer can be."""
    names = WordList({"<i>": ("Paris", "France"), "b": ("movie", "story")})
    swap = SuiteTest(
        "swap",
        "invariance",
        (Case("The {a} was good."), Case("The {a}"), *map(Case, map("{a} 😀".__add__, "abc"))),
        swap="a",
        tolerance=0,
    )
    tests = (
        swap,
        SuiteTest("all", "minimum_ability", tuple(Case(TEXT, label=label) for label in ("negative", "POSITIVE"))),
    )
    return gb.behaviour(model("bert", "classification"), gb.Suite("<b>", tests, lists={"a": names}))


def _preferred(model):
    pairs = SuiteTest("both", "minimal_pair", (Case(TEXT, PAIR[0]), Case(PAIR[0], TEXT)), chance=0.5)
    return gb.behaviour(model("bert", "masked_words"), gb.Suite("pairs", (pairs,)))


def _scores(model, method, **options):
    return gb.attribute(model("bert", "classification"), TEXT, method=method, target=1, **options)


def _verdict(model):
    return gb.verdict(model("bert", "classification"), "The film was good.", budget=10)


def _report(model):
    return gb.report(
        model("bert", "next_sentence"),
        *PAIR,
        methods=["saliency"],
        maps=1,
        budget=10,
        proposer=model("bert", "masked_words"),
    )


def _receipt(model, method, **options):
    return gb.receipt(model("bert", "classification"), _scores(model, method, **options), n_orderings=10)


def _finetuning(model, name="a", **options):
    """Two steps of training."""
    texts = ["The film was good.", "He was tired.", "The man went home."] * 4
    frame = pd.DataFrame({"text": texts, "label": [name, "b", "b"] * 4})
    settings = {"epochs": 1, "tokens_per_batch": 64, "precision": "float32", "device": "cpu", "label_errors": True}
    with tempfile.TemporaryDirectory() as folder:
        return gb.finetune(
            model("bert", "masked_words"), gb.read_table(frame), None, Path(folder) / "out", **{**settings, **options}
        )


def _compressed(model):
    return gb.compress(model("bert", "classification"), [{"heads": [(0, 1)]}, "bfloat16"])


def _comparison(model):
    return gb.compare_compressed(model("bert", "classification"), _compressed(model), _table(), texts=3)
