"""Where parts are computed: in this process, in several, or on a Dask cluster; a worker that dies is replaced."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for_any
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Protocol, Self

from geodata.errors import TwinError

__all__ = ["Cluster", "Done", "Executor", "Part", "PartError", "Processes", "Serial", "choose", "made_part"]

Work = Callable[[bytes], bytes]
"""A pure function at the top of a module, so that other processes can import it."""
TRIES = 3
"""A part whose worker died so often is given up."""
AHEAD = 2
"""Parts that a worker has at a time, so that it is not idle between two."""
ANSWER_WITHIN_S = 30.0
"""A Dask scheduler, and its first worker, must be there within this time."""
BACK_WITHIN_S = 120.0
"""When all workers of a Dask scheduler went away, one must be back within this time."""
LOOK_EVERY_S = 0.5
"""While nothing is done, so often somebody looks whether workers are there."""


class PartError(TwinError):
    """A part of a computation cannot be done: whatever worker takes it dies."""


@dataclass(frozen=True)
class Part:
    """
    A part of a computation.

    Attributes
    ----------
    number
        Its place among the parts.
    digest
        SHA-256 of the work and all that goes in.
    title
        For people: what it holds.
    count
        How many rows it holds.
    content
        All that goes in.
    """

    number: int
    digest: str
    title: str
    count: int
    content: bytes = field(repr=False)


class Done(NamedTuple):
    """A part, what came out, and the seconds that a worker took."""

    part: Part
    result: bytes
    seconds: float


class Executor(Protocol):
    """Somewhere to compute; a context manager that lets go of its workers at its end."""

    name: str
    """for the record, such as 2 processes"""

    def run(self, work: Work, parts: Iterable[Part]) -> Generator[Done, None, None]:
        """Does every part and gives it as it is done, in any order; parts are made as workers ask for them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def made_part(number: int, method: str, title: str, count: int, content: bytes) -> Part:
    """A part with its digest; `method` changes whenever the same content would come out differently."""
    digest = hashlib.sha256(method.encode() + b"\0" + content).hexdigest()
    return Part(number, digest, title, count, content)


def choose(workers: int, scheduler: str | None, parts: int) -> Executor:
    """
    The Dask cluster if one is named; otherwise as many processes as there is work for.

    Parameters
    ----------
    workers
        Processes wanted; 0 for one a core.
    scheduler
        Address of a Dask scheduler, such as tcp://host:8786.
    parts
        How many parts there are.

    Raises
    ------
    TwinError
        If the scheduler does not answer or has no workers.
    """
    if scheduler is not None:
        return Cluster(scheduler)
    wanted = min(workers or cores(), parts)
    return Processes(wanted) if wanted > 1 else Serial()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Serial:
    """In this process, one part after the other."""

    name = "serial"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def run(self, work: Work, parts: Iterable[Part]) -> Generator[Done, None, None]:
        """Does every part in its order."""
        for part in parts:
            yield Done(part, *timed(work, part.content))


