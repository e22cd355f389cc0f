"""Loading, devices, precision, the way off a full GPU, and many threads on one model."""

from __future__ import annotations

import json
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert.network import model as encoder
from glassbert.network.run import _move_to_cpu, locked, many_passes
from tests import tiny
from tests.glassbert.oracles import CHECKPOINTS, SEGMENTED

TEXT = "The film was not good at all."

HEADS = {
    "encoder": (),
    "masked_words": ("masked_words",),
    "next_sentence": ("masked_words", "next_sentence"),
    "classification": ("classification",),
    "token_classification": ("token_classification",),
    "question_answering": ("question_answering",),
}


@pytest.mark.parametrize(("family", "task"), CHECKPOINTS)
def test_a_loaded_model_knows_itself(tiny_model, stock, family, task):
    model, oracle = tiny_model(family, task), stock(family, task).network
    assert (model.layers, model.attention_heads, model.hidden_size, model.max_tokens) == (2, 4, 32, 512)
    assert model.task_heads == HEADS[task]
    assert model.labels == tiny.LABELS.get(task, ())
    assert model.parameters == sum(parameter.numel() for parameter in oracle.parameters())
    assert (model.device, model.notice, model.precision, model.multi_label) == ("cpu", None, "float32", False)
    assert model.uses_segments == (family in SEGMENTED)
    assert model.mask_token == ("[MASK]" if family in ("bert", "distilbert", "electra", "albert") else "<mask>")
    assert not any(parameter.requires_grad for parameter in model.network.parameters())
    assert not model.network.training


def test_half_precision_is_read_as_such(tiny_checkpoint, monkeypatch):
    """From the start: a network that is read in float32 and converted needs twice the memory meanwhile."""
    seen = []
    init = transformers.BertForSequenceClassification.__init__

    def created(network, *arguments, **options):
        init(network, *arguments, **options)
        seen.append(network)

    monkeypatch.setattr(transformers.BertForSequenceClassification, "__init__", created)
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu", precision="bfloat16")
    assert seen == [model.network]
    assert type(model.network) is transformers.BertForSequenceClassification
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precision_is_the_one_asked_for(tiny_checkpoint, tiny_model, precision):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu", precision=precision)
    assert {parameter.dtype for parameter in model.network.parameters()} == {getattr(torch, precision)}
    exact = gb.classify(tiny_model("bert", "classification"), TEXT).logits
    difference = np.abs(gb.classify(model, TEXT).logits - exact).max()
    assert difference == 0 if precision == "float32" else 0 < difference < 0.1
    assert gb.attention(model, TEXT).weights.dtype == np.float32


def test_an_unknown_precision_or_device_says_what_is_valid(tiny_checkpoint):
    source = str(tiny_checkpoint("bert", "encoder"))
    with pytest.raises(gb.OptionError, match="must be one of float32, bfloat16, float16"):
        gb.load(source, precision="int8")  # type: ignore[arg-type]
    with pytest.raises(gb.DeviceError, match=r"must be one of auto, .*cpu on this machine; got 'tpu'"):
        gb.load(source, device="tpu")
    with pytest.raises(gb.DeviceError, match="on this machine; got 'cuda:99'"):
        gb.load(source, device="cuda:99")


