"""Every function on a tiny checkpoint of each family that has its parts in other places, against stock networks."""

from __future__ import annotations

import functools
import io
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import sentencepiece
import torch
import transformers
import transformers.convert_slow_tokenizer
from safetensors.torch import load_file, save_file
from transformers.convert_slow_tokenizer import DebertaV2Converter, SentencePieceExtractor
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

import glassbert as gb
from glassbert.families import FAMILIES
from glassbert.maps.neurons import neurons
from glassbert.network.fused import split_projections
from tests import tiny
from tests.glassbert.oracles import relevance

TEXT, OTHER = "The film was not good at all, said the doctor.", "The film was not long at all, said the doctor."
SHORT = "Not good."
PRE_NORM, GATED = ("megatron-bert", "modernbert", "xlm-roberta-xl"), ("gte", "nomic_bert")
SEGMENTS = "token_type_ids"
#: Its layers are of a kind of their own: a test of what others do in them is written below, or refused.
OWN_LAYERS = ("mobilebert",)
#: What these families do not have.
REFUSED = {
    **{family: {"decompx", "value_norms"} for family in PRE_NORM},
    **{family: {"decompx"} for family in GATED},
    **{family: {"attn_lrp", "decompx", "value_norms"} for family in OWN_LAYERS},
}
every_family = pytest.mark.parametrize("family", tiny.OTHER_FAMILIES)
#: Without those whose network is RoBERTa's under another name.
every_network = pytest.mark.parametrize(
    "family", [name for name in tiny.OTHER_FAMILIES if name not in ("camembert", "data2vec-text")]
)


def read_by(oracle, path, inputs):
    """The output of this module of the encoder as a leaf, and the logit of class 1 from it."""
    leaves = []

    def leaf(_module, _inputs, output):
        leaves.append(output.detach().requires_grad_())
        return leaves[-1] + 0  # the network adds to it in place

    hook = oracle.network.base_model.get_submodule(path).register_forward_hook(leaf)
    value = oracle.network(**inputs).logits[:, 1]
    hook.remove()
    return leaves[0], value


def close(found, expected, atol=2e-5):
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-4, atol=atol)


def rows(tensors):
    return torch.stack([tensor[0] for tensor in tensors]).numpy()


@every_family
def test_attention_states_and_values_are_the_stock_networks(tiny_model, stock, family):
    model, oracle = tiny_model(family, "encoder", layers=3), stock(family, "encoder", layers=3)
    output = oracle(TEXT, output_attentions=True, output_hidden_states=True)
    close(gb.attention(model, TEXT).weights, rows(output.attentions), 1e-6)
    close(gb.hidden_states(model, TEXT).states, rows(output.hidden_states), 3e-6)
    texts = [SHORT, TEXT]  # padded, in one batch
    classifier, network = tiny_model(family, "classification"), stock(family, "classification")
    found = [one.logits for one in gb.classify_many(classifier, texts)]
    close(found, torch.cat([network(text).logits for text in texts]))


@every_family
def test_masked_words_by_layer_and_surprise(tiny_model, stock, family):
    model, oracle = tiny_model(family, "masked_words", layers=3), stock(family, "masked_words", layers=3)
    masked = TEXT.replace("good", model.mask_token)
    inputs = oracle.inputs(TEXT.replace("good", "[MASK]"))
    output = oracle(TEXT.replace("good", "[MASK]"), output_hidden_states=True)
    at = inputs["input_ids"][0].tolist().index(model.tokenizer.mask_token_id)
    probabilities = output.logits[0, at].softmax(-1)
    guess = gb.fill_mask(model, masked, top_k=4)
    close(guess.probabilities[0], probabilities.topk(4).values, 1e-6)
    # the head on each layer's state, after the LayerNorm that it was trained behind
    lens, record = gb.logit_lens(model, masked, top_k=4), FAMILIES[family]
    head = [oracle.network.get_submodule(path) for path in record.task_heads["masked_words"].modules]
    norm = oracle.network.base_model.get_submodule(record.final_norm) if record.final_norm else torch.nn.Identity()
    for layer, states in enumerate(output.hidden_states[:-1]):
        with torch.no_grad():
            logits = functools.reduce(lambda state, module: module(state), head, norm(states[0, at]))
        close(lens.logits[layer, 0], logits.topk(4).values, 1e-4)
    close(lens.logits[-1, 0], output.logits[0, at].topk(4).values, 1e-4)
    # each token masked in turn
    surprise = gb.surprise(model, SHORT)
    inputs, mask = oracle.inputs(SHORT), oracle.inputs("[MASK]")
    ids, alone = inputs["input_ids"], mask["input_ids"][0].tolist().index(model.tokenizer.mask_token_id)
    for position, bits in zip(surprise.positions, surprise.surprisal, strict=True):
        copy = {name: value.clone() for name, value in inputs.items() if name.endswith("_ids") and name != SEGMENTS}
        for name, value in copy.items():  # what a network reads of each token: its id, with RoCBERT its shape and sound
            value[0, position] = mask[name][0, alone]
        with torch.no_grad():
            expected = oracle.network(**copy).logits[0, position].log_softmax(-1)[ids[0, position]]
        close(bits, -float(expected) / np.log(2), 1e-4)


