"""Is everything right, and faster, on a GPU? Every public function on CUDA and on the CPU, compared number by number.

The embedded models and a tiny checkpoint of each family run in float32 and in bfloat16. In float32 every number is
within 1e-3 of the CPU's, relative to the largest of its array or to 1. In bfloat16, whose numbers have three digits,
the two devices may round each layer differently: what is read off a single pass is within 0.15, the rest has to run.
Then the memory of the device is made too small, to see the model move to the CPU and answer the same, and the time of
some calls is compared. It ends with an error if anything differs.

    python benchmarks/gpu.py [--model sentiment] [--device cuda:1]

A machine with a GPU may have no more than torch, transformers and their dependencies. This makes an archive with one
embedded model and Captum, less than 60 MB, which is unpacked there and run from its folder:

    python benchmarks/gpu.py --pack gpu.tar.gz --model sentiment
    tar xf gpu.tar.gz && cd glassbert-gpu && PYTHONPATH=. python benchmarks/gpu.py
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import inspect
import json
import math
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from _texts import text_of
from _timing import Spread, add_smoke, interleaved, machine, ratios, table

import glassbert as gb
from glassbert.models.checkpoint import EMBEDDED_FOLDER, EMBEDDED_IDS
from glassbert.suites.contents import Case as SuiteCase
from glassbert.suites.contents import SuiteTest
from tests import tiny

ROOT = Path(__file__).resolve().parents[1]
#: How far a number may be from the CPU's, relative to the largest of its array or to 1.
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.15}
#: What depends on the machine, or on how many passes a tolerance needs.
NOT_COMPARED = {"seconds", "forward_passes", "model", "folder"}

TEXT, LONGER = "The film was good.", "The man went home, and he was tired."
MASKED, PAIR = "The man was [MASK].", ("The man went home.", "He was tired.")
OTHER = "The story was good."
LINES = [TEXT, LONGER, OTHER]


# --- what is run ------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One call of a public function. ``head``: the task head that it needs. ``single``: read off one pass, without
    choices, so that bfloat16 can be compared. ``long``: left out for most tiny checkpoints. ``capability``: that of a
    family which it needs."""

    function: str
    call: Callable[[gb.Model], Any]
    head: str | None = None
    single: bool = False
    long: bool = False
    about: str = ""
    capability: str = ""

    @property
    def name(self) -> str:
        return f"{self.function} {self.about}".strip()


def _gap(model: gb.Model) -> int:
    return int(gb.encode(model, MASKED).input_ids.tolist().index(model.tokenizer.mask_token_id))


def _target(model: gb.Model) -> Any:
    """What is explained of this model: always the same, however close two predictions are."""
    head = model.task_heads[0]
    return {
        "masked_words": lambda: gb.MaskTarget(_gap(model), token="he", foil="she"),
        "classification": lambda: gb.ClassTarget(0),
        "token_classification": lambda: gb.TokenTarget(2, 0),
        "question_answering": lambda: gb.AnswerTarget("start", _answer(model)),
        "replaced_tokens": lambda: gb.TokenTarget(2),
    }[head]()


def _answer(model: gb.Model) -> int:
    return int(np.flatnonzero(gb.encode(model, *PAIR).sequence_ids == 1)[0])


def _asked(model: gb.Model) -> tuple[str, str | None]:
    if "masked_words" in model.task_heads:
        return MASKED, None
    return PAIR if "question_answering" in model.task_heads else (LONGER, None)


def _scores(model: gb.Model, method: str, **options: Any) -> gb.TokenScores:
    scores = gb.attribute(model, *_asked(model), method=method, target=_target(model), **options)
    assert isinstance(scores, gb.TokenScores)
    return scores


def _kept(model: gb.Model) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return gb.load_result(gb.hidden_states(model, TEXT).save(Path(folder) / "states.json"))


def _labelled(model: gb.Model) -> gb.Table:
    columns = {"texts": (TEXT, LONGER, OTHER), "labels": (0, 1, 0), "label_names": model.labels, "rows": (1, 2, 3)}
    others = {"pairs": (), "words": (), "bad_rows": (), "columns": ("text", "label"), "pair_column": None}
    return gb.Table(
        kind="classification", source="lines", text_column="text", label_column="label", **columns, **others
    )


