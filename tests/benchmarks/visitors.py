"""Visitors who speak the screens' own protocol: a WebSocket at /_stcore/stream, protobuf both ways."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

__all__ = ["PAUSE_S", "SCREENS", "Told", "Visitor", "visit_every_screen", "visit_together"]

SCREENS = (*[""] * 8, "video", "video", "data", "data", "cameras", "cameras", "parking", "hot-spots")
"""Where visitors go; most look at the overview, few ask what takes seconds to compute."""
PAUSE_S = (20.0, 40.0)
"""Between two acts of one person."""
ANSWER_S = 120.0
"""A screen that is not there by then counts as an error."""
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
STOPPED = ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass
class Told:
    """What visitors met: errors by kind, how long each answer took, and how many stayed to the end."""

    errors: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    acts: int = 0
    stayed: int = 0
    received_bytes: int = 0


class Visitor:
    """
    One person at one screen.

    Parameters
    ----------
    number
        Tells visitors apart: what each does is told by its number.
    port
        Of the web process.
    told
        Where all visitors note what they meet.
    """

    def __init__(self, number: int, port: int, told: Told) -> None:
        self.random = random.Random(number)
        self.port = port
        self.told = told
        self._pages: dict[str, str] = {}
        self._page = ""
        self._offers: dict[str, tuple[str, Any]] = {}
        self._states: dict[str, WidgetState] = {}

    async def stay(self, until: float, after_s: float) -> None:
        """Opens the overview and does something now and then until the moment `until` of `time.monotonic`."""
        await asyncio.sleep(after_s)
        try:
            async with self._connected() as socket:
                await self._ask(socket)
                while (pause := self.random.uniform(*PAUSE_S)) < until - time.monotonic():
                    await self._rest(socket, pause)
                    self._act()
                    await self._ask(socket)
                await self._rest(socket, max(0.0, until - time.monotonic()))
            self.told.stayed += 1
        except (websockets.ConnectionClosed, OSError) as error:
            self.told.errors[f"socket: {type(error).__name__} {error}"] += 1

    async def walk(self, screens: Sequence[str]) -> None:
        """Opens one screen after the other."""
        async with self._connected() as socket:
            await self._ask(socket)
            for self._page in screens:
                await self._ask(socket)

    def _connected(self) -> websockets.connect:
        return websockets.connect(
            f"ws://127.0.0.1:{self.port}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit")],
            max_size=None,
        )

    async def _rest(self, socket: websockets.ClientConnection, seconds: float) -> None:
        """Reads what a fragment sends by itself meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    self._take(await socket.recv())

    def _act(self) -> None:
        """Another screen now and then, else one widget of this one set otherwise."""
        if self.random.random() < 0.25 or not self._offers:
            self._page = self.random.choice(SCREENS)
            self._states.clear()
            return
        identity = self.random.choice(sorted(self._offers))
        kind, widget = self._offers[identity]
        state = WidgetState(id=identity)
        match kind:
            case "selectbox" | "radio":
                state.string_value = self.random.choice(list(widget.options))
            case "button_group":
                options = [option.content for option in widget.options]
                many = self.random.randint(1, len(options)) if _is_multiple(widget) else 1
                state.string_array_value.data.extend(self.random.sample(options, many))
            case "slider":
                count = len(widget.default)
                steps = max(1, round((widget.max - widget.min) / widget.step))
                chosen = sorted(
                    widget.min + widget.step * self.random.randint(0, steps) for _ in range(count)
                )
                state.double_array_value.data.extend(min(widget.max, each) for each in chosen)
        self._states[identity] = state

    async def _ask(self, socket: websockets.ClientConnection) -> None:
        asked = BackMsg()
        run = asked.rerun_script
        run.query_string = "lang=en"
        run.page_script_hash = self._pages.get(self._page, "")
        run.widget_states.widgets.extend(self._states.values())
        began = time.monotonic()
        self._offers = {}
        await socket.send(asked.SerializeToString())
        self.told.acts += 1
        try:
            async with asyncio.timeout(ANSWER_S):
                while not self._take(await socket.recv()):
                    pass
            self.told.waits_s.append(time.monotonic() - began)
        except TimeoutError:
            self.told.errors[f"no answer within {ANSWER_S:.0f} s: /{self._page}"] += 1

    def _take(self, message: bytes | str) -> bool:
        """Takes a message in; true when the script has come to its end."""
        assert isinstance(message, bytes)
        self.told.received_bytes += len(message)
        told = ForwardMsg()
        told.ParseFromString(message)
        match told.WhichOneof("type"):
            case "navigation":
                self._pages = {each.url_pathname: each.page_script_hash for each in told.navigation.app_pages}
            case "delta" if told.delta.WhichOneof("type") == "new_element":
                self._see(told.delta.new_element)
            case "page_not_found":
                self.told.errors["page not found"] += 1
            case "script_finished":
                if told.script_finished not in (*FINISHED, STOPPED):
                    self.told.errors[f"script ended with {told.script_finished}"] += 1
                return told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        return False

    def _see(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.told.errors[f"/{self._page}: {element.exception.type} {element.exception.message}"] += 1
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.told.errors[f"/{self._page}: {element.alert.body}"] += 1
        elif kind in ("selectbox", "radio", "button_group", "slider"):
            widget = getattr(element, kind)
            if "language" not in widget.id and not widget.disabled and _offers_choice(kind, widget):
                self._offers[widget.id] = (kind, widget)


def _offers_choice(kind: str, widget: Any) -> bool:
    if kind == "slider":
        return bool(widget.step > 0 and widget.max > widget.min and not list(widget.options))
    return len(widget.options) > 1


def _is_multiple(widget: Any) -> bool:
    return bool(widget.click_mode == widget.MULTI_SELECT)


async def visit_every_screen(port: int) -> Told:
    """One visitor opens each screen once."""
    told = Told()
    await Visitor(0, port, told).walk(sorted(set(SCREENS)))
    return told


async def visit_together(port: int, count: int, seconds: float, arrive_s: float) -> Told:
    """`count` visitors arrive one after the other within `arrive_s` and stay until `seconds` have passed."""
    told, until = Told(), time.monotonic() + seconds
    await asyncio.gather(
        *(
            Visitor(number, port, told).stay(until, arrive_s * number / max(1, count))
            for number in range(count)
        )
    )
    return told
