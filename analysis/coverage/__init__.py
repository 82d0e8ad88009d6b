"""How much of the ground the cameras see together, and what each adds to the others."""

from analysis.coverage.shares import (
    blind_cells,
    camera_overlap,
    coverage_by_cell,
    marginal_area_m2,
    seen_area_m2,
    share_matrix,
)

__all__ = [
    "blind_cells",
    "camera_overlap",
    "coverage_by_cell",
    "marginal_area_m2",
    "seen_area_m2",
    "share_matrix",
]
