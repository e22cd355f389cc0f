"""Records against the stock networks they describe; a family that is added; and what a record leaves out."""

from __future__ import annotations

import ast
import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

import glassbert as gb
from glassbert import families
from glassbert.families import FAMILIES, Family
from glassbert.maps.neurons import neurons
from glassbert.network.blocks import blocks
from tests import tiny

ROOT = Path(__file__).resolve().parents[3]
CHECKPOINTS = [(family, task) for family in tiny.FAMILIES for task in tiny.tasks(family)]
TEXT, OTHER = "The film was not good at all.", "The night was not long at all."
MASKED = "Paris is the [MASK] of France."


def masked(model: gb.Model) -> str:
    return MASKED.replace("[MASK]", model.mask_token or "")


# --- the records and the stock networks ------------------------------------------------------------------------


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_names_inside_a_layer_are_of_modules_of_the_right_kind(stock, family):
    network = stock(family, "encoder", layers=3).network
    kinds = {"query": "Linear", "key": "Linear", "value": "Linear", "output": "Linear", "norm": "LayerNorm"}
    kinds |= {"widen": "Linear", "feed_forward": "Linear", "last_norm": "LayerNorm"}
    found = blocks(network)
    assert len(found) == 3
    for block in found:
        assert {part: type(getattr(block, part)).__name__ for part in kinds} == kinds
        assert block.widen.out_features == block.feed_forward.in_features == 64
        assert len({id(getattr(block, part)) for part in kinds}) == len(kinds)
        assert all(getattr(block, part) in set(block.layer.modules()) for part in (*kinds, "attention"))
    # layers are different modules exactly where they have weights of their own
    assert len({id(block.layer) for block in found}) == (1 if family == "albert" else 3)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_layers_are_named_in_the_order_they_run(stock, family):
    oracle = stock(family, "encoder", layers=3)
    ran: list[str] = []
    names = {module: name for name, module in oracle.network.named_modules()}
    paths = FAMILIES[family].layers(3, getattr(oracle.network.config, "num_hidden_groups", 1))
    modules = {oracle.network.get_submodule(path) for path in paths}
    hooks = [module.register_forward_pre_hook(lambda module, _: ran.append(names[module])) for module in modules]
    oracle(TEXT)
    for hook in hooks:
        hook.remove()
    assert tuple(ran) == paths


def test_layers_that_share_weights_in_groups_are_those_the_network_calls():
    config = transformers.AlbertConfig(
        vocab_size=20, embedding_size=8, hidden_size=8, num_attention_heads=2, intermediate_size=8,
        num_hidden_layers=6, num_hidden_groups=3,
    )  # fmt: skip
    network = transformers.AlbertModel(config).eval()
    ran: list[object] = []
    for module in {block.layer for block in blocks(network)}:
        module.register_forward_pre_hook(lambda module, _: ran.append(module))
    network(input_ids=torch.tensor([[1, 2, 3]]))
    assert ran == [block.layer for block in blocks(network)]
    assert len(set(ran)) == 3


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_tables_pooler_and_position_bias_are_where_the_record_says(stock, family):
    record, network = FAMILIES[family], stock(family, "encoder").network
    tables = {name for name, module in network.named_modules() if isinstance(module, torch.nn.Embedding)}
    own = (record.embeddings.words, record.embeddings.positions, record.embeddings.segments, record.position_bias)
    assert tables == {path for path in own if path is not None}
    assert network.get_submodule(record.embeddings.words) is network.get_input_embeddings()
    poolers = {name.split(".")[0] for name, _ in network.named_parameters() if record.in_pooler(name)}
    assert poolers == ({record.pooler} if hasattr(network, "pooler") else set())


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_attention_is_what_the_record_says(stock, family):
    """Torch's kernel is there or not; weights come by themselves, or for the asking."""
    record, oracle = FAMILIES[family], stock(family, "encoder")
    assert record.fused_attention == oracle.network._supports_sdpa
    seen: list[object] = []
    attention = blocks(oracle.network)[0].attention
    hook = attention.register_forward_hook(lambda module, inputs, output: seen.append(output[1:]))
    oracle(TEXT)
    hook.remove()
    gives = bool(seen[0]) and seen[0][0] is not None
    assert gives == (not record.weights_on_request)