def _behaved(model: gb.Model, kind: Literal["minimum_ability", "minimal_pair"]) -> Any:
    """Failures with their numbers, of examples of which some fail whatever the model says."""
    pairs = [SuiteCase(TEXT, OTHER), SuiteCase(OTHER, TEXT)]
    asked = [SuiteCase(TEXT, label=label) for label in model.labels]
    test = SuiteTest("a", kind, tuple(pairs if kind == "minimal_pair" else asked))
    return gb.behaviour(model, gb.Suite("b", (test,))).failures


def _listed(_: gb.Model) -> Any:
    if not all((EMBEDDED_FOLDER / name).is_dir() for name in EMBEDDED_IDS):
        return None  # a copy with one of them
    return [(one.id, one.parameters, one.size_bytes) for one in gb.embedded()]


def _reported(model: gb.Model) -> Any:
    """All but its passport, which tells the device and the date."""
    options: dict[str, Any] = {"methods": ["saliency"], "maps": 2, "budget": 20}
    made = gb.report(model, LONGER, target=gb.ClassTarget(0), **options)
    return [made.verdict, made.prediction, made.scores, made.receipts, made.agreement, made.importance, made.maps]


#: For one call with several; each has a call of its own.
_METHODS = ("saliency", "input_x_gradient", "occlusion", "attn_lrp")


def _own(function: Callable[[gb.AttentionMaps], Any]) -> Callable[[gb.Model], Any]:
    return lambda model: function(gb.attention(model, TEXT))


_FEW = {"n_samples": 5}
_SETTINGS = {"integrated_gradients": {"n_steps": 8}} | {
    name: _FEW for name, method in gb.METHODS.items() if "n_samples" in method.options
}
_EXPLAINED = ("classification", "masked_words", "token_classification", "question_answering", "replaced_tokens")

