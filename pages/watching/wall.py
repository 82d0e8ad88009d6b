"""The wall: the newest picture of each camera, how the streams are, and how the patrol keeps up."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from geodata.queries.watching import Pace, WallPage
from geodata.settings import settings
from layers.i18n import N_
from layers.watching import STREAM_STATES
from pages import cached
from pages.session import language, words
from pages.watching.paging import page_of
from pages.watching.telling import LEAST_SCORE, VEHICLES, age, camera_name, label_name, since, state_chip
from pages.widgets.figures import figures
from pages.widgets.jobs import job_button
from pages.widgets.picture import zone_opacity
from pages.widgets.screen import empty, simulated_mark, told

__all__ = ["wall_tab"]

ORDERS = {"trouble": N_("trouble first"), "leads": N_("most leads first"), "newest": N_("newest first")}
PER_PAGE = (12, 24, 48)
REFRESH_S = 3.0
VEHICLE, OTHER, ZONE = "#d55e00", "#56b4e9", "#f0e442"


def wall_tab(watched: int, *, clips: bool) -> None:
    """The tab, of so many watched cameras; `clips` if all play clips, which can be patrolled as a whole."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="wall_bar"):
        orders = {name: words(title) for name, title in ORDERS.items()}
        order = (
            st.segmented_control(
                words(N_("Order")),
                list(ORDERS),
                format_func=orders.__getitem__,
                default="trouble",
                key="wall_order",
            )
            or "trouble"
        )
        of = st.selectbox(words(N_("Cameras on a page")), PER_PAGE, key="wall_of", width=140)
        boxes = st.toggle(words(N_("Boxes and zones")), value=True, key="wall_boxes")
        if clips:
            with st.container(width=220):
                job_button("patrol", words(N_("Patrol now")))
    page = page_of("wall", watched, of)
    _live(order, page, of, boxes)


@st.fragment(run_every=REFRESH_S)
def _live(order: str, page: int, of: int, boxes: bool) -> None:
    with told():
        _shown(order, page, of, boxes=boxes)


def _shown(order: str, page: int, of: int, *, boxes: bool) -> None:
    budget = settings().samples_per_s
    shown = cached.wall(order, page, of, LEAST_SCORE)
    pace_figures(cached.pace(budget), budget, shown)
    if shown.cameras["sample_id"].isna().all():
        empty(N_("Nobody has looked yet"), N_("Press Patrol now, or start a video worker:"), "huiyan watch")
    st.html(_grid(shown, boxes=boxes))


def pace_figures(pace: Pace, budget: float, shown: WallPage) -> None:
    """How the patrol keeps up."""
    late = "–"
    if pace.late_median_s is not None and pace.late_worst_s is not None:
        late = f"{pace.late_median_s:.1f} s / {pace.late_worst_s:.1f} s"
    waiting = f"{pace.waiting:,} / {pace.doing:,}"
    if pace.oldest_s is not None:
        waiting += f" ({age(pace.oldest_s)})"
    figures(
        [
            (N_("Cameras watched"), f"{shown.watched:,}"),
            (
                N_("Samples a second / budget"),
                f"{pace.per_s:.2f} / {budget:g}",
                N_("Samples of the last minute; the budget is TWIN_SAMPLES_PER_S."),
            ),
            (
                N_("Late: median / worst"),
                late,
                N_(
                    "From the due time to the picture, in the last 10 minutes; below 0 the picture was taken before."
                ),
            ),
            (
                N_("Looks waiting / taken now"),
                waiting,
                N_("In the queue, and how long ago the oldest was due; and those that are being taken."),
            ),
            (N_("Video workers"), f"{pace.workers:,}", N_("Connected now, on all machines.")),
        ]
    )
    states = [
        f"{state_chip(state)} {shown.by_state[state]:,}" for state in STREAM_STATES if state in shown.by_state
    ]
    st.html(
        f'<div style="display:flex;flex-wrap:wrap;gap:1.25rem;font-size:0.9rem">{"".join(map(_cell, states))}</div>'
    )
    if not pace.handing_out:
        st.warning(
            words(N_("No video worker runs: nobody looks. Start one with huiyan up or huiyan watch.")),
            icon=":material/visibility_off:",
        )


