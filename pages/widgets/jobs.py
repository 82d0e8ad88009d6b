"""A button that gives work to a worker, and a bar that shows how far it is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from geodata import database
from geodata.jobs.queue import defer
from geodata.queries.jobs import newest_job
from layers.i18n import N_
from pages.session import explained, forget, recall, remember, words

__all__ = ["begin", "follow", "job_button"]

LOOK_EVERY_S = 1.5


def job_button(kind: str, label: str, **arguments: str) -> None:
    """
    Puts a job into the queue and shows its progress; the screen is drawn anew when it has ended.

    Parameters
    ----------
    kind
        Kind of job.
    label
        Words on the button, translated.
    **arguments
        What the job is given.
    """
    if st.button(label, icon=":material/play_arrow:", key=f"job_{kind}", width="stretch"):
        with database.connection() as conn:
            before = newest_job(conn, kind)
        remember(f"job_{kind}", before.id if before else 0)
        defer(kind, **arguments)
    if recall(f"job_{kind}") is not None:
        _progress(kind)


def begin(kind: str, arguments: dict[str, Any]) -> None:
    """Puts a job into the queue, unless the same one is being done, and remembers that this visit waits for it."""
    with database.connection() as conn:
        before = newest_job(conn, kind, arguments)
    if before is not None and before.state == "running":
        after = before.id - 1
    else:
        after = before.id if before else 0
        defer(kind, **arguments)
    remember(f"awaited_{kind}", (arguments, after))


def follow(kind: str, arguments: dict[str, Any]) -> None:
    """
    Shows how far a job is that this visit has begun, or why it failed; the screen is drawn anew when it has ended.

    If this visit has not begun it, or it has ended well and is asked about again, what it was about has changed.
    """
    begun, after = recall(f"awaited_{kind}", (None, 0))
    with database.connection() as conn:
        job = newest_job(conn, kind, arguments)
    if begun != arguments or (job is not None and job.id > after and job.state == "done"):
        st.caption(words(N_("Cameras or data have changed since this was asked: ask again.")))
    elif job is not None and job.id > after and job.error is not None:
        st.error(explained(job.error))
    else:
        _watch(kind, arguments, after)


@st.fragment(run_every=LOOK_EVERY_S)
def _watch(kind: str, arguments: dict[str, Any], after: int) -> None:
    with database.connection() as conn:
        job = newest_job(conn, kind, arguments)
    if job is None or job.id <= after:
        st.progress(0.0, words(N_("Waiting for a worker …")))
    elif job.state == "running":
        st.progress(job.share, words(job.message or N_("Working …")))
    else:
        st.rerun()


@st.fragment(run_every=LOOK_EVERY_S)
def _progress(kind: str) -> None:
    after = recall(f"job_{kind}")
    if after is None:
        return
    with database.connection() as conn:
        job = newest_job(conn, kind)
    if job is None or job.id <= after:
        st.progress(0.0, words(N_("Waiting for a worker …")))
    elif job.state == "running":
        st.progress(job.share, words(job.message or N_("Working …")))
    else:
        forget(f"job_{kind}")
        if job.error is not None:
            st.error(explained(job.error))
        else:
            st.rerun()
