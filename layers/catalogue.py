"""The layer catalogue: bound here once, a layer appears in the map, the tiles, the exports and the data page."""

from __future__ import annotations

from geodata.errors import NotFound
from geodata.queries.figures import FAR_PX_PER_M, FAR_TASK
from geodata.queries.tiles import TileSource
from layers import ramps
from layers.demand import DEMAND_LAYERS
from layers.i18n import N_
from layers.layer import Export, Form, Layer, LegendEntry
from layers.measures import GROUP_MEASURES, MEASURES
from layers.watching import CLASSES, LIVE_LEADS, WATCHING_LAYERS

__all__ = ["LAYERS", "NETWORKS", "layer"]

AS_GIVEN = N_("As the source of its dataset gives it")
NETWORKS = {
    "water": N_("water"),
    "drain": N_("drains"),
    "gas": N_("gas"),
    "heat": N_("district heat"),
    "power": N_("power"),
    "telecom": N_("telecom"),
    "unknown": N_("not tagged"),
}


SENSOR = (230, 126, 34, 230)


def _pipe_colour(attribute: str) -> str:
    """A deck.gl expression: network → colour."""
    tail = str(list(ramps.PIPES["unknown"]))
    for network, colour in reversed(ramps.PIPES.items()):
        if network != "unknown":
            tail = f"properties.{attribute} == '{network}' ? {list(colour)} : {tail}"
    return f"{tail}"


_PIPE_LEGEND = tuple(LegendEntry(ramps.PIPES[key], words, "line") for key, words in NETWORKS.items())
_NODE_LEGEND = tuple(LegendEntry(ramps.PIPES[key], words, "dot") for key, words in NETWORKS.items())
_CAMERA_COLOUR = (
    f"properties.demonstration ? {list(ramps.ACCENT)} : "
    f"properties.state == 'online' || properties.online > 0 ? {list(ramps.CAMERA)} : {list(ramps.CAMERA_OFF)}"
)
_TIME_FILTERS = {
    "since": "t.at >= %(since)s",
    "until": "t.at < %(until)s",
    "class": CLASSES,
    "source": "t.source = %(source)s",
}

