"""Packed files: what a zip may hold, checked before and while it is unpacked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.tables import SHAPEFILE

__all__ = ["MOST_RATIO", "MOST_UNPACKED", "check_zip", "member_bytes", "unpack"]

MOST_RATIO = 200
"""A member may grow to so many times its packed size; tables of text reach about 30."""
SMALL = 10_000_000
"""Members up to so many bytes may be packed as tightly as they are."""
MOST_UNPACKED = 8_000_000_000
"""Bytes of all members together."""
MOST_MEMBERS = 10_000
BLOCK = 1 << 20
TROUBLES = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError)


def check_zip(name: str, path: Path) -> None:
    """
    Reads the list of a zip and refuses what only an attack, or a mistake, would hold.

    Raises
    ------
    IngestError
        If it is damaged, has a password, grows far beyond its size, or names files outside itself.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
    except TROUBLES as error:
        raise _damaged(name, error) from error
    if len(members) > MOST_MEMBERS:
        raise IngestError(
            "{name} holds {count} files.", "Pack only those that are needed.", name=name, count=len(members)
        )
    for each in members:
        if _leads_out(each.filename):
            raise IngestError(
                "{name} holds a file that names a place outside it: {member}.",
                "Pack the files themselves, without their folders.",
                name=name,
                member=told_text(each.filename),
            )
        if each.flag_bits & 1:
            raise IngestError("{name} has a password.", "Pack it again without one.", name=name)
        if each.file_size > max(SMALL, MOST_RATIO * max(each.compress_size, 1)):
            raise IngestError(
                "{member} in {name} unpacks to {ratio:.0f} times its size.",
                "Such a file is made to fill a disk: do not trust where it came from.",
                name=name,
                member=told_text(each.filename),
                ratio=each.file_size / max(each.compress_size, 1),
            )
    if sum(each.file_size for each in members) > MOST_UNPACKED:
        raise IngestError(
            "{name} unpacks to more than {most:.0f} MB.", "Split it.", name=name, most=MOST_UNPACKED / 1e6
        )


def unpack(name: str, path: Path, folder: Path, suffixes: tuple[str, ...]) -> Path:
    """
    The one file of a zip that can be read, unpacked into `folder` under a name of ours.

    A shapefile brings its companions along. Nothing else is unpacked, and no name of the zip becomes a path.

    Parameters
    ----------
    suffixes
        Endings of files that can be read, besides .shp.

    Raises
    ------
    IngestError
        As `check_zip`; or if it holds none or several of such files.
    """
    check_zip(name, path)
    try:
        with zipfile.ZipFile(path) as packed:
            files = [each for each in packed.infolist() if not each.is_dir() and _matters(each.filename)]
            wanted = [each for each in files if _ending(each) in (".shp", *suffixes)]
            if len(wanted) != 1:
                raise IngestError(
                    "{name} holds {count} files that can be read.",
                    "Pack exactly one; a shapefile with its .shx, .dbf and .prj.",
                    name=name,
                    count=len(wanted),
                )
            main = wanted[0]
            stem = PurePosixPath(main.filename).with_suffix("")
            parts = [main]
            if _ending(main) == ".shp":
                parts = [
                    each
                    for each in files
                    if PurePosixPath(each.filename).with_suffix("") == stem and _ending(each) in SHAPEFILE
                ]
            for each in parts:
                _write(name, packed, each, folder / f"unpacked{_ending(each)}")
    except TROUBLES as error:
        raise _damaged(name, error) from error
    return folder / f"unpacked{_ending(main)}"


def member_bytes(name: str, packed: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """
    What a member holds.

    Parameters
    ----------
    name
        Of the zip, for the message.
    packed, member
        A zip that `check_zip` has passed, and one of its members.
    most
        Bytes that it may hold.

    Raises
    ------
    IngestError
        If it holds more, more than it says, or is damaged.
    """
    if member.file_size > most:
        raise IngestError(
            "{member} in {name} is larger than {most:,} bytes.",
            "Split it.",
            name=name,
            member=told_text(member.filename),
            most=most,
        )
    try:
        with packed.open(member) as given:
            found = given.read(member.file_size + 1)
    except TROUBLES as error:
        raise _damaged(name, error) from error
    if len(found) != member.file_size:
        raise _damaged(name, "a member is not as long as it says")
    return found


def _write(name: str, packed: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Unpacks a member; one that is longer than it says is cut off there."""
    written = 0
    with packed.open(member) as given, target.open("wb") as taken:
        while block := given.read(BLOCK):
            written += len(block)
            if written > member.file_size:
                raise _damaged(name, "a member is longer than it says")
            taken.write(block)


def _ending(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _matters(filename: str) -> bool:
    """Not a note that an operating system left."""
    parts = PurePosixPath(filename).parts
    return "__MACOSX" not in parts and bool(parts) and not parts[-1].startswith(".")


def _leads_out(filename: str) -> bool:
    parts = PureWindowsPath(filename)  # knows drives, and both kinds of slashes
    return bool(parts.drive or parts.root) or ".." in parts.parts or "\0" in filename


def _damaged(name: str, why: object) -> IngestError:
    return IngestError(
        "{name} cannot be unpacked ({why}).",
        "Pack it again, without a password.",
        name=name,
        why=told_text(why),
    )
