"""Windows that a camera could look into: facade in its field, near enough to make people out."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis.checks import require_columns, require_metric, require_positive
from analysis.visibility import far_distance_m, prepare_obstacles, visible_polygons

__all__ = ["facades_in_sight", "flat_picture", "ground_reach_m", "numbers", "px_per_m_at"]

Floats = npt.NDArray[np.float64]

FLAT_FIELD_DEG = 180.0
"""A wider picture is stitched from several …"""
STITCHED_FIELD_DEG = 90.0
"""… of this field."""
PIECE_M = 1.0
"""Facades are judged in pieces of at most this length."""
ON_WALL_M = 0.05
"""A piece of a sight area's edge this near to a wall is that wall."""
LEAST_FACING_DEG = 15.0
"""Flatter than this to the wall a sight line shows no room behind its windows."""
STOREY_M = 3.0
"""Lens heights are told apart by storeys: lower buildings do not hide what stands behind them."""
STEP_OUT_M = 30.0
"""A camera inside a footprint hangs on its wall, at most this far along its heading."""
NO_DISTANCE_M = 0.1
"""A wall nearer than this is taken to be this far."""


def facades_in_sight(
    cameras: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, *, px_per_m: float
) -> gpd.GeoDataFrame:
    """
    Facade of private areas that each camera sees with at least so many pixels a metre.

    The camera's field is swept behind the buildings, out to where its pixels fall below `px_per_m`, whatever its
    range and its blind cone are: a window may lie above ground that the camera does not see. Buildings lower than the
    lens do not hide what stands behind them, unless they are private themselves. A wall counts where it stands on
    the edge of that sight area, faces the camera by at least 15°, and lies within the picture's upper and lower
    edge.

    Parameters
    ----------
    cameras
        Points in metres with `heading_deg`, `hfov_deg` and `resolution_px`; `height_m`, `tilt_deg` and `vfov_deg`
        where known.
    buildings
        Footprints in the same CRS; `height_m` where known.
    areas
        Polygons in the same CRS: dwellings, guest rooms and the like, mostly footprints of some of the buildings.
    px_per_m
        Pixels across one metre at the wall, such as one of `DORI_PX_PER_M`, above 0.

    Returns
    -------
    facades
        One row a camera and area of which it sees any: camera, area (index labels), length_m, nearest_m,
        px_per_m (at the nearest piece), and the facade as MultiLineString.

    Raises
    ------
    CrsError
        If a frame is not in metres, or two differ.
    InputError
        If a column is missing or `px_per_m` is not above 0.
    """
    require_metric(cameras=cameras, buildings=buildings, areas=areas)
    require_columns("cameras", cameras, "heading_deg", "hfov_deg", "resolution_px")
    require_positive("px_per_m", px_per_m)
    pixels, _ = flat_picture(cameras)
    reach = np.minimum(pixels / px_per_m, _picture_far_m(cameras))
    found = [_no_facades(cameras)]
    looking = reach > NO_DISTANCE_M
    if looking.any() and len(areas):
        eyes = cameras[looking].assign(range_m=reach[looking])
        storey = numbers(eyes, "height_m", 0.0) // STOREY_M
        for level in np.unique(storey):
            found.append(_facades_of(eyes[storey == level], buildings, areas, float(level) * STOREY_M))
    rows = pd.concat(found, ignore_index=True) if len(found) > 1 else found[0]
    at_one_metre = pd.Series(pixels, index=cameras.index)[rows["camera"]].to_numpy()
    rows["px_per_m"] = at_one_metre / np.maximum(rows["nearest_m"].to_numpy(dtype=float), NO_DISTANCE_M)
    return rows


def flat_picture(cameras: pd.DataFrame) -> tuple[Floats, Floats]:
    """
    Pixels across one metre at one metre's distance, and field (degrees), of each camera's flat picture.

    A picture of 180° and more is stitched from pictures of 90°, each with its share of the pixels.
    """
    hfov, width = numbers(cameras, "hfov_deg", 90.0), numbers(cameras, "resolution_px", np.nan)
    require_positive("hfov_deg", hfov)
    require_positive("resolution_px", width)
    stitched = hfov >= FLAT_FIELD_DEG
    field = np.where(stitched, STITCHED_FIELD_DEG, hfov)
    width = np.where(stitched, width * STITCHED_FIELD_DEG / hfov, width)
    return width / (2 * np.tan(np.deg2rad(field) / 2)), field


def px_per_m_at(cameras: pd.DataFrame, ground_m: npt.ArrayLike) -> Floats:
    """Pixels across one metre on the ground, `ground_m` metres from the pole of each camera (EN 62676-4)."""
    pixels, _ = flat_picture(cameras)
    slant = np.hypot(np.asarray(ground_m, dtype=float), numbers(cameras, "height_m", 0.0))
    return pixels / np.maximum(slant, NO_DISTANCE_M)


def ground_reach_m(cameras: pd.DataFrame, px_per_m: float) -> Floats:
    """Distance on the ground out to which each camera has `px_per_m` there, metres; 0 where it hangs too high."""
    pixels, _ = flat_picture(cameras)
    return np.sqrt(np.maximum((pixels / px_per_m) ** 2 - numbers(cameras, "height_m", 0.0) ** 2, 0.0))


