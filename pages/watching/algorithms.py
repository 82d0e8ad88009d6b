"""Algorithms: which camera could run what, which idle ones could be woken up, and why another cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from analysis.algorithms import DENSITY_SOURCES, LAYOUTS, TIERS, Algorithm
from geodata.export.leads import idle_geojson
from geodata.queries.algorithms import GROUPS, STATUSES, AlgorithmMatrix, by_group, idle_cameras
from geodata.settings import settings
from layers.i18n import N_
from pages import cached
from pages.session import language, listed, words
from pages.watching.paging import page_of
from pages.watching.telling import rule_name
from pages.widgets.figures import figures
from pages.widgets.screen import fact_table, simulated_mark
from pages.widgets.taking import data_table, other_formats

__all__ = ["algorithms_tab"]

STATUS_NAMES = {"idle": N_("could run it, idle"), "running": N_("runs it"), "cannot": N_("cannot run it")}
GROUP_NAMES = {"tier": N_("Height"), "owner": N_("Owner"), "area_class": N_("Kind of area")}
OBSTACLES = {
    "running": N_("Runs it"),
    "idle": N_("Idle: could run it"),
    "no_detector": N_("No detector"),
    "no_class": N_("Detector lacks the class"),
    "tier": N_("Hangs elsewhere"),
    "no_density": N_("px/m not known"),
    "density": N_("Too few px/m"),
    "frame": N_("Picture too small"),
    "rate": N_("Too few looks"),
    "hours": N_("No free hour"),
    "calibration": N_("Not calibrated"),
    "offline": N_("No pictures now"),
}
"""Column of the summary → words."""
PER_PAGE = 100


def algorithms_tab(revision: int) -> None:
    """The tab."""
    chosen = settings()
    layout = LAYOUTS[0] if chosen.detector_model is None else _layout(chosen.detector_model.name)
    with st.spinner(words(N_("Comparing cameras and algorithms …"))):
        found = cached.algorithms(revision, layout, chosen.sample_every_s)
    matrix = found.matrix
    figures(
        [
            (N_("Cameras"), f"{len(found.cameras):,}"),
            (N_("Algorithms"), f"{len(matrix.algorithms):,}"),
            (
                N_("Sleeping cameras"),
                f"{int(matrix.sleeping().sum()):,}",
                N_("They run nothing although they could run something."),
            ),
            (N_("Detector"), layout),
        ]
    )
    _summary(found)
    _groups(found)
    _cameras(revision, found)


def _layout(name: str) -> str:
    """Layout of a detector by the name of its file, as far as that says it."""
    return next((each for each in LAYOUTS if each.split("-")[0] in name.lower()), "yolox")


def _name(algorithm: Algorithm) -> str:
    return algorithm.title_zh if language() == "zh-CN" else algorithm.title_en


def _summary(found: AlgorithmMatrix) -> None:
    st.header(words(N_("Cameras by algorithm")), anchor=False)
    table = found.matrix.summary()
    names = {each.code: _name(each) for each in found.matrix.algorithms}
    rows = table.reset_index()
    rows["algorithm"] = rows["algorithm"].map(names)
    number = st.column_config.NumberColumn
    data_table(
        "algorithms",
        rows,
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(rows),
        key="algorithms_summary",
        column_config={
            "algorithm": st.column_config.TextColumn(words(N_("Algorithm"))),
            **{
                name: number(words(title), format="localized")
                for name, title in OBSTACLES.items()
                if name in rows
            },
        },
    )
    st.caption(words(N_("A camera that cannot run an algorithm counts under what is hardest to mend.")))
    if found.cameras["simulated"].any() or found.cameras["demonstration"].any():
        st.html(f"{simulated_mark()} {words(N_('heading and lens'))}")


def _groups(found: AlgorithmMatrix) -> None:
    st.header(words(N_("Idle cameras by group")), anchor=False)
    titles = {name: words(title) for name, title in GROUP_NAMES.items()}
    group = (
        st.segmented_control(
            words(N_("Group")),
            list(GROUPS),
            format_func=titles.__getitem__,
            default="tier",
            key="algorithms_group",
        )
        or "tier"
    )
    table = by_group(found, group)
    table.index = pd.Index([_name(each) for each in found.matrix.algorithms], name="algorithm")
    named = {each: words(str(TIERS[each])) if group == "tier" else words(str(each)) for each in table.columns}
    data_table(
        "matrix",
        table.rename(columns=named).reset_index(),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(table), 420),
        key="algorithms_groups",
        column_config={"algorithm": st.column_config.TextColumn(words(N_("Algorithm")))},
    )


def _cameras(revision: int, found: AlgorithmMatrix) -> None:
    st.header(words(N_("Cameras of one algorithm")), anchor=False)
    by_code = {each.code: each for each in found.matrix.algorithms}
    names = {code: _name(each) for code, each in by_code.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="algorithms_bar"):
        code = st.selectbox(
            words(N_("Algorithm")),
            list(names),
            format_func=names.__getitem__,
            key="algorithms_code",
            width=260,
        )
        statuses = {name: words(title) for name, title in STATUS_NAMES.items()}
        status = (
            st.segmented_control(
                words(N_("Cameras that")),
                list(STATUSES),
                format_func=statuses.__getitem__,
                default="idle",
                key="algorithms_status",
            )
            or "idle"
        )
    algorithm = by_code[str(code)]
    _about(algorithm)
    rows = np.flatnonzero(found.status(algorithm.code) == status)
    page = page_of(f"algorithms_{code}_{status}", len(rows), PER_PAGE)
    _table(found, algorithm, rows[page * PER_PAGE : (page + 1) * PER_PAGE])
    idle = idle_cameras(found, algorithm.code)
    register = cached.register(revision)

    def collection() -> bytes:
        return idle_geojson(
            idle,
            register[register["name"].isin(["camera", "camera_view", "exposure"])],
            algorithm=algorithm.code,
            title=names[algorithm.code],
            method=words(N_("Cameras that could run this algorithm now and do not")),
        ).encode()

    with st.container(horizontal=True):
        st.download_button(
            words(N_("Idle cameras as GeoJSON ({count:,})"), count=len(idle)),
            collection,
            f"idle-{algorithm.code}.geojson",
            "application/geo+json",
            icon=":material/download:",
            key="algorithms_geojson",
            disabled=idle.empty,
        )
        other_formats("algorithms", f"idle-{algorithm.code}", collection, disabled=idle.empty)


def _about(algorithm: Algorithm) -> None:
    """What the algorithm asks of a camera, and what it cannot do."""
    rows = [
        (
            words(N_("Rule")),
            rule_name(algorithm.rule)
            if algorithm.rule
            else words(N_("There is no detector for this class.")),
        ),
        (
            words(N_("Needs")),
            f"{algorithm.density_px_m:g} px/m ({words(str(DENSITY_SOURCES[algorithm.density_from]))}) · "
            + words(N_("picture {height} px high"), height=algorithm.frame_height_px)
            + (f" · {words(N_('calibration'))}" if algorithm.calibration else "")
            + (f" · {words(N_('daylight'))}" if algorithm.hours == "day" else "")
            + (
                f" · {words(N_('{rate:g} looks a second'), rate=algorithm.rate_per_s)}"
                if algorithm.rate_per_s
                else ""
            ),
        ),
        (words(N_("On a")), listed(words(str(TIERS[each])) for each in algorithm.tiers)),
        (words(N_("Classes of event")), ", ".join(algorithm.events)),
    ]
    fact_table(rows)
    note = algorithm.note_zh if language() == "zh-CN" else algorithm.note_en
    if note:
        st.caption(note)


def _table(found: AlgorithmMatrix, algorithm: Algorithm, rows: np.ndarray) -> None:
    if not len(rows):
        st.caption(words(N_("There is no such camera.")))
        return
    cameras = found.cameras.iloc[rows]
    reasons = []
    for row in rows.tolist():
        told = found.matrix.reasons(row, algorithm.code)
        reasons.append(" ".join(words(str(each.message), **each.facts) for each in told) or "–")
    table = pd.DataFrame(
        {
            "camera": [words(name) for name in cameras["name"]],
            "code": cameras["code"].to_numpy(),
            "tier": [words(str(TIERS[each])) for each in cameras["tier"]],
            "density": cameras["density_px_m"].to_numpy(dtype=float),
            "reason": reasons,
        }
    )
    texts = st.column_config.TextColumn
    data_table(
        "idle-cameras",
        table,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(table), 420),
        key="algorithms_cameras",
        column_config={
            "camera": texts(words(N_("Camera"))),
            "code": texts(words(N_("Code"))),
            "tier": texts(words(N_("Height"))),
            "density": st.column_config.NumberColumn(words(N_("px/m, nearest ground")), format="%.0f"),
            "reason": texts(words(N_("Why not")), width="large"),
        },
    )