#: In the order of their folders. Every public function is here: :func:`missing` says which is not.
CASES: tuple[Case, ...] = (
    Case("load", lambda m: [m.layers, m.attention_heads, m.parameters, m.max_tokens, m.labels, m.task_heads]),
    Case("embedded", _listed),
    Case("architecture", lambda m: gb.architecture(m, 6)),
    Case("encode", lambda m: gb.encode(m, *PAIR)),
    Case("vocabulary_coverage", lambda m: gb.vocabulary_coverage(m, *PAIR)),
    Case("shorten", lambda m: gb.shorten(m, "good " * 600)),
    Case("reading_steps", lambda m: gb.reading_steps(m, *PAIR, padding=24, vectors=True), single=True),
    Case("hidden_states", lambda m: gb.hidden_states(m, *PAIR), single=True),
    Case("load_result", _kept, single=True),
    Case("fill_mask", lambda m: gb.fill_mask(m, MASKED, positions=[_gap(m)]).logits, "masked_words", single=True),
    Case("fill_mask", lambda m: gb.fill_mask(m, TEXT, positions=[1, 2], top_k=5), "masked_words", about="candidates"),
    Case("logit_lens", lambda m: gb.logit_lens(m, MASKED, words=["he", "she"]), "masked_words"),
    Case("surprise", lambda m: gb.surprise(m, LONGER).surprisal, "masked_words", single=True),
    Case("surprise", lambda m: gb.surprise(m, LONGER, variant="word_l2r"), "masked_words", about="word by word"),
    Case("score_words", lambda m: gb.score_words(m, TEXT, 2, ["man", "unable", "night"]), "masked_words"),
    Case(
        "probe_template",
        lambda m: gb.probe_template(m, "The {a} was [MASK].", {"a": ["man", "doctor"]}, ["good", "tired"]),
        "masked_words",
    ),
    Case("next_sentence", lambda m: gb.next_sentence(m, *PAIR), "next_sentence", single=True),
    Case("rank_continuations", lambda m: gb.rank_continuations(m, TEXT, [OTHER, LONGER]), "next_sentence"),
    Case("classify", lambda m: gb.classify(m, TEXT), "classification", single=True),
    Case("classify_many", lambda m: gb.classify_many(m, LINES), "classification", single=True),
    Case("entities", lambda m: gb.entities(m, LONGER), "token_classification"),
    Case("label_tokens", lambda m: gb.label_tokens(m, LONGER), "token_classification"),
    Case("answer", lambda m: gb.answer(m, *PAIR), "question_answering"),
    Case("replaced_tokens", lambda m: gb.replaced_tokens(m, LONGER), "replaced_tokens"),
    Case("attention", lambda m: gb.attention(m, *PAIR), single=True),
    *(
        Case(
            "attention_map",
            partial(lambda m, name: gb.attention_map(m, *_asked(m), measure=name, **_aimed(m, name)), name=name),
            head="any" if gb.MEASURES[name].needs_target else None,
            about=name,
        )
        for name in gb.MEASURES
    ),
    Case("draw", _own(lambda maps: [(one := gb.draw(maps, layer=0, head=0)).width, one.height]), single=True),
    Case("rollout", _own(gb.rollout), single=True),
    Case("flow", _own(gb.flow), long=True),
    Case("value_norms", lambda m: gb.value_norms(m, LONGER, per_head=True)),
    Case("value_norms", lambda m: gb.value_norms(m, LONGER, variant="2021"), about="2021"),
    Case("value_zeroing", lambda m: gb.value_zeroing(m, LONGER)),
    Case("score_parts", lambda m: gb.score_parts(m, LONGER), capability="disentangled_attention"),
    Case("head_profile", _own(gb.head_profile)),
    Case("head_distances", _own(gb.head_distances)),
    Case("rank_heads", _own(lambda maps: gb.rank_heads(maps, 1, 2))),
    Case("head_importance", lambda m: gb.head_importance(m, *_asked(m), target=_target(m)), "any"),
    Case("ablate", lambda m: gb.hidden_states(gb.ablate(m, [(0, 1), (1, 2)]), TEXT), single=True),
    Case(
        "compress",
        lambda m: gb.hidden_states(gb.compress(m, {"heads": [(0, 1), (1, 2)]}), TEXT),
        capability="removable_heads",
        single=True,
    ),
    Case("ablation_sweep", lambda m: gb.ablation_sweep(m, *_asked(m), target=_target(m)), "any"),
    *(
        Case(
            "attribute",
            partial(lambda m, name: _scores(m, name, **_SETTINGS.get(name, {})), name=name),
            "any",
            about=name,
        )
        for name in gb.METHODS
    ),
    Case(
        "attribute_each",
        lambda m: list(gb.attribute_each(m, *_asked(m), methods=_METHODS, target=_target(m))),
        "any",
    ),
    Case(
        "attribute_many",
        lambda m: gb.attribute_many(m, LINES, method="input_x_gradient", target=gb.ClassTarget(0)),
        "classification",
        single=True,
    ),
    Case("baseline_gap", lambda m: gb.baseline_gap(m, *_asked(m), target=_target(m)), "any"),
    Case("broken", lambda m: gb.broken(m, _scores(m, "saliency"), "random"), "any"),
    Case(
        "similarity",
        lambda m: gb.similarity(m, TEXT, OTHER, pooling="mean", reference="zero", tolerance=0.5),
        long=True,
    ),
    Case("rank_similar", lambda m: gb.rank_similar(m, TEXT, [OTHER, LONGER], pooling="cls"), single=True),
    Case("evaluate", lambda m: gb.evaluate(m, _labelled(m)).losses, "classification", single=True),
    Case("behaviour", lambda m: _behaved(m, "minimum_ability"), "classification"),
    Case("behaviour", lambda m: _behaved(m, "minimal_pair"), "masked_words"),
    Case("data_report", lambda m: gb.data_report(_labelled(m), m), "classification"),
    Case("receipt", lambda m: gb.receipt(m, _scores(m, "input_x_gradient"), n_orderings=10), "any", long=True),
    Case(
        "receipts",
        lambda m: list(gb.receipts(m, [_scores(m, "saliency"), _scores(m, "attn_lrp")], n_orderings=10)),
        "any",
        long=True,
    ),
    Case(
        "scoreboard",
        lambda m: gb.scoreboard(
            [gb.receipt(m, _scores(m, name), n_orderings=10) for name in ("saliency", "occlusion")]
        ),
        "any",
        long=True,
    ),
    Case("method_agreement", lambda m: gb.method_agreement([_scores(m, "saliency"), _scores(m, "occlusion")]), "any"),
    Case(
        "method_ranking",
        lambda m: gb.method_ranking(m, methods=["saliency", "attn_lrp"], sentences=[LONGER]),
        "classification",
        long=True,
    ),
    Case(
        "variants",
        lambda m: gb.variants(m, *_asked(m), edits=[gb.Edit(1, "delete")], target=_target(m)),
        "classification",
    ),
    Case(
        "find_flip",
        lambda m: gb.find_flip(m, LONGER, target=gb.ClassTarget(0), proposals="gradient", top_k=3, budget=40),
        "classification",
        long=True,
    ),
    Case("reduce_input", lambda m: gb.reduce_input(m, LONGER, target=gb.ClassTarget(0)), "classification", long=True),
    Case("verdict", lambda m: gb.verdict(m, LONGER, target=gb.ClassTarget(0), budget=20), "classification", long=True),
    Case("report", _reported, "classification", long=True),
    *(
        Case(
            "trace",
            partial(lambda m, kind: gb.trace(m, TEXT, OTHER, gb.ClassTarget(0), kind=kind), kind=kind),
            "classification",
            about=kind,
        )
        for kind in ("hidden", "head", "mlp", "attention")
    ),
    Case("compare_texts", lambda m: gb.compare_texts(m, TEXT, OTHER, method="saliency", parts=_parts(m)), None),
    Case(
        "compare_models",
        lambda m: gb.compare_models(m, gb.ablate(m, [(0, 0)]), TEXT, method="saliency", parts=_parts(m)),
        None,
    ),
)


