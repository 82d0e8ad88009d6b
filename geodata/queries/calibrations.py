"""What is known of a camera's picture: the newest one, its reference points, its zones, and the ground about it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from analysis.errors import HuiyanError, InputError
from analysis.vision.calibration import Homography, fit_homography
from geodata.errors import NotFound
from geodata.queries.frames import read_frame
from geodata.towns.town import Town

__all__ = [
    "Frame",
    "PictureDesk",
    "Stored",
    "StoredPicture",
    "StoredZone",
    "event_classes",
    "fit_points",
    "hull_px",
    "read_desk",
    "surroundings",
    "zone_in_picture",
    "zone_on_ground",
]

PAIR = ("x_px", "y_px", "x_m", "y_m")
Ring = tuple[tuple[float, float], ...]
NEAR = "geom && ST_MakeEnvelope(:west, :south, :east, :north, 4490) ORDER BY id LIMIT 600"
ABOUT = {
    "building": "SELECT id, geom FROM building WHERE {near}",
    "street": "SELECT id, geom FROM street_edge WHERE drivable AND {near}",
    "walk": "SELECT id, geom FROM street_edge WHERE NOT drivable AND {near}",
    "kerb": "SELECT id, geom FROM kerb WHERE {near}",
    "lamp": "SELECT id, geom FROM component WHERE class_code = '01-18' AND {near}",
    "view": "SELECT id, geom FROM camera_view WHERE camera_id = :camera",
}
"""What stands about a camera."""


@dataclass(frozen=True, slots=True)
class Frame:
    """
    Metres east and north of a camera, along the axes of the town's metric system.

    Attributes
    ----------
    foot_m
        The camera in that system.
    epsg
        The system.
    """

    foot_m: tuple[float, float]
    epsg: int

    def to_metres(self, degrees: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) longitude and latitude → (n, 2) metres from the camera."""
        at = np.asarray(degrees, dtype=np.float64).reshape(-1, 2)
        turned = Transformer.from_crs(STORAGE_EPSG, self.epsg, always_xy=True).transform(at[:, 0], at[:, 1])
        return np.column_stack(turned) - self.foot_m

    def to_degrees(self, metres: ArrayLike) -> NDArray[np.float64]:
        """(n, 2) metres from the camera → (n, 2) longitude and latitude."""
        at = np.asarray(metres, dtype=np.float64).reshape(-1, 2) + self.foot_m
        turned = Transformer.from_crs(self.epsg, STORAGE_EPSG, always_xy=True).transform(at[:, 0], at[:, 1])
        return np.column_stack(turned)


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """The newest picture of a camera that is kept: id of its sample, when it was taken, size in pixels."""

    id: int
    taken_at: dt.datetime
    width_px: int
    height_px: int

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.width_px, self.height_px


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """
    A calibration as it is kept.

    Attributes
    ----------
    size_px
        Width and height of the pictures that it was made for.
    pixels, ground_m
        (n, 2) reference points: pixels, and metres in the camera's `Frame`.
    source
        Who made it.
    simulated
        The ground is made up, as of footage of another place.
    """

    size_px: tuple[int, int]
    pixels: NDArray[np.float64]
    ground_m: NDArray[np.float64]
    source: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class StoredZone:
    """A zone as it is kept, and how many leads it has made."""

    id: int
    name: str
    title_zh: str
    title_en: str
    kind: str
    class_code: str
    dwell_s: float
    polygon_px: Ring
    settings: Mapping[str, Any]
    version: int
    enabled: bool
    leads: int


