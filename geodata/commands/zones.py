"""Zones of a camera and the rules that watch them: kept, changed, taken away; each change makes another version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from analysis.errors import HuiyanError, InputError
from analysis.vision.rules import Rule, WatchedZone, check_zone, from_settings, to_settings
from geodata import database
from geodata.commands.calibrations import note_drawn
from geodata.errors import NotFound, TwinError
from geodata.models import Audit, Calibration, Camera, EventClass, Zone
from geodata.queries.datasets import loaded_town

__all__ = ["SavedZone", "ZoneDraft", "delete_zone", "rule_of", "save_zone"]

TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class ZoneDraft:
    """
    A zone as a person wants it.

    Attributes
    ----------
    title_zh, title_en
        Its name for people; where one is empty it takes the other.
    kind
        Of `analysis.vision.rules.RULES`.
    settings
        Of the rule, plain values as JSON holds them; what is left out takes its default.
    class_code
        Event class of its leads.
    polygon_px
        Three or more corners in pixels.
    size_px
        Width and height of the picture that it was drawn on.
    enabled
        It is watched.
    """

    title_zh: str
    title_en: str
    kind: str
    class_code: str
    polygon_px: Sequence[Sequence[float]]
    size_px: tuple[int, int]
    settings: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SavedZone:
    """What was kept: its id, its version, and what was cut off, if anything was."""

    id: int
    version: int
    remark: HuiyanError | None


def rule_of(draft: ZoneDraft) -> Rule:
    """
    The rule of a draft.

    Raises
    ------
    InputError
        If the kind is unknown, a setting is out of range, or a line leaves the picture.
    """
    rule = from_settings(draft.kind, draft.settings)
    width, height = draft.size_px
    for end in (*getattr(rule, "line", ()), *getattr(rule, "arrow", ())):
        if not (0 <= end[0] <= width and 0 <= end[1] <= height):
            raise InputError(
                "The end {end} of the line or arrow lies outside the picture of {width}×{height} px.",
                "Draw it on the picture.",
                end=f"({end[0]:.0f}, {end[1]:.0f})",
                width=width,
                height=height,
            )
    return rule


def save_zone(
    camera_id: int, draft: ZoneDraft, zone_id: int | None = None, version: int | None = None
) -> SavedZone:
    """
    Keeps a zone: a new one, or another version of one that is there.

    Parameters
    ----------
    camera_id
        Whose picture it is on.
    draft
        What is wanted. What lies outside the picture is cut off.
    zone_id, version
        Of the zone that is changed, and the version that was looked at; None for a new one.

    Raises
    ------
    NotFound
        If the camera, the zone or the event class is gone.
    InputError
        If the zone is no simple polygon or lies outside the picture, a setting makes no sense, it has no title,
        or the camera is calibrated for another size of picture.
    TwinError
        If somebody else has changed the zone meanwhile.
    """
    chinese, english = _titles(draft)
    rule = rule_of(draft)
    checked = check_zone(draft.polygon_px, *draft.size_px)
    settings = to_settings(rule)
    dwell_s = settings.pop("dwell_s", None)
    with database.transaction() as session:
        camera = session.scalar(select(Camera).where(Camera.id == camera_id).with_for_update(key_share=True))
        if camera is None:
            raise NotFound("Camera {camera} is gone.", "Choose another one.", camera=camera_id)
        if session.get(EventClass, draft.class_code) is None:
            raise NotFound(
                "There is no event class {code}.", "Choose one of the list.", code=draft.class_code
            )
        _require_size(session, camera_id, draft.size_px)
        zone = _new(session, camera_id) if zone_id is None else _locked(session, camera_id, zone_id, version)
        before = None if zone_id is None else _facts(zone)
        WatchedZone(zone.name, checked.polygon_px, rule, frame_px=draft.size_px)
        zone.version = 1 if before is None else zone.version + 1
        zone.title_zh, zone.title_en = chinese, english
        zone.rule, zone.class_code = draft.kind, draft.class_code
        # rules that know no dwelling: how far back they look
        zone.dwell_s = float(rule.window_s if dwell_s is None else dwell_s)  # type: ignore[arg-type]
        zone.settings = settings
        zone.polygon_px = [list(corner) for corner in checked.polygon_px]
        zone.enabled = draft.enabled
        session.add(zone)
        session.flush()
        _audit(session, "draw zone" if before is None else "change zone", camera, zone, before)
        note_drawn(session, loaded_town(session), "zone")
        return SavedZone(zone.id, zone.version, checked.remark)


def delete_zone(camera_id: int, zone_id: int, version: int) -> None:
    """
    Takes a zone away.

    Raises
    ------
    NotFound
        If it is gone.
    TwinError
        If it has leads, which would go with it, or somebody else has changed it meanwhile.
    """
    with database.transaction() as session:
        zone = _locked(session, camera_id, zone_id, version)
        camera = session.get_one(Camera, camera_id)
        leads = session.scalar(text("SELECT count(*) FROM finding WHERE zone_id = :id"), {"id": zone_id})
        if leads:
            raise TwinError(
                "The zone has made {leads:,} leads; they and what people said of them would go with it.",
                "Switch it off instead.",
                leads=leads,
            )
        _audit(session, "delete zone", camera, zone, _facts(zone))
        session.delete(zone)
        session.flush()
        note_drawn(session, loaded_town(session), "zone")


def _require_size(session: Session, camera_id: int, size_px: tuple[int, int]) -> None:
    """InputError if the camera is calibrated for another size: zones are in pixels of the calibrated one."""
    size = session.execute(
        select(Calibration.width_px, Calibration.height_px).where(Calibration.camera_id == camera_id)
    ).one_or_none()
    if size is not None and tuple(size) != size_px:
        raise InputError(
            "The zone was drawn on a picture of {now} px, but the camera is calibrated for {then} px.",
            "Calibrate it for the new size first; its zones are then carried over.",
            now=f"{size_px[0]} × {size_px[1]}",
            then=f"{size[0]} × {size[1]}",
        )


def _new(session: Session, camera_id: int) -> Zone:
    """A zone with a name of its own on this camera, whose row the caller has locked."""
    names = set(session.scalars(select(Zone.name).where(Zone.camera_id == camera_id)))
    number = next(n for n in range(1, len(names) + 2) if f"zone-{n}" not in names)
    return Zone(camera_id=camera_id, name=f"zone-{number}", version=1, simulated=False)


def _locked(session: Session, camera_id: int, zone_id: int, version: int | None) -> Zone:
    """The zone, held for this transaction."""
    zone = session.scalar(
        select(Zone).where(Zone.id == zone_id, Zone.camera_id == camera_id).with_for_update()
    )
    if zone is None:
        raise NotFound("Zone {zone} is gone.", "Choose another one.", zone=zone_id)
    if version != zone.version:
        raise TwinError(
            "Somebody else has changed the zone: it is at version {now}, you looked at version {then}.",
            "Look at it again, then change it.",
            now=zone.version,
            then=version,
        )
    return zone


def _titles(draft: ZoneDraft) -> tuple[str, str]:
    chinese, english = (" ".join(each.split()) for each in (draft.title_zh, draft.title_en))
    if not chinese and not english:
        raise InputError("The zone has no title.", "Give it one, in Chinese, in English or in both.")
    for each in (chinese, english):
        if len(each) > TITLE_LENGTH:
            raise InputError(
                "The title has {length} characters.",
                "Say it in {most}.",
                length=len(each),
                most=TITLE_LENGTH,
            )
    return chinese or english, english or chinese


def _facts(zone: Zone) -> dict[str, Any]:
    return {
        "name": zone.name,
        "title_en": zone.title_en,
        "title_zh": zone.title_zh,
        "rule": zone.rule,
        "class_code": zone.class_code,
        "dwell_s": zone.dwell_s,
        "settings": dict(zone.settings),
        "polygon_px": [list(corner) for corner in zone.polygon_px],
        "version": zone.version,
        "enabled": zone.enabled,
    }


def _audit(
    session: Session, action: str, camera: Camera, zone: Zone, before: Mapping[str, Any] | None
) -> None:
    after = None if action == "delete zone" else _facts(zone)
    session.add(
        Audit(
            actor=func.current_user(),
            action=action,
            subject=f"camera {camera.code} {zone.name}",
            details={"before": before, "after": after},
        )
    )
