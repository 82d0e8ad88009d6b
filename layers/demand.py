"""The layers of parking demand: rates of cells and streets with what they rest on."""

from __future__ import annotations

from geodata.queries.tiles import TileSource
from layers import ramps
from layers.i18n import N_
from layers.layer import Colour, Export, Form, Layer, LegendEntry

__all__ = ["DEMAND_LAYERS", "EVIDENCE"]

DEMAND_METHOD = N_(
    "Captures over exposure, gamma-Poisson about a log-linear model of what lies about the place; mean over the week"
)
EVIDENCE: dict[str, tuple[Colour, str]] = {
    "observed": (ramps.ORANGES[3], N_("observed")),
    "modelled": (ramps.BLUES[3], N_("modelled")),
    "none": (ramps.NO_EVIDENCE, N_("no evidence")),
}
"""Kind of evidence → colour and words."""
_EVIDENCE = " : ".join(
    [
        *(
            f"properties.evidence == '{kind}' ? {list(colour)}"
            for kind, (colour, _) in EVIDENCE.items()
            if kind != "none"
        ),
        str(list(ramps.NO_EVIDENCE)),
    ]
)
_EVIDENCE_LEGEND = tuple(LegendEntry(colour, words) for colour, words in EVIDENCE.values())
_DEMAND_TILE = {"evidence": "t.evidence", "captures": "t.captures", "rate": "coalesce(t.rate, -1)"}
_DEMAND_EXPORT = {
    "class_code": "t.class_code",
    "length_m": "t.length_m",
    "captures": "t.captures",
    "reports": "t.reports",
    "exposure_mh": "t.exposure_mh",
    "seen_m": "t.seen_m",
    "evidence": "t.evidence",
    "weight": "t.weight",
    "rate_per_m_h": "t.rate",
    **{name: f"t.{name}" for name in ("lower80", "upper80", "lower95", "upper95")},
    "per_h": "t.per_h",
    "simulated": "t.simulated",
}

DEMAND_LAYERS = (
    Layer(
        id="cell_demand",
        title=N_("Parking demand of cells"),
        method=DEMAND_METHOD,
        tile=TileSource("cell_demand", {"code": "t.code", **_DEMAND_TILE, "cell_id": "t.cell_id"}, "area"),
        form=Form(fill=_EVIDENCE, line=(255, 255, 255, 130)),
        legend=_EVIDENCE_LEGEND,
        export=Export("cell_demand", {"code": "t.code", **_DEMAND_EXPORT}),
        datasets=("unit_cell", "demand_estimate"),
    ),
    Layer(
        id="edge_demand",
        title=N_("Parking demand of streets"),
        method=DEMAND_METHOD,
        tile=TileSource(
            "edge_demand",
            {"name": "t.name", "highway": "t.highway", **_DEMAND_TILE, "street_edge_id": "t.street_edge_id"},
            "line",
            coarse_below=10,
        ),
        form=Form(line=_EVIDENCE, line_px=4),
        legend=_EVIDENCE_LEGEND,
        export=Export("edge_demand", {"name": "t.name", "highway": "t.highway", **_DEMAND_EXPORT}),
        datasets=("street_edge", "demand_estimate"),
    ),
)
"""In drawing order."""
