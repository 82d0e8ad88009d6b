"""Reference points of a camera are kept: fitted, checked, audited; its zones follow to another size of picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from analysis.errors import InputError
from analysis.patrolling import accepted
from analysis.vision.calibration import Homography
from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.models import Audit, Calibration, CameraWatch, Zone
from geodata.queries.calibrations import PictureDesk, fit_points, read_desk
from geodata.queries.datasets import loaded_town
from geodata.queries.watches import read_health
from geodata.towns.town import Town

__all__ = ["BY_HAND", "SavedCalibration", "note_drawn", "save_calibration"]

MOST_POINTS = 200
MOST_AWAY_M = 2_000.0
"""A reference point farther from its camera was clicked or typed wrongly."""
SAME_SHAPE = 0.01
"""Pictures whose width for their height differs by less than this show the same."""
BY_HAND = "reference points entered by people"


@dataclass(frozen=True, slots=True, eq=False)
class SavedCalibration:
    """
    What was kept.

    Attributes
    ----------
    fit
        The homography in metres of the camera's frame.
    zones_moved, zones_off
        Zones that were carried over to another size of picture; zones that were switched off because the new
        picture has another shape.
    """

    fit: Homography
    zones_moved: int
    zones_off: int


def save_calibration(
    camera_id: int, size_px: tuple[int, int], pixels: ArrayLike, places_deg: ArrayLike
) -> SavedCalibration:
    """
    Keeps the reference points of a camera instead of those it had.

    Parameters
    ----------
    camera_id
        Which camera.
    size_px
        Width and height of the picture that they were marked on.
    pixels
        (n, 2) x and y in that picture, n ≥ 4.
    places_deg
        (n, 2) longitude and latitude of the same points on the ground.

    Raises
    ------
    NotFound
        If the camera is gone.
    InputError
        If points lie outside the picture or far from the camera, coincide, lie on a line, contradict each other, or
        are too few or too many; it counts them from 1. Nothing is written then.
    """
    image = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    degrees = np.asarray(places_deg, dtype=np.float64).reshape(-1, 2)
    with database.transaction() as session:
        town = loaded_town(session)
        session.execute(text("SELECT FROM camera WHERE id = :id FOR NO KEY UPDATE"), {"id": camera_id})
        desk = read_desk(session, town, camera_id)
        ground = _checked(desk, size_px, image, degrees)
        fit = fit_points(image, ground)
        kept = session.scalar(select(Calibration).where(Calibration.camera_id == camera_id))
        before = None if kept is None else {"points": len(kept.points), "rmse_m": kept.rmse_m}
        if kept is None:
            kept = Calibration(camera_id=camera_id)
            session.add(kept)
        kept.width_px, kept.height_px = size_px
        kept.points = np.column_stack([image, ground]).tolist()
        kept.anchor_x_m = kept.anchor_y_m = kept.rotation_deg = 0.0
        kept.rmse_m, kept.max_error_m = fit.rmse_m, fit.max_m
        kept.loo_rmse_m, kept.loo_max_m = _known(fit.leave_one_out_rmse_m), _known(fit.leave_one_out_max_m)
        kept.source, kept.simulated = BY_HAND, desk.demonstration
        moved, off = _carry_zones(session, desk, size_px)
        _accept_size(session, camera_id)
        _audit(session, desk, fit, before, moved, off)
        session.flush()
        note_drawn(session, town, "calibration")
        if moved or off:
            note_drawn(session, town, "zone")
    return SavedCalibration(fit, moved, off)


def note_drawn(session: Session, town: Town, table: Literal["calibration", "zone"]) -> None:
    """Notes in the register that people have drawn: screens show the change at once."""
    simulated = bool(session.scalar(text(f"SELECT bool_or(simulated) FROM {table}")))  # noqa: S608
    made = Provenance("Huiyan", town.licence, "entered by people on picture and map", simulated=simulated)
    record(session, table, town.name, made)


def _checked(
    desk: PictureDesk, size_px: tuple[int, int], image: NDArray[np.float64], degrees: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The points on the ground in metres of the camera's frame."""
    width, height = size_px
    if width <= 0 or height <= 0:
        raise InputError(
            "A picture of {width}×{height} px shows nothing.",
            "Take its width and height in pixels.",
            width=width,
            height=height,
        )
    if len(image) > MOST_POINTS:
        raise InputError(
            "There are {count} reference points.", "Give at most {most}.", count=len(image), most=MOST_POINTS
        )
    inside = np.isfinite(image).all(axis=1) & ((image >= 0) & (image <= size_px)).all(axis=1)
    if not inside.all():
        raise InputError(
            "Reference points {rows} lie outside the picture of {width}×{height} px.",
            "Move them into the picture or leave them out.",
            rows=_told(~inside),
            width=width,
            height=height,
        )
    known = np.isfinite(degrees).all(axis=1)
    known[known] = (np.abs(degrees[known]) <= (180, 90)).all(axis=1)
    ground = np.full_like(degrees, np.nan)
    if known.any():
        ground[known] = desk.frame.to_metres(degrees[known])
    near = np.isfinite(ground).all(axis=1)
    near[near] = np.hypot(*ground[near].T) <= MOST_AWAY_M
    if not near.all():
        raise InputError(
            "Reference points {rows} lie more than {most:,.0f} m from the camera.",
            "Check longitude and latitude, and that they are not exchanged.",
            rows=_told(~near),
            most=MOST_AWAY_M,
        )
    return ground


