"""Columns of files as values of fields: parsed and checked array by array, faults told row by row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.errors import CodeError, HuiyanError, InputError
from geodata.ingest.camera_columns import number_in, told_text
from geodata.ingest.kinds import Field
from geodata.ingest.tables import RowFault

__all__ = ["MOST_TOLD", "Faults", "field_values"]

MOST_TOLD = 1_000
"""So many faults are told one by one; the rest are counted."""
MOST_TEXT = 1_000
"""Longer text is no name and no note."""
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$"
YES = frozenset({"true", "t", "yes", "y", "1", "是", "有", "收费"})
NO = frozenset({"false", "f", "no", "n", "0", "否", "无", "免费"})
FIRST_MOMENT, LAST_MOMENT = pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日")


@dataclass
class Faults:
    """
    What is wrong with the rows of a file.

    Attributes
    ----------
    told
        The first of them, at most one a row and column.
    rows
        Numbers of all rows that have one.
    """

    told: list[RowFault] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)
    _known: set[tuple[int, str | None]] = field(default_factory=set, repr=False)

    def tell(self, row: int, column: str | None, value: Any, error: HuiyanError) -> None:
        """Notes a fault, unless this column of the row has one already."""
        self.rows.add(row)
        if len(self.told) < MOST_TOLD and (row, column) not in self._known:
            self._known.add((row, column))
            self.told.append(RowFault(row, column, told_text(value), error))

    def tell_many(
        self,
        rows: npt.NDArray[np.int64],
        column: str | None,
        values: Callable[[int], Any],
        error: Callable[[int, str], HuiyanError],
    ) -> None:
        """Notes the same fault of many rows; `values` and `error` are asked, by position, only for those told."""
        for at, row in enumerate(rows.tolist()):
            if len(self.told) < MOST_TOLD:
                value = told_text(values(at))
                self.tell(row, column, value, error(row, value))
            else:
                self.rows.update(rows[at:].tolist())
                return


def field_values(
    wanted: Field,
    column: pa.ChunkedArray,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    """
    A column as values of a field, null where it is empty or wrong.

    Parameters
    ----------
    wanted
        The field.
    column
        As it stands in the file.
    called
        As the file calls it.
    numbers
        Number of each row.
    faults
        Takes what is wrong.
    zone
        Time zone of moments that name none.

    Returns
    -------
    values
        Arrow array of texts, float64, int64, truth values, UTC moments or days.
    """
    plain = _flat(column)
    read = {
        "text": _text,
        "number": _number,
        "whole": _whole,
        "flag": _flag,
        "choice": _choice,
        "moment": _moment,
        "day": _day,
        "code": _code,
    }[wanted.type]
    values = read(wanted, plain, called, numbers, faults, zone)
    if wanted.required:
        lacking = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
        faults.tell_many(
            numbers[lacking],
            called,
            lambda at: plain[int(lacking[at])].as_py(),
            lambda row, _: InputError(
                "{name} of row {row} is missing.", "Fill it in, or leave the row out.", name=called, row=row
            ),
        )
    return values


def _flat(column: pa.ChunkedArray) -> pa.Array:
    plain = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(plain, pa.ChunkedArray):
        plain = plain.chunk(0) if plain.num_chunks else pa.array([], plain.type)
    return plain.dictionary_decode() if pa.types.is_dictionary(plain.type) else plain


def _texts(plain: pa.Array) -> pa.Array:
    """Values as trimmed text, null where empty; whole numbers without a point, so that codes keep their digits."""
    if pa.types.is_floating(plain.type):
        numbers = plain.to_numpy(zero_copy_only=False)
        texts = [
            None if not np.isfinite(each) else f"{each:.0f}" if each == round(each) else repr(float(each))
            for each in numbers
        ]
        return pa.array(texts, pa.string())
    if pa.types.is_nested(plain.type) or pa.types.is_binary(plain.type):
        return pa.array([None if each is None else str(each) for each in plain.to_pylist()], pa.string())
    texts = pc.utf8_trim_whitespace(pc.cast(plain, pa.string()))
    # spreadsheets keep digits as text with an apostrophe before them
    texts = pc.replace_substring_regex(texts, r"^'(\d+)$", r"\1")
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _text(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    texts = _texts(plain)
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f\x7f]")).as_py():
        texts = pc.replace_substring_regex(texts, r"[\x00-\x1f\x7f]+", " ")
    long = _where(pc.greater(pc.utf8_length(texts), MOST_TEXT))
    faults.tell_many(
        numbers[long],
        called,
        lambda at: texts[int(long[at])].as_py(),
        lambda row, _: InputError(
            "{name} of row {row} is longer than {most} characters.",
            "Shorten it, or leave the column out.",
            name=called,
            row=row,
            most=MOST_TEXT,
        ),
    )
    return _without(texts, long)


def _number(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    if pa.types.is_integer(plain.type) or pa.types.is_floating(plain.type) or pa.types.is_decimal(plain.type):
        found = pc.cast(plain, pa.float64(), safe=False).to_numpy(zero_copy_only=False).copy()
        empty = ~np.isfinite(found) & np.asarray(pc.is_null(plain, nan_is_null=True))
    else:
        found, empty = _numbers_of_text(wanted, _texts(plain), called, numbers, faults)
    bad = ~np.isfinite(found) & ~empty
    found[bad] = np.nan
    outside = _outside(wanted, found)
    faults.tell_many(
        numbers[outside],
        called,
        lambda at: plain[int(outside[at])].as_py(),
        lambda row, value: _limit_error(wanted, called, row, value),
    )
    found[outside] = np.nan
    return pa.array(found, mask=~np.isfinite(found))


def _numbers_of_text(
    wanted: Field, texts: pa.Array, called: str, numbers: npt.NDArray[np.int64], faults: Faults
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Numbers as people write them; the plain ones all at once."""
    empty = texts.is_null().to_numpy(zero_copy_only=False)
    easy = pc.fill_null(pc.match_substring_regex(texts, NUMBER), False)
    digits = pc.replace_substring_regex(pc.if_else(easy, texts, pa.scalar(None, pa.string())), r"^\+", "")
    found = pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False).copy()
    for at in np.flatnonzero(~empty & ~easy.to_numpy(zero_copy_only=False)).tolist():
        value = number_in(wanted.name, texts[at].as_py())
        if value is None:
            error = InputError(
                "{name} of row {row} is '{value}', which is not a number.",
                "Write digits, with a point before decimals.",
                name=called,
                row=int(numbers[at]),
                value=told_text(texts[at].as_py()),
            )
            faults.tell(int(numbers[at]), called, texts[at].as_py(), error)
        else:
            found[at] = value
    return found, empty