_ALL = (
    Layer(
        id="unit_cells",
        title=N_("Unit cells"),
        method=N_("Unit cells of about 10,000 m² coded as in GB/T 30428.1; measures computed by this twin"),
        tile=TileSource(
            "unit_cell",
            {
                "code": "t.code",
                # the browser's tile reader turns a missing number into 0; what is not known is therefore -1
                **{m.id: f"coalesce(m.{m.id}, -1)" for m in MEASURES},
            },
            "area",
            join="LEFT JOIN cell_measure m ON m.cell_id = t.id",
            coarse_below=9,
        ),
        form=Form(fill=ramps.NO_EVIDENCE, line=(255, 255, 255, 130), line_px=1),
        legend=(),
        export=Export(
            "unit_cell",
            {
                "code": "t.code",
                "code_profile": "t.code_profile",
                "area_m2": "round(t.area_m2::numeric, 1)",
                **{m.id: f"m.{m.id}" for m in MEASURES},
                "rate_lower": "m.rate_lower",
                "rate_upper": "m.rate_upper",
                "cameras": "m.cameras",
                "simulated": "t.simulated",
            },
            join="LEFT JOIN cell_measure m ON m.cell_id = t.id",
        ),
        datasets=("unit_cell", "cell_measure"),
        measures=MEASURES,
        shown=True,
    ),
    Layer(
        id="cell_coverage",
        title=N_("Coverage by group of cameras"),
        method=N_(
            "Share of each cell that at least one, and at least two, cameras of a group see: by DORI task, hour,"
            " owner, share level, tier"
        ),
        tile=TileSource(
            "cell_coverage",
            {"code": "t.code", "once_ratio": "t.once_ratio", "twice_ratio": "t.twice_ratio"},
            "area",
            filters={"grouping": "t.grouping = %(grouping)s"},
            coarse_below=9,
            keyed=False,
        ),
        form=Form(fill=ramps.NO_EVIDENCE, line=(255, 255, 255, 130), line_px=1),
        legend=(),
        export=Export(
            "cell_coverage",
            {
                "code": "t.code",
                "grouping": "t.grouping",
                "once_ratio": "round(t.once_ratio::numeric, 6)",
                "twice_ratio": "round(t.twice_ratio::numeric, 6)",
                "simulated": "t.simulated",
            },
            order="t.grouping, t.code",
        ),
        datasets=("unit_cell", "coverage_share"),
        measures=GROUP_MEASURES,
        pickable=False,
    ),
    *DEMAND_LAYERS,
    *(each for each in WATCHING_LAYERS if each.tile.shape == "area"),
    Layer(
        id="streets",
        title=N_("Streets"),
        method=AS_GIVEN,
        tile=TileSource(
            "street_edge",
            {"name": "t.name", "highway": "t.highway", "drivable": "t.drivable"},
            "line",
            coarse_below=13,
            coarse_where="t.highway IN ('motorway','trunk','primary','secondary','tertiary')",
            keyed=False,
        ),
        form=Form(line="properties.drivable ? [255,255,255,255] : [255,255,255,140]", line_px=2.5),
        legend=(LegendEntry((255, 255, 255, 255), N_("street"), "line"),),
        export=Export(
            "street_edge",
            {
                "osm_id": "t.osm_id",
                "name": "t.name",
                "highway": "t.highway",
                "drivable": "t.drivable",
                "oneway": "t.oneway",
                "lit": "t.lit",
                "maxspeed_kmh": "t.maxspeed_kmh",
                "length_m": "round(t.length_m::numeric, 2)",
                "simulated": "t.simulated",
            },
        ),
        datasets=("street_edge",),
        shown=True,
        pickable=False,
    ),
    Layer(
        id="buildings",
        title=N_("Buildings in 3-D"),
        method=N_(
            "As the source of its dataset gives it; heights measured, from levels (3.2 m each) or assumed"
        ),
        tile=TileSource(
            "building",
            {
                "name": "t.name",
                "height_m": "round(t.height_m::numeric, 1)::float8",
                "height_source": "t.height_source",
            },
            "area",
            coarse_below=14,
            keyed=False,
        ),
        form=Form(fill=ramps.BUILDING, line=ramps.BUILDING_EDGE, height="height_m"),
        legend=(LegendEntry(ramps.BUILDING, N_("building")),),
        export=Export(
            "building",
            {
                "osm_id": "t.osm_id",
                "name": "t.name",
                "use": "t.use",
                "levels": "t.levels",
                "height_m": "t.height_m",
                "height_source": "t.height_source",
                "simulated": "t.simulated",
            },
        ),
        datasets=("building",),
        shown=True,
        pickable=False,
    ),
    Layer(
        id="car_parks",
        title=N_("Car parks"),
        method=AS_GIVEN,
        tile=TileSource("car_park", {"name": "t.name", "kind": "t.kind", "capacity": "t.capacity"}, "area"),
        form=Form(fill=ramps.CAR_PARK, line=(46, 80, 150, 255), radius_px=6),
        legend=(LegendEntry(ramps.CAR_PARK, N_("car park")),),
        export=Export(
            "car_park",
            {
                "osm_id": "t.osm_id",
                "name": "t.name",
                "kind": "t.kind",
                "capacity": "t.capacity",
                "fee": "t.fee",
                "access": "t.access",
                "simulated": "t.simulated",
            },
        ),
        datasets=("car_park",),
    ),
    Layer(
        id="kerbs",
        title=N_("Kerbs"),
        method=N_(
            "Both sides of drivable streets, 3.5 m from the centre line; rules as the source of its dataset gives them"
        ),
        tile=TileSource("kerb", {"rule": "t.rule", "legal": "t.legal"}, "line", min_zoom=12),
        form=Form(
            line=(
                f"properties.legal == true ? {list(ramps.KERB)} : "
                "properties.legal == false ? [178, 24, 43, 200] : [140, 144, 148, 160]"
            ),
            line_px=2,
        ),
        legend=(
            LegendEntry(ramps.KERB, N_("bays"), "line"),
            LegendEntry((178, 24, 43, 200), N_("no parking or stopping"), "line"),
            LegendEntry((140, 144, 148, 160), N_("not tagged"), "line"),
        ),
        export=Export(
            "kerb",
            {
                "side": "t.side",
                "rule": "t.rule",
                "legal": "t.legal",
                "condition": "t.condition",
                "length_m": "round(t.length_m::numeric, 2)",
                "simulated": "t.simulated",
            },
        ),
        datasets=("kerb",),
    ),
    Layer(
        id="no_parking_areas",
        title=N_("No-parking areas"),
        method=N_("Strip of 2.5 m beside kerbs where nobody may park or stop"),
        tile=TileSource("no_parking_area", {"rule": "t.rule"}, "area", min_zoom=12),
        form=Form(fill=(178, 24, 43, 110), line=(178, 24, 43, 200)),
        legend=(LegendEntry((178, 24, 43, 110), N_("no parking or stopping")),),
        export=Export("no_parking_area", {"rule": "t.rule", "simulated": "t.simulated"}),
        datasets=("no_parking_area",),
    ),
    Layer(
        id="restricted_areas",
        title=N_("Where no camera may look"),
        method=N_(
            "Guest rooms, dormitories, toilets, bathing and changing rooms, dwellings: from the use of buildings"
        ),
        tile=TileSource("restricted_area", {"kind": "t.kind", "name": "t.name"}, "area", min_zoom=12),
        form=Form(fill=(96, 40, 120, 90), line=(96, 40, 120, 220)),
        legend=(LegendEntry((96, 40, 120, 90), N_("private: no camera may look inside")),),
        export=Export(
            "restricted_area",
            {"kind": "t.kind", "name": "t.name", "source": "t.source", "simulated": "t.simulated"},
        ),
        datasets=("restricted_area",),
    ),
    Layer(
        id="patrol_tracks",
        title=N_("Patrol tracks"),
        method=N_("Where patrols on foot or in vehicles went; simulated"),
        tile=TileSource(
            "patrol_track",
            {
                "level": "t.level",
                "means": "t.means",
                "at": "to_char(t.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            },
            "line",
            coarse_below=11,
        ),
        form=Form(line=(30, 120, 60, 200), line_px=2),
        legend=(LegendEntry((30, 120, 60, 200), N_("patrol"), "line"),),
        export=Export(
            "patrol_track",
            {
                "level": "t.level",
                "means": "t.means",
                "began_at": "t.began_at",
                "ended_at": "t.ended_at",
                "width_m": "t.width_m",
                "simulated": "t.simulated",
            },
        ),
        datasets=("patrol_track",),
    ),
    Layer(
        id="pipes",
        title=N_("Pipelines"),
        method=AS_GIVEN,
        tile=TileSource(
            "pipe",
            {"kind": "t.kind", "diameter_mm": "t.diameter_mm", "location": "t.location"},
            "line",
            coarse_below=11,
        ),
        form=Form(line=_pipe_colour("kind"), line_px=3),
        legend=_PIPE_LEGEND,
        export=Export(
            "pipe",
            {
                "osm_id": "t.osm_id",
                "kind": "t.kind",
                "diameter_mm": "t.diameter_mm",
                "location": "t.location",
                "owner": "t.owner",
                "length_m": "round(t.length_m::numeric, 2)",
                "simulated": "t.simulated",
            },
        ),
        datasets=("pipe",),
    ),
    Layer(
        id="pipe_nodes",
        title=N_("Manholes and hydrants"),
        method=AS_GIVEN,
        tile=TileSource("pipe_node", {"kind": "t.kind", "network": "t.network", "label": "t.label"}, "point"),
        form=Form(fill=_pipe_colour("network"), line=(255, 255, 255, 220), radius_px=3),
        legend=_NODE_LEGEND,
        export=Export(
            "pipe_node",
            {
                "osm_id": "t.osm_id",
                "kind": "t.kind",
                "network": "t.network",
                "label": "t.label",
                "diameter_mm": "t.diameter_mm",
                "simulated": "t.simulated",
            },
        ),
        datasets=("pipe_node",),
    ),
    Layer(
        id="sensors",
        title=N_("Gas sensors"),
        method=AS_GIVEN,
        tile=TileSource("sensor", {"code": "t.code", "kind": "t.kind", "state": "t.state"}, "point"),
        form=Form(fill=SENSOR, line=(255, 255, 255, 220), radius_px=3),
        legend=(LegendEntry(SENSOR, N_("methane"), "dot"),),
        export=Export(
            "sensor",
            {
                "code": "t.code",
                "kind": "t.kind",
                "pipe_node_id": "t.pipe_node_id",
                "state": "t.state",
                "simulated": "t.simulated",
            },
        ),
        datasets=("sensor",),
        shown=False,
    ),
    Layer(
        id="camera_views",
        title=N_("Visible areas"),
        method=N_(
            "Ground in the camera's field behind the buildings, within its range, outside its blind cone"
        ),
        tile=TileSource(
            "camera_view",
            {"camera_id": "t.camera_id", "area_m2": "round(t.area_m2)::float8"},
            "area",
            coarse_below=14,
            mosaic=True,
            min_zoom=9,
            keyed=False,
        ),
        form=Form(fill=ramps.VIEW, line=(27, 142, 168, 120)),
        legend=(LegendEntry(ramps.VIEW, N_("ground that a camera sees")),),
        export=Export(
            "camera_view",
            {
                "camera": "c.code",
                "area_m2": "round(t.area_m2::numeric, 1)",
                "near_m": "t.near_m",
                "detect_m": "t.detect_m",
                "observe_m": "t.observe_m",
                "recognise_m": "t.recognise_m",
                "identify_m": "t.identify_m",
                "method": "t.method",
                "simulated": "t.simulated",
            },
            join="JOIN camera c ON c.id = t.camera_id",
        ),
        datasets=("camera_view",),
        shown=True,
        pickable=False,
    ),
    Layer(
        id="cameras",
        title=N_("Cameras"),
        method=N_(
            "Places as the source of the dataset gives them; headings and lenses simulated where not surveyed"
        ),
        tile=TileSource(
            "camera",
            {"state": "t.state", "heading_deg": "t.heading_deg", "demonstration": "t.demonstration"},
            "point",
            bin_columns={"online": "count(*) FILTER (WHERE t.state = 'online')"},
        ),
        form=Form(fill=_CAMERA_COLOUR, line=(255, 255, 255, 255), radius_px=4.5),
        legend=(
            LegendEntry(ramps.CAMERA, N_("camera, online"), "dot"),
            LegendEntry(ramps.CAMERA_OFF, N_("camera, offline or in maintenance"), "dot"),
            LegendEntry(ramps.ACCENT, N_("demonstration camera: recorded footage"), "dot"),
        ),
        export=Export(
            "camera",
            {
                "code": "t.code",
                "component_code": "t.component_code",
                "osm_id": "t.osm_id",
                "name": "t.name",
                "kind": "t.kind",
                "tier": "t.tier",
                "heading_deg": "round(t.heading_deg::numeric, 1)",
                "heading_sd_deg": "round(t.heading_sd_deg::numeric, 1)",
                "tilt_deg": "round(t.tilt_deg::numeric, 1)",
                "height_m": "round(t.height_m::numeric, 2)",
                "hfov_deg": "t.hfov_deg",
                "resolution_px": "t.resolution_px",
                "range_m": "round(t.range_m::numeric, 1)",
                "far_px_per_m": f"round(({FAR_PX_PER_M.format(camera='t')})::numeric, 1)",
                "far_task": FAR_TASK.format(camera="t", view="v"),
                **{f"{task}_m": f"v.{task}_m" for task in ("detect", "observe", "recognise", "identify")},
                "hours_per_day": "t.hours_per_day",
                "share_level": "t.share_level",
                "state": "t.state",
                "pose_simulated": "t.pose_simulated",
                "demonstration": "t.demonstration",
                "simulated": "t.simulated",
            },
            join="LEFT JOIN camera_view v ON v.camera_id = t.id",
        ),
        datasets=("camera", "camera_view"),
        shown=True,
    ),
    *(each for each in WATCHING_LAYERS if each.tile.shape == "point"),
    Layer(
        id="violations",
        title=N_("Violations"),
        method=N_("Cases and confirmed leads with a class, a time, a place and a source"),
        tile=TileSource(
            "violation",
            {
                "class_code": "t.class_code",
                "source": "t.source",
                "at": "to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            },
            "point",
            filters=_TIME_FILTERS,
            coarse_below=16,
        ),
        form=Form(fill=ramps.VIOLATION, line=(255, 255, 255, 160), radius_px=3),
        legend=(LegendEntry(ramps.VIOLATION, N_("violation"), "dot"),),
        export=Export(
            "violation",
            {
                "origin": "t.origin",
                "class_code": "t.class_code",
                "source": "t.source",
                "at": "t.at",
                "confidence": "t.confidence",
                "simulated": "t.simulated",
            },
            order="t.at, t.id",
        ),
        datasets=("case_file", "finding"),
    ),
    Layer(
        id="findings",
        title=N_("Video findings"),
        method=N_("A rule fired on sampled frames; placed through the camera's calibration"),
        tile=TileSource(
            "finding",
            {"label": "t.label", "class_code": "t.class_code", "dwell_s": "round(t.dwell_s)::float8"},
            "point",
            filters=LIVE_LEADS,
            coarse_below=12,
        ),
        form=Form(fill=ramps.FINDING, line=(255, 255, 255, 255), radius_px=6),
        legend=(LegendEntry(ramps.FINDING, N_("video finding"), "dot"),),
        export=Export(
            "finding",
            {
                "camera": "c.code",
                "class_code": "t.class_code",
                "label": "t.label",
                "first_seen_at": "t.first_seen_at",
                "last_seen_at": "t.last_seen_at",
                "dwell_s": "t.dwell_s",
                "confidence": "round(t.confidence::numeric, 3)",
                "rule": "t.rule",
                "hint": "t.hint",
                "state": "t.state",
                "same_as": "t.merged_into",
                "error_m": "round(t.error_m::numeric, 2)",
                "evidence_sha256": "t.evidence_sha256",
                "simulated": "t.simulated",
            },
            join="JOIN camera c ON c.id = t.camera_id",
        ),
        datasets=("finding",),
        shown=True,
    ),
    Layer(
        id="qr_points",
        title=N_("QR street points"),
        method=N_("Street points where people scan a code and report; simulated"),
        tile=TileSource("address_point", {"code": "t.code"}, "point"),
        form=Form(fill=ramps.QR, line=(255, 255, 255, 220), radius_px=3.5),
        legend=(LegendEntry(ramps.QR, N_("QR street point"), "dot"),),
        export=Export("address_point", {"code": "t.code", "name": "t.name", "simulated": "t.simulated"}),
        datasets=("address_point",),
    ),
    Layer(
        id="lamps",
        title=N_("Street lamps"),
        method=AS_GIVEN,
        tile=TileSource("component", {"code": "t.code", "state": "t.state"}, "point"),
        form=Form(fill=(232, 189, 60, 255), line=(150, 110, 0, 200), radius_px=2.5),
        legend=(LegendEntry((232, 189, 60, 255), N_("street lamp (component 01-18)"), "dot"),),
        export=Export(
            "component",
            {
                "code": "t.code",
                "class_code": "t.class_code",
                "osm_id": "t.osm_id",
                "state": "t.state",
                "simulated": "t.simulated",
            },
        ),
        datasets=("component",),
    ),
    Layer(
        id="pois",
        title=N_("Points of interest"),
        method=AS_GIVEN,
        tile=TileSource("poi", {"name": "t.name", "kind": "t.kind", "category": "t.category"}, "point"),
        form=Form(fill=(90, 120, 90, 200), line=(255, 255, 255, 200), radius_px=3),
        legend=(LegendEntry((90, 120, 90, 200), N_("point of interest"), "dot"),),
        export=Export(
            "poi",
            {
                "osm_id": "t.osm_id",
                "name": "t.name",
                "kind": "t.kind",
                "category": "t.category",
                "simulated": "t.simulated",
            },
        ),
        datasets=("poi",),
    ),
)

LAYERS: dict[str, Layer] = {each.id: each for each in _ALL}
"""Layer id → layer, in drawing order from the ground up."""


def layer(name: str) -> Layer:
    """
    The layer called `name`.

    Raises
    ------
    NotFound
        If there is none; the message lists those there are.
    """
    try:
        return LAYERS[name]
    except KeyError:
        raise NotFound(
            "There is no layer '{name}'.", "Choose one of: {names}.", name=name, names=", ".join(LAYERS)
        ) from None
