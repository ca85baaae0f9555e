"""Tries are counted in the database: over processes, and they come back with time."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from casefield.core import throttle
from tests.conftest import ROOT
from tests.factories import ground

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


def _take(key="a", at=NOW, capacity=3, per_hour=6.0):
    with ground():
        return throttle.take(key, at, capacity=capacity, per_hour=per_hour)


@pytest.mark.usefixtures("app")
class TestBucket:
    def test_it_holds_so_many_tries(self):
        assert [_take() > 0 for _ in range(4)] == [False, False, False, True]

    def test_a_refused_try_says_how_long_to_wait_and_takes_nothing(self):
        for _ in range(3):
            _take()
        assert [_take(), _take()] == [600.0, 600.0]
        assert _take(at=NOW + timedelta(seconds=599)) == pytest.approx(1.0)
        assert _take(at=NOW + timedelta(seconds=600)) == 0.0

    def test_tries_come_back_up_to_the_capacity(self):
        for _ in range(3):
            _take()
        later = NOW + timedelta(days=30)
        assert [_take(at=later) > 0 for _ in range(4)] == [False, False, False, True]

    def test_keys_do_not_share_tries(self):
        for _ in range(4):
            _take("a")
        assert _take("b") == 0.0

    def test_a_clock_set_back_gives_nothing_away(self):
        for _ in range(3):
            _take()
        assert _take(at=NOW - timedelta(days=1)) > 0

    def test_a_cleared_bucket_is_full(self):
        for _ in range(4):
            _take()
        with ground():
            throttle.clear("a")
        assert [_take() > 0 for _ in range(4)] == [False, False, False, True]
        with ground():
            throttle.clear("never used")


def test_many_threads_at_once_get_the_capacity_and_no_error(fresh_app):
    def one(_number):
        with ground(app=fresh_app):
            return throttle.take("a", NOW, capacity=5, per_hour=1.0) == 0.0

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(32))) == 5


SCRIPT = """
import sys
from pathlib import Path
from tests.conftest import build
from tests.core.test_throttle import NOW
from tests.factories import ground
from casefield.core import throttle
app = build(Path(sys.argv[1]), sys.argv[2])
sys.stdin.readline()
taken = 0
for _ in range(20):
    with ground(app=app):
        taken += throttle.take("a", NOW, capacity=7, per_hour=1.0) == 0.0
print(taken)
"""


@pytest.mark.fault
def test_two_processes_share_one_bucket(fresh_app):
    settings = fresh_app.config["SETTINGS"]
    command = [sys.executable, "-c", SCRIPT, str(settings.data), settings.database_url]
    both = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    taken = [int(process.communicate("go\n", timeout=60)[0]) for process in both]
    assert sum(taken) == 7
