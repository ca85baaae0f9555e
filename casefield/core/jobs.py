"""Work outside a request: jobs with progress, the sweep, the lease that makes it one.

A job's state lies in our own table, written in the transaction that asked for it; the
queue only wakes the worker. The worker may die at any moment: what was running is
offered again, so every job can be done twice.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, cast

import structlog
from flask import Flask, current_app
from huey import Huey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from sqlalchemy import Index, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from casefield.core import clock
from casefield.core.db import (
    Base,
    BigId,
    PrimaryKey,
    PublicId,
    after_commit,
    db,
    lock,
    rows_changed,
    unit_of_work,
)
from casefield.core.ledger import Author
from casefield.core.scope import SiteScoped, at_site, current_site_id

log = structlog.get_logger()

#: a running job that has not reported for so long lost its worker
SILENT = timedelta(minutes=2)
#: finished files are fetched soon or not at all
KEEP_RESULT = timedelta(hours=24)
LEASE = timedelta(seconds=90)
LEASE_LOCK = 17


class JobState(StrEnum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(SiteScoped, Base):
    """Something that takes longer than a person should wait for a page."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_site_id_state", "site_id", "state"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(default=JobState.WAITING)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    #: what the file is called when it is fetched
    file_name: Mapped[str | None]
    person_id: Mapped[int | None] = mapped_column(BigId)
    asked_at: Mapped[datetime]
    heard_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Lease(Base):
    """Who may do the timed work until when: one row, one holder, any machine."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until_at: Mapped[datetime]


class Report(Protocol):
    """Tell how far a job is."""

    def __call__(self, done: int, total: int) -> None: ...


#: gets the job's arguments and a way to report; returns a file name and its bytes
Work = Callable[[dict[str, Any], Report], tuple[str, bytes]]
#: gets the instant up to which it judges; opens its own units of work
Sweeper = Callable[[datetime], object]

_work: dict[str, Work] = {}


def work(kind: str) -> Callable[[Work], Work]:
    """Register a function as the work of a kind of job; it may run more than once."""

    def register(function: Work) -> Work:
        _work[kind] = function
        return function

    return register


def init_app(app: Flask, sweepers: Sequence[Sweeper]) -> None:
    """Open the queue. It has its own file, as it takes whole-file locks."""
    settings = app.config["SETTINGS"]
    queue: Huey
    if settings.redis_url:
        queue = RedisHuey("casefield", url=settings.redis_url)
    else:
        queue = SqliteHuey(
            "casefield",
            filename=str(settings.data / "jobs.sqlite3"),
            journal_mode="delete",
            timeout=5,
        )
    app.extensions["sweepers"] = tuple(sweepers)
    app.extensions["queue"] = queue

    def casefield_job(job_id: int) -> None:
        with app.app_context():
            run(job_id)

    app.extensions["wake"] = queue.task(name="casefield_job")(casefield_job)


def ask(kind: str, arguments: dict[str, Any], author: Author, now: datetime) -> Job:
    """Ask for a job in the present unit of work; the worker is woken after commit."""
    job = Job(
        site_id=current_site_id(),
        kind=kind,
        arguments=arguments,
        person_id=author.person_id,
        asked_at=now,
    )
    session = db.session()
    session.add(job)
    session.flush()
    wake = current_app.extensions["wake"]
    after_commit(lambda: wake(job.id))
    return job


def result_path(job: Job) -> Any:
    """Return where the job's file lies."""
    return current_app.config["SETTINGS"].data / "results" / job.public_id


def _claim(job_id: int) -> Job | None:
    now = clock.now()
    with unit_of_work():
        claimed = db.session().execute(
            update(Job)
            .where(
                Job.id == job_id,
                or_(
                    Job.state == JobState.WAITING,
                    (Job.state == JobState.RUNNING) & (Job.heard_at < now - SILENT),
                ),
            )
            .values(state=JobState.RUNNING, heard_at=now, done=0),
            execution_options={"unscoped": "a job is claimed by its id"},
        )
        if rows_changed(claimed) != 1:
            return None
        return (
            db.session()
            .execute(
                select(Job).where(Job.id == job_id),
                execution_options={"unscoped": "a job is claimed by its id"},
            )
            .scalar_one()
        )


def run(job_id: int) -> None:
    """Do a job, if nobody else is doing it. A failure is told on its page."""
    job = _claim(job_id)
    if job is None:
        return

    def report(done: int, total: int) -> None:
        # on a connection of its own: the job may be in the middle of reading
        with db.engine.begin() as connection:
            connection.execute(
                update(Job)
                .where(Job.id == job_id)
                .values(done=done, total=total, heard_at=clock.now())
            )

    with at_site(job.site_id):
        try:
            file_name, content = _work[job.kind](job.arguments, report)
            path = result_path(job)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".part")
            partial.write_bytes(content)
            partial.replace(path)
            state = JobState.DONE
        except Exception:
            log.exception("job_failed", job=job.public_id, kind=job.kind)
            db.session().rollback()
            file_name, state = "", JobState.FAILED
        db.session().rollback()
        with unit_of_work():
            job.state, job.finished_at = state, clock.now()
            job.file_name = file_name or None
            db.session().add(job)


def hold_lease(name: str, holder: str, now: datetime) -> bool:
    """Take or keep the lease ``name``; False when somebody else holds it."""
    with unit_of_work():
        session = db.session()
        # a row that is not there yet cannot be locked
        lock(LEASE_LOCK, name)
        lease = session.get(Lease, name, populate_existing=True)
        if lease is None:
            session.add(Lease(name=name, holder=holder, until_at=now + LEASE))
            return True
        if lease.holder != holder and lease.until_at > now:
            return False
        lease.holder, lease.until_at = holder, now + LEASE
        return True


def sweep(now: datetime) -> None:
    """Do all timed work that is due; safe to do twice, or at the same time."""
    for sweeper in current_app.extensions["sweepers"]:
        try:
            sweeper(now)
        except Exception:
            db.session().rollback()
            log.exception("sweep_failed", sweeper=sweeper.__qualname__)
    _offer_again(now)


def _offer_again(now: datetime) -> None:
    waiting = db.session().execute(
        select(Job.id).where(
            or_(
                (Job.state == JobState.WAITING) & (Job.asked_at < now - SILENT),
                (Job.state == JobState.RUNNING) & (Job.heard_at < now - SILENT),
            )
        ),
        execution_options={"unscoped": "jobs of every site are offered again"},
    )
    ids = [row.id for row in waiting]
    db.session().rollback()
    for job_id in ids:
        current_app.extensions["wake"](job_id)
    results = current_app.config["SETTINGS"].data / "results"
    if results.is_dir():
        for path in results.iterdir():
            if path.stat().st_mtime < (now - KEEP_RESULT).timestamp():
                path.unlink(missing_ok=True)


def run_worker(app: Flask, stop: threading.Event | None = None) -> None:
    """Run jobs and sweep until ``stop`` is set. Any number of workers may run."""
    stop = stop or threading.Event()
    seconds = app.config["SETTINGS"].sweep_seconds
    holder = secrets.token_hex(8)
    queue = cast(Huey, app.extensions["queue"])
    consumer = Consumer(queue, workers=1, periodic=False, check_worker_health=True)
    consumer.start()
    try:
        while True:
            with app.app_context():
                now = clock.now()
                if hold_lease("sweep", holder, now):
                    sweep(now)
            if stop.wait(seconds):
                break
    finally:
        consumer.stop(graceful=False)
