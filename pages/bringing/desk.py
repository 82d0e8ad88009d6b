"""Bring data in: a file, what it holds, its columns, a dry run, the load, and the loads that there are."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import streamlit as st

from analysis.errors import HuiyanError
from geodata.commands.imports import Order, Report, check_file, suggest_columns
from geodata.commands.rasters import SUFFIXES as RASTERS
from geodata.commands.uploading import ask_for, ask_for_raster
from geodata.ingest.formats import FORMATS
from geodata.ingest.kinds import KINDS, Kind
from geodata.ingest.mapping import PLACES
from geodata.ingest.readers import CrsNeeded
from geodata.ingest.uploads import keep_upload
from geodata.jobs.queue import defer
from geodata.settings import settings
from geodata.towns.town import Town
from layers.i18n import N_, translate
from pages import cached
from pages.bringing.following import check_under_way, loads_under_way
from pages.bringing.loads import loads_and_rasters
from pages.bringing.telling import tell_report
from pages.session import explained, forget, language, recall, remember, words
from pages.widgets.renewing import renewal
from pages.widgets.screen import told

__all__ = ["MOST_MB", "bring_data_in"]

MOST_MB = 50
"""Until the visitor leaves, the web process holds an upload in memory; larger files go by the command line."""
AT_ONCE_BYTES = 2_000_000
"""A file up to this size is checked in the page, a larger one by a worker."""
NONE = ""
SYSTEMS = {
    "": N_("as the file says"),
    "wgs84": "WGS 84 / CGCS2000",
    "gcj02": N_("GCJ-02 (AMap, Tencent)"),
    "bd09": N_("BD-09 (Baidu)"),
    "town": N_("metres of the town"),
    "other": N_("another EPSG code"),
}
ENCODINGS = {"": N_("as the file says"), "utf-8": "UTF-8", "gb18030": "GBK / GB 18030", "utf-16": "UTF-16"}
PLACE_TITLES = {
    "lon_deg": N_("Longitude, °"),
    "lat_deg": N_("Latitude, °"),
    "x_m": N_("x (east), m"),
    "y_m": N_("y (north), m"),
}
A_ROW = 3


@dataclass(frozen=True)
class Upload:
    """A file that somebody chose: its name, the file, its size, and what tells it from others."""

    name: str
    content: BinaryIO
    size: int
    mark: str


def bring_data_in(revision: int) -> None:
    """The whole desk; the page calls this and nothing else."""
    town = cached.town(revision)
    loads_under_way()
    renewal(revision)
    edition, most = int(recall("bring_edition", 0)), min(MOST_MB, settings().load_max_mb)
    file = st.file_uploader(
        words(N_("File")),
        sorted({suffix.removeprefix(".") for suffix in (*FORMATS, *RASTERS)}),
        key=f"bring_file_{edition}",
        max_upload_size=most,
        help=words(
            N_(
                "CSV, XLSX, GeoJSON, GeoPackage, a zipped shapefile, FlatGeobuf, GeoParquet, CityJSON, DXF or GeoTIFF."
            )
        ),
    )
    st.caption(
        words(
            N_(
                "Choose a file, say what it holds and which column is what; a dry run tells every row that is wrong"
                " before anything is written. Up to {most} MB here; larger files go by the command line:"
                " huiyan load FILE --as KIND."
            ),
            most=most,
        )
    )
    if file is not None:
        upload = Upload(PurePosixPath(file.name).name, file, file.size, f"{file.file_id} {file.name}")
        if upload.name.lower().endswith(RASTERS):
            _raster(upload)
        else:
            _table(upload, town)
    st.divider()
    loads_and_rasters(revision)


def _table(upload: Upload, town: Town) -> None:
    titles = {name: words(kind.title) for name, kind in KINDS.items()}
    left, middle, right = st.columns(3)
    with left:
        chosen = st.selectbox(
            words(N_("What the file holds")),
            list(KINDS),
            format_func=titles.__getitem__,
            key="bring_kind",
        )
    with middle:
        source = st.text_input(
            words(N_("Source")),
            value=upload.name.split(".")[0],
            key=f"bring_source_{upload.mark}",
            help=words(
                N_("Rows of the same source are found again by its keys, and its columns are remembered.")
            ),
        )
    with right:
        licence = st.text_input(words(N_("Licence")), value="", key=f"bring_licence_{upload.mark}")
    kind = KINDS[chosen]
    order = Order(Path(upload.name), kind.name, upload.name, source, licence.strip() or "unknown")
    order = _reading(order, town)
    with told():
        columns, suggested, has_shapes = _columns(upload, order)
        order = _mapping(order, kind, columns, suggested, has_shapes=has_shapes)
        _check_and_load(upload, order)


def _reading(order: Order, town: Town) -> Order:
    """How the file is to be read: system, encoding, layer."""
    taken: tuple[str, bool] = recall("bring_reading") or ("", False)
    own = f"EPSG:{town.metric_epsg}"
    start = taken[0] if taken[0] in SYSTEMS else "town" if taken[0] == own else "other" if taken[0] else ""
    names = {each: words(title) for each, title in SYSTEMS.items()}
    names["town"] += f" ({own})"
    encodings = {each: words(title) for each, title in ENCODINGS.items()}
    left, middle, right = st.columns(3)
    with left:
        chosen = st.selectbox(
            words(N_("Coordinates")),
            list(SYSTEMS),
            index=list(SYSTEMS).index(start),
            format_func=names.__getitem__,
            key=f"bring_system_{taken[0]}",
        )
        other = ""
        if chosen == "other":
            other = st.text_input(
                "EPSG", value=taken[0].removeprefix("EPSG:"), key=f"bring_epsg_{taken[0]}"
            ).strip()
        exchanged = st.toggle(
            words(N_("First and second coordinate exchanged")),
            value=taken[1],
            key=f"bring_turned_{taken[1]}",
        )
    with middle:
        encoding = st.selectbox(
            words(N_("Encoding of its text")),
            list(ENCODINGS),
            format_func=encodings.__getitem__,
            key="bring_encoding",
        )
        repair = st.toggle(words(N_("Mend rings that cross themselves")), key="bring_repair")
    with right:
        layer = st.text_input(words(N_("Layer, where it has several")), key="bring_layer").strip()
        good_rows = st.toggle(words(N_("Load the good rows even if others are at fault")), key="bring_good")
        simulated = st.toggle(words(N_("Nobody measured these rows (simulated)")), key="bring_simulated")
    coded = f"EPSG:{other.upper().removeprefix('EPSG:')}" if other else None
    crs = {"": None, "town": own, "other": coded}.get(chosen, chosen)
    return replace(
        order,
        crs=crs,
        exchanged=exchanged,
        encoding=encoding or None,
        layer=layer or None,
        repair=repair,
        good_rows=good_rows,
        simulated=simulated,
    )


def _columns(upload: Upload, order: Order) -> tuple[tuple[str, ...], dict[str, str], bool]:
    """Columns of the file and what they would fill; read once for each way of reading."""
    mark = (upload.mark, order.kind, order.from_source, order.encoding, order.layer)
    held = recall("bring_columns")
    if held is None or held[0] != mark:
        with _on_disk(upload) as path:
            held = (mark, suggest_columns(replace(order, path=path)))
        remember("bring_columns", held)
    found: tuple[tuple[str, ...], dict[str, str], bool] = held[1]
    return found


def _mapping(
    order: Order, kind: Kind, columns: tuple[str, ...], suggested: dict[str, str], *, has_shapes: bool
) -> Order:
    """A choice for each field: a column of the file, or none."""
    st.markdown(f"**{words(N_('Which column fills which field'))}**")
    shown = {
        each.name: words(N_("{title}, {unit}"), title=words(each.title), unit=each.unit)
        if each.unit
        else words(each.title)
        for each in kind.fields
    }
    needed = {each.name for each in kind.fields if each.required}
    if not has_shapes:
        shown |= {name: words(title) for name, title in PLACE_TITLES.items()}
    options = [NONE, *columns]
    names = {NONE: "–", **{each: each for each in columns}}
    cells: list[Any] = []
    for first in range(0, len(shown), A_ROW):
        cells += st.columns(A_ROW)[: len(shown) - first]
    picked = {}
    for cell, (name, title) in zip(cells, shown.items(), strict=True):
        start = suggested.get(name, NONE)
        with cell:
            theirs = st.selectbox(
                f"{title} *" if name in needed else title,
                options,
                index=options.index(start) if start in options else 0,
                format_func=names.__getitem__,
                key=f"bring_map_{kind.name}_{name}_{hashlib.sha256('|'.join(columns).encode()).hexdigest()[:8]}",
            )
        if theirs:
            picked[name] = theirs
    left_out = {name: NONE for name in (*(each.name for each in kind.fields), *PLACES) if name not in picked}
    return replace(order, columns=picked | left_out)


def _check_and_load(upload: Upload, order: Order) -> None:
    """The dry run with its report, and the load of just what was checked."""
    mark = (upload.mark, repr(order))
    if st.button(words(N_("Check the file")), icon=":material/fact_check:", key="bring_check"):
        forget("bring_report")
        forget("bring_checking")
        if upload.size > AT_ONCE_BYTES:
            remember("bring_checking", (mark, _given_away(upload, order, dry=True)))
        elif (report := _checked(upload, order)) is not None:
            remember("bring_report", (mark, report))
    asked = recall("bring_checking")
    if asked is not None and asked[0] == mark:
        report = check_under_way(asked[1])
        if report is None:
            return
        forget("bring_checking")
        remember("bring_report", (mark, report))
    held = recall("bring_report")
    if held is None or held[0] != mark:
        st.caption(words(N_("Checking writes nothing. What was checked can be loaded.")))
        return
    report = held[1]
    tell_report(report)
    if report.hint is not None and order.crs is None:
        return
    count = report.good if order.good_rows or not report.faulty else 0
    if count and st.button(
        words(N_("Load {count:,} rows"), count=count),
        type="primary",
        icon=":material/upload:",
        key="bring_load",
        help=words(N_("A worker does it, also when you leave this page.")),
    ):
        _given_away(upload, order)
        _next_file()


def _given_away(upload: Upload, order: Order, *, dry: bool = False) -> str:
    """Gives the file to a worker; returns the name under which it is kept meanwhile."""
    kept = keep_upload(upload.name, upload.content)
    defer("load", **ask_for(order, kept, dry=dry))
    return kept


def _next_file() -> None:
    """The desk is free again."""
    forget("bring_report")
    remember("bring_edition", int(recall("bring_edition", 0)) + 1)
    st.rerun()


def _checked(upload: Upload, order: Order) -> Report | None:
    """Checks a small file under a progress bar; None after it has said what is wrong."""
    bar = st.progress(0.0, words(N_("Checking and staging rows")))

    def progress(done: int, total: int | None, message: str) -> None:
        share = min(done / total, 1.0) if total else 0.0
        bar.progress(share, f"{translate(message, language())} {done:,}")

    try:
        with _on_disk(upload) as path:
            return check_file(replace(order, path=path), progress)
    except CrsNeeded as error:
        st.warning(explained(error), icon=":material/explore:")
    except HuiyanError as error:
        st.error(explained(error), icon=":material/error:")
    finally:
        bar.empty()
    return None


@contextmanager
def _on_disk(upload: Upload) -> Iterator[Path]:
    """The upload as a file under a name of ours; only its ending is the person's."""
    suffix = PurePosixPath(upload.name).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="huiyan-") as folder:
        path = Path(folder) / f"upload{suffix}"
        upload.content.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(upload.content, file, 1 << 20)
        yield path


def _raster(upload: Upload) -> None:
    left, middle, right = st.columns(3)
    with left:
        source = st.text_input(
            words(N_("Source")), value=upload.name.split(".")[0], key="bring_raster_source"
        )
    with middle:
        licence = st.text_input(words(N_("Licence")), value="", key="bring_raster_licence")
    with right:
        day = st.text_input(words(N_("Taken on (2026-01-31)")), value="", key="bring_raster_day")
    if not st.button(
        words(N_("Load the raster")), type="primary", icon=":material/upload:", key="bring_raster_load"
    ):
        return
    with told():
        kept = keep_upload(upload.name, upload.content)
        told_of = {"source": source, "licence": licence.strip() or "unknown", "taken_on": day.strip()}
        defer("load", **ask_for_raster(kept, name=upload.name, **told_of))
        _next_file()
