"""The town as scenarios start from it, held by the web process: read in the background, and told while it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from concurrent.futures import wait as wait_for

from geodata import database
from geodata.queries import datasets
from geodata.queries.outlook import Ground, Outlook, load_ground, outlook
from geodata.queries.scenarios import Scenario

__all__ = ["GroundStore", "Reading", "ground_revision"]

MOST_OUTLOOKS = 32
"""Kept beside a ground; those that were asked for longest ago go first."""


def ground_revision() -> int:
    """The newest revision of what a ground is read from."""
    with database.connection() as conn:
        return datasets.revision(conn, datasets.GROUND)


class Reading:
    """
    A ground that is being read in a thread of its own, or has been.

    Attributes
    ----------
    done, total, message
        How far it is, as `Progress` tells it.
    """

    def __init__(self, url: str) -> None:
        self.done, self.total, self.message = 0, 1, ""
        self._found: Future[Ground] = Future()
        self._outlooks: OrderedDict[tuple[str, int] | None, Outlook] = OrderedDict()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, args=(url,), name="ground", daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended by then, well or badly."""
        return not wait_for([self._found], timeout_s).not_done

    @property
    def failed(self) -> bool:
        """It has ended with an error."""
        return self._found.done() and self._found.exception() is not None

    def ground(self) -> Ground:
        """The ground, once it is there; or the error that reading it met."""
        return self._found.result()

    def outlook(self, scenario: Scenario | None = None) -> Outlook:
        """What a scenario leads to, or as things stand; computed once for each version."""
        key = (scenario.token, scenario.version) if scenario is not None else None
        with self._lock:
            if key in self._outlooks:
                self._outlooks.move_to_end(key)
                return self._outlooks[key]
        found = outlook(self.ground(), scenario)
        with self._lock:
            self._outlooks[key] = found
            if len(self._outlooks) > MOST_OUTLOOKS:
                self._outlooks.popitem(last=False)
        return found

    def _read(self, url: str) -> None:
        try:
            with database.connection(url) as conn:
                # one moment, whoever writes meanwhile
                still = conn.execution_options(isolation_level="REPEATABLE READ")
                found = load_ground(still, datasets.loaded_town(still), self._told)
        except BaseException as error:  # noqa: BLE001 - whoever asks for the ground is told
            self._found.set_exception(error)
        else:
            self._found.set_result(found)

    def _told(self, done: int, total: int | None, message: str) -> None:
        self.done, self.total, self.message = done, total or 1, message


class GroundStore:
    """
    The newest ground; one for each web process.

    An older one is let go of as soon as a newer one is asked for.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[str, int] | None = None
        self._held: Reading | None = None

    def reading(self, revision: int) -> Reading:
        """
        The ground at a revision of its datasets; begins to read it if nobody has, or if that has failed.

        Raises
        ------
        DatabaseUnavailable, ClusterError
            If there is no database.
        """
        key = database.database_url(), revision
        with self._lock:
            if self._held is None or self._key != key or self._held.failed:
                self._key, self._held = key, Reading(key[0])
            return self._held
