"""Work for parts that other processes can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from uuid import uuid4

from geodata.errors import TwinError


def shout(content: bytes) -> bytes:
    return content + b"!"


def take_a_while(content: bytes) -> bytes:
    time.sleep(0.2)
    return content


def refuse_2(content: bytes) -> bytes:
    if content == b"2":
        raise TwinError("Cannot do {content}.", "Leave it.", content=content)
    return content


def die_at_3(content: bytes) -> bytes:
    """Kills its process at the part whose path ends with 3, and leaves a mark beside it."""
    path = Path(content.decode())
    if path.name == "3":
        (path.parent / uuid4().hex).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return content


def die_once_at_3(content: bytes) -> bytes:
    """The same, unless there is a mark already."""
    path = Path(content.decode())
    return content if any(path.parent.iterdir()) else die_at_3(content)