@every_network
def test_gradients_and_perturbations_are_those_of_the_stock_network(tiny_model, stock, family):
    model, oracle = tiny_model(family, "classification"), stock(family, "classification")
    inputs = oracle.inputs(TEXT)
    embeddings = oracle.embeddings(inputs["input_ids"]).requires_grad_()
    if FAMILIES[family].positions_after_padding:  # from embeddings, the stock network counts positions the same way
        assert (inputs["input_ids"] != model.tokenizer.pad_token_id).all()
    value = oracle.value(inputs, embeddings, 1)
    if FAMILIES[family].characters is not None:  # a word's row is what its tables make of it
        embeddings, value = read_by(oracle, FAMILIES[family].characters.mix, inputs)
    (gradient,) = torch.autograd.grad(value.sum(), embeddings)
    found = gb.attribute(model, TEXT, method="input_x_gradient", target=1)
    close(found.value, value.detach()[0])
    close(found.scores, (gradient * embeddings).sum(-1)[0].detach(), 1e-5)
    whole = gb.attribute(model, TEXT, method="integrated_gradients", target=1, n_steps=128)
    assert abs(whole.delta) < 0.02
    left = gb.attribute(model, TEXT, method="leave_one_out", target=1)
    for position in (1, 4):
        kept = torch.arange(inputs["input_ids"].shape[1]) != position
        with torch.no_grad():
            rest = {name: part[:, kept] for name, part in inputs.items()}
            without = oracle.network(**rest).logits[0, 1]
        close(left.scores[position], value.detach()[0] - without, 1e-4)


@every_network
@pytest.mark.parametrize("task", ["classification", "masked_words"])
def test_relevance_is_conserved(tiny_model, family, task):
    if family in OWN_LAYERS:
        return
    model = tiny_model(family, task, layers=3)
    text = TEXT if task == "classification" else TEXT.replace("good", model.mask_token)
    found = gb.attribute(model, text, method="attn_lrp", target=gb.ClassTarget(1) if task == "classification" else None)
    close(found.scores.sum() + sum(found.options["unattributed"].values()), found.value, 1e-3)
    assert np.abs(found.scores).max() > 1e-3


@pytest.mark.parametrize(
    "family", [name for name in tiny.OTHER_FAMILIES if name not in ("camembert", "data2vec-text", "roformer")]
)
def test_every_method_and_measure_answers_or_says_why_not(tiny_model, family):
    model = tiny_model(family, "classification")
    refused = set()
    for name in gb.METHODS:
        try:
            scores = gb.attribute(model, SHORT, method=name, target=1).scores
        except gb.UnsupportedModelError:
            refused.add(name)
        else:
            assert np.isfinite(scores).all()
    assert refused == REFUSED.get(family, set())
    refused = set()
    for name in gb.MEASURES:
        try:
            assert np.isfinite(gb.attention_map(model, SHORT, measure=name, target=1).values).all()
        except gb.UnsupportedModelError:
            refused.add(name)
    assert refused == ({"value_norms_2021"} if family in (*PRE_NORM, *OWN_LAYERS) else set())
    assert gb.verdict(model, TEXT).sentences


@every_network
def test_a_head_that_is_off_adds_nothing(tiny_model, stock, family):
    model, oracle = tiny_model(family, "classification"), stock(family, "classification")
    record = FAMILIES[family]
    layer = oracle.network.base_model.get_submodule(record.layers(2)[1])
    output = layer.get_submodule(record.inside.output)
    before, size = output.weight.clone(), output.in_features // model.attention_heads
    with torch.no_grad():
        output.weight[:, 2 * size : 3 * size] = 0
        expected = oracle(TEXT).logits[0]
        output.weight.copy_(before)
    close(gb.classify(gb.ablate(model, [(1, 2)]), TEXT).logits, expected)


