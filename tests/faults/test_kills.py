"""Killed under load, asked fifty times at once: every check-in is there, once."""

import queue
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.accounts import services as accounts
from casefield.core import clock
from casefield.core.db import db
from casefield.patrol.models import RoundStop
from casefield.sites.models import WallCode
from tests import factories
from tests.browser.live import Live
from tests.cast import read_cast
from tests.conftest import Frozen
from tests.factories import ground
from tests.faults.load import Crowd, Phone, Task

pytestmark = pytest.mark.fault
GUARDS = 8
STOPS = 40
HURT = Path(__file__).parent / "hurt_server.py"


@dataclass
class Hall:
    """A server, somebody signed in, and thousands of points to check in at."""

    live: Live
    session: str
    tasks: list[Task]
    form: str

    def crowd(self) -> Crowd:
        waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in self.tasks:
            waiting.put(task)
        return Crowd(self.live, self.session, waiting)


def _lay_out(app: Flask, rounds: int) -> tuple[str, list[Task], str]:
    """Make so many open rounds of one route, and sign the guard in."""
    cast = read_cast()
    with ground(cast.site, app):
        checklist = factories.make_checklist(cast.site)
        points = [
            factories.make_checkpoint(cast.site, checklist=checklist)
            for _ in range(STOPS)
        ]
        route = factories.make_route(cast.site, points)
        made = [factories.make_round(route) for _ in range(rounds)]
        codes = dict(db.session.execute(select(WallCode.place_id, WallCode.code)).all())
        at = {point.id: codes[point.place_id] for point in points}
        ids = {round_.id: round_.public_id for round_ in made}
        tasks = [
            Task(
                f"/patrol/rounds/{ids[stop.round_id]}/stops/{stop.ordinal}",
                at[stop.checkpoint_id],
            )
            for stop in db.session.scalars(
                select(RoundStop)
                .where(RoundStop.round_id.in_(ids))
                .order_by(RoundStop.id)
            )
        ]
        opened = accounts.open_session(cast.guard, None, "Test", clock.now())
    with app.app_context():
        db.engine.dispose()
    return opened.session_token, tasks[1:], tasks[0].path


@pytest.fixture
def make_hall(
    make_fresh_app: Callable[..., Flask], frozen: Frozen, tmp_path: Path
) -> Iterator[Callable[..., Hall]]:
    """Start a server on its own data, whole or with one defence taken out."""
    started: list[Live] = []

    def make(rounds: int, hurt: str = "") -> Hall:
        app = make_fresh_app("sqlite")
        session, tasks, form = _lay_out(app, rounds)
        live = Live(
            app.config["SETTINGS"].data,
            CASEFIELD_WORKERS="2",
            CASEFIELD_LOG_LEVEL="ERROR",
        )
        live.at(frozen.now)
        if hurt:
            live.command = [sys.executable, str(HURT), "serve"]
            live.extra = {"HURT": hurt, "PYTHONPATH": str(HURT.parents[2])}
        started.append(live)
        return Hall(live.start(), session, tasks, form)

    yield make
    for live in started:
        live.stop()


_MADE = "l.verb = 'patrol.check_in.made'"
_WHOLE = "l.subject = 'check_in:' || i.public_id"
#: what is there, and every half of a thing without its other half
SUMS = {
    "check-ins": "check_in",
    "receipts": "receipt",
    "lines": f"ledger_line l where {_MADE}",
    "runs": "check_run",
    "check-ins without a line": "check_in i where not exists"
    f" (select 1 from ledger_line l where {_MADE} and {_WHOLE})",
    "lines without a check-in": f"ledger_line l where {_MADE} and not exists"
    f" (select 1 from check_in i where {_WHOLE})",
    "check-ins without a run": "check_in i where not exists"
    " (select 1 from check_run r where r.id = i.run_id)",
}


def _sums(live: Live) -> Counter[str]:
    counts = {
        name: live.one(f"select count(*) from {what}") for name, what in SUMS.items()
    }
    stops = live.one("select count(distinct round_stop_id) from check_in")
    return Counter(counts | {"stops": stops})


