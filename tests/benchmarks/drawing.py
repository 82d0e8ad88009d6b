"""How long a map takes to be drawn whole, and what it cost on the wire, told by a real browser."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.benchmarks.visitors import PAUSE_S, Told
from tests.browser.chrome import Browser, browser

__all__ = ["Draw", "first_draw", "stay_in_browser"]

PILLS = '[data-testid="stMain"] [data-testid="stButtonGroup"] button'
WRONG = '[data-testid="stException"], [data-testid="stAlertContentError"], [data-testid="stConnectionStatus"]'
DATA = ("/api/tiles/", "/api/heat/")
QUIET_S = 2.0
"""No request under way and nothing drawn for so long: the map is whole."""
WATCH = """
(() => {
  const seen = {draws: 0, last: 0, painted: 0};
  Object.defineProperty(window, "__draw", {value: seen});
  const note = () => {
    seen.draws += 1;
    seen.last = performance.now();
    // two frames on, what was drawn has been handed to the screen
    requestAnimationFrame(() => requestAnimationFrame(() => { seen.painted = performance.now(); }));
  };
  for (const gl of [window.WebGL2RenderingContext, window.WebGLRenderingContext]) {
    for (const name of ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"]) {
      const was = gl && gl.prototype[name];
      if (was) gl.prototype[name] = function (...all) { note(); return was.apply(this, all); };
    }
  }
})();
"""


@dataclass(frozen=True)
class Draw:
    """
    One opening of a page in a browser that has nothing in its cache.

    Attributes
    ----------
    shown_s
        Seconds from the navigation until the map's last change was on the screen, the last tile's among them.
    tiles_s
        Seconds until the last tile or heat map had arrived.
    data_bytes, other_bytes
        Over the wire, packed: tiles and heat map; everything else (scripts, fonts, the socket's own messages).
    requests
        Tiles and heat maps asked for.
    failures
        Answers of 400 or more.
    """

    shown_s: float
    tiles_s: float
    data_bytes: int
    other_bytes: int
    requests: int
    failures: list[str]


def first_draw(address: str, *, timeout_s: float = 180) -> Draw:
    """Opens the overview at 1440 × 900 in a fresh browser and waits until its map is whole."""
    with browser(1440, 900) as eyes:
        eyes.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        eyes.open(address)
        eyes.wait_settled(timeout_s)
        until, last, since = time.monotonic() + timeout_s, (-1, -1), time.monotonic()
        wire = _Wire()
        while True:
            wire.hear(eyes)
            draws, painted = eyes.driver.execute_script(
                "const d = window.__draw; return [d.draws, d.painted >= d.last && d.draws > 0]"
            )
            now = (draws, len(wire.kinds))
            if now != last or wire.pending or not painted:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > QUIET_S:
                break
            if time.monotonic() > until:
                raise TimeoutError(f"the map of {address} was not whole after {timeout_s:.0f} s")
            time.sleep(0.3)
        shown = eyes.driver.execute_script("return window.__draw.painted") / 1e3
        ends = eyes.driver.execute_script(
            "return performance.getEntriesByType('resource')"
            ".filter(e => e.name.includes('/api/')).map(e => e.responseEnd)"
        )
        return Draw(
            shown,
            max(ends, default=0.0) / 1e3,
            sum(wire.bytes_of(data=True)),
            sum(wire.bytes_of(data=False)) + wire.socket_bytes,
            sum(wire.is_data(url) for url in wire.kinds.values()),
            eyes.failures(),
        )


def stay_in_browser(address: str, until: float, number: int, told: Told) -> None:
    """Looks at the overview in a browser and turns a layer on or off now and then until `until`."""
    chance = random.Random(1_000 + number)
    try:
        # a visitor's browser draws on a processor of its own; here it shares the server's and draws by software
        with browser(1440, 900, stands_back=True) as eyes:
            eyes.open(address)
            _see(eyes, told)
            while (pause := chance.uniform(*PAUSE_S)) < until - time.monotonic():
                time.sleep(pause)
                pills = eyes.driver.find_elements("css selector", PILLS)
                eyes.driver.execute_script("arguments[0].click()", chance.choice(pills))
                _see(eyes, told)
            time.sleep(max(0.0, until - time.monotonic()))
            _see(eyes, told)
            told.stayed += 1
    except Exception as error:  # noqa: BLE001 - a browser that fails is an error that is counted
        told.errors[f"browser: {type(error).__name__} {error}"] += 1


def _see(eyes: Browser, told: Told) -> None:
    eyes.wait_settled(120)
    told.acts += 1
    for found in eyes.driver.find_elements("css selector", WRONG):
        told.errors[f"browser: {found.text}"] += 1
    for line in [*eyes.failures(), *eyes.complaints()]:
        told.errors[f"browser: {line}"] += 1


class _Wire:
    """What came over the wire, from the browser's own account."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.done: set[str] = set()
        self.socket_bytes = 0
        self._heard = 0

    def hear(self, eyes: Browser) -> None:
        """Takes in what has happened since the last call."""
        for event in eyes.events()[self._heard :]:
            self._heard += 1
            told = event["params"]
            match event["method"]:
                case "Network.requestWillBeSent" if urlsplit(told["request"]["url"]).scheme in (
                    "http",
                    "https",
                ):
                    self.kinds[told["requestId"]] = told["request"]["url"]
                case "Network.loadingFinished":
                    self.done.add(told["requestId"])
                    self.sizes[told["requestId"]] = int(told["encodedDataLength"])
                case "Network.loadingFailed":
                    self.done.add(told["requestId"])
                case "Network.webSocketFrameReceived":
                    self.socket_bytes += len(json.dumps(told["response"]["payloadData"])) * 3 // 4

    @property
    def pending(self) -> int:
        """Tiles and heat maps that are still coming; scripts of workers never tell the page that they came."""
        return sum(self.is_data(url) for key, url in self.kinds.items() if key not in self.done)

    @staticmethod
    def is_data(url: str) -> bool:
        """It is a tile or a heat map."""
        return urlsplit(url).path.startswith(DATA)

    def bytes_of(self, *, data: bool) -> list[int]:
        """Bytes of each answer, headers included."""
        return [size for key, size in self.sizes.items() if self.is_data(self.kinds.get(key, "")) == data]
