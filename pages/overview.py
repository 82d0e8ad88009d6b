"""The planner's map: everything on one map, with its legend, key figures, and the facts behind a click."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import streamlit as st

from analysis.errors import InputError
from geodata.queries.areas import AreaChoice
from geodata.queries.tiles import applied
from geodata.towns.town import Town
from layers.catalogue import LAYERS
from layers.deck import heat_layer, tile_layer, view_state
from layers.i18n import N_
from layers.layer import Layer, Measure
from layers.measures import MEASURES
from layers.view import HEAT, ORDER, ReadView, View, framed, read_view
from pages import cached
from pages.drilling.opening import AREA_KEY, MAP_MODE, MODE_KEY, UNITS_MODE, close, follow, mode
from pages.drilling.tree import show_units
from pages.session import (
    address,
    choose,
    explained,
    language,
    recall,
    remember,
    set_address,
    whole_address,
    widget,
    words,
)
from pages.widgets.columns import side_and_field
from pages.widgets.facts import camera_panel, cell_panel, feature_panel
from pages.widgets.figures import figures
from pages.widgets.legend import choropleth_legend, heat_legend, legend, shown_sources, source_line
from pages.widgets.map import Click, show_map
from pages.widgets.renewing import tell_age
from pages.widgets.screen import screen
from pages.widgets.sharing import report_button, share
from pages.widgets.taking import take_layers
from pages.widgets.tasks import five_tasks

SWITCHES = tuple(name for name in ORDER if name not in ("cell_coverage", "violations"))
SOURCES = {
    "camera": N_("captures by cameras"),
    "qr": N_("reports by people"),
    "video": N_("confirmed video leads"),
}
PARTS = (
    "layers",
    "measure",
    "class",
    "source",
    "grouping",
    "area",
    "since",
    "until",
    "centre",
    "zoom",
    "pitch",
    "bearing",
)
LAYERS_KEY, MEASURE_KEY = "overview_layers", "overview_measure"
PITCH_DEG = 40.0
EVERYTHING = ""
"""The choice that chooses nothing: a list of choices may not hold None, which means that nobody chose."""


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
        opened = _opened()
        if (shown := mode()) == UNITS_MODE:
            follow()
        side, field = side_and_field(3.4)
        with side:
            view = _choose(revision, town, opened, units=shown == UNITS_MODE)
        set_address(**({name: view.to_query().get(name) for name in PARTS} if _named(view) else {}))
        with field:
            _left_out(revision, opened)
            told = _figures(revision, view)
            tell_age(revision)
            _choose_mode()
            if shown == UNITS_MODE:
                click = None
                show_units(revision, town, view, SOURCES)
            else:
                close()
                click = _map(revision, town, view, told)
            five_tasks()
        with side:
            if shown == MAP_MODE:
                _facts(revision, click)


# ------------------------------------------------------------------------------------- what is asked for


def _opened() -> ReadView:
    """The view that the address told when this visit began."""
    known: ReadView | None = recall("overview_opened")
    if known is None:
        known = read_view(whole_address())
        remember("overview_opened", known)
    return known


def _named(view: View) -> bool:
    """Whether the address has to say anything: the map as it opens has the short one."""
    return view != View(measure=MEASURES[0].id) or any(address(name) is not None for name in PARTS)


def _left_out(revision: int, opened: ReadView) -> None:
    """What of the link could not be read, or is not of this town."""
    errors = list(opened.left_out)
    code = opened.view.area
    if code is not None and all(code != each.code for each in cached.areas(revision)):
        errors.append(InputError("There is no area {code}.", "The whole town is shown.", code=code))
    for error in errors:
        st.warning(explained(error), icon=":material/link_off:")


def _choose(revision: int, town: Town, opened: ReadView, *, units: bool) -> View:
    start = opened.view
    for key, value in (
        (LAYERS_KEY, [name for name in SWITCHES if name in start.layers]),
        (MEASURE_KEY, next((each for each in MEASURES if each.id == start.measure), MEASURES[0])),
    ):
        if units or widget(key) is None:  # what is not drawn would be forgotten
            choose(key, widget(key, value))
    layers, measure = _kept_layers() if units else _choose_layers()
    areas = cached.areas(revision)
    area = _choose_area(areas, start)
    since, until = _choose_time(revision, town, start)
    words_chosen = _choose_kinds(revision, start)
    moved = area != start.area  # a camera that a link brought belongs to its own area
    return View(
        layers=tuple(layers),
        measure=measure.id,
        filters=words_chosen,
        area=area,
        since=since,
        until=until,
        centre=None if moved else start.centre,
        zoom=None if moved else start.zoom,
        pitch_deg=start.pitch_deg,
        bearing_deg=start.bearing_deg,
    )


def _kept_layers() -> tuple[list[str], Measure]:
    """What the map shows when somebody comes back to it: the map of units knows neither layers nor measure."""
    return [name for name in SWITCHES if name in widget(LAYERS_KEY)], widget(MEASURE_KEY)


def _choose_layers() -> tuple[list[str], Measure]:
    titles = {name: words(LAYERS[name].title) for name in LAYERS} | {HEAT: words(N_("Violation heat map"))}
    shown = st.pills(
        words(N_("Layers")),
        SWITCHES,
        selection_mode="multi",
        format_func=titles.__getitem__,
        key=LAYERS_KEY,
    )
    names = {measure.id: words(measure.title) for measure in MEASURES}
    measure = st.selectbox(
        words(N_("Cells show")),
        MEASURES,
        format_func=lambda each: names[each.id],
        key=MEASURE_KEY,
    )
    st.caption(words(measure.meaning))
    return [name for name in SWITCHES if name in shown], measure


def _choose_area(areas: list[AreaChoice], start: View) -> str | None:
    """Code of an area, or None for the whole town."""
    chinese = language() == "zh-CN"
    names = {EVERYTHING: words(N_("The whole town"))}
    names |= {each.code: each.name_zh if chinese else each.name_en for each in areas if each.kind != "county"}
    if widget(AREA_KEY) not in names:  # the first run of a visit, or another town
        choose(AREA_KEY, start.area if start.area in names else EVERYTHING)
    chosen = st.selectbox(
        words(N_("Street or community")), list(names), format_func=names.__getitem__, key=AREA_KEY
    )
    return chosen or None


def _choose_time(revision: int, town: Town, start: View) -> tuple[dt.datetime | None, dt.datetime | None]:
    """First and last moment of the days chosen, in the town's time; None where all days are."""
    span = cached.violation_span(revision)
    if span is None:
        return None, None
    first, last = (moment.astimezone(town.time_zone).date() for moment in span)
    if first == last:
        return None, None
    begin = first if start.since is None else start.since.astimezone(town.time_zone).date()
    end = last
    if start.until is not None:
        end = (start.until - dt.timedelta(microseconds=1)).astimezone(town.time_zone).date()
    since, until = st.slider(
        words(N_("Violations from – to")),
        first,
        last,
        (min(max(begin, first), last), max(min(end, last), first)),
        format="YYYY-MM-DD",
        key="overview_time",
    )
    if (since, until) == (first, last):
        return None, None
    return _midnight(since, town.time_zone), _midnight(until + dt.timedelta(days=1), town.time_zone)


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone)


