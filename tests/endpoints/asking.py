"""How tests ask addresses: over HTTP, as a machine does."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PROBLEM", "Answer", "get"]

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def problem(self, status: int) -> str:
        """The sentence of a problem, which must be told as RFC 9457 wants it."""
        assert (self.status, self.headers["content-type"]) == (status, PROBLEM)
        told = self.json()
        assert told["status"] == status and told["title"] and told["type"] == "about:blank"
        assert urllib.parse.unquote(told["instance"]).startswith("/api/")
        return str(told["detail"])


def get(address: str, body: bytes | None = None, **headers: str) -> Answer:
    """The answer of an address, whatever its status; with a body it is a POST."""
    request = urllib.request.Request(address, body, {k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())
