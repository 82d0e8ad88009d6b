"""What files can be loaded as, each described once: readers, checks, commands and the screen go by these."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from geodata.errors import NotFound
from geodata.ingest.kinds.cases import CASES
from geodata.ingest.kinds.city import ADDRESS_POINTS, BUILDINGS, CAR_PARKS, CELLS, COMPONENTS, POIS
from geodata.ingest.kinds.field import CodeForm, Field, Kind
from geodata.ingest.kinds.lifelines import PIPE_NODES, PIPES
from geodata.ingest.kinds.watching import CAMERAS

__all__ = ["KINDS", "CodeForm", "Field", "Kind", "find_kind"]

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        each.name: each
        for each in (
            CAMERAS,
            BUILDINGS,
            PIPES,
            PIPE_NODES,
            COMPONENTS,
            CASES,
            CAR_PARKS,
            POIS,
            ADDRESS_POINTS,
            CELLS,
        )
    }
)
"""Name → kind."""


def find_kind(name: str) -> Kind:
    """
    The kind called `name`.

    Raises
    ------
    NotFound
        If there is none; the message lists them.
    """
    if name not in KINDS:
        raise NotFound(
            "Nothing can be loaded as '{name}'.",
            "Choose one of: {known}.",
            name=name,
            known=", ".join((*KINDS, "raster")),
        )
    return KINDS[name]
