"""What is made from what: datasets that follow from others, and what kinds of run read and write."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MADE_FROM", "READ_BY_RUN", "WRITTEN_BY_RUN"]

_VIEWS = ("building", "camera", "camera_preset")
_PLACES = ("area", "no_parking_area", "poi", "street_edge", "unit_cell")
_DEMAND = ("building", "camera_view", "case_file", "exposure", "kerb", "poi", "street_edge", "unit_cell")
_ASKED = ("building", "camera", "camera_view", "case_file", "cell_measure", "component", "kerb", "poi")

MADE_FROM: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "address_point": ("street_edge",),
        "camera_preset": ("camera",),
        "camera_view": _VIEWS,
        "case_file": ("address_point", "camera_view", "event_class", "exposure", "kerb"),
        "cell_measure": ("camera_view", *(name for name in _DEMAND if name != "camera_view")),
        "coverage_share": ("camera_view", *_PLACES),
        "demand_estimate": _DEMAND,
        "demand_profile": _DEMAND,
        "detection": ("calibration", "sample"),
        "detector_recall": ("camera_view", "case_file", "exposure", "kerb"),
        "exposure": ("camera",),
        "finding": ("calibration", "detection", "zone"),
        "kerb": ("street_edge",),
        "no_parking_area": ("kerb",),
        "patrol_track": ("area", "street_edge"),
        "restricted_area": ("building", "poi"),
        "sample": ("camera",),
        "sensor": ("pipe_node",),
        "unit_cell": ("area",),
    }
)
"""
Dataset → datasets that it follows from, where this twin makes it.

One that a user loads follows from none, whatever stands here: what its revision rested on is told by the audit.
"""
READ_BY_RUN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "coverage": (*_VIEWS, *_PLACES),
        "place": _ASKED,
        "remove": _ASKED,
        "relocate": _ASKED,
        "parking": (*_DEMAND, "car_park", "demand_estimate", "demand_profile"),
        "bays": (*_DEMAND, "car_park", "demand_estimate", "demand_profile"),
    }
)
"""Kind of run → datasets that it reads."""
WRITTEN_BY_RUN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"coverage": ("camera_view", "coverage_share", "cell_measure")}
)
"""Kind of run → datasets that it writes; the others keep their answer in the run."""
