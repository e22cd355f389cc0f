"""Work that nobody waits for ends: the server's own processor time says so, whatever else the machine does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewContext, running_server
from tests.browser.workbench import Workbench

LONG = " ".join(f"This is sentence number {number} of a long text." for number in range(45))
#: Seconds of processor time within three seconds: a page at rest needs none, work on one core three.
AT_REST = 1.0


#: Mostly waiting, two minutes of it: run by `make slowest`, not by `make test`.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def quiet_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of this file's own: what it uses is caused here."""
    with running_server(tmp_path_factory.mktemp("quiet")) as address:
        yield address


def processor_seconds(address: str) -> float:
    """Of the process that listens there, so far."""
    port = f"{int(address.rpartition(':')[2]):04X}"
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    listening = {f"socket:[{one[9]}]" for one in sockets if one[1].endswith(f":{port}") and one[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in listening for handle in (process / "fd").iterdir()):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    raise AssertionError(f"nobody listens at {address}")


def expect_rest(address: str) -> None:
    """Two seconds after the last wait for it ended, the work has too."""
    time.sleep(2)
    before = processor_seconds(address)
    time.sleep(3)
    used = processor_seconds(address) - before
    assert used < AT_REST, f"the server used {used:.1f} s of processor time in 3 s for nobody"


def busy(address: str) -> None:
    """Wait until the work is under way."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        before = processor_seconds(address)
        time.sleep(1)
        if processor_seconds(address) - before > 0.3:
            return
    raise AssertionError("the work never began")


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("leave", ["close", "other page", "stop"])
def test_an_expensive_saliency_waits_for_a_click_and_ends_with_its_page(
    quiet_server: str, new_context: NewContext, leave: str
) -> None:
    page = new_context().new_page()
    bench = Workbench(page, quiet_server).open(text=LONG, method="shapley_sampling", token=-1)
    expect_rest(quiet_server)  # the link alone computes no more than what is cheap
    page.get_by_role("button", name="Compute the scores").click()
    stop = bench.part("workbench_scores_stop").get_by_role("button")  # Streamlit has one of that name too
    expect(stop).to_be_visible(timeout=60_000)
    busy(quiet_server)
    if leave == "close":
        page.close()
    elif leave == "other page":
        bench.go_to("definitions")
    else:
        stop.click()
    expect_rest(quiet_server)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's /proc")
def test_a_page_closed_in_the_middle_of_its_run_computes_nothing_more(
    quiet_server: str, new_context: NewContext
) -> None:
    """Integrated gradients of a long text, which a page computes at once, in many passes."""
    for number in range(3):
        page = new_context().new_page()
        page.goto(f"{quiet_server}/?text={number}+{LONG[:1200].replace(' ', '+')}&method=integrated_gradients&token=-1")
        page.get_by_test_id("attention-heatmap").wait_for(timeout=60_000)
        page.close()
    expect_rest(quiet_server)
