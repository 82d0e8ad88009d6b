"""How much of the ground the cameras see together, and what each adds to the others."""

from analysis.coverage.blind import unseen_places
from analysis.coverage.groups import hour_groups, owner_groups, share_level_groups, tier_groups
from analysis.coverage.marginal import (
    camera_overlap,
    federated_gain,
    lost_shares,
    lost_weight,
    marginal_area_m2,
)
from analysis.coverage.shares import (
    added_in_order,
    blind_cells,
    coverage_by_cell,
    seen_area_m2,
    seen_counts,
    seen_shares,
    share_matrix,
)
from analysis.coverage.state import CoverageState

__all__ = [
    "CoverageState",
    "added_in_order",
    "blind_cells",
    "camera_overlap",
    "coverage_by_cell",
    "federated_gain",
    "hour_groups",
    "lost_shares",
    "lost_weight",
    "marginal_area_m2",
    "owner_groups",
    "seen_area_m2",
    "seen_counts",
    "seen_shares",
    "share_level_groups",
    "share_matrix",
    "tier_groups",
    "unseen_places",
]
