"""
Demand of haining against the truth that was kept apart.

The town is simulated: captures follow from true rates, cameras, schedules and a detector that misses some. The estimate
reads none of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from psycopg import sql

from geodata import database
from geodata.cluster import ClusterInfo
from geodata.commands.load import load_town
from geodata.queries import demand as queries
from geodata.queries.datasets import loaded_town
from geodata.queries.demand import UNIT_CELL
from geodata.queries.frames import read_table
from tests.benchmarks.conftest import Row
from tests.conftest import chosen

LEAST_RANK, LEAST_LEAD = 0.85, 0.25
HELD = (0.92, 0.98)
CENTRAL_RATIO = 0.25
"""Share of the watching cameras, nearest the centre, that the biased set keeps."""


@pytest.fixture(scope="module")
def haining(server: ClusterInfo, empty_template: str) -> Iterator[dict[str, Any]]:
    """Everything that the estimate reads, and the true rates of cells."""
    with psycopg.connect(server.url.replace(f"/{server.database}?", "/postgres?"), autocommit=True) as link:
        link.execute(
            sql.SQL("CREATE DATABASE haining_truth TEMPLATE {}").format(sql.Identifier(empty_template))
        )
    with chosen(server.url.replace(f"/{server.database}?", "/haining_truth?")):
        load_town("haining")
        yield read()


def read() -> dict[str, Any]:
    """What the loaded town's estimate rests on."""
    with database.connection() as conn:
        town = loaded_town(conn)
        scape = queries.load_streetscape(conn, town)
        looking = queries.read_looking(conn, town)
        watch = queries.watching(conn, scape, looking)
        events = queries.read_events(conn, town, scape, looking)
        true = read_table(conn, "SELECT cell_id, rate_per_h FROM truth_rate").set_index("cell_id")[
            "rate_per_h"
        ]
        camera = read_table(
            conn, "SELECT id, camera_id FROM case_file WHERE camera_id IS NOT NULL"
        ).set_index("id")
        centre = read_table(
            conn,
            "SELECT id, ST_Distance(geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4490)::geography) AS far"
            " FROM camera",
            {"lon": town.centre[0], "lat": town.centre[1]},
        ).set_index("id")["far"]
    recall, _, _ = queries.find_recall(events, watch, looking)
    facts = {"scape": scape, "looking": looking, "watch": watch, "events": events, "recall": recall}
    return facts | {"true": true, "camera": camera["camera_id"], "far": centre}


def scores(town: dict[str, Any], watch: Any, looking: Any, events: Any) -> dict[str, float]:
    """Rank correlations with the truth, and how often intervals hold it."""
    found = queries.estimate(town["scape"], watch, looking, events, town["recall"])
    demand = found.demand[UNIT_CELL]
    rates, length = demand.rates(), demand.places["length_m"]
    true = town["true"].reindex(rates.index)
    told = rates["rate"].notna() & true.notna()
    raw = pd.Series(events.tally(town["scape"], UNIT_CELL).sum(axis=1), index=rates.index)
    seen = told & (rates["evidence"] == "observed")
    held = (rates["lower95"] * length <= true) & (true <= rates["upper95"] * length)
    return {
        "rank": float(rates["per_h"][told].corr(true[told], method="spearman")),
        "raw": float(raw[told].corr(true[told], method="spearman")),
        "held": float(held[seen].mean()),
        "observed": float(seen.sum()),
    }


def test_estimates_against_the_truth(row: Row, haining: dict[str, Any]) -> None:
    """All cells with kerbs and evidence; intervals of those that are observed."""
    found = scores(haining, haining["watch"], haining["looking"], haining["events"])
    row(
        "rank correlation of demand with the truth, cells",
        found["rank"],
        LEAST_RANK,
        "ρ",
        found["rank"] >= LEAST_RANK,
    )
    row("raw captures with the truth", found["raw"], 0, "ρ", True)
    lead = found["rank"] - found["raw"]
    row("lead over raw captures", lead, LEAST_LEAD, "ρ", lead >= LEAST_LEAD)
    low, high = HELD
    row(
        "95 % intervals that hold the truth, observed cells",
        found["held"],
        low,
        "share",
        low <= found["held"] <= high,
    )
    row("observed cells", found["observed"], 0, "cells", True)


def test_cameras_in_the_centre_only(row: Row, haining: dict[str, Any]) -> None:
    """The quarter of the watching cameras nearest the centre: their captures alone, and raw counts are seen to fail."""
    looking, watch, events = haining["looking"], haining["watch"], haining["events"]
    active = looking.share.index[looking.share.gt(0).any(axis=1)]
    far = haining["far"].reindex(active).sort_values()
    kept = far.index[: int(len(far) * CENTRAL_RATIO)]
    fewer = watch.changed(remove=[each for each in watch.cameras if each not in set(kept)])
    caught = haining["camera"].reindex(events.rows.index)
    own = events.rows["source"].ne("camera") | caught.isin(kept)
    found = scores(
        haining,
        fewer,
        replace(looking, share=looking.share.loc[looking.share.index.isin(kept)]),
        replace(events, rows=events.rows[own]),
    )
    row("central cameras only: raw captures with the truth", found["raw"], 0.5, "ρ", found["raw"] < 0.5)
    row("central cameras only: demand with the truth", found["rank"], 0, "ρ", np.isfinite(found["rank"]))
    lead = found["rank"] - found["raw"]
    row("central cameras only: lead over raw captures", lead, LEAST_LEAD, "ρ", lead >= LEAST_LEAD)
