"""Loading a user's file: checked, staged, merged by key, as one revision and in one transaction."""

from __future__ import annotations

import datetime as dt
import getpass
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from analysis.crs import STORAGE_EPSG
from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.commands.merging import Counts, merge, stage, stage_table, tell_twins
from geodata.errors import IngestError
from geodata.ingest.camera_columns import plain_name, told_text
from geodata.ingest.formats import Batch, Source, opened
from geodata.ingest.ground import Ground
from geodata.ingest.kinds import Kind, find_kind
from geodata.ingest.mapping import Mapped, check_mapping, place_columns, suggest
from geodata.ingest.places import AS_DEGREES, SAMPLE, Hint, better_reading, likely_systems
from geodata.ingest.preparing import Prepared, batch_places, prepare
from geodata.ingest.readers import CrsNeeded
from geodata.ingest.tables import RowFault
from geodata.ingest.values import Faults
from geodata.progress import Progress, silent
from geodata.queries.datasets import loaded_town
from geodata.queries.loads import remembered
from geodata.queries.reviews import reading_ground

__all__ = ["Order", "Report", "actor", "check_file", "load_file", "suggest_columns"]

MARGIN = 0.05
"""Rows may lie outside the town's rectangle by this share of it."""


@dataclass(frozen=True)
class Order:
    """
    What is to be done with a file.

    Attributes
    ----------
    path
        Where it lies.
    kind
        What it is loaded as.
    name
        As the person calls it; empty: that of the path.
    source, licence
        Where its rows come from, and under which licence; an empty source is the file's name without its ending.
    columns
        Field → column, where the person says so; the rest is suggested.
    constants
        Field → value of all rows.
    crs, exchanged
        System of the coordinates, None: as the file says; whether the first is the second.
    encoding, layer
        Of the file, where it does not say.
    repair
        Mend rings that cross themselves.
    good_rows
        Load the good rows even if others are at fault.
    simulated
        Nobody measured them.
    """

    path: Path
    kind: str
    name: str = ""
    source: str = ""
    licence: str = "unknown"
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    exchanged: bool = False
    encoding: str | None = None
    layer: str | None = None
    repair: bool = False
    good_rows: bool = False
    simulated: bool = False

    @property
    def called(self) -> str:
        """Name of the file for people."""
        return self.name or self.path.name

    @property
    def from_source(self) -> str:
        """Name of the source."""
        return self.source.strip() or self.called.split(".")[0]


@dataclass(frozen=True, eq=False)
class Report:
    """
    What a file brings, and what is wrong with it.

    Attributes
    ----------
    kind, file, source
        What was loaded as what, from where.
    rows, good
        How many rows there are, and how many can be used.
    added, changed, same
        How many of the good ones are new, differ from what is stored, and do not.
    repaired
        How many have rings that were mended.
    faults, faulty
        The first rows with faults, and how many there are.
    columns, left
        Field → column; columns that fill nothing.
    types
        Type of geometry → rows.
    crs, encoding
        As they were taken.
    hint
        A better reading of the coordinates, if there is one.
    revision
        Of the dataset after it; None where nothing was written.
    then
        Commands that renew what was computed from the table before.
    """

    kind: Kind
    file: str
    source: str
    rows: int
    good: int
    added: int
    changed: int
    same: int
    repaired: int
    faults: tuple[RowFault, ...]
    faulty: int
    columns: Mapping[str, str]
    left: tuple[str, ...]
    types: Mapping[str, int]
    crs: str
    encoding: str
    hint: Hint | None
    revision: int | None = None
    then: tuple[str, ...] = ()


class _DryRun(Exception):
    """Ends the transaction of a dry run, so that nothing of it stays."""


def suggest_columns(order: Order) -> tuple[tuple[str, ...], dict[str, str], bool]:
    """
    Columns of a file, the fields that they would fill, and whether it has shapes of its own.

    Raises
    ------
    IngestError
        If it cannot be read.
    """
    kind = find_kind(order.kind)
    with database.connection() as conn:
        before = remembered(conn, kind.name, order.from_source)
    with opened(order.path, order.called, encoding=order.encoding, layer=order.layer) as source:
        return source.columns, suggest(kind, source.columns, before.columns), source.has_shapes