def recorded(oracle, modules):
    """What each module read and gave in one pass of two texts, and what the network gave."""
    calls: dict[object, tuple[torch.Tensor, torch.Tensor]] = {}
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: calls.update({module: (inputs[0], output)}))
        for module in modules
    ]
    output = oracle(TEXT, OTHER)
    for hook in hooks:
        hook.remove()
    return calls, output


@pytest.mark.parametrize(("family", "task"), [pair for pair in CHECKPOINTS if pair[1] != "encoder"])
def test_a_heads_chain_gives_the_stock_networks_logits(stock, family, task):
    """Each Linear and LayerNorm of the chain reads what the one before gave, through an elementwise function."""
    oracle = stock(family, task)
    heads = ("masked_words", "next_sentence") if task == "next_sentence" else (task,)
    inside = set(oracle.network.base_model.modules()) - {oracle.network}
    reached: set[object] = set()
    for head in heads:
        chain = [oracle.network.get_submodule(path) for path in FAMILIES[family].task_heads[head].chain]
        reached |= set(chain)
        assert all(type(module).__name__ in ("Linear", "LayerNorm") for module in chain)
        calls, output = recorded(oracle, chain)
        for before, after in pairwise(chain):
            given, read = calls[before][1].flatten(), calls[after][0].flatten()
            order = given.argsort()  # equal values stay equal, so the function is one of the value alone
            assert given.shape == read.shape
            assert (read[order].diff().abs() <= 3 * given[order].diff().abs() + 1e-6).all()
        logits = (
            torch.stack((output.start_logits, output.end_logits), dim=-1)
            if head == "question_answering"
            else output.seq_relationship_logits
            if head == "next_sentence"
            else output.prediction_logits
            if task == "next_sentence"
            else output.logits
        )
        torch.testing.assert_close(calls[chain[-1]][1], logits)
    outside = {
        module
        for module in oracle.network.modules()
        if module not in inside and isinstance(module, torch.nn.Linear | torch.nn.LayerNorm)
    }
    assert outside <= reached  # nothing of the head is left out


def test_every_family_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [record.label for record in FAMILIES.values() if record.label not in readme] == []


def test_no_other_file_knows_a_family_by_name():
    """Model types are strings of the records, and of the list of models worth trying."""
    known = set(FAMILIES)
    guilty = []
    for folder in ("glassbert", "components", "pages", "training"):
        for file in ROOT.glob(f"{folder}/**/*.py"):
            path = file.relative_to(ROOT).as_posix()
            if path.startswith("glassbert/families/") or path == "glassbert/models/suggestions.py":
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in known:
                    guilty.append(f"{path}:{node.lineno} {node.value}")
    assert guilty == []


# --- a family that is added ------------------------------------------------------------------------------------

#: Methods that reach inside the network, or stop its last layer at one position.
READS_THE_RECORD = (
    "attention_relevance", "attn_lrp", "decompx", "integrated_gradients", "leave_one_out", "value_norms"
)  # fmt: skip

CAMEMBERT = """
from dataclasses import replace
from glassbert.families.roberta import FAMILY as ROBERTA
FAMILY = replace(ROBERTA, model_type="camembert", label="CamemBERT", class_prefix="Camembert")
"""


def renamed(checkpoint: Path, folder: Path) -> Path:
    """A RoBERTa checkpoint as a CamemBERT one: another name for the same network."""
    shutil.copytree(checkpoint, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["model_type"] = "camembert"
    config["architectures"] = [name.replace("Roberta", "Camembert") for name in config["architectures"]]
    path.write_text(json.dumps(config))
    return folder


@pytest.fixture
def with_camembert(tmp_path, monkeypatch):
    """One more file in the folder of families, and nothing else; without the file that the project has."""
    before = dict(FAMILIES)
    del FAMILIES["camembert"]
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "camembert.py").write_text(CAMEMBERT)
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(folder)])
    found = families.discover()
    assert set(found) == set(tiny.CLASS_PREFIXES)
    FAMILIES["camembert"] = found["camembert"]
    yield
    FAMILIES.clear()  # the order is back too: messages list the families in it
    FAMILIES.update(before)


