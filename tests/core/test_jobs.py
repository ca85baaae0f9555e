"""Jobs live in our own table: asked with the work, claimed once, offered again."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from casefield.core import clock, jobs
from casefield.core.db import db
from casefield.core.jobs import JobState
from casefield.core.ledger import CLOCKWORK
from tests.conftest import ROOT
from tests.factories import ground, looking

UNSCOPED = {"unscoped": "a test looks at any job"}
calls: list[dict[str, object]] = []


@jobs.work("proof.echo")
def _echo(arguments, report):
    calls.append(arguments)
    report(1, 2)
    if arguments.get("break"):
        raise ZeroDivisionError
    return "echo.txt", str(arguments["say"]).encode()


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


@pytest.fixture
def woken(fresh_app):
    """The ids of jobs that the queue was told of, instead of a worker's ear."""
    told: list[int] = []
    fresh_app.extensions["wake"] = told.append
    return told


def _ask(site, now, **arguments):
    with ground(site):
        return jobs.ask("proof.echo", {"say": "hello", **arguments}, CLOCKWORK, now)


def _job(job):
    with looking():
        return (
            db.session.get(jobs.Job, job.id, execution_options=UNSCOPED)
            or db.session.scalars(
                select(jobs.Job).where(jobs.Job.id == job.id),
                execution_options=UNSCOPED,
            ).one()
        )


def _run(job, app):
    with app.app_context():
        jobs.run(job.id)


def test_a_job_is_woken_after_its_commit_alone(fresh_app, fresh_cast, frozen, woken):
    with ground(fresh_cast.site):
        job = jobs.ask("proof.echo", {"say": "x"}, CLOCKWORK, frozen.now)
        assert woken == []
    assert woken == [job.id]
    with pytest.raises(ZeroDivisionError):
        _ask_and_fail(fresh_cast.site, frozen.now)
    assert woken == [job.id]


def _ask_and_fail(site, now):
    with ground(site):
        jobs.ask("proof.echo", {"say": "x"}, CLOCKWORK, now)
        raise ZeroDivisionError


def test_a_job_is_done_and_leaves_its_file(fresh_app, fresh_cast, frozen, woken):
    job = _ask(fresh_cast.site, frozen.now)
    assert _job(job).state is JobState.WAITING
    _run(job, fresh_app)
    done = _job(job)
    assert (done.state, done.file_name) == (JobState.DONE, "echo.txt")
    assert (done.done, done.total) == (1, 2)
    assert done.finished_at == frozen.now
    with fresh_app.app_context():
        assert jobs.result_path(done).read_bytes() == b"hello"


def test_a_done_job_is_not_done_again(fresh_app, fresh_cast, frozen, woken):
    job = _ask(fresh_cast.site, frozen.now)
    for _ in range(2):
        _run(job, fresh_app)
    frozen.forward(days=1)
    _run(job, fresh_app)
    assert len(calls) == 1


@pytest.mark.filterwarnings("default")
def test_a_failure_is_told_on_the_job(fresh_app, fresh_cast, frozen, woken):
    job = _ask(fresh_cast.site, frozen.now, **{"break": True})
    _run(job, fresh_app)
    failed = _job(job)
    assert (failed.state, failed.file_name) == (JobState.FAILED, None)
    with fresh_app.app_context():
        assert not jobs.result_path(failed).exists()


def test_a_running_job_is_left_alone_until_it_falls_silent(
    fresh_app, fresh_cast, frozen, woken
):
    job = _ask(fresh_cast.site, frozen.now)
    with fresh_app.app_context():
        assert jobs._claim(job.id) is not None
    _run(job, fresh_app)
    frozen.forward(seconds=jobs.SILENT.total_seconds())
    _run(job, fresh_app)
    assert calls == []
    frozen.forward(seconds=1)
    _run(job, fresh_app)
    assert _job(job).state is JobState.DONE


def test_eight_workers_do_a_job_once(fresh_app, fresh_cast, frozen, woken):
    job = _ask(fresh_cast.site, frozen.now)
    start = threading.Barrier(8)

    def one(_number):
        start.wait()
        _run(job, fresh_app)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert len(calls) == 1
    assert _job(job).state is JobState.DONE