@every_network
@pytest.mark.parametrize("kind", ["hidden", "head", "mlp", "attention"])
def test_a_patch_is_the_other_texts_state(tiny_model, stock, family, kind):
    """Patched alone, the last place that the classifier reads changes F as in the stock network."""
    if family in OWN_LAYERS and kind == "mlp":
        with pytest.raises(gb.UnsupportedModelError, match=r"feed-forward block .* which MobileBERT networks do not"):
            gb.trace(tiny_model(family, "classification"), TEXT, OTHER, 1, kind=kind)
        return
    model, oracle = tiny_model(family, "classification"), stock(family, "classification")
    found = gb.trace(model, TEXT, OTHER, 1, kind=kind)
    close([found.clean_value, found.corrupted_value], [float(oracle(text).logits[0, 1]) for text in (TEXT, OTHER)])
    record, network = FAMILIES[family], oracle.network
    part = {"hidden": None, "head": record.inside.output, "attention": record.inside.output}.get(
        kind, record.inside.feed_forward
    )
    layer = network.base_model.get_submodule(record.layers(2)[0])
    module = layer if part is None else layer.get_submodule(part)
    kept: list[torch.Tensor] = []
    size = layer.get_submodule(record.inside.output).in_features // model.attention_heads
    at = 5
    # what is patched: a layer's input, a head's output, or what a block adds, at one token of the first layer
    if kind in ("hidden", "head"):
        hook = module.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
    else:
        hook = module.register_forward_hook(lambda _, inputs, given: kept.append(given))
    oracle(TEXT)
    hook.remove()
    span = slice(size, 2 * size) if kind == "head" else slice(None)

    def patched(states):
        changed = states.clone()
        tokens = slice(None) if kind == "head" else at
        changed[0, tokens, span] = kept[0][0, tokens, span]
        return changed

    if kind in ("hidden", "head"):
        hook = module.register_forward_pre_hook(lambda _, inputs: (patched(inputs[0]), *inputs[1:]))
    else:
        hook = module.register_forward_hook(lambda _, inputs, given: patched(given))
    value = float(oracle(OTHER).logits[0, 1])
    hook.remove()
    close(found.values[0, 1, 0] if kind == "head" else found.values[0, at], value, 1e-4)


@every_network
def test_steps_of_reading_and_the_architecture(tiny_model, stock, family):
    model, oracle = tiny_model(family, "encoder"), stock(family, "encoder")
    steps, record = gb.reading_steps(model, TEXT), FAMILIES[family]
    words = {"word": "words"} if record.embeddings.trigrams is None else {"trigram": "trigrams"}
    tables = words | {"position": "positions", "segment": "segments", "constant": "constant"}
    modules = dict(oracle.network.named_modules())
    parts = [part for part, name in tables.items() if getattr(record.embeddings, name) in modules]
    assert list(steps.parts) == [*parts, "sum", "scaled" if family in OWN_LAYERS else "normalised"]
    states = oracle(TEXT, output_hidden_states=True).hidden_states[0][0]
    close(steps.input_norms if steps.projected else steps.part_norms[-1], states.norm(dim=-1))
    vectors = gb.reading_steps(model, TEXT, vectors=True).vectors
    close(vectors[: len(parts)].sum(0), vectors[len(parts)])
    if record.characters is None:  # its tables are joined
        assert gb.architecture(model).parameters.sum() == sum(one.numel() for one in oracle.network.parameters())


@pytest.mark.parametrize("family", [one for one in tiny.OTHER_FAMILIES if "next_sentence" in tiny.tasks(one)])
def test_next_sentence(tiny_model, stock, family):
    model, oracle = tiny_model(family, "next_sentence"), stock(family, "next_sentence")
    found = gb.next_sentence(model, TEXT, SHORT)
    close(found.probabilities, oracle(TEXT, SHORT).seq_relationship_logits[0].softmax(-1), 1e-6)


@every_family
def test_labels_of_tokens_and_answers(tiny_model, stock, family):
    labels = gb.label_tokens(tiny_model(family, "token_classification"), TEXT)
    close(labels.probabilities, stock(family, "token_classification")(TEXT).logits[0].softmax(-1), 1e-6)
    if "question_answering" not in tiny.tasks(family):
        return
    answers = tiny_model(family, "question_answering")
    assert answers.task_heads == ("question_answering",)
    target = gb.AnswerTarget("start")
    found = gb.attribute(answers, "Who?", TEXT, method="saliency", target=target)
    output = stock(family, "question_answering")("Who?", TEXT)
    assert found.value == pytest.approx(float(output.start_logits[0].max()), abs=1e-4) or np.isfinite(found.value)


