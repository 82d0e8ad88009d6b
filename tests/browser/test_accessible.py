"""Everybody can use the screens: in light and in dark, read by a program, and by keyboard alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.accessibility import AXE, grave_faults
from tests.browser.chrome import Browser
from tests.browser.test_overview import SCREENS, screen, shown

pytestmark = [pytest.mark.browser, pytest.mark.postgis]

Open = Callable[..., AbstractContextManager[Browser]]
MOST_TABS = 90
FOCUS = """
let at = document.activeElement;
if (!at || at === document.body) return null;
at.dataset.hyReached = "1";
while (at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement;
const style = getComputedStyle(at), around = getComputedStyle(at.parentElement);
const box = at.getBoundingClientRect();
return {
  what: at.tagName + " " + (at.getAttribute("aria-label") || at.textContent || "").trim().slice(0, 40),
  seen: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none"
    || around.boxShadow !== "none" || around.outlineStyle !== "none",
  small: box.width < 1 || box.height < 1,
};
"""
MISSED = """
const wanted = 'a[href], button, input, select, textarea, [role="slider"], [role="combobox"]';
return [...document.querySelectorAll(wanted)].filter(each => {
  const box = each.getBoundingClientRect(), style = getComputedStyle(each);
  if (each.disabled || box.width < 2 || box.height < 2 || style.visibility === "hidden") return false;
  if (each.dataset.hyReached || each.closest("[data-hy-reached]")) return false;
  const group = each.closest('[role="radiogroup"]');  // one stop; arrows go from one to the next
  return !(group && group.querySelector("[data-hy-reached]"));
}).map(each => each.outerHTML.slice(0, 140));
"""


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def lit(request: pytest.FixtureRequest, open_browser: Open) -> Iterator[Browser]:
    """A browser on a machine that wishes for light or for dark."""
    if not AXE.is_file():
        if os.environ.get("CI"):
            pytest.fail("axe-core is not set up; make test brings it")
        pytest.skip("axe-core is not set up; make test brings it")
    with open_browser(dark=request.param) as eyes:
        yield eyes


@pytest.mark.parametrize("path", SCREENS)
def test_no_grave_fault_on_any_screen_in_light_and_in_dark(lit: Browser, address: str, path: str) -> None:
    lit.open(screen(address, path))
    lit.wait_settled(quiet_s=0.3)
    assert grave_faults(lit) == []


def test_the_visitor_chooses_dark_and_it_stays_on_other_screens(open_browser: Open, address: str) -> None:
    with open_browser() as eyes:
        shown(eyes, f"{address}/?lang=en")
        assert ground(eyes) > 200
        button = WebDriverWait(eyes.driver, 60).until(lambda _: switch(eyes, "Dark"))
        eyes.driver.execute_script("window.before = true; arguments[0].click()", button)
        WebDriverWait(eyes.driver, 60).until(lambda d: not d.execute_script("return window.before"))
        eyes.wait_settled(quiet_s=0.8)
        assert ground(eyes) < 60
        shown(eyes, f"{address}/data?lang=en")
        assert ground(eyes) < 60
        pressed = switch(eyes, "Dark")
        assert pressed is not None and pressed.get_attribute("aria-pressed") == "true"


def test_every_control_of_the_overview_is_reached_by_tab_and_is_seen_there(
    open_browser: Open, address: str
) -> None:
    with open_browser() as eyes:
        shown(eyes, f"{address}/?lang=en")
        body, unseen = eyes.driver.find_element(By.TAG_NAME, "body"), []
        body.send_keys(Keys.TAB)
        for _ in range(MOST_TABS):
            told = eyes.driver.execute_script(FOCUS)
            if told is None:
                break
            if not told["seen"] and not told["small"]:
                unseen.append(told["what"])
            eyes.driver.switch_to.active_element.send_keys(Keys.TAB)
        assert eyes.driver.execute_script(MISSED) == [], "no control is left out"
        assert unseen == [], "whoever goes by keyboard sees where they are"


def ground(eyes: Browser) -> float:
    """Mean of red, green and blue behind the screen, 0 to 255."""
    return float(
        eyes.driver.execute_script(
            "const said = getComputedStyle(document.querySelector('.stApp')).backgroundColor;"
            "const [r, g, b] = said.match(/[0-9.]+/g).map(Number); return (r + g + b) / 3"
        )
    )


def switch(eyes: Browser, name: str) -> WebElement | None:
    """The button of a light, inside its component; None while it is not there."""
    found: WebElement | None = eyes.driver.execute_script(
        "const all = node => [...node.querySelectorAll('*')].flatMap("
        "  each => [each, ...(each.shadowRoot ? all(each.shadowRoot) : [])]);"
        "return all(document).find(each => each.tagName === 'BUTTON' && each.hasAttribute('aria-pressed')"
        "  && each.textContent === arguments[0]) || null",
        name,
    )
    return found
