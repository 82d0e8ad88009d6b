"""Building review: apply for cameras, see what they add and must not see, approve or return."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable

import geopandas as gpd
import pandas as pd
import pydeck as pdk
import streamlit as st

from analysis.review import ReviewRules
from analysis.visibility import DORI_PX_PER_M
from geodata import database
from geodata.commands.reviews import decide_review, export_review, note_export, submit_review
from geodata.errors import NotFound
from geodata.ingest.readers import Reading
from geodata.queries.reviews import Precheck, Review, surroundings
from geodata.towns.town import Town
from layers import ramps
from layers.catalogue import LAYERS
from layers.deck import tile_layer, view_state
from layers.i18n import N_
from layers.layer import Form
from pages import cached
from pages.paper import telling
from pages.reviewing import sources as review_sources
from pages.reviewing.private import private_cameras
from pages.reviewing.sheet import sheet_keys, sheet_layers, show_sheet
from pages.session import (
    explained,
    forget,
    language,
    literal,
    recall,
    remember,
    scenario_token,
    set_scenario,
    words,
)
from pages.widgets.columns import side_and_field
from pages.widgets.legend import legend, shown_sources, source_line
from pages.widgets.map import peek, show_map
from pages.widgets.screen import fact_table, screen, told
from pages.widgets.taking import data_table, other_formats, take_layers
from pages.workbench.drawing import draft_layers
from pages.workbench.target import Target, find_target

TASKS = {"apply": N_("Apply"), "decide": N_("Applications"), "private": N_("Private cameras")}
SOURCES = {"map": N_("On the map"), "file": N_("From a file"), "scenario": N_("From a scenario")}
SHOWN = ("streets", "buildings", "restricted_areas", "camera_views", "cameras")
CELL = Form(fill=(0, 0, 0, 1), line=(120, 130, 136, 90), line_px=0.5)
FLAT = Form(fill=ramps.BUILDING, line=ramps.BUILDING_EDGE)
NUMBER = "application"
"""Names the open application in the address."""
MAP = "review_map"
MAP_PX = 800.0
"""A map is about so wide."""


def main() -> None:
    with screen(
        N_("Building review"),
        N_(
            "Before cameras are built: what they add, what they repeat, what they must not see, and what that saves."
        ),
    ) as revision:
        if revision is None:
            return
        town = cached.town(revision)
        task = _task()
        if task == "private":
            private_cameras(revision, town)
        elif task == "decide":
            _applications(revision, town)
        else:
            _apply(revision, town)


def _task() -> str:
    opened = scenario_token(NUMBER) is not None
    names = {each: words(title) for each, title in TASKS.items()}
    chosen = st.segmented_control(
        words(N_("Tools")),
        list(TASKS),
        format_func=names.__getitem__,
        default="decide" if opened else "apply",
        key=f"review_task_{recall('review_count', 0)}",
        label_visibility="collapsed",
    )
    return chosen or "apply"


# --------------------------------------------------------------------------------------------------- apply


def _apply(revision: int, town: Town) -> None:
    side, field = side_and_field(2.9)
    with field:
        upper, middle, lower = st.container(), st.container(), st.container()
    with side:
        names = {each: words(title) for each, title in SOURCES.items()}
        source = st.segmented_control(
            words(N_("Cameras come")),
            list(SOURCES),
            format_func=names.__getitem__,
            default="map",
            key="review_source",
        )
        panel = st.container()
        rules = _rules()
    with lower:
        st.header(words(N_("Cameras of this application")), anchor=False)
        st.caption(words(N_("Rows can be typed, changed and deleted here; the check follows at once.")))
        edited = review_sources.edit_rows()
    reading = cached.read_rows(revision, edited) if len(edited) else None
    found = None
    if reading is not None and len(reading.cameras):
        with st.spinner(words(N_("Checking the cameras …"))):
            found = cached.precheck(revision, reading.cameras, rules)
    target = _target(revision) if source == "map" else None
    with panel:
        if source == "file":
            review_sources.from_file(revision, town, edited, middle)
        elif source == "scenario":
            review_sources.from_scenario(edited)
        else:
            review_sources.from_map(edited, target)
    with upper:
        _apply_map(revision, town, reading, found, target)
    with lower:
        if reading is not None:
            review_sources.fault_table(reading, words(N_("Rows of the table that cannot be used")))
        if found is not None and reading is not None:
            show_sheet(found.sheet.plain(), "apply")
            _submit(reading, found)


def _target(revision: int) -> Target | None:
    """The lamp or cell that was clicked."""
    click = peek(MAP)
    if click is None or click.layer not in ("lamps", "unit_cells"):
        return None
    return find_target(revision, cached.ground(revision), cached.outlook(revision), None, click)


def _rules() -> ReviewRules:
    usual = ReviewRules()
    tasks = list(DORI_PX_PER_M)
    with st.expander(words(N_("Rules of the office"))):
        gain = st.slider(
            words(N_("A camera is worth building from this share of new or sharper ground on")),
            0,
            100,
            round(usual.least_gain_ratio * 100),
            5,
            format="%d%%",
            key="rule_gain",
        )

        names = {each: f"{words(telling.TASKS[each])} ({DORI_PX_PER_M[each]:g} px/m)" for each in tasks}

        def task(label: str, default: str, key: str) -> str:
            return st.selectbox(
                label, tasks, index=tasks.index(default), format_func=names.__getitem__, key=key
            )

        return ReviewRules(
            least_gain_ratio=gain / 100,
            sharp_task=task(words(N_("Sharper means")), usual.sharp_task, "rule_sharp"),
            window_task=task(words(N_("Windows count from")), usual.window_task, "rule_window"),
            close_task=task(words(N_("Windows are a reason to return from")), usual.close_task, "rule_close"),
            forbidden_task=task(
                words(N_("Forbidden rooms count from")), usual.forbidden_task, "rule_forbidden"
            ),
        )


def _apply_map(
    revision: int, town: Town, reading: Reading | None, found: Precheck | None, target: Target | None
) -> None:
    drawn = [tile_layer(LAYERS["unit_cells"], revision=revision, form=CELL), *_base(revision)]
    drawn.append(tile_layer(LAYERS["lamps"], revision=revision))
    if target is not None:
        drawn += draft_layers(cached.ground(revision), target, tall=False)
    if found is not None and reading is not None:
        drawn += sheet_layers(found.sheet.shapes, _numbered(reading.cameras))
    _show(revision, view_state(town.centre, town.zoom + 0.2), MAP, drawn, selectable=True)


def _numbered(cameras: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"number": cameras.index.astype(str)}, geometry=cameras.geometry.to_numpy(), crs=cameras.crs
    )


def _base(revision: int) -> list[pdk.Layer]:
    """What stands there: streets, buildings, where no camera may look, what existing cameras see."""
    flat = {"buildings": FLAT}
    return [tile_layer(LAYERS[name], revision=revision, form=flat.get(name)) for name in SHOWN]


def _show(revision: int, view: pdk.ViewState, key: str, drawn: list[pdk.Layer], *, selectable: bool) -> None:
    layers = [LAYERS[name] for name in SHOWN]
    register = cached.register(revision)
    sources, simulated = shown_sources(register, layers)
    show_map(key, drawn, view, sources, simulated=simulated, height_px=540, selectable=selectable)
    sheet_keys()
    legend(
        [
            LAYERS[name]
            for name in ("restricted_areas", "camera_views", "cameras", *(["lamps"] if selectable else []))
        ]
    )
    source_line(register, layers)
    take_layers(layers)


def _submit(reading: Reading, found: Precheck) -> None:
    with st.form("review_submit", border=True):
        st.markdown(f"**{words(N_('Submit the application'))}**")
        title = st.text_input(words(N_("Project")), max_chars=120, key="review_title")
        office = st.text_input(words(N_("Applicant (office)")), max_chars=120, key="review_applicant")
        if reading.faults:
            st.caption(
                words(N_("{count} rows with faults are left out."), count=len(reading.faults)),
            )
        if st.form_submit_button(words(N_("Submit")), type="primary", icon=":material/send:"):
            with told():
                number = submit_review(title, office, reading.cameras, found)
                forget(review_sources.ROWS)
                remember("review_count", int(recall("review_count", 0)) + 1)
                remember(review_sources.EDITION, int(recall(review_sources.EDITION, 0)) + 1)
                set_scenario(number, NUMBER)
                st.rerun()


# ------------------------------------------------------------------------------------------------ decide


def _applications(revision: int, town: Town) -> None:
    listed = cached.reviews()
    if listed.empty:
        st.info(words(N_("No application has been submitted yet.")), icon=":material/inbox:")
        return
    side, field = side_and_field(2.9)
    with side:
        number = _chosen(listed)
    review = cached.review(number)
    with side:
        _facts(review, town)
        _decision(review)
        _downloads(review, town)
    with field:
        cameras = review.shapes("camera")
        drawn = [*_base(revision), *sheet_layers(_shapes(review), _numbered(cameras.set_index("camera")))]
        seen = review.shapes("view")
        view = _view(seen if len(seen) else cameras)
        _show(revision, view, f"review_{number}", drawn, selectable=False)
        if revision != review.revision:
            st.caption(
                words(
                    N_("The sheet rests on data revision {then}; the map beneath it shows revision {now}."),
                    then=review.revision,
                    now=revision,
                )
            )
        show_sheet(review.sheet, f"review_{number}")
        st.header(words(N_("All applications")), anchor=False)
        _list(listed, town)


def _chosen(listed: pd.DataFrame) -> str:
    """The application of the address, or the newest."""
    numbers = listed["number"].tolist()
    asked = scenario_token(NUMBER)
    if asked is not None and asked not in numbers:
        missing = NotFound("There is no application {number}.", "Choose one of the list.", number=asked)
        st.warning(explained(missing))
        asked = None
    names = {
        row.number: f"{row.number} · {row.title} · {words(telling.STATES[row.state])}"
        for row in listed.itertuples()
    }
    chosen = st.selectbox(
        words(N_("Application")),
        numbers,
        index=numbers.index(asked) if asked else 0,
        format_func=names.__getitem__,
        key=f"review_choice_{asked}_{len(numbers)}",
    )
    if chosen != asked:
        set_scenario(chosen, NUMBER)
        st.rerun()
    return str(chosen)


def _facts(review: Review, town: Town) -> None:
    st.markdown(f"**{literal(review.title)}**")
    rows = [
        (words(N_("Applicant")), review.applicant),
        (words(N_("State")), words(telling.STATES[review.state])),
        (words(N_("Cameras proposed")), str(len(review.sheet["cameras"]))),
        (words(N_("Submitted")), _moment(review.submitted_at, town)),
        (words(N_("Data revision")), str(review.revision)),
    ]
    if review.decided_by:
        rows += [
            (words(N_("Decided by")), review.decided_by),
            (words(N_("Decided")), _moment(review.decided_at, town)),
            (words(N_("Reasons")), review.reasons or "–"),
        ]
    fact_table(rows)


def _decision(review: Review) -> None:
    if review.state != "submitted":
        return
    with st.form(f"review_decide_{review.number}", border=True):
        st.markdown(f"**{words(N_('Decision'))}**")
        office = st.text_input(words(N_("Office that decides")), max_chars=120, key=f"office_{review.number}")
        reasons = st.text_area(
            words(N_("Reasons (needed to return)")),
            value=_reasons_to_return(review),
            height=180,
            key=f"reasons_{review.number}",
        )
        with st.container(horizontal=True):
            approve = st.form_submit_button(words(N_("Approve")), icon=":material/check:")
            back = st.form_submit_button(words(N_("Return")), icon=":material/assignment_return:")
        if approve or back:
            with told():
                decide_review(review.number, "approve" if approve else "return", reasons, office)
                st.rerun()


def _reasons_to_return(review: Review) -> str:
    """The sheet's own reasons, as a first draft."""
    found = telling.reasons(review.sheet["reasons"], language())
    heavy = [each for each in found if each.severity == "return"]
    return "\n".join(f"{each.where(words)}: {each.sentence} {each.mend}" for each in heavy)