def _facades_of(
    eyes: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, level_m: float
) -> gpd.GeoDataFrame:
    """Facades seen by cameras whose lenses hang in one storey."""
    near = shapely.union_all(
        shapely.buffer(eyes.geometry.to_numpy(), eyes["range_m"].to_numpy() + STEP_OUT_M)
    )
    shapely.prepare(near)
    walls = buildings[shapely.intersects(near, buildings.geometry.to_numpy())]
    private = areas[shapely.intersects(near, areas.geometry.to_numpy())]
    if walls.empty or private.empty:
        return _no_facades(eyes)
    tree = shapely.STRtree(walls.geometry.to_numpy())
    area, wall = tree.query(private.geometry.to_numpy(), predicate="intersects")
    heights = np.nan_to_num(numbers(walls, "height_m", np.inf), nan=np.inf)
    roof = np.zeros(len(private))
    np.maximum.at(roof, area, heights[wall])
    hiding = heights >= level_m
    hiding[wall] = True
    obstacles = prepare_obstacles(walls[hiding])
    # without them nothing is left out below or above
    flat = eyes.drop(columns=["height_m", "tilt_deg", "vfov_deg"], errors="ignore")
    sight = visible_polygons(flat, obstacles, step_out_m=STEP_OUT_M)
    eyes, sight = eyes[~sight.is_empty], sight[~sight.is_empty].to_numpy()
    at = shapely.get_coordinates(shapely.get_point(shapely.shortest_line(sight, eyes.geometry.to_numpy()), 0))
    pieces, of = _pieces(sight, obstacles.footprints.geometry.to_numpy())
    middle = pieces.mean(axis=1)
    piece, area = shapely.STRtree(private.geometry.to_numpy()).query(
        shapely.points(middle), predicate="dwithin", distance=ON_WALL_M
    )
    rows = pd.DataFrame({"camera": of[piece], "area": area, "piece": piece})
    away = middle[piece] - at[rows["camera"]]
    along = pieces[piece, 1] - pieces[piece, 0]
    rows["length_m"] = np.hypot(*along.T)
    rows["nearest_m"] = np.hypot(*away.T)
    across = np.abs(away[:, 0] * along[:, 1] - away[:, 1] * along[:, 0])
    faces = across >= np.sin(np.deg2rad(LEAST_FACING_DEG)) * rows["length_m"] * rows["nearest_m"]
    in_picture = rows["nearest_m"] >= _clear_from_m(eyes.iloc[rows["camera"]], roof[rows["area"]])
    rows = rows[(faces & in_picture).to_numpy()]
    shapes = {key: _joined(pieces[group["piece"]]) for key, group in rows.groupby(["camera", "area"])}
    found = rows.groupby(["camera", "area"]).agg({"length_m": "sum", "nearest_m": "min"}).reset_index()
    geometry = gpd.GeoSeries([shapes[key] for key in zip(found["camera"], found["area"], strict=True)])
    found["camera"], found["area"] = eyes.index[found["camera"]], private.index[found["area"]]
    return gpd.GeoDataFrame(found, geometry=geometry.set_crs(eyes.crs))


def _pieces(
    shapes: npt.NDArray[np.object_], walls: npt.NDArray[np.object_]
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Those pieces of the shapes' edges that lie on a wall, each at most a metre long, and whose each is."""
    parts, of = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(shapely.segmentize(rings, PIECE_M), return_index=True)
    whole = ring[1:] == ring[:-1]
    pieces = np.stack([corners[:-1][whole], corners[1:][whole]], axis=1)
    of = of[part[ring[:-1][whole]]]
    on_wall = np.unique(
        shapely.STRtree(walls).query(
            shapely.points(pieces.mean(axis=1)), predicate="dwithin", distance=ON_WALL_M
        )[0]
    )
    return pieces[on_wall], of[on_wall]


def _joined(pieces: Floats) -> shapely.MultiLineString:
    """Pieces as one line where they hang together."""
    lines = shapely.line_merge(shapely.MultiLineString(list(pieces)))
    return shapely.MultiLineString(shapely.get_parts(lines).tolist())


def _picture_far_m(cameras: pd.DataFrame) -> Floats:
    """Ground distance of the picture's upper edge: further walls are below nothing that the picture shows."""
    known = {"height_m", "tilt_deg", "vfov_deg"} <= set(cameras.columns)
    far = np.full(len(cameras), np.inf)
    if known:
        height, tilt, vfov = (numbers(cameras, name, np.nan) for name in ("height_m", "tilt_deg", "vfov_deg"))
        told = ~np.isnan(height + tilt + vfov)
        far[told] = far_distance_m(height[told], tilt[told], vfov[told])
    return far


def _clear_from_m(eyes: pd.DataFrame, roof_m: Floats) -> Floats:
    """Distance from which on a roof is above the picture's lower edge: nearer walls are under the picture."""
    down = numbers(eyes, "tilt_deg", np.nan) + numbers(eyes, "vfov_deg", np.nan) / 2
    slope = np.tan(np.deg2rad(np.clip(np.nan_to_num(down, nan=90.0), 0.0, 90.0)))
    above = np.maximum(numbers(eyes, "height_m", 0.0) - roof_m, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(above > 0, above / slope, 0.0)


def numbers(frame: pd.DataFrame, name: str, default: float) -> Floats:
    """A column as floats, the default where it is absent or missing."""
    if name not in frame.columns:
        return np.full(len(frame), default)
    values: Floats = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isnan(values), default, values)


def _no_facades(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "camera": pd.Series([], dtype=cameras.index.dtype),
            "area": pd.Series([], dtype=object),
            "length_m": pd.Series([], dtype=float),
            "nearest_m": pd.Series([], dtype=float),
        },
        geometry=gpd.GeoSeries([], crs=cameras.crs),
    )
