"""The gateway to the library: one answer for equal questions, another for every difference."""

from __future__ import annotations

import inspect
import os
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from streamlit import runtime
from streamlit.runtime.scriptrunner import StopException

import glassbert as gb
from components.gateway import attention, cache, inputs, language, memory, models, saliency, turns
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
    asked: list[str] = []

    @contextmanager
    def turn(who: str, over: Callable[[], bool], waits: object) -> Iterator[None]:  # noqa: ARG001
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
    every, words = attention.thumbnails(REQUEST, True), attention.thumbnails(REQUEST, False)
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


# --- the budget --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A result as the library makes them."""

    values: np.ndarray
    parts: tuple[np.ndarray, ...] = ()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> memory.Store:
    """A budget of 10 MB."""
    store = memory.Store(lambda: 10_000_000)
    monkeypatch.setattr(cache, "_store", store)
    return store


def megabytes(number: float) -> np.ndarray:
    return np.ones(int(number * 1_000_000), np.uint8)


def test_a_result_weighs_what_its_arrays_occupy() -> None:
    whole = np.ones(1_000_000)
    once = memory.bytes_of(Found(whole))
    assert 8_000_000 < once < 8_001_000
    assert memory.bytes_of(Found(whole, (whole[:10], whole[10:]))) < once + 1_000, "one array, however many show it"
    assert memory.bytes_of(Found(whole[:10])) > 8_000_000, "a part keeps the whole"
    assert 8_000_000 < memory.bytes_of({"a": [torch.ones(1_000, 1_000, dtype=torch.float64)[:2]]}) < 8_001_000
    model = models.load(ModelRequest("pretrained", "cpu"))
    assert memory.bytes_of(model) == pytest.approx(4 * model.parameters, rel=0.02)


def test_what_was_unused_longest_is_dropped_and_released(store: memory.Store) -> None:
    calls: list[int] = []

    @cache.shared(100)
    def find(number: int) -> Found:
        calls.append(number)
        return Found(megabytes(3))

    released = [weakref.ref(find(number).values) for number in range(3)]
    find(0)
    find(3)
    assert [ref() is None for ref in released] == [False, True, False]
    assert 9_000_000 < store.size < 9_010_000
    for number in (0, 2, 3):
        find(number)
    assert calls == [0, 1, 2, 3]
    find(1)
    assert calls == [0, 1, 2, 3, 1]


def test_a_result_larger_than_the_budget_stays_until_the_next(store: memory.Store) -> None:
    @cache.shared(100)
    def find(number: int) -> Found:  # noqa: ARG001
        return Found(megabytes(12))

    assert find(0) is find(0)
    find(1)
    assert store.size < 12_010_000


def test_models_are_dropped_last_and_two_of_them_stay(store: memory.Store) -> None:
    opened: list[str] = []

    @cache.shared(100, models=True)
    def load(name: str) -> Found:
        opened.append(name)
        return Found(megabytes(4))

    @cache.shared(100)
    def find(number: int) -> Found:  # noqa: ARG001
        return Found(megabytes(1))

    for number in range(6):
        find(number)
    load("a")
    load("b")
    assert store.size < 10_100_000, "two results gave way, no model"
    load("a")
    load("c")
    assert opened == ["a", "b", "c"]
    load("b")
    assert opened == ["a", "b", "c", "b"], "the third model is the one unused longest"
    assert 10_000_000 < store.size < 10_600_000, "two models, and a quarter for results"


def test_no_more_of_a_kind_than_it_says(store: memory.Store) -> None:
    del store
    calls: list[int] = []

    @cache.shared(2)
    def find(number: int, more: str = "") -> int:  # noqa: ARG001
        calls.append(number)
        return number

    for number in (1, 2, 1, 3, 1, 2):
        assert find(number) == number
    find(2, more="")
    find(2, "")
    assert calls == [1, 2, 3, 2]
    find.clear(2)
    find(1)
    find(2)
    assert calls == [1, 2, 3, 2, 2]
    find.clear()
    find(1)
    assert calls == [1, 2, 3, 2, 2, 1]


