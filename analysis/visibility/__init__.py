"""What cameras see of the ground: sight lines, the picture, PTZ, uncertain headings, and what is wrong with a row."""

from analysis.visibility.faults import camera_faults, footprint_faults
from analysis.visibility.heading import heading_views, united_share, visible_share
from analysis.visibility.obstacles import Obstacles, prepare_obstacles
from analysis.visibility.picture import (
    DORI_PX_PER_M,
    dori_distance_m,
    dori_distances,
    far_distance_m,
    focal_length_mm,
    hfov_deg,
    near_distance_m,
    pixel_density,
    vfov_deg,
)
from analysis.visibility.ptz import preset_poses, reachable_poses
from analysis.visibility.views import dori_views, visible_polygons

__all__ = [
    "DORI_PX_PER_M",
    "Obstacles",
    "camera_faults",
    "dori_distance_m",
    "dori_distances",
    "dori_views",
    "far_distance_m",
    "focal_length_mm",
    "footprint_faults",
    "heading_views",
    "hfov_deg",
    "near_distance_m",
    "pixel_density",
    "prepare_obstacles",
    "preset_poses",
    "reachable_poses",
    "united_share",
    "vfov_deg",
    "visible_polygons",
    "visible_share",
]
