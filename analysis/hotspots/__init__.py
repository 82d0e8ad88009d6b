"""Where and when more happens than chance explains, with exposure as denominator."""

from analysis.hotspots.aggregation import CellIndex, count_by_cell_and_step, space_time_counts
from analysis.hotspots.cube import CLASSES, CubeHotSpots, cube_hot_spots, emerging_classes, mann_kendall
from analysis.hotspots.density import Raster, kernel_density, relative_density
from analysis.hotspots.local import getis_ord, local_moran
from analysis.hotspots.neighbours import Neighbours, touching, within
from analysis.hotspots.network import StreetPieces, cut_streets, network_density
from analysis.hotspots.repeat import near_repeat, repeated_events
from analysis.hotspots.scan import ScanCluster, space_scan
from analysis.hotspots.values import adjusted_p, observed_values

__all__ = [
    "CLASSES",
    "CellIndex",
    "CubeHotSpots",
    "Neighbours",
    "Raster",
    "ScanCluster",
    "StreetPieces",
    "adjusted_p",
    "count_by_cell_and_step",
    "cube_hot_spots",
    "cut_streets",
    "emerging_classes",
    "getis_ord",
    "kernel_density",
    "local_moran",
    "mann_kendall",
    "near_repeat",
    "network_density",
    "observed_values",
    "relative_density",
    "repeated_events",
    "space_scan",
    "space_time_counts",
    "touching",
    "within",
]