def test_auto_takes_cuda_then_mps_then_the_cpu(monkeypatch):
    from glassbert.network.device import available_devices, choose_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert available_devices() == ("cuda:0", "cuda:1", "mps", "cpu")
    assert (choose_device("auto"), choose_device("cuda"), choose_device("cuda:1")) == ("cuda:0", "cuda:0", "cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(gb.DeviceError, match="must be one of auto, cpu"):
        choose_device("cuda")


@pytest.fixture
def on_a_gpu(tiny_checkpoint, monkeypatch):
    """A model that believes it is on a GPU; the "GPU" is the CPU under another name."""
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    model.placement.device = "meta-gpu"
    real = torch.Tensor.to

    def to(tensor, *args, **kwargs):
        return real(tensor, *("cpu" if argument == "meta-gpu" else argument for argument in args), **kwargs)

    monkeypatch.setattr(torch.Tensor, "to", to)
    return model


def test_work_that_runs_out_of_gpu_memory_is_repeated_on_the_cpu(on_a_gpu):
    tried = []

    def work(device):
        tried.append(device)
        if device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 42

    assert locked(on_a_gpu, work) == 42
    assert tried == ["meta-gpu", "cpu"]
    assert on_a_gpu.device == "cpu"
    assert "meta-gpu ran out of memory" in on_a_gpu.notice
    assert "now runs on the CPU" in on_a_gpu.notice
    assert locked(on_a_gpu, work) == 42
    assert tried == ["meta-gpu", "cpu", "cpu"]


def test_no_memory_on_the_cpu_either_is_an_error(on_a_gpu):
    def work(device):
        raise torch.OutOfMemoryError(device)

    with pytest.raises(torch.OutOfMemoryError, match="cpu"):
        locked(on_a_gpu, work)


def test_other_errors_of_the_gpu_are_not_hidden(on_a_gpu):
    def work(_device):
        raise RuntimeError("illegal instruction")

    with pytest.raises(RuntimeError, match="illegal instruction"):
        locked(on_a_gpu, work)
    assert on_a_gpu.device == "meta-gpu"
    assert on_a_gpu.notice is None


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_an_explanation_survives_a_full_gpu(on_a_gpu, tiny_model, monkeypatch, where):
    """Memory may end in a forward pass, under the lock, or in the backward pass, outside it."""
    failures = []

    def fails_once(real):
        def call(*args, **kwargs):
            if not failures:
                failures.append(where)
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(*args, **kwargs)

        return call

    if where == "forward":
        monkeypatch.setattr(on_a_gpu.network, "forward", fails_once(on_a_gpu.network.forward))
    else:
        monkeypatch.setattr(torch.autograd, "grad", fails_once(torch.autograd.grad))
    score = gb.attribute(on_a_gpu, TEXT, target=1, n_steps=8)
    assert failures == [where]
    assert on_a_gpu.device == "cpu"
    assert "ran out of memory" in on_a_gpu.notice
    expected = gb.attribute(tiny_model("bert", "classification"), TEXT, target=1, n_steps=8)
    np.testing.assert_allclose(score.scores, expected.scores, atol=1e-6)


def test_work_begun_before_another_thread_left_the_gpu_is_repeated(on_a_gpu):
    """Its graph lies on the GPU, the weights no longer do: torch complains with a plain RuntimeError."""
    attempts = []

    def work():
        attempts.append(on_a_gpu.device)
        if len(attempts) == 1:
            _move_to_cpu(on_a_gpu)
            raise RuntimeError("Expected all tensors to be on the same device")
        return "done"

    assert many_passes(on_a_gpu, work) == "done"
    assert attempts == ["meta-gpu", "cpu"]


def test_a_model_too_large_for_the_gpu_starts_on_the_cpu(tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(encoder, "choose_device", lambda device: "cuda:0")
    real = torch.nn.Module.to

    def to(module, device):
        if device == "cuda:0":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(module, device)

    monkeypatch.setattr(torch.nn.Module, "to", to)
    model = gb.load(str(tiny_checkpoint("bert", "encoder")))
    assert model.device == "cpu"
    assert "cuda:0 has too little free memory" in model.notice


def test_a_broken_gpu_is_a_device_error(tiny_checkpoint, monkeypatch):
    monkeypatch.setattr(encoder, "choose_device", lambda device: "cuda:0")

    def to(_module, _device):
        raise RuntimeError("driver too old")

    monkeypatch.setattr(torch.nn.Module, "to", to)
    with pytest.raises(gb.DeviceError, match="'cuda:0' cannot be used: driver too old; choose the CPU"):
        gb.load(str(tiny_checkpoint("bert", "encoder")))


@pytest.mark.slow
def test_models_that_are_loaded_at_once_keep_their_tied_weights(tiny_checkpoint, monkeypatch):
    """transformers replaces `tie_weights` while it makes a network; here each takes its time in between."""
    from transformers import PreTrainedModel

    folder = tiny_checkpoint("bert", "masked_words")
    made, tie = PreTrainedModel.post_init, PreTrainedModel.tie_weights

    def slowly(network):
        time.sleep(random.Random(threading.get_ident()).uniform(0.02, 0.1))
        made(network)

    monkeypatch.setattr(PreTrainedModel, "post_init", slowly)
    default = torch.get_default_dtype()
    seen, failed = set(), []

    def load(precision):
        try:
            gb.load(str(folder), "cpu", precision=precision)
        except gb.GlassBERTError as error:
            failed.append(error)
        seen.add(torch.get_default_dtype())

    threads = [threading.Thread(target=load, args=(precision,)) for precision in ("float32", "bfloat16") * 3]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.add(torch.get_default_dtype())
    assert failed == []
    assert PreTrainedModel.tie_weights is tie
    assert seen == {default}


def test_reading_embeddings_runs_no_hook_of_another_thread(tiny_checkpoint):
    """They are read without the lock: another thread's pass would take them for its own (`gb.reading_steps` did)."""
    model = gb.load(str(tiny_checkpoint("bert", "classification")), "cpu")
    table, seen = model.network.get_input_embeddings(), []
    with torch.no_grad():
        expected = table(torch.tensor(gb.encode(model, TEXT).input_ids))
        handle = table.register_forward_hook(lambda *call: seen.append(call))
        try:
            found = encoder.word_embeddings(model, torch.tensor(gb.encode(model, TEXT).input_ids))
        finally:
            handle.remove()
    assert seen == []
    assert torch.equal(found, expected)


def test_many_threads_on_one_model_get_what_one_thread_gets(tiny_checkpoint):
    model = gb.load(str(tiny_checkpoint("bert", "classification")), device="cpu")
    texts = [f"{TEXT} {'the doctor was tired ' * count}" for count in range(3)]
    work = {
        "attention": lambda text: gb.attention(model, text).weights,
        "classify": lambda text: gb.classify(model, text).logits,
        **{
            name: lambda text, name=name, few=few: gb.attribute(model, text, method=name, **few).scores
            for name, method in gb.METHODS.items()
            for few in [{"n_samples": 4} if "n_samples" in method.options else {}]
        },
    }
    jobs = [(name, text) for text in texts for name in work]
    alone = [work[name](text) for name, text in jobs]
    start = threading.Barrier(4)
    with ThreadPoolExecutor(4, initializer=start.wait) as pool:
        together = list(pool.map(lambda job: work[job[0]](job[1]), jobs * 2))
    for job, result, expected in zip(jobs * 2, together, alone * 2, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6, err_msg=str(job))


# of two printed digits, and a little for figures that were measured before the weights were rounded to fp16
HALF_A_DIGIT = 0.006


def card_rows(*columns):
    """The rows of the model card's tables whose cells look like this."""
    card = (Path(gb.__file__).parent / "checkpoints" / "MODEL_CARDS.md").read_text(encoding="utf-8")
    row = r"^\| " + r" \| ".join(columns) + r" \|$"
    return [match.groups() for match in re.finditer(row, card, re.MULTILINE)]


class TestEmbedded:
    """The models that ship with the project, against the figures of their card."""

    def test_what_they_are(self, pretrained, sentiment):
        assert pretrained.task_heads == ("masked_words", "next_sentence")
        assert sentiment.task_heads == ("classification",)
        assert sentiment.labels == ("NEGATIVE", "POSITIVE")
        for model in (pretrained, sentiment):
            assert (model.layers, model.attention_heads, model.hidden_size, model.max_tokens) == (6, 12, 384, 512)

    def test_the_capital_of_france(self, pretrained):
        best = gb.fill_mask(pretrained, "The capital of France is [MASK].", top_k=1)
        assert best.candidates == (("paris",),)
        assert best.probabilities[0, 0] > 0.5

    def test_the_cloze_probes_of_the_card(self, pretrained):
        rows = card_rows(r"(.*\[MASK\].*)", r"(\S+ [\d.]+, .*)", r"(?:yes|no)")
        assert len(rows) >= 40
        for text, printed in rows:
            best = gb.fill_mask(pretrained, text, top_k=5)
            expected = [entry.rsplit(" ", 1) for entry in re.split(r"(?<=\d), ", printed)]
            assert [token for token, _ in expected] == list(best.candidates[0]), text
            assert [float(p) for _, p in expected] == pytest.approx(best.probabilities[0].tolist(), abs=HALF_A_DIGIT), (
                text
            )

    def test_the_next_sentence_probes_of_the_card(self, pretrained):
        rows = card_rows(r"(.+) / (.+)", r"([\d.]+)", r"(?:next|random)")
        assert len(rows) >= 10
        for first, second, printed in rows:
            assert gb.next_sentence(pretrained, first, second).probability == pytest.approx(
                float(printed), abs=HALF_A_DIGIT
            )

    def test_the_sentiment_probes_of_the_card(self, sentiment):
        rows = card_rows(r"(.+)", r"([\d.]+)", r"(?:positive|negative)(?: \(wrong\))?")
        assert len(rows) >= 20
        for text, printed in rows:
            assert gb.classify(sentiment, text).probabilities[1] == pytest.approx(float(printed), abs=0.001), text

    def test_sentence_embeddings_are_those_of_sentence_transformers(self):
        """The stored ones are ``SentenceTransformer.encode`` of the original float32 weights (version 6.2)."""
        expected = json.loads(Path(__file__).with_name("sentence_embeddings.json").read_text(encoding="utf-8"))
        model = gb.load("similarity", device="cpu")
        assert model.task_heads == ()
        assert (model.layers, model.attention_heads, model.hidden_size, model.max_tokens) == (6, 12, 384, 512)
        for text, reference in expected.items():
            mean = gb.hidden_states(model, text).states[-1].astype(np.float64).mean(axis=0)
            np.testing.assert_allclose(mean / np.linalg.norm(mean), reference, atol=1e-3, rtol=0, err_msg=text)

    def test_negation_drives_the_sentiment(self, sentiment):
        score = gb.attribute(sentiment, "the film is not good.", target="NEGATIVE", output="probability")
        assert score.encoded.tokens[int(score.scores.argmax())] == "not"
        assert score.relative_delta <= 0.01
        assert score.scores.sum() == pytest.approx(score.value - score.baseline_value, rel=0.01)
