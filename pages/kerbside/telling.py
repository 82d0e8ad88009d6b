"""The Parking screen in figures: totals of what is shown, what cameras miss, what the town lacks, and the file."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from analysis.parking import ELASTICITY
from geodata.commands.parking import keep_parking
from geodata.export.parking import parking_geojson
from geodata.export.parking_change import changed_places
from geodata.queries.parking import EDGE, UNIT_CELL, ParkingGround, Standing, needed
from geodata.queries.parking_access import Need, Rules
from geodata.queries.parking_changes import ParkingChanges
from geodata.queries.parking_scenario import METHOD
from geodata.queries.recapture import FEW_BOTH, TOWN
from geodata.queries.scenarios import Scenario
from layers.i18n import N_
from layers.parking import LACKS, MEASURES, VIEWS
from pages import cached
from pages.kerbside.choosing import Choice, hours_told
from pages.session import language, recall, remember, words
from pages.widgets.figures import figures
from pages.widgets.taking import data_table, other_formats

__all__ = ["NOBODY", "download", "keep_scenario", "missed", "told_missing", "totals"]

COLUMNS = {
    "captures": ("captures", "reports"),
    "exposure": ("exposure_kmh", "captures"),
    "demand": (
        *("rate_100", "lower80", "upper80", "lower95", "upper95", "width", "per_h"),
        *("weight", "captures", "exposure_kmh"),
    ),
    "access": ("access", "reach", "wanted"),
    "shortage": ("unmet", "unmet_ratio", "wanted", "reach"),
}
"""View → columns of its file, beside evidence and length_m."""
UNITS = {
    "captures": N_("captures in the hours chosen, whole period"),
    "reports": N_("reports in the period"),
    "exposure_kmh": N_("km of kerb × hours looked at, recall counted"),
    "rate_100": N_("violations begun per 100 m of kerb and hour"),
    "width": N_("upper less lower limit, over the rate"),
    "per_h": N_("violations an hour in the place"),
    "weight": N_("share of the estimate that captures tell"),
    "access": N_("free places for each vehicle that wants one"),
    "reach": N_("places within the walking limit, mean along the kerb"),
    "wanted": N_("vehicles at a time"),
    "unmet": N_("vehicle-hours a week without a place within the walk"),
    "unmet_ratio": N_("share of those who want one"),
    "length_m": N_("metres of kerb without bays"),
}
NOBODY = 0.05
"""Vehicle-hours a week below which nobody is short of a place."""


def told_missing(ground: ParkingGround) -> None:
    """What the town lacks, and what that means here."""
    if ground.missing:
        sentences = [words(LACKS[name]) for name in ground.missing]
        st.warning("\n".join(f"- {each}" for each in sentences), icon=":material/rule:")


def totals(
    ground: ParkingGround, standing: Standing, need: Need | None, table: pd.DataFrame, choice: Choice
) -> None:
    """Figures of the hours and places that are shown."""
    kinds = table["evidence"].value_counts()
    low, high = ground.recall.interval()
    rows: list[tuple[str, str] | tuple[str, str, str]] = [
        (N_("Captures"), f"{table['captures'].sum():,.0f}"),
        (N_("Kerb looked at"), f"{table['exposure_kmh'].sum():,.0f} km·h"),
        (
            N_("Violations an hour"),
            f"{table['per_h'].sum():,.1f}",
            N_("Sum of all places with an estimate, mean over the hours chosen."),
        ),
        (
            N_("Observed / modelled / none"),
            f"{kinds.get('observed', 0):,} / {kinds.get('modelled', 0):,} / {kinds.get('none', 0):,}",
            N_("Places by where their rate comes from."),
        ),
        (
            N_("Recall"),
            f"{ground.recall.mean:.2f} ({low:.2f}–{high:.2f})",
            N_(
                "Share of the violations in view that cameras catch, from reports by people; with its 95 % interval."
            ),
        ),
    ]
    if need is not None and need.access.supply is not None:
        supply = need.access.supply
        rows += [
            (
                N_("Legal places"),
                f"{supply.total:,.0f}",
                N_("Bays along kerbs and in car parks; most capacities follow from lengths and areas."),
            ),
            (N_("Capacity assumed"), f"{supply.assumed_ratio:.0%}"),
            (N_("Without a place, vehicle-hours a week"), f"{table['unmet'].sum():,.1f}"),
        ]
    figures(rows)
    if choice.view == "shortage" and need is not None and table["unmet"].sum() < NOBODY:
        st.info(
            words(
                N_(
                    "In these hours everybody finds a place within {walk:g} m if {free:.0%} of the legal places are"
                    " free. A shorter walk or fewer free places, under Assumptions, show where it gets tight first."
                ),
                walk=need.rules.limit_m,
                free=need.rules.free_ratio,
            ),
            icon=":material/info:",
        )
    if standing.found.unused:
        st.caption(
            words(
                N_(
                    "{count:,} captures could not be used: far from every kerb, or where no camera looks any more."
                ),
                count=standing.found.unused,
            )
        )


def download(
    revision: int,
    ground: ParkingGround,
    choice: Choice,
    rules: Rules,
    table: pd.DataFrame,
    scenario: Scenario | None,
) -> None:
    """The view as a file: exactly what is shown."""
    columns = ["evidence", "length_m", *COLUMNS[choice.view]]
    title = f"{words(VIEWS[choice.view][0])} · {hours_told(choice)}"
    register = cached.register(revision)
    names = ["unit_cell", "street_edge", "demand_estimate", "exposure", "case_file", "kerb", "car_park"]
    units = {name: words(UNITS[name]) for name in columns if name in UNITS}
    units |= {name: units["rate_100"] for name in columns if name.startswith(("lower", "upper"))}
    method = words(MEASURES[choice.number].meaning)
    question = {
        "view": choice.view,
        "shown": choice.number,
        "place": choice.place,
        "hours": list(choice.hours),
        "walking_limit_m": rules.limit_m,
        "stay_min": rules.stay_min,
        "free_ratio": rules.free_ratio,
        "recall": round(ground.recall.mean, 4),
        "scenario": scenario.token if scenario is not None else None,
        "scenario_version": scenario.version if scenario is not None else None,
    }
    stem = f"parking-{choice.view}-{'streets' if choice.place == EDGE else 'cells'}"

    def collection() -> str:
        return parking_geojson(
            table[columns],
            ground.shapes[choice.place],
            register[register["name"].isin(names)],
            title=title,
            method=method,
            units=units,
            question=question,
        )

    with st.container(horizontal=True):
        st.download_button(
            words(N_("Download this view as GeoJSON")),
            collection,
            f"{stem}.geojson",
            "application/geo+json",
            icon=":material/download:",
            key="parking_file",
        )
        other_formats("parking", stem, collection)


def keep_scenario(
    ground: ParkingGround,
    standing: Standing,
    need: Need | None,
    scenario: Scenario,
    changes: ParkingChanges | None,
    rules: Rules,
    seconds: float,
) -> None:
    """What the scenario changes, kept as a run once for each version and set of assumptions."""
    rates = [each.found.demand[UNIT_CELL].rates() for each in (ground.now, standing)]
    both = rates[0]["rate"].notna() & rates[1]["rate"].notna()
    before = _summary(rates[0], both, needed(ground, ground.now, rules))
    after = _summary(rates[1], both, need)
    if changes is not None and not changes.empty:
        after |= {
            "bays": int(changes.bays["places"].sum()),
            "bays_cost": float(changes.bays["cost"].sum()),
            "tariffs": len(changes.tariffs),
        }
        if len(changes.tariffs):
            ends = [
                needed(
                    ground,
                    standing,
                    rules,
                    (scenario.token, scenario.version),
                    changes=changes,
                    elasticity=end,
                )
                for end in ELASTICITY
            ]
            left = sorted(float(end.unmet.sum()) for end in ends if end is not None)
            after |= {"unmet_from": round(left[0], 6), "unmet_to": round(left[-1], 6)}
    asked = {"version": scenario.version, **asdict(rules)}
    held = (scenario.token, *asked.values())
    number, of = recall("parking_run", (None, None))
    if of != held:
        result = {
            "before": before,
            "after": after,
            "places": changed_places(ground, ground.now, standing),
        }
        number = keep_parking(
            "parking", asked, result, method=METHOD, seconds=seconds, scenario=scenario.token
        )
        remember("parking_run", (number, held))
    st.info(
        words(
            N_(
                "The changes of '{name}': cells whose rate is observed {before} → {after}, mean width of the 95 %"
                " interval {wide} → {narrow}, vehicle-hours a week without a place {short} → {left}. Kept as run"
                " {number}."
            ),
            name=scenario.name,
            before=before["observed"],
            after=after["observed"],
            wide=_plain(before["width"], 3),
            narrow=_plain(after["width"], 3),
            short=_plain(before["unmet"], 1),
            left=_plain(after["unmet"], 1)
            + (
                f" ({_plain(after['unmet_from'], 1)}–{_plain(after['unmet_to'], 1)})"
                if "unmet_from" in after
                else ""
            ),
            number=number,
        ),
        icon=":material/compare_arrows:",
    )


def _summary(rates: pd.DataFrame, both: pd.Series[bool], need: Need | None) -> dict[str, float | int | None]:
    """Demand and shortage of the whole week in numbers; the width is that of cells known before and after."""
    width = ((rates["upper95"] - rates["lower95"]) / rates["rate"])[both].mean()
    return {
        **{kind: int((rates["evidence"] == kind).sum()) for kind in ("observed", "modelled", "none")},
        "per_h": round(float(rates["per_h"].sum()), 6),
        "width": None if pd.isna(width) else round(float(width), 6),
        "unmet": None if need is None else round(float(need.unmet.sum()), 6),
    }


def _plain(value: float | int | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def missed(revision: int, ground: ParkingGround) -> None:
    """What share of the violations in view cameras miss, from those that people reported."""
    st.header(words(N_("What cameras miss (capture–recapture)")), anchor=False)
    if "reports" in ground.missing or "captures" in ground.missing:
        st.caption(words(N_("It takes captures and reports by people; one of them is missing.")))
        return
    titles = {UNIT_CELL: words(N_("Communities")), EDGE: words(N_("Streets"))}
    by = st.segmented_control(
        words(N_("By")),
        list(titles),
        format_func=titles.__getitem__,
        default=UNIT_CELL,
        key="parking_missed_by",
        label_visibility="collapsed",
    )
    table = cached.missed(revision, by or UNIT_CELL)
    name = "name_zh" if language() == "zh-CN" else "name_en"
    shown = pd.DataFrame(
        {
            "area": [
                words(N_("Whole town")) if a == TOWN else str(n)
                for a, n in zip(table["area"], table[name], strict=True)
            ],
            "captures": table["captures"],
            "reports": table["reports"],
            "both": table["both"],
            "total": table["total"],
            "interval": [f"{a:,.0f} – {b:,.0f}" for a, b in zip(table["lower"], table["upper"], strict=True)],
            "missed": table["missed_ratio"] * 100,
            "missed_interval": [
                f"{a:.0%} – {b:.0%}"
                for a, b in zip(table["missed_lower"], table["missed_upper"], strict=True)
            ],
            "note": [words(N_("few in both: too low")) if few else "" for few in table["few"]],
        }
    )
    number = st.column_config.NumberColumn
    texts = st.column_config.TextColumn
    data_table(
        "missed-by-cameras",
        shown,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(shown), 360),
        key="parking_missed",
        column_config={
            "area": texts(words(N_("Part of the town"))),
            "captures": number(words(N_("Captures")), format="localized"),
            "reports": number(words(N_("Reports")), format="localized"),
            "both": number(words(N_("In both")), format="localized"),
            "total": number(words(N_("Violations (Chapman)")), format="%,.0f"),
            "interval": texts(words(N_("95 % interval"))),
            "missed": number(words(N_("Cameras miss")), format="%.0f %%"),
            "missed_interval": texts(words(N_("95 % interval"))),
            "note": texts(words(N_("Note"))),
        },
    )
    st.caption(
        words(
            N_(
                "Where cameras look: violations caught, reported, and both (within 15 m and 2 hours). Cameras and"
                " people must notice independently; with fewer than {few} in both the total is too low. Hours that"
                " nobody sampled count as missed, so this is more than recall alone."
            ),
            few=FEW_BOTH,
        )
    )
