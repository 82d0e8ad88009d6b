"""Parts of a run over all cameras: what the cameras of one part see, computed anywhere from arrays alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from analysis import visibility
from analysis.crs import STORAGE_EPSG
from geodata.parts.cutting import cut, hilbert_keys, within_reach
from geodata.parts.executors import Part, made_part
from geodata.parts.packing import Array, Shapes, pack, pick_shapes, shapes_of, unpack, wkb_of

__all__ = ["METHOD", "TASKS", "Views", "cut_poses", "joined_views", "poses_of", "view_part", "view_parts"]

METHOD = (
    "angular sweep over footprints with heights (a low one hides only part), blind cone under the camera;"
    " a PTZ camera sees what its presets show by turns, or all that it can reach where it has none"
)
VERSION = f"views 2; {METHOD}"
"""Part of every digest; to be changed whenever the same cameras would see something else."""
TASKS = tuple(visibility.DORI_PX_PER_M)
"""detect, observe, recognise, identify: from far to near."""
MOST_POSES = 2_000
STEP_OUT_M = 30.0
"""A camera inside a footprint steps out so far at most, and sees as far as ever from there."""
POSE = ("heading_deg", "hfov_deg", "range_m", "height_m", "tilt_deg", "vfov_deg")
LENS = ("lens_deg", "resolution_px")

Ints = npt.NDArray[np.int64]


class Views(NamedTuple):
    """
    What cameras see; one row a camera that sees anything, by camera.

    Attributes
    ----------
    table
        Columns camera_id, area_m2, near_m, detect_m, observe_m, recognise_m, identify_m.
    wkb
        The views, metres.
    stored_wkb
        The same as MultiPolygons in EPSG:4490, with that number in their binary.
    fully
        For each task of DORI, which rows of `table` can do it wherever they see: one truth value a row.
    partly
        For each task, rows of `table` that can do it somewhere only, once for each pose, and the WKB of where, metres.
    """

    table: pd.DataFrame
    wkb: Shapes
    stored_wkb: Shapes
    fully: dict[str, npt.NDArray[np.bool_]]
    partly: dict[str, tuple[Ints, Shapes]]


def poses_of(cameras: gpd.GeoDataFrame, presets: pd.DataFrame) -> gpd.GeoDataFrame:
    """
    Poses in which cameras look, one or more a camera.

    Parameters
    ----------
    cameras
        Points in metres by camera id, with the pose, `resolution_px`, `kind`, `pan_from_deg`, `pan_to_deg`.
    presets
        Rows camera_id, number, heading_deg, tilt_deg, hfov_deg, share; only those of PTZ cameras count.

    Returns
    -------
    poses
        Columns camera_id, of the pose, `resolution_px`, and `lens_deg`, the horizontal field of one picture; by camera.

    Raises
    ------
    InputError
        If a pose is out of range; the message names the camera.
    """
    turning = cameras["kind"] == "ptz"
    by_preset = turning & cameras.index.isin(presets["camera_id"])
    lens = cameras["hfov_deg"]
    kinds = [cameras[~turning].assign(lens_deg=lens)]
    if (turning & ~by_preset).any():
        kinds.append(visibility.reachable_poses(cameras[turning & ~by_preset]).assign(lens_deg=lens))
    if by_preset.any():
        looks = visibility.preset_poses(
            cameras[by_preset], presets[presets["camera_id"].isin(cameras.index[by_preset])]
        )
        kinds.append(looks.assign(lens_deg=looks["hfov_deg"]).droplevel(1))
    poses = pd.concat(kinds).sort_index(kind="stable")
    keep = [*POSE, *LENS, poses.geometry.name]
    return poses.rename_axis("camera_id").reset_index()[["camera_id", *keep]]


def cut_poses(poses: gpd.GeoDataFrame) -> list[npt.NDArray[np.intp]]:
    """Positions of the poses of each part; one empty part where there are none."""
    at = shapely.get_coordinates(poses.geometry.array)
    return cut(hilbert_keys(at), MOST_POSES) or [np.empty(0, np.intp)]


def view_parts(poses: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> Iterator[Part]:
    """
    The poses cut by place into parts, each with the buildings in its reach.

    Parameters
    ----------
    poses
        From `poses_of`, without faults.
    buildings
        Footprints with `height_m`, in the CRS of `poses`.
    """
    epsg = np.array([poses.crs.to_epsg()])
    at = shapely.get_coordinates(poses.geometry.array)
    reach = np.nan_to_num(poses["range_m"].to_numpy(dtype=float)) + STEP_OUT_M
    boxes = np.column_stack([at - reach[:, None], at + reach[:, None]])
    shapes = shapely.force_2d(np.asarray(buildings.geometry.array, dtype=object))
    bounds, wkb = shapely.bounds(shapes), shapely.to_wkb(shapes)
    height = buildings["height_m"].to_numpy(dtype=float)
    columns = {name: poses[name].to_numpy(dtype=float) for name in (*POSE, *LENS)}
    camera = poses["camera_id"].to_numpy(dtype=np.int64)
    for number, rows in enumerate(cut_poses(poses)):
        hiding = within_reach(boxes[rows], bounds)
        content: dict[str, Array] = {"epsg": epsg, "camera_id": camera[rows], "at": at[rows]}
        content |= {name: column[rows] for name, column in columns.items()}
        content |= {"height": height[hiding], **pick_shapes("building", wkb[hiding])}
        yield made_part(number, VERSION, _title(camera[rows]), len(np.unique(camera[rows])), pack(content))


def view_part(content: bytes) -> bytes:
    """
    What the cameras of a part see: a pure function of the bytes that `view_parts` made.

    Returns
    -------
    found
        Packed arrays for `joined_views`.
    """
    given = unpack(content)
    epsg = int(given["epsg"][0])
    buildings = gpd.GeoDataFrame(
        {"height_m": given["height"]}, geometry=shapes_of(given, "building"), crs=epsg
    )
    obstacles = visibility.prepare_obstacles(buildings, height_column="height_m")
    poses = gpd.GeoDataFrame(
        {name: given[name] for name in (*POSE, *LENS)}, geometry=shapely.points(given["at"]), crs=epsg
    )
    camera, one = np.unique(given["camera_id"], return_inverse=True)
    seen = visibility.visible_polygons(poses, obstacles, step_out_m=STEP_OUT_M).to_numpy()
    distances = visibility.dori_distances(poses.assign(hfov_deg=poses["lens_deg"]))
    views = _united(seen, one, len(camera))
    kept = np.flatnonzero(~shapely.is_empty(views))
    near = np.minimum(
        visibility.near_distance_m(poses["height_m"], poses["tilt_deg"], poses["vfov_deg"]), poses["range_m"]
    )
    found: dict[str, Array] = {
        "camera_id": camera[kept],
        "area_m2": np.round(shapely.area(views[kept]), 2),
        "near_m": np.round(_least(near.to_numpy(), one, len(camera)), 2)[kept],
        **pick_shapes("view", shapely.to_wkb(views[kept])),
        **pick_shapes("stored", _stored(views[kept], epsg)),
    }
    place = np.full(len(camera), -1)
    place[kept] = np.arange(len(kept))
    for task in TASKS:
        reach = distances[f"{task}_m"].to_numpy()
        found[f"{task}_m"] = np.round(-_least(-reach, one, len(camera)), 2)[kept]
        fully = _least((reach >= given["range_m"]).astype(float), one, len(camera))[kept] == 1
        some = np.flatnonzero((reach > 0) & ~shapely.is_empty(seen))
        some = some[~fully[place[one[some]]]]
        able = _within(poses.iloc[some], seen[some], reach[some], obstacles)
        some, able = some[~shapely.is_empty(able)], able[~shapely.is_empty(able)]
        found |= {f"{task}_fully": fully, f"{task}_row": place[one[some]]}
        found |= pick_shapes(task, shapely.to_wkb(able))
    return pack(found)


def joined_views(results: Sequence[bytes]) -> Views:
    """The views of all parts, by camera."""
    given = [unpack(result) for result in results]
    names = ["camera_id", "area_m2", "near_m", *(f"{task}_m" for task in TASKS)]
    columns = {name: np.concatenate([each[name] for each in given]) for name in names}
    order = np.argsort(columns["camera_id"], kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first = np.cumsum([0, *(len(each["camera_id"]) for each in given)])
    partly, fully = {}, {}
    for task in TASKS:
        rows = place[
            np.concatenate([each[f"{task}_row"] + at for each, at in zip(given, first, strict=False)])
        ]
        by_row = np.argsort(rows, kind="stable")
        partly[task] = rows[by_row], _together(given, task)[by_row]
        fully[task] = np.concatenate([each[f"{task}_fully"] for each in given])[order]
    table = pd.DataFrame(columns).iloc[order].reset_index(drop=True)
    return Views(table, _together(given, "view")[order], _together(given, "stored")[order], fully, partly)


def _together(given: Sequence[dict[str, Array]], name: str) -> Shapes:
    wkb = [each for part in given for each in wkb_of(part, name)]
    return np.array([*wkb, None], dtype=object)[:-1]


def _title(camera: Ints) -> str:
    """Names the cameras of a part by their ids."""
    named = np.unique(camera)
    if not len(named):
        return "no cameras"
    first = ", ".join(map(str, named[:3]))
    return f"cameras {first} … {named[-1]} ({len(named)})" if len(named) > 3 else f"cameras {first}"


def _within(
    poses: gpd.GeoDataFrame, seen: Shapes, reach: npt.NDArray[np.float64], obstacles: visibility.Obstacles
) -> Shapes:
    """The part of each view that lies within a distance of its camera."""
    able = seen.copy()
    nearer = np.flatnonzero(reach < poses["range_m"].to_numpy())
    shorter = poses.iloc[nearer].assign(range_m=reach[nearer])
    able[nearer] = visibility.visible_polygons(shorter, obstacles, step_out_m=STEP_OUT_M).to_numpy()
    return able


def _united(shapes: Shapes, one: npt.NDArray[np.intp], count: int) -> Shapes:
    """The union of the shapes of each camera."""
    united = np.full(count, shapely.Polygon(), dtype=object)
    united[one] = shapes
    several = np.flatnonzero(np.bincount(one, minlength=count) > 1)
    for camera in several:
        united[camera] = shapely.union_all(shapes[one == camera])
    return united


def _least(values: npt.NDArray[np.float64], one: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.float64]:
    """The smallest value of each camera."""
    least = np.full(count, np.inf)
    np.minimum.at(least, one, values)
    return least


def _stored(shapes: Shapes, epsg: int) -> Shapes:
    """As extended well-known binary of MultiPolygons in degrees."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    whole = shapely.multipolygons(parts, indices=owner) if len(parts) else np.empty(0, dtype=object)
    turned = np.asarray(gpd.GeoSeries(whole, crs=epsg).to_crs(STORAGE_EPSG).array, dtype=object)
    return shapely.to_wkb(shapely.set_srid(turned, STORAGE_EPSG), include_srid=True)
