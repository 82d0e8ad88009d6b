"""Asking for a plan: the best N more, the N that can go, the N to move; shown with bound, gap and curve."""

from __future__ import annotations

import html

import altair as alt
import geopandas as gpd
import pandas as pd
import pydeck as pdk
import streamlit as st

from analysis.crs import STORAGE_EPSG
from geodata.commands import scenarios as commands
from geodata.queries.asked import Answer, Asked
from geodata.queries.planning import MOST, Plan, Question
from geodata.queries.poses import Pose
from geodata.queries.scenarios import Scenario
from geodata.queries.sites import LENS_TITLES, LENSES, SITES
from geodata.queries.thinning import Relocated, Thinned
from geodata.queries.wanted import TITLES
from layers import ramps
from layers.deck import shape_layer
from layers.i18n import N_
from layers.layer import Form
from layers.planning import MODELS, SITE_KINDS, SITE_NAMES
from pages import cached
from pages.session import forget, recall, remember, words
from pages.widgets.figures import figures
from pages.widgets.jobs import begin, follow
from pages.widgets.legend import keys
from pages.widgets.screen import simulated_mark
from pages.widgets.taking import data_table
from pages.workbench.bar import opened

__all__ = ["ask", "drawn", "keys_of", "run_of", "show"]

PROPOSED = Form(fill=ramps.PROPOSED, line=(255, 255, 255, 255), radius_px=8)
PROPOSED_VIEW = Form(fill=(*ramps.PROPOSED[:3], 70), line=(*ramps.PROPOSED[:3], 220))
GOING = (178, 24, 43, 255)
GOING_MARK = Form(fill=GOING, line=(255, 255, 255, 255), radius_px=8)
GOING_VIEW = Form(fill=(*GOING[:3], 30), line=(*GOING[:3], 220))


def ask(task: str, revision: int, scenario: Scenario | None) -> Answer | None:
    """The form of a task, and the answer to what was asked last, once a worker has found it."""
    with st.form(f"ask_{task}", border=True):
        question = _placing() if task == "place" else _thinning(task)
        pressed = st.form_submit_button(words(N_("Work it out")), type="primary", icon=":material/calculate:")
    if pressed:
        remember(f"asked_{task}", question)
    question = recall(f"asked_{task}")
    if question is None:
        return None
    asked = _asked(task, question, scenario)
    run = cached.kept_run(revision, asked)
    if run is not None:
        return cached.answer(run)
    if pressed:
        begin("plan", asked.plain())
    follow("plan", asked.plain())
    return None


def run_of(task: str, revision: int, scenario: Scenario | None) -> int | None:
    """The run that answered what was asked last, if a worker has."""
    question = recall(f"asked_{task}")
    return None if question is None else cached.kept_run(revision, _asked(task, question, scenario))


def _asked(task: str, question: Question | int, scenario: Scenario | None) -> Asked:
    token, version = (None, 0) if scenario is None else (scenario.token, scenario.version)
    return Asked(task, question, token, version)


def drawn(answer: Answer | None) -> list[pdk.Layer]:
    """The answer on the map."""
    if answer is None:
        return []
    layers: list[pdk.Layer] = []
    if isinstance(answer, Thinned):
        layers += _marked("going", answer.cameras, answer.lost, GOING_MARK, GOING_VIEW)
    elif isinstance(answer, Relocated):
        layers += _marked("going", answer.removed, answer.lost, GOING_MARK, GOING_VIEW)
        layers += _marked("proposed", answer.added, answer.views, PROPOSED, PROPOSED_VIEW)
    else:
        layers += _marked("proposed", answer.cameras, answer.views, PROPOSED, PROPOSED_VIEW)
    return layers


def keys_of(answer: Answer | None) -> None:
    """What its colours mean."""
    if answer is None:
        return
    entries = []
    if not isinstance(answer, Thinned):
        entries.append((ramps.PROPOSED, N_("proposed camera and what it would see"), "dot"))
    if not isinstance(answer, Plan):
        entries.append((GOING, N_("camera that can go, and ground that nobody would see any more"), "dot"))
    keys(N_("Proposal"), entries)