def _downloads(review: Review, town: Town) -> None:
    """Files, made when they are asked for; who takes one is noted."""
    with st.container(border=True):
        st.markdown(f"**{words(N_('Files'))}**")
        office = st.text_input(
            words(N_("Office that takes a file")),
            max_chars=120,
            key=f"taker_{review.number}",
            help=words(N_("Every file that is handed out stands in the audit.")),
        ).strip()
        spoken = language()
        with st.container(horizontal=True):
            st.download_button(
                "PDF",
                _printed(review, town, spoken, office),
                f"review-{review.number}-{spoken}.pdf",
                "application/pdf",
                icon=":material/picture_as_pdf:",
                disabled=not office,
                key=f"pdf_{review.number}",
            )
            st.download_button(
                "GeoJSON",
                lambda: export_review(review.number, office),
                f"review-{review.number}.geojson",
                "application/geo+json",
                icon=":material/download:",
                disabled=not office,
                key=f"geojson_{review.number}",
            )
            other_formats(
                f"review_{review.number}",
                f"review-{review.number}",
                lambda: export_review(review.number, office),
                disabled=not office,
            )


def _printed(review: Review, town: Town, spoken: str, office: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from pages.paper.review_sheet import review_pdf  # noqa: PLC0415 - heavy, and needed when one is printed

        with database.connection() as conn:
            maps = surroundings(
                conn, town, review.shapes("view") if len(review.shapes("view")) else review.shapes("camera")
            )
        body = review_pdf(review, maps, town, spoken, made_at=dt.datetime.now(dt.UTC))
        note_export(review, "pdf", office)
        return body

    return make


def _list(listed: pd.DataFrame, town: Town) -> None:
    table = listed.assign(
        state=[words(telling.STATES[each]) for each in listed["state"]],
        advice=[words(telling.ADVICES[each]) for each in listed["advice"]],
        submitted_at=[_moment(each, town) for each in listed["submitted_at"]],
        decided_by=listed["decided_by"].fillna("–"),
    )
    columns = {
        "number": st.column_config.TextColumn(words(N_("Application number"))),
        "title": st.column_config.TextColumn(words(N_("Project"))),
        "applicant": st.column_config.TextColumn(words(N_("Applicant"))),
        "cameras": st.column_config.NumberColumn(words(N_("Cameras"))),
        "advice": st.column_config.TextColumn(words(N_("Advice of the check"))),
        "state": st.column_config.TextColumn(words(N_("State"))),
        "submitted_at": st.column_config.TextColumn(words(N_("Submitted"))),
        "decided_by": st.column_config.TextColumn(words(N_("Decided by"))),
    }
    data_table("review", table[list(columns)], hide_index=True, column_config=columns)


def _shapes(review: Review) -> gpd.GeoDataFrame:
    found = gpd.GeoDataFrame.from_features(review.proposal["features"], crs=4326)
    return found.rename(columns={"what": "kind"})


def _view(shapes: gpd.GeoDataFrame) -> pdk.ViewState:
    """A view that shows all of some shapes in WGS 84."""
    west, south, east, north = shapes.total_bounds
    middle = ((west + east) / 2, (south + north) / 2)
    wide = max(east - west, (north - south) * 1.6 / math.cos(math.radians(middle[1])), 1e-6)
    return view_state(middle, min(max(math.log2(MAP_PX * 360 / (512 * wide)) - 0.4, 10.0), 17.5))


def _moment(at: dt.datetime | pd.Timestamp | None, town: Town) -> str:
    return "–" if at is None or pd.isna(at) else f"{at.astimezone(town.time_zone):%Y-%m-%d %H:%M}"


main()