@dataclass(frozen=True, slots=True, eq=False)
class PictureDesk:
    """
    What a person needs who calibrates a camera or draws its zones.

    Attributes
    ----------
    id, code, name, demonstration, lon_deg, lat_deg, range_m
        Of the camera.
    frame
        Its metres.
    picture
        The newest that is kept; None if there is none.
    stored
        Its calibration; None without one.
    resized_at
        Since when its pictures have another size than the one that it was calibrated for.
    zones
        By name.
    """

    id: int
    code: str
    name: str
    demonstration: bool
    lon_deg: float
    lat_deg: float
    range_m: float
    frame: Frame
    picture: StoredPicture | None
    stored: Stored | None
    resized_at: dt.datetime | None
    zones: tuple[StoredZone, ...]

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Size of the newest picture, or else of those it was calibrated for."""
        if self.picture is not None:
            return self.picture.size_px
        return None if self.stored is None else self.stored.size_px

    @property
    def another_size(self) -> bool:
        """The calibration was made for pictures of another size than the newest has."""
        return (
            self.picture is not None
            and self.stored is not None
            and self.picture.size_px != self.stored.size_px
        )


def read_desk(conn: Connection | Session, town: Town, camera_id: int) -> PictureDesk:
    """
    What is known of a camera's picture now.

    Raises
    ------
    NotFound
        If the camera is gone.
    """
    row = conn.execute(
        text(
            "SELECT c.code, c.name, c.demonstration, c.range_m, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat,"
            " k.width_px, k.height_px, k.points, k.anchor_x_m, k.anchor_y_m, k.rotation_deg, k.source, k.simulated,"
            " w.resized_at, s.id AS sample_id, s.taken_at, s.width_px AS wide, s.height_px AS high"
            " FROM camera c LEFT JOIN calibration k ON k.camera_id = c.id"
            " LEFT JOIN camera_watch w ON w.camera_id = c.id"
            " LEFT JOIN LATERAL (SELECT id, taken_at, width_px, height_px FROM sample"
            " WHERE camera_id = c.id AND picture IS NOT NULL ORDER BY taken_at DESC, id DESC LIMIT 1) s ON true"
            " WHERE c.id = :id"
        ),
        {"id": camera_id},
    ).one_or_none()
    if row is None:
        raise NotFound("Camera {camera} is gone.", "Choose another one.", camera=camera_id)
    to_metres = Transformer.from_crs(STORAGE_EPSG, town.metric_epsg, always_xy=True)
    return PictureDesk(
        id=camera_id,
        code=row.code,
        name=row.name,
        demonstration=row.demonstration,
        lon_deg=row.lon,
        lat_deg=row.lat,
        range_m=row.range_m,
        frame=Frame(tuple(to_metres.transform(row.lon, row.lat)), town.metric_epsg),
        picture=None
        if row.sample_id is None
        else StoredPicture(row.sample_id, row.taken_at, row.wide, row.high),
        stored=None if row.points is None else _stored(row),
        resized_at=row.resized_at,
        zones=_zones(conn, camera_id),
    )


def _stored(row: Any) -> Stored:
    whole = [each for each in row.points if isinstance(each, list) and len(each) == len(PAIR)]
    pairs = np.asarray(whole, dtype=np.float64).reshape(-1, len(PAIR))
    angle = math.radians(row.rotation_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    ground = (pairs[:, 2:] - (row.anchor_x_m, row.anchor_y_m)) @ turn.T
    return Stored((row.width_px, row.height_px), pairs[:, :2], ground, row.source, row.simulated)


def _zones(conn: Connection | Session, camera_id: int) -> tuple[StoredZone, ...]:
    rows = conn.execute(
        text(
            "SELECT z.id, z.name, z.title_zh, z.title_en, z.rule, z.class_code, z.dwell_s, z.polygon_px, z.settings,"
            " z.version, z.enabled, (SELECT count(*) FROM finding f WHERE f.zone_id = z.id) AS leads"
            " FROM zone z WHERE z.camera_id = :id ORDER BY z.name"
        ),
        {"id": camera_id},
    )
    return tuple(
        StoredZone(
            row.id,
            row.name,
            row.title_zh,
            row.title_en,
            row.rule,
            row.class_code,
            row.dwell_s,
            tuple((float(x), float(y)) for x, y in row.polygon_px),
            dict(row.settings),
            row.version,
            row.enabled,
            row.leads,
        )
        for row in rows
    )


def event_classes(conn: Connection | Session) -> dict[str, tuple[str, str]]:
    """Code → Chinese and English name of every event class."""
    rows = conn.execute(text("SELECT code, name_zh, name_en FROM event_class ORDER BY code"))
    return {row.code: (row.name_zh, row.name_en) for row in rows}


def surroundings(conn: Connection | Session, desk: PictureDesk, reach_m: float) -> dict[str, gpd.GeoSeries]:
    """
    What stands within `reach_m` east, west, north and south of a camera, in metres of its frame.

    Returns
    -------
    shapes
        building, street (drivable), walk (not drivable), kerb, lamp and view (what the camera is thought to see).
    """
    corners = desk.frame.to_degrees([[-reach_m, -reach_m], [reach_m, reach_m]])
    box: dict[str, Any] = dict(zip(("west", "south", "east", "north"), corners.ravel().tolist(), strict=True))
    box["camera"] = desk.id
    east, north = desk.frame.foot_m
    return {
        kind: read_frame(conn, sql.format(near=NEAR), box)
        .to_crs(desk.frame.epsg)
        .geometry.translate(-east, -north)
        for kind, sql in ABOUT.items()
    }


def fit_points(pixels: ArrayLike, ground_m: ArrayLike) -> Homography:
    """`fit_homography`, with rows counted from 1 in what it tells, as people count."""
    try:
        return fit_homography(pixels, ground_m)
    except InputError as error:
        raise counted_from_one(error) from None


def counted_from_one(error: HuiyanError) -> HuiyanError:
    """The error with its rows counted from 1."""
    told = error.told()
    facts = dict(told["facts"])  # type: ignore[call-overload]
    for name in ("row", "rows"):
        if name in facts:
            facts[name] = ", ".join(str(int(each) + 1) for each in str(facts[name]).split(","))
    return type(error).retold(told | {"facts": facts})


def hull_px(fit: Homography) -> Ring:
    """Corners of the hull of the reference pixels, where a calibration holds."""
    hull = shapely.MultiPoint(fit.pixels).convex_hull
    return tuple((float(x), float(y)) for x, y in shapely.get_coordinates(hull)[:-1])


def zone_on_ground(fit: Homography, polygon_px: Sequence[Sequence[float]]) -> Ring:
    """The part of a zone among the reference points, in metres on the ground; without corners if there is none."""
    drawn = shapely.Polygon(polygon_px)
    if not drawn.is_valid:
        return ()
    parts = shapely.get_parts(drawn.intersection(shapely.Polygon(hull_px(fit))))
    shown = max((part for part in parts if part.geom_type == "Polygon"), key=lambda p: p.area, default=None)
    if shown is None or shown.area < 1:
        return ()
    corners = shapely.get_coordinates(shown)[:-1]
    if not fit.sees_ground(corners).all():
        return ()
    return tuple((float(x), float(y)) for x, y in fit.to_ground(corners))


def zone_in_picture(fit: Homography, ground_m: Sequence[Sequence[float]]) -> Ring:
    """
    A zone drawn on the ground, in pixels.

    Parameters
    ----------
    fit
        The camera's calibration.
    ground_m
        Corners in metres of its frame.

    Raises
    ------
    InputError
        If corners lie beyond the reference points; it counts them from 1.
    """
    corners = np.asarray(ground_m, dtype=np.float64).reshape(-1, 2)
    with np.errstate(all="ignore"):
        pixels = fit.to_pixels(corners)
    known = np.isfinite(pixels).all(axis=1)
    known[known] = fit.covers(pixels[known], margin_px=0.5)
    if not known.all():
        raise InputError(
            "Corners {rows} of the zone lie beyond the reference points, where their place in the picture is a guess.",
            "Draw it inside the hull on the map, or add reference points around it.",
            rows=", ".join(str(int(row) + 1) for row in np.flatnonzero(~known)),
        )
    return tuple((float(x), float(y)) for x, y in pixels)
