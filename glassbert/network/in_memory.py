"""A network that is already in memory, such as one that has just been trained."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glassbert.arguments import checked
from glassbert.errors import ModelError, OptionError, UnsupportedModelError
from glassbert.models.config import CONFIG
from glassbert.models.files import quoted
from glassbert.network.head_trial import encoder_inside, with_own_head
from glassbert.network.model import Model, Precision, load
from glassbert.network.own_head import HeadFunction

__all__ = ["wrap"]


@checked
def wrap(
    network: Any,
    tokenizer: Any,
    *,
    labels: Sequence[str] | None = None,
    forward: HeadFunction | None = None,
    device: str = "auto",
    precision: Precision = "float32",
) -> Model:
    """A copy of a transformers network and its tokenizer, as :func:`load` gives one of a folder.

        model = gb.wrap(trainer.model, tokenizer, labels=["refund", "complaint"])

    The network is any that GlassBERT would load from the folder that ``save_pretrained`` writes, its trained head
    included; adapters have to be merged first (``merge_and_unload()``). It is written to a temporary folder and read
    from there, so later training does not change the copy, and the same checks apply as to a file. The folder lasts as
    long as the copy. ``labels`` are names for the classes, in their order; None: those of the network's config.

    ``forward(network, inputs)`` is for a head of your own: it returns the logits, (text, label), of any
    ``torch.nn.Module`` with one such encoder inside, from a dictionary of ``input_ids``, ``attention_mask`` and, where
    the encoder has segments, ``token_type_ids``, each (text, token).

        def forward(network, inputs):
            states = network.encoder(**inputs).last_hidden_state
            return network.classifier(states[:, 0])

    What explains a classifier works on it, but methods that need a rule for every module up to the logits: AttnLRP and
    DecompX. Its logits must depend on the text only through the encoder's word embeddings, and not on padding; both is
    tried once. Raises OptionError, and a ModelError that describes what cannot be read.
    """
    kind = type(network).__name__
    stock = network if forward is None else encoder_inside(network)
    for thing, name in ((stock, "network"), (tokenizer, "tokenizer")):
        if not callable(getattr(thing, "save_pretrained", None)):
            raise UnsupportedModelError(
                f"the {name} is a {type(thing).__name__}, which has no save_pretrained: pass a network and a tokenizer "
                "of transformers; for a network of your own, say how it gives its logits (forward=), or pass the "
                "transformers encoder inside it"
            )
    place = Path(tempfile.mkdtemp(prefix="glassbert-"))
    try:
        folder = place / kind
        try:
            stock.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        except Exception as error:
            raise UnsupportedModelError(
                f"transformers cannot write this {kind} ({type(error).__name__}: "
                f"{quoted(' '.join(str(error).split()), characters=200)}), so it cannot be copied"
            ) from error
        if labels is not None and forward is None:
            _name_classes(folder / CONFIG, list(labels))
        model = load(folder, device, precision=precision)
        weakref.finalize(model.network, shutil.rmtree, place, ignore_errors=True)
        return model if forward is None else with_own_head(model, network, stock, forward, labels)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _name_classes(path: Path, labels: list[str]) -> None:
    """Write the names into the config. Raises OptionError."""
    if not path.is_file():
        raise ModelError(f"transformers wrote no {CONFIG}, so the classes cannot be named")
    config = json.loads(path.read_text(encoding="utf-8"))
    count = len(config.get("id2label") or {}) or 2  # transformers leaves out the two classes of a fresh config
    if len(labels) != count:
        raise OptionError(f"the network has {count} classes; got {len(labels)} labels")
    if len(set(labels)) < len(labels) or not all(labels):
        raise OptionError("labels must be different and not empty")
    config["id2label"] = {str(number): label for number, label in enumerate(labels)}
    config["label2id"] = {label: number for number, label in enumerate(labels)}
    path.write_text(json.dumps(config), encoding="utf-8")