def show(answer: Answer | None, scenario: Scenario | None) -> None:
    """The answer in figures, tables and curves, and what can be done with it."""
    st.header(words(N_("Proposal")), anchor=False)
    if answer is None:
        st.caption(words(N_("Choose on the left and press Work it out.")))
    elif isinstance(answer, Plan):
        _show_plan(answer, scenario)
    elif isinstance(answer, Thinned):
        _show_thinned(answer, scenario)
    else:
        _show_moved(answer, scenario)


def _placing() -> Question:
    model = st.selectbox(
        words(N_("Model")), list(MODELS), format_func=lambda each: words(MODELS[each]), key="place_model"
    )
    count = st.number_input(words(N_("How many (N)")), 1, MOST, 10, key="place_count")
    with st.expander(words(N_("Sites, lenses, weights"))):
        sites = st.pills(
            words(N_("Sites")),
            list(SITES),
            selection_mode="multi",
            default=["lamps"],
            format_func=lambda each: words(SITE_NAMES[each]),
            key="place_sites",
        )
        lenses = st.pills(
            words(N_("Lenses")),
            list(LENSES),
            selection_mode="multi",
            default=["wide"],
            format_func=lambda each: words(LENS_TITLES[each]),
            key="place_lenses",
        )
        headings = st.select_slider(words(N_("Headings")), [4, 8, 16], 8, key="place_headings")
        weights = st.pills(
            words(N_("Weights")),
            list(TITLES),
            selection_mode="multi",
            default=["violations"],
            format_func=lambda each: words(TITLES[each]),
            key="place_weights",
        )
    with st.expander(words(N_("Budget, minimum, share"))):
        budget = st.number_input(words(N_("Budget, yuan")), 0.0, None, 60_000.0, 1_000.0, key="place_budget")
        share = st.slider(words(N_("Share of demand to cover (LSCP), %")), 5, 100, 50, 5, key="place_share")
        minimum = st.slider(
            words(N_("Least share in every street (fair), %")), 0, 100, 10, 1, key="place_minimum"
        )
    return Question(
        model=model,
        count=int(count),
        sites=tuple(sites or ("lamps",)),
        headings=int(headings),
        lenses=tuple(LENSES[name] for name in lenses or ("wide",)),
        weights=tuple((name, 1.0) for name in weights or ("violations",)),
        budget=float(budget) if model == "budgeted" else None,
        share_ratio=share / 100 if model == "lscp" else 1.0,
        minimum_ratio=minimum / 100 if model == "fair" else 0.0,
        curve=True,
    )


def _thinning(task: str) -> int:
    if task == "remove":
        st.caption(
            words(N_("The cameras whose loss costs least: those that others see for, or that see little."))
        )
        return int(st.number_input(words(N_("How many can go (N)")), 1, MOST, 10, key="remove_count"))
    st.caption(words(N_("Cameras taken from where they add least to where they add most.")))
    return int(st.number_input(words(N_("How many move (N)")), 1, 100, 5, key="relocate_count"))