def _cell(part: str) -> str:
    return f"<span>{part}</span>"


def _grid(shown: WallPage, *, boxes: bool) -> str:
    cards = "".join(_card(row, shown, boxes=boxes) for row in shown.cameras.to_dict(orient="records"))
    return (
        '<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(min(15rem,100%),1fr));gap:0.8rem">'
        f"{cards}</div>"
    )


def _card(row: dict[Any, Any], shown: WallPage, *, boxes: bool) -> str:
    address = "?" + urlencode({"tab": "wall", "camera": row["code"], "lang": language()})
    name = html.escape(camera_name(row["name"], row["code"][-6:]))
    leads = words(N_("{count} to judge"), count=row["leads"])
    count = (
        f'<span style="background:#b00020;color:#fff;border-radius:999px;padding:0 0.5rem">{html.escape(leads)}</span>'
        if row["leads"]
        else ""
    )
    failures = ""
    if row["failures"]:
        failures = html.escape(words(N_("{count} failures in a row"), count=row["failures"]))
    taken = words(N_("{age} ago"), age=since(row["taken_at"])) if pd.notna(row["sample_id"]) else ""
    mark = simulated_mark() if row["demonstration"] else ""
    return (
        '<div style="border:1px solid var(--hy-line);border-radius:8px;overflow:hidden;background:var(--hy-card)">'
        f'<a href="{html.escape(address)}" target="_self" style="color:inherit;text-decoration:none">'
        f"{_picture(row, shown, boxes=boxes)}"
        f'<div style="padding:0.4rem 0.6rem;font-size:0.8125rem;line-height:1.5">'
        f'<div style="overflow-wrap:anywhere;font-weight:600">{name}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:0.2rem 0.7rem;align-items:center">{state_chip(row["state"])}'
        f"<span>{html.escape(taken)}</span>{count}{mark}<span>{failures}</span></div></div></a></div>"
    )


def _picture(row: dict[Any, Any], shown: WallPage, *, boxes: bool) -> str:
    if pd.isna(row["sample_id"]):
        return (
            '<div style="aspect-ratio:4/3;background:var(--hy-void);display:flex;align-items:center;'
            f'justify-content:center;color:var(--hy-quiet)">{html.escape(words(N_("no picture")))}</div>'
        )
    sample, width, height = int(row["sample_id"]), int(row["width_px"]), int(row["height_px"])
    over = []
    if boxes:
        for zone in shown.zones[shown.zones["camera_id"] == row["camera_id"]].itertuples():
            outline = ", ".join(f"{x / width:.2%} {y / height:.2%}" for x, y in zone.polygon_px)
            dense = zone_opacity(zone.polygon_px, (width, height))
            over.append(
                f'<div style="position:absolute;inset:0;background:{ZONE};opacity:{dense:.2f};'
                f'clip-path:polygon({outline})"></div>'
            )
        for box in shown.boxes[shown.boxes["sample_id"] == sample].itertuples():
            colour = VEHICLE if box.label in VEHICLES else OTHER
            over.append(
                f'<div title="{html.escape(label_name(box.label))} {box.score:.2f}" style="position:absolute;'
                f"box-sizing:border-box;border:1.5px solid {colour};left:{box.x1 / width:.2%};"
                f"top:{box.y1 / height:.2%};width:{(box.x2 - box.x1) / width:.2%};"
                f'height:{(box.y2 - box.y1) / height:.2%}"></div>'
            )
    alternative = html.escape(words(N_("Newest picture of {camera}"), camera=row["code"]))
    return (
        '<div style="position:relative;line-height:0;overflow:hidden">'
        f'<img src="/api/pictures/sample/{sample}.jpg?width=480" alt="{alternative}" style="width:100%;height:auto;'
        f'aspect-ratio:{width}/{height};background:var(--hy-void)"/>{"".join(over)}</div>'
    )
