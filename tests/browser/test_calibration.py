"""Marks on the Calibration screen as a reader sets them: by pointer and by keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from urllib.parse import urlparse

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.chrome import Browser

pytestmark = [pytest.mark.browser, pytest.mark.postgis]

Open = Callable[..., AbstractContextManager[Browser]]
SURFACES = """
return [...document.querySelectorAll('*')].filter(e => e.shadowRoot && e.shadowRoot.querySelector('.maker'))
  .map(e => e.shadowRoot.querySelector('.maker > svg'))
"""
AT = """
const svg = arguments[0]; svg.scrollIntoView({block: 'center'});
const p = new DOMPoint(arguments[1], arguments[2]).matrixTransform(svg.getScreenCTM()), r = svg.getBoundingClientRect();
return [p.x - r.left - r.width / 2, p.y - r.top - r.height / 2]
"""
MARKS = "return [...arguments[0].querySelectorAll('.mark')].map(m => m.getAttribute('aria-label'))"


class Surfaces:
    """The picture and the plan."""

    def __init__(self, eyes: Browser) -> None:
        self.eyes = eyes

    def one(self, number: int) -> WebElement:
        """0: the picture, 1: the plan."""
        found = WebDriverWait(self.eyes.driver, 60).until(
            lambda d: each if len(each := d.execute_script(SURFACES)) == 2 else None
        )
        return found[number]

    def marks(self, number: int) -> list[list[float]]:
        """Places of the marks, as they are read out."""
        told = self.eyes.driver.execute_script(MARKS, self.one(number))
        return [[float(each) for each in label.split(": ")[1].split(", ")] for label in told]

    def offset(self, number: int, x: float, y: float) -> tuple[int, int]:
        """A place of a surface from the middle of its element, in pixels of the screen."""
        dx, dy = self.eyes.driver.execute_script(AT, self.one(number), x, y)
        return round(dx), round(dy)

    def click(self, number: int, x: float, y: float) -> None:
        """Clicks a place and waits until the page has taken it over."""
        ActionChains(self.eyes.driver).move_to_element_with_offset(
            self.one(number), *self.offset(number, x, y)
        ).click().perform()
        self.eyes.wait_settled(30, quiet_s=0.8)

    def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what the page says after it has run."""
        WebDriverWait(self.eyes.driver, 60).until(lambda _driver: holds())

    def drag(self, number: int, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drags from one place to another."""
        a, b = self.offset(number, *start), self.offset(number, *end)
        chain = ActionChains(self.eyes.driver).move_to_element_with_offset(self.one(number), *a)
        chain.click_and_hold().move_by_offset(9, 0).move_by_offset(b[0] - a[0] - 9, b[1] - a[1])
        chain.release().perform()
        self.eyes.wait_settled(30, quiet_s=0.8)

    def press(self, *keys: str) -> None:
        """Presses keys where the focus is."""
        ActionChains(self.eyes.driver).send_keys(*keys).perform()
        self.eyes.wait_settled(30, quiet_s=0.8)


@pytest.fixture
def surfaces(open_browser: Open, address: str) -> Iterator[Surfaces]:
    """Both, with the demonstration's reference points."""
    with open_browser(1440, 1200) as eyes:
        eyes.open(f"{address}/calibration?lang=en")
        eyes.wait_settled(90)
        yield Surfaces(eyes)


def test_a_point_is_set_moved_dragged_and_taken_out(surfaces: Surfaces) -> None:
    before = surfaces.marks(0)
    assert len(before) == len(surfaces.marks(1)) >= 4
    surfaces.click(0, 400, 450)
    assert len(surfaces.marks(0)) == len(before) + 1
    x, y = surfaces.marks(0)[-1]
    assert abs(x - 400) < 3 and abs(y - 450) < 3
    asked = f"Point {len(before) + 1} has no place on the map yet"
    surfaces.until(lambda: asked in surfaces.eyes.text())

    surfaces.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert surfaces.marks(0)[-1] == pytest.approx([x + 2, y - 1]), "the focus stays on the point"

    surfaces.drag(0, (x + 2, y - 1), (300, 440))
    moved = surfaces.marks(0)[-1]
    assert abs(moved[0] - 300) < 3 and abs(moved[1] - 440) < 3
    assert len(surfaces.marks(0)) == len(before) + 1

    surfaces.click(1, *[sum(each) / len(before) for each in zip(*plan(surfaces), strict=True)])
    assert len(surfaces.marks(1)) == len(before) + 1
    surfaces.until(lambda: asked not in surfaces.eyes.text())

    surfaces.press(Keys.DELETE)
    surfaces.until(lambda: asked in surfaces.eyes.text())
    assert len(surfaces.marks(1)) == len(before)
    assert surfaces.marks(0)[: len(before)] == before, "nothing else has moved"
    assert {urlparse(each).netloc for each in surfaces.eyes.requests()} == {
        urlparse(surfaces.eyes.driver.current_url).netloc
    }
    assert not surfaces.eyes.driver.find_elements(By.CSS_SELECTOR, '[data-testid="stException"]')


def plan(surfaces: Surfaces) -> list[list[float]]:
    """Marks of the plan as it draws them: downwards."""
    return [[x, -y] for x, y in surfaces.marks(1)]


def test_clicks_that_follow_fast_are_all_taken(surfaces: Surfaces) -> None:
    before = len(surfaces.marks(0))
    for x in (100, 160, 220, 280):
        chain = ActionChains(surfaces.eyes.driver)
        chain.move_to_element_with_offset(surfaces.one(0), *surfaces.offset(0, x, 500)).click().perform()
    surfaces.eyes.wait_settled(30)
    found = surfaces.marks(0)[before:]
    assert [round(x / 20) * 20 for x, _ in found] == [100, 160, 220, 280]
    surfaces.eyes.wait_settled(30)
    assert surfaces.marks(0)[before:] == found, "the page's echo takes none back"