def without_values(network, layers, values, ids):
    """Value zeroing written out: (layer, query, key), from the stock ``network`` and the path of each value Linear."""
    whole = network(ids, output_hidden_states=True).hidden_states
    found = torch.empty(len(layers), ids.shape[1], ids.shape[1])
    for number, layer in enumerate(layers):
        for place in range(ids.shape[1]):
            without = functools.partial(
                lambda _module, _inputs, given, place: given.index_fill(1, torch.tensor([place]), 0), place=place
            )
            hook = layer.get_submodule(values).register_forward_hook(without)
            changed = network(ids, output_hidden_states=True).hidden_states[number + 1]
            hook.remove()
            found[number, :, place] = 1 - torch.cosine_similarity(changed[0], whole[number + 1][0], dim=-1)
    return found / found.sum(-1, keepdim=True)


# --- what only DeBERTa has ------------------------------------------------------------------------------------------


@pytest.fixture
def other_deberta(tmp_path):
    """``other_deberta("MaskedLM", …)`` → the folder of a network with these entries of the config, and the network."""

    def make(kind, **entries):
        tiny.build("deberta-v2", "masked_words", tmp_path)  # for its tokenizer
        config = transformers.AutoConfig.from_pretrained(tmp_path)
        for name, value in entries.items():
            setattr(config, name, value)
        torch.manual_seed(0)
        network = getattr(transformers, f"DebertaV2For{kind}")(config).eval().requires_grad_(False)
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        network.save_pretrained(tmp_path)
        return tmp_path, network

    return make


@pytest.mark.parametrize(
    "entries",
    [
        # as in version 2 with 900 million parameters: neighbouring tokens are mixed after the first layer
        {"conv_kernel_size": 3, "conv_act": "gelu"},
        {"share_att_key": False, "position_buckets": -1, "norm_rel_ebd": "none", "position_biased_input": True},
        {"pos_att_type": ["c2p"], "type_vocab_size": 2},
        {"relative_attention": False, "position_biased_input": True},
    ],
    ids=["convolution", "own distances", "content to position", "absolute"],
)
def test_other_configs_of_deberta(other_deberta, entries):
    folder, network = other_deberta("SequenceClassification", **entries)
    model = gb.load(folder, device="cpu")
    ids = [torch.tensor(gb.encode(model, text).input_ids)[None] for text in (TEXT, OTHER)]
    output = network(ids[0], output_attentions=True, output_hidden_states=True)
    close(gb.attention(model, TEXT).weights, rows(output.attentions), 1e-6)
    close(gb.hidden_states(model, TEXT).states, rows(output.hidden_states), 1e-6)
    close([one.logits for one in gb.classify_many(model, [SHORT, TEXT])][1], output.logits[0])
    parts = gb.score_parts(model, TEXT)
    close(parts.weights().values, rows(output.attentions), 1e-6)
    # layers without one token's value, a convolution included
    short = torch.tensor(gb.encode(model, SHORT).input_ids)[None]
    zeroed = without_values(network, network.deberta.encoder.layer, "attention.self.value_proj", short)
    close(gb.value_zeroing(model, SHORT).values, zeroed, 1e-4)
    # attention weights and head outputs are differentiated layer by layer
    found, attentions = gb.attribute(model, TEXT, method="attention_relevance", target=1), []
    hooks = [
        layer.attention.self.register_forward_hook(lambda _, inputs, given: attentions.append(given[1]))
        for layer in network.deberta.encoder.layer
    ]
    embedded = network.get_input_embeddings()(ids[0]).requires_grad_()
    value = network(inputs_embeds=embedded, output_attentions=True).logits[0, 1]
    close(found.scores, relevance(tuple(attentions), value, 0), 1e-5)
    for hook in hooks:
        hook.remove()
    # a text's whole first state is patched, whatever reads it
    trace = gb.trace(model, TEXT, OTHER, 1, layers=[0, 1], spans=[(0, ids[0].shape[1])])
    close(trace.values[:, 0], [trace.clean_value] * 2, 1e-4)
    relevances = gb.attribute(model, TEXT, method="attn_lrp", target=1)
    close(relevances.scores.sum() + sum(relevances.options["unattributed"].values()), relevances.value, 1e-3)
    if "conv_kernel_size" in entries:
        with pytest.raises(gb.UnsupportedModelError, match="only attention mixes tokens"):
            gb.attribute(model, TEXT, method="decompx", target=1)
    else:
        parts = gb.attribute(model, TEXT, method="decompx", target=1)
        close(parts.scores.sum(), parts.value, 1e-3)


