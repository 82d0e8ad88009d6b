"""A scene's figures, limits, rule, days and newest rows, as a page tells them."""

from __future__ import annotations

import html
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from analysis.algorithms import LAYOUTS, library
from geodata.queries.algorithms import idle_cameras
from geodata.queries.scenes import Figure, Standing
from geodata.scenes import Limit, Scene
from geodata.settings import settings
from layers.i18n import N_
from layers.scenes import CLOCK_NAMES, INDICATOR_NAMES, STAGE_NAMES, WHY, rule_title
from layers.watching import VERDICTS
from pages import cached
from pages.calibrating.ruling import LABELS
from pages.session import language, words
from pages.watching.telling import label_name
from pages.widgets.screen import fact_table, simulated_mark
from pages.widgets.taking import data_table

__all__ = ["figure_table", "limits_table", "newest_table", "rule_facts", "setting_up", "trend"]

SHARES = ("closed_in_time", "repeat", "no_evidence")
WHAT = {"case": N_("case"), "lead": N_("lead")}
STAGES = {
    "reported": N_("reported"),
    "registered": N_("registered"),
    "dispatched": N_("dispatched"),
    "disposed": N_("disposed"),
    "verified": N_("verified"),
    "closed": N_("closed"),
}
SOURCES = {
    "camera": N_("camera"),
    "qr": N_("QR point"),
    "hotline": N_("hot line"),
    "patrol": N_("patrol"),
    "video": N_("video"),
}
IDLE_SHOWN = 50


def figure_table(figures: tuple[Figure, ...]) -> None:
    """Indicators with interval and what they were counted from; what is not known says why."""
    heads = (N_("Indicator"), N_("Value"), N_("95 % interval"), N_("Counted from"))
    head = "".join(
        f'<th class="{"n" if at else ""}">{html.escape(words(each))}</th>' for at, each in enumerate(heads)
    )
    rows = "".join(_figure_row(each) for each in figures)
    st.html(f'<table class="hy-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')


def _figure_row(figure: Figure) -> str:
    title, meaning = INDICATOR_NAMES[figure.name]
    first = (
        f'<td><b>{html.escape(words(title))}</b><br><span class="hy-source">'
        f"{html.escape(words(meaning))}</span></td>"
    )
    if figure.value is None:
        return f'<tr>{first}<td class="n" colspan="3"><i>{html.escape(words(WHY[figure.why]))}</i></td></tr>'
    share = figure.name in SHARES

    def told(value: float) -> str:
        return f"{value:.1%}" if share else f"{value:,.0f}" if figure.name == "open" else f"{value:,.3g}"

    interval = (
        "–"
        if figure.lower is None or figure.upper is None
        else f"{told(figure.lower)} – {told(figure.upper)}"
    )
    counted = f"{figure.hits:,.0f} / {figure.of:,.0f}"
    return (
        f'<tr>{first}<td class="n">{told(figure.value)}</td><td class="n">{interval}</td>'
        f'<td class="n">{counted}</td></tr>'
    )


def limits_table(limits: tuple[Limit, ...]) -> None:
    """How long each step may take, and who says so."""
    ours = words(N_("chosen by this program; set your own city's"))
    source = "source_zh" if language() == "zh-CN" else "source_en"
    rows = [
        (
            words(STAGE_NAMES[limit.stage]),
            f"{limit.hours:g} {words(CLOCK_NAMES[limit.clock])} · {getattr(limit, source) or ours}",
        )
        for limit in limits
    ]
    fact_table(rows)


def rule_facts(scene: Scene, classes: Mapping[str, tuple[str, str]]) -> None:
    """What notices it, with its settings, and which codes it writes."""
    rule = scene.rule
    chinese = language() == "zh-CN"
    at = 0 if chinese else 1
    named = [f"{code} {classes[code][at]}" for code in scene.codes if code in classes]
    rows = [(words(N_("Event classes (GB/T 30428.2)")), "; ".join(named) or "–")]
    if scene.components:
        rows.append((words(N_("Component classes")), " ".join(scene.components)))
    rows.append((words(N_("What notices it")), words(rule_title(scene))))
    rows += [(words(LABELS[name]), _setting(value)) for name, value in rule.settings.items()]
    if rule.measures is not None:
        source = rule.source_zh if chinese else rule.source_en
        rows.append(
            (
                words(N_("Warns and alarms from")),
                f"{rule.warn:g} / {rule.alarm:g} {rule.unit} · {source or words(N_('chosen by this program'))}",
            )
        )
    if rule.density_px_m is not None:
        rows.append((words(N_("Pixels across a metre that a camera needs")), f"{rule.density_px_m:g} px/m"))
    if rule.algorithm is not None:
        entry = library()[rule.algorithm]
        title = entry.title_zh if chinese else entry.title_en
        none = "" if entry.models else f" · {words(N_('no detector of ours knows this thing'))}"
        rows.append((words(N_("Algorithm")), title + none))
    rows.append((words(N_("Cities that work this way")), scene.asked_zh if chinese else scene.asked_en))
    fact_table(rows)


