"""A checkpoint, validated before transformers sees it.

Everything is read as data, with size limits: the config, the headers of the weights, the tokenizer's vocabulary. A
checkpoint that passes has an encoder of a supported family, complete safetensors weights that match the config, a
tokenizer that matches both, and only the task heads that are actually in the weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from glassbert.errors import DamagedCheckpointError, ModelNotFoundError, ModelTooLargeError, UnsupportedModelError
from glassbert.families import FAMILIES, Family, Task, Variant
from glassbert.models import memory
from glassbert.models.adapters import check_no_adapter
from glassbert.models.compressed import as_floats, check_shapes, is_int8, removed_heads
from glassbert.models.config import CONFIG, check_config, read_config, settled, strings
from glassbert.models.files import megabytes, quoted
from glassbert.models.missing import below, no_tokenizer, no_weights
from glassbert.models.pooling import MODULES, Pooling, read_pooling
from glassbert.models.tokenizer import TOKENIZER_FILES, check_not_in_python, check_tokenizer, has_tokenizer, read_files
from glassbert.models.weights import INDEX, SINGLE, Weights, fingerprint, read_weights

__all__ = [
    "EMBEDDED_FOLDER",
    "EMBEDDED_IDS",
    "IDENTIFYING",
    "TOKENIZER_FILES",
    "Checkpoint",
    "EmbeddedCheckpoint",
    "check_files",
    "check_memory",
    "embedded",
    "inferred_architecture",
    "vet",
]

#: The folder of the embedded checkpoints; they share one file next to their own folders.
EMBEDDED_FOLDER = Path(__file__).parents[1] / "checkpoints"
#: Embedded id → label and task.
EMBEDDED_IDS = {
    "pretrained": ("GlassBERT pretrained", "masked words and next sentence"),
    "sentiment": ("GlassBERT sentiment", "sentiment of a sentence"),
    "entities": ("GlassBERT entities", "names of people, organisations and places"),
    "answers": ("GlassBERT answers", "answers from a text"),
    "similarity": ("all-MiniLM-L6-v2", "sentence embeddings"),
}

_FLOATS = {"F16", "BF16", "F32", "F64"}
#: What wrappers put before every name: DataParallel, torch.compile, sentence-transformers, Lightning, combinations.
_WRAPPERS = re.compile(
    r"((module|_orig_mod|_forward_module|_fsdp_wrapped_module|0|auto_model|model|base_model|net|network|transformer"
    r"|backbone|bert_model|encoder_model)\.)+"
)
#: The files beside the weights that decide what a model answers.
IDENTIFYING = TOKENIZER_FILES | {CONFIG, MODULES}
#: What wrappers of single modules put inside a name: FSDP, activation checkpointing, torch.compile of a layer.
_WRAPPER_INSIDE = r"(?<=\.)(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod|module)\."
#: SQuAD 2.0, whose questions may have no answer (Rajpurkar et al. 2018), as names and cards spell it.
_NO_ANSWER = re.compile(r"squad[-_ ]?v?\.?2", re.IGNORECASE)
_CARD, _CARD_CHARACTERS = "README.md", 4000
#: Parts of names that only quantised weights have.
_QUANTISED = ("qweight", "qzeros", "absmax", "quant_state", "quant_map", "SCB", "weight_scale", "weight_packed")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A validated checkpoint.

    ``source`` is what was requested ("pretrained", "bert-base-uncased", "/some/folder"), ``folder`` where the files
    are, ``variant`` None for an encoder without a task head, ``task_heads`` the task heads in the weights,
    ``weight_bytes`` the size of the weights as stored, ``revision`` the commit of a hub model, and ``weights_hash``
    an identity for caches (:func:`glassbert.models.weights.fingerprint`). ``config`` is without the entries that say
    how to run a network. ``unwrap`` are regular expressions, each of which is removed once from the name of a stored
    tensor: what wrappers have put there. ``counters`` are the tensors of whole numbers, which no network asks for, and
    ``other_head`` describes a head in the weights that GlassBERT does not run. ``pooling`` is that of a sentence
    encoder; None, with the reason in ``no_pooling``, if its files do not say one. ``removed_heads`` are the (layer,
    head) that the weights do not contain, and ``int8`` says that those of the layers are whole numbers.
    """

    source: str
    folder: Path
    config: Mapping[str, Any]
    family: Family
    variant: Variant | None
    task_heads: tuple[Task, ...]
    weight_bytes: int
    revision: str | None
    weights_hash: str
    embedded: bool
    vocabulary_size: int
    unwrap: tuple[str, ...] = ()
    counters: frozenset[str] = frozenset()
    other_head: str | None = None
    pooling: Pooling | None = None
    no_pooling: str = ""
    removed_heads: tuple[tuple[int, int], ...] = ()
    int8: bool = False

    @property
    def knows_no_answer(self) -> bool:
        """Whether its name, or the beginning of its card, says that it was trained on questions without an answer."""
        names = [self.source, str(self.config.get("_name_or_path", ""))]
        card = self.folder / _CARD
        if card.is_file() and "question_answering" in self.task_heads:
            with card.open(encoding="utf-8", errors="replace") as lines:
                names.append(lines.read(_CARD_CHARACTERS))
        return any(_NO_ANSWER.search(name) for name in names)

    @property
    def segments(self) -> int:
        """The number of segments (token types) that the config specifies; 0 if the family has none."""
        return int(self.config.get("type_vocab_size", 2)) if self.family.embeddings.segments else 0

    @property
    def renamed(self) -> dict[str, str]:
        """Expression → what it is replaced by in the names of the stored tensors, one after the other."""
        stored = {f"^{re.escape(start)}": own for start, own in self.family.renamed.items()}
        return dict.fromkeys(self.unwrap, "") | stored


