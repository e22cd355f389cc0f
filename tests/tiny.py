"""Tiny random checkpoints of every supported family, for tests.

``build("bert", "masked_words", folder)`` writes what a real checkpoint has: config, safetensors weights and
a tokenizer that splits real text. Same arguments, same bytes. The weights are wide (standard deviation 0.3,
no zero bias, a [PAD] embedding that is not zero), so that attention is far from uniform and no term of a
formula vanishes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers

SENTENCES = (
    "Paris is the capital of France, and the Seine is a river in Paris.",
    "The doctor said that she was tired because the night had been long.",
    "This film was not good at all; the acting is great but the story is a mess.",
    "I never saw an unbelievable, wonderful, heartwarming movie like this one before!",
    "The man went to the store. He bought a gallon of milk and some bread.",
    "Is the trophy too big for the suitcase? It doesn't fit, so it stays at home.",
    "In 1969 two men walked on the moon (and 12 did in total); 3.5 % was enough.",
    "巴黎是法国的首都。 مرحبا بالعالم naïve café",
)
#: Words longer than this are not in the WordPiece and Unigram vocabularies: they come apart into pieces.
LONGEST_WHOLE_WORD = 6
PIECES = ("ing", "ful", "er", "un", "able", "case", "all", "on", "ed", "ti", "movie", "heart")
MAX_TOKENS = 512

TASKS = (
    "encoder",
    "masked_words",
    "next_sentence",
    "classification",
    "token_classification",
    "question_answering",
)
CLASS_PREFIXES = {
    "bert": "Bert",
    "distilbert": "DistilBert",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "albert": "Albert",
    "electra": "Electra",
    "mpnet": "MPNet",
    "camembert": "Camembert",
    "data2vec-text": "Data2VecText",
    "ernie": "Ernie",
    "megatron-bert": "MegatronBert",
    "modernbert": "ModernBert",
    "xlm-roberta-xl": "XLMRobertaXL",
    "deberta": "Deberta",
    "deberta-v2": "DebertaV2",
    "nomic_bert": "NomicBert",
    "gte": "Gte",
    "roformer": "RoFormer",
    "mobilebert": "MobileBert",
    "roc_bert": "RoCBert",
}
#: Of these, every function is tested with every text and option.
FAMILIES = ("bert", "distilbert", "roberta", "xlm-roberta", "albert", "electra", "mpnet")
#: One for each structure of layers among them: the others differ from BERT in names, positions or embeddings. Tests of
#: what happens inside the layers need no more.
STRUCTURES = ("bert", "distilbert", "albert", "mpnet")
#: These have the same parts in other places; tests/glassbert/families/test_other_families.py tries every function.
OTHER_FAMILIES = tuple(sorted(set(CLASS_PREFIXES) - set(FAMILIES)))
#: Those that also predict whether a sentence follows.
_WITH_NEXT_SENTENCE = ("bert", "ernie", "megatron-bert", "mobilebert")
_WITHOUT_ANSWERS = ("gte", "nomic_bert")
#: What only this family's stock network has a class for.
_OF_ONE_FAMILY = {"electra": "replaced_tokens"}
#: Positions start after the padding index.
_AFTER_PADDING = ("roberta", "xlm-roberta", "mpnet", "camembert", "data2vec-text", "xlm-roberta-xl")
CLASS_SUFFIXES = {
    "encoder": "Model",
    "masked_words": "ForMaskedLM",
    "next_sentence": "ForPreTraining",  # masked words as well, as in the original BERT
    "classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "replaced_tokens": "ForPreTraining",
}
LABELS = {
    "classification": ("NEGATIVE", "NEUTRAL", "POSITIVE"),
    "token_classification": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
}


def tasks(family: str) -> tuple[str, ...]:
    """The tasks a family can be built for, as the others are."""
    lacking = {"next_sentence"} if family not in _WITH_NEXT_SENTENCE else set()
    lacking |= {"question_answering"} if family in _WITHOUT_ANSWERS else set()
    return tuple(task for task in TASKS if task not in lacking)


def build(
    family: str,
    task: str,
    folder: Path,
    *,
    layers: int = 2,
    hidden: int = 32,
    heads: int = 4,
    vocab: int = 512,
    seed: int = 0,
) -> Path:
    """Write a checkpoint of ``family`` (a ``model_type``) for ``task`` into ``folder`` and return it."""
    if task not in tasks(family) and task != _OF_ONE_FAMILY.get(family):
        raise ValueError(f"{family} has no {task}; valid: {', '.join(tasks(family))}")
    tokenizer = _tokenizer(family, vocab)
    config = _config(family, task, tokenizer, layers, hidden, heads)
    model = getattr(transformers, CLASS_PREFIXES[family] + CLASS_SUFFIXES[task])(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("embed_positions.weight"):  # angles, which are not trained
                continue
            scale, centre = 0.2 if family == "mobilebert" else 0.3, 0.0  # without LayerNorm, states grow
            if parameter.ndim == 1:
                scale = 0.1
                centre = 1.0 if name.lower().endswith(("norm.weight", "ln.weight")) else 0.0
            parameter.copy_(centre + scale * torch.randn(parameter.shape, generator=generator))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    if family == "roc_bert":
        _write_characters(tokenizer.get_vocab(), folder)
    else:
        tokenizer.save_pretrained(folder)
    return folder


def _write_characters(vocabulary: dict[str, int], folder: Path) -> None:
    """A tokenizer in Python reads these: the vocabulary, and a shape and a pronunciation for most of its tokens."""
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    (folder / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    for name, rows, step in (("word_shape", 40, 3), ("word_pronunciation", 30, 7)):
        ids = {token: number * step % rows for number, token in enumerate(tokens) if number < 5 or number % 4}
        (folder / f"{name}.json").write_text(json.dumps(ids), encoding="utf-8")
    settings = {"tokenizer_class": "RoCBertTokenizer", "model_max_length": MAX_TOKENS, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def _config(family: str, task: str, tokenizer: Any, layers: int, hidden: int, heads: int) -> Any:
    options: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "max_position_embeddings": MAX_TOKENS,
    }
    if family == "distilbert":
        options |= {"n_layers": layers, "dim": hidden, "n_heads": heads, "hidden_dim": 2 * hidden}
    else:
        options |= {
            "num_hidden_layers": layers,
            "hidden_size": hidden,
            "num_attention_heads": heads,
            "intermediate_size": 2 * hidden,
        }
    if family in _AFTER_PADDING:
        options["max_position_embeddings"] = MAX_TOKENS + 2
        if family != "mpnet":
            options["type_vocab_size"] = 1
    if family == "ernie":
        options["use_task_id"] = True
    if family == "modernbert":
        # one layer in two attends to all tokens, the other to two on each side
        options |= {"global_attn_every_n_layers": 2, "local_attention": 4, "cls_token_id": tokenizer.cls_token_id}
        options |= {"sep_token_id": tokenizer.sep_token_id, "classifier_pooling": "cls"}
    if family == "deberta":
        options |= {"relative_attention": True, "pos_att_type": "c2p|p2c", "position_biased_input": False}
        options |= {"max_relative_positions": 8}
    if family == "deberta-v2":
        # as in version 3; distances beyond 4 share a bucket with others
        options |= {"relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm"}
        options |= {"share_att_key": True, "pos_att_type": "p2c|c2p", "position_biased_input": False}
    if family in ("albert", "electra", "roformer"):
        options["embedding_size"] = hidden // 2  # the published ones project up from narrower embeddings
    if family == "mobilebert":
        options |= {"embedding_size": hidden // 2, "intra_bottleneck_size": hidden // 2, "num_feedforward_networks": 2}
    if family == "roc_bert":
        options |= {"shape_vocab_size": 40, "shape_embed_dim": 12}
        options |= {"pronunciation_vocab_size": 30, "pronunciation_embed_dim": 20}
    if family == "albert":
        options["classifier_dropout_prob"] = 0.0
    if task in LABELS:
        options["id2label"] = dict(enumerate(LABELS[task]))
        options["label2id"] = {label: index for index, label in enumerate(LABELS[task])}
    return getattr(transformers, CLASS_PREFIXES[family] + "Config")(**options)


def _tokenizer(family: str, vocab: int) -> Any:
    mask = AddedToken("<mask>", lstrip=True)  # these models read the space before a mask as part of it
    longest = {"model_max_length": MAX_TOKENS}
    match family:
        case (
            "bert"
            | "distilbert"
            | "electra"
            | "ernie"
            | "megatron-bert"
            | "modernbert"
            | "nomic_bert"
            | "roformer"
            | "mobilebert"
            | "roc_bert"
        ):
            specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            return transformers.BertTokenizer(vocab=_word_pieces(specials, [], vocab), **longest)
        case "mpnet":
            specials = ["<s>", "<pad>", "</s>", "[UNK]"]
            return transformers.MPNetTokenizer(vocab=_word_pieces(specials, ["<mask>"], vocab), **longest)
        case "roberta" | "data2vec-text":
            pieces, merges = _byte_pairs(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"], vocab)
            return transformers.RobertaTokenizer(vocab=pieces, merges=merges, mask_token=mask, **longest)
        case "xlm-roberta" | "camembert" | "xlm-roberta-xl" | "gte":
            unigrams = _unigrams(["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"], vocab, lower=False)
            return transformers.XLMRobertaTokenizer(vocab=unigrams, mask_token=mask, **longest)
        case "deberta":
            pieces, merges = _byte_pairs(["[CLS]", "[PAD]", "[SEP]", "[UNK]"], ["[MASK]"], vocab)
            mask = AddedToken("[MASK]", lstrip=True)
            return transformers.DebertaTokenizer(vocab=pieces, merges=merges, mask_token=mask, **longest)
        case "deberta-v2":
            specials = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
            return transformers.DebertaV2Tokenizer(vocab=_unigrams(specials, ["[MASK]"], vocab, lower=False), **longest)
        case "albert":
            specials = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
            unigrams = _unigrams(specials, [], vocab, lower=True)
            mask = AddedToken("[MASK]", lstrip=True)
            return transformers.AlbertTokenizer(vocab=unigrams, mask_token=mask, **longest)
    raise ValueError(f"no family {family!r}; valid: {', '.join(FAMILIES)}")


def _lexicon(*, lower: bool) -> tuple[list[str], list[str]]:
    """The characters and the short words of the sentences, sorted."""
    text = " ".join(SENTENCES) + " abcdefghijklmnopqrstuvwxyz 0123456789 .,;:!?'\"()%-"
    text = text.lower() if lower else text + " ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    words = (word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text))
    short = {word for word in words if 1 < len(word) <= LONGEST_WHOLE_WORD}
    return sorted(set(text) - {" "}), sorted(short)


def _fill(pieces: list[str], last: list[str], vocab: int) -> list[str]:
    missing = vocab - len(pieces) - len(last)
    if missing < 0:
        raise ValueError(f"a vocabulary of {vocab} is too small: at least {vocab - missing}")
    return pieces + [f"[unused{index}]" for index in range(missing)] + last


def _word_pieces(specials: list[str], last: list[str], vocab: int) -> dict[str, int]:
    letters, words = _lexicon(lower=True)
    pieces = specials + letters + words + [f"##{piece}" for piece in (*letters, *PIECES)]
    return {piece: index for index, piece in enumerate(_fill(pieces, last, vocab))}


def _unigrams(specials: list[str], last: list[str], vocab: int, *, lower: bool) -> list[tuple[str, float]]:
    """Longer pieces score better than the same letters one by one, so short words stay whole."""
    letters, words = _lexicon(lower=lower)
    pieces = ["▁", *letters, *(f"▁{word}" for word in words), *PIECES]
    scores = dict.fromkeys(specials, 0.0) | {piece: -6.0 - 0.1 * len(piece) for piece in pieces}
    return [(piece, scores.get(piece, 0.0 if piece in last else -99.0)) for piece in _fill(list(scores), last, vocab)]


def _byte_pairs(specials: list[str], last: list[str], vocab: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab - len(last), special_tokens=specials, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    learned = sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda entry: entry[1])
    pieces = _fill([piece for piece, _ in learned], last, vocab)
    merges = [tuple(pair) for pair in _merges(tokenizer)]
    return {piece: index for index, piece in enumerate(pieces)}, merges


def _merges(tokenizer: Tokenizer) -> list[list[str]]:
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    return merges