class Processes:
    """
    In processes of their own on this machine.

    If one dies (killed, out of memory), the others are stopped with it, and all begin afresh. The parts that were
    under way are then done one at a time, so that a part which kills its worker is known for certain.

    Parameters
    ----------
    workers
        How many.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.name = f"{workers} processes"
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()

    def run(self, work: Work, parts: Iterable[Part]) -> Generator[Done, None, None]:
        """
        Does every part and gives it as it is done.

        Raises
        ------
        PartError
            If a part's worker died three times.
        """
        source = iter(parts)
        deaths: Counter[str] = Counter()
        while died := (yield from self._until_death(work, source, self.workers * AHEAD)):
            alone = iter(())
            while died:
                deaths.update(part.digest for part in died)
                for part in died:
                    if deaths[part.digest] >= TRIES:
                        raise _given_up(part)
                alone = chain(died, alone)
                died = yield from self._until_death(work, alone, 1)

    def _until_death(
        self, work: Work, source: Iterator[Part], most: int
    ) -> Generator[Done, None, list[Part]]:
        """Does parts, at most so many at a time; returns those that were under way when a worker died."""
        running: dict[Future[tuple[bytes, float]], Part] = {}
        try:
            while True:
                for part in islice(source, most - len(running)):
                    running[self._submit(work, part)] = part
                if not running:
                    return []
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    yield Done(running.pop(future), *result)
        except BrokenProcessPool:
            self._stop()
            return list(running.values())

    def _submit(self, work: Work, part: Part) -> Future[tuple[bytes, float]]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, get_context("spawn"), initializer=_stay_with_parent
            )
        try:
            return self._pool.submit(timed, work, part.content)
        except BrokenProcessPool as error:
            broken: Future[tuple[bytes, float]] = Future()
            broken.set_exception(error)
            return broken

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


class Cluster:
    """
    On the workers of a Dask scheduler, which all run in an environment with this project installed.

    Dask itself gives the parts of a lost worker to others, a bounded number of times.

    Parameters
    ----------
    address
        Of the scheduler, such as tcp://host:8786.

    Raises
    ------
    TwinError
        If the scheduler does not answer or has no workers.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._client = _connected(address)
        self.name = f"Dask, {self._threads()} threads at {address}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def run(self, work: Work, parts: Iterable[Part]) -> Generator[Done, None, None]:
        """
        Does every part and gives it as it is done.

        Raises
        ------
        PartError
            If a part's worker died too often.
        TwinError
            If the scheduler or all its workers went away, and none came back within BACK_WITHIN_S.
        """
        from distributed import KilledWorker  # noqa: PLC0415 - heavy, and seldom used

        source = iter(parts)
        running: dict[str, Part] = {}
        finished: SimpleQueue[Any] = SimpleQueue()

        def send() -> None:
            for part in islice(source, max(1, self._threads() * AHEAD - len(running))):
                running[part.digest] = part
                # equal keys are equal work; a worker may be lost so often before its part is given up
                future = self._client.submit(timed, work, part.content, key=part.digest, pure=True)
                future.add_done_callback(finished.put)

        send()
        while running:
            future = self._next(finished)
            part = running.pop(future.key)
            send()
            try:
                result = future.result()
            except KilledWorker as error:
                raise _given_up(part, error.allowed_failures + 1) from error
            future.release()
            yield Done(part, *result)

    def _next(self, finished: SimpleQueue[Any]) -> Any:
        """The next future that is done; nobody waits for ever for workers that do not come back."""
        alone_since = None
        while True:
            try:
                return finished.get(timeout=LOOK_EVERY_S)
            except Empty:
                now = time.monotonic()
                alone_since = None if self._has_workers() else alone_since or now
                if alone_since is not None and now - alone_since >= BACK_WITHIN_S:
                    raise _no_workers(self._address) from None

    def _has_workers(self) -> bool:
        try:
            return self._client.status == "running" and self._threads() > 0
        except OSError:  # its connection broke between the two
            return False

    def _threads(self) -> int:
        return sum(self._client.nthreads().values())


def timed(work: Work, content: bytes) -> tuple[bytes, float]:
    """What a worker runs: the result, and the seconds it took."""
    start = time.perf_counter()
    result = work(content)
    return result, time.perf_counter() - start


def _connected(address: str) -> Any:
    from distributed import Client  # noqa: PLC0415 - heavy, and seldom used

    try:
        client = Client(address, timeout=ANSWER_WITHIN_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise TwinError(
            "The Dask scheduler {address} does not answer: {reason}.",
            "Start it (dask scheduler), correct TWIN_DASK_SCHEDULER, or unset it to compute on this machine.",
            address=address,
            reason=error,
        ) from error
    try:
        client.wait_for_workers(1, timeout=ANSWER_WITHIN_S)
    except TimeoutError as error:
        client.close()
        raise _no_workers(address) from error
    return client


def _no_workers(address: str) -> TwinError:
    return TwinError(
        "The Dask scheduler {address} has no workers.",
        "Start some in this project's environment: dask worker {address}.",
        address=address,
    )


def _given_up(part: Part, tries: int = TRIES) -> PartError:
    return PartError(
        "The worker died {tries} times while it computed {title}.",
        "Look for those in the data, or give the workers more memory; the parts that were done are kept.",
        tries=tries,
        title=part.title,
    )


def _stay_with_parent() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when its parent is gone, even if that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def end_with_it() -> None:
        wait_for_any([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_it, daemon=True).start()
