"""
What a town's open data lack, simulated from a seed: camera poses, parking demand, captures and reports.

Every function is pure: frames and a `numpy.random.Generator` in, frames out, so that the same seed gives
the same rows. The caller marks the rows as simulated and keeps the true answers (`parking_demand`,
`parking_events`) in a table of their own, against which estimates are scored.

What happens comes first, who notices comes after: `parking_events` are the violations that take place; each
camera that sees the place and each passer-by near a QR point then notices them independently of the others.
So a place without cameras has violations but no captures, and capture-recapture has a true answer.
"""

from geodata.towns.simulation.lives import case_lives
from geodata.towns.simulation.parking import (
    DemandModel,
    bare_kerbs,
    hour_of_week_profile,
    parking_captures,
    parking_demand,
    parking_events,
)
from geodata.towns.simulation.poses import LENSES, Lens, camera_poses
from geodata.towns.simulation.presets import turning_presets
from geodata.towns.simulation.reports import qr_points, qr_reports
from geodata.towns.simulation.schedules import sampling_week

__all__ = [
    "LENSES",
    "DemandModel",
    "Lens",
    "bare_kerbs",
    "camera_poses",
    "case_lives",
    "hour_of_week_profile",
    "parking_captures",
    "parking_demand",
    "parking_events",
    "qr_points",
    "qr_reports",
    "sampling_week",
    "turning_presets",
]
