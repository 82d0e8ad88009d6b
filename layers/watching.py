"""The layers of the video patrol and its words: how streams are, and leads for each hour that was looked at."""

from __future__ import annotations

from analysis.vision.rules import RULES
from geodata.queries.tiles import TileSource
from layers import ramps
from layers.i18n import N_
from layers.layer import Colour, Export, Form, Layer, LegendEntry, Measure

__all__ = [
    "CLASSES",
    "LEADS_PER_H",
    "LIVE",
    "LIVE_LEADS",
    "RULE_NAMES",
    "STEPS",
    "STREAM_STATES",
    "VERDICTS",
    "WATCHING_LAYERS",
]

STREAM_STATES: dict[str, tuple[Colour, str]] = {
    "online": (ramps.CAMERA, N_("online")),
    "stalled": (ramps.ACCENT, N_("stalled")),
    "unreachable": (ramps.FINDING, N_("unreachable")),
    "unknown": (ramps.CAMERA_OFF, N_("unknown")),
}
"""State of a stream → colour and words."""
RULE_NAMES = {kind: str(rule.label) for kind, rule in RULES.items()}
"""Kind of rule → its name, a message to translate."""
VERDICTS = {
    "lead": N_("To judge"),
    "confirmed": N_("Confirmed"),
    "unsure": N_("Unsure"),
    "rejected": N_("Rejected"),
}
"""State of a lead → words."""
STEPS = {"remind": N_("remind"), "warn": N_("warn"), "case": N_("open a case")}
"""Step of the ladder → words."""

LEADS_PER_H = Measure(
    id="leads_per_h",
    title=N_("Leads per sampled hour"),
    unit=N_("leads an hour"),
    meaning=N_(
        "Leads that nobody rejected, over the hours in which cameras that see the cell were really sampled; mere hints"
        " are left out."
    ),
    ramp=ramps.ORANGES,
    empty=N_("no evidence: nobody looked"),
)
CLASSES = "t.class_code = ANY (string_to_array(%(class)s, ','))"
"""One event class, or several with commas between them."""
LIVE = {"moment": "%(moment)s::text IS NOT NULL"}
"""Changes without a new revision: the address answers for a moment of some seconds, which is part of a tile's name."""
LIVE_LEADS = {
    "moment": f"{LIVE['moment']} AND t.merged_into IS NULL AND t.state <> 'rejected'",
    "class": CLASSES,
}
"""The same for leads: those about one thing are one, and one that a person rejected is none."""
_CELLS = (
    "JOIN LATERAL (SELECT sum(k.sampled_h) AS hours FROM camera_view v JOIN camera_watch k"
    " ON k.camera_id = v.camera_id WHERE k.sampled_h > 0 AND v.geom && t.geom AND ST_Intersects(t.geom, v.geom)) w"
    " ON w.hours > 0 LEFT JOIN LATERAL (SELECT count(*) AS leads FROM finding f WHERE f.cell_id = t.id"
    " AND f.merged_into IS NULL AND f.state <> 'rejected' AND NOT f.hint) l ON true"
)
"""As the view `cell_leads`, but for the cells of one tile only: the view adds up the whole town."""
_STATE = "CASE WHEN k.last_event_at < now() - interval '1 hour' THEN 'unknown' ELSE t.state END"
_COLOUR = (
    f"properties.n > 0 ? (properties.trouble > 0 ? {list(STREAM_STATES['unreachable'][0])} :"
    f" {list(STREAM_STATES['online'][0])}) : "
    + "".join(
        f"properties.state == '{state}' ? {list(colour)} : "
        for state, (colour, _) in STREAM_STATES.items()
        if state != "unknown"
    )
    + str(list(STREAM_STATES["unknown"][0]))
)

WATCHING_LAYERS = (
    Layer(
        id="cell_leads",
        title=N_("Leads per sampled hour"),
        method=N_(
            "Leads that nobody rejected over the hours in which cameras that see the cell were sampled; mere hints"
            " left out"
        ),
        tile=TileSource(
            "unit_cell",
            {"code": "t.code", "leads": "l.leads", "hours": "w.hours", "leads_per_h": "l.leads / w.hours"},
            "area",
            join=_CELLS,
            filters=LIVE,
            coarse_below=9,
        ),
        form=Form(fill=ramps.NO_EVIDENCE, line=(255, 255, 255, 130)),
        legend=(),
        export=Export(
            "cell_leads",
            {
                "code": "t.code",
                "leads": "t.leads",
                "sampled_h": "round(t.hours::numeric, 4)",
                "leads_per_h": "round(t.leads_per_h::numeric, 6)",
                "simulated": "t.simulated",
            },
        ),
        datasets=("unit_cell", "camera_view", "finding"),
        measures=(LEADS_PER_H,),
    ),
    Layer(
        id="camera_health",
        title=N_("Health of video streams"),
        method=N_("What the last looks at each camera brought; after an hour without any it is unknown"),
        tile=TileSource(
            "camera_health",
            {"name": "t.name", "code": "t.code", "state": _STATE, "failures": "t.failures"},
            "point",
            join="JOIN camera_watch k ON k.camera_id = t.id",
            filters=LIVE,
            coarse_below=12,
            bin_columns={"trouble": f"count(*) FILTER (WHERE {_STATE} IN ('stalled', 'unreachable'))"},
        ),
        form=Form(fill=_COLOUR, line=(255, 255, 255, 255), radius_px=6),
        legend=tuple(LegendEntry(colour, words, "dot") for colour, words in STREAM_STATES.values()),
        export=Export(
            "camera_health",
            {
                "code": "t.code",
                "name": "t.name",
                "state": _STATE,
                "state_since": "t.state_since",
                "failures": "t.failures",
                "last_sampled_at": "t.last_sampled_at",
                "sampled_h": "round(t.sampled_h::numeric, 4)",
                "priority": "t.priority",
                "simulated": "t.simulated",
            },
            join="JOIN camera_watch k ON k.camera_id = t.id",
        ),
        datasets=("camera", "camera_view"),
    ),
)
"""In drawing order."""
