"""What is to be done with an upload, as plain values for the queue; and what came of it, for a job row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from analysis.errors import HuiyanError
from geodata.commands.imports import Order, Report, check_file, load_file
from geodata.commands.rasters import load_raster
from geodata.errors import DatabaseUnavailable
from geodata.ingest.kinds import find_kind
from geodata.ingest.places import Hint
from geodata.ingest.tables import RowFault
from geodata.ingest.uploads import drop_upload, kept_upload
from geodata.progress import Progress

__all__ = ["RASTER", "ask_for", "ask_for_raster", "plain_report", "report_of", "until_done", "work_off"]

RASTER = "raster"
"""Kind of an upload that is no table."""


def ask_for(order: Order, upload: str, *, dry: bool = False) -> dict[str, Any]:
    """
    The arguments of a job that does what `order` says with an upload.

    Parameters
    ----------
    order
        Its path is not used.
    upload
        Name under which `keep_upload` keeps the file.
    dry
        Only check it.
    """
    told = {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(order).items()}
    return {**told, "path": "", "name": order.called, "upload": upload, "dry": dry}


def ask_for_raster(upload: str, *, name: str, source: str, licence: str, taken_on: str) -> dict[str, Any]:
    """The arguments of a job that loads an upload as a raster."""
    told = {"name": name, "source": source, "licence": licence, "taken_on": taken_on}
    return {**told, "kind": RASTER, "upload": upload, "dry": False}


@contextmanager
def until_done(upload: str) -> Iterator[None]:
    """The upload goes when the block has ended, well or not; if the database went away it stays, to be read again."""
    try:
        yield
    except (DatabaseUnavailable, OperationalError):
        raise
    except Exception:
        drop_upload(upload)
        raise
    drop_upload(upload)


def work_off(asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """
    Does what `ask_for` asked for; returns the report as plain values, of a raster how large it is.

    Raises
    ------
    IngestError, CrsNeeded
        As `check_file`, `load_file` and `load_raster`; also if the upload is gone.
    """
    path = kept_upload(asked["upload"])
    if asked["kind"] == RASTER:
        told = {name: asked[name] for name in ("name", "source", "licence")}
        done = load_raster(path, **told, taken_on=asked.get("taken_on"), progress=progress)
        return {"file": done.name, "width_px": done.width_px, "height_px": done.height_px}
    fields = {name: asked[name] for name in Order.__dataclass_fields__ if name in asked}
    order = Order(**{**fields, "path": Path(path)})
    return plain_report((check_file if asked["dry"] else load_file)(order, progress))


def plain_report(report: Report) -> dict[str, Any]:
    """A report as JSON can hold it."""
    return {
        **vars(report),
        "kind": report.kind.name,
        "columns": dict(report.columns),
        "left": list(report.left),
        "types": dict(report.types),
        "then": list(report.then),
        "hint": None if report.hint is None else asdict(report.hint),
        "faults": [
            {"row": each.row, "column": each.column, "value": each.value, "error": each.error.told()}
            for each in report.faults
        ],
    }


def report_of(plain: Mapping[str, Any]) -> Report:
    """The report that `plain_report` was made of."""
    hint = plain["hint"]
    return Report(
        **{
            **plain,
            "kind": find_kind(plain["kind"]),
            "left": tuple(plain["left"]),
            "then": tuple(plain["then"]),
            "hint": None if hint is None else Hint(**{**hint, "median_m": tuple(hint["median_m"])}),
            "faults": tuple(
                RowFault(each["row"], each["column"], each["value"], HuiyanError.retold(each["error"]))
                for each in plain["faults"]
            ),
        }
    )
