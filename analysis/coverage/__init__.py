"""How much of the ground the cameras see together, and what each adds to the others."""

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

__all__ = [
    "added_in_order",
    "blind_cells",
    "camera_overlap",
    "coverage_by_cell",
    "federated_gain",
    "lost_shares",
    "lost_weight",
    "marginal_area_m2",
    "seen_area_m2",
    "seen_counts",
    "seen_shares",
    "share_matrix",
]
