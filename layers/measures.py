"""The numbers of a cell that a map can show, with units, classes and colours."""

from __future__ import annotations

from layers import ramps
from layers.i18n import N_
from layers.layer import Measure

__all__ = ["COVERAGE_BREAKS", "GROUP_MEASURES", "MEASURES"]

COVERAGE_BREAKS = (0.05, 0.2, 0.4, 0.6)
"""Upper limits of the classes of a share of ground that is seen, but the last: the same on all maps."""

MEASURES = (
    Measure(
        "coverage_ratio",
        N_("Coverage"),
        N_("share of ground seen"),
        N_("Share of the cell's ground that at least one camera sees behind the buildings."),
        ramps.TEALS,
        breaks=COVERAGE_BREAKS,
        empty=N_("not computed"),
        digits=0,
        percent=True,
    ),
    Measure(
        "rate",
        N_("Violations per exposure"),
        N_("violations per hour of full view"),
        N_("Captured violations divided by what was looked at. Cells that nobody watched say so."),
        ramps.ORANGES,
        digits=3,
        empty=N_("no evidence: nobody looked"),
    ),
    Measure(
        "captures",
        N_("Captures"),
        N_("captures in the period"),
        N_("Raw counts: a map of where cameras look as much as of where problems are."),
        ramps.ORANGES,
        digits=0,
        empty=N_("not computed"),
    ),
    Measure(
        "exposure_h",
        N_("Exposure"),
        N_("hours of full view"),
        N_("Share of kerbs without bays in view × hours sampled × detector recall; joint views count once."),
        ramps.PURPLES,
        digits=0,
        empty=N_("no evidence: nobody looked"),
    ),
    Measure(
        "reports",
        N_("Reports by people"),
        N_("reports in the period"),
        N_("Reports through QR street points, which do not depend on cameras."),
        ramps.PURPLES,
        digits=0,
        empty=N_("not computed"),
    ),
)

GROUP_MEASURES = (
    Measure(
        "once_ratio",
        N_("Seen by at least one"),
        N_("share of ground seen"),
        N_("Share of the cell's ground that at least one camera of the group sees."),
        ramps.TEALS,
        breaks=COVERAGE_BREAKS,
        empty=N_("not computed"),
        digits=0,
        percent=True,
    ),
    Measure(
        "twice_ratio",
        N_("Seen by at least two"),
        N_("share of ground seen"),
        N_("Share of the cell's ground that at least two cameras of the group see: backup where one fails."),
        ramps.TEALS,
        breaks=COVERAGE_BREAKS,
        empty=N_("not computed"),
        digits=0,
        percent=True,
    ),
)
