"""Drains of a made-up town: as long as planned, meeting in manholes, with sensors in some of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geodata.errors import IngestError
from geodata.towns.synthetic.pipes import drains_of, sensors_of

EPSG = 4549


def streets() -> gpd.GeoDataFrame:
    """A lattice of streets of 120 m, one of them large."""
    lines, kinds = [], []
    for n in range(5):
        for m in range(4):
            kind = "primary" if n == 2 else "residential"
            lines += [shapely.LineString([(m * 120, n * 120), (m * 120 + 120, n * 120)])]
            lines += [shapely.LineString([(n * 120, m * 120), (n * 120, m * 120 + 120)])]
            kinds += [kind, "service"]
    frame = gpd.GeoDataFrame({"highway": kinds}, geometry=lines, crs=EPSG)
    return frame.assign(length_m=frame.length)


def test_drains_are_as_long_as_planned_the_large_ones_first() -> None:
    pipes, nodes = drains_of(streets(), 1.0, EPSG)
    assert 1000 <= pipes["length_m"].sum() <= 1050
    assert pipes["length_m"].max() <= 50
    assert pipes.length.to_numpy() == pytest.approx(pipes["length_m"].to_numpy(), abs=1e-3)
    assert (pipes["diameter_mm"] == 1200).sum() == 4 * 3, "all of the large street"
    assert (pipes["diameter_mm"] == 400).sum() == 0, "none of the small ones"
    assert not nodes.geometry.duplicated().any()


def test_pipes_end_in_manholes_and_meet_there() -> None:
    pipes, nodes = drains_of(streets(), 4.0, EPSG)
    ends = np.concatenate([shapely.get_point(pipes.geometry.to_numpy(), at) for at in (0, -1)])
    near, distance = nodes.sindex.nearest(ends, return_distance=True)
    assert distance.max() < 0.1 and set(near[1]) == set(range(len(nodes)))
    met = np.bincount(near[1])
    assert met.max() == 4, "four streets meet at a crossing"


def test_sensors_sit_in_manholes_one_each() -> None:
    _, nodes = drains_of(streets(), 4.0, EPSG)
    sensors = sensors_of(nodes, 20, "330481", np.random.default_rng(1))
    assert sensors["pipe_node_id"].is_unique and sensors["code"].is_unique
    assert (sensors.geometry.to_numpy() == nodes.geometry.loc[sensors["pipe_node_id"]].to_numpy()).all()
    assert sensors["code"].iloc[0] == "GS33048100001"


def test_too_much_is_refused() -> None:
    _, nodes = drains_of(streets(), 1.0, EPSG)
    with pytest.raises(IngestError, match="too little for 9 km of drains"):
        drains_of(streets(), 9.0, EPSG)
    with pytest.raises(IngestError, match=f"{len(nodes)} manholes for 999 sensors"):
        sensors_of(nodes, 999, "330481", np.random.default_rng(1))