def test_scores_are_the_sum_of_their_parts(tiny_model, stock):
    """Against the formula, written out pair by pair; distances beyond 4 share a bucket with others."""
    model, oracle = tiny_model("deberta-v2", "encoder"), stock("deberta-v2", "encoder")
    found = gb.score_parts(model, TEXT)
    output = oracle(TEXT, output_attentions=True, output_hidden_states=True)
    close(torch.tensor(found.values).sum(0).softmax(-1), rows(output.attentions), 1e-6)
    close(found.weights().values, rows(output.attentions), 1e-6)
    attention, states = oracle.network.encoder.layer[1].attention.self, output.hidden_states[1][0]
    table = oracle.network.encoder.LayerNorm(oracle.network.encoder.rel_embeddings.weight)
    (query, key), (far_query, far_key) = (
        [one(given).view(len(given), 4, 8) for one in (attention.query_proj, attention.key_proj)]
        for given in (states, table)
    )
    buckets = make_log_bucket_position(torch.arange(-40, 41), 8, 512)  # of the distances −40 to 40
    assert buckets[[36, 39, 40, 41, 60]].tolist() == [-4, -1, 0, 1, 5]
    for head, i, j in [(0, 0, 0), (3, 1, 5), (2, 9, 2), (1, 12, 0)]:
        row = int(buckets[40 + i - j].clamp(-8, 7)) + 8
        expected = [
            query[i, head] @ key[j, head],
            query[i, head] @ far_key[row, head],
            far_query[row, head] @ key[j, head],
        ]
        close(found.values[:, 1, head, i, j], torch.stack(expected) / (3 * 8) ** 0.5, 1e-5)
    alone = found.alone("content_to_position")
    close(alone.values[1, 2], torch.tensor(found.values[1, 1, 2]).softmax(-1), 1e-6)
    one = gb.score_parts(model, TEXT, layers=[1])
    np.testing.assert_array_equal(one.values[:, 0], found.values[:, 1])
    assert one.scores("position_to_content").layers.tolist() == [1]
    with pytest.raises(gb.OptionError, match="content_to_content, content_to_position, position_to_content"):
        found.alone("position_to_position")
    with pytest.raises(gb.LayerError, match="layers 0 to 1"):
        gb.score_parts(model, TEXT, layers=[2])
    with pytest.raises(gb.UnsupportedModelError, match=r"ERNIE networks do not have; .*: DeBERTa and DeBERTa v2/v3"):
        gb.score_parts(tiny_model("ernie", "encoder"), TEXT)
    with pytest.raises(gb.UnsupportedModelError, match="by queries and keys alone"):
        neurons(model, TEXT)


def test_the_first_version_has_the_same_parts(tiny_model, stock):
    model, oracle = tiny_model("deberta", "encoder"), stock("deberta", "encoder")
    output = oracle(TEXT, output_attentions=True, output_hidden_states=True)
    found = gb.score_parts(model, TEXT)
    close(found.weights().values, rows(output.attentions), 1e-5)
    short = oracle(SHORT, output_attentions=True).attentions  # of fewer tokens than there are distances
    close(gb.score_parts(model, SHORT).weights().values, rows(short), 1e-5)
    attention, states = oracle.network.encoder.layer[1].attention.self, output.hidden_states[1][0]
    query, key, _ = attention.in_proj(states).view(len(states), 4, 3, 8).unbind(2)
    query = query + attention.q_bias.view(4, 8)
    table = oracle.network.encoder.rel_embeddings.weight  # of the distances −8 to 7
    far_query, far_key = (one(table).view(16, 4, 8) for one in (attention.pos_q_proj, attention.pos_proj))
    for head, i, j in [(0, 0, 0), (3, 1, 5), (2, 9, 2), (1, 13, 0)]:
        row = min(max(i - j, -8), 7) + 8
        pairs = (
            query[i, head] @ key[j, head],
            query[i, head] @ far_key[row, head],
            far_query[row, head] @ key[j, head],
        )
        close(found.values[:, 1, head, i, j], torch.stack(pairs) / (3 * 8) ** 0.5, 1e-5)


