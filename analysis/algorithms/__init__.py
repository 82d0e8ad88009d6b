"""
The library of algorithms, and the matrix of cameras and algorithms.

`library` reads the entries; `matrix` tells which idle camera could run what, and why another cannot.
"""

from analysis.algorithms.matrix import Cameras, Matrix, Obstacle, Reason, matrix
from analysis.algorithms.registry import (
    DENSITY_SOURCES,
    HOURS,
    LAYOUTS,
    TIERS,
    TRACK_PER_S,
    Algorithm,
    library,
    read_library,
)

__all__ = [
    "DENSITY_SOURCES",
    "HOURS",
    "LAYOUTS",
    "TIERS",
    "TRACK_PER_S",
    "Algorithm",
    "Cameras",
    "Matrix",
    "Obstacle",
    "Reason",
    "library",
    "matrix",
    "read_library",
]