def _choose_kinds(revision: int, start: View) -> dict[str, str]:
    """Class and source of violations."""
    classes, sources = cached.violation_kinds(revision)
    chinese = language() == "zh-CN"
    titles = {code: f"{names[0] if chinese else names[1]} ({code})" for code, names in classes.items()}
    spoken = {source: words(SOURCES.get(source, source)) for source in sources}
    chosen = {}
    for name, label, known in (
        ("class", N_("Class of violations"), titles),
        ("source", N_("Violations known from"), spoken),
    ):
        wanted = start.filters.get(name, EVERYTHING)
        # what a link names stays a choice, even where nothing of it is loaded
        options = {EVERYTHING: words(N_("all of them")), **known}
        if wanted not in options:
            options[wanted] = wanted
        found = st.selectbox(
            words(label),
            list(options),
            list(options).index(wanted),
            format_func=options.__getitem__,
            key=f"overview_{name}",
        )
        if found:
            chosen[name] = found
    if "grouping" in start.filters:
        chosen["grouping"] = start.filters["grouping"]
    return chosen


# ---------------------------------------------------------------------------------------- what is shown


def _choose_mode() -> None:
    titles = {MAP_MODE: words(N_("Map")), UNITS_MODE: words(N_("Units"))}
    st.segmented_control(
        words(N_("Show")),
        list(titles),
        format_func=titles.__getitem__,
        key=MODE_KEY,
        label_visibility="collapsed",
    )


