"""Uploads that a worker loads or checks: how far they are, and how they ended, for whoever comes by."""

from __future__ import annotations

import streamlit as st

from geodata import database
from geodata.commands.imports import Report
from geodata.commands.uploading import report_of
from geodata.queries.jobs import JobView, job_asked, recent_jobs, waiting_jobs
from geodata.queries.loads import taken_back
from layers.i18n import N_, explain
from pages.session import language, literal, recall, remember, words

__all__ = ["check_under_way", "loads_under_way"]

LOOK_EVERY_S = 1.5
TOLD_FOR_H = 1.0
"""How a load ended stands on the screen for so long."""


def loads_under_way() -> None:
    """Loads that wait or run, with bars; and how the last ones ended. They belong to all, not to a visit."""
    if _loads()[0]:
        _watch_loads()
    else:
        _tell(_loads()[1])


def check_under_way(upload: str) -> Report | None:
    """The report of a check that a worker does; None while it is under way or after it has said what is wrong."""
    with database.connection() as conn:
        job = job_asked(conn, "load", "upload", upload)
    if job is not None and job.state == "done" and job.result is not None:
        return report_of(job.result)
    if job is None or job.state == "running":
        _watch_check(upload)
    elif job.error is not None:
        _failed(job)
    return None


def _loads() -> tuple[list[JobView | None], list[JobView]]:
    """Loads under way (None: waits), and those that have ended; checks belong to whoever asked for them."""
    with database.connection() as conn:
        waiting = [each for each in waiting_jobs(conn, "load") if not each["dry"]]
        jobs = [each for each in recent_jobs(conn, "load", TOLD_FOR_H) if not each.arguments["dry"]]
        back = taken_back(conn, [number for each in jobs if (number := _revision(each))])
    running: list[JobView | None] = [each for each in jobs if each.state == "running"]
    ended = [each for each in jobs if each.state != "running" and _revision(each) not in back]
    return [*running, *(None for _ in waiting)], ended


def _revision(job: JobView) -> int | None:
    """Revision that the load became, if it did."""
    return None if job.result is None else job.result.get("revision")


@st.fragment(run_every=LOOK_EVERY_S)
def _watch_loads() -> None:
    under_way, ended = _loads()
    number = len(ended) and ended[0].id
    if not under_way or recall("bring_ended", number) != number:
        remember("bring_ended", number)
        st.rerun()
    remember("bring_ended", number)
    waiting = sum(each is None for each in under_way)
    for job in under_way:
        if job is not None:
            _bar(job)
    if waiting == len(under_way):
        st.progress(0.0, words(N_("Waiting for a worker …")))
    elif waiting:
        st.caption(words(N_("Files that wait: {count}"), count=waiting))
    _tell(ended)


@st.fragment(run_every=LOOK_EVERY_S)
def _watch_check(upload: str) -> None:
    with database.connection() as conn:
        job = job_asked(conn, "load", "upload", upload)
    if job is None:
        st.progress(0.0, words(N_("Waiting for a worker …")))
    elif job.state == "running":
        _bar(job)
    else:
        st.rerun()


def _bar(job: JobView) -> None:
    st.progress(job.share, f"{literal(job.arguments['name'])}: {words(job.message or N_('Working …'))}")


def _tell(ended: list[JobView]) -> None:
    for job in ended:
        if job.error is not None:
            _failed(job)
        elif job.result is not None and "width_px" in job.result:
            st.success(
                words(
                    N_("{file} is loaded: {width:,} × {height:,} pixels."),
                    file=literal(job.result["file"]),
                    width=job.result["width_px"],
                    height=job.result["height_px"],
                ),
                icon=":material/check_circle:",
            )
        elif job.result is not None:
            _loaded(report_of(job.result))


def _loaded(done: Report) -> None:
    st.success(
        words(
            N_(
                "{file} is loaded as revision {revision}: {added:,} rows added, {changed:,} changed,"
                " {same:,} as stored."
            ),
            file=literal(done.file),
            revision=done.revision,
            added=done.added,
            changed=done.changed,
            same=done.same,
        ),
        icon=":material/check_circle:",
    )


def _failed(job: JobView) -> None:
    assert job.error is not None
    st.error(literal(f"{job.arguments['name']}: {explain(job.error, language())}"), icon=":material/error:")
