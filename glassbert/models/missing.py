"""Say what a model without usable weights, config or tokenizer contains instead, and what to do with it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from glassbert.errors import DamagedCheckpointError, ModelError, UnsafeWeightsError, UnsupportedModelError
from glassbert.models.files import quoted

__all__ = [
    "below",
    "convert_command",
    "files_of_an_adapter",
    "no_config",
    "no_tokenizer",
    "no_weights",
    "pickles",
    "shell",
]

CONFIG, SINGLE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_PICKLES = (".bin", ".bin.index.json", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
#: Files that end like weights and are something else: states of a training, arguments, other formats.
_NO_WEIGHTS = re.compile(
    r"(openvino|optimizer|scheduler|scaler|training_args|rng_state|trainer|random_states|adapter_|ggml).*|.*\.onnx.*",
    re.IGNORECASE,
)
_FORMATS = {
    ".onnx": "ONNX, for ONNX Runtime",
    ".onnx_data": "ONNX, for ONNX Runtime",
    ".h5": "HDF5, for TensorFlow",
    ".ckpt.index": "a TensorFlow checkpoint",
    ".ckpt.meta": "a TensorFlow checkpoint",
    ".msgpack": "msgpack, for Flax",
    ".gguf": "GGUF, for llama.cpp",
    ".ggml": "GGML, for llama.cpp",
    ".tflite": "TensorFlow Lite",
    ".mlmodel": "Core ML",
    ".ot": "for the Rust program rust-bert",
    ".ort": "ONNX, for ONNX Runtime",
    ".hdf5": "HDF5, for TensorFlow",
    ".keras": "Keras, for TensorFlow",
    ".pb": "a TensorFlow graph",
    ".pdparams": "PaddlePaddle",
    ".npz": "NumPy arrays",
    ".params": "MXNet",
    ".nemo": "an archive of NeMo",
    ".engine": "TensorRT",
    ".plan": "TensorRT",
    ".trt": "TensorRT",
    ".torchscript": "TorchScript, which is a program",
    ".joblib": "joblib, which is pickle",
}
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z")
_UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".download", ".tmp", ".aria2")
_PART = re.compile(r"model-\d+-of-\d+\.safetensors")
_MAX_FOLDERS, _MAX_DEPTH = 200, 4


def shell(path: Path | str) -> str:
    """A path as one word of a command line."""
    return shlex.quote(str(path))


def convert_command(folder: Path | None, source: str) -> str:
    """The command that makes safetensors of pickle weights; of a hub model, once it has been downloaded."""
    if folder is not None:
        return f"glassbert convert {shell(source)}"
    local = source.rstrip("/").rpartition("/")[2]
    return f"hf download {shell(source)} --local-dir {shell(local)} && glassbert convert {shell(local)}"


def pickles(files: Collection[str]) -> list[str]:
    """The files that contain weights as pickle."""
    return sorted(name for name in files if name.endswith(_PICKLES) and not _NO_WEIGHTS.fullmatch(name))


def below(folder: Path) -> set[str]:
    """The files in the folders below a folder, as "subfolder/file": the nearest ones, and no more than a glance."""
    found: set[str] = set()
    level, seen = [""], 0
    for _ in range(_MAX_DEPTH):
        deeper: list[str] = []
        for inside in level:
            for path in _entries(folder / inside):
                name = f"{inside}{path.name}"
                if path.is_dir() and seen < _MAX_FOLDERS:
                    seen += 1
                    deeper.append(f"{name}/")
                elif inside:
                    found.add(name)
        level = deeper
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(islice(folder.iterdir(), 10 * _MAX_FOLDERS))
    except OSError:
        return []


def no_weights(files: Collection[str], nested: Collection[str], folder: Path | None, source: str) -> ModelError:
    """The error for a model without safetensors weights. ``files`` are its own, ``nested`` those in subfolders."""
    what = quoted(source)
    found = pickles(files)
    if found:
        return UnsafeWeightsError(
            f"{what} has its weights only as pickle ({quoted(found[0])}), which can run arbitrary code when it is "
            "loaded; GlassBERT reads only safetensors. Choose a model that has them or convert this one, which reads "
            f"it without running code: {convert_command(folder, source)}"
        )
    if files_of_an_adapter(files):
        return adapter_alone(source)
    for names, where in ((files, ""), (nested, " in a subfolder")):
        strays = {name: kind for name in sorted(names) for end, kind in _FORMATS.items() if name.lower().endswith(end)}
        strays |= {name: "OpenVINO, for Intel's runtime" for name in sorted(names) if re.search(r"openvino.*\.", name)}
        if strays:
            name, kind = next(iter(strays.items()))
            return UnsupportedModelError(
                f"{what} has its weights only in the format {kind} ({quoted(name)}{where}), which GlassBERT does not "
                f"read and which renaming does not change; get the original PyTorch model with {SINGLE}"
            )
    deeper = sorted(name for name in nested if name.endswith((f"/{SINGLE}", f"/{INDEX}")) or pickles([_file(name)]))
    packed = next((name for name in sorted(files) if name.lower().endswith(_ARCHIVES)), None)
    unfinished = next((name for name in sorted(files) if name.lower().endswith(_UNFINISHED)), None)
    if unfinished or packed:
        what_to_do = (
            f"{quoted(unfinished)} has not been downloaded to its end: download it again"
            if unfinished
            else f"unpack the archive {quoted(packed)}"
        )
        return DamagedCheckpointError(f"{what} has no {SINGLE}: {what_to_do}")
    # names that begin with "._" are notes of macOS about another file
    other = sorted(name for name in files if name.lower().endswith(".safetensors") and not name.startswith("._"))
    if other and _PART.fullmatch(other[0]):
        return DamagedCheckpointError(
            f"{what} has parts of its weights ({quoted(other[0])}), but no {INDEX}, which says what is in which "
            "of them: download or copy that file as well"
        )
    if other:
        hint = f" (found {quoted(other[0])}, under a name that is not read)"
    elif deeper:
        hint = f" (found {quoted(deeper[0])} in a subfolder)"
    else:
        states = sorted(name for name in files if name.endswith(_PICKLES))
        hint = f" (found {quoted(states[0])}, which is not the weights of a model)" if states else ""
    return DamagedCheckpointError(f"{what} has no weights{hint}; they must be named {SINGLE} or be listed in {INDEX}")


def _file(name: str) -> str:
    return name.rpartition("/")[2]


def no_config(files: Collection[str], nested: Collection[str], folder: Path | None, source: str) -> ModelError:
    """The error for a model without a config: most often the right folder is one below."""
    if files_of_an_adapter(files):
        return adapter_alone(source)
    inside = [name.rpartition("/")[0] for name in nested if name.endswith(f"/{CONFIG}")]
    weighted = {name.rpartition("/")[0] for name in nested if name.endswith((".safetensors", ".bin"))}
    inside = sorted((name for name in inside if name in weighted), key=_number) or sorted(inside, key=_number)
    start = f"{quoted(source)} has no {CONFIG}, so it is not a transformers checkpoint"
    if inside:
        last = inside[-1]
        # whole, to be copied
        path = quoted(f"{source.rstrip('/')}/{last}", characters=1000) if folder is not None else quoted(last)
        what_to_do = f"open {path}" if folder is not None else f"download the model and open {path} in it"
        others = f" (or one of {len(inside) - 1} others)" if len(inside) > 1 else ""
        return DamagedCheckpointError(f"{start}; there is one in a folder below: {what_to_do}{others}")
    similar = sorted(name for name in files if re.fullmatch(r"(?i)(\w+_)?(config|params)\W?.*\.(json|ya?ml|txt)", name))
    similar = [name for name in similar if not name.startswith(("tokenizer", "generation", "preprocessor"))]
    if similar:
        return DamagedCheckpointError(
            f"{start}; it has {quoted(similar[0])}, which is not read: if the weights are of transformers, save the "
            f"model once more with save_pretrained, which writes {CONFIG}"
        )
    return DamagedCheckpointError(f"{start}; choose a folder or model that has one")


def _number(folder: str) -> tuple[int, str]:
    """Orders checkpoint-500 before checkpoint-1000."""
    digits = re.search(r"(\d+)\Z", folder)
    return int(digits[1][-18:]) if digits else -1, folder


def files_of_an_adapter(files: Collection[str]) -> bool:
    return any(name.startswith(("adapter_config.json", "adapter_model.")) for name in files)


def adapter_alone(source: str) -> ModelError:
    return UnsupportedModelError(
        f"{quoted(source)} contains an adapter (LoRA or similar), which is only part of a model. Where peft is "
        "installed, merge it into its base model: model = peft.AutoPeftModelForSequenceClassification.from_pretrained("
        f"{source!r}).merge_and_unload(); model.save_pretrained('merged') (or the class of its task); then copy "
        "the tokenizer of the base model into the folder merged and open it"
    )


def no_tokenizer(files: Collection[str], source: str, nested: Collection[str] = ()) -> ModelError:
    """The error for a model without the files of a tokenizer, or with files that are not read."""
    needed = "a tokenizer.json (or vocab.txt, or vocab.json and merges.txt)"
    unread = {
        "tokenizer.model": "SentencePiece under a name that the supported families do not use",
        "bpe.codes": "byte pairs of fairseq, which have no fast tokenizer",
        "dict.txt": "a dictionary of fairseq, which is only half of a tokenizer",
        "vocab.json": "a vocabulary without its merges.txt",
        "merges.txt": "merges without their vocab.json",
    }
    found = next((name for name in unread if name in files), None)
    if found:
        return DamagedCheckpointError(
            f"{quoted(source)} has no tokenizer that can be read: {quoted(found)} is {unread[found]}. Add {needed} "
            "that the model was trained with; save_pretrained of its tokenizer in transformers writes one"
        )
    inside = next((name for name in sorted(nested) if _file(name) in ("tokenizer.json", "vocab.txt")), None)
    if inside is not None:
        return DamagedCheckpointError(
            f"{quoted(source)} has no tokenizer beside its weights, but there is {quoted(inside)} in a folder below: "
            "if the model was trained with it, copy that folder's tokenizer files to the weights"
        )
    similar = re.compile(
        r"(?i)(tokenizer|vocab|sentencepiece|spiece|bpe|source|target)\b.*|.*\.(spm|bpe|vocab)|.*bpe.*"
    )
    other = sorted(name for name in files if similar.fullmatch(name) and name != "tokenizer_config.json")
    if other:
        return DamagedCheckpointError(
            f"{quoted(source)} has no tokenizer that can be read: {quoted(other[0])} has a name or a format that is "
            f"not read. Add {needed} that the model was trained with; save_pretrained of its tokenizer in transformers "
            "writes one"
        )
    return DamagedCheckpointError(
        f"{quoted(source)} has no tokenizer, which is needed to read text; add {needed} that the model was trained with"
    )