def _demand_whole(hall: Hall, crowd: Crowd) -> None:
    live, told = hall.live, len(crowd.acknowledged)
    sums = _sums(live)
    assert sums == Counter(
        {
            "check-ins": told,
            "stops": told,
            "receipts": told,
            "lines": told,
            "runs": told,
        }
    )
    there = {
        f"/patrol/rounds/{public_id}/stops/{ordinal}"
        for public_id, ordinal in live.sql(
            "select r.public_id, s.ordinal from check_in i join round_stop s"
            " on s.id = i.round_stop_id join round r on r.id = i.round_id"
        )
    }
    assert {task.path for task in crowd.acknowledged} == there
    assert live.one("PRAGMA integrity_check") == "ok"
    assert live.sql("PRAGMA foreign_key_check") == []
    assert "lines, the last is" in live.run("verify-ledger")


def _kill_often(hall: Hall, kills: int) -> Crowd:
    """Kill the server under load so often, and let the phones replay each time."""
    dice = random.Random(20261123)
    crowd = hall.crowd()
    lost = 0
    with crowd.at_work(GUARDS, hall.form):
        for _ in range(kills):
            time.sleep(0.6 + dice.random() * 0.8)
            crowd.up.clear()
            hall.live.kill()
            hall.live.start()
            time.sleep(0.1)
            lost += len(crowd.unanswered)
            crowd.replay_unanswered(hall.form)
            crowd.up.set()
        time.sleep(0.4)
    crowd.replay_unanswered(hall.form)
    assert lost > 0, "no kill met a request underway"
    assert len(crowd.acknowledged) > 20 * kills
    return crowd


def test_no_acknowledged_check_in_is_lost_over_two_kills(
    make_hall: Callable[..., Hall],
) -> None:
    hall = make_hall(16)
    crowd = _kill_often(hall, 2)
    assert crowd.refused == []
    _demand_whole(hall, crowd)


@pytest.mark.prove
def test_no_acknowledged_check_in_is_lost_over_twenty_kills(
    make_hall: Callable[..., Hall],
) -> None:
    hall = make_hall(150)
    crowd = _kill_often(hall, 20)
    assert crowd.refused == []
    _demand_whole(hall, crowd)


def _all_at_once(hall: Hall, tasks: list[Task]) -> list[tuple[int, str]]:
    """Send every task from a phone of its own at the same moment."""
    start = threading.Barrier(len(tasks))
    told: list[tuple[int, str]] = []

    def send(task: Task) -> None:
        phone = Phone(hall.live, hall.session)
        phone.open_form(hall.form)
        start.wait()
        told.append(phone.send(task))
        phone.hang_up()

    threads = [threading.Thread(target=send, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_fifty_replays_at_once_make_one_check_in(
    make_hall: Callable[..., Hall],
) -> None:
    hall = make_hall(1)
    (task, *_rest) = hall.tasks
    assert _all_at_once(hall, [task] * 50) == [(303, task.key)] * 50
    assert _sums(hall.live) == Counter(
        dict.fromkeys(["check-ins", "stops", "receipts", "lines", "runs"], 1)
    )


def test_without_receipts_replays_are_not_recognised(
    make_hall: Callable[..., Hall],
) -> None:
    """The control: the same fifty get other answers than the first one got."""
    hall = make_hall(1, hurt="receipts")
    (task, *_rest) = hall.tasks
    told = _all_at_once(hall, [task] * 50)
    assert told != [(303, task.key)] * 50
    assert Counter(status for status, _ in told)[409] == 49
    assert _sums(hall.live)["receipts"] == 0


def test_a_crowd_of_writers_is_served_to_the_last(
    make_hall: Callable[..., Hall],
) -> None:
    hall = make_hall(4)
    crowd = _serve_everybody(hall)
    assert crowd.refused == []
    assert len(crowd.acknowledged) == len(hall.tasks)
    _demand_whole(hall, crowd)


def test_without_the_lock_writers_lose(make_hall: Callable[..., Hall]) -> None:
    """The control: readers that turn into writers trip over one another."""
    crowd = _serve_everybody(make_hall(4, hurt="lock"))
    assert {status for _task, status in crowd.refused} & {500, 503}


def _serve_everybody(hall: Hall) -> Crowd:
    crowd = hall.crowd()
    with crowd.at_work(GUARDS, hall.form):
        end = time.monotonic() + 30
        while not crowd.tasks.empty() and time.monotonic() < end:
            time.sleep(0.05)
    assert crowd.unanswered == []
    return crowd
