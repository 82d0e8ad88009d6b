"""Parts: cut by place, packed as the same bytes everywhere, and done by workers that may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from geodata.errors import TwinError
from geodata.parts.computing import Tally, Unkept, compute
from geodata.parts.cutting import cut, hilbert_keys, within_reach
from geodata.parts.executors import (
    Cluster,
    Done,
    Executor,
    Part,
    PartError,
    Processes,
    Serial,
    choose,
    made_part,
)
from geodata.parts.packing import pack, pick_shapes, shapes_of, unpack
from geodata.settings import ROOT
from tests.geodata import labour

METRES = st.floats(-5e7, 5e7, allow_nan=False)
PLACES = arrays.arrays(float, st.tuples(st.integers(0, 40), st.just(2)), elements=METRES)


# ---------------------------------------------------------------------------------------------- cutting


def test_the_curve_goes_from_square_to_neighbouring_square() -> None:
    squares = np.array([(x, y) for x in range(-32, 32) for y in range(-32, 32)], dtype=float) + 0.5
    keys = hilbert_keys(squares)
    assert len(set(keys.tolist())) == len(squares)
    for corner in (squares > 0).astype(int) @ [2, 1] == np.arange(4)[:, None]:
        along = squares[corner][np.argsort(keys[corner])]
        assert (np.abs(np.diff(along, axis=0)).sum(axis=1) == 1).all()


@given(PLACES, st.integers(1, 10))
def test_every_row_is_in_one_part_and_no_part_is_too_large(xy: np.ndarray, most: int) -> None:
    keys = hilbert_keys(xy)
    parts = cut(keys, most)
    assert sorted(row for part in parts for row in part.tolist()) == list(range(len(xy)))
    assert all(len(part) <= most or len(set(keys[part].tolist())) == 1 for part in parts)
    if len(set(keys.tolist())) == len(keys):  # neighbours on the curve are joined while they fit
        assert all(len(a) + len(b) > most or _apart(keys, a, b) for a, b in pairwise(parts))


def _apart(keys: np.ndarray, one: np.ndarray, other: np.ndarray) -> bool:
    """Two parts that no square holds both of, but one with a third."""
    both = np.concatenate([keys[one], keys[other]])
    bits = int(both.max() ^ both.min()).bit_length()
    bits += bits % 2
    return bool((np.sum((keys >> bits) == (both[0] >> bits))) > len(both))


def test_moving_a_row_changes_the_parts_that_it_leaves_and_enters() -> None:
    rng = np.random.default_rng(4)
    xy = rng.uniform(0, 20_000, (3_000, 2)) + np.array([500_000, 3_370_000])
    parts = {part.tobytes() for part in cut(hilbert_keys(xy), 200)}
    assert len(parts) > 15
    changed = []
    for row in range(60):
        moved = xy.copy()
        moved[row] += rng.uniform(-50, 50, 2)
        changed.append(len({part.tobytes() for part in cut(hilbert_keys(moved), 200)} - parts))
    assert np.mean(changed) < 1 and max(changed) <= 4


@given(
    arrays.arrays(float, st.tuples(st.integers(1, 12), st.just(4)), elements=st.floats(0, 3_000)),
    arrays.arrays(float, st.tuples(st.integers(1, 12), st.just(4)), elements=st.floats(0, 3_000)),
)
def test_no_box_within_reach_is_missed_and_none_far_away_is_taken(one: np.ndarray, other: np.ndarray) -> None:
    wanted, bounds = (np.sort(each.reshape(-1, 2, 2), axis=1).reshape(-1, 4) for each in (one, other))
    chosen = within_reach(wanted, bounds)
    gap = np.maximum(wanted[:, None, :2] - bounds[:, 2:], bounds[:, :2] - wanted[:, None, 2:]).clip(0)
    distance = np.hypot(*np.moveaxis(gap, -1, 0)).min(axis=0)
    taken = np.isin(np.arange(len(bounds)), chosen)
    assert taken[distance == 0].all() and (distance[taken] <= 100 * 2**0.5).all()
    assert (np.diff(chosen) > 0).all()


def test_nothing_is_within_reach_of_nobody_and_missing_boxes_of_none() -> None:
    box = np.array([[0.0, 0.0, 1.0, 1.0]])
    assert within_reach(np.empty((0, 4)), box).tolist() == []
    assert within_reach(box, np.full((2, 4), np.nan)).tolist() == []


# ---------------------------------------------------------------------------------------------- packing


@given(
    st.lists(st.sampled_from(["b1", "i1", "i8", "u2", "f4", "f8", "S5", "U3", ">f8"]), max_size=4), st.data()
)
def test_arrays_come_back_and_equal_arrays_are_equal_bytes(kinds: list[str], data: st.DataObject) -> None:
    given_arrays = {
        f"a{n}": data.draw(
            arrays.arrays(np.dtype(kind), arrays.array_shapes(max_dims=2, min_side=0, max_side=5))
        )
        for n, kind in enumerate(kinds)
    }
    content = pack(given_arrays)
    back = unpack(content)
    assert list(back) == list(given_arrays)
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype.newbyteorder("<")
    assert pack({name: np.asfortranarray(array.copy()) for name, array in given_arrays.items()}) == content


def test_shapes_come_back_and_objects_are_refused() -> None:
    shapes = [
        shapely.Point(1, 2),
        shapely.box(0, 0, 1, 1),
        shapely.MultiPolygon(),
        shapely.LineString([(0, 0), (1, 1)]),
    ]
    packed = pack({**pick_shapes("one", shapely.to_wkb(shapes)), **pick_shapes("none", [])})
    assert shapely.equals_identical(shapes_of(unpack(packed), "one"), shapes).all()
    assert shapes_of(unpack(packed), "none").tolist() == []
    with pytest.raises(TypeError, match="odd has dtype object"):
        pack({"odd": np.array([object()])})


# ---------------------------------------------------------------------------------------------- executors


def parts(count: int, make: str = "{n}") -> list[Part]:
    return [made_part(n, "test", f"part {n}", 1, make.format(n=n).encode()) for n in range(count)]


def results(executor: Executor, work: object, todo: list[Part]) -> list[bytes]:
    with executor:
        return compute(work, todo, executor, Unkept(), Tally(), lambda: None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Dask scheduler with two worker processes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as made:
        yield made


@pytest.fixture(scope="module")
def scheduler(cluster: Any) -> str:
    """Address of that scheduler."""
    return str(cluster.scheduler_address)


def test_a_digest_is_of_the_method_and_all_that_goes_in() -> None:
    digests = {
        made_part(0, method, "", 1, content).digest for method in ("a", "b") for content in (b"x", b"y")
    }
    assert len(digests) == 4
    assert made_part(1, "a", "other words", 7, b"x").digest == made_part(0, "a", "", 1, b"x").digest


def test_workers_are_as_many_as_there_is_work_for() -> None:
    assert isinstance(choose(4, None, 1), Serial) and isinstance(choose(1, None, 9), Serial)
    several = choose(4, None, 3)
    assert isinstance(several, Processes) and several.workers == 3
    assert isinstance(choose(0, None, 0), Serial)


def test_every_executor_gives_the_same(scheduler: str) -> None:
    todo = parts(9)
    wanted = [labour.shout(part.content) for part in todo]
    for executor in (Serial(), Processes(2), Cluster(scheduler)):
        assert results(executor, labour.shout, todo) == wanted
        assert executor.name


def test_nothing_to_do_is_done_everywhere(scheduler: str) -> None:
    for executor in (Serial(), Processes(2), Cluster(scheduler)):
        assert results(executor, labour.shout, []) == []


def test_a_killed_process_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    todo = parts(8, f"{tmp_path}/{{n}}")
    assert results(Processes(2), labour.die_once_at_3, todo) == [part.content for part in todo]
    assert len(list(tmp_path.iterdir())) == 1  # it did die


def test_a_worker_killed_from_outside_is_replaced() -> None:
    todo = parts(6)
    with Processes(2) as executor:
        running = executor.run(labour.take_a_while, todo)
        done: list[Done] = [next(running)]
        victim = next(iter(executor._pool._processes))
        os.kill(victim, signal.SIGKILL)
        done += list(running)
        assert victim not in executor._pool._processes
    assert sorted(each.part.number for each in done) == list(range(6))


def test_a_part_that_kills_every_worker_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    todo = parts(6, f"{tmp_path}/{{n}}")
    done: list[int] = []
    with (
        pytest.raises(PartError, match="died 3 times while it computed part 3") as told,
        Processes(2) as executor,
    ):
        done += [each.part.number for each in executor.run(labour.die_at_3, todo)]
    assert "memory" in str(told.value)
    assert 3 not in done and len(done) == len(set(done))
    assert len(list(tmp_path.iterdir())) == 3


def test_an_error_of_the_work_itself_is_not_tried_again() -> None:
    for executor in (Serial(), Processes(2)):
        with pytest.raises(TwinError, match="Cannot do b'2'"), executor:
            list(executor.run(labour.refuse_2, parts(5)))


def test_dask_replaces_a_killed_worker(scheduler: str, tmp_path: Path) -> None:
    todo = parts(6, f"{tmp_path}/{{n}}")
    assert results(Cluster(scheduler), labour.die_once_at_3, todo) == [part.content for part in todo]
    assert len(list(tmp_path.iterdir())) == 1


def test_dask_gives_up_a_part_that_kills_its_worker(
    cluster: Any, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # not the default of three, for which its nannies would have to bring workers back between
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(PartError, match="died 1 times while it computed part 0"):
        results(
            Cluster(scheduler), labour.die_at_3, [made_part(0, "t", "part 0", 1, f"{tmp_path}/3".encode())]
        )
    # the scheduler lives on
    assert results(Cluster(scheduler), labour.shout, parts(2)) == [b"0!", b"1!"]


def test_nobody_waits_for_ever_for_workers_that_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("geodata.parts.executors.BACK_WITHIN_S", 1.0)
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster,
        Cluster(cluster.scheduler_address) as executor,
    ):
        running = executor.run(labour.take_a_while, parts(50))
        next(running)
        cluster.scale(0)
        with pytest.raises(TwinError, match=r"has no workers.*dask worker"):
            list(running)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "odd://x:1"])
def test_a_scheduler_that_does_not_answer_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geodata.parts.executors.ANSWER_WITHIN_S", 0.5)
    with pytest.raises(TwinError, match=r"does not answer.*TWIN_DASK_SCHEDULER"):
        choose(0, address, 1)


def test_a_scheduler_without_workers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("geodata.parts.executors.ANSWER_WITHIN_S", 0.5)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as cluster,
        pytest.raises(TwinError, match=r"has no workers.*dask worker"),
    ):
        choose(0, cluster.scheduler_address, 1)


PARENT = """
import sys
from geodata.parts.executors import Processes, made_part
from tests.geodata import labour

if __name__ == "__main__":
    with Processes(2) as executor:
        running = executor.run(labour.take_a_while, [made_part(n, "t", "", 1, b"x%d" % n) for n in range(400)])
        next(running)
        print(*executor._pool._processes, flush=True)
        list(running)
"""


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    workers = [int(each) for each in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until = time.monotonic() + 60
    while any(_lives(each) for each in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(_lives(each) for each in workers)


def _lives(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"
