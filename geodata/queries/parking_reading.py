"""A town's parking as the web process holds it: read in the background, kept in a file from one start to the next."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Connection, text

import analysis
import geodata
from analysis.access import SnappedPlaces, StreetGraph, Walks
from analysis.categories import ILLEGAL_PARKING
from analysis.demand import Demand, HourProfile, RateModel, Recall
from analysis.errors import CodeError, CrsError, InputError
from analysis.exposure import Watch
from analysis.parking import Fault, Supply
from geodata import database
from geodata.parts.executors import Done, made_part
from geodata.parts.files import KeptInFile
from geodata.parts.trees import from_bytes, to_bytes
from geodata.progress import Progress, silent
from geodata.queries import datasets, parking, parking_supply
from geodata.queries.background import Background, Kept, Newest
from geodata.queries.demand import Estimates, Events, Looking, Streetscape
from geodata.queries.parking import ParkingGround, Standing, load_parking
from geodata.queries.parking_access import Access
from geodata.towns.town import Town

__all__ = ["ParkingReading", "ParkingStore", "parking_digest", "parking_revision", "read_parking"]

log = logging.getLogger(__name__)

SOURCES = (*datasets.GROUND, "area", "case_file", "exposure", "car_park", "pipe_node", "poi")
"""Datasets that the screen rests on."""
KINDS = (
    *(Access, Demand, Estimates, Events, Fault, HourProfile, Looking, ParkingGround, RateModel, Recall),
    *(SnappedPlaces, Standing, StreetGraph, Streetscape, Supply, Walks, Watch, parking_supply.ParkingGround),
    *(CodeError, CrsError, InputError),
)
"""What a kept reading is made of."""
LIBRARIES = ("geopandas", "numba", "numpy", "pandas", "pyproj", "scipy", "shapely", "statsmodels")
_CASES = "case_file WHERE class_code = :class AND source IN ('camera', 'qr')"
READ = {
    **{name: name for name in ("area", "building", "car_park", "kerb", "poi", "street_edge", "unit_cell")},
    "camera_view": "camera_view",
    "pipe_node": "pipe_node WHERE kind = 'hydrant'",
    "case_file": _CASES,
    # what is still to come is told until it is not
    "to come": f"{_CASES} AND reported_at > now()",
    "exposure": "exposure e WHERE class_code = :class AND NOT EXISTS"
    " (SELECT FROM camera c WHERE c.id = e.camera_id AND c.demonstration)",
}
"""Rows that are read, in the words of SQL after FROM; of a camera nothing but whether it only demonstrates."""


def parking_revision() -> int:
    """The newest revision of what the screen rests on."""
    with database.connection() as conn:
        return datasets.revision(conn, SOURCES)


def parking_digest(conn: Connection, town: Town) -> bytes:
    """
    All that a reading of the town's parking rests on, in few words: rows, town, code and libraries.

    Rows are told by the transactions that wrote them, so that a change shows itself whoever made it, noted or not.
    """
    many = " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(sum(hashint8extended(xmin::text::bigint, 0)), 0)::text FROM {rows}"  # noqa: S608
        for name, rows in READ.items()
    )
    written = conn.execute(text(f"{many} ORDER BY 1"), {"class": ILLEGAL_PARKING}).all()
    whose = conn.execute(
        text("SELECT oid, datname FROM pg_database WHERE datname = current_database()")
    ).one()
    known = [(row.name, row.revision, row.rows, row.loaded_at) for row in datasets.dataset_rows(conn)]
    noted = [each for each in known if each[0] in SOURCES]
    told = [[list(row) for row in written], list(whose), noted, repr(town), _code()]
    return json.dumps(told, default=str).encode()


@lru_cache(1)
def _code() -> str:
    """Digest of our code that thinks and reads, and of the libraries that it thinks with."""
    found = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for package in (analysis, geodata):
        folder = Path(str(package.__file__)).parent
        for path in sorted(folder.rglob("*.py")):
            found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def read_parking(conn: Connection, town: Town, progress: Progress = silent) -> ParkingGround:
    """
    What `load_parking` reads; from the file of an earlier start where all that it rests on is as it was.

    Parameters
    ----------
    conn
        Of one moment, so that the rows that are told are those that are read.
    town
        The loaded town.
    progress
        Told how far it is.
    """
    store = KeptInFile("parking")
    part = made_part(0, "parking", town.name, 1, parking_digest(conn, town))
    kept = store.find(part.digest)
    if kept is not None:
        progress(0, 1, "Reading what was kept")
        found = from_bytes(kept, KINDS)
        assert isinstance(found, ParkingGround)
        return found
    began = time.perf_counter()
    read = load_parking(conn, town, progress)
    seconds = time.perf_counter() - began
    if read.now.looking.share.empty:  # the period is then the hour that is
        return read
    progress(parking.STEPS, parking.STEPS, "Keeping what was read")
    try:
        content = to_bytes(read, KINDS)
    except TypeError as error:
        log.warning("What was read of parking cannot be kept: %s", error)
    else:
        store.keep(Done(part, content, seconds))
    return read


class ParkingReading(Background[ParkingGround]):
    """A town's parking that is being read, or has been."""

    def __init__(self, url: str) -> None:
        self._standing: Kept[Standing] = Kept(8)
        super().__init__(url, read_parking, "parking")

    @property
    def standing(self) -> Kept[Standing]:
        """Demand under scenarios, by what names them."""
        return self._standing


class ParkingStore(Newest[ParkingGround]):
    """The newest of a town's parking."""

    def __init__(self) -> None:
        super().__init__(ParkingReading)

    def reading(self, revision: int) -> ParkingReading:
        """The town's parking at a revision of its datasets."""
        found = super().reading(revision)
        assert isinstance(found, ParkingReading)
        return found
