"""The model starts as documented, its losses are BERT's, and a run of counted steps is the same run every time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForPreTraining, BertModel

from tests.training import samples
from training import pretrain as pretrain_script
from training.batches import IGNORED, Batch, BatchSampler
from training.checkpoints import save_checkpoint
from training.errors import RecipeError
from training.pretrain import PretrainOptions, pretrain
from training.pretraining_model import continued_model, masked_logits, new_model, pretraining_output
from training.tokenised import CLS, MASK, SEP, VOCABULARY_SIZE
from training.training_state import STATE_FILE, load_state, save_state

SOURCES = ("wiki_full", "wiki_intro", "books", "facts")
TINY = BertConfig(
    vocab_size=VOCABULARY_SIZE,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=128,
    initializer_range=0.3,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, vocabulary: Path) -> Path:
    """An encoder without heads."""
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(0)
    save_checkpoint(BertModel(TINY), vocabulary / "vocab.txt", folder)
    return folder


@pytest.fixture
def options(base: Path, numbered_corpus: Path, tmp_path: Path) -> PretrainOptions:
    """Three steps of one worker, no heads-only phase."""
    return PretrainOptions(
        corpus=numbered_corpus,
        out=tmp_path / "out",
        start=base,
        steps=3,
        head_minutes=0.0,
        tokens_per_step=128,
        workers=1,
        sources=SOURCES,
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


# --- the model -----------------------------------------------------------------------------------------------------


def test_a_new_model_is_the_base_with_heads(base: Path, numbered_corpus: Path) -> None:
    model = new_model(base, numbered_corpus)
    for name, tensor in BertModel.from_pretrained(base, dtype=torch.float32).state_dict().items():
        assert torch.equal(model.bert.state_dict()[name], tensor), name
    head = model.cls.predictions
    assert head.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert model.config.hidden_dropout_prob == model.config.attention_probs_dropout_prob == 0
    transform = head.transform.dense.weight.detach().numpy()
    assert np.diag(transform).mean() == pytest.approx(0.5, abs=0.02)
    assert transform[~np.eye(16, dtype=bool)].std() == pytest.approx(0.02, rel=0.2)


def test_the_first_bias_is_the_log_frequency(base: Path, tmp_path: Path) -> None:
    samples.numbered_source(2).save(tmp_path / "books.npz")  # 40 sentences: ids 1000 to 1039, four tokens each
    samples.numbered_source(1).save(tmp_path / "facts.npz")  # templates are not counted
    bias = new_model(base, tmp_path).cls.predictions.bias.detach().numpy()
    total = VOCABULARY_SIZE + 160
    assert bias[1000] == pytest.approx(math.log(5 / total) + 8, abs=1e-5)
    assert bias[1039] == bias[1000]
    assert bias[1040] == pytest.approx(math.log(1 / total) + 8, abs=1e-5)


def blank_heads(model: Any) -> Any:
    """Heads that answer the same whatever the encoder says: logits are the biases."""
    with torch.no_grad():
        model.cls.predictions.transform.LayerNorm.weight.zero_()
        model.cls.predictions.transform.LayerNorm.bias.zero_()
        model.cls.seq_relationship.weight.zero_()
    return model


def test_losses_of_blank_heads_are_known(base: Path, numbered_corpus: Path) -> None:
    model = blank_heads(new_model(base, numbered_corpus)).eval()
    with torch.no_grad():
        model.cls.predictions.bias.zero_()
        model.cls.seq_relationship.bias.zero_()
    sampler = BatchSampler(numbered_corpus, seed=1, sources=SOURCES)
    output = pretraining_output(model, sampler.draw_batch("long_pairs", 4))
    assert output.masked_loss.item() == pytest.approx(math.log(VOCABULARY_SIZE), abs=1e-4)
    assert output.next_sentence_loss is not None
    assert output.next_sentence_loss.item() == pytest.approx(math.log(2), abs=1e-6)
    assert pretraining_output(model, sampler.draw_batch("single_sentences", 4)).next_sentence_loss is None


def test_the_output_is_the_stock_models_at_the_masked_positions(base: Path, numbered_corpus: Path) -> None:
    torch.manual_seed(1)
    model = new_model(base, numbered_corpus).eval()
    batch = BatchSampler(numbered_corpus, seed=2, sources=SOURCES).draw_batch("short_pairs", 3)
    with torch.no_grad():
        output = pretraining_output(model, batch, precision="float32")
        rounded = pretraining_output(model, batch)
        stock = model(
            batch.input_ids,
            token_type_ids=batch.token_type_ids,
            attention_mask=(batch.input_ids != 0).long(),
            labels=batch.labels,
            next_sentence_label=batch.next_sentence_labels,
        )
    chosen = batch.labels != IGNORED
    assert torch.equal(output.masked_targets, batch.labels[chosen])
    logits = masked_logits(model, output, "float32")
    torch.testing.assert_close(logits, stock.prediction_logits[chosen], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(output.next_sentence_logits, stock.seq_relationship_logits, rtol=1e-4, atol=1e-4)
    assert output.next_sentence_loss is not None
    assert (output.masked_loss + output.next_sentence_loss).item() == pytest.approx(stock.loss.item(), abs=1e-4)
    # bfloat16 keeps 8 bits
    rounded_logits = masked_logits(model, rounded)
    assert rounded_logits.dtype == torch.bfloat16
    torch.testing.assert_close(rounded_logits.float(), logits, rtol=0.03, atol=0.15)
    assert output.masked_correct == int((logits.argmax(-1) == output.masked_targets).sum())


def test_padding_changes_nothing(base: Path, numbered_corpus: Path) -> None:
    model = new_model(base, numbered_corpus).eval()
    ids = [CLS, 2000, MASK, 2002, SEP]

    def logits(length: int) -> torch.Tensor:
        padding = [0] * (length - len(ids))
        labels = [IGNORED, IGNORED, 2001, IGNORED, IGNORED, *[IGNORED] * len(padding)]
        batch = Batch(
            input_ids=torch.tensor([ids + padding]),
            token_type_ids=torch.zeros(1, length, dtype=torch.long),
            labels=torch.tensor([labels]),
            next_sentence_labels=torch.tensor([IGNORED]),
        )
        with torch.no_grad():
            return masked_logits(model, pretraining_output(model, batch, precision="float32"), "float32")

    torch.testing.assert_close(logits(5), logits(20), rtol=1e-4, atol=1e-5)


def test_a_checkpoint_is_half_precision_that_loads_as_float32(
    base: Path, numbered_corpus: Path, tmp_path: Path, vocabulary: Path
) -> None:
    model = new_model(base, numbered_corpus)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    save_checkpoint(model, vocabulary / "vocab.txt", tmp_path)
    assert {tensor.dtype for tensor in weights(tmp_path).values()} == {torch.float16}
    loaded = BertForPreTraining.from_pretrained(tmp_path)
    assert loaded.dtype == torch.float32
    assert loaded.config.hidden_dropout_prob == loaded.config.attention_probs_dropout_prob == 0.1
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, before[name].half().float()), name
        assert torch.equal(model.state_dict()[name], before[name])  # the model itself is left as it is


# --- the run -------------------------------------------------------------------------------------------------------


def test_counted_steps_of_one_worker_repeat_bit_for_bit(options: PretrainOptions, tmp_path: Path) -> None:
    one = pretrain(options)
    other = pretrain(replace(options, out=tmp_path / "again"))
    seeded = pretrain(replace(options, out=tmp_path / "seeded", seed=2))
    assert one is not None
    assert other is not None
    assert seeded is not None
    assert len(one.masked_losses) == 3
    assert one.masked_losses == other.masked_losses
    assert one.tokens == other.tokens
    assert one.masked_losses != seeded.masked_losses
    first, second = (
        path.read_bytes() for path in (options.out / "model.safetensors", tmp_path / "again" / "model.safetensors")
    )
    assert first == second
    assert (options.out / "log0.txt").read_text() == f"done: 3 steps, {one.tokens} tokens\n"


def test_the_heads_only_phase_leaves_the_encoder_alone(options: PretrainOptions) -> None:
    torch.manual_seed(options.seed)
    before = dict(new_model(options.start, options.corpus).named_parameters())
    run = pretrain(replace(options, head_minutes=options.minutes))
    assert run is not None
    for name, parameter in run.model.named_parameters():
        in_heads = name.startswith("cls.") or "pooler" in name
        assert torch.equal(parameter, before[name]) is not in_heads, name


def test_a_frozen_encoder_gets_no_gradients_and_forgets_on_thawing() -> None:
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimiser = pretrain_script._optimiser([], [weight])
    weight.sum().backward()
    optimiser.step()
    pretrain_script._freeze([weight], optimiser, frozen=True)
    assert not weight.requires_grad
    assert optimiser.state
    pretrain_script._freeze([weight], optimiser, frozen=False)
    assert weight.requires_grad
    assert not optimiser.state


def test_after_the_heads_phase_everything_is_trained(options: PretrainOptions) -> None:
    before = new_model(options.start, options.corpus).bert.encoder.state_dict()
    run = pretrain(replace(options, head_minutes=options.minutes / 3))
    assert run is not None
    changed = [not torch.equal(tensor, before[name]) for name, tensor in run.model.bert.encoder.state_dict().items()]
    assert all(changed)


def test_a_continued_run_starts_from_the_earlier_one(options: PretrainOptions, tmp_path: Path) -> None:
    pretrain(options)
    resumed = replace(options, start=options.out, continued=True, out=tmp_path / "next", learning_rate=0.0, steps=1)
    assert resumed.schedule.head_minutes == 0
    pretrain(resumed)
    before, after = weights(options.out), weights(tmp_path / "next")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert continued_model(options.out).config.hidden_dropout_prob == 0


@pytest.mark.smoke
def test_frozen_embeddings_stay_and_everything_else_is_trained(options: PretrainOptions, tmp_path: Path) -> None:
    start = pretrain(options)
    assert start is not None
    continued = replace(
        options, start=options.out, out=tmp_path / "frozen", continued=True, freeze_embeddings=True, workers=2
    )
    pretrain(continued)
    before, after = weights(options.out), weights(continued.out)
    table = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(before[table], after[table])
    assert [name for name in before if torch.equal(before[name], after[name])] == [table]


def test_a_step_in_parts_is_the_same_step(options: PretrainOptions, tmp_path: Path) -> None:
    options = replace(options, tokens_per_step=512, precision="float32", learning_rate=1e-3)
    whole = pretrain(options)
    parts = pretrain(replace(options, parts=3, out=tmp_path / "parts"))
    assert whole is not None
    assert parts is not None
    assert whole.tokens == parts.tokens
    assert parts.masked_losses == pytest.approx(whole.masked_losses, rel=1e-4)
    before = new_model(options.start, options.corpus).state_dict()
    for name, tensor in whole.model.state_dict().items():
        if name.endswith("key.bias"):  # attention is indifferent to it: its gradient is rounding alone
            continue
        # Adam's first steps are signs of gradients, so that the rounding of a gradient near zero shows
        moved = (tensor - before[name]).abs().mean().item()
        assert (parts.model.state_dict()[name] - tensor).abs().mean().item() <= 0.05 * moved, name


def test_a_continued_run_goes_on_with_weights_and_moments(options: PretrainOptions, tmp_path: Path) -> None:
    def state(folder: Path) -> dict[str, torch.Tensor]:
        return load_file(folder / STATE_FILE)

    run = pretrain(options)
    assert run is not None
    saved = state(options.out)
    names = dict(run.model.named_parameters())
    assert set(saved) == {f"{kind} {name}" for kind in ("weight", "exp_avg", "exp_avg_sq", "step") for name in names}
    for name, parameter in names.items():
        assert torch.equal(saved[f"weight {name}"], parameter)  # float32, not the checkpoint's half precision
        assert saved[f"step {name}"] == 3
    pretrain(replace(options, start=options.out, continued=True, out=tmp_path / "next", learning_rate=0.0, steps=1))
    after = state(tmp_path / "next")
    for name in names:
        assert torch.equal(saved[f"weight {name}"], after[f"weight {name}"])
        assert after[f"step {name}"] == 4
        # the old moment decayed by beta 0.98, and a square added to it
        assert (after[f"exp_avg_sq {name}"] >= 0.979 * saved[f"exp_avg_sq {name}"]).all()


def test_the_state_of_another_model_is_refused(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    save_state(model, torch.optim.AdamW(model.parameters()), tmp_path)
    other = torch.nn.Linear(3, 2)
    with pytest.raises(RecipeError, match="state of another model"):
        load_state(other, torch.optim.AdamW(other.parameters()), tmp_path)


@pytest.mark.smoke
def test_several_workers_end_in_one_checkpoint(options: PretrainOptions) -> None:
    assert pretrain(replace(options, workers=2, steps=2, sync_steps=1, precision="float32")) is None
    for rank in (0, 1):
        assert (options.out / f"log{rank}.txt").read_text().startswith("done: 2 steps, ")
    _, loading = BertForPreTraining.from_pretrained(options.out, output_loading_info=True)
    assert not loading["missing_keys"]
    name = "bert.encoder.layer.0.output.dense.weight"
    start = new_model(options.start, options.corpus).state_dict()[name]
    assert not torch.equal(weights(options.out)[name].float(), start.half().float())


def test_a_stop_file_is_refused_at_the_start_and_ends_a_run(
    options: PretrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = pretrain_script._step

    def step_then_stop(*arguments: Any) -> Any:
        options.stop_file.touch()
        return step(*arguments)

    monkeypatch.setattr(pretrain_script, "_step", step_then_stop)
    run = pretrain(options)
    assert run is not None
    assert len(run.masked_losses) == 1
    with pytest.raises(RecipeError, match="STOP exists"):
        pretrain(options)


def test_biases_and_layer_norms_are_not_decayed(base: Path, numbered_corpus: Path) -> None:
    model = new_model(base, numbered_corpus)
    heads, encoder = pretrain_script._split_parameters(model)
    assert len(heads) + len(encoder) == len(list(model.parameters()))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert all(names[id(parameter)].startswith(("cls.", "bert.pooler.")) for parameter in heads)
    for group in pretrain_script._optimiser(heads, encoder).param_groups:
        decayed = {names[id(parameter)] for parameter in group["params"]}
        plain = {name for name in decayed if name.endswith("bias") or "LayerNorm" in name}
        assert group["weight_decay"] == (0.0 if plain else 0.01)
        assert plain in (set(), decayed)


def test_a_start_that_is_no_folder_is_never_looked_up(options: PretrainOptions) -> None:
    with pytest.raises(RecipeError, match=r"bert-base-uncased contains no config\.json"):
        pretrain(replace(options, start=Path("bert-base-uncased")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": 0}, "must be at least 1"),
        ({"steps": 0}, "must be at least 1"),
        ({"parts": 0}, "must be at least 1"),
        ({"workers": 2, "device": "cuda"}, "on cuda use one"),
        ({"tokens_per_step": 127}, "at least 128"),
        ({"precision": "float16"}, "choose bfloat16 or float32"),
        ({"long_share": 0.8, "short_share": 0.3}, "together at most 1"),
    ],
)
def test_impossible_options_are_refused(options: PretrainOptions, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        replace(options, **changes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--base", "b"], {"start": Path("b"), "continued": False, "workers": 2, "device": "cpu"}),
        (["--resume", "r", "--device", "cuda"], {"start": Path("r"), "continued": True, "workers": 1}),
        (["--base", "b", "--workers", "4", "--steps", "7"], {"workers": 4, "steps": 7}),
        (["--base", "b", "--sources", "books", "facts"], {"sources": ("books", "facts")}),
    ],
)
def test_the_command_line(arguments: list[str], expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[PretrainOptions] = []
    monkeypatch.setattr(pretrain_script, "pretrain", received.append)
    pretrain_script.main(arguments)
    assert {name: getattr(received[0], name) for name in expected} == expected