def _carry_zones(session: Session, desk: PictureDesk, size_px: tuple[int, int]) -> tuple[int, int]:
    """Zones drawn for another size are scaled; where the new picture has another shape they are switched off."""
    if desk.stored is None or desk.stored.size_px == size_px:
        return 0, 0
    wide, high = (new / old for new, old in zip(size_px, desk.stored.size_px, strict=True))
    same = abs(wide / high - 1) < SAME_SHAPE
    zones = session.scalars(select(Zone).where(Zone.camera_id == desk.id)).all()
    for zone in zones:
        zone.version += 1
        if same:
            zone.polygon_px = _scaled(zone.polygon_px, wide, high)
            zone.settings = _scaled_settings(zone.settings, wide, high)
        else:
            zone.enabled = False
    return (len(zones), 0) if same else (0, len(zones))


def _scaled(corners: Sequence[Sequence[float]], wide: float, high: float) -> list[list[float]]:
    return [[float(x) * wide, float(y) * high] for x, y in corners]


def _scaled_settings(settings: Mapping[str, Any], wide: float, high: float) -> dict[str, Any]:
    """Settings of a rule that are pixels, carried over; the others as they are."""
    found = dict(settings)
    for name in ("line", "arrow"):
        if found.get(name):
            found[name] = _scaled(found[name], wide, high)
    if found.get("allowed"):
        found["allowed"] = [_scaled(each, wide, high) for each in found["allowed"]]
    for name in ("travel_px", "clear_px"):
        if found.get(name):
            found[name] = found[name] * wide
    return found


def _accept_size(session: Session, camera_id: int) -> None:
    """The size of the newest pictures is the right one from now on."""
    watch = session.get(CameraWatch, camera_id)
    if watch is not None and accepted(read_health(session, camera_id, locked=True)).resized_s is None:
        watch.resized_at = None


def _audit(
    session: Session,
    desk: PictureDesk,
    fit: Homography,
    before: Mapping[str, Any] | None,
    moved: int,
    off: int,
) -> None:
    session.add(
        Audit(
            actor=func.current_user(),
            action="calibrate",
            subject=f"camera {desk.code}",
            details={
                "before": before,
                "points": len(fit.pixels),
                "rmse_m": fit.rmse_m,
                "max_m": fit.max_m,
                "leave_one_out_rmse_m": _known(fit.leave_one_out_rmse_m),
                "zones_moved": moved,
                "zones_off": off,
            },
        )
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _told(wrong: NDArray[np.bool_]) -> str:
    return ", ".join(str(int(row) + 1) for row in np.flatnonzero(wrong))
