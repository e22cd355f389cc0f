"""Passes that an application admits one by one: every pass is asked for once, and a refused one ends the work."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch

import glassbert as gb
from glassbert.network.run import admitted, check_admission

TEXT, MASKED = "The film was good and long.", "The [MASK] was good."


class Gate:
    """Admits so many passes, and notes how many networks ran inside and outside."""

    def __init__(self, model: gb.Model, most: int | None = None) -> None:
        self.admitted, self.inside, self.outside, self.most, self.open = 0, 0, 0, most, False
        encoder = model.network.base_model
        self._hook = encoder.register_forward_pre_hook(self._see)

    def _see(self, *_: object) -> None:
        if self.open:
            self.inside += 1
        else:
            self.outside += 1

    @contextmanager
    def __call__(self):
        if self.admitted == self.most:
            raise gb.StoppedError("no more")
        self.admitted += 1
        assert not self.open, "a pass inside a pass is not asked for again"
        self.open = True
        yield
        self.open = False

    def close(self) -> None:
        self._hook.remove()


WORK = {
    "surprise": ("masked_words", lambda model: gb.surprise(model, TEXT)),
    "attribute": ("classification", lambda model: gb.attribute(model, TEXT, n_steps=8)),
    "shapley": ("classification", lambda model: gb.attribute(model, TEXT, method="shapley_sampling", n_samples=4)),
    "receipt": (
        "classification",
        lambda model: gb.receipt(model, gb.attribute(model, TEXT, method="occlusion"), checks=["leave_one_out"]),
    ),
    "zeroing": ("classification", lambda model: gb.value_zeroing(model, TEXT)),
    "trace": ("classification", lambda model: gb.trace(model, TEXT, "The film was great and long.")),
    "flip": ("classification", lambda model: gb.find_flip(model, TEXT, proposals="gradient", budget=20, top_k=3)),
    "reduce": ("classification", lambda model: gb.reduce_input(model, TEXT)),
    "sweep": ("classification", lambda model: gb.ablation_sweep(model, TEXT)),
    "probe": ("masked_words", lambda model: gb.probe_template(model, "{a} [MASK].", {"a": ["x", "y"]}, ["he"])),
    "lens": ("masked_words", lambda model: gb.logit_lens(model, MASKED)),
    "states": ("masked_words", lambda model: gb.hidden_states(model, TEXT)),
    "compare": ("masked_words", lambda model: gb.compare_texts(model, TEXT, MASKED, method="saliency")),
    "steps": ("masked_words", lambda model: gb.reading_steps(model, TEXT)),
}


@pytest.mark.parametrize("name", WORK)
def test_every_pass_is_admitted_and_a_refused_one_ends_the_work(tiny_model, name):
    task, work = WORK[name]
    model = tiny_model("bert", task)
    gate = Gate(model)
    try:
        with admitted(gate):
            work(model)
    finally:
        gate.close()
    assert gate.admitted > 0
    assert gate.outside == 0, "a pass that nobody admitted"
    last = Gate(model, most=gate.admitted - 1)
    try:
        with admitted(last), pytest.raises(gb.StoppedError, match="no more"):
            work(model)
    finally:
        last.close()
    assert last.admitted == gate.admitted - 1


def test_admission_changes_no_number_and_ends_with_its_context(tiny_model):
    model = tiny_model("bert", "classification")
    alone = gb.attribute(model, TEXT, n_steps=8).scores
    gate = Gate(model)
    with admitted(gate):
        np.testing.assert_array_equal(gb.attribute(model, TEXT, n_steps=8).scores, alone)
    admissions = gate.admitted
    gate.close()
    gb.classify(model, TEXT)
    check_admission()
    assert gate.admitted == admissions


def test_another_thread_has_an_admission_of_its_own(tiny_model):
    import threading

    model = tiny_model("bert", "classification")
    found = []
    gate = Gate(model, most=0)
    with admitted(gate), torch.no_grad():
        thread = threading.Thread(target=lambda: found.append(gb.classify(model, TEXT)))
        thread.start()
        thread.join()
    gate.close()
    assert len(found) == 1