def test_what_somebody_else_keeps_counts_until_they_are_gone(store: memory.Store) -> None:
    class Owner:
        pass

    owner, told = Owner(), []
    counted = cache.Counted(owner, megabytes(4), lambda: told.append(1))
    assert 4_000_000 < store.size < 4_001_000
    del owner
    assert store.size == 0
    first, second = Owner(), Owner()
    one = cache.Counted(first, megabytes(4), lambda: told.append(1))
    cache.Counted(second, megabytes(4), lambda: told.append(2))
    one.use()
    find = cache.shared(1)(lambda: megabytes(4))
    find()
    assert told == [2]
    one.drop()
    assert 4_000_000 < store.size < 4_001_000
    del counted


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_the_process_stays_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty results of 10 MB, of which five fit: resident memory, as the system counts it."""
    monkeypatch.setattr(cache, "_store", memory.Store(lambda: 50_000_000))

    @cache.shared(100)
    def find(number: int) -> Found:  # noqa: ARG001
        return Found(megabytes(10))

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    for number in range(30):
        find(number)
    assert resident() - before < 65_000_000  # may be less: memory that earlier tests freed is used again


def test_several_threads_compute_a_result_once(store: memory.Store) -> None:
    del store
    calls: list[int] = []

    @cache.shared(10)
    def find(number: int) -> int:
        calls.append(number)
        time.sleep(0.2)
        return number

    threads = [threading.Thread(target=find, args=(1,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert calls == [1]


def test_a_page_computes_in_turn_and_ends_with_its_run(store: memory.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against passes of a page that go past the queue, and on when nobody waits for them."""
    over = [True]
    monkeypatch.setattr(turns, "visitor", lambda: "ann")
    monkeypatch.setattr(turns, "run_is_over", lambda: over[0])
    queue = turns.Turns()
    monkeypatch.setattr(turns, "turns", queue)
    request = replace(REQUEST, text="Nobody waits for this.")
    with pytest.raises(StopException):
        language.classify(replace(request, model=ModelRequest("sentiment", "cpu")))
    assert "ann" not in queue._used, "no pass was run"
    over[0] = False
    attention.maps(request)
    assert queue._used["ann"].seconds > 0
    assert store.size > 0


def test_what_only_absent_visitors_used_is_dropped(store: memory.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    who = ["ann"]
    monkeypatch.setattr(cache, "visitor", lambda: who[0])

    @cache.shared(9, stays=lambda number: number == 3)
    def find(number: int) -> Found:
        return Found(megabytes(number))

    released = [weakref.ref(find(number).values) for number in (1, 2, 3)]
    who[0] = "bob"
    find(2)

    def still(present: set[str], now: float) -> list[bool]:
        store.drop_what_nobody_uses(present.__contains__, now)
        return [ref() is not None for ref in released]

    assert still({"ann", "bob"}, 0.0) == [True, True, True]
    assert still({"bob"}, 100.0) == [True, True, True]
    assert still({"bob"}, 119.9) == [True, True, True], "a connection that broke for a moment"
    assert still({"bob"}, 120.0) == [False, True, True]
    assert still(set(), 200.0) == [False, True, True]
    assert still({"bob"}, 210.0) == [False, True, True]
    find(2)
    assert still({"bob"}, 230.0) == [False, True, True]
    still(set(), 300.0)
    assert still(set(), 320.0) == [False, False, True]


def test_the_copies_of_receipts_go_when_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is a number here. One visitor stays for 30 seconds, and what is kept for the next receipt for 20 more."""
    now, forgotten = [0.0], []
    clock = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(memory, "time", clock)
    monkeypatch.setattr(memory, "_watching", True)
    monkeypatch.setattr(gb.evaluation, "forget_copies", lambda: forgotten.append(now[0]))
    store = SimpleNamespace(drop_what_nobody_uses=lambda present, now: now <= 30)
    memory._look_round(lambda: store)  # type: ignore[arg-type]
    assert forgotten[0] == 50
    assert not memory._watching


def test_streamlit_forgets_the_last_session_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against Streamlit's own storage: without help, the last closed session stays until another one is closed."""
    from streamlit.runtime.memory_session_storage import MemorySessionStorage

    class Session:
        id = "ann"

    storage = MemorySessionStorage(ttl_seconds=0)
    manager = SimpleNamespace(_session_storage=storage, list_active_sessions=list)
    monkeypatch.setattr(memory, "_server", lambda: SimpleNamespace(_session_mgr=manager))
    session = Session()
    gone = weakref.ref(session)
    storage.save(SimpleNamespace(session=session))
    del session
    assert gone() is not None
    assert memory._sessions_left() == 0
    assert gone() is None
    assert "self._session_mgr = " in inspect.getsource(runtime.Runtime.__init__), "where the server's is found"
