"""Tables of text: CSV with any usual separator, as UTF-8, UTF-16 or GB 18030."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import shapely

from analysis.errors import InputError
from geodata.errors import IngestError
from geodata.ingest.camera_columns import told_text
from geodata.ingest.formats.source import BATCH_ROWS, Batch, Source, unreadable
from geodata.ingest.tables import ENCODINGS, RowFault

__all__ = ["open_csv", "text_encoding"]

BLOCK = 4 << 20
HEAD = 1 << 16
BOMS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig"}


def text_encoding(name: str, path: Path, wanted: str | None = None) -> str:
    """
    Encoding of a text file: the one that is wanted, else UTF-8, UTF-16 with its mark or GB 18030.

    Reads the whole file, so that no later row is a surprise.

    Raises
    ------
    IngestError
        If it is none of these, or not the one that is wanted; the message says at which byte.
    """
    if wanted is not None:
        try:
            codecs.lookup(wanted)
        except LookupError as error:
            raise IngestError(
                "There is no encoding '{encoding}'.",
                "Write utf-8, gb18030, gbk or utf-16.",
                encoding=told_text(wanted),
            ) from error
    with path.open("rb") as file:
        head = file.read(4)
    marked = next((each for mark, each in BOMS.items() if head.startswith(mark)), None)
    candidates: Sequence[str] = (wanted,) if wanted else (marked,) if marked else ENCODINGS
    wrong = (0, "")
    for encoding in candidates:
        at = _undecodable(path, encoding)
        if at is None:
            return encoding
        wrong = (at, encoding)
    raise IngestError(
        "{name} is not text in {encodings}: byte {at} fits nowhere.",
        "Save it as UTF-8, or name its encoding.",
        name=name,
        encodings=", ".join(candidates),
        at=wrong[0] + 1,
    )


def _undecodable(path: Path, encoding: str) -> int | None:
    """The byte from which on the file is not text in `encoding`; None if it is."""
    decoder, read = codecs.getincrementaldecoder(encoding)(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                return max(read + error.start, 0)
            read += len(block)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return read
    return None


def open_csv(name: str, path: Path, encoding: str | None = None) -> Source:
    """
    A table of text; every value stays the text that it is. A column `wkt` holds shapes.

    Raises
    ------
    IngestError
        If it is empty, not text, or has no heading.
    """
    used = text_encoding(name, path, encoding)
    with path.open("rb") as file:
        head = codecs.getincrementaldecoder(used)().decode(file.read(HEAD)).lstrip("\ufeff\r\n")
    if not head.strip():
        raise IngestError("{name} is empty.", "Choose another file.", name=name)
    if "\0" in head:
        raise IngestError("{name} is not text.", "Save it as CSV.", name=name)
    delimiter = max(",;\t|", key=head.split("\n", 1)[0].count)
    columns = _named(next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)))
    source = Source(name, columns, lambda: iter(()), None, "wkt" in {each.lower() for each in columns}, None)
    source.encoding = used.removesuffix("-sig")
    source.batches = lambda: _batches(source, path, used, delimiter)
    return source


def _named(heading: Sequence[str]) -> tuple[str, ...]:
    """Names of columns; empty ones and those that come twice get a number."""
    names: list[str] = []
    for number, each in enumerate(heading, start=1):
        name = each.strip().lstrip("\ufeff") or f"column {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return tuple(names)


def _batches(source: Source, path: Path, encoding: str, delimiter: str) -> Iterator[Batch]:
    source.faults.clear()
    skipped: list[int] = []

    def torn(row: pacsv.InvalidRow) -> str:
        number = row.number - 1  # the heading counts there
        skipped.append(number)
        error = InputError(
            "Row {row} has {found} fields, but the heading has {wanted}.",
            "Look for a missing or surplus separator, or put quotes around the text that holds it.",
            row=number,
            found=row.actual_columns,
            wanted=row.expected_columns,
        )
        source.faults.append(RowFault(number, None, told_text(row.text), error))
        return "skip"

    shape = next((each for each in source.columns if each.lower() == "wkt"), None)
    try:
        reader = pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(
                encoding=encoding.removesuffix("-sig"),
                column_names=list(source.columns),
                skip_rows_after_names=1,
                use_threads=False,  # so that rows that are torn can tell their number
                block_size=BLOCK,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, invalid_row_handler=torn, newlines_in_values=True
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(source.columns, pa.string()), strings_can_be_null=False
            ),
        )
        done = 0  # rows of the file that are behind us, torn ones among them
        for batch in _parts(reader):
            numbers = _numbered(done, batch.num_rows, skipped)
            done = int(numbers[-1]) if len(numbers) else done
            table = pa.Table.from_batches([batch])
            if shape is None:
                yield Batch(numbers, table, None)
            else:
                yield Batch(numbers, table.drop_columns([shape]), _of_wkt(table[shape], numbers, source))
    except pa.ArrowInvalid as error:
        raise unreadable(source.name, error) from error


def _parts(reader: pacsv.CSVStreamingReader) -> Iterator[pa.RecordBatch]:
    """Blocks in parts of some thousand rows: a block may hold so many short ones that their shapes fill memory."""
    for batch in reader:
        for first in range(0, max(batch.num_rows, 1), BATCH_ROWS):
            yield batch.slice(first, BATCH_ROWS)


def _numbered(done: int, count: int, skipped: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Numbers of the next `count` rows, those left out that are torn."""
    torn = np.array([each for each in skipped if each > done], dtype=np.int64)
    numbers = np.arange(done + 1, done + 1 + count + len(torn), dtype=np.int64)
    return numbers[~np.isin(numbers, torn)][:count]


def _of_wkt(column: pa.ChunkedArray, numbers: np.ndarray, source: Source) -> np.ndarray:
    texts = np.array([each or None for each in column.to_pylist()], dtype=object)
    shapes: np.ndarray = np.asarray(shapely.from_wkt(texts, on_invalid="ignore"), dtype=object)
    for at in np.flatnonzero(shapely.is_missing(shapes) & (texts != None)).tolist():  # noqa: E711 - a row each
        row = int(numbers[at])
        error = InputError("The shape of row {row} is not well-known text.", "Export it again.", row=row)
        source.faults.append(RowFault(row, "wkt", told_text(texts[at]), error))
    return shapes