def _setting(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(label_name(str(each)) for each in value)
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def setting_up(revision: int, scene: Scene, standing: Standing) -> None:
    """How the town comes to see it: cameras that could run the rule, sensors, or people."""
    rule = scene.rule
    if rule.measures is not None:
        if not standing.sensors:
            st.caption(words(N_("This town has no such sensors; load them on the Data screen.")))
        else:
            st.caption(words(N_("Sensors are listed with their state; readings are not stored yet.")))
        return
    entry = None if rule.algorithm is None else library()[rule.algorithm]
    if entry is None or not entry.models:
        st.caption(
            words(
                N_(
                    "No camera can be told to look for it: put up QR points, ask patrols, or bring a detector."
                )
            )
        )
        return
    if not st.toggle(words(N_("Which idle cameras could run it")), key=f"scene_idle_{scene.id}"):
        return
    with st.spinner(words(N_("Comparing cameras and algorithms …"))):
        chosen = settings()
        name = "" if chosen.detector_model is None else chosen.detector_model.name.lower()
        layout = next((each for each in LAYOUTS if each.split("-")[0] in name), LAYOUTS[0])
        found = idle_cameras(cached.algorithms(revision, layout, chosen.sample_every_s), entry.code)
    st.caption(words(N_("{cameras:,} cameras could run it and do not"), cameras=len(found)))
    if len(found):
        shown = found.sort_values("density_px_m", ascending=False).head(IDLE_SHOWN)
        data_table(
            "cameras-that-could",
            pd.DataFrame(shown[["code", "name", "tier", "density_px_m"]]),
            hide_index=True,
            column_config={
                "code": st.column_config.TextColumn(words(N_("Code"))),
                "name": st.column_config.TextColumn(words(N_("Name"))),
                "tier": st.column_config.TextColumn(words(N_("Height"))),
                "density_px_m": st.column_config.NumberColumn("px/m", format="%.0f"),
            },
        )


def trend(by_day: pd.DataFrame) -> None:
    """New cases and leads by day."""
    if by_day.empty:
        st.caption(
            words(
                N_("No day has a case or a lead: nothing is known, which is not the same as nothing happens.")
            )
        )
        return
    named = {"cases": words(N_("Cases")), "leads": words(N_("Leads"))}
    st.bar_chart(
        by_day.rename(columns=named), x="day", y=list(named.values()), x_label="", y_label="", height=220
    )


def newest_table(rows: pd.DataFrame, classes: Mapping[str, tuple[str, str]]) -> None:
    """The newest cases and leads."""
    if rows.empty:
        st.caption(words(N_("No case and no lead of this scene is stored.")))
        return
    at = 0 if language() == "zh-CN" else 1
    stages = {name: words(title) for name, title in (STAGES | VERDICTS).items()}
    shown = pd.DataFrame(
        {
            "what": rows["what"].map({name: words(title) for name, title in WHAT.items()}),
            "number": rows["number"],
            "class": [f"{code} {classes.get(code, ('', ''))[at]}" for code in rows["class_code"]],
            "source": rows["source"].map(lambda name: words(SOURCES.get(name, name))),
            "stage": rows["stage"].map(lambda name: stages.get(name, name)),
            "at": rows["at"],
        }
    )
    text = st.column_config.TextColumn
    data_table(
        "newest-cases-and-leads",
        shown,
        hide_index=True,
        height=36 * (min(len(shown), 10) + 1) + 3,
        column_config={
            "what": text(words(N_("Kind"))),
            "number": text(words(N_("Number"))),
            "class": text(words(N_("Event class")), width=170),
            "source": text(words(N_("Source"))),
            "stage": text(words(N_("State"))),
            "at": st.column_config.DatetimeColumn(words(N_("Time (UTC)")), format="YYYY-MM-DD HH:mm"),
        },
    )
    if rows["simulated"].any():
        st.html(simulated_mark())
