"""What COPY sends, row by row, in blocks of whole rows."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

__all__ = ["blocks"]


def blocks(copy: psycopg.Copy, least_bytes: int) -> Iterator[bytes]:
    """
    The rows one behind the other, each with its line break, `least_bytes` or a little more at once.

    The last block may be shorter; where there are no rows there is no block.
    """
    waiting: list[bytes | bytearray | memoryview] = []
    size = 0
    for row in copy:
        waiting.append(row)
        size += len(row)
        if size >= least_bytes:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