def _show_plan(plan: Plan, scenario: Scenario | None) -> None:
    rows: list[tuple[str, str] | tuple[str, str, str]] = [
        (
            N_("Unseen demand covered"),
            f"{plan.covered_ratio:.1%}",
            N_("Share of the demand that no camera sees now."),
        ),
        (N_("No choice covers more than"), f"{plan.bound_ratio:.1%}"),
        (N_("Gap"), f"{plan.gap_ratio:.2%}", N_("0 % is proven to be the best choice.")),
        (N_("Cameras"), f"{len(plan.cameras):,}"),
        (N_("Cost, yuan"), f"{plan.cost:,.0f}"),
        *_ground(plan),
    ]
    figures(rows)
    _adopt_plan(plan, scenario)
    curve, table = st.columns([1, 1.25], gap="medium")
    with curve:
        _curve(plan.curve)
    with table:
        columns = ["order", "site_kind", "site", "lens", "heading_deg", "gain_ratio", "cost"]
        data_table(
            "placed-cameras",
            plan.cameras[columns].assign(
                site_kind=plan.cameras["site_kind"].map(_site_kind),
                lens=plan.cameras["lens"].map(_lens),
            ),
            hide_index=True,
            height=300,
            column_config={
                "order": st.column_config.NumberColumn("#", width="small"),
                "site_kind": st.column_config.TextColumn(words(N_("Site"))),
                "site": st.column_config.TextColumn(words(N_("Code or number"))),
                "lens": st.column_config.TextColumn(words(N_("Lens"))),
                "heading_deg": st.column_config.NumberColumn(words(N_("Heading")), format="%.0f°"),
                "gain_ratio": st.column_config.NumberColumn(words(N_("Adds")), format="percent"),
                "cost": st.column_config.NumberColumn(words(N_("Cost, yuan")), format="localized"),
            },
        )
    if len(plan.districts):
        _districts(plan.districts)
    _file(plan.geojson(), "more-cameras.geojson")
    st.caption(
        words(
            N_(
                "{weighed:,} of {possible:,} candidates weighed; {reading:.1f} s reading, {solving:.1f} s choosing."
            ),
            weighed=plan.candidates,
            possible=plan.possible,
            reading=plan.reading_s,
            solving=plan.solving_s,
        )
    )
    st.html(f"{simulated_mark()} <span class='hy-source'>{html.escape(words(plan.method))}</span>")


def _ground(answer: Answer) -> list[tuple[str, str, str]]:
    """Share of the town's ground that is seen before and after; nothing where it was not measured."""
    if not answer.ground:
        return []
    before, after = answer.ground["seen_ratio"]
    meaning = N_(
        "Share of the ground of all unit cells that at least one camera sees, now and with the proposal."
    )
    return [(N_("Ground seen"), f"{before:.2%} → {after:.2%}", meaning)]


def _adopt_plan(plan: Plan, scenario: Scenario | None) -> None:
    if st.button(
        words(N_("Put into the scenario")), type="primary", icon=":material/playlist_add:", key="adopt_plan"
    ):
        commands.add_cameras(opened(scenario), _poses(plan.cameras))
        forget("asked_place")
        st.rerun()


def _poses(cameras: gpd.GeoDataFrame) -> list[Pose]:
    places = cameras.to_crs(STORAGE_EPSG)
    return [
        Pose(
            lon_deg=row.geometry.x,
            lat_deg=row.geometry.y,
            heading_deg=float(row.heading_deg) % 360,
            tilt_deg=float(row.tilt_deg),
            height_m=float(row.height_m),
            hfov_deg=float(row.hfov_deg),
            vfov_deg=float(row.vfov_deg),
            resolution_px=int(row.resolution_px),
            range_m=float(row.range_m),
            name=words(N_("Proposal {number}"), number=int(row.order)),
            site=str(row.site),
            cost=float(row.cost),
        )
        for row in places.itertuples()
    ]


def _show_thinned(thinned: Thinned, scenario: Scenario | None) -> None:
    figures(
        [
            (
                N_("Lost"),
                f"{thinned.loss_ratio:.2%}",
                N_("Share of what counts: violations and ground in view."),
            ),
            (N_("No choice loses less than"), f"{thinned.bound_ratio:.2%}"),
            (N_("Gap"), f"{thinned.gap_ratio:.2%}", N_("0 % is proven to be the best choice.")),
            (N_("Ground lost"), f"{thinned.lost_m2:,.0f} m²"),
        ]
    )
    if st.button(
        words(N_("Put into the scenario")),
        type="primary",
        icon=":material/playlist_add:",
        key="adopt_removal",
    ):
        commands.remove_cameras(opened(scenario), thinned.cameras["camera_id"].astype(int).tolist())
        forget("asked_remove")
        st.rerun()
    _going(thinned.cameras)
    _file(thinned.geojson(), "fewer-cameras.geojson")


