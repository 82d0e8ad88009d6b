"""What is wrong with a package as it lies on the disk: the zip, its manifest, every file against it, every row."""

from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.errors import HuiyanError, InputError
from geodata.errors import IngestError, NotFound
from geodata.ingest.case_exchange import SCHEMA, check_package
from geodata.ingest.exchange.geographic import LAYERS, Ground, ground_faults
from geodata.ingest.exchange.geographic import SCHEMA as GEOGRAPHIC
from geodata.ingest.exchange.manifest import (
    FORMATS,
    MANIFEST,
    MANIFEST_SCHEMA,
    SCHEMAS,
    Format,
    manifest_faults,
)
from geodata.ingest.exchange.video import SCHEMA as VIDEO
from geodata.ingest.exchange.video import device_faults, lead_faults, still_fault
from geodata.ingest.formats.zips import check_zip, member_bytes
from geodata.ingest.schema_faults import PackageFault, read_json, short

__all__ = ["MOST_FILE", "MOST_JSON", "Checked", "check_exchange", "schema_of"]

MOST_FILE = 512 * 1024 * 1024
"""Bytes of a package."""
MOST_JSON = 128 * 1024 * 1024
"""Bytes of one file in it, unpacked."""
MOST_MANIFEST = 8 * 1024 * 1024
ZIP = b"PK"
BOTH = ["heads", "plates"]


@dataclass
class Checked:
    """
    What a package is, and what is wrong with it.

    Attributes
    ----------
    format
        case, geographic or video; None where nothing tells.
    rows
        File → rows.
    faults
        By file and row; none for a good package.
    """

    format: Format | None
    rows: dict[str, int] = field(default_factory=dict)
    faults: list[PackageFault] = field(default_factory=list)


def check_exchange(path: Path, now: dt.datetime) -> Checked:
    """
    All that is wrong with a package: a zip of one of three formats, or the JSON of a single package of cases.

    Parameters
    ----------
    path
        The file.
    now
        Aware; what happened later is wrong.

    Raises
    ------
    IngestError
        If it cannot be read, is no package, or is made to do harm; nothing of it was unpacked to the disk.
    """
    try:
        with path.open("rb") as file:
            start = file.read(2)
            most = MOST_FILE if start == ZIP else MOST_JSON
            if path.stat().st_size > most:
                raise IngestError(
                    "{path} is larger than {most:,} bytes.", "Make it smaller.", path=path, most=most
                )
            text = b"" if start == ZIP else start + file.read()
    except OSError as error:
        raise IngestError(
            "{path} cannot be read ({why}).", "Name a file that is there.", path=path, why=error.strerror
        ) from error
    if start == ZIP:
        return _check_zip(path, now)
    package = read_json(text)
    checked = Checked("case", faults=_case_faults(path.name, package, now))
    if not checked.faults:
        checked.rows[path.name] = len(package["cases"])
    return checked


def schema_of(name: str) -> dict[str, Any]:
    """
    The JSON Schema of a format's rows, or of the manifest.

    Raises
    ------
    NotFound
        If there is none of that name.
    """
    known = {"manifest": MANIFEST_SCHEMA, "case": SCHEMA, "geographic": GEOGRAPHIC, "video": VIDEO}
    if name not in known:
        raise NotFound(
            "There is no format '{suffix}'.", "Choose one of: {names}.", suffix=name, names=", ".join(known)
        )
    return known[name]


def _case_faults(file: str, package: Any, now: dt.datetime) -> list[PackageFault]:
    return [
        PackageFault(file, each.row, each.field, each.value, each.why) for each in check_package(package, now)
    ]


class _Pack:
    """An open package: reads files once, and holds them against the manifest."""

    def __init__(self, name: str, packed: zipfile.ZipFile) -> None:
        self.name = name
        self.packed = packed
        self.members = {each.filename: each for each in packed.infolist() if not each.is_dir()}
        self.listed: dict[str, dict[str, Any]] = {}
        self.checked = Checked(None)

    def fault(
        self, file: str, why: HuiyanError, field: str = "", value: str = "", row: int | None = None
    ) -> None:
        """Notes what is wrong."""
        self.checked.faults.append(PackageFault(short(file), row, field, short(value), why))

    def bytes_of(self, file: str, most: int = MOST_JSON) -> bytes:
        """What a file holds; noted if it is not what the manifest says."""
        content = member_bytes(self.name, self.packed, self.members[file], most)
        said = self.listed.get(file)
        if said is None:
            return content
        if len(content) != said["bytes"]:
            other = InputError("The file has {size:,} bytes.", "Make the manifest anew.", size=len(content))
            self.fault(file, other, "bytes", str(said["bytes"]))
        if hashlib.sha256(content).hexdigest() != said["sha256"]:
            changed = InputError(
                "The file is not the one that the manifest names.", "Send it anew; it was changed."
            )
            self.fault(file, changed, "sha256", said["sha256"])
        return content

    def values_of(self, file: str) -> Any:
        """A file as plain values, or None with the fault noted."""
        try:
            return read_json(self.bytes_of(file))
        except IngestError as error:
            self.fault(file, error)
            return None

    def count(self, file: str, rows: int | None) -> None:
        """Notes how many rows a file has, and if the manifest says otherwise."""
        if rows is None:
            return
        self.checked.rows[file] = rows
        said = self.listed.get(file, {}).get("rows")
        if said != rows:
            other = InputError("The file has {rows:,} rows.", "Make the manifest anew.", rows=rows)
            self.fault(file, other, "rows", str(said))


