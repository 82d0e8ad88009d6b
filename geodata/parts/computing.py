"""Computing parts and keeping what came out, so that a run which stops goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import database
from geodata.parts.executors import Done, Executor, Part, Work

__all__ = ["KeptInTable", "Store", "Tally", "Unkept", "compute", "forget_others"]


class Store(Protocol):
    """Where results are kept from one run to the next."""

    def find(self, digest: str) -> bytes | None:
        """The result of an earlier run."""

    def keep(self, done: Done) -> None:
        """Keeps a result for later runs."""


class Unkept:
    """Keeps nothing."""

    def find(self, digest: str) -> bytes | None:
        """None."""

    def keep(self, done: Done) -> None:
        """Does nothing."""


class KeptInTable:
    """Keeps each result in `coverage_part`, in a transaction of its own, as soon as it is there."""

    def find(self, digest: str) -> bytes | None:
        """The result of an earlier run, whichever executor made it."""
        with database.connection() as conn:
            found = conn.scalar(
                text("SELECT payload FROM coverage_part WHERE digest = :digest"), {"digest": digest}
            )
        return None if found is None else bytes(found)

    def keep(self, done: Done) -> None:
        """Writes it and commits."""
        with database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO coverage_part (digest, cameras, seconds, payload)"
                    " VALUES (:digest, :cameras, :seconds, :payload) ON CONFLICT (digest) DO NOTHING"
                ),
                {
                    "digest": done.part.digest,
                    "cameras": done.part.count,
                    "seconds": done.seconds,
                    "payload": done.result,
                },
            )


@dataclass
class Tally:
    """
    How the parts of a run fare.

    Attributes
    ----------
    digests
        Of all parts.
    done, computed
        Those that are there, and those of them that were not kept from an earlier run.
    """

    digests: set[str] = field(default_factory=set)
    done: int = 0
    computed: int = 0


def compute(
    work: Work,
    parts: Iterable[Part],
    executor: Executor,
    store: Store,
    tally: Tally,
    tell: Callable[[], None],
) -> list[bytes]:
    """
    Results of all parts in their order: those that are kept as they are, the others computed and kept.

    Parameters
    ----------
    work
        What computes a part.
    parts
        Numbered from 0 without gaps; they are made as workers ask for them.
    executor
        Where.
    store
        Asked first.
    tally
        Counts on.
    tell
        Called after each part.
    """
    results: dict[int, bytes] = {}

    def missing() -> Iterator[Part]:
        for part in parts:
            tally.digests.add(part.digest)
            kept = store.find(part.digest)
            if kept is None:
                yield part
            else:
                results[part.number] = kept
                tally.done += 1
                tell()

    with closing(executor.run(work, missing())) as running:
        for done in running:
            store.keep(done)
            results[done.part.number] = done.result
            tally.done += 1
            tally.computed += 1
            tell()
    return [results[number] for number in range(len(results))]


def forget_others(session: Session, digests: Collection[str]) -> None:
    """Deletes every kept result but these."""
    session.execute(
        text("DELETE FROM coverage_part WHERE digest <> ALL (:digests)"), {"digests": list(digests)}
    )
