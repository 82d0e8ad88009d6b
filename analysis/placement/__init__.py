"""Where the next ones go: candidates, what they cover, and the best choice among them, always with a bound."""

from analysis.placement.candidates import candidate_cameras, cover_matrix
from analysis.placement.maximal import Placement, maximal_covering

__all__ = ["Placement", "candidate_cameras", "cover_matrix", "maximal_covering"]
