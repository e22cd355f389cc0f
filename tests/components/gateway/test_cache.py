"""The gateway to the library: one answer for equal questions, another for every difference."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import glassbert as gb
from components.gateway import attention, cache, inputs, language, models, saliency, turns
from components.gateway.long_texts import Keeper
from components.gateway.requests import ModelRequest, TextRequest, version_of
from tests.conftest import TinyCheckpoint

REQUEST = TextRequest(ModelRequest("pretrained", "cpu"), "A short text.")
TARGET = gb.MaskTarget(2)


def test_equal_requests_share_one_result() -> None:
    again = TextRequest(ModelRequest("pretrained", "cpu"), "A short text.")
    assert models.load(again.model) is models.load(REQUEST.model)
    assert inputs.encode(again) is inputs.encode(REQUEST)
    assert attention.maps(again) is attention.maps(REQUEST)
    assert language.fill_mask(again, (2,), 5) is language.fill_mask(REQUEST, (2,), 5)
    assert saliency.attribute(again, "saliency", gb.MaskTarget(2)) is saliency.attribute(REQUEST, "saliency", TARGET)


def test_what_differs_is_computed_anew() -> None:
    first = saliency.attribute(REQUEST, "saliency", TARGET)
    others = [
        saliency.attribute(replace(REQUEST, text="A short text!"), "saliency", TARGET),
        saliency.attribute(replace(REQUEST, pair="Another."), "saliency", TARGET),
        saliency.attribute(REQUEST, "input_x_gradient", TARGET),
        saliency.attribute(REQUEST, "saliency", gb.MaskTarget(3)),
        saliency.attribute(REQUEST, "saliency", gb.MaskTarget(2, token="long")),
    ]
    for other in others:
        assert other.scores.shape != first.scores.shape or not np.array_equal(other.scores, first.scores)
    assert language.fill_mask(REQUEST, (2,), 5).positions.tolist() == [2]
    assert language.fill_mask(REQUEST, (3,), 5).positions.tolist() == [3]


def test_a_page_computes_in_its_turn_and_stops_when_its_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    from streamlit.runtime.scriptrunner import StopException

    asked: list[str] = []

    @contextmanager
    def turn(who: str, over: Callable[[], bool]) -> Iterator[None]:
        asked.append(who)
        if over():
            raise gb.StoppedError("nobody waits")
        yield

    monkeypatch.setattr(turns, "visitor", lambda: "me")
    monkeypatch.setattr(turns.turns, "turn", turn)
    request = replace(REQUEST, text="Computed in turn.")
    found = language.fill_mask(request, (2,), 5)
    assert asked == ["me"]
    assert language.fill_mask(request, (2,), 5) is found
    assert asked == ["me"], "a result that is there takes no turn"
    monkeypatch.setattr(turns, "run_is_over", lambda: True)
    with pytest.raises(StopException):
        language.fill_mask(request, (3,), 5)
    monkeypatch.setattr(turns, "run_is_over", lambda: False)
    assert language.fill_mask(request, (3,), 5).positions.tolist() == [3], "what was stopped is computed again"


def test_another_model_or_device_is_another_copy() -> None:
    pretrained = models.load(ModelRequest("pretrained", "cpu"))
    assert models.load(ModelRequest("sentiment", "cpu")) is not pretrained
    assert models.load(ModelRequest("sentiment", "cpu")).source == "sentiment"
    assert models.load(ModelRequest("pretrained", "auto")) is not pretrained


def test_results_are_the_library_s() -> None:
    model = gb.load("pretrained", "cpu")
    assert np.array_equal(attention.maps(REQUEST).weights, gb.attention(model, REQUEST.text).weights)
    pair = replace(REQUEST, pair="It goes on.")
    ours, theirs = language.next_sentence(pair), gb.next_sentence(model, REQUEST.text, "It goes on.")
    assert np.array_equal(ours.logits, theirs.logits)


def test_shared_results_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        attention.maps(REQUEST).weights[0, 0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        saliency.attribute(REQUEST, "saliency", TARGET).scores[:] = 0


def test_a_failure_is_not_kept(tmp_path: Path, tiny_checkpoint: TinyCheckpoint) -> None:
    """One visitor's missing folder must open for the next visitor, once it is there."""
    folder = tmp_path / "later"
    request = ModelRequest(str(folder), "cpu")
    with pytest.raises(gb.ModelNotFoundError):
        models.load(request)
    folder.symlink_to(tiny_checkpoint("bert", "masked_words"))
    assert models.load(request).task_heads