def _aimed(model: gb.Model, measure: str) -> dict[str, Any]:
    return {"target": _target(model)} if gb.MEASURES[measure].needs_target else {}


def _parts(model: gb.Model) -> list[Any]:
    return ["attention", "hidden", *(["predictions"] if "classification" in model.task_heads else [])]


def missing() -> set[str]:
    """The public functions that have no case; what ``show`` shows is what ``draw`` draws, ``wrap`` loads, tables are
    read without a model, training draws its dropout on the device, an analysis is of what others compute, and a
    comparison of compressed models of times."""
    functions = {name for name in gb.__all__ if inspect.isfunction(getattr(gb, name))}
    others = {"show", "wrap", "plant_shortcut", "read_suite", "read_table", "finetune", "training_settings"}
    others |= {"analyse", "open_analysis", "compare_compressed", "compression_curve", "compression_record"}
    return functions - {case.function for case in CASES} - others


def suited(model: gb.Model, *, long: bool = True) -> Iterator[Case]:
    """The cases that this model has the head for."""
    for case in CASES:
        explained = bool(model.task_heads) and model.task_heads[0] in _EXPLAINED
        has = case.head is None or case.head in model.task_heads or (case.head == "any" and explained)
        able = not case.capability or getattr(model.checkpoint.family, case.capability)
        if has and able and (long or not case.long):
            yield case


# --- numbers, compared --------------------------------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number, array and text of a result, with its place in it."""
    if isinstance(value, (gb.Model, torch.dtype)):
        return
    if dataclasses.is_dataclass(value):
        parts: Iterable[tuple[str, Any]] = ((one.name, getattr(value, one.name)) for one in dataclasses.fields(value))
    elif isinstance(value, Mapping):
        parts = ((str(name), one) for name, one in value.items())
    elif isinstance(value, (list, tuple)):
        parts = ((str(index), one) for index, one in enumerate(value))
    else:
        yield path, value
        return
    for name, one in parts:
        if name not in NOT_COMPARED:
            yield from leaves(one, f"{path}.{name}" if path else name)


