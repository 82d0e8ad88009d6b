"""The screens as a reader meets them: a real browser, the real process, real tiles."""

from __future__ import annotations

import contextlib
import math
import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from urllib.parse import urlparse

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import text

from geodata import database
from geodata.queries.datasets import loaded_town
from geodata.settings import settings
from layers.catalogue import LAYERS
from layers.i18n import translate
from tests.browser.chrome import MAP, Browser

pytestmark = [pytest.mark.browser, pytest.mark.postgis]

Open = Callable[..., AbstractContextManager[Browser]]

SCREENS = {
    "": "Overview",
    "?show=units": "Overview",
    "cameras": "Cameras",
    "review": "Building review",
    "parking": "Parking",
    "hot-spots": "Hot spots",
    "video": "Video",
    "calibration": "Calibration",
    "scenes": "Scenes",
    "data": "Data",
}
PROBED = re.compile(
    r"/(cameras|review|parking|hot-spots|video|calibration|scenes|data)/_stcore/(health|host-config)"
)
"""On a deep link Streamlit's front-end asks these two beside the screen before it finds the root: 404, and benign."""
LEAST_COLOURS = 12
TRIES = 6


@pytest.fixture(scope="module", params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def window(request: pytest.FixtureRequest, open_browser: Open) -> Iterator[Browser]:
    """A browser of a desk's or a phone's size."""
    with open_browser(*request.param) as eyes:
        yield eyes


@pytest.fixture(scope="module")
def eyes(open_browser: Open) -> Iterator[Browser]:
    """A browser of a desk's size that wishes for English."""
    with open_browser() as found:
        yield found


def screen(address: str, path: str) -> str:
    """Where a screen is, in English."""
    return f"{address}/{path}{'&' if '?' in path else '?'}lang=en"


def shown(eyes: Browser, address: str) -> Browser:
    """A page that has come to rest."""
    eyes.open(address)
    eyes.wait_settled(quiet_s=0.8)
    return eyes


def tile_layers(addresses: list[str]) -> dict[str, list[str]]:
    """Layer → addresses of its tiles."""
    found: dict[str, list[str]] = {}
    for each in addresses:
        if match := re.match(r"/api/tiles/(\w+)/\d+/\d+/\d+\.pbf$", urlparse(each).path):
            found.setdefault(match[1], []).append(each)
    return found


def without_probes(lines: list[str]) -> list[str]:
    """What is left of complaints without the two known ones."""
    return [line for line in lines if not PROBED.search(line)]


def test_the_overview_is_painted_from_our_own_tiles_alone(eyes: Browser, address: str) -> None:
    shown(eyes, address)
    assert eyes.wait_painted() > LEAST_COLOURS
    asked = eyes.requests()
    hosts = {urlparse(each).netloc for each in asked}
    assert hosts == {urlparse(address).netloc}, "no request leaves the machine"
    assert eyes.failures() == []
    assert eyes.complaints() == []

    tiles = tile_layers(asked)
    assert set(tiles) >= {each.id for each in LAYERS.values() if each.shown}
    for layer in ("unit_cells", "streets", "buildings", "cameras"):
        sizes = [len(urllib.request.urlopen(each, timeout=60).read()) for each in tiles[layer]]
        assert max(sizes) > 0, layer
    assert any(urlparse(each).path == "/assets/mvt-worker.js" for each in asked)


def lonely_cell() -> tuple[str, tuple[float, float], tuple[float, float], float]:
    """Code and middle of the cell nearest the town's centre whose middle has no point nearby; centre and zoom."""
    with database.connection() as conn:
        town = loaded_town(conn)
        found = conn.execute(
            text(
                "SELECT code, ST_X(p), ST_Y(p) FROM (SELECT code, geom, ST_Centroid(geom) AS p FROM unit_cell) c"
                " WHERE ST_Covers(geom, p)"
                " AND NOT EXISTS (SELECT FROM camera k WHERE ST_DWithin(k.geom::geography, p::geography, 25))"
                " AND NOT EXISTS (SELECT FROM finding f WHERE ST_DWithin(f.geom::geography, p::geography, 25))"
                " ORDER BY p <-> ST_SetSRID(ST_MakePoint(:lon, :lat), ST_SRID(p)) LIMIT 1"
            ),
            {"lon": town.centre[0], "lat": town.centre[1]},
        ).one()
    return found[0], (found[1], found[2]), town.centre, town.zoom


def on_screen(
    place: tuple[float, float], centre: tuple[float, float], zoom: float, pitch_deg: float, height_px: float
) -> tuple[float, float]:
    """Pixels right of and below the map's middle, as deck.gl's camera, 1.5 map heights away, sees a place."""
    scale = 512 * 2**zoom / 360
    east = (place[0] - centre[0]) * scale
    north = (place[1] - centre[1]) * scale / math.cos(math.radians(centre[1]))
    pitch = math.radians(pitch_deg)
    nearness = 1.5 * height_px / (1.5 * height_px + north * math.sin(pitch))
    return east * nearness, -north * math.cos(pitch) * nearness


def test_layers_go_and_a_click_on_a_cell_shows_its_facts(
    open_browser: Open, address: str, town_database: str
) -> None:
    code, place, centre, zoom = lonely_cell()
    with open_browser(960, 900) as eyes:
        shown(eyes, address)
        for title in ("Buildings in 3-D", "Streets", "Visible areas", "Cameras", "Video findings"):
            button = f'//*[@data-testid="stButtonGroup"]//button[normalize-space()="{title}"]'
            # on a busy machine the first run of the page may begin after the browser has come to rest
            WebDriverWait(eyes.driver, 60).until(lambda driver, at=button: driver.find_elements(By.XPATH, at))
            eyes.driver.find_element(By.XPATH, button).click()
            eyes.wait_settled(quiet_s=0.5)
        eyes.wait_painted()
        canvas = eyes.driver.find_element(By.CSS_SELECTOR, MAP)
        right, down = on_screen(place, centre, zoom, 40, canvas.size["height"])
        # only a short press is a click, and drawing by software may make any press long
        for _ in range(TRIES):
            click = ActionChains(eyes.driver, duration=50)
            click.move_to_element_with_offset(canvas, round(right), round(down)).pause(1)
            click.click_and_hold().release().perform()
            with contextlib.suppress(TimeoutException):
                WebDriverWait(eyes.driver, 4).until(lambda _: re.search(r"Unit cell \d{15}", eyes.text()))
                break
        eyes.wait_settled(quiet_s=0.3)
        said = eyes.text()
        assert f"Unit cell {code}" in said
        for fact in ("Community", "Ground seen", "Reports by people", "Violations per hour of full view"):
            assert fact in said
        assert eyes.complaints() == []


def test_chinese_words_in_a_chinese_font_of_our_own(eyes: Browser, address: str) -> None:
    font = settings().assets_dir / "noto-sans-sc-chinese-simplified-400.woff2"
    if not font.is_file():
        if os.environ.get("CI"):
            pytest.fail("the font is not set up; make setup")
        pytest.skip("the font is not set up; make setup")
    shown(eyes, f"{address}/?lang=zh-CN")
    heading = translate("Overview", "zh-CN")
    assert heading != "Overview"
    eyes.wait_says(translate("Cells without evidence", "zh-CN"))
    assert eyes.driver.find_element(By.TAG_NAME, "h1").text == heading
    assert f"{address}/assets/{font.name}" in eyes.requests()
    loaded = eyes.driver.execute_script(
        "return [...document.fonts].filter(f => f.status === 'loaded' && f.unicodeRange.includes('U+3400')).length"
    )
    assert loaded > 0
    assert {urlparse(each).netloc for each in eyes.requests()} == {urlparse(address).netloc}
    assert eyes.failures() == []


@pytest.mark.parametrize("path", SCREENS)
def test_every_screen_at_a_desk_and_on_a_phone(window: Browser, address: str, path: str) -> None:
    shown(window, screen(address, path))
    facts = window.driver.execute_script(
        """
        const heading = document.querySelector('h1'), box = heading.getBoundingClientRect();
        const over = document.elementFromPoint(box.left + Math.min(20, box.width / 2), box.top + box.height / 2);
        const main = document.querySelector('[data-testid="stMain"]');
        return {
          heading: heading.textContent,
          uncovered: heading.contains(over) || over.contains(heading),
          exceptions: document.querySelectorAll('[data-testid="stException"]').length,
          alerts: document.querySelectorAll('[data-testid$="ContentError"], [data-testid$="ContentWarning"]').length,
          width: window.innerWidth,
          page: document.documentElement.scrollWidth,
          main: main.scrollWidth - main.clientWidth,
        };
        """
    )
    assert facts["heading"] == SCREENS[path]
    assert facts["uncovered"], "nothing lies over the heading"
    assert facts["exceptions"] == 0
    assert facts["alerts"] == (1 if path == "video" else 0), "on the wall: no video worker runs here"
    assert facts["page"] <= facts["width"] + 2 and facts["main"] <= 2, "nothing to scroll sideways"
    assert without_probes(window.failures()) == []
    assert without_probes(window.complaints()) == []
    assert {urlparse(each).netloc for each in window.requests()} == {urlparse(address).netloc}