def rewritten(folder: Path, factor: float) -> None:
    """Other weights in the same folder, as a training that saves again."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    save_file({name: factor * tensor for name, tensor in tensors.items()}, folder / "model.safetensors")


def test_changed_files_of_a_folder_are_read_again(tmp_path: Path, tiny_checkpoint: TinyCheckpoint) -> None:
    """Guards against answers by weights that are not the ones on disk, also from the caches of results."""
    folder = Path(shutil.copytree(tiny_checkpoint("bert", "classification"), tmp_path / "trained"))
    opened = models.request_of(str(folder), "cpu")
    first = language.classify(TextRequest(opened, "A good film.")).logits
    times = (folder / "model.safetensors").stat()
    rewritten(folder, 0.5)
    os.utime(folder / "model.safetensors", ns=(times.st_atime_ns, times.st_mtime_ns))  # as cp -p leaves it
    with pytest.raises(gb.ModelError, match="have changed"):
        language.classify(TextRequest(opened, "Another film."))
    now = models.request_of(str(folder), "cpu")
    second = language.classify(TextRequest(now, "A good film.")).logits
    expected = gb.classify(gb.load(str(folder), "cpu"), "A good film.").logits
    np.testing.assert_array_equal(second, expected)
    assert not np.allclose(first, second)
    assert models.load(now) is models.load(models.request_of(str(folder), "cpu"))


def test_reload_reads_a_folder_again_though_nothing_seems_changed(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint("bert", "classification"), tmp_path / "same"))
    before = models.load(models.request_of(str(folder), "cpu"))
    models.reload(str(folder))
    assert models.load(models.request_of(str(folder), "cpu")) is not before


def test_thumbnails_without_special_tokens_are_the_same_weights_without_them() -> None:
    every, words = attention.thumbnails(REQUEST, True).pixels, attention.thumbnails(REQUEST, False).pixels
    assert np.array_equal(words, every[:, :, 1:-1, 1:-1])


def test_a_version_names_what_is_drawn() -> None:
    assert version_of(REQUEST, True) == version_of(replace(REQUEST), True)
    assert len({version_of(*parts) for parts in ((REQUEST, True), (REQUEST, False), ("a", "b"), ("ab",))}) == 4


def test_the_devices_are_those_of_this_machine() -> None:
    devices = models.devices()
    assert next(iter(devices)) == "auto"
    assert set(devices) - {"auto"} == set(gb.network.device.available_devices())


def test_a_long_text_is_computed_once_and_dropped_when_its_reader_turns_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    keeper = Keeper(present=lambda who: True, give_back=lambda: None, clock=lambda: now[0], watch=False)
    monkeypatch.setattr(cache, "_keeper", keeper)
    long = replace(REQUEST, text=" ".join(["word"] * 200))
    maps, rollout = attention.maps(long), attention.measure(long, "rollout", None)
    cache.turn_to(long.text, long.pair)
    now[0] = 60.0
    assert keeper.look_round()
    assert attention.maps(replace(long)) is maps
    assert attention.measure(replace(long), "rollout", None) is rollout
    cache.turn_to("A short text.", None)
    now[0] = 120.0
    assert not keeper.look_round()
    assert attention.maps(long) is not maps
    assert attention.measure(long, "rollout", None) is not rollout


def test_what_short_texts_gave_is_kept_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(present=lambda who: True, give_back=lambda: None, watch=False)
    monkeypatch.setattr(cache, "_keeper", keeper)
    maps = attention.maps(REQUEST)
    cache.turn_to("Another text.", None)
    assert not keeper.look_round()
    assert attention.maps(REQUEST) is maps