def test_the_sweep_offers_forgotten_and_silent_jobs_again(
    fresh_app, fresh_cast, frozen, woken
):
    forgotten = _ask(fresh_cast.site, frozen.now)
    silent = _ask(fresh_cast.other_site, frozen.now)
    with fresh_app.app_context():
        jobs._claim(silent.id)
    done = _ask(fresh_cast.site, frozen.now)
    _run(done, fresh_app)
    woken.clear()
    fresh_app.extensions["sweepers"] = ()
    with fresh_app.app_context():
        jobs.sweep(frozen.now)
        assert woken == []
        jobs.sweep(frozen.forward(minutes=3))
    assert sorted(woken) == sorted([forgotten.id, silent.id])


def test_a_sweeper_that_fails_does_not_stop_the_others(fresh_app, frozen):
    seen: list[datetime] = []

    def fails(now):
        raise ZeroDivisionError

    fresh_app.extensions["sweepers"] = (fails, seen.append)
    with fresh_app.app_context():
        jobs.sweep(frozen.now)
    assert seen == [frozen.now]


def test_old_results_are_cleared_away(fresh_app, fresh_cast, frozen, woken):
    job = _ask(fresh_cast.site, frozen.now)
    _run(job, fresh_app)
    fresh_app.extensions["sweepers"] = ()
    with fresh_app.app_context():
        path = jobs.result_path(_job(job))
        written = path.stat().st_mtime
        at = frozen.now.fromtimestamp(written, tz=frozen.now.tzinfo)
        jobs.sweep(at + timedelta(hours=23))
        assert path.exists()
        jobs.sweep(at + timedelta(hours=25))
        assert not path.exists()


def test_a_lease_has_one_holder(fresh_app, frozen):
    def hold(who):
        with fresh_app.app_context():
            return jobs.hold_lease("sweep", who, frozen.now)

    assert hold("one")
    assert not hold("two")
    frozen.forward(seconds=60)
    assert hold("one")
    frozen.forward(seconds=60)
    assert not hold("two")
    frozen.forward(seconds=90)
    assert hold("two")
    assert not hold("one")


def test_of_eight_that_ask_at_once_one_gets_the_lease(fresh_app, frozen):
    start = threading.Barrier(8)

    def hold(number):
        start.wait()
        with fresh_app.app_context():
            return jobs.hold_lease("sweep", str(number), frozen.now)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(hold, range(8))) == 1


DOOMED = """
import sys, time
from pathlib import Path
from tests.conftest import build
from casefield.core import clock, jobs
app = build(Path(sys.argv[1]), sys.argv[2])
clock.steer_by(Path(sys.argv[3]))
@jobs.work("proof.echo")
def stuck(arguments, report):
    print("at work", flush=True)
    time.sleep(600)
with app.app_context():
    jobs.run(int(sys.argv[4]))
"""


@pytest.mark.fault
def test_a_job_whose_worker_was_killed_is_done_by_the_next(
    fresh_app, fresh_cast, frozen, woken
):
    job = _ask(fresh_cast.site, frozen.now)
    settings = fresh_app.config["SETTINGS"]
    worker = subprocess.Popen(
        [
            *(sys.executable, "-c", DOOMED, str(settings.data)),
            *(settings.database_url, str(frozen._path), str(job.id)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "at work\n"
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert _job(job).state is JobState.RUNNING
    woken.clear()
    fresh_app.extensions["sweepers"] = ()
    with fresh_app.app_context():
        jobs.sweep(frozen.forward(minutes=3))
    assert woken == [job.id]
    _run(job, fresh_app)
    assert _job(job).state is JobState.DONE


WORKER = """
import sys
from pathlib import Path
from tests.conftest import build
from tests.core import test_jobs
from casefield.core import clock, jobs
app = build(Path(sys.argv[1]), sys.argv[2], sweep_seconds=1)
app.extensions["sweepers"] = ()
jobs.run_worker(app)
"""


@pytest.mark.fault
def test_a_worker_hears_of_a_job_through_the_queue(fresh_app, fresh_cast):
    settings = fresh_app.config["SETTINGS"]
    job = _ask(fresh_cast.site, clock.now())
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(settings.data), settings.database_url],
        cwd=ROOT,
    )
    try:
        deadline = time.monotonic() + 30
        while _job(job).state is not JobState.DONE and time.monotonic() < deadline:
            time.sleep(0.1)
        assert _job(job).state is JobState.DONE
    finally:
        worker.kill()
        worker.wait()
