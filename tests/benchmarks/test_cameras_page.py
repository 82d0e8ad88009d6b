"""
The Cameras screen at the scale of haining: what one change costs.

The town is made and loaded first, which takes some minutes where HUIYAN_BENCH_HAINING names no folder that
keeps it.
Timed is the server's part: the change written, views and coverage computed, page and map described
anew. What the browser then does with that is not in it; `tests/pages/test_repaint.py` counts what it is sent.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from geodata import database
from geodata.commands import scenarios as commands
from geodata.queries.poses import Pose
from geodata.queries.scenarios import read_scenario
from geodata.settings import ROOT
from geodata.towns.town import find_town
from pages.widgets.map import Click
from tests.benchmarks.conftest import Row
from tests.conftest import chosen

TURNS = 9


@pytest.fixture(scope="module")
def town(haining: str) -> Iterator[str]:
    """Haining is this process's database."""
    with chosen(haining) as url:
        yield url


def _button(app: AppTest) -> str:
    """Key of the button that takes over what the sliders show."""
    return next(str(each.key) for each in app.button if str(each.key).endswith("_apply"))


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds that pass, and seconds of the processor."""
    began, worked = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - began, time.process_time() - worked


def test_one_change_of_a_scenario(row: Row, town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A camera in the middle of the town is turned by its slider, then "Turn so" is pressed, nine times; medians.

    The press runs the page's script up to the button, writes the change, and runs the script once more.
    """
    monkeypatch.setattr("pages.widgets.map.peek", lambda _key: None)
    token = commands.create_scenario("Bench")
    commands.add_cameras(token, [Pose(*find_town("haining").centre, 0.0, range_m=120.0)])
    app = AppTest.from_file(ROOT / "pages" / "camera_planning.py", default_timeout=300)
    app.query_params["scenario"], app.query_params["lang"] = token, "en"
    began = time.perf_counter()
    app.run()
    row("first visit of Cameras, haining, nothing read ahead", time.perf_counter() - began, 0, "s", True)
    with database.connection() as conn:
        [item] = read_scenario(conn, token).items.index
    monkeypatch.setattr("pages.widgets.map.peek", lambda _key: Click("items", {"key": int(item)}))
    app.run()
    slid, pressed = [], []
    for turn in range(TURNS):
        key = _button(app)
        app.slider(key=key.replace("_apply", "_heading_deg")).set_value(float((37 * turn + 20) % 360))
        slid.append(_timed(app.run))
        pressed.append(_timed(app.button(key=key).click().run))
        assert not app.exception and not app.error
    for name, seconds in (("while a slider moves", slid), ("repainted after one change", pressed)):
        took, worked = (statistics.median(each) for each in zip(*seconds, strict=True))
        row(f"page {name}, haining, server's part", took, 1, "s", took <= 1)
        row(f"page {name}, haining, processor of the web process", worked, 0, "s", True)