def check_file(order: Order, progress: Progress = silent) -> Report:
    """
    A dry run: everything that loading does, and then nothing of it stays.

    Raises
    ------
    IngestError
        If the file cannot be read at all, or a needed field has no column.
    CrsNeeded
        If its coordinates are of a system that it does not name; the mend lists those that would fit.
    """
    found: list[Report] = []
    try:
        with database.transaction() as session:
            found.append(_run(session, order, progress, dry=True))
            raise _DryRun
    except _DryRun:
        return found[0]


def load_file(order: Order, progress: Progress = silent) -> Report:
    """
    Loads a file: new rows are added, rows with a known key are changed, and it is one revision.

    Raises
    ------
    IngestError
        As `check_file`; or if any row is at fault and `order.good_rows` is not set, no row is good, or the
        coordinates look shifted and the person did not name their system. Nothing is written then.
    """
    with database.transaction() as session:
        return _run(session, order, progress, dry=False)


def _run(session: Session, order: Order, progress: Progress, *, dry: bool) -> Report:
    kind = find_kind(order.kind)
    town = loaded_town(session)
    before = remembered(session, kind.name, order.from_source)
    with opened(order.path, order.called, encoding=order.encoding, layer=order.layer) as source:
        mapped = Mapped(
            suggest(kind, source.columns, {**before.columns, **order.columns}) | dict(order.columns),
            order.constants,
        )
        mapped = Mapped(
            {k: v for k, v in mapped.columns.items() if k not in mapped.constants and v}, mapped.constants
        )
        check_mapping(kind, mapped, source.columns, has_shapes=source.has_shapes, name=order.called)
        land, marks = reading_ground(session.connection(), town)
        box = land.to_crs(STORAGE_EPSG).total_bounds
        first = _first_places(source, mapped, town.time_zone)
        crs = order.crs or _system(source, mapped, before.crs)
        if crs is None:
            raise _crs_needed(order.called, first, town.metric_epsg, land)
        hint = better_reading(
            first, crs, exchanged=order.exchanged, epsg=town.metric_epsg, land=land, landmarks=marks
        )
        if hint is not None and not dry and order.crs is None:
            raise _looks_shifted(order.called, crs, hint)
        ground = _ground(session, kind, town, _grown(box))
        faults, seen = Faults(), _Seen()
        stage_table(session, kind)
        for batch in source.batches():
            ready = prepare(
                kind,
                mapped,
                batch,
                ground,
                faults,
                crs=crs,
                exchanged=order.exchanged,
                repair=order.repair,
                source=order.from_source,
                simulated=order.simulated,
            )
            seen.take(batch, ready)
            stage(session, kind, ready)
            progress(seen.rows, source.rows, "Checking and staging rows")
    for each in source.faults:
        faults.tell(each.row, each.column, each.value, each.error)
        seen.rows += each.column is None
    tell_twins(session, kind, faults, mapped.columns)
    faulty = len(faults.rows)
    if seen.rows == 0:
        raise IngestError("{name} is empty.", "Choose another file.", name=order.called)
    if not dry:
        _require_good(order, faults, seen.rows)
    progress(seen.rows, seen.rows, "Comparing with what is stored")
    try:
        number = None if dry else _number(session)
        counts = merge(session, kind, seen.given, number, progress, seen.rows)
    except (IntegrityError, DataError) as error:
        raise IngestError(
            "{name} does not fit what is stored ({why}).",
            "Mend those rows, then load it again.",
            name=order.called,
            why=told_text(str(error.orig).splitlines()[0], most=200),
        ) from error
    revision = None
    if number is not None:
        revision = _note(
            session, order, kind, town.name, mapped, crs, source.encoding, counts, faulty, number
        )
    used = set(mapped.columns.values())
    return Report(
        kind=kind,
        file=order.called,
        source=order.from_source,
        rows=seen.rows,
        good=seen.rows - faulty,
        added=counts.added,
        changed=counts.changed,
        same=counts.same,
        repaired=seen.repaired,
        faults=tuple(sorted(faults.told, key=lambda each: each.row)),
        faulty=faulty,
        columns=mapped.columns,
        left=tuple(each for each in source.columns if each not in used),
        types=dict(seen.types),
        crs=crs,
        encoding=source.encoding,
        hint=hint,
        revision=revision,
        then=kind.then if counts.added or counts.changed else (),
    )


