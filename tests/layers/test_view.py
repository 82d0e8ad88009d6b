"""A view and its address: the same thing twice, and a broken address still opens."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import InputError
from layers.i18n import explain
from layers.measures import MEASURES
from layers.units import UNIT_MEASURES
from layers.view import FILTERS, HEAT, OPENED, ORDER, View, read_view

ZONES = st.sampled_from(
    [dt.UTC, ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Helsinki"), dt.timezone(dt.timedelta(hours=-9.5))]
)
MOMENTS = st.datetimes(timezones=ZONES).filter(lambda moment: 1 < moment.year < 9999)
TEXT = st.text(min_size=1, max_size=64).filter(str.isprintable)


@st.composite
def views(draw: st.DrawFn) -> View:
    times: list[Any] = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=2, unique=True)))
    since, until = (draw(st.sampled_from([None, moment])) for moment in times)

    figure = draw(st.none() | st.sampled_from([each.id for each in UNIT_MEASURES]))

    def maybe(each: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | each)

    return View(
        layers=tuple(draw(st.lists(st.sampled_from(ORDER), unique=True))),
        measure=maybe(st.sampled_from([each.id for each in MEASURES])),
        filters=draw(st.dictionaries(st.sampled_from(FILTERS), TEXT)),
        area=maybe(st.from_regex(r"\A[0-9]{6}([0-9]{3}){0,2}\Z")),
        since=since,
        until=until,
        centre=maybe(st.tuples(st.floats(-180, 180), st.floats(-85, 85))),
        zoom=maybe(st.floats(0, 22)),
        pitch_deg=maybe(st.floats(0, 85)),
        bearing_deg=maybe(st.floats(-180, 180)),
        figure=figure,
        cell=maybe(st.from_regex(r"\A[0-9]{15}\Z")) if figure else None,
    )


@settings(deadline=None)
@given(views())
def test_an_address_gives_the_view_back(view: View) -> None:
    whole = urlencode(view.to_query())
    read = read_view(dict(parse_qsl(whole, keep_blank_values=True)))
    assert (read.view, read.left_out) == (view, ())
    assert hash(read.view) == hash(view) and read.view.to_query() == view.to_query()


@settings(deadline=None)
@given(views())
def test_tiles_heat_and_exports_get_what_the_address_says(view: View) -> None:
    found, told = view.tile_filters(), view.to_query()
    assert found == {name: told[name] for name in (*FILTERS, "area", "since", "until") if name in told}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                *View().to_query(),
                *FILTERS,
                "area",
                "measure",
                "since",
                "until",
                "centre",
                "zoom",
                "pitch",
                "bearing",
                "lang",
                "kiosk",
                "show",
                "figure",
                "cell",
            ]
        ),
        st.text(),
    )
)
def test_any_address_opens(query: dict[str, str]) -> None:
    read = read_view(query)
    assert read_view(read.view.to_query()) == type(read)(read.view)
    assert all(explain(each, "en") for each in read.left_out)


def test_an_empty_address_is_the_map_as_it_opens() -> None:
    assert View.from_query({}) == View() and View().layers == OPENED
    assert View.from_query({"layers": "-"}).layers == ()
    assert View(layers=("cameras", HEAT, "unit_cells", "cameras")).layers == ("unit_cells", "cameras", HEAT)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"layers": "cameras,clouds"}, "clouds"),
        ({"measure": "beauty"}, "beauty"),
        ({"area": "33048"}, "33048"),
        ({"area": "３３０４８１"}, "３３０４８１"),
        ({"area": "330481' OR 1=1 --"}, "OR 1=1"),
        ({"since": "yesterday"}, "yesterday"),
        ({"since": "0001-01-01T00:00:00+14:00"}, "0001"),
        ({"until": "9999-12-31T23:59:59-14:00"}, "9999"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "2026-03-01"),
        ({"centre": "24.9"}, "24.9"),
        ({"centre": "nan,60"}, "nan"),
        ({"centre": "24,91"}, "91"),
        ({"zoom": "inf"}, "inf"),
        ({"pitch": "-1"}, "-1"),
        ({"bearing": "north"}, "north"),
        ({"class": "x" * 65}, "xxx"),
        ({"source": "a\0b"}, "a\0b"),
        ({"show": "poetry"}, "poetry"),
        ({"show": "units", "figure": "beauty"}, "beauty"),
        ({"show": "units", "cell": "330481001"}, "330481001"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_named(query: dict[str, str], named: str) -> None:
    read = read_view(query)
    [error] = read.left_out
    assert named in explain(error, "en")
    kept = read.view.to_query()
    assert all(kept.get(name) != value for name, value in query.items() if named in value)


@pytest.mark.parametrize(
    "parts",
    [
        {"layers": ("clouds",)},
        {"filters": {"colour": "red"}},
        {"filters": {"class": ""}},
        {"since": dt.datetime.fromisoformat("2026-01-01")},
        {"zoom": -1},
        {"zoom": float("nan")},
    ],
)
def test_a_view_that_cannot_be_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        View(**parts)
