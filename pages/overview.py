"""The planner's map: everything on one map, with its legend, key figures, and the facts behind a click."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import streamlit as st

from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import heat_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Measure
from layers.measures import MEASURES
from pages import cached
from pages.session import language, words
from pages.widgets.columns import side_and_field
from pages.widgets.facts import camera_panel, cell_panel, feature_panel
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, heat_legend, legend, shown_sources, source_line
from pages.widgets.map import Click, show_map
from pages.widgets.screen import screen

HEAT = "heat"
SWITCHES = tuple(HEAT if name == "violations" else name for name in LAYERS if name != "cell_coverage")


def main() -> None:
    with screen(
        N_("Overview"),
        N_(
            "Cells, cameras, pipes and violations on one map. "
            "Rates are divided by what was looked at; grey means nobody looked."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        side, field = side_and_field(3.4)
        with side:
            shown, measure = _choose_layers()
            since, until = _choose_time(revision, town)
        with field:
            _figures(revision, since, until)
            click = _map(revision, town, shown, measure, (since, until))
        with side:
            _facts(revision, click)


def _choose_layers() -> tuple[list[str], Measure]:
    titles = {name: words(LAYERS[name].title) for name in LAYERS} | {HEAT: words(N_("Violation heat map"))}
    opened = [name for name in SWITCHES if name in LAYERS and LAYERS[name].shown]
    shown = st.pills(
        words(N_("Layers")),
        SWITCHES,
        selection_mode="multi",
        default=opened,
        format_func=titles.__getitem__,
        key="overview_layers",
    )
    names = {measure.id: words(measure.title) for measure in MEASURES}
    measure = st.selectbox(
        words(N_("Cells show")), MEASURES, format_func=lambda each: names[each.id], key="overview_measure"
    )
    st.caption(words(measure.meaning))
    return [name for name in SWITCHES if name in shown], measure


def _choose_time(revision: int, town: Town) -> tuple[dt.datetime | None, dt.datetime | None]:
    """First and last moment of the days chosen, in the town's time; None where there are no violations."""
    span = cached.violation_span(revision)
    if span is None:
        return None, None
    first, last = (moment.astimezone(town.time_zone).date() for moment in span)
    if first == last:
        return None, None
    since, until = st.slider(
        words(N_("Violations from – to")),
        first,
        last,
        (first, last),
        format="YYYY-MM-DD",
        key="overview_time",
    )
    return _midnight(since, town.time_zone), _midnight(until + dt.timedelta(days=1), town.time_zone)


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone)


def _figures(revision: int, since: dt.datetime | None, until: dt.datetime | None) -> None:
    found = cached.key_figures(revision, since, until)
    share = found.coverage_ratio
    figures(
        [
            (N_("Unit cells"), f"{found.cells:,}"),
            (N_("Cameras online"), f"{found.cameras_online:,} / {found.cameras:,}"),
            (N_("Ground seen (share)"), "–" if share is None else f"{share:.1%}"),
            (
                N_("Cells without evidence"),
                f"{found.dark_cells:,}",
                N_("Cells where no camera looked at any kerb: their rate is unknown, not zero."),
            ),
            (
                N_("Violations"),
                f"{found.violations:,}",
                N_(
                    "Captures, findings and reports in the days chosen; one both caught and reported counts twice."
                ),
            ),
        ]
    )


def _map(
    revision: int,
    town: Town,
    shown: list[str],
    measure: Measure,
    times: tuple[dt.datetime | None, dt.datetime | None],
) -> Click | None:
    limits = list(measure.breaks or cached.breaks(revision, measure.id, len(measure.ramp)))
    filters = {
        name: moment.isoformat() for name, moment in zip(("since", "until"), times, strict=True) if moment
    }
    drawn = []
    for name in shown:
        if name == HEAT:
            drawn.append(heat_layer(LAYERS["violations"], filters=filters, revision=revision))
        elif name == "unit_cells":
            drawn.append(tile_layer(LAYERS[name], measure=measure, breaks=limits, revision=revision))
        else:
            drawn.append(tile_layer(LAYERS[name], revision=revision))
    register = cached.register(revision)
    named = [LAYERS["violations" if name == HEAT else name] for name in shown]
    sources, simulated = shown_sources(register, named)
    view = view_state(town.centre, town.zoom, pitch_deg=40)
    click = show_map("overview_map", drawn, view, sources, simulated=simulated, height_px=600)
    if "unit_cells" in shown:
        choropleth_legend(measure, limits)
    if HEAT in shown:
        heat_legend()
    legend([LAYERS[name] for name in shown if name not in (HEAT, "unit_cells", "streets")])
    source_line(register, named)
    return click


def _facts(revision: int, click: Click | None) -> None:
    if click is None:
        st.caption(words(N_("Click a cell or a camera for its facts.")))
    elif click.id is None or click.layer not in ("unit_cells", "cameras"):
        feature_panel(LAYERS[click.layer], click.properties)
    elif click.layer == "unit_cells":
        cell_panel(cached.cell(revision, click.id), language())
    else:
        camera_panel(cached.camera(revision, click.id), cached.seen_interval(revision, click.id))


main()
