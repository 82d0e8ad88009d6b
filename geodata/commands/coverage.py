"""Recomputing what every camera sees, and how much of every place: in one process, in several, or on a cluster."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from analysis import visibility
from analysis.errors import InputError
from geodata import database
from geodata.commands.datasets import Provenance, record
from geodata.errors import TwinError
from geodata.ingest.copying import copy_arrays
from geodata.ingest.renewing import renewed
from geodata.parts import shares, views
from geodata.parts.computing import KeptInTable, Store, Tally, Unkept, compute, forget_others
from geodata.parts.executors import Executor, Serial, choose
from geodata.progress import Progress, silent
from geodata.queries import coverage as queries
from geodata.queries.city import buildings
from geodata.queries.datasets import loaded_town
from geodata.settings import settings
from geodata.towns.town import Town, find_town

__all__ = ["METHOD", "CoverageRun", "recompute_coverage", "run_coverage"]

METHOD = views.METHOD
_VIEWS = Provenance("Huiyan", "ODbL-1.0", METHOD, simulated=True)
_SHARES = Provenance("Huiyan", "ODbL-1.0", shares.METHOD, simulated=True)
CELL, EVERYONE = "unit_cell", "all"
SHARE_COLUMNS = ("place", "place_id", "grouping", "once_ratio", "twice_ratio")
ATTEMPTS = 3
"""A run whose data change under it begins again so often at most."""
BESIDE_M = 50.0
"""A border is drawn no finer than this, and a post may stand on either side of it."""
FIRST_TOLD = 5
"""Cameras left out are counted, and so many named."""


@dataclass(frozen=True)
class CoverageRun:
    """
    What a run did.

    Attributes
    ----------
    share
        Coverage by cell id, in [0, 1].
    cameras
        Cameras that see anything.
    left_out
        Camera code → why its pose cannot be used.
    parts, computed
        Parts in all, and those that were not kept from an earlier run.
    executor
        Where they were computed.
    seconds
        Of the whole run.
    digest
        SHA-256 of views and shares: equal wherever the same data are computed.
    """

    share: pd.Series[float]
    cameras: int
    left_out: dict[str, InputError]
    parts: int
    computed: int
    executor: str
    seconds: float
    digest: str


class _City(NamedTuple):
    """What a run reads, in metres."""

    revision: int
    cameras: gpd.GeoDataFrame
    faults: dict[str, InputError]
    poses: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    parents: dict[int, int]


class _Found(NamedTuple):
    """What a run writes."""

    views: views.Views
    groups: shares.Groups
    shares: shares.Shares
    watching: pd.Series[int]
    digest: str


def recompute_coverage(session: Session, town: Town, progress: Progress = silent) -> pd.Series[float]:
    """
    Replaces views, coverage of cells and shares by group as part of a transaction; returns the coverage by cell id.

    One process computes, and no part is kept. Cameras that are not online see nothing: their view is kept out.
    """
    begun = time.monotonic()
    progress(0, None, "Reading cameras and buildings")
    city, executor, tally = _read(session, town), Serial(), Tally()
    found = _computed(city, executor, Unkept(), tally, progress)
    return _written(session, town, city, found, tally, executor.name, begun, progress).share


def run_coverage(
    town: str | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    then: Callable[[Session, Town, Progress], object] | None = None,
    progress: Progress = silent,
) -> CoverageRun:
    """
    Replaces views, coverage of cells and shares by group.

    Each part is kept as soon as it is computed, so that a run which is interrupted goes on where it stopped, and a
    later run computes only what has changed. All is written in one transaction at the end.

    Parameters
    ----------
    town
        The town; it must be the loaded one. The loaded one if not given.
    workers
        Processes on this machine, 0 for one a core; TWIN_WORKERS if not given.
    scheduler
        Address of a Dask scheduler; TWIN_DASK_SCHEDULER if neither this nor `workers` is given.
    then
        Done in the same transaction.
    progress
        Told what is being done.

    Raises
    ------
    NotFound
        If no town is loaded, or there is none of that name.
    TwinError
        If another town is loaded, the scheduler does not answer, or the data keep changing.
    PartError
        If a part's worker died again and again; the message names its cameras.
    """
    begun = time.monotonic()
    if scheduler is None and workers is None:
        scheduler = settings().dask_scheduler
    workers = settings().workers if workers is None else workers
    for _ in range(ATTEMPTS):
        progress(0, None, "Reading cameras and buildings")
        with database.transaction() as session:
            chosen = _loaded(session, town)
            city = _read(session, chosen)
        tally = Tally()
        with choose(workers, scheduler, -(-len(city.poses) // views.MOST_POSES)) as executor:
            name = executor.name
            found = _computed(city, executor, KeptInTable(), tally, progress)
        with database.transaction() as session:
            session.execute(text("LOCK TABLE camera_view IN SHARE ROW EXCLUSIVE MODE"))  # one run at a time
            if queries.newest_change(session) != city.revision:
                continue
            run = _written(session, chosen, city, found, tally, name, begun, progress)
            forget_others(session, tally.digests)
            if then is not None:
                then(session, chosen, progress)
        return run
    raise TwinError(
        "Cameras, buildings or places changed while they were computed, {count} times over.",
        "Run it again when nothing is being loaded or edited.",
        count=ATTEMPTS,
    )


def _loaded(session: Session, name: str | None) -> Town:
    """The loaded town, if it is the one that is wanted."""
    wanted = find_town(name) if name is not None else None
    town = loaded_town(session)
    if wanted is not None and wanted.name != town.name:
        raise TwinError(
            "The database holds {loaded}, not {wanted}.",
            "Load it in its place: huiyan load {wanted} --replace; or leave --town out.",
            loaded=town.name,
            wanted=wanted.name,
        )
    return town


def _read(session: Session, town: Town) -> _City:
    epsg = town.metric_epsg
    cameras = queries.posed_cameras(session, epsg)
    divisions = queries.areas(session, epsg)
    poses, faults = _sound(cameras[cameras["state"] == "online"], queries.presets(session), divisions)
    lowest = shares.lowest_areas(divisions).assign(place="area")
    places = pd.concat(
        [queries.seen_places(session, epsg), lowest.rename_geometry("geom")], ignore_index=True
    )
    return _City(
        queries.newest_change(session),
        cameras,
        faults,
        poses,
        buildings(session, epsg),
        places,
        shares.parents_of(divisions, lowest),
    )


def _sound(
    cameras: gpd.GeoDataFrame, presets: pd.DataFrame, divisions: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, dict[str, InputError]]:
    """
    Poses of the cameras without faults, and what is wrong with the others, by their codes.

    A camera belongs on the ground of the town's divisions, as far as they are known, or right beside it.
    """
    land = divisions[divisions["parent_id"].isna()].buffer(BESIDE_M) if len(divisions) else None
    own = visibility.camera_faults(cameras.set_index("code"), land=land)
    faults = dict(zip(own.index, own, strict=True))
    good = cameras[~cameras["code"].isin(own.index)]
    try:
        return views.poses_of(good, presets), faults
    except InputError:  # some preset: find the cameras that have such
        turning = good[good.index.isin(presets["camera_id"])]
        for camera in turning.index:
            try:
                views.poses_of(turning.loc[[camera]], presets)
            except InputError as error:
                faults[turning["code"][camera]] = error
    good = good[~good["code"].isin(list(faults))]
    return views.poses_of(good, presets), faults


def _computed(city: _City, executor: Executor, store: Store, tally: Tally, progress: Progress) -> _Found:
    count = len(views.cut_poses(city.poses)) + len(shares.cut_places(city.places)) + 1

    def tell(message: str) -> Callable[[], None]:
        progress(tally.done, count, message)
        return lambda: progress(tally.done, count, message)

    seen = views.joined_views(
        compute(
            views.view_part,
            views.view_parts(city.poses, city.buildings),
            executor,
            store,
            tally,
            tell("Computing visible areas"),
        )
    )
    groups = shares.groups_of(city.cameras, seen.table["camera_id"].to_numpy())
    measured = shares.joined_shares(
        compute(
            shares.share_part,
            shares.share_parts(city.places, seen, groups),
            executor,
            store,
            tally,
            tell("Measuring the coverage of places"),
        ),
        city.parents,
    )
    return _Found(seen, groups, measured, _watching(city.places, seen), _digest(seen, groups, measured))


def _watching(places: gpd.GeoDataFrame, seen: views.Views) -> pd.Series[int]:
    """How many cameras see any of each cell, by cell id."""
    grid = places[places["place"] == "unit_cell"]
    tree = shapely.STRtree(np.asarray(grid.geometry.array, dtype=object))
    _, cell = tree.query(shapely.from_wkb(seen.wkb), predicate="intersects")
    return pd.Series(np.bincount(cell, minlength=len(grid)), index=grid["place_id"].to_numpy())


def _digest(seen: views.Views, groups: shares.Groups, measured: shares.Shares) -> str:
    """SHA-256 of all that is written but moments and marks, camera by camera and place by place."""
    whole = hashlib.sha256()
    for column in seen.table:
        whole.update(seen.table[column].to_numpy().tobytes())
    for shape in seen.stored_wkb:
        whole.update(shape)
    for names in (measured.places["place"], measured.places["place_id"], groups.bit):
        whole.update("\n".join(map(str, names)).encode())
    for name in groups.bit:
        for ratios in (measured.once, measured.twice):
            whole.update(np.ascontiguousarray(ratios[:, groups.bit[name]]).tobytes())
    return whole.hexdigest()


def _written(
    session: Session,
    town: Town,
    city: _City,
    found: _Found,
    tally: Tally,
    executor: str,
    begun: float,
    progress: Progress,
) -> CoverageRun:
    progress(tally.done, tally.done + 1, "Writing what the cameras see")
    _write_views(session, city.cameras, found.views)
    share = _write_shares(session, found)
    _write_cells(session, share, found.watching)
    for name, provenance in (("camera_view", _VIEWS), ("coverage_share", _SHARES), ("cell_measure", _VIEWS)):
        record(session, name, town.name, provenance)
    run = CoverageRun(
        share=share,
        cameras=len(found.views.table),
        left_out=city.faults,
        parts=len(tally.digests),
        computed=tally.computed,
        executor=executor,
        seconds=round(time.monotonic() - begun, 3),
        digest=found.digest,
    )
    _write_run(session, city.revision, run)
    progress(tally.done + 1, tally.done + 1, "Coverage is ready")
    return run


def _write_views(session: Session, cameras: gpd.GeoDataFrame, seen: views.Views) -> None:
    columns = {
        **{name: seen.table[name].to_numpy() for name in seen.table},
        "method": METHOD,
        "simulated": cameras.loc[seen.table["camera_id"], "simulated"].to_numpy(dtype=bool),
        "geom": seen.stored_wkb.tolist(),
    }
    with renewed(session, "camera_view", list(columns), "computed_at") as fresh:
        copy_arrays(session, "camera_view", columns | {"computed_at": dt.datetime.now(dt.UTC)}, into=fresh)


def _write_shares(session: Session, found: _Found) -> pd.Series[float]:
    """
    Replaces the shares; returns the coverage by cell id.

    Cells have a row for every group. Other places have one for all cameras, and one for each group that sees any.
    """
    place, number = found.shares.places["place"].to_numpy(), found.shares.places["place_id"].to_numpy()
    with renewed(session, "coverage_share", SHARE_COLUMNS) as fresh:
        for kind in found.shares.places["place"].unique():
            mine = place == kind
            for grouping, bit in found.groups.bit.items():
                told = (
                    mine if kind == CELL or grouping == EVERYONE else mine & (found.shares.once[:, bit] > 0)
                )
                columns = {
                    "place": kind,
                    "place_id": number[told],
                    "grouping": grouping,
                    "once_ratio": found.shares.once[told, bit],
                    "twice_ratio": found.shares.twice[told, bit],
                }
                copy_arrays(session, "coverage_share", columns, into=fresh)
    cells, bit = place == CELL, found.groups.bit[EVERYONE]
    return pd.Series(found.shares.once[cells, bit], index=number[cells], name="coverage")


def _write_cells(session: Session, share: pd.Series[float], watching: pd.Series[int]) -> None:
    session.execute(
        text(
            "INSERT INTO cell_measure (cell_id, coverage_ratio, cameras) VALUES (:cell, :share, :cameras)"
            " ON CONFLICT (cell_id) DO UPDATE"
            " SET coverage_ratio = excluded.coverage_ratio, cameras = excluded.cameras"
        ),
        [
            {"cell": int(cell), "share": float(ratio), "cameras": int(watching[cell])}
            for cell, ratio in share.items()
        ],
    )


def _write_run(session: Session, revision: int, run: CoverageRun) -> None:
    told = [fault.told() for fault in list(run.left_out.values())[:FIRST_TOLD]]
    result = {
        "digest": run.digest,
        "cameras": run.cameras,
        "mean_ratio": float(run.share.mean()),
        "left_out": len(run.left_out),
        "first_left_out": told,
        "parts": run.parts,
        "computed": run.computed,
    }
    session.execute(
        text(
            "INSERT INTO run (kind, revision, method, parameters, result, seconds)"
            " VALUES ('coverage', :revision, :method, :parameters, :result, :seconds)"
        ),
        {
            "revision": revision,
            "method": METHOD,
            "parameters": json.dumps({"executor": run.executor}),
            "result": json.dumps(result),
            "seconds": run.seconds,
        },
    )