def test_texts_are_normalised_as_in_training(tmp_path):
    """Against SentencePiece itself: transformers leaves the character map of DeBERTa's vocabulary out."""
    folder, written = tiny.build("deberta-v2", "encoder", tmp_path), io.BytesIO()
    specials = {"pad": "[PAD]", "bos": "[CLS]", "eos": "[SEP]", "unk": "[UNK]"}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(tiny.SENTENCES * 3),
        model_writer=written,
        vocab_size=300,
        hard_vocab_limit=False,
        minloglevel=2,
        **{f"{name}_piece": piece for name, piece in specials.items()},
        **{f"{name}_id": number for number, name in enumerate(specials)},
    )
    own = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    size = own.get_piece_size() + 1  # and [MASK]
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": size}))
    weights, table = load_file(folder / "model.safetensors"), "embeddings.word_embeddings.weight"
    save_file(weights | {table: weights[table][:size].clone()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "spm.model").write_bytes(written.getvalue())
    texts = ("The ﬁlm was Ｇood, ½ naïve  café…", " Paris\n\tis the [MASK] ")

    def check(model):
        for text in texts:
            before, mask, after = text.partition("[MASK]")
            expected = own.encode(before) + [size - 1] * bool(mask) + own.encode(after)
            assert gb.encode(model, text).input_ids.tolist() == [1, *expected, 2]
        return gb.encode(model, texts[0])

    encoded = check(gb.load(folder, device="cpu"))
    assert encoded.offsets[-2].tolist() == [len(texts[0]) - 1, len(texts[0])]  # of the third of three full stops
    # from the module by name: transformers has a function of the same name, which others may have put in its place
    normaliser = DebertaV2Converter.normalizer(
        SimpleNamespace(original_tokenizer=SimpleNamespace(do_lower_case=False)),
        SentencePieceExtractor(str(folder / "spm.model")).proto,
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.backend_tokenizer.normalizer = normaliser  # what conversion wrote before transformers 5
    tokenizer.save_pretrained(folder)
    (folder / "spm.model").unlink()
    check(gb.load(folder, device="cpu"))


def test_masked_words_of_version_two_and_not_of_version_three(other_deberta):
    """The head has another name in the published files; a discriminator contains one that was not trained."""
    folder, network = other_deberta("MaskedLM", legacy=False)
    weights = load_file(folder / "model.safetensors")
    assert "lm_predictions.lm_head.dense.weight" in weights
    masked = TEXT.replace("good", "[MASK]")
    model = gb.load(folder, device="cpu")
    encoded = gb.encode(model, masked)
    logits = network(torch.tensor(encoded.input_ids)[None]).logits[0, encoded.tokens.index("[MASK]")]
    close(gb.fill_mask(model, masked, top_k=4).probabilities[0], logits.softmax(-1).topk(4).values, 1e-6)
    found = gb.attribute(model, masked, method="attn_lrp")
    close(found.scores.sum() + sum(found.options["unattributed"].values()), found.value, 1e-3)
    # positions that only the decoder of the original reads, and that transformers ignores
    extra = {"deberta.embeddings.position_embeddings.weight": torch.zeros(512, 32)}
    save_file(weights | extra, folder / "model.safetensors", {"format": "pt"})
    assert gb.load(folder, device="cpu").task_heads == ("masked_words",)
    save_file(weights | {"mask_predictions.dense.weight": torch.zeros(32, 32)}, folder / "model.safetensors")
    model = gb.load(folder, device="cpu")
    assert model.task_heads == ()
    with pytest.raises(
        gb.TaskHeadError, match=r"a discriminator \(DeBERTa v2/v3\), whose head detects replaced tokens"
    ):
        gb.fill_mask(model, masked)


# --- what only ModernBERT has -------------------------------------------------------------------------------------


def test_the_projections_that_were_one_give_the_same_numbers(stock):
    oracle = stock("modernbert", "masked_words", layers=3)
    before = oracle(TEXT).logits
    weights = {name: tensor.clone() for name, tensor in oracle.network.state_dict().items()}
    split_projections(oracle.network, FAMILIES["modernbert"])
    assert torch.equal(oracle(TEXT).logits, before)
    fused = weights["model.layers.1.attn.Wqkv.weight"]
    state = oracle.network.state_dict()
    parts = [state[f"model.layers.1.attn.Wqkv.{part}.weight"] for part in ("query", "key", "value")]
    assert torch.equal(torch.cat(parts), fused)
    assert parts[1].untyped_storage().data_ptr() == parts[0].untyped_storage().data_ptr()  # no copy


def test_heads_of_one_name_are_told_apart_by_the_config_alone(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("modernbert", "classification"), tmp_path / "unnamed")
    config = json.loads((folder / "config.json").read_text())
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(gb.DamagedCheckpointError, match='"architectures": \\["ModernBertForSequenceClassification"'):
        gb.load(str(folder), device="cpu")


def test_a_local_layer_attends_within_its_window(tiny_model):
    weights = gb.attention(tiny_model("modernbert", "encoder", layers=3), TEXT).weights
    positions = np.arange(weights.shape[-1])
    far = np.abs(positions[:, None] - positions[None]) > 2
    assert (weights[1][:, far] == 0).all()
    assert (weights[0][:, far] > 0).all()
    assert (weights[2][:, far] > 0).all()


def test_the_window_of_a_local_layer_is_known_to_its_maps(tiny_model):
    model = tiny_model("modernbert", "encoder", layers=3)
    text = "Not because good."  # "because" is seven pieces
    maps = gb.attention(model, text)
    assert (model.reach, maps.reach.tolist()) == ((0, 2, 0), [0, 2, 0])
    assert tiny_model("bert", "encoder").reach == ()
    assert gb.attention(tiny_model("bert", "encoder"), text).maps().reach.size == 0

    def there(shown, row=0):
        columns = np.arange(shown.values.shape[-1])
        return np.stack([(columns >= start) & (columns < stop) for start, stop in shown.inside(row)])

    for shown in (maps.maps(), maps.without_special(), maps.by_word(), maps.over_heads(), maps.by_word().over_heads()):
        seen = shown.values if shown.values.ndim == 3 else shown.values.max(axis=1)
        assert there(shown, 0).all()
        np.testing.assert_array_equal(there(shown, 1), seen[1] > 0)
    assert maps.combine([(1, 0), (1, 3)]).reach.tolist() == [2]
    assert maps.combine([(1, 0), (2, 0)]).reach.tolist() == [0]
    assert there(maps.combine([(1, 0), (2, 0)])).all()
    for layer, kind in ((1, "layer 2 (local)"), (2, "layer 3 (global)")):
        drawn = gb.draw(maps, layer=layer, head=0).svg
        assert kind in drawn
        assert ("window of 4 tokens" in drawn) == (layer == 1) == ('fill-opacity="0.08"' in drawn)


def test_a_config_of_transformers_4_is_read_as_transformers_reads_it(tiny_checkpoint, tmp_path):
    """mmBERT and Ettin rotate by the same angles in local layers as in global ones."""
    folder = shutil.copytree(tiny_checkpoint("modernbert", "encoder", layers=3), tmp_path / "older")
    config = json.loads((folder / "config.json").read_text())
    del config["rope_parameters"], config["layer_types"]
    older = {"global_rope_theta": 160000.0, "local_rope_theta": 11.0, "global_attn_every_n_layers": 3}
    (folder / "config.json").write_text(json.dumps(config | older))
    network = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    model = gb.load(folder, device="cpu")
    with torch.no_grad():
        output = network(torch.tensor(gb.encode(model, TEXT).input_ids)[None], output_attentions=True)
    found = gb.attention(model, TEXT).weights
    close(found, rows(output.attentions), 1e-6)
    assert (found[2] == 0).any()  # the third layer is local, as the second


def test_neurons_refuse_queries_and_keys_that_are_rotated(tiny_model):
    with pytest.raises(gb.UnsupportedModelError, match="queries and keys alone, which ModernBERT networks do not have"):
        neurons(tiny_model("modernbert", "encoder"), TEXT)


def test_a_head_that_reads_the_mean_of_all_states(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("modernbert", "classification"), tmp_path / "mean")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"classifier_pooling": "mean"}))
    model = gb.load(str(folder), device="cpu")
    network = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager"
    ).eval()

    def logit(ids):
        with torch.no_grad():
            return float(network(input_ids=ids).logits[0, 1])

    ids = torch.tensor(gb.encode(model, TEXT).input_ids)[None]
    found = gb.attribute(model, TEXT, method="leave_one_out", target=1)
    close(found.value, logit(ids))
    close(found.scores[3], logit(ids) - logit(ids[:, torch.arange(ids.shape[1]) != 3]), 1e-4)
    # after the last layer every token counts, not [CLS] alone
    trace = gb.trace(model, TEXT, OTHER, 1, layers=[2], spans=[(0, ids.shape[1]), (3, 4)])
    close(trace.values[0, 0], trace.clean_value, 1e-4)
    assert abs(trace.values[0, 1] - trace.corrupted_value) > 1e-4
    # so does each row of a rollout
    rolled = gb.rollout(gb.attention(model, TEXT)).values[-1].mean(axis=0)
    close(gb.attribute(model, TEXT, method="rollout", target=1).scores, rolled, 1e-6)