@dataclass
class _Seen:
    """What went by."""

    rows: int = 0
    repaired: int = 0
    given: frozenset[str] = frozenset()
    types: Counter[str] = field(default_factory=Counter)

    def take(self, batch: Batch, ready: Prepared) -> None:
        self.rows += len(batch.numbers)
        self.repaired += ready.repaired
        self.given |= ready.given
        self.types.update(ready.types)


def _first_places(source: Source, mapped: Mapped, zone: Any) -> Any:
    """One coordinate pair a row of the first rows, as they stand in the file."""
    for batch in source.batches():
        few = Batch(
            batch.numbers[:SAMPLE],
            batch.table.slice(0, SAMPLE),
            None if batch.shapes is None else batch.shapes[:SAMPLE],
        )
        shapes = batch_places(few, mapped, zone, Faults())
        shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        if not len(shapes):
            continue
        boxes = shapely.bounds(shapes)
        return np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, [1, 3]].mean(axis=1)])
    return np.empty((0, 2))


def _system(source: Source, mapped: Mapped, before: str | None) -> str | None:
    """The system that the file declares; one that its columns are named after; the one of the same source before."""
    if source.has_shapes:
        if source.crs in (None, "wgs84") and before:
            return before
        return source.crs
    pair = place_columns(mapped)
    if pair is None or pair[0] != mapped.columns.get("lon_deg"):
        return before
    named = plain_name(pair[0])
    return before or next((each for each in AS_DEGREES if named.startswith(each)), "wgs84")


def _crs_needed(name: str, places: Any, epsg: int, land: Any) -> CrsNeeded:
    likely = likely_systems(places, epsg, land) if len(places) else []
    return CrsNeeded(
        "{name} does not say in which system its coordinates are.",
        "Name the system; these would put its rows into the town: {systems}.",
        name=name,
        systems=", ".join(dict.fromkeys(system for _, system, _ in likely)) or "-",
    )


def _looks_shifted(name: str, crs: str, hint: Hint) -> IngestError:
    if hint.median_m:
        return IngestError(
            "{name} looks shifted by about {metres:.0f} m: read as {found} its rows lie nearer to the streets than"
            " as {crs}.",
            "If that is so, name {found}; if it is right as it is, name {crs}.",
            name=name,
            metres=max(hint.median_m[0] - hint.median_m[1], 0),
            crs=crs,
            found=hint.crs,
        )
    return IngestError(
        "{name} lies outside the town; read as {found} {share:.0%} of its rows lie inside.",
        "Name that system if it is right, and exchange both coordinates if that is what is wrong.",
        name=name,
        found=hint.crs,
        share=hint.inside_ratio,
    )


def _grown(box: Any) -> tuple[float, float, float, float]:
    west, south, east, north = (float(each) for each in box)
    x, y = MARGIN * (east - west), MARGIN * (north - south)
    return west - x, south - y, east + x, north + y


def _ground(session: Session, kind: Kind, town: Any, box: tuple[float, float, float, float]) -> Ground:
    height, areas, classes, cameras = 9.6, {}, frozenset[str](), {}
    if kind.derive == "buildings":
        sql = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY height_m) FROM building"
        height = float(session.scalar(text(sql)) or height)
    if kind.derive == "cells":
        areas = _ids(session, "SELECT code, id FROM area WHERE kind = 'community'")
    if kind.derive == "cases":
        classes = frozenset(session.scalars(text("SELECT code FROM event_class")))
        cameras = _ids(session, "SELECT code, id FROM camera")
    return Ground(
        epsg=town.metric_epsg,
        zone=town.time_zone,
        box_deg=box,
        today=dt.datetime.now(town.time_zone).date(),
        height_m=height,
        areas=areas,
        classes=classes,
        cameras=cameras,
    )