@pytest.fixture
def twins(tiny_checkpoint, tmp_path, with_camembert):  # noqa: ARG001
    """The same weights opened as RoBERTa, and as the family that was added."""

    def get(task: str) -> tuple[gb.Model, gb.Model]:
        checkpoint = tiny_checkpoint("roberta", task)
        known = gb.load(str(checkpoint), device="cpu")
        return known, gb.load(str(renamed(checkpoint, tmp_path / task)), device="cpu")

    return get


def test_one_file_adds_a_family(twins):
    known, added = twins("masked_words")
    assert type(added.network).__name__ == "CamembertForMaskedLM"
    assert added.task_heads == ("masked_words",)
    assert added.max_tokens == known.max_tokens
    one, other = (gb.fill_mask(model, masked(model)).frame() for model in (known, added))
    assert one.equals(other)
    assert np.array_equal(gb.surprise(known, TEXT).surprisal, gb.surprise(added, TEXT).surprisal)
    assert gb.logit_lens(known, masked(known)).frame().equals(gb.logit_lens(added, masked(added)).frame())
    assert gb.architecture(added).blocks == gb.architecture(known).blocks
    assert gb.reading_steps(added, TEXT).parts == ("word", "position", "segment", "sum", "normalised")
    assert np.array_equal(neurons(known, TEXT).queries, neurons(added, TEXT).queries)


@pytest.mark.parametrize("method", READS_THE_RECORD)
def test_methods_explain_it_as_the_family_it_is_made_of(twins, method):
    known, added = twins("classification")
    one, other = (gb.attribute(model, TEXT, method=method, target=1) for model in (known, added))
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6, atol=1e-7)
    assert np.abs(one.scores).max() > 0


@pytest.mark.parametrize("measure", sorted(gb.MEASURES))
def test_every_measure_reads_it(twins, measure):
    known, added = twins("classification")
    one, other = (gb.attention_map(model, TEXT, measure=measure, target=1) for model in (known, added))
    np.testing.assert_allclose(one.values, other.values, rtol=1e-6, atol=1e-7)


def test_heads_are_switched_off_and_states_patched_in_it(twins):
    known, added = twins("classification")
    one, other = (gb.classify(gb.ablate(model, [(0, 1)]), TEXT).logits for model in (known, added))
    assert np.array_equal(one, other)
    one, other = (gb.trace(model, TEXT, TEXT.replace("good", "long"), 1).restored for model in (known, added))
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("with_camembert")
def test_a_message_names_it(tiny_checkpoint, tmp_path):
    folder = Path(shutil.copytree(tiny_checkpoint("bert", "encoder"), tmp_path / "odd"))
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": "brand-new"}))
    with pytest.raises(gb.UnsupportedModelError, match="XLM-RoBERTa-XL and CamemBERT"):
        gb.load(str(folder), device="cpu")


# --- what a record leaves out ----------------------------------------------------------------------------------


@pytest.fixture
def changed(tiny_checkpoint, monkeypatch):
    """A tiny BERT, opened with another record of its family. Ask for the shared ``tiny_model`` before, not after."""

    def get(task: str, **changes: object) -> gb.Model:
        record: Family = replace(FAMILIES["bert"], **changes)
        monkeypatch.setitem(FAMILIES, "bert", record)
        return gb.load(str(tiny_checkpoint("bert", task, layers=3)), device="cpu")

    return get


def pre_norm():
    return replace(FAMILIES["bert"].inside, last_norm=None)


