"""What every format gives: rows in batches, their shapes, and what the file says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from analysis.errors import InputError
from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.tables import RowFault

__all__ = ["BATCH_ROWS", "MOST_COLUMNS", "Batch", "Source", "shapes_of_wkb", "unreadable"]

BATCH_ROWS = 20_000
MOST_COLUMNS = 500


@dataclass(frozen=True, eq=False)
class Batch:
    """
    Some rows of a file.

    Attributes
    ----------
    numbers
        Number of each row in the file, counted from 1, the heading not counted.
    table
        Attributes as they stand in the file, named as there.
    shapes
        A shape or None a row; None where the file has no geometry.
    """

    numbers: npt.NDArray[np.int64]
    table: pa.Table
    shapes: npt.NDArray[np.object_] | None


@dataclass(eq=False)
class Source:
    """
    A file that is open for reading.

    Attributes
    ----------
    name
        As the person calls it.
    columns
        Names of its attributes.
    batches
        Reads it from the start.
    rows
        How many there are; None where only reading it all would tell.
    has_shapes
        It has geometry of its own.
    crs
        System that it declares: wgs84, EPSG:n or WKT; None where it says nothing.
    encoding
        Of its text; empty where the format settles it.
    layer
        That is read, where a file may have several.
    faults
        Rows that cannot be read at all; complete once all batches were read.
    """

    name: str
    columns: tuple[str, ...]
    batches: Callable[[], Iterator[Batch]]
    rows: int | None
    has_shapes: bool
    crs: str | None = None
    encoding: str = ""
    layer: str = ""
    faults: list[RowFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.columns) > MOST_COLUMNS:
            raise IngestError(
                "{name} has {count} columns.",
                "Keep those that are needed, at most {most}.",
                name=self.name,
                count=len(self.columns),
                most=MOST_COLUMNS,
            )


def unreadable(name: str, why: object) -> IngestError:
    """A damaged file."""
    return IngestError(
        "{name} cannot be read ({why}).", "Export it again.", name=name, why=told_text(str(why), most=200)
    )


def shapes_of_wkb(
    column: pa.Array | pa.ChunkedArray, numbers: npt.NDArray[np.int64], faults: list[RowFault]
) -> npt.NDArray[np.object_]:
    """Shapes of well-known binary; what cannot be read becomes None and its row's fault."""
    raw = column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    shapes: npt.NDArray[np.object_] = np.asarray(shapely.from_wkb(raw, on_invalid="ignore"), dtype=object)
    lost = np.array([each is not None for each in raw], dtype=bool) & shapely.is_missing(shapes)
    for number in numbers[lost].tolist():
        error = InputError(
            "The shape of row {row} cannot be read.", "Draw it anew, or leave the row out.", row=number
        )
        faults.append(RowFault(number, "geometry", "", error))
    return shapes