def vet(
    folder: Path,
    *,
    source: str,
    revision: str | None = None,
    root: Path | None = None,
    embedded: bool = False,
    available: Callable[[], int | None] | None = None,
    bytes_each: int = 4,
) -> Checkpoint:
    """Validate the files in ``folder`` and describe the checkpoint. Raises a ModelError.

    ``root`` is the folder that must contain all shards (default: ``folder``), ``available`` the memory probe, and
    ``bytes_each`` what a weight takes in the precision in which the network is to run.
    """
    files = _names(folder, source)
    config = read_config(folder, files, source)
    family = check_config(config, source)
    check_files(files, source, folder=folder)
    stored = read_weights(folder, source=source, root=root)
    named = strings(config.get("architectures"))
    check_no_adapter(source, files=files, tensors=stored.tensors, architecture=named[0] if named else None)
    weights, unwrap = _unwrapped(as_floats(stored, source) if is_int8(config) else stored, family, source)
    _check_fit(config, family, weights, source)
    removed = removed_heads(config, family, source)
    check_shapes(config, family, weights, removed, source)
    words = family.canonical(weights.tensors)[f"{family.embeddings.words}.weight"]
    rows = weights.tensors[words].shape[0]
    own = tokenizer_names(family)
    tokenizer = read_files(folder, files, source)
    check_tokenizer(tokenizer, rows, config.get("type_vocab_size", 2), source, own=own)
    if family.tokenizer_in_python:
        check_not_in_python(tokenizer, config, family.tokenizer_in_python, own, source)
    check_memory(weights.parameters, source, available, bytes_each=bytes_each)
    architectures = named if _names_a_task(named) else inferred_architecture(config, family, weights, source, named)
    variant = family.variant(weights.tensors, architectures, tied=config.get("tie_word_embeddings") is not False)
    if variant is not None and variant.label_tensor is not None:
        _check_labels(config, family, weights, variant.label_tensor, source)
    others = [folder / name for name in files if name in IDENTIFYING]
    pooling, no_pooling = read_pooling(folder, source)
    return Checkpoint(
        source=source,
        folder=folder,
        config=MappingProxyType(settled(config)),
        family=family,
        variant=variant,
        task_heads=variant.task_heads if variant else (),
        weight_bytes=stored.stored_bytes,
        revision=revision,
        weights_hash=fingerprint(weights, others),
        embedded=embedded,
        vocabulary_size=rows,
        unwrap=unwrap,
        counters=frozenset(name for name, tensor in weights.tensors.items() if tensor.dtype not in _FLOATS),
        other_head=_other_head(family, weights, named) if variant is None else None,
        pooling=pooling,
        no_pooling=no_pooling,
        removed_heads=removed,
        int8=is_int8(config),
    )


def tokenizer_names(family: Family) -> set[str]:
    """The names of the stock tokenizers of a family."""
    return {family.class_prefix + suffix for suffix in ("Tokenizer", "TokenizerFast")}