def _ids(session: Session, sql: str) -> dict[str, int]:
    return {code: number for code, number in session.execute(text(sql))}


def _require_good(order: Order, faults: Faults, rows: int) -> None:
    faulty = len(faults.rows)
    if faulty >= rows:
        raise IngestError("No row of {name} can be used.", "See why with a dry run.", name=order.called)
    if faulty and not order.good_rows:
        raise IngestError(
            "{faulty:,} of {rows:,} rows of {name} are at fault, the first is row {row}; nothing was loaded.",
            "See why with a dry run and mend them, or load the good rows alone.",
            faulty=faulty,
            rows=rows,
            name=order.called,
            row=min(faults.rows),
        )


def _number(session: Session) -> int:
    return int(session.scalar(text("SELECT nextval(pg_get_serial_sequence('load', 'id'))")) or 0)


def _note(
    session: Session,
    order: Order,
    kind: Kind,
    town: str,
    mapped: Mapped,
    crs: str,
    encoding: str,
    counts: Counts,
    faulty: int,
    number: int,
) -> int:
    """Writes the load, the register, and how this source calls its columns; returns the revision."""
    was = session.execute(
        text(
            "SELECT source, licence, method, simulated FROM dataset WHERE name = :table"
        ),
        {"table": kind.table},
    ).mappings().one_or_none()  # fmt: skip
    revision = record(session, kind.table, town, _provenance(order, was), made_here=False)
    with order.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    insert = text(
        "INSERT INTO load (id, kind, dataset, revision, file_name, sha256, bytes, source, licence, mapping, crs,"
        " encoding, added, changed, same, faulty, actor, before, xid, simulated)"
        " VALUES (:id, :kind, :dataset, :revision, :file_name, :sha256, :bytes, :source, :licence,"
        " cast(:mapping AS jsonb), :crs, :encoding, :added, :changed, :same, :faulty, :actor,"
        " cast(:before AS jsonb), (pg_current_xact_id()::text::numeric % 4294967296)::bigint, :simulated)"
    )
    session.execute(
        insert,
        {
            "id": number,
            "kind": kind.name,
            "dataset": kind.table,
            "revision": revision,
            "file_name": told_text(order.called, most=200),
            "sha256": digest,
            "bytes": order.path.stat().st_size,
            "source": order.from_source,
            "licence": order.licence,
            "mapping": _json(dict(mapped.columns) | {f"={k}": v for k, v in mapped.constants.items()}),
            "crs": crs,
            "encoding": encoding,
            "added": counts.added,
            "changed": counts.changed,
            "same": counts.same,
            "faulty": faulty,
            "actor": actor(),
            "before": None if was is None else _json(dict(was)),
            "simulated": order.simulated,
        },
    )
    session.execute(
        text(
            "INSERT INTO column_mapping (kind, source, mapping, crs, used_at)"
            " VALUES (:kind, :source, cast(:mapping AS jsonb), :crs, now()) ON CONFLICT (kind, source)"
            " DO UPDATE SET mapping = excluded.mapping, crs = excluded.crs, used_at = now()"
        ),
        {
            "kind": kind.name,
            "source": order.from_source,
            "mapping": _json(dict(mapped.columns)),
            "crs": crs if order.crs else None,
        },
    )
    return revision


def _provenance(order: Order, was: Any) -> Provenance:
    """The register of a table that holds rows of several sources names them all."""
    mine = {"source": order.from_source, "licence": order.licence, "method": "loaded from a file"}
    if was is None:
        return Provenance(**mine, simulated=order.simulated)
    joined = {
        name: str(was[name]) if new in str(was[name]).split("; ") else f"{was[name]}; {new}"
        for name, new in mine.items()
    }
    return Provenance(**joined, simulated=bool(was["simulated"]) or order.simulated)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def actor() -> str:
    """Who runs this process, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
