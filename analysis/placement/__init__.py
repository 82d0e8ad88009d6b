"""Where the next ones go: candidates, what they cover, and the best choice among them, always with a bound."""

from analysis.placement.answers import (
    BackupPlacement,
    BudgetedPlacement,
    CoveringCurve,
    DistrictCover,
    FairPlacement,
    Relocation,
    Removal,
    SetCovering,
)
from analysis.placement.backup import backup_covering
from analysis.placement.budgeted import budgeted_covering
from analysis.placement.candidates import Lens, candidate_cameras, candidate_sites, cover_matrix
from analysis.placement.curve import covering_curve
from analysis.placement.fairness import fair_covering
from analysis.placement.maximal import Placement, maximal_covering
from analysis.placement.relocation import relocation
from analysis.placement.removal import removal
from analysis.placement.set_covering import location_set_covering

__all__ = [
    "BackupPlacement",
    "BudgetedPlacement",
    "CoveringCurve",
    "DistrictCover",
    "FairPlacement",
    "Lens",
    "Placement",
    "Relocation",
    "Removal",
    "SetCovering",
    "backup_covering",
    "budgeted_covering",
    "candidate_cameras",
    "candidate_sites",
    "cover_matrix",
    "covering_curve",
    "fair_covering",
    "location_set_covering",
    "maximal_covering",
    "relocation",
    "removal",
]