def _check_zip(path: Path, now: dt.datetime) -> Checked:
    check_zip(path.name, path)
    with zipfile.ZipFile(path) as packed:
        pack = _Pack(path.name, packed)
        if MANIFEST not in pack.members:
            raise IngestError(
                "{name} holds no {manifest}.",
                "Send the package as it was made.",
                name=path.name,
                manifest=MANIFEST,
            )
        manifest = read_json(pack.bytes_of(MANIFEST, MOST_MANIFEST))
        pack.checked.faults += manifest_faults(manifest)
        named = manifest.get("schema") if isinstance(manifest, dict) else None
        pack.checked.format = next((each for each in FORMATS if SCHEMAS[each] == named), None)
        if pack.checked.format is not None and not pack.checked.faults:
            _check_files(pack, manifest, now)
    pack.checked.faults.sort(key=lambda each: (each.file, each.row or 0, each.field))
    return pack.checked


def _check_files(pack: _Pack, manifest: dict[str, Any], now: dt.datetime) -> None:
    pack.listed = {each["path"]: each for each in manifest["files"]}
    doubled = Counter(each.filename for each in pack.packed.infolist()) + Counter(
        each["path"] for each in manifest["files"]
    )
    for file in sorted(name for name, times in doubled.items() if times > (2 if name in pack.listed else 1)):
        pack.fault(file, InputError("This file is there twice.", "Pack each file once."))
    for file in sorted(set(pack.listed) - set(pack.members)):
        pack.fault(file, InputError("The manifest names this file, but it is missing.", "Pack it too."))
    for file in sorted(set(pack.members) - set(pack.listed) - {MANIFEST}):
        pack.fault(file, InputError("The manifest does not name this file.", "Pack only what it names."))
    there = [file for file in pack.listed if file in pack.members]
    match pack.checked.format:
        case "case":
            rest = _check_cases(pack, there, now)
        case "geographic":
            rest = _check_ground(pack, there, manifest["county_code"])
        case _:
            rest = _check_video(pack, there, manifest.get("blurred"), now)
    for file in rest:
        pack.fault(file, InputError("This file does not belong to such a package.", "Leave it out."))


def _needed(pack: _Pack, *files: str) -> None:
    for file in files:
        if file not in pack.listed:
            pack.fault(
                MANIFEST, InputError("{file} is missing.", "Pack it, even without rows.", file=file), "files"
            )


def _check_cases(pack: _Pack, files: list[str], now: dt.datetime) -> list[str]:
    ours = [file for file in files if file.startswith("cases/") and file.endswith(".json")]
    first: dict[str, str] = {}
    for file in sorted(ours):
        if (body := pack.values_of(file)) is None:
            continue
        pack.checked.faults += _case_faults(file, body, now)
        cases = body.get("cases") if isinstance(body, dict) else None
        pack.count(file, len(cases) if isinstance(cases, list) else None)
        for row, case in enumerate(cases if isinstance(cases, list) else (), start=1):
            number = case.get("number") if isinstance(case, dict) else None
            if isinstance(number, str) and first.setdefault(number, file) != file:
                again = InputError("{file} has this number too.", "Send each case once.", file=first[number])
                pack.fault(file, again, "number", number[:80], row)
    return sorted(set(files) - set(ours))


def _check_ground(pack: _Pack, files: list[str], county: str) -> list[str]:
    _needed(pack, *(f"{name}.geojson" for name, layer in LAYERS.items() if layer.needed))
    ground = Ground(county)
    ours = [file for file in (f"{name}.geojson" for name in LAYERS) if file in files]
    for file in ours:
        if (body := pack.values_of(file)) is None:
            continue
        rows, faults = ground_faults(file.removesuffix(".geojson"), body, ground)
        pack.checked.faults += faults
        pack.count(file, rows)
    return sorted(set(files) - set(ours))


def _check_video(pack: _Pack, files: list[str], blurred: list[str] | None, now: dt.datetime) -> list[str]:
    _needed(pack, "devices.json", "leads.json")
    stills = {file for file in files if file.startswith("stills/") and file.endswith(".jpg")}
    if stills and sorted(blurred or []) != BOTH:
        bare = InputError(
            "Stills whose heads and plates are not blurred are not exchanged.", "Blur both and say so."
        )
        pack.fault(MANIFEST, bare, "blurred", str(blurred))
    for file in sorted(stills):
        content = pack.bytes_of(file)
        if wrong := still_fault(file, content, hashlib.sha256(content).hexdigest()):
            pack.checked.faults.append(wrong)
    codes: set[str] = set()
    if "devices.json" in files and (body := pack.values_of("devices.json")) is not None:
        rows, codes, faults = device_faults(body)
        pack.checked.faults += faults
        pack.count("devices.json", rows)
    if "leads.json" in files and (body := pack.values_of("leads.json")) is not None:
        rows, faults = lead_faults(body, codes, stills, now)
        pack.checked.faults += faults
        pack.count("leads.json", rows)
    return sorted(set(files) - stills - {"devices.json", "leads.json"})