def _unwrapped(weights: Weights, family: Family, source: str) -> tuple[Weights, tuple[str, ...]]:
    """The weights without what wrappers have put before and inside their names, and what that was, as expressions.

    Raises DamagedCheckpointError for several encoders, or for a prefix that is not a wrapper's.
    """
    most = max((len(re.findall(_WRAPPER_INSIDE, name)) for name in weights.tensors), default=0)
    # transformers removes an expression once, and takes equal ones for one
    inside = tuple(f"(?#{number}){_WRAPPER_INSIDE}" for number in range(most))
    if inside:
        weights = _renamed(weights, _WRAPPER_INSIDE, source)
    end = f"{family.embeddings.words}.weight"
    starts = {
        name.removesuffix(end).removesuffix(f"{family.prefix}.")
        for name in map(family.stock_name, weights.tensors)
        if name == end or name.endswith(f".{end}")
    }
    if not starts or "" in starts:
        return weights, inside
    if len(starts) > 1 or not _WRAPPERS.fullmatch(prefix := starts.pop()):
        named = " and ".join(quoted(start) for start in sorted(starts)) or quoted(prefix)
        raise DamagedCheckpointError(
            f"the names of the weights of {quoted(source)} start with {named}, as part of a larger model; GlassBERT "
            f"reads the weights of a {family.label} network alone: save that part with save_pretrained"
        )
    return _renamed(weights, f"^{re.escape(prefix)}", source), (*inside, f"^{re.escape(prefix)}")


def _renamed(weights: Weights, without: str, source: str) -> Weights:
    """The weights with names without what matches this expression. Raises DamagedCheckpointError if two become one."""
    tensors = {re.sub(without, "", name): tensor for name, tensor in weights.tensors.items()}
    if len(tensors) < len(weights.tensors):
        raise _twice(source, next(name for name in weights.tensors if re.search(without, name)))
    return replace(weights, tensors=tensors)


def _twice(source: str, name: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"{quoted(source)} contains the weights of a part of its network twice, under two names ({quoted(name)} is one "
        "of them), so it is not known which are meant: save the model once more with save_pretrained"
    )


def _names_a_task(architectures: Collection[str]) -> bool:
    """Whether one of these classes is of a task, such as "BertForMaskedLM"; "BertModel" and own classes are not."""
    stock = {prefix for one in FAMILIES.values() for prefix in (one.class_prefix, "TF" + one.class_prefix)}
    return any(name.startswith(f"{prefix}For") for name in architectures for prefix in stock)


def inferred_architecture(
    config: Mapping[str, Any], family: Family, weights: Weights, source: str, named: Collection[str] = ()
) -> tuple[str, ...]:
    """The class of a classifier whose config names none for its task, read off its tensors; empty for other heads.

    The name "classifier" is shared: one label per text reads the pooled state, one label per token does not. Labels
    such as B-PER are labels of tokens. A class of its own (``named``) with further weights computes something else.
    Raises DamagedCheckpointError if it could be either.
    """
    names = family.canonical(weights.tensors)
    if "classifier.weight" not in names or (named and _unknown_parts(family, weights)):
        return ()
    rows = weights.tensors[names["classifier.weight"]].shape[0]
    labels = config.get("id2label")
    spelt = [str(label) for label in labels.values()] if isinstance(labels, dict) else []
    by_token = any(label.startswith(("B-", "I-", "S-", "E-")) for label in spelt)
    heads = {variant.class_suffix: variant for variant in family.variants}
    whole = heads.get("ForSequenceClassification")
    pooled = whole is not None and all(name in names for name in whole.tensors)
    if by_token or (not pooled and family.pooler is not None and not any(family.in_pooler(name) for name in names)):
        return (f"{family.class_prefix}ForTokenClassification",)
    told_apart = (
        len({variant.tensors for suffix, variant in heads.items() if "classifier.weight" in variant.tensors}) > 1
    )
    if pooled and rows > 1 and told_apart:
        return (f"{family.class_prefix}ForSequenceClassification",)
    if not pooled and whole is not None and "pre_classifier.weight" in whole.tensors:
        return (f"{family.class_prefix}ForTokenClassification",)
    raise DamagedCheckpointError(
        f"{quoted(source)} has a classifier, but {CONFIG} does not specify which: add "
        f'"architectures": ["{family.class_prefix}ForSequenceClassification"] for labels of texts, or '
        f'"{family.class_prefix}ForTokenClassification" for labels of tokens'
    )


