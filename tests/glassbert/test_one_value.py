"""An attribution explains the number that stands beside it, whatever the text and the tokenizer's padding id are.

Its ``value`` is the logit, or the probability, of the prediction; both are compared with the stock network as well.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.attribution import METHODS
from tests import tiny

#: One of each way to run a decision; all methods are tried on three families.
WAYS = ("saliency", "leave_one_out", "occlusion", "attn_lrp")
#: Every special token of these vocabularies, typed: words of some, special in others.
TYPED = "[SEP] Paris <pad> is [PAD] the </s> capital <s> of [CLS] France [UNK]."
PAIR = ("The man <pad> went [SEP] home.", "He <s> bought [PAD] bread </s> and milk.")
FEW = {  # as few passes as a method allows: only F(x) matters here
    "integrated_gradients": {"n_steps": 2},
    "smoothgrad": {"n_samples": 2},
    "gradient_shap": {"n_samples": 2},
    "shapley_sampling": {"n_samples": 2},
    "partition_shap": {"n_samples": 4},
    "kernel_shap": {"n_samples": 4},
    "lime": {"n_samples": 4},
}


def padding_moved(source: Path, folder: Path) -> Path:
    """The same checkpoint with the ids of the padding and the start token exchanged in the tokenizer alone."""
    shutil.copytree(source, folder)
    file = folder / "tokenizer.json"
    parsed = json.loads(file.read_text())
    config = json.loads((folder / "tokenizer_config.json").read_text())
    padding, start = config["pad_token"], config["cls_token"]
    vocabulary = parsed["model"]["vocab"]
    if isinstance(vocabulary, dict):
        ids = {padding: vocabulary[start], start: vocabulary[padding]}
        vocabulary.update(ids)
    else:
        names = [name for name, _ in vocabulary]
        ids = {padding: names.index(start), start: names.index(padding)}
        vocabulary[ids[padding]], vocabulary[ids[start]] = vocabulary[ids[start]], vocabulary[ids[padding]]
    for token in parsed["added_tokens"]:
        token["id"] = ids.get(token["content"], token["id"])
    parsed["added_tokens"].sort(key=lambda token: token["id"])
    steps = parsed["post_processor"]
    if "cls" in steps:
        steps["cls"][1] = ids[start]
    else:
        steps["special_tokens"][start]["ids"] = [ids[start]]
    file.write_text(json.dumps(parsed))
    return folder


@pytest.fixture(params=["own", "moved"])
def opened(request, tiny_checkpoint, tmp_path):
    """``opened("roberta", "classification")`` → our model and the stock network on the same files."""

    def get(family: str, task: str):
        folder = tiny_checkpoint(family, task)
        if request.param == "moved":
            folder = padding_moved(folder, tmp_path / "moved")
        network = getattr(transformers, tiny.CLASS_PREFIXES[family] + tiny.CLASS_SUFFIXES[task])
        model = gb.load(str(folder), device="cpu")
        config = json.loads((folder / "config.json").read_text())
        assert (model.tokenizer.pad_token_id != config["pad_token_id"]) == (request.param == "moved")
        return model, network.from_pretrained(folder, attn_implementation="eager").eval()

    return get


def stock_output(network, encoded: gb.Encoded):
    inputs = {"input_ids": torch.tensor(encoded.input_ids)[None]}
    if getattr(network.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.tensor(encoded.token_type_ids)[None]
    with torch.no_grad():
        return network(**inputs)


def beside(task: str, model, network, texts: tuple[str, ...]):
    """Target → (logit, probability) that the library predicts, and the same logit by the stock network."""
    match task:
        case "classification":
            found = gb.classify(model, *texts)
            output = stock_output(network, found.encoded).logits[0]
            label = len(found.labels) - 1 - found.predicted // 2
            yield gb.ClassTarget(label), found.logits[label], found.probabilities[label], output[label]
        case "masked_words":
            masked = (f"{texts[0]} The [MASK] was good.", *texts[1:])
            found = gb.fill_mask(model, *masked)
            output = stock_output(network, found.encoded).logits[0]
            place, best = int(found.positions[0]), int(found.candidate_ids[0, 0])
            yield gb.MaskTarget(place, best), found.logits[0, 0], found.probabilities[0, 0], output[place, best]
        case "next_sentence":
            found = gb.next_sentence(model, *texts)
            output = stock_output(network, found.encoded).seq_relationship_logits[0]
            for index, follows in enumerate((True, False)):
                target = gb.NextSentenceTarget(follows)
                yield target, found.logits[index], found.probabilities[index], output[index]
        case "token_classification":
            found = gb.label_tokens(model, *texts)
            output = stock_output(network, found.encoded).logits[0]
            place = int(np.flatnonzero(found.encoded.special_tokens_mask == 0)[-1])
            label = int(found.predicted[place])
            yield (
                gb.TokenTarget(place, label),
                found.logits[place, label],
                found.probabilities[place, label],
                output[place, label],
            )
        case "question_answering":
            found = gb.answer(model, *texts)
            output = stock_output(network, found.encoded).end_logits[0]
            place = int(found.spans[0, 1])
            context = torch.from_numpy(found.encoded.sequence_ids == 1)
            share = output.masked_fill(~context, -torch.inf).softmax(dim=0)[place]
            yield gb.AnswerTarget("end", place), found.end_logits[place], share, output[place]


CASES = [
    pytest.param(family, task, texts, id=f"{family}-{task}-{len(texts)}")
    for family in tiny.FAMILIES
    for task in tiny.tasks(family)
    # positions are counted in one way by a family, whatever the task
    if (task == "classification" and family in (*tiny.STRUCTURES, "roberta"))
    or (task != "encoder" and family in ("bert", "roberta", "mpnet"))
    for texts in ((TYPED,), PAIR)
    if len(texts) == 2 or task not in ("next_sentence", "question_answering")
]


@pytest.mark.parametrize(("family", "task", "texts"), CASES)
def test_an_attribution_explains_the_number_beside_it(opened, family, task, texts):
    """Guards the kind "explains another function": positions counted from ids, from embeddings or from neither."""
    model, network = opened(family, task)
    every = task == "classification" and len(texts) == 1 and family in ("bert", "roberta", "mpnet")
    methods = tuple(METHODS) if every else WAYS
    options = {method: few for method, few in FEW.items() if method in methods}
    for target, logit, probability, expected in beside(task, model, network, texts):
        assert logit == pytest.approx(float(expected), abs=1e-4)
        whole = (f"{texts[0]} The [MASK] was good.", *texts[1:]) if task == "masked_words" else texts
        scored = gb.attribute_each(model, *whole, methods=methods, target=target, options=options)
        values = {scores.method: scores.value for scores in scored}
        assert values == pytest.approx(dict.fromkeys(methods, float(logit)), abs=2e-4)
        share = gb.attribute(model, *whole, method="saliency", target=target, output="probability").value
        assert share == pytest.approx(float(probability), abs=1e-5)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "mpnet"])
def test_integrated_gradients_with_padding_in_the_text_is_captums(opened, family):
    """Captum over the stock network, which is given the positions that it makes from the ids itself."""
    from captum.attr import IntegratedGradients

    model, network = opened(family, "classification")
    encoded = gb.encode(model, TYPED)
    ids = torch.tensor(encoded.input_ids)[None]
    seen = []
    table = network.base_model.embeddings.position_embeddings
    handle = table.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    logits = stock_output(network, encoded).logits[0]
    handle.remove()
    words = network.get_input_embeddings()
    kept = torch.from_numpy(encoded.special_tokens_mask.astype(bool))
    blank = torch.where(kept, ids, torch.tensor(model.tokenizer.pad_token_id))

    def value(embeddings):
        return network(inputs_embeds=embeddings, position_ids=seen[0].expand(len(embeddings), -1)).logits[:, 1]

    expected = IntegratedGradients(value).attribute(words(ids).detach(), words(blank).detach(), n_steps=20)
    ours = gb.attribute(model, TYPED, target=1, n_steps=20, baseline="pad")
    np.testing.assert_allclose(ours.scores, expected.sum(dim=-1)[0].detach().numpy(), atol=1e-4, rtol=1e-3)
    assert ours.value == pytest.approx(float(logits[1]), abs=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "mpnet"])
def test_removed_and_masked_words_are_read_as_stock_reads_them(opened, family):
    """Batches of variants of several lengths, padded with the tokenizer's padding, which the network may count."""
    from glassbert.decision import decide

    model, network = opened(family, "classification")
    runner = decide(model, gb.encode(model, TYPED), gb.ClassTarget(1), "logit")
    encoded = runner.decision.encoded
    present = np.random.default_rng(0).random((6, len(encoded))) < 0.6
    expected = []
    for row in present | ~runner.decision.removable:
        with torch.no_grad():
            expected.append(float(network(input_ids=torch.tensor(encoded.input_ids[row])[None]).logits[0, 1]))
    np.testing.assert_allclose(runner.values_without(present), expected, atol=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "mpnet"])
def test_surprise_with_padding_in_the_text_is_stocks(opened, family):
    """Many masked copies whose first layer is shared: equal tokens with other positions are not the same embedding."""
    model, network = opened(family, "masked_words")
    found = gb.surprise(model, TYPED)
    ids = torch.tensor(found.encoded.input_ids).repeat(len(found.positions), 1)
    rows = torch.arange(len(ids))
    original = ids[rows, torch.tensor(found.positions)]
    ids[rows, torch.tensor(found.positions)] = model.tokenizer.mask_token_id
    with torch.no_grad():
        shares = network(input_ids=ids).logits[rows, torch.tensor(found.positions)].log_softmax(dim=-1)
    expected = -shares[rows, original].numpy() / np.log(2)
    np.testing.assert_allclose(found.surprisal, expected, atol=1e-3)
