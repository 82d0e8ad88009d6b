"""Scores: how often cameras, classes and rules are right, and the threshold that verdicts speak for."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from analysis.desk import Suggestion
from analysis.errors import InputError
from geodata.commands.desk import use_threshold
from geodata.queries.desk import ZoneScores, suggest_for
from layers.i18n import N_
from pages import cached
from pages.session import explained, recall, remember, words
from pages.watching.telling import camera_name, class_name, rule_name, title
from pages.widgets.screen import empty, fact_table, simulated_mark, told
from pages.widgets.taking import data_table

__all__ = ["scores_tab"]


def scores_tab() -> None:
    """The tab."""
    table, zones = cached.scores()
    st.caption(
        words(
            N_(
                "Precision is the share of leads that people confirmed. What cameras miss it does not tell:"
                " recall comes from reports by people, on the Parking screen."
            )
        )
    )
    if table.empty:
        empty(
            N_("Nobody has judged a lead yet"),
            N_("Confirm or reject some on the Leads tab, then look again."),
        )
        return
    _precision(table)
    st.header(words(N_("Thresholds")), anchor=False)
    if not zones:
        st.info(words(N_("No zone has a lead that was confirmed or rejected.")), icon=":material/inbox:")
        return
    side, field = st.columns([1, 1.6], gap="medium")
    with side:
        names = {
            each.zone_id: f"{each.camera[-6:]} · {_title(each)} · {rule_name(each.rule)}" for each in zones
        }
        chosen = st.selectbox(
            words(N_("Zone")), list(names), format_func=names.__getitem__, key="scores_zone"
        )
        wanted = st.slider(words(N_("Wanted precision, %")), 50, 100, 80, 5, key="scores_precision")
        lost = st.slider(
            words(N_("True leads that may be lost, %")),
            0,
            100,
            30,
            5,
            key="scores_lost",
            help=words(N_("Doubt counts against it: even the upper end of the interval may not be more.")),
        )
    with field, told():
        _threshold(next(each for each in zones if each.zone_id == chosen), wanted / 100, lost / 100)


def _precision(table: pd.DataFrame) -> None:
    rows = pd.DataFrame(
        {
            "camera": [camera_name(row.camera_name, row.camera[-6:]) for row in table.itertuples()],
            "class": [class_name(row) for row in table.itertuples()],
            "rule": [rule_name(kind) for kind in table["rule"]],
            "confirmed": table["confirmed"],
            "rejected": table["rejected"],
            "unsure": table["unsure"],
            "precision": table["precision"] * 100,
            "interval": [_span(row.lower, row.upper) for row in table.itertuples()],
            "shrunk": table["shrunk"] * 100,
            "shrunk_interval": [_span(row.shrunk_lower, row.shrunk_upper) for row in table.itertuples()],
        }
    )
    texts, number = st.column_config.TextColumn, st.column_config.NumberColumn
    data_table(
        "scores",
        rows,
        hide_index=True,
        width="stretch",
        key="scores_table",
        column_config={
            "camera": texts(words(N_("Camera"))),
            "class": texts(words(N_("Class of event"))),
            "rule": texts(words(N_("Rule"))),
            "confirmed": number(words(N_("Confirmed"))),
            "rejected": number(words(N_("Rejected"))),
            "unsure": number(words(N_("Unsure"))),
            "precision": number(words(N_("Precision")), format="%.0f %%"),
            "interval": texts(words(N_("95 % interval"))),
            "shrunk": number(
                words(N_("Drawn to others")),
                format="%.0f %%",
                help=words(
                    N_("With the other cameras of the same class and rule as prior; few verdicts say little.")
                ),
            ),
            "shrunk_interval": texts(words(N_("Its 95 % interval"))),
        },
    )
    if table["simulated"].any():
        st.html(f"{simulated_mark()} {words(N_('The demonstration camera plays recorded footage.'))}")


def _span(lower: float, upper: float) -> str:
    return "–" if pd.isna(lower) else f"{lower:.0%} – {upper:.0%}"


def _title(zone: ZoneScores) -> str:
    return title({"title_zh": zone.title_zh, "title_en": zone.title_en})


def _threshold(zone: ZoneScores, wanted: float, lost: float) -> None:
    yes = int(zone.confirmed.sum())
    fact_table(
        [
            (words(N_("Zone and version")), f"{_title(zone)} · {zone.version}"),
            (words(N_("Verdicts")), f"{yes} ✓ · {len(zone.scores) - yes} ✗"),
            (words(N_("Over")), words(N_("{weeks:.1f} weeks"), weeks=zone.weeks)),
            (words(N_("Share of leads judged")), f"{zone.reviewed_share:.0%}"),
            (words(N_("Threshold now")), f"{zone.current:.2f}" if zone.field else "–"),
        ]
    )
    if recall("scores_used") == (zone.zone_id, zone.version):
        st.success(
            words(N_("The zone uses the new threshold from its next look on.")), icon=":material/check:"
        )
    try:
        found = suggest_for(zone, wanted_precision=wanted, most_lost=lost)
    except InputError as error:
        st.info(explained(error), icon=":material/hourglass_empty:")
        return
    _suggested(zone, found)


def _suggested(zone: ZoneScores, found: Suggestion) -> None:
    if found.threshold <= zone.current:
        st.success(words(N_("The present threshold suffices.")), icon=":material/check_circle:")
        return
    fact_table(
        [
            (words(N_("Suggested threshold")), f"{found.threshold:.2f}"),
            (
                words(N_("Precision then")),
                f"{found.precision:.0%} ({found.precision_lower:.0%} – {found.precision_upper:.0%})",
            ),
            (
                words(N_("True leads lost")),
                f"{found.lost:.0%} ({found.lost_lower:.0%} – {found.lost_upper:.0%})",
            ),
            (words(N_("True leads a week")), _change(found.true_leads.per_week, asdict(found.true_leads))),
            (words(N_("False leads a week")), _change(found.false_leads.per_week, asdict(found.false_leads))),
        ]
    )
    if st.button(words(N_("Use it")), icon=":material/tune:", key="scores_use", type="primary"):
        version = use_threshold(
            zone.zone_id,
            found.threshold,
            version=zone.version,
            why={
                "precision": round(found.precision, 4),
                "true_leads_per_week": round(found.true_leads.per_week, 3),
                "false_leads_per_week": round(found.false_leads.per_week, 3),
                "verdicts": found.decided,
            },
        )
        remember("scores_used", (zone.zone_id, version))
        st.rerun()
    st.caption(
        words(
            N_(
                "The threshold was chosen by these verdicts, so it will do a little worse; the next ones correct it."
            )
        )
    )


def _change(per_week: float, interval: dict[str, float]) -> str:
    return f"{per_week:+.1f} ({interval['lower']:+.1f} … {interval['upper']:+.1f})"
