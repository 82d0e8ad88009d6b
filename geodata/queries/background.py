"""What takes long to read and is the same for all: read in a thread of its own, and told while it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from geodata import database
from geodata.progress import Progress
from geodata.queries import datasets
from geodata.towns.town import Town

__all__ = ["Background", "Kept", "Newest"]

T = TypeVar("T")
A = TypeVar("A")
Load = Callable[[Connection, Town, Progress], T]


class Background(Generic[T]):
    """
    Something that is being read, or has been.

    Attributes
    ----------
    done, total, message
        How far it is, as `Progress` tells it.
    """

    def __init__(self, url: str, load: Load[T], name: str) -> None:
        self.done, self.total, self.message = 0, 1, ""
        self._found: Future[T] = Future()
        self._load = load
        threading.Thread(target=self._read, args=(url,), name=name, daemon=True).start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it has ended by then, well or badly."""
        return not wait_for([self._found], timeout_s).not_done

    @property
    def failed(self) -> bool:
        """It has ended with an error."""
        return self._found.done() and self._found.exception() is not None

    def result(self) -> T:
        """What was read, once it is there; or the error that reading it met."""
        return self._found.result()

    def _read(self, url: str) -> None:
        try:
            with database.connection(url) as conn:
                # one moment, whoever writes meanwhile
                still = conn.execution_options(isolation_level="REPEATABLE READ")
                found = self._load(still, datasets.loaded_town(still), self._told)
        except BaseException as error:  # noqa: BLE001 - whoever asks for it is told
            self._found.set_exception(error)
        else:
            self._found.set_result(found)

    def _told(self, done: int, total: int | None, message: str) -> None:
        self.done, self.total, self.message = done, total or 1, message


class Newest(Generic[T]):
    """
    The newest of its kind; one for each web process.

    An older one is let go of as soon as a newer one is asked for.
    """

    def __init__(self, begin: Callable[[str], Background[T]]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._key: tuple[str, int] | None = None
        self._held: Background[T] | None = None

    def reading(self, revision: int) -> Background[T]:
        """
        What is read at a revision of its datasets; begins to read it if nobody has, or if that has failed.

        Raises
        ------
        DatabaseUnavailable, ClusterError
            If there is no database.
        """
        key = database.database_url(), revision
        with self._lock:
            if self._held is None or self._key != key or self._held.failed:
                self._key, self._held = key, self._begin(key[0])
            return self._held


class Kept(Generic[A]):
    """Answers by what was asked; those that were asked for longest ago go first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, A] = OrderedDict()

    def get(self, key: Hashable, find: Callable[[], A]) -> A:
        """What is kept under `key`, or what `find` finds."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        found: Any = find()
        with self._lock:
            self._held[key] = found
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        return found