def _show_moved(moved: Relocated, scenario: Scenario | None) -> None:
    figures(
        [
            (N_("Demand seen before"), f"{moved.current_ratio:.1%}"),
            (N_("Demand seen after"), f"{moved.covered_ratio:.1%}"),
            (N_("No choice covers more than"), f"{moved.bound_ratio:.1%}"),
            (N_("Gap"), f"{moved.gap_ratio:.2%}", N_("0 % is proven to be the best choice.")),
            (N_("Ground lost"), f"{moved.lost_m2:,.0f} m²"),
            *_ground(moved),
        ]
    )
    if st.button(
        words(N_("Put into the scenario")), type="primary", icon=":material/playlist_add:", key="adopt_moves"
    ):
        token = opened(scenario)
        commands.remove_cameras(token, moved.removed["camera_id"].astype(int).tolist())
        commands.add_cameras(token, _poses(moved.added))
        forget("asked_relocate")
        st.rerun()
    _going(moved.removed)
    _file(moved.geojson(), "moved-cameras.geojson")


def _going(cameras: gpd.GeoDataFrame) -> None:
    known = ["order", "code", "name", "loss_ratio", "lost_m2", "overlap_ratio", "twins"]
    data_table(
        "cameras-to-go",
        cameras[[name for name in known if name in cameras]],
        hide_index=True,
        height=300,
        column_config={
            "order": st.column_config.NumberColumn("#", width="small"),
            "code": st.column_config.TextColumn(words(N_("Camera code"))),
            "name": st.column_config.TextColumn(words(N_("Name"))),
            "loss_ratio": st.column_config.NumberColumn(words(N_("Lost")), format="percent"),
            "lost_m2": st.column_config.NumberColumn(words(N_("Ground lost, m²")), format="localized"),
            "overlap_ratio": st.column_config.NumberColumn(words(N_("Seen by others too")), format="percent"),
            "twins": st.column_config.ListColumn(words(N_("Cameras that see most of it"))),
        },
    )


def _file(body: str, name: str) -> None:
    st.download_button(
        words(N_("Download the proposal as GeoJSON")),
        body,
        name,
        "application/geo+json",
        icon=":material/download:",
    )


def _marked(
    name: str, cameras: gpd.GeoDataFrame, views: gpd.GeoDataFrame, mark: Form, ground: Form
) -> list[pdk.Layer]:
    """Points and the ground that belongs to them."""
    plain = [column for column in cameras if column != "twins"]
    return [
        shape_layer(f"{name}_views", views[~views.is_empty], ground, pickable=False),
        shape_layer(name, cameras[plain], mark, pickable=False),
    ]


def _curve(curve: pd.DataFrame) -> None:
    """Cover against N, with what no choice could exceed."""
    if curve.empty:
        return
    found, bound = words(N_("found")), words(N_("no choice covers more"))
    rows = pd.concat(
        [
            pd.DataFrame({"n": curve["count"], "share": curve["covered_ratio"], "what": found}),
            pd.DataFrame({"n": curve["count"], "share": curve["bound_ratio"], "what": bound}),
        ]
    )
    chart = (
        alt.Chart(rows)
        .mark_line(point=len(curve) < 40)
        .encode(
            x=alt.X("n:Q", title=words(N_("Number of cameras")), axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("share:Q", title=words(N_("Unseen demand covered")), axis=alt.Axis(format="%")),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(domain=[found, bound], range=["#be1e78", "#808a8a"]),
                legend=alt.Legend(orient="bottom"),
            ),
        )
        .properties(height=280)
    )
    st.altair_chart(chart, key="covering_curve")


def _districts(districts: pd.DataFrame) -> None:
    data_table(
        "districts",
        districts,
        hide_index=True,
        column_config={
            "code": st.column_config.TextColumn(words(N_("Street"))),
            "minimum_ratio": st.column_config.NumberColumn(words(N_("Least share")), format="percent"),
            "covered_ratio": st.column_config.NumberColumn(words(N_("Covered")), format="percent"),
            "reachable_ratio": st.column_config.NumberColumn(words(N_("Could be covered")), format="percent"),
        },
    )


def _site_kind(kind: str) -> str:
    return words(SITE_KINDS.get(kind, kind))


def _lens(name: str) -> str:
    return words(LENS_TITLES.get(name, name))
