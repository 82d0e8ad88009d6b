"""What is wrong with which camera or footprint: every bad row told, so that the good ones can go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer

from analysis.checks import require_columns, require_metric
from analysis.crs import DISPLAY_EPSG, WEB_EPSG, from_datum
from analysis.errors import InputError
from analysis.visibility.obstacles import polygon_parts

__all__ = ["camera_faults", "column_values", "first_fault", "footprint_faults"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Shapes = npt.NDArray[np.object_]
Fault: TypeAlias = tuple[int, InputError]


@dataclass(frozen=True)
class _Rule:
    """Which values a column may hold, as an interval and as a test, and whether it may be empty."""

    interval: str
    good: Callable[[Floats], Mask]
    gaps: bool = True


_NEEDED = {
    "heading_deg": _Rule("[0, 360)", lambda v: (v >= 0) & (v < 360), gaps=False),
    "hfov_deg": _Rule("(0, 360]", lambda v: (v > 0) & (v <= 360), gaps=False),
    "range_m": _Rule("(0, ∞)", lambda v: (v > 0) & np.isfinite(v), gaps=False),
}
_OPTIONAL = {
    "height_m": _Rule("[0, ∞)", lambda v: (v >= 0) & np.isfinite(v)),
    "tilt_deg": _Rule("[-90, 90]", lambda v: np.abs(v) <= 90),
    "vfov_deg": _Rule("(0, 180)", lambda v: (v > 0) & (v < 180)),
}
_FURTHER = {
    "heading_sd_deg": _Rule("[0, ∞)", lambda v: (v >= 0) & np.isfinite(v)),
    "resolution_px": _Rule("(0, ∞)", lambda v: (v > 0) & np.isfinite(v)),
    "pan_from_deg": _Rule("[0, 360)", lambda v: (v >= 0) & (v < 360)),
    "pan_to_deg": _Rule("[0, 360]", lambda v: (v >= 0) & (v <= 360)),
    "tilt_from_deg": _Rule("[-90, 90]", lambda v: np.abs(v) <= 90),
    "tilt_to_deg": _Rule("[-90, 90]", lambda v: np.abs(v) <= 90),
}
_MENDS = {
    "heading_deg": "Give degrees clockwise from north; 360 is 0.",
    "hfov_deg": "Give the horizontal field in degrees, 360 for a panorama.",
    "range_m": "Give the metres on the ground up to which the picture is used.",
    "height_m": "Give the metres of the lens above ground, or leave it empty.",
    "tilt_deg": "Give degrees below the horizon, or leave it empty.",
    "vfov_deg": "Give the vertical field in degrees, or leave it empty.",
    "heading_sd_deg": "Give the standard deviation of the heading in degrees, 0 where it was surveyed.",
    "resolution_px": "Give the pixels across the picture, or leave it empty.",
    "pan_from_deg": "Give degrees clockwise from north; 360 is 0.",
    "pan_to_deg": "Give degrees clockwise from north.",
    "tilt_from_deg": "Give degrees below the horizon, or leave it empty.",
    "tilt_to_deg": "Give degrees below the horizon, or leave it empty.",
}
_PLACE_MENDS = {
    "place": "Correct its position or leave it out.",
    "degrees": "Its coordinates are degrees: name them so and project them (analysis.crs.to_metric).",
    "exchanged degrees": "Its coordinates are degrees, latitude first: exchange and project them.",
    "exchanged": "Its coordinates are exchanged: give easting before northing.",
    "web": "Its coordinates are Web Mercator (EPSG:3857): name them so and project them.",
    "gcj02": "Read as GCJ-02 it stands on land: if it was taken from a web map, convert it to WGS 84.",
    "bd09": "Read as BD-09 it stands on land: if it was taken from a Baidu map, convert it to WGS 84.",
}


def camera_faults(
    cameras: gpd.GeoDataFrame, *, land: gpd.GeoDataFrame | gpd.GeoSeries | None = None
) -> pd.Series[Any]:
    """
    Every camera whose row cannot be used, and why; the others can go on without them.

    A row is bad if its geometry is not a point with finite coordinates; if a value is outside what its column
    may hold; if its coordinates are degrees although the frame is in metres; or if it stands outside `land`.

    Parameters
    ----------
    cameras
        As `visible_polygons` takes them.
    land
        Ground of the town without its water, Polygons in the CRS of `cameras`. A camera outside it is read once
        more as if its coordinates were degrees, exchanged, Web Mercator or those of a Chinese web map; if that
        puts it on land, the mend says so.

    Returns
    -------
    faults
        One `InputError` a bad row, the first found, indexed by its label, in the order of `cameras`. Leave
        these rows out: `cameras[~cameras.index.isin(faults.index)]`.

    Raises
    ------
    CrsError
        If a frame is not in metres, or the two differ.
    InputError
        If a needed column is missing.
    """
    require_metric(cameras=cameras) if land is None else require_metric(cameras=cameras, land=land)
    found = dict(_value_faults(cameras, _NEEDED | _OPTIONAL | _FURTHER))
    standing = np.setdiff1d(np.arange(len(cameras)), list(found))
    found |= dict(_place_faults(cameras, standing, land))
    return _series(found, cameras.index)


def first_fault(cameras: gpd.GeoDataFrame, *, turning: bool = False) -> InputError | None:
    """
    What is wrong with the first camera that can have no view: its geometry, or a value that a view depends on.

    If `turning`, values that tell where it may turn to count as well.
    """
    found = dict(_value_faults(cameras, _NEEDED | _OPTIONAL | (_FURTHER if turning else {})))
    return found[min(found)] if found else None


def footprint_faults(
    buildings: gpd.GeoDataFrame | gpd.GeoSeries, *, height_column: str | None = None
) -> pd.Series[Any]:
    """
    Every building that `prepare_obstacles` drops, repairs, or gives no height, and why.

    Parameters
    ----------
    buildings
        As `prepare_obstacles` takes them.
    height_column
        Column with heights, metres; an empty one is no fault.

    Returns
    -------
    faults
        One `InputError` a row, the first found, indexed by its label, in the order of `buildings`. A missing or
        empty footprint, a point or a line hides nothing; an invalid one is repaired; a height that is not
        above 0 counts as unknown.

    Raises
    ------
    CrsError
        If `buildings` is not in metres.
    InputError
        If the column is missing.
    """
    require_metric(buildings=buildings)
    shapes: Shapes = np.array(buildings.geometry.array, dtype=object)
    found: dict[int, InputError] = {}
    if height_column is not None and isinstance(buildings, gpd.GeoDataFrame):
        require_columns("buildings", buildings, height_column)
        heights = column_values(buildings, height_column)
        wrong = ~(np.isfinite(heights) & (heights > 0)) & buildings[height_column].notna().to_numpy()
        for row in np.flatnonzero(wrong):
            found[int(row)] = InputError(
                "{name} of building {row} must be in {rule}, but is {value}.",
                "Give the metres of the roof above ground, or leave it empty; till then it hides all behind it.",
                name=height_column,
                row=_label(buildings, row),
                rule="(0, ∞)",
                value=buildings[height_column].iloc[row],
            )
    for row in np.flatnonzero(~shapely.is_valid(shapes)):
        if shapes[row] is not None:
            found[int(row)] = InputError(
                "The footprint of building {row} is not valid: {reason}.",
                "It was repaired; draw it anew if the repair is wrong.",
                row=_label(buildings, row),
                reason=shapely.is_valid_reason(shapes[row]),
            )
    areal = polygon_parts(shapely.make_valid(shapes))[1]
    for row in np.setdiff1d(np.arange(len(shapes)), areal):
        found[int(row)] = InputError(
            "The footprint of building {row} is {value}, which hides nothing.",
            "Give it a polygon with area or leave it out.",
            row=_label(buildings, row),
            value=_kind(shapes[row]),
        )
    return _series(found, buildings.index)


def column_values(frame: pd.DataFrame, name: str) -> Floats:
    """A column as floats; not a number where it is missing or not a number."""
    values: Floats = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return values


def _series(found: dict[int, InputError], index: pd.Index[Any]) -> pd.Series[Any]:
    rows = sorted(found)
    return pd.Series([found[row] for row in rows], index=index[rows], dtype=object, name="fault")


def _label(frame: Any, row: Any) -> Any:
    """The label of a row, one of several levels as words."""
    label = frame.index[row]
    return ", ".join(map(str, label)) if isinstance(label, tuple) else label


def _kind(shape: Any) -> str:
    if shape is None:
        return "missing"
    return f"{shape.geom_type} EMPTY" if shape.is_empty else str(shape.geom_type)


def _value_faults(cameras: gpd.GeoDataFrame, rules: dict[str, _Rule]) -> Iterator[Fault]:
    """The faults of each bad row, last column first, so that the first one stays in a dict."""
    require_columns("cameras", cameras, *_NEEDED)
    if {"pan_from_deg", "pan_to_deg"} <= rules.keys() & set(cameras.columns):
        yield from _half_ranges(cameras)
    for name, rule in reversed(rules.items()):
        if name not in cameras:
            continue
        values = column_values(cameras, name)
        good = rule.good(values)
        if rule.gaps:
            good |= cameras[name].isna().to_numpy()
        for row in np.flatnonzero(~good):
            yield (
                int(row),
                InputError(
                    "{name} of camera {row} must be in {rule}, but is {value}.",
                    _MENDS[name],
                    name=name,
                    row=_label(cameras, row),
                    rule=rule.interval,
                    value=cameras[name].iloc[row],
                ),
            )
    yield from _shape_faults(cameras)


def _half_ranges(cameras: gpd.GeoDataFrame) -> Iterator[Fault]:
    gone = cameras[["pan_from_deg", "pan_to_deg"]].isna().to_numpy()
    for row in np.flatnonzero(gone[:, 0] != gone[:, 1]):
        yield (
            int(row),
            InputError(
                "Camera {row} has only one end of its pan range.",
                "Give both pan_from_deg and pan_to_deg, or neither.",
                row=_label(cameras, row),
            ),
        )


def _shape_faults(cameras: gpd.GeoDataFrame) -> Iterator[Fault]:
    shapes: Shapes = np.array(cameras.geometry.array, dtype=object)
    good = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)
    good[good] = np.isfinite(shapely.get_coordinates(shapes[good])).all(axis=1)
    for row in np.flatnonzero(~good):
        shape = shapes[row]
        point = shape is not None and shape.geom_type == "Point" and not shape.is_empty
        yield (
            int(row),
            InputError(
                "geometry of camera {row} must be a point in metres, but is {value}.",
                "Give it one position.",
                row=_label(cameras, row),
                value=shape.wkt if point else _kind(shape),
            ),
        )


def _place_faults(
    cameras: gpd.GeoDataFrame, standing: npt.NDArray[np.intp], land: gpd.GeoDataFrame | gpd.GeoSeries | None
) -> Iterator[Fault]:
    """Faults of rows with good values that stand where no camera of this frame can be."""
    spots = shapely.get_coordinates(np.array(cameras.geometry.array, dtype=object)[standing])
    if land is None:
        message = "geometry of camera {row} is ({x}, {y}), which are degrees, not metres."
        kinds = dict.fromkeys(np.flatnonzero(_degrees(spots, cameras.crs)).tolist(), "degrees")
    else:
        message = "geometry of camera {row} is ({x}, {y}), outside the land of the town."
        ground = shapely.union_all(np.array(land.geometry.array, dtype=object))
        shapely.prepare(ground)
        away = np.flatnonzero(~shapely.intersects_xy(ground, *spots.T))
        kinds = dict.fromkeys(away.tolist(), "place") | dict(_readings(spots, away, cameras.crs, ground))
    for at, kind in kinds.items():
        row = int(standing[at])
        x, y = (f"{value:.6g}" for value in spots[at])
        yield row, InputError(message, _PLACE_MENDS[kind], row=_label(cameras, row), x=x, y=y)


def _degrees(spots: Floats, crs: Any) -> Mask:
    """Which spots are longitude and latitude within the area of a system in metres."""
    area = crs.area_of_use
    if area is None:
        return np.zeros(len(spots), dtype=bool)
    lon, lat = spots.T
    return (lon >= area.west) & (lon <= area.east) & (lat >= area.south) & (lat <= area.north)


def _readings(
    spots: Floats, away: npt.NDArray[np.intp], crs: Any, ground: shapely.Geometry
) -> Iterator[tuple[int, str]]:
    """What coordinates of spots may be instead, if that would put them on land; the likeliest comes last."""
    to_metric = Transformer.from_crs(DISPLAY_EPSG, crs, always_xy=True)
    from_web = Transformer.from_crs(WEB_EPSG, crs, always_xy=True)
    x, y = spots[away].T
    lon, lat = Transformer.from_crs(crs, DISPLAY_EPSG, always_xy=True).transform(x, y)
    lost = ~(np.isfinite(lon) & np.isfinite(lat))
    lon, lat = np.where(lost, np.nan, lon), np.where(lost, np.nan, lat)
    read = {
        "bd09": to_metric.transform(*from_datum("bd09", lon, lat)),
        "gcj02": to_metric.transform(*from_datum("gcj02", lon, lat)),
        "web": from_web.transform(x, y),
        "exchanged": (y, x),
        "exchanged degrees": to_metric.transform(y, x),
        "degrees": to_metric.transform(x, y),
    }
    for kind, (east, north) in read.items():
        for at in away[shapely.intersects_xy(ground, east, north)]:
            yield int(at), kind
