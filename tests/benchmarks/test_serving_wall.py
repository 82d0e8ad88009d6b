"""The wall over eight hours: 960 turns of 30 s each, taken as fast as the pages come."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.benchmarks.conftest import Row
from tests.browser.chrome import Browser, browser, find_chromium
from tests.browser.serving import web_process

pytestmark = [pytest.mark.browser, pytest.mark.postgis]

TURNS = int(8 * 3600 / 30)
WARM = 160
"""Turns after which caches of the browser and of the map are full: the heap levels off there."""
EVERY_S = 0.4
MOST_GROWTH_MB = 8.0
TURNING = """
const [turns, pauseMs] = arguments;
window.turned = 0;
const turn = () => {
  if (window.turned >= turns) return;
  window.turned += 1;
  dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}));
  setTimeout(turn, pauseMs);
};
turn();
"""


def test_heap_over_eight_hours(row: Row, bench_url: str) -> None:
    """The browser's heap after its rubbish is gone, against that of the warm wall; and the web process beside it."""
    if find_chromium() is None:
        pytest.skip("there is no Chromium with its driver")
    with web_process(bench_url) as address, browser(960, 540) as eyes:
        eyes.driver.execute_cdp_cmd("Performance.enable", {})
        eyes.open(f"{address}/big-screen?hold=1&lang=en")
        server = _listening(int(address.rpartition(":")[2]))
        _turn(eyes, WARM)
        heap, resident = _heap_mb(eyes), _resident_mb(server)
        _turn(eyes, TURNS - WARM)
        grown, swollen = _heap_mb(eyes) - heap, _resident_mb(server) - resident
        canvases = eyes.driver.execute_script("return document.querySelectorAll('#map canvas').length")
    row(f"wall, JS heap growth over {TURNS} page turns", grown, MOST_GROWTH_MB, "MB", grown <= MOST_GROWTH_MB)
    row("wall, canvases after them", canvases, 1, "", canvases == 1)
    row("wall, web process growth meanwhile", swollen, 40, "MB", swollen <= 40)


def _turn(eyes: Browser, turns: int) -> None:
    """Turns pages by the keyboard, in the page's own time."""
    eyes.driver.execute_script(TURNING, turns, 1000 * EVERY_S)
    until = time.monotonic() + 60 + turns * EVERY_S * 10
    while eyes.driver.execute_script("return window.turned") < turns:
        assert time.monotonic() < until, "the wall does not turn"
        time.sleep(2)
        eyes.requests()  # the driver's own log would grow without end
    time.sleep(10)


def _heap_mb(eyes: Browser) -> float:
    """JavaScript in use after two collections."""
    for _ in range(2):
        eyes.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        time.sleep(1)
    told = eyes.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(each["value"] for each in told if each["name"] == "JSHeapUsedSize") / 2**20


def _listening(port: int) -> int:
    """The process whose command line names this port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"uvicorn" in words and str(port).encode() in words and int(folder.name) != os.getpid():
            return int(folder.name)
    raise AssertionError(f"nobody listens on {port}")


def _resident_mb(process: int) -> float:
    told = (Path("/proc") / str(process) / "status").read_text()
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("VmRSS")) / 1024
