"""Entities: against the pipeline of transformers, and label schemes read by hand."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.language import spans
from glassbert.language.predictions import TokenLabels
from tests import tiny

TEXTS = (
    "The doctor said that Paris (France) was unbelievable, wonderful and heartwarming.",
    "In 1969 two men walked on the moon; 3.5 % was enough... wasn't it?! 😀👍🏽 naïve café",
    "巴黎是法国的首都。 مرحبا بالعالم",
)
AGGREGATIONS = ("none", "simple", "first", "average", "max")


@pytest.fixture(scope="module", params=["bert", "roberta", "albert"])
def both(request, tiny_checkpoint):
    """A model and the pipeline of the same weights, whose labels are all likely."""
    folder = str(tiny_checkpoint(request.param, "token_classification"))
    model = gb.load(folder)
    pipeline = transformers.pipeline("token-classification", model=folder)
    logits = np.concatenate([gb.label_tokens(model, text).logits for text in TEXTS])
    with torch.no_grad():
        for network in (model.network, pipeline.model):
            network.classifier.bias -= torch.tensor(logits.mean(axis=0))
    return model, pipeline


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_the_spans_are_those_of_the_pipeline(aggregation, both) -> None:
    model, pipeline = both
    seen = 0
    for text in TEXTS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = pipeline(text, aggregation_strategy=aggregation)
        found = gb.entities(model, text, aggregation=aggregation)
        names = [one["entity" if aggregation == "none" else "entity_group"] for one in expected]
        assert list(found.names) == names
        assert found.offsets.tolist() == [[one["start"], one["end"]] for one in expected]
        np.testing.assert_allclose(found.probabilities, [one["score"] for one in expected], atol=1e-5)
        assert list(found.surfaces) == [text[one["start"] : one["end"]] for one in expected]
        seen += len(names)
    assert seen > 10


def labelled(model, text: str, labels: str) -> TokenLabels:
    """One label for each word of one token, all of probability 0.9."""
    names = tuple(dict.fromkeys(labels.split()))
    encoded = gb.encode(model, text)
    logits = np.zeros((len(encoded), len(names)), np.float32)
    for place, label in enumerate(labels.split(), start=1):
        logits[place, names.index(label)] = np.log(9 * (len(names) - 1))
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return TokenLabels(encoded=encoded, labels=names, logits=logits, probabilities=shares)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("B-PER I-PER O B-LOC O", [("PER", "the man"), ("LOC", "to")]),
        ("B-PER B-PER I-PER O O", [("PER", "the"), ("PER", "man went")]),
        ("B-PER E-PER S-LOC S-LOC O", [("PER", "the man"), ("LOC", "went"), ("LOC", "to")]),
        ("B-PER L-PER U-PER U-PER O", [("PER", "the man"), ("PER", "went"), ("PER", "to")]),
        ("NOUN NOUN VERB O NOUN", [("NOUN", "the man"), ("VERB", "went"), ("NOUN", "the")]),
        ("O O O O O", []),
    ],
)
def test_schemes_of_labels(labels: str, expected: list[tuple[str, str]], tiny_model, monkeypatch) -> None:
    model = tiny_model("bert", "token_classification")
    made = labelled(model, "the man went to the", labels)
    monkeypatch.setattr(spans, "label_tokens", lambda *_, **__: made)
    found = gb.entities(model, "the man went to the")
    assert list(zip(found.names, found.surfaces, strict=True)) == expected
    np.testing.assert_allclose(found.probabilities, 0.9 if len(set(labels.split())) > 1 else 1.0, atol=1e-5)
    again = type(found).from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.spans.shape == found.spans.shape
    assert list(found.frame().columns) == ["text", "label", "probability", "start", "end"]


def test_a_long_text_and_what_is_refused(tiny_model) -> None:
    model = tiny_model("bert", "token_classification")
    text = " ".join(tiny.SENTENCES[:6])
    found = gb.entities(model, text, windows=gb.Windows(length=30))
    assert (np.diff(found.spans, axis=1) > 0).all()
    assert (found.spans[1:, 0] >= found.spans[:-1, 1]).all()
    assert [text[start:end] for start, end in found.offsets.tolist()] == list(found.surfaces)
    with pytest.raises(gb.OptionError, match="aggregation must be one of"):
        gb.entities(model, text, aggregation="best")
    with pytest.raises(gb.OptionError, match="one text"):
        gb.entities(model, gb.encode(model, "Paris", "France"))
    with pytest.raises(gb.TaskHeadError):
        gb.entities(tiny_model("bert", "classification"), text)
    assert replace(found, spans=found.spans).names == found.names
