"""What a camera sees as far as its heading is known, and how sharp its picture is where it sees farthest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sqlalchemy import text

from analysis.visibility import DORI_PX_PER_M, pixel_density
from geodata import database
from geodata.export.geojson import geojson_stream
from geodata.queries.figures import camera_facts
from geodata.queries.frames import read_table
from geodata.queries.headings import seen_interval
from geodata.towns.town import find_town
from layers.catalogue import LAYERS

pytestmark = pytest.mark.postgis

TOWN = find_town("helsinki")


def change(sql: str, **values: object) -> None:
    with database.transaction() as session:
        session.execute(text(sql), values)


def uncertain() -> int:
    """A camera that looks one way, of the widest view."""
    with database.connection() as conn:
        found: int = conn.execute(
            text(
                "SELECT c.id FROM camera c JOIN camera_view v ON v.camera_id = c.id WHERE c.heading_sd_deg > 0"
                " AND c.kind <> 'ptz' AND c.hfov_deg < 180 ORDER BY v.area_m2 DESC, c.id LIMIT 1"
            )
        ).scalar_one()
    return found


def test_what_is_seen_lies_between_bounds_that_close_as_the_heading_becomes_known(town_copy: str) -> None:
    camera = uncertain()
    widths = []
    for spread in (20.0, 5.0, 0.5):
        change("UPDATE camera SET heading_sd_deg = :spread WHERE id = :id", spread=spread, id=camera)
        with database.connection() as conn:
            found = seen_interval(conn, TOWN, camera)
            stored = conn.scalar(
                text("SELECT area_m2 FROM camera_view WHERE camera_id = :id"), {"id": camera}
            )
        assert found is not None and found.sd_deg == spread
        assert 0 < found.lower_m2 <= found.mean_m2 <= found.upper_m2
        widths.append(found.upper_m2 - found.lower_m2)
    assert widths[0] > widths[1] > widths[2]
    assert found.lower_m2 * 0.99 <= stored <= found.upper_m2 * 1.01


@pytest.mark.parametrize(
    "surveyed",
    ["heading_sd_deg = 0", "hfov_deg = 360", "kind = 'ptz'", "state = 'offline'", "height_m = -1"],
)
def test_no_interval_where_the_heading_decides_nothing(town_copy: str, surveyed: str) -> None:
    camera = uncertain()
    change(f"UPDATE camera SET {surveyed} WHERE id = :id", id=camera)
    with database.connection() as conn:
        assert seen_interval(conn, TOWN, camera) is None
        assert seen_interval(conn, TOWN, 10**9) is None


def test_sharpness_at_the_far_end_is_that_of_the_standard(town_database: str) -> None:
    layer = LAYERS["cameras"]
    stream = geojson_stream("cameras", layer.export, layer.title, layer.method, layer.datasets)
    features = json.loads(b"".join(stream))["features"]
    with database.connection() as conn:
        eyes = read_table(conn, "SELECT * FROM camera ORDER BY id").set_index("code")
    seeing = 0
    for each in (feature["properties"] for feature in features):
        eye = eyes.loc[each["code"]]
        stitched = eye["hfov_deg"] >= 180
        pixels = eye["resolution_px"] * (90 / eye["hfov_deg"] if stitched else 1)
        away = np.hypot(eye["range_m"], eye["height_m"])
        wanted = float(pixel_density(pixels, 90.0 if stitched else eye["hfov_deg"], away))
        assert each["far_px_per_m"] == pytest.approx(wanted, abs=0.06)
        assert each["heading_sd_deg"] == pytest.approx(eye["heading_sd_deg"], abs=0.06)
        if each["detect_m"] is not None and each["kind"] != "ptz":
            tasks = [task for task, least in DORI_PX_PER_M.items() if wanted >= least]
            assert each["far_task"] == (tasks[-1] if tasks else None)
            seeing += 1
    assert seeing > 100
    with database.connection() as conn:
        facts = camera_facts(conn, int(eyes.loc[each["code"], "id"]))
    assert facts is not None and facts["far_px_per_m"] == pytest.approx(each["far_px_per_m"], abs=0.06)
    assert facts["far_task"] == each["far_task"]
