"""The plan panel: new bays, tariffs, patrols, and a costed list of works."""

from __future__ import annotations

import json
from dataclasses import asdict

import geopandas as gpd
import pandas as pd
import pydeck as pdk
import streamlit as st

from analysis.parking import CLEARANCES, SHAPES
from geodata.commands.parking import keep_parking
from geodata.export.parking import parking_geojson
from geodata.queries.parking import ParkingGround, Standing
from geodata.queries.parking_access import Need
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_plan import METHOD, BayQuestion, Bays
from geodata.queries.scenarios import Scenario
from layers import ramps
from layers.deck import MOST_FEATURES, shape_layer
from layers.i18n import N_
from layers.layer import Form
from layers.parking import FEATURES, RULES, SHAPE_NAMES
from layers.streets import street_words
from pages import cached
from pages.kerbside.changing import put_bays
from pages.kerbside.choosing import Choice
from pages.kerbside.tables import patrol_part, tariff_part, works_part
from pages.kerbside.telling import NOBODY
from pages.session import recall, remember, words
from pages.widgets.figures import figures
from pages.widgets.legend import keys
from pages.widgets.screen import told
from pages.widgets.taking import data_table, other_formats

__all__ = ["bay_layers", "plan_panel"]

PARTS = {
    "bays": N_("Bays"),
    "tariff": N_("Tariff"),
    "patrols": N_("Enforcement"),
    "works": N_("Works list"),
}
BAY = Form(fill=(*ramps.PROPOSED[:3], 200), line=(255, 255, 255, 255), line_px=1)
BLOCK = Form(fill=(0, 0, 0, 0), line=(*ramps.PROPOSED[:3], 255), radius_px=9, line_px=2)


def plan_panel(
    revision: int,
    ground: ParkingGround,
    standing: Standing,
    need: Need | None,
    choice: Choice,
    scenario: Scenario | None,
    changes: ParkingChanges | None,
) -> Bays | None:
    """The panel; returns the bays that were asked for, to be drawn on the map above it."""
    st.header(words(N_("Plan")), anchor=False)
    if need is None or need.access.supply is None:
        st.caption(
            words(N_("Without legal bays or car parks nobody knows who finds no place: load some first."))
        )
        return None
    titles = {name: words(title) for name, title in PARTS.items()}
    part = (
        st.segmented_control(
            words(N_("Plan")),
            list(PARTS),
            format_func=titles.__getitem__,
            default="bays",
            key="parking_plan",
            label_visibility="collapsed",
        )
        or "bays"
    )
    bays = None
    with told():
        question = _ask_bays() if part == "bays" else recall("parking_bays")
        if question is not None:
            with st.spinner(words(N_("Choosing where bays go …"))):
                bays = cached.bays(revision, need, scenario, changes, question)
    with told():
        if part == "bays":
            _bays(revision, need, bays, scenario)
        elif part == "tariff":
            tariff_part(revision, need, standing, choice, scenario, changes)
        elif part == "patrols":
            patrol_part(revision, ground, standing, choice, need.rules, scenario)
        else:
            works_part(revision, ground, standing, need, bays, scenario)
    return bays


def bay_layers(bays: Bays | None) -> list[pdk.Layer]:
    """New bays on the map, and a ring about each block, which is seen from afar."""
    if bays is None or bays.blocks.empty:
        return []
    rings = _plain(bays.blocks[["order", "bays", "geometry"]])
    drawn = [shape_layer("bay_blocks", rings.head(MOST_FEATURES), BLOCK, pickable=False)]
    drawn.append(
        shape_layer(
            "bays", _plain(bays.shapes[["order", "geometry"]]).head(MOST_FEATURES), BAY, pickable=False
        )
    )
    return drawn