# --- what only RoFormer has ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [{}, {"tokenizer_class": "RoFormerTokenizer"}])
def test_a_tokenizer_that_splits_in_python_is_refused_with_the_cause(tiny_checkpoint, tmp_path, named):
    folder = shutil.copytree(tiny_checkpoint("roformer", "encoder"), tmp_path / "own")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["tokenizer_class"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | named))
    with pytest.raises(gb.UnsupportedModelError, match="splits texts with jieba, in Python code"):
        gb.load(folder, device="cpu")


def test_angles_are_computed_where_a_file_leaves_them_out_and_values_are_not_rotated(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("roformer", "masked_words"), tmp_path / "own")
    before = gb.attention(gb.load(folder, device="cpu"), TEXT).weights
    weights = load_file(folder / "model.safetensors")
    angles = weights.pop("roformer.encoder.embed_positions.weight")
    expected = torch.arange(3)[:, None] / 10000 ** (torch.arange(4) / 4)  # of heads of 8
    close(angles[:3], torch.cat([expected.sin(), expected.cos()], dim=1), 1e-6)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    close(gb.attention(gb.load(folder, device="cpu"), TEXT).weights, before, 1e-7)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rotary_value": True}))
    with pytest.raises(gb.UnsupportedModelError, match="rotary_value = true; of RoFormer networks"):
        gb.load(folder, device="cpu")


