"""A headless Chromium that may talk to this machine only, and tells what it heard."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

__all__ = ["Browser", "browser", "find_chromium"]

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--hide-scrollbars",
)
NICE = 15
AUTOGROUP = Path("/proc/self/autogroup")
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
MAP = '[data-testid="stDeckGlJsonChart"] canvas'


def find_chromium() -> tuple[str, str] | None:
    """Paths of Chromium and its driver, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    browser_path = next((found for name in names if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    return (browser_path, driver) if browser_path and driver else None


class Browser:
    """What the tests ask of a browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._events: list[dict[str, Any]] = []

    def open(self, url: str) -> None:
        """Opens a page and forgets what was heard before."""
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self._events = []
        self.driver.get(url)

    def requests(self) -> list[str]:
        """Every address asked for since `open`, but those inside the page (data:, blob:)."""
        self._listen()
        found = []
        for event in self._events:
            if event["method"] == "Network.requestWillBeSent":
                address = str(event["params"]["request"]["url"])
                if urlparse(address).scheme in ("http", "https", "ws", "wss"):
                    found.append(address)
        return found

    def failures(self) -> list[str]:
        """Answers with status 400 or more, and requests without an answer, since `open`."""
        self._listen()
        found = []
        for event in self._events:
            if event["method"] == "Network.responseReceived":
                answer = event["params"]["response"]
                if int(answer["status"]) >= 400:
                    found.append(f"{answer['status']} {answer['url']}")
        return found

    def complaints(self) -> list[str]:
        """Errors in the console."""
        return [
            str(entry["message"]) for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"
        ]

    def wait_settled(self, timeout_s: float = 60, *, quiet_s: float = 1.2) -> None:
        """
        Until nothing has happened for a while: no script runs, no request is sent, no part comes or goes.

        A page that does not come to rest in time is left as it is; one without a heading is not.

        Raises
        ------
        selenium.common.exceptions.TimeoutException
            If Streamlit has shown no heading in time.
        """
        until = time.monotonic() + timeout_s
        WebDriverWait(self.driver, timeout_s).until(lambda _: self._resting())
        last: tuple[int, str] | None = None
        since = time.monotonic()
        while time.monotonic() < until:
            # a script may run again, and empty the page, after it has come to rest once
            now = (len(self.requests()), self._resting())
            if now != last or not now[1]:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > quiet_s:
                return
            time.sleep(0.2)

    def _resting(self) -> str:
        """How many parts a page at rest has, and its heading; empty while anything is still to come."""
        return str(
            self.driver.execute_script(
                "const app = document.querySelector('[data-testid=\"stApp\"]'), head = document.querySelector('h1');"
                "if (!app || !head || app.dataset.testScriptState !== 'notRunning') return '';"
                # what the page still fetches the program of stands there as a grey bar
                "if (document.querySelector('[data-testid=\"stSkeleton\"]')) return '';"
                "return document.querySelectorAll('[data-testid=\"stMain\"] *').length + ' ' + head.textContent"
            )
        )

    def wait_says(self, words: str, timeout_s: float = 60) -> None:
        """
        Until the page bears these words.

        Raises
        ------
        selenium.common.exceptions.TimeoutException
            If it does not in time.
        """
        wait = WebDriverWait(self.driver, timeout_s)
        wait.until(lambda _: words in self.text(), f"the page does not say {words!r}")

    def has_map(self) -> bool:
        """There is a map on the page."""
        return bool(self.driver.find_elements(By.CSS_SELECTOR, MAP))

    def map_colours(self) -> int:
        """How many different colours the middle of the map shows: a blank map has one."""
        import cv2
        import numpy as np

        # not the element's own screenshot: that resets the emulated window while the page is drawn
        box = self.driver.execute_script(
            "const map = document.querySelector(arguments[0]); map.scrollIntoView({block: 'center'});"
            "const b = map.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]",
            MAP,
        )
        shot = np.frombuffer(self.driver.get_screenshot_as_png(), np.uint8)
        page = cv2.imdecode(shot, cv2.IMREAD_COLOR)
        left, top, right, bottom = (max(0, round(edge)) for edge in box)
        width, height = right - left, bottom - top
        # the edges bear the attribution and the zoom buttons
        middle = page[top + height // 8 : bottom - height // 6, left + width // 10 : right - width // 8]
        return len(np.unique(middle.reshape(-1, 3) // 8, axis=0))

    def wait_painted(self, timeout_s: float = 60) -> int:
        """Until the page's map is there, shows something and stops changing; returns its number of colours."""
        until, last, same = time.monotonic() + timeout_s, -1, 0
        while time.monotonic() < until:
            now = self.map_colours() if self.has_map() else 0
            same = same + 1 if now == last and now > 3 else 0
            last = now
            if same >= 3:
                break
            time.sleep(0.5)
        self.driver.execute_script("document.querySelector('[data-testid=\"stMain\"]').scrollTo(0, 0)")
        return last

    def text(self) -> str:
        """All words on the page."""
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def shoot(self, path: Path) -> None:
        """Writes the page as it is seen."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.driver.get_screenshot_as_png())

    def events(self) -> list[dict[str, Any]]:
        """What the browser told of its network and page since `open`, in order."""
        self._listen()
        return self._events

    def _listen(self) -> None:
        for entry in self.driver.get_log("performance"):
            self._events.append(json.loads(str(entry["message"]))["message"])


def _standing_back() -> Callable[[], None]:
    """What a browser's process does before it begins: takes a low priority and gives up the right to raise it."""
    libc = ctypes.CDLL(None)

    def stand_back() -> None:
        os.setsid()
        os.nice(NICE)
        # Linux weighs sessions against each other first, programs within a session only then
        if AUTOGROUP.exists():
            AUTOGROUP.write_text(str(NICE))
        # Chromium gives its own threads a high one where it may
        libc.prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)

    return stand_back


@contextmanager
def browser(
    width: int = 1440,
    height: int = 900,
    language: str = "en-US",
    *,
    dark: bool = False,
    stands_back: bool = False,
) -> Iterator[Browser]:
    """
    A browser of this size and language, on a machine that wishes for light or for dark.

    One that stands back lets every other program of the machine go first.

    Raises
    ------
    RuntimeError
        If there is no Chromium or it does not start.
    """
    found = find_chromium()
    if found is None:
        raise RuntimeError("There is no Chromium with its driver; make test installs them.")
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for argument in (*QUIET, f"--window-size={width},{height}", f"--lang={language}"):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    try:
        service = Service(found[1], popen_kw={"preexec_fn": _standing_back()} if stands_back else {})
        driver = webdriver.Chrome(options=options, service=service)
    except WebDriverException as error:
        raise RuntimeError(f"Chromium does not start: {error.msg}") from error
    try:
        # a window narrower than 500 px exists only for a device
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wish = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wish})
        yield Browser(driver)
    finally:
        driver.quit()