def difference(found: Any, expected: Any) -> tuple[float, str]:
    """The largest difference between two results, relative to the largest of its array or to 1, and where it is.

    Infinite where they differ in what is no number with a fraction: a text, a choice, a shape, or NaN.
    """
    worst = (0.0, "")
    first, second = list(leaves(found)), list(leaves(expected))
    if [path for path, _ in first] != [path for path, _ in second]:
        return math.inf, "other parts"
    for (path, one), (_, other) in zip(first, second, strict=True):
        if isinstance(one, (float, np.floating, np.ndarray)) and isinstance(other, (float, np.floating, np.ndarray)):
            one, other = np.asarray(one), np.asarray(other)
            if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
                return math.inf, f"{path}: another shape"
            if one.dtype.kind == "f":
                if (np.isfinite(one) != np.isfinite(other)).any():
                    return math.inf, f"{path}: not finite"
                if one.size:
                    finite = np.where(np.isfinite(other), other, 0.0)
                    gap = float(np.abs(np.where(np.isfinite(one), one, 0.0) - finite).max()) / max(
                        1.0, float(np.abs(finite).max())
                    )
                    worst = (gap, path) if gap > worst[0] else worst
            elif not np.array_equal(one, other):
                return math.inf, path
        elif one != other:
            return math.inf, f"{path}: {one!r} instead of {other!r}"[:80]
    return worst


def compared(pair: tuple[gb.Model, gb.Model], precision: str, name: str, *, long: bool) -> list[tuple[str, float, str]]:
    """(case, difference, where) of every case on both models: the device's, then the CPU's."""
    rows = []
    for case in suited(pair[1], long=long):
        try:
            found, expected = (case.call(model) for model in pair)
            gap, place = difference(found, expected)
        except Exception as error:  # whatever it is, the others are run too
            gap, place = math.inf, f"{type(error).__name__}: {error}"[:120]
        else:
            if precision != "float32" and not case.single:
                gap, place = 0.0, ""  # it ran
        rows.append((f"{name}: {case.name}", gap, place))
        if pair[0].device != "cpu" and pair[0].notice:
            raise SystemExit(f"{case.name}: {pair[0].notice}")
    return rows


# --- too little memory, and times -----------------------------------------------------------------------------------


def run_out_of_memory(source: str, device: str) -> str:
    """Leave 8 MB of the device free, and ask for more: the model has to move to the CPU and answer the same."""
    model, there = gb.load(source, device), torch.device(device)
    text = text_of(model, 400)
    total = torch.cuda.get_device_properties(there).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(there) + 8 * 2**20) / total, there)
    try:
        found = gb.attention(model, text)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, there)
    if model.device != "cpu" or not model.notice:
        raise SystemExit("no lack of memory could be forced, so the move to the CPU was not seen")
    gap, place = difference(found, gb.attention(gb.load(source, "cpu"), text))
    if gap > TOLERANCE["float32"]:
        raise SystemExit(f"after the move to the CPU, {place} differs by {gap:.2g}")
    return model.notice


def times(source: str, device: str, rounds: int) -> str:
    """How long some calls take on the device and on the CPU, in turn."""
    models = {device: gb.load(source, device), "cpu": gb.load(source, "cpu")}
    one = models["cpu"]
    text = text_of(one, 128)
    calls: dict[str, Callable[[gb.Model], Any]] = {"attention, 128 tokens": lambda m: gb.attention(m, text)}
    if one.task_heads:
        target = _target(one)
        asked = _asked(one)
        calls["five methods with receipts"] = lambda m: list(
            gb.receipts(m, list(gb.attribute_each(m, *asked, target=target)))
        )
    if "masked_words" in one.task_heads:
        calls["surprise, 128 tokens"] = lambda m: gb.surprise(m, text)
    many = [text_of(one, 24 + number % 16) for number in range(64)]
    if "classification" in one.task_heads:
        calls["64 texts, classes"] = lambda m: gb.classify_many(m, many)
        calls["64 texts, integrated gradients"] = lambda m: gb.attribute_many(m, many, target=gb.ClassTarget(0))
    rows = []
    for name, call in calls.items():
        taken = interleaved({where: partial(call, model) for where, model in models.items()}, rounds)
        faster = ratios(taken, device)["cpu"]
        rows.append((name, *(Spread.of(taken[where]).text(3) for where in models), faster.text(1)))
    return table((source, f"{device}, s", "CPU, s", "× faster"), rows)


# --- the slim copy, and the run ---------------------------------------------------------------------------------------


