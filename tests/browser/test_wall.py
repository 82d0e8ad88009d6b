"""The wall as those in front of it see it: large figures, a map that lives on, and calm when the database is away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from urllib.parse import urlparse

import pytest
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import make_url

from geodata.queries.wall import PAGES
from tests.browser.chrome import Browser
from tests.browser.serving import web_process

pytestmark = [pytest.mark.browser, pytest.mark.postgis]

Open = Callable[..., AbstractContextManager[Browser]]
LEAST_PX = 24.0
FONTS = """
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
  found.push([parseFloat(getComputedStyle(element).fontSize), walk.currentNode.data.trim()]);
}
return found;
"""
OVERFLOW = """
const wrong = [], foot = document.querySelector('footer').getBoundingClientRect().top;
if (document.documentElement.scrollWidth > innerWidth) wrong.push('the page scrolls');
document.querySelectorAll('.block').forEach((each) => {
  const box = each.getBoundingClientRect(), name = each.querySelector('h2').textContent;
  if (each.scrollHeight > each.clientHeight + 3) wrong.push(`${name}: ${each.scrollHeight} in ${each.clientHeight}`);
  if (box.bottom > foot + 2) wrong.push(`${name} reaches into the foot`);
  const rows = each.querySelector('.rows');
  if (rows && rows.scrollHeight > rows.clientHeight + 3) wrong.push(`${name}: its rows run into each other`);
  if (box.right > innerWidth + 1 || box.left < -1) wrong.push(`${name} is off the screen`);
});
document.querySelectorAll('.row span, .told > span, #source, #method, #scope').forEach((each) => {
  if (each.scrollWidth > each.clientWidth + 1 || (each.id && each.scrollHeight > each.clientHeight + 3))
    wrong.push(`cut: ${each.textContent}`);
});
return wrong;
"""


class Cable:
    """The way to the database, which a test may cut and mend."""

    def __init__(self, url: str) -> None:
        asked = make_url(url)
        self._behind = f"{asked.query['host']}/.s.PGSQL.{asked.port or asked.query.get('port') or 5432}"
        self._open = socket.create_server(("127.0.0.1", 0))
        self._whole, self._ends = True, set[socket.socket]()
        port = self._open.getsockname()[1]
        self.url = asked.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Whoever is connected is thrown out, and nobody gets in."""
        self._whole = False
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """As before."""
        self._whole = True

    def close(self) -> None:
        """For good."""
        self.cut()
        self._open.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._open.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._behind)
                self._ends |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, giver: socket.socket, taker: socket.socket) -> None:
        with suppress(OSError):
            while data := giver.recv(65536):
                taker.sendall(data)
        for end in (giver, taker):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._ends.discard(end)