def _plain(shapes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(shapes.reset_index(drop=True), geometry="geometry", crs=shapes.crs)


# ------------------------------------------------------------------------------------------------ bays


def _ask_bays() -> BayQuestion | None:
    usual = BayQuestion()
    names = {name: words(title) for name, title in RULES.items()}
    shapes = {name: words(title) for name, title in SHAPE_NAMES.items()}
    with st.form("ask_bays", border=True):
        first, second, third = st.columns(3, gap="medium")
        budget = first.number_input(
            words(N_("Budget, yuan")), 1_000.0, None, usual.budget, 10_000.0, key="bays_budget"
        )
        rule = second.selectbox(
            words(N_("Distances kept clear")), list(RULES), format_func=names.__getitem__, key="bays_rule"
        )
        shape = third.selectbox(
            words(N_("How bays lie")), list(SHAPES), format_func=shapes.__getitem__, key="bays_shape"
        )
        bay_cost = first.number_input(
            words(N_("Cost of a bay, yuan")), 0.0, None, usual.bay_cost, 100.0, key="bays_cost"
        )
        block_cost = second.number_input(
            words(N_("Cost of a block's signs, yuan")),
            1.0,
            None,
            usual.block_cost,
            100.0,
            key="bays_block_cost",
        )
        with st.expander(words(N_("Distances, each with its source"))):
            table = pd.DataFrame(
                {
                    "kind": each.kind,
                    "name": words(FEATURES[each.kind]),
                    "metres": each.metres,
                    "source": words(str(each.source)),
                }
                for each in CLEARANCES[rule]
            )
            edited = st.data_editor(
                table,
                hide_index=True,
                width="stretch",
                key=f"bays_clear_{rule}",
                disabled=["kind", "name", "source"],
                column_config={
                    "kind": None,
                    "name": st.column_config.TextColumn(words(N_("Feature"))),
                    "metres": st.column_config.NumberColumn(
                        words(N_("Metres")), min_value=0.0, max_value=200.0
                    ),
                    "source": st.column_config.TextColumn(words(N_("Where it comes from"))),
                },
            )
            st.caption(words(N_("Another set of distances is shown once you have pressed the button.")))
        st.caption(words(N_("Costs are this project's own assumptions: put in the town's prices.")))
        pressed = st.form_submit_button(words(N_("Work it out")), type="primary", icon=":material/calculate:")
    if pressed:
        usual_m = {each.kind: each.metres for each in CLEARANCES[rule]}
        own = tuple(
            (str(kind), float(metres))
            for kind, metres in zip(edited["kind"], edited["metres"], strict=True)
            if metres is not None and float(metres) != usual_m[str(kind)]
        )
        asked = BayQuestion(float(budget), rule, own, shape, float(bay_cost), float(block_cost))
        remember("parking_bays", asked)
    found: BayQuestion | None = recall("parking_bays")
    return found


def _bays(revision: int, need: Need, bays: Bays | None, scenario: Scenario | None) -> None:
    if bays is None:
        st.caption(words(N_("Set budget and distances and press Work it out; the bays appear on the map.")))
        if need.unmet.sum() < NOBODY:
            _nobody_short()
        return
    plan = bays.plan
    figures(
        [
            (N_("New bays"), f"{int(bays.blocks['bays'].sum()):,}"),
            (N_("Served before, vehicle-hours a week"), f"{plan.served_before:,.1f}"),
            (N_("Served after"), f"{plan.served_after:,.1f}"),
            (
                N_("No choice serves more than"),
                f"{plan.upper_bound:,.1f}",
                N_("A proven bound: whatever is chosen within the budget, it serves no more."),
            ),
            (N_("Gap"), f"{plan.gap_ratio:.1%}", N_("0 % is proven to be the best choice.")),
            (N_("Wanted, vehicle-hours a week"), f"{plan.wanted:,.1f}"),
            (N_("Cost, yuan"), f"{plan.cost:,.0f}"),
        ]
    )
    if plan.wanted - plan.served_before < NOBODY:
        _nobody_short()
    if bays.kinds_missing:
        st.caption(
            words(
                N_("The town has no {kinds} on record: nothing was kept clear of them."),
                kinds=", ".join(words(FEATURES[kind]) for kind in bays.kinds_missing),
            )
        )
    st.caption(
        words(
            N_("{candidates:,} blocks of up to ten bays could be chosen; {seconds:.1f} s."),
            candidates=bays.candidates,
            seconds=bays.seconds,
        )
    )
    keys(words(N_("Plan")), [(ramps.PROPOSED, N_("new bays"), "fill")])
    table = pd.DataFrame(bays.blocks.drop(columns="geometry"))
    table["street"] = [street_words(each, words) for each in table["street"]]
    data_table(
        "chosen-bays",
        table[["order", "street", "bays", "cost", "gain"]],
        hide_index=True,
        width="stretch",
        key="bays_table",
        column_config={
            "order": st.column_config.NumberColumn("#", width="small"),
            "street": st.column_config.TextColumn(words(N_("Street"))),
            "bays": st.column_config.NumberColumn(words(N_("Bays"))),
            "cost": st.column_config.NumberColumn(words(N_("Cost, yuan")), format="localized"),
            "gain": st.column_config.NumberColumn(words(N_("Adds, vehicle-hours a week")), format="%.2f"),
        },
    )
    register = cached.register(revision)
    rests_on = register[register["name"].isin(["kerb", "car_park", "street_edge", "demand_estimate", "poi"])]
    facts = _facts(need, bays, scenario)
    with st.container(horizontal=True):
        st.download_button(
            words(N_("Download the bays as GeoJSON")),
            lambda: _file(bays, rests_on, facts),
            "new-bays.geojson",
            "application/geo+json",
            icon=":material/download:",
            key="bays_file",
        )
        other_formats("bays", "new-bays", lambda: _file(bays, rests_on, facts))
        if st.button(words(N_("Keep this plan")), icon=":material/save:", key="bays_keep"):
            number = keep_parking(
                "bays",
                facts["question"],
                json.loads(_file(bays, rests_on, facts)),
                method=METHOD,
                seconds=bays.seconds,
                scenario=scenario.token if scenario is not None else None,
            )
            st.success(words(N_("Kept as run {number}."), number=number), icon=":material/check:")
        put_bays(bays, scenario)


def _nobody_short() -> None:
    st.info(
        words(N_("Under these assumptions everybody finds a place within the walk: no bay is needed.")),
        icon=":material/info:",
    )


def _facts(need: Need, bays: Bays, scenario: Scenario | None) -> dict[str, dict[str, object]]:
    question = asdict(bays.question) | {f"rules_{name}": value for name, value in asdict(need.rules).items()}
    question["clearances"] = [list(each) for each in bays.question.clearances]
    question["scenario"] = scenario.token if scenario is not None else None
    question["scenario_version"] = scenario.version if scenario is not None else None
    plan = bays.plan
    told_now = {
        "served_before": plan.served_before,
        "served_after": plan.served_after,
        "upper_bound": plan.upper_bound,
        "wanted": plan.wanted,
        "cost": plan.cost,
    }
    return {"question": question, "figures": {name: round(value, 4) for name, value in told_now.items()}}


def _file(bays: Bays, register: pd.DataFrame, facts: dict[str, dict[str, object]]) -> str:
    shapes = _plain(bays.shapes.drop(columns="block", errors="ignore"))
    known = pd.DataFrame(bays.blocks.drop(columns="geometry")).set_index("order")
    table = known.loc[shapes["order"], ["street", "bays", "cost", "gain"]].set_axis(shapes.index)
    return parking_geojson(
        table,
        shapes,
        register,
        title=words(N_("New bays")),
        method=METHOD,
        units={"cost": words(N_("yuan a block")), "gain": words(N_("vehicle-hours a week, of the block"))},
        question=facts["question"] | facts["figures"],
    )
