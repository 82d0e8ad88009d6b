"""The two surfaces of the Calibration screen: the camera's newest picture, and the ground about the camera."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely

from analysis.vision.calibration import Homography
from analysis.vision.rules import RULES
from geodata import database
from geodata.queries.calibrations import PictureDesk, hull_px, surroundings, zone_on_ground
from layers.catalogue import LAYERS
from layers.i18n import N_
from pages import cached
from pages.session import language, recall, remember, words
from pages.widgets.legend import source_line
from pages.widgets.marking import Overlay, Surface

__all__ = [
    "REACHES_M",
    "default_reach_m",
    "downwards",
    "picture_hull",
    "picture_surface",
    "plan_hull",
    "plan_source",
    "plan_surface",
    "plan_zones",
    "rule_name",
    "scale_bar",
    "upwards",
    "zone_title",
]

REACHES_M = (30, 60, 120, 200, 300)
SHOWN = ("buildings", "streets", "kerbs", "lamps", "camera_views")
BAR_M = {30: 5, 60: 10, 120: 20, 200: 50, 300: 50}


def default_reach_m(desk: PictureDesk) -> int:
    """How much ground on each side of the camera holds its reference points, or else its view."""
    bare = desk.stored is None or not len(desk.stored.ground_m)
    far = desk.range_m if bare else 1.2 * float(np.abs(desk.stored.ground_m).max())
    return next((reach for reach in REACHES_M if reach >= far), REACHES_M[-1])


def picture_surface(desk: PictureDesk) -> Surface:
    """The newest picture, in pixels; an empty one where none is kept."""
    assert desk.size_px is not None
    width, height = desk.size_px
    image = None if desk.picture is None else f"/api/pictures/sample/{desk.picture.id}.jpg"
    says = words(N_("Newest picture of the camera, {width} × {height} px"), width=width, height=height)
    return Surface((0, 0, width, height), says, "px", 1, 1, image)


def plan_surface(revision: int, desk: PictureDesk, reach_m: int) -> Surface:
    """The ground about the camera, in metres east and, downwards, south of it."""
    key = f"plan_{desk.id}_{reach_m}"
    held = recall(key)
    if held is None or held[0] != revision:
        with database.connection() as conn:
            held = revision, _paths(surroundings(conn, desk, reach_m), reach_m)
        remember(key, held)
    says = words(N_("Map about the camera, {side} m wide, north is up"), side=2 * reach_m)
    box = (-reach_m, -reach_m, 2 * reach_m, 2 * reach_m)
    return Surface(box, says, "m", 0.1, 2, None, held[1], -1, _opening(desk, reach_m))


def _opening(desk: PictureDesk, reach_m: int) -> tuple[float, float, float] | None:
    """A square about the camera and its reference points."""
    if desk.stored is None or not len(desk.stored.ground_m):
        return None
    x, y = np.vstack([desk.stored.ground_m * (1, -1), [(0.0, 0.0)]]).T
    wide = min(1.35 * max(np.ptp(x), np.ptp(y)), 2.0 * reach_m)
    left, top = (float((each.min() + each.max() - wide) / 2) for each in (x, y))
    most = reach_m - wide
    return max(-reach_m, min(left, most)), max(-reach_m, min(top, most)), float(wide)


def plan_source(revision: int) -> None:
    """Where the plan's lines come from."""
    source_line(cached.register(revision), [LAYERS[name] for name in SHOWN if name in LAYERS])


def downwards(ground_m: Sequence[Sequence[float]] | np.ndarray) -> list[tuple[float, float]]:
    """Metres east and north → a plan's x and y."""
    return [(float(x), -float(y)) for x, y in ground_m]


def upwards(places: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """A plan's x and y → metres east and north."""
    return downwards(places)


def scale_bar(reach_m: int) -> list[Overlay]:
    """How long the bar in the plan's corner is."""
    return [Overlay("", f"{BAR_M[reach_m]} m", [(-reach_m * 0.94, reach_m * 0.93)], closed=False)]


def picture_hull(fit: Homography | None) -> list[Overlay]:
    """Where the calibration holds, on the picture."""
    if fit is None:
        return []
    return [Overlay("hull", words(N_("calibrated")), hull_px(fit))]


def plan_hull(fit: Homography | None) -> list[Overlay]:
    """The same on the plan."""
    if fit is None:
        return []
    corners = np.asarray(hull_px(fit))
    return (
        [Overlay("hull", words(N_("calibrated")), downwards(fit.to_ground(corners)))]
        if fit.sees_ground(corners).all()
        else []
    )


def plan_zones(desk: PictureDesk, fit: Homography | None, but: int | None = None) -> list[Overlay]:
    """The parts of the zones that the calibration can place, on the plan."""
    if fit is None:
        return []
    return [
        Overlay(
            "zone" if zone.enabled else "zone_off",
            zone_title(zone),
            downwards(zone_on_ground(fit, zone.polygon_px)),
        )
        for zone in desk.zones
        if zone.id != but
    ]


def rule_name(kind: str) -> str:
    """A kind of rule in words; as it is stored where nobody knows it."""
    return words(RULES[kind].label) if kind in RULES else kind


def zone_title(zone: object) -> str:
    """The title of a zone in the visitor's language."""
    return str(zone.title_zh if language() == "zh-CN" else zone.title_en)  # type: ignore[attr-defined]


def _paths(shapes: dict[str, gpd.GeoSeries], reach_m: int) -> list[tuple[str, str]]:
    """Kind and SVG path, from the ground up."""
    room = shapely.box(*(np.array([-1, -1, 1, 1]) * (reach_m + 20)))
    found = []
    for kind in ("building", "view", "walk", "street", "kerb", "lamp"):
        inside = shapely.intersection(shapely.make_valid(shapes[kind].to_numpy()), room)
        path = "".join(_path(part) for part in shapely.get_parts(inside))
        if path:
            found.append((kind, path))
    low, left, bar = reach_m * 0.94, -reach_m * 0.94, BAR_M[reach_m]
    found.append(("camera", "M-1.2 0a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0 -2.4 0Z"))
    found.append(("scale", f"M{left:.1f} {low:.1f}h{bar}"))
    return found


def _path(shape: shapely.Geometry) -> str:
    if shape.geom_type == "Point":
        return f"M{shape.x:.2f} {-shape.y:.2f}h0"
    if shape.geom_type == "LineString":
        return _line(shape, "")
    if shape.geom_type == "Polygon":
        return "".join(_line(ring, "Z") for ring in (shape.exterior, *shape.interiors))
    return "".join(_path(part) for part in shapely.get_parts(shape)) if hasattr(shape, "geoms") else ""


def _line(line: shapely.Geometry, end: str) -> str:
    return "M" + "L".join(f"{x:.2f} {-y:.2f}" for x, y in shapely.get_coordinates(line)) + end