@pytest.fixture(scope="module")
def cable(open_browser: Open, town_url: str) -> Iterator[Cable]:
    """The way to the shared town."""
    found = Cable(town_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def wall(cable: Cable) -> Iterator[str]:
    """A wall that turns every six seconds and asks for figures every second."""
    with web_process(cable.url, {"TWIN_WALL_DWELL_S": "6", "TWIN_WALL_REFRESH_S": "1"}) as found:
        yield f"{found}/big-screen"


def without_map(eyes: Browser) -> None:
    """What is looked at is the layout: drawing a map of this size without a graphics card takes its time."""
    eyes.driver.execute_cdp_cmd("Network.enable", {})
    eyes.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*deck.min.js*"]})


def until(eyes: Browser, script: str, timeout_s: float = 60) -> None:
    WebDriverWait(eyes.driver, timeout_s, 0.2).until(lambda d: d.execute_script(f"return {script}"))


def page_is(name: str) -> str:
    return f"document.body.dataset.page === '{name}' && !document.body.classList.contains('turning')"


@pytest.mark.parametrize(
    "size", [(1920, 1080), (3840, 1080), (3840, 2160)], ids=lambda each: "x".join(map(str, each))
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_figures_are_large_and_have_room(
    size: tuple[int, int], language: str, wall: str, open_browser: Open
) -> None:
    with open_browser(*size) as eyes:
        without_map(eyes)
        eyes.open(f"{wall}?hold=1&lang={language}")
        for name in PAGES:
            until(eyes, page_is(name))
            fonts = eyes.driver.execute_script(FONTS)
            assert len(fonts) > 15
            assert [each for each in fonts if each[0] < LEAST_PX] == [], name
            assert eyes.driver.execute_script(OVERFLOW) == [], name
            assert (
                eyes.driver.execute_script(
                    "return document.querySelectorAll('button, a, input, select').length"
                )
                == 0
            )
            eyes.driver.execute_script("dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))")


SHARED = "layers=cameras&area=910091001&since=2026-02-28T22:00:00Z&until=2026-04-30T21:00:00Z&class=05-05&source=qr"


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_a_shared_view_tells_what_its_figures_are_of(language: str, wall: str, open_browser: Open) -> None:
    with open_browser(1920, 1080) as eyes:
        without_map(eyes)
        for name in ("overview", "parking"):
            eyes.open(f"{wall}?page={name}&lang={language}&{SHARED}")
            until(eyes, page_is(name))
            told = eyes.driver.find_element("id", "scope").text
            assert ("North Street" if language == "en" else "北街道") in told and "2026-04-30" in told
            assert eyes.driver.execute_script(OVERFLOW) == [], name
            apart = eyes.driver.execute_script(
                "const box = (id) => document.getElementById(id).getBoundingClientRect(), told = box('scope');"
                "return told.bottom < box('legend').top && told.left > box('left').right"
                " && told.right < box('right').left"
            )
            assert apart, "it stands between the columns, over the map"


def test_pages_turn_by_themselves_over_one_map_that_is_never_blank(wall: str, open_browser: Open) -> None:
    with open_browser(960, 540) as eyes:
        eyes.open(f"{wall}?lang=en")
        until(eyes, "window.huiyanFlight?.deck?.layerManager?.layers.every((each) => each.isLoaded)", 120)
        until(eyes, "window.huiyanFlight.frames > 2", 120)
        eyes.driver.execute_script("document.querySelector('#map canvas').dataset.first = 'yes'")
        seen, colours, end = [], [], time.monotonic() + 60
        while len(set(seen)) < 3 and time.monotonic() < end:
            seen.append(eyes.driver.execute_script("return document.body.dataset.page"))
            colours.append(middle_colours(eyes))
            time.sleep(0.5)
        assert (
            eyes.driver.execute_script("return document.querySelector('#map canvas').dataset.first") == "yes"
        )
        assert eyes.driver.execute_script("return document.querySelectorAll('#map canvas').length") == 1
        assert min(colours) > 12, colours
        assert len(set(seen)) >= 3, seen
        assert {urlparse(each).netloc for each in eyes.requests()} == {urlparse(wall).netloc}
        assert eyes.failures() == []


def middle_colours(eyes: Browser) -> int:
    """How many different colours the map shows between the columns."""
    import cv2
    import numpy as np

    shot = cv2.imdecode(np.frombuffer(eyes.driver.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
    height, width = shot.shape[:2]
    middle = shot[height // 5 : height * 2 // 3, width * 3 // 10 : width * 7 // 10]
    return len(np.unique(middle.reshape(-1, 3) // 8, axis=0))


def test_figures_are_renewed_without_touching_the_map(wall: str, open_browser: Open) -> None:
    with open_browser(960, 540) as eyes:
        eyes.open(f"{wall}?page=pipes&hold=1&lang=en")
        until(eyes, "window.huiyanFlight?.deck?.layerManager?.layers.every((each) => each.isLoaded)", 120)
        until(eyes, "window.huiyanFlight.frames > 2", 120)
        time.sleep(2)

        def asked(part: str) -> int:
            return sum(part in each for each in eyes.requests())

        tiles, figures = asked("/api/tiles/"), asked("/api/wall/")
        stamp = eyes.driver.execute_script("return document.getElementById('stamp').textContent")
        WebDriverWait(eyes.driver, 60).until(lambda _: asked("/api/wall/") >= figures + 4)
        assert asked("/api/tiles/") == tiles > 0
        assert eyes.driver.execute_script("return document.getElementById('stamp').textContent") != stamp


def test_a_lost_database_leaves_the_last_good_figures_and_their_age(
    wall: str, cable: Cable, open_browser: Open
) -> None:
    told = "[...document.querySelectorAll('.value')].map((each) => each.textContent).join('|')"
    with open_browser(1280, 720) as eyes:
        without_map(eyes)
        eyes.open(f"{wall}?page=cameras&hold=1&lang=en")
        until(eyes, page_is("cameras"))
        until(eyes, "document.getElementById('stamp').className === ''")
        good = eyes.driver.execute_script(f"return {told}")
        cable.cut()
        try:
            until(eyes, "document.getElementById('stamp').className === 'old'", 40)
            assert "s ago" in eyes.driver.execute_script(
                "return document.getElementById('stamp').textContent"
            )
            assert eyes.driver.execute_script(f"return {told}") == good
        finally:
            cable.mend()
        until(eyes, "document.getElementById('stamp').className === ''", 40)
        assert eyes.driver.execute_script(f"return {told}") == good