def _other_head(family: Family, weights: Weights, named: Collection[str]) -> str | None:
    if family.discriminates(weights.tensors):
        return f"a discriminator ({family.label}), whose head detects replaced tokens"
    if any(name.endswith("ForMultipleChoice") for name in named):
        return "a model for multiple choice, whose head compares several texts"
    unknown = _unknown_parts(family, weights)
    if unknown:
        by = f" (of the class {quoted(next(iter(named)))})" if named else ""
        return f"an encoder with a head of its own{by}, whose weights, such as {quoted(unknown[0])}, no stock class has"
    return None


def _unknown_parts(family: Family, weights: Weights) -> list[str]:
    """The tensors outside of the encoder that belong to no task head of the family."""
    paths = [family.embeddings.words, family.layer, family.pooler or "", family.position_bias or ""]
    encoder = {path.partition(".")[0] for path in paths} | {"embeddings_project"}
    heads = {path for head in family.task_heads.values() for path in (*head.chain, *head.modules)}
    heads |= {
        "cls",
        "vocab_transform",
        "vocab_layer_norm",
        "vocab_projector",
        "lm_head",
        "predictions",
        "sop_classifier",
    }
    heads |= {"generator_predictions", "generator_lm_head"}
    heads |= {*(start.partition(".")[0] for start in family.renamed), family.discriminator or ""}
    return sorted(
        name
        for stored, tensor in weights.tensors.items()
        if tensor.dtype in _FLOATS
        and not (name := family.stock_name(stored)).startswith(f"{family.prefix}.")
        and name.partition(".")[0] not in encoder
        and not any(f"{name}.".startswith(f"{path}.") for path in heads)
    )


@dataclass(frozen=True, slots=True)
class EmbeddedCheckpoint:
    """A checkpoint that ships with GlassBERT; ``gb.load(id)`` loads it without a network connection."""

    id: str
    label: str
    task: str
    task_heads: tuple[Task, ...]
    size_bytes: int
    parameters: int
    languages: tuple[str, ...]
    card: str


def embedded() -> tuple[EmbeddedCheckpoint, ...]:
    """The checkpoints that ship with GlassBERT, with task, size and model card (Markdown), the default first."""
    cards = (EMBEDDED_FOLDER / "MODEL_CARDS.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)/(.*?)(?=^## |\Z)", cards, flags=re.MULTILINE | re.DOTALL))
    described = []
    for name, (label, task) in EMBEDDED_IDS.items():
        folder = EMBEDDED_FOLDER / name
        checkpoint = vet(folder, source=name, root=EMBEDDED_FOLDER, embedded=True, available=lambda: None)
        weights = read_weights(folder, source=name, root=EMBEDDED_FOLDER)
        described.append(
            EmbeddedCheckpoint(
                id=name,
                label=label,
                task=task,
                task_heads=checkpoint.task_heads,
                size_bytes=checkpoint.weight_bytes,
                parameters=weights.parameters,
                languages=("English",),
                card=f"## {name}{sections[name]}".strip(),
            )
        )
    return tuple(described)