def _outside(wanted: Field, found: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    with np.errstate(invalid="ignore"):
        wrong = np.isinf(found)
        if wanted.low is not None:
            wrong |= found <= wanted.low if wanted.above else found < wanted.low
        if wanted.high is not None:
            wrong |= found >= wanted.high if wanted.below else found > wanted.high
    return np.flatnonzero(wrong)


def _limit_error(wanted: Field, called: str, row: int, value: str) -> InputError:
    low, high = wanted.low, wanted.high
    return InputError(
        "{name} of row {row} is {value}, outside {low} to {high}{unit}.",
        "Look whether the unit is another one.",
        name=called,
        row=row,
        value=value,
        low="-" if low is None else f"{low:g}",
        high="-" if high is None else f"{high:g}",
        unit=f" {wanted.unit}" if wanted.unit else "",
    )


def _whole(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    found = _number(wanted, plain, called, numbers, faults, zone)
    parts = _where(pc.not_equal(pc.round(found), found))
    faults.tell_many(
        numbers[parts],
        called,
        lambda at: plain[int(parts[at])].as_py(),
        lambda row, value: InputError(
            "{name} of row {row} is {value}, not a whole number.",
            "Write it without decimals.",
            name=called,
            row=row,
            value=value,
        ),
    )
    return pc.cast(_without(found, parts), pa.int64())


def _each_once(
    texts: pa.Array, turn: Callable[[str], Any]
) -> tuple[list[Any], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """What each distinct text becomes, which of them each row has, and which rows are empty."""
    coded = pc.dictionary_encode(texts)
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    empty = texts.is_null().to_numpy(zero_copy_only=False)
    which = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return [turn(each) for each in coded.dictionary.to_pylist()], which, empty


def _picked(
    results: list[Any], which: npt.NDArray[np.int64], empty: npt.NDArray[np.bool_], kind: pa.DataType
) -> tuple[pa.Array, npt.NDArray[np.intp]]:
    """Values of the rows, and those rows whose text became nothing."""
    if not results:
        return pa.nulls(len(which), kind), np.empty(0, dtype=np.intp)
    values = pa.array(results, kind).take(pa.array(which))
    values = pc.if_else(pa.array(empty), pa.scalar(None, kind), values)
    lost = np.array([each is None for each in results], dtype=bool)[which] & ~empty
    return values, np.flatnonzero(lost)


def _flag(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    if pa.types.is_boolean(plain.type):
        return plain
    texts = _texts(plain)

    def turn(value: str) -> bool | None:
        word = value.casefold()
        return True if word in YES else False if word in NO else None

    values, lost = _picked(*_each_once(texts, turn), pa.bool_())
    faults.tell_many(
        numbers[lost],
        called,
        lambda at: texts[int(lost[at])].as_py(),
        lambda row, value: InputError(
            "{name} of row {row} is '{value}', neither yes nor no.",
            "Write yes or no.",
            name=called,
            row=row,
            value=value,
        ),
    )
    return values


def _choice(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    texts = _texts(plain)
    known = {key.casefold(): value for key, value in wanted.choices.items()}
    values, lost = _picked(*_each_once(texts, lambda value: known.get(value.casefold())), pa.string())
    faults.tell_many(
        numbers[lost],
        called,
        lambda at: texts[int(lost[at])].as_py(),
        lambda row, value: InputError(
            "{name} of row {row} is '{value}', which is none of the values it may have.",
            "Write one of: {choices}.",
            name=called,
            row=row,
            value=value,
            choices=", ".join(dict.fromkeys(wanted.choices.values())),
        ),
    )
    return values


def _moment(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    if pa.types.is_timestamp(plain.type) or pa.types.is_date(plain.type):
        texts, empty = plain, plain.is_null().to_numpy(zero_copy_only=False)
        kind = pa.timestamp("us", getattr(plain.type, "tz", None))
        moments = _in_zone(pd.Series(pc.cast(plain, kind, safe=False).to_pandas()), zone)
    else:
        texts = _texts(plain)
        results, which, empty = _each_once(texts, lambda value: value)
        once = _parsed(pd.Series([*results, ""], dtype=object), zone)
        moments = once.iloc[which].reset_index(drop=True)
        moments[empty] = pd.NaT
    out = (moments < FIRST_MOMENT) | (moments > LAST_MOMENT)
    lost = np.flatnonzero((moments.isna().to_numpy() & ~empty) | out.to_numpy())
    faults.tell_many(
        numbers[lost],
        called,
        lambda at: texts[int(lost[at])].as_py(),
        lambda row, value: InputError(
            "{name} of row {row} is '{value}', which is no date and time.",
            "Write it as 2026-01-31 08:30:00; another zone as 2026-01-31T08:30:00+08:00.",
            name=called,
            row=row,
            value=value,
        ),
    )
    return _without(pa.array(moments.astype("datetime64[us, UTC]"), pa.timestamp("us", "UTC")), lost)


def _parsed(texts: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """Moments of text, each with its own offset or in `zone`; NaT where none of the usual forms fits."""
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    offset = texts.astype(str).str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True) & (
        texts.astype(str).str.len() > 10
    )
    found[offset] = pd.to_datetime(texts[offset], errors="coerce", format="ISO8601", utc=True).astype(
        found.dtype
    )
    rest = ~offset
    for form in ("ISO8601", *FORMATS):
        left = rest & found.isna()
        if not left.any():
            break
        naive = pd.to_datetime(texts[left], errors="coerce", format=form)
        found[left] = _in_zone(naive, zone).astype(found.dtype)
    return found


def _in_zone(moments: pd.Series[Any], zone: ZoneInfo) -> pd.Series[Any]:
    """Moments in UTC; an hour that comes twice is the first, one that is left out the next that there is."""
    if moments.dt.tz is None:
        ambiguous = np.ones(len(moments), dtype=bool)
        moments = moments.dt.tz_localize(zone, ambiguous=ambiguous, nonexistent="shift_forward")
    return moments.dt.tz_convert("UTC")


def _day(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    moments = _moment(wanted, plain, called, numbers, faults, zone)
    days = [None if each is None else _local_day(each, zone) for each in moments.to_pylist()]
    return pa.array(days, pa.date32())


def _local_day(moment: dt.datetime, zone: ZoneInfo) -> dt.date:
    return moment.astimezone(zone).date()


def _code(
    wanted: Field,
    plain: pa.Array,
    called: str,
    numbers: npt.NDArray[np.int64],
    faults: Faults,
    zone: ZoneInfo,
) -> pa.Array:
    """
    Codes that are right.

    What is wrong with a code is told by its head, apart from a running number of zeros: heads are few, so each is
    explained once.
    """
    form = wanted.code
    assert form is not None
    texts = _texts(plain)
    if form.digits:
        shaped = pc.fill_null(pc.match_substring_regex(texts, rf"^[0-9]{{{form.digits}}}$"), False)
        tail = pc.utf8_slice_codeunits(texts, form.head)
        counted = pc.fill_null(pc.not_equal(tail, "0" * (form.digits - form.head)), False)
        one = "1".zfill(form.digits - form.head)
        results, which, _ = _each_once(
            pc.utf8_slice_codeunits(texts, 0, form.head),
            lambda head: (
                (not form.explain(head + one)) if len(head) == form.head and head.isdigit() else None
            ),
        )
        good = np.array([each is True for each in results] or [False], dtype=bool)[which]
        good &= shaped.to_numpy(zero_copy_only=False) & counted.to_numpy(zero_copy_only=False)
    else:
        results, which, _ = _each_once(texts, lambda value: not form.explain(value))
        good = np.array(results or [False], dtype=bool)[which]
    lost = np.flatnonzero(~good & ~texts.is_null().to_numpy(zero_copy_only=False))

    def error(row: int, value: str) -> HuiyanError:
        found: list[CodeError] = form.explain(value)
        first = found[0] if found else CodeError("There is no code '{text}'.", "Correct it.", text=value)
        if len(value) > 15 and re.fullmatch(r"\d+0{4}", value) and pa.types.is_floating(plain.type):
            return InputError(
                "{name} of row {row} is {value}: the spreadsheet has rounded the code.",
                "Format the column as text and paste the codes again.",
                name=called,
                row=row,
                value=value,
            )
        return first

    faults.tell_many(numbers[lost], called, lambda at: texts[int(lost[at])].as_py(), error)
    return _without(texts, lost)


def _where(flags: pa.Array) -> npt.NDArray[np.intp]:
    return np.flatnonzero(pc.fill_null(flags, False).to_numpy(zero_copy_only=False))


def _without(values: pa.Array, lost: npt.NDArray[np.intp]) -> pa.Array:
    if not len(lost):
        return values
    keep = np.ones(len(values), dtype=bool)
    keep[lost] = False
    return pc.if_else(pa.array(keep), values, pa.scalar(None, values.type))