# --- what only MobileBERT has --------------------------------------------------------------------------------------


def test_values_of_a_thin_layer(tiny_model, stock):
    model, network = tiny_model("mobilebert", "encoder"), stock("mobilebert", "encoder").network
    ids = torch.tensor(gb.encode(model, SHORT).input_ids)[None]
    with torch.no_grad():
        zeroed = without_values(network, network.encoder.layer, "attention.self.value", ids)
        output = network(ids, output_attentions=True, output_hidden_states=True)
        attention = network.encoder.layer[1].attention
        carried = attention.self.value(output.hidden_states[1][0]).view(-1, 4, 4)  # (token, head, size)
        mixer = attention.output.dense.weight.view(16, 4, 4)
        vectors = torch.einsum("hqk,khs,dhs->qkd", output.attentions[1][0], carried, mixer)
    close(gb.value_zeroing(model, SHORT).values, zeroed, 1e-4)
    close(gb.value_norms(model, SHORT).values[1], vectors.norm(dim=-1), 1e-5)
    with pytest.raises(gb.UnsupportedModelError, match="by queries and keys alone, which MobileBERT"):
        neurons(model, SHORT)


def test_neighbours_are_part_of_a_token_and_padding_is_none(tiny_model):
    model = tiny_model("mobilebert", "encoder")
    one, other = (gb.hidden_states(model, text).states[0] for text in (TEXT, TEXT.replace("good", "long")))
    changed = np.abs(one - other).max(axis=-1) > 1e-3
    place = gb.encode(model, TEXT).tokens.index("good")
    assert np.flatnonzero(changed).tolist() == [place - 1, place, place + 1]
    assert gb.reading_steps(model, SHORT, padding=12).padding_difference < 1e-5


@pytest.mark.parametrize("entry", ["use_bottleneck", "trigram_input"])
def test_other_configs_of_mobilebert_are_refused(tiny_checkpoint, tmp_path, entry):
    folder = shutil.copytree(tiny_checkpoint("mobilebert", "encoder"), tmp_path / "other")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {entry: False}))
    with pytest.raises(gb.UnsupportedModelError, match=f"{entry} = false; of MobileBERT networks"):
        gb.load(folder, device="cpu")


def test_a_head_without_the_pooler_that_it_reads_is_refused(tiny_checkpoint, tmp_path):
    folder = shutil.copytree(tiny_checkpoint("mobilebert", "classification"), tmp_path / "own")
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(gb.DamagedCheckpointError, match=r"pooler\.dense"):
        gb.load(folder, device="cpu")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"classifier_activation": False}))
    assert gb.load(folder, device="cpu").task_heads == ("classification",)  # as published: it reads [CLS] as it is