@pytest.mark.parametrize("text", [TEXT, " ".join([TEXT] * 8)], ids=["short", "long"])
def test_the_long_way_gives_the_numbers_of_the_short_one(tiny_model, changed, text):
    """Without ``one_position`` nothing is skipped, of masked copies or of texts with words left out."""

    def numbers(filler, classifier):
        left_out = gb.attribute(classifier, TEXT, target=1, method="leave_one_out")
        return gb.surprise(filler, text).surprisal, left_out.scores

    quick = numbers(*(tiny_model("bert", task, layers=3) for task in ("masked_words", "classification")))
    slow = numbers(*(changed(task, one_position=False) for task in ("masked_words", "classification")))
    for one, other in zip(quick, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        assert np.abs(one).max() > 1e-3


def test_with_the_long_way_every_layer_is_computed_in_full(changed):
    from glassbert.network.blocks import see_input

    model = changed("masked_words", one_position=False, fused_attention=False)
    widths = []
    with see_input(model.network, "feed_forward", lambda layer, inputs, _: widths.append(inputs[0].shape[1])):
        gb.surprise(model, TEXT)
    assert len(set(widths)) == 1
    assert widths[0] > 1


@pytest.mark.parametrize("options", [{"method": "decompx"}, {"method": "value_norms", "variant": "2021"}])
def test_formulas_for_post_norm_refuse_pre_norm(changed, options):
    model = changed("classification", inside=pre_norm())
    with pytest.raises(gb.UnsupportedModelError, match="needs a LayerNorm after each residual connection, which BERT"):
        gb.attribute(model, TEXT, target=1, **options)


def test_the_2021_norms_refuse_pre_norm_and_those_of_2020_do_not(changed, tiny_model):
    expected = gb.value_norms(tiny_model("bert", "encoder", layers=3), TEXT).values
    model = changed("encoder", inside=pre_norm())
    with pytest.raises(gb.UnsupportedModelError, match=r"2021 variant .* ALBERT, CamemBERT, data2vec"):
        gb.value_norms(model, TEXT, variant="2021")
    assert np.array_equal(gb.value_norms(model, TEXT).values, expected)


def test_a_trace_does_without_its_shortcut_in_pre_norm(changed, tiny_model):
    def restored(model):
        kinds = ("hidden", "head", "mlp", "attention")
        return [gb.trace(model, TEXT, TEXT.replace("good", "long"), 1, kind=kind).restored for kind in kinds]

    expected = restored(tiny_model("bert", "classification", layers=3))
    for one, other in zip(restored(changed("classification", inside=pre_norm())), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
        assert np.abs(other).max() > 0.1


@pytest.mark.parametrize("method", ["attn_lrp", "decompx"])
def test_rules_for_a_plain_feed_forward_part_refuse_a_gated_one(changed, method):
    model = changed("classification", inside=replace(FAMILIES["bert"].inside, widen=None))
    with pytest.raises(gb.UnsupportedModelError, match="needs a feed-forward block of"):
        gb.attribute(model, TEXT, target=1, method=method)


def test_neurons_refuse_a_bias_in_the_scores(tiny_model):
    with pytest.raises(gb.UnsupportedModelError, match="queries and keys alone, which MPNet networks do not have"):
        neurons(tiny_model("mpnet", "encoder"), TEXT)


def test_without_the_inside_of_a_layer_what_needs_none_still_works(changed, tiny_model):
    def scores(model):
        methods = ("input_x_gradient", "occlusion", "leave_one_out")
        return [gb.attribute(model, TEXT, target=1, method=method).scores for method in methods]

    expected = scores(tiny_model("bert", "classification", layers=3))
    model = changed("classification", inside=None)
    for one, other in zip(scores(model), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    for refused in (
        lambda: gb.ablate(model, [(0, 0)]),
        lambda: gb.attribute(model, TEXT, target=1, method="attn_lrp"),
        lambda: gb.value_norms(model, TEXT),
        lambda: neurons(model, TEXT),
    ):
        with pytest.raises(
            gb.UnsupportedModelError, match="which BERT networks do not have; choose a model of another"
        ):
            refused()


def test_a_layer_whose_weights_are_missing_is_noticed_where_layers_share_them(tiny_checkpoint, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_checkpoint("albert", "encoder"), tmp_path / "albert"))
    weights = load_file(folder / "model.safetensors")
    save_file(
        {name: tensor for name, tensor in weights.items() if "albert_layer_groups" not in name},
        folder / "model.safetensors",
    )
    with pytest.raises(gb.DamagedCheckpointError, match="specifies 2 layers, but its weights have 0"):
        gb.load(str(folder), device="cpu")