def _figures(revision: int, view: View) -> str:
    """Shows the key figures; returns them as a sentence."""
    kinds = tuple(sorted((name, value) for name, value in view.filters.items() if name != "grouping"))
    found = cached.key_figures(revision, view.since, view.until, view.area, kinds)
    share_seen = found.coverage_ratio
    figures(
        [
            (N_("Unit cells"), f"{found.cells:,}"),
            (N_("Cameras online"), f"{found.cameras_online:,} / {found.cameras:,}"),
            (N_("Ground seen (share)"), "–" if share_seen is None else f"{share_seen:.1%}"),
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
    return words(
        N_(
            "{cells:,} unit cells, {dark:,} of them without evidence; {cameras:,} cameras; {violations:,} violations."
        ),
        cells=found.cells,
        dark=found.dark_cells,
        cameras=found.cameras,
        violations=found.violations,
    )


def _map(revision: int, town: Town, view: View, told: str) -> Click | None:
    measure = next(each for each in MEASURES if each.id == view.measure)
    limits = list(measure.breaks or cached.breaks(revision, measure.id, len(measure.ramp)))
    drawn = []
    for name in view.layers:
        layer = _layer(name)
        filters = {key: str(value) for key, value in applied(layer.tile, view.tile_filters()).items()}
        if name == HEAT:
            drawn.append(heat_layer(layer, filters=filters, revision=revision))
        elif name == "unit_cells":
            drawn.append(
                tile_layer(layer, measure=measure, breaks=limits, filters=filters, revision=revision)
            )
        else:
            drawn.append(tile_layer(layer, filters=filters, revision=revision))
    register = cached.register(revision)
    named = [_layer(name) for name in view.layers]
    sources, simulated = shown_sources(register, named)
    centre, zoom = _camera(revision, town, view)
    opening = view_state(centre, zoom, pitch_deg=PITCH_DEG if view.pitch_deg is None else view.pitch_deg)
    opening.bearing = view.bearing_deg or 0
    click = show_map("overview_map", drawn, opening, sources, simulated=simulated, height_px=600, told=told)
    if "unit_cells" in view.layers:
        choropleth_legend(measure, limits)
    if HEAT in view.layers:
        heat_legend()
    legend([LAYERS[name] for name in view.layers if name not in (HEAT, "unit_cells", "streets")])
    source_line(register, named)
    with st.container(horizontal=True):
        take_layers(named, view.tile_filters())
        share(view)
        report_button(view)
    return click


def _layer(name: str) -> Layer:
    return LAYERS["violations" if name == HEAT else name]


def _camera(revision: int, town: Town, view: View) -> tuple[tuple[float, float], float]:
    """Centre and zoom: the link's, else the area's, else the town's."""
    centre, zoom = town.centre, town.zoom
    area = next((each for each in cached.areas(revision) if each.code == view.area), None)
    if area is not None:
        centre, zoom = framed(area.bounds)
    return view.centre or centre, zoom if view.zoom is None else view.zoom


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