def _names(folder: Path, source: str) -> set[str]:
    try:
        names = {path.name for path in folder.iterdir()}
    except NotADirectoryError as error:
        raise ModelNotFoundError(
            f"{quoted(source)} is a file; pass the folder that contains {CONFIG} and {SINGLE}"
        ) from error
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"there is no folder {quoted(source)}; check the path") from error
    except OSError as error:
        raise ModelNotFoundError(
            f"the folder {quoted(source)} cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not names:
        raise DamagedCheckpointError(
            f"the folder {quoted(source)} is empty; it should contain {CONFIG}, a tokenizer and {SINGLE}"
        )
    return names


def check_files(
    files: Collection[str], source: str, *, folder: Path | None = None, nested: Collection[str] = ()
) -> None:
    """Check by file name that weights and tokenizer exist.

    ``folder`` is where a local model is, ``nested`` the files in the subfolders of another one. Raises
    UnsafeWeightsError, UnsupportedModelError or DamagedCheckpointError.
    """
    if SINGLE not in files and INDEX not in files:
        raise no_weights(files, below(folder) if folder is not None else nested, folder, source)
    if not has_tokenizer(set(files)):
        raise no_tokenizer(files, source, below(folder) if folder is not None else nested)


def check_memory(
    parameters: int, source: str, available: Callable[[], int | None] | None = None, *, bytes_each: int = 4
) -> None:
    """Raise ModelTooLargeError if so many weights, of ``bytes_each``, do not fit into free memory."""
    free_bytes, needed_bytes = (available or memory.available_bytes)(), parameters * bytes_each
    if free_bytes is None or needed_bytes <= free_bytes:
        return
    half = ""
    if bytes_each == 4 and needed_bytes // 2 <= free_bytes:
        half = (
            f'load it in half of that, {megabytes(needed_bytes // 2)}, with precision="bfloat16" (in the app: '
            "choose half precision where you choose the model), whose numbers differ in the third digit; or "
        )
    raise ModelTooLargeError(
        f"{quoted(source)} needs {megabytes(needed_bytes)} of memory for its weights ({bytes_each} bytes each), but "
        f"only {megabytes(free_bytes)} are free; {half}close other programs or choose a smaller model",
        fits_in_half=bool(half),
    )


def _check_fit(config: Mapping[str, Any], family: Family, weights: Weights, source: str) -> None:
    names = family.canonical(weights.tensors)
    for name in sorted(weights.tensors.keys() - names.values()):
        (same,) = family.canonical([name])
        if not any(one.endswith(".decoder.bias") for one in (name, names[same])):  # a tied bias has two names
            raise _twice(source, name)
    for name, tensor in weights.tensors.items():
        # other integers are counters of a training and the like, which no network asks for
        needed = name.endswith((".weight", ".bias")) or any(part in name for part in _QUANTISED)
        if tensor.dtype not in _FLOATS and needed:
            raise UnsupportedModelError(
                f"{quoted(source)} stores {quoted(name)} as {tensor.dtype}, a quantised or unsupported format; choose "
                "the original model with 32- or 16-bit weights"
            )
    tables = [(family.embeddings.words, "vocab_size")]
    entry = family.embeddings.positions_if
    if family.embeddings.positions is not None and (entry is None or config.get(entry) is not False):
        tables.append((family.embeddings.positions, "max_position_embeddings"))
    for table, key in tables:
        name = f"{table}.weight"
        if name not in names:
            raise DamagedCheckpointError(
                f"{quoted(source)} does not contain a {family.label} encoder: its weights have no {quoted(name)}; its "
                "config and its weights do not belong together"
            )
        shape = weights.tensors[names[name]].shape
        said = config.get(key, shape[0] if shape else 0)
        if len(shape) != 2 or said != shape[0]:
            raise _mismatch(source, f"{key} = {said}", f"{shape[0] if shape else 0} rows of {name}")
    said = config.get(family.layer_count)
    if said is not None:
        modules = _modules(names)
        layers = family.layers(said, config.get(family.group_count, 1) if family.group_count else 1)
        stored = sum(layer in modules for layer in layers)
        if stored < said:
            raise _mismatch(source, f"{said} layers", f"{stored}")
        if not family.group_count and (further := family.layers(said + 1)[said]) in modules:
            raise _mismatch(source, f"{said} layers", f"{_count_layers(family, modules)}, {further} among them")
        _check_inner_layers(config, family, modules, source)


def _check_inner_layers(config: Mapping[str, Any], family: Family, modules: Collection[str], source: str) -> None:
    """Whether each group has as many inner layers as the config specifies, before any of them is created."""
    for name, _ in family.only_with:
        inner = config.get(name, 1)
        groups = config.get(family.group_count, 1) if family.group_count else 1
        last = family.layer.format(layer=0, group=groups - 1).rpartition(".")[0] + f".{inner - 1}"
        if last not in modules:
            raise _mismatch(source, f"{name} = {inner}", f"no {last}")


def _count_layers(family: Family, modules: Collection[str]) -> int:
    return next(count for count in range(len(modules)) if family.layers(count + 1)[count] not in modules)


def _modules(tensors: Collection[str]) -> set[str]:
    """Every module that contains one of these tensors, at any depth."""
    parts = (name.split(".") for name in tensors)
    return {".".join(path[:depth]) for path in parts for depth in range(1, len(path))}


def _check_labels(config: Mapping[str, Any], family: Family, weights: Weights, tensor: str, source: str) -> None:
    rows = weights.tensors[family.canonical(weights.tensors)[tensor]].shape[0]
    labels = config.get("id2label")
    said = len(labels) if isinstance(labels, dict) else config.get("num_labels", config.get("_num_labels", 2))
    if said != rows:
        raise _mismatch(source, f"{said} labels", f"{rows}")


def _mismatch(source: str, said: str, found: str) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"{CONFIG} of {quoted(source)} specifies {said}, but its weights have {found}: the files do not belong "
        "together; download or copy the model again"
    )
