"""What an address asks for: filters, area and time, checked before any query sees them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request

from layers.view import AREA, FILTERS
from pages.endpoints.problems import BadQuery

__all__ = ["read_filters"]


def read_filters(request: Request) -> dict[str, Any]:
    """
    The filters named in the query: since, until, class, source, grouping, area; those of a `View`.

    Times are ISO 8601, without an offset they are UTC.

    Raises
    ------
    BadQuery
        Naming the part that cannot be read.
    """
    found: dict[str, Any] = {}
    for name in ("since", "until"):
        if value := request.query_params.get(name):
            try:
                moment = dt.datetime.fromisoformat(value)
            except ValueError:
                raise BadQuery(
                    "{name} = '{value}' is not a time.",
                    "Write it as ISO 8601, such as 2026-01-31T08:00:00Z.",
                    name=name,
                    value=value,
                ) from None
            found[name] = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    for name in FILTERS:
        if value := request.query_params.get(name):
            if "\0" in value:
                raise BadQuery("{name} holds a NUL character.", "Write text.", name=name)
            found[name] = value
    if value := request.query_params.get("area"):
        if AREA.fullmatch(value) is None:
            raise BadQuery(
                "area = '{value}' is not the code of an area.",
                "Write 6 digits for a county, 9 for a street, 12 for a community.",
                value=value,
            )
        found["area"] = value
    return found