def pack(path: Path, source: str) -> None:
    """Write an archive with the library, one embedded model, this script and Captum."""

    index = EMBEDDED_FOLDER / source / "model.safetensors.index.json"
    stored = json.loads(index.read_text())["weight_map"].values() if index.is_file() else ()
    shared = {Path(file).name for file in stored if file.startswith("../")}

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = Path(entry.name).parts
        others = set(EMBEDDED_IDS) - {source}
        in_checkpoints = parts[1:3] == ("glassbert", "checkpoints") and len(parts) > 3
        needless = in_checkpoints and (
            parts[3] in others or (parts[3].endswith(".safetensors") and parts[3] not in shared)
        )
        return None if "__pycache__" in parts or needless else entry

    spec = importlib.util.find_spec("captum")
    if spec is None or spec.origin is None:
        raise SystemExit("captum is not installed here, so it cannot be packed: run this with make gpu's environment")
    with tarfile.open(path, "w:gz") as archive:
        for name in ("glassbert", "LICENSE", "tests/__init__.py", "tests/tiny.py"):
            archive.add(ROOT / name, f"glassbert-gpu/{name}", filter=kept)
        for name in ("gpu", "_texts", "_timing"):
            archive.add(ROOT / "benchmarks" / f"{name}.py", f"glassbert-gpu/benchmarks/{name}.py")
        archive.add(Path(spec.origin).parent, "glassbert-gpu/captum", filter=kept)
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB")


def here() -> list[str]:
    """The embedded models of this copy."""
    return [name for name in EMBEDDED_IDS if (EMBEDDED_FOLDER / name).is_dir()]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="what is compared with the CPU")
    parser.add_argument("--model", choices=list(EMBEDDED_IDS), help="one embedded model; default: all that are here")
    parser.add_argument("--pack", type=Path, metavar="FILE.tar.gz", help="write a slim copy with --model, and end")
    add_smoke(parser)
    arguments = parser.parse_args(argv)
    if missing():
        raise SystemExit(f"no case for {', '.join(sorted(missing()))}: add one to benchmarks/gpu.py")
    if arguments.pack:
        if not arguments.model:
            raise SystemExit("name the embedded model that the copy has: --model sentiment")
        pack(arguments.pack, arguments.model)
        return
    on_gpu = arguments.device != "cpu"
    if on_gpu and not torch.cuda.is_available():
        raise SystemExit(
            f"no CUDA device: torch {torch.__version__} finds none on this machine, so nothing was compared. Run this "
            "where there is one; --pack makes a copy to take there"
        )
    start = time.monotonic()
    device = gb.load("sentiment" if "sentiment" in here() else here()[0], arguments.device).device
    print(f"{torch.cuda.get_device_name(device) if on_gpu else device}, torch {torch.__version__}, {machine()}")
    sources = [arguments.model] if arguments.model else here()
    precisions = ["float32"] if arguments.smoke else list(TOLERANCE)
    families = tiny.FAMILIES[:1] if arguments.smoke else (*tiny.FAMILIES, "deberta-v2")
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = [] if arguments.smoke else [(name, name, True) for name in sources]
        for family in families:
            for task in ["classification"] if arguments.smoke else tiny.tasks(family):
                built = tiny.build(family, task, Path(folder) / f"{family}-{task}")
                checkpoints.append((str(built), built.name, family == "bert" and not arguments.smoke))
        for precision in precisions:
            rows: list[tuple[str, float, str]] = []
            for source, name, long in checkpoints:
                pair = tuple(gb.load(source, where, precision=precision) for where in (device, "cpu"))  # type: ignore[arg-type]
                rows += compared((pair[0], pair[1]), precision, name, long=long)
            limit = TOLERANCE[precision]
            wrong = [f"{precision}, {name}: {gap:.2g} at {place}" for name, gap, place in rows if not gap <= limit]
            gap, worst, place = max(
                ((gap, name, place) for name, gap, place in rows if gap <= limit), default=(0.0, "", "")
            )
            print(
                f"{precision}: {len(rows) - len(wrong)} of {len(rows)} calls within {limit:g}; the largest difference "
                f"among them is {gap:.2g} ({worst}, {place}); {time.monotonic() - start:.0f} s",
                flush=True,
            )
            failures += wrong
    if on_gpu:
        print(run_out_of_memory(sources[0], device))
    if not arguments.smoke:
        for source in sources:
            print(f"\n{times(source, device, 3)}")
    print(f"\n{time.monotonic() - start:.0f} s in all")
    if failures:
        raise SystemExit("\n".join([f"{len(failures)} calls differ from the CPU:", *failures]))


if __name__ == "__main__":
    main()
