"""The town as scenarios start from it, held by the web process: read in the background, and told while it is read."""

from __future__ import annotations

from geodata import database
from geodata.queries import datasets
from geodata.queries.background import Background, Kept, Newest
from geodata.queries.outlook import Ground, Outlook, load_ground, outlook
from geodata.queries.scenarios import Scenario

__all__ = ["GroundStore", "Reading", "ground_revision"]

MOST_OUTLOOKS = 32
"""Kept beside a ground; those that were asked for longest ago go first."""


def ground_revision() -> int:
    """The newest revision of what a ground is read from."""
    with database.connection() as conn:
        return datasets.revision(conn, datasets.GROUND)


class Reading(Background[Ground]):
    """A ground that is being read in a thread of its own, or has been."""

    def __init__(self, url: str) -> None:
        self._outlooks: Kept[Outlook] = Kept(MOST_OUTLOOKS)
        super().__init__(url, load_ground, "ground")

    def ground(self) -> Ground:
        """The ground, once it is there; or the error that reading it met."""
        return self.result()

    def outlook(self, scenario: Scenario | None = None) -> Outlook:
        """What a scenario leads to, or as things stand; computed once for each version."""
        key = (scenario.token, scenario.version) if scenario is not None else None
        return self._outlooks.get(key, lambda: outlook(self.ground(), scenario))


class GroundStore(Newest[Ground]):
    """The newest ground."""

    def __init__(self) -> None:
        super().__init__(Reading)

    def reading(self, revision: int) -> Reading:
        """The ground at a revision of its datasets."""
        found = super().reading(revision)
        assert isinstance(found, Reading)
        return found
