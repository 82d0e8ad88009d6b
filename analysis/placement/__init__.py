"""Where the next ones go: candidates, what they cover, and the best choice among them, always with a bound."""

from analysis.placement.candidates import Lens, candidate_cameras, candidate_sites, cover_matrix
from analysis.placement.maximal import Placement, maximal_covering

__all__ = ["Lens", "Placement", "candidate_cameras", "candidate_sites", "cover_matrix", "maximal_covering"]
