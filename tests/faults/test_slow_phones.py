"""The real site on its embedded default: slow phones keep no guard waiting."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.visitor import Visitor, forms_of
from tests.browser.live import GUARD, PASSWORD, Live, copy_of, make_demo
from tests.faults.test_slow_clients import HEAD, PROMPT, ask, dripping

pytestmark = pytest.mark.fault
PHONES = 200
# One that the application reads to its end before it answers.
FORM = (
    "POST /sign-in HTTP/1.1\r\nHost: localhost:{0}\r\nOrigin: http://localhost:{0}\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4096\r\n\r\n"
)
PLAIN = (
    "-m granian --interface wsgi --workers 2 --blocking-threads 2 --backpressure 2048"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo") / "data")


@contextmanager
def served(demo: Path, folder: Path, *, buffered: bool = True) -> Iterator[Live]:
    live = Live(copy_of(demo, folder / "data"), CASEFIELD_WORKERS="2")
    if not buffered:
        words = [*PLAIN.split(), "--port", str(live.port), "wsgi:app"]
        live.command = [sys.executable, *words]
    live.start()
    try:
        yield live
    finally:
        live.kill()


@contextmanager
def signed_in(live: Live) -> Iterator[Visitor]:
    with Visitor(live.url) as visitor:
        page = visitor.get("/sign-in").text
        (form,) = [each for each in forms_of(page) if "password" in each.names]
        values = form.values | {"staff_no": GUARD, "password": PASSWORD}
        assert visitor.post("/sign-in", values).status == 303
        yield visitor


def codes_to_scan(live: Live) -> list[str]:
    """Return what hangs at the points of the guard's open round, in order."""
    found = live.sql(
        "select w.code from round r join round_stop s on s.round_id = r.id"
        " join checkpoint c on c.id = s.checkpoint_id"
        " join wall_code w on w.place_id = c.place_id and w.revoked_at is null"
        " where r.id = (select r.id from round r join route o on o.id = r.route_id"
        "  where o.code = 'R-DAY' and r.starts_at <= ?"
        "  order by r.starts_at desc limit 1)"
        " and not exists (select * from check_in i where i.round_id = r.id"
        "  and i.checkpoint_id = c.id) order by s.ordinal",
        f"{live.now:%Y-%m-%d %H:%M:%S}",
    )
    return [str(code) for (code,) in found]


def check_in(visitor: Visitor, code: str) -> None:
    page = visitor.get(f"/q/{code}").text
    found = [each for each in forms_of(page) if each.action.endswith("/check-in")]
    assert len(found) == 1, page
    (form,) = found
    answers = {
        name: "normal"
        for name in form.names
        if name.startswith("line-") and name.removeprefix("line-").isdigit()
    }
    answer = visitor.post(form.action, form.values | answers)
    assert answer.status == 303, answer.text[:2000]


def longest_wait(live: Live, visitor: Visitor) -> float:
    """Ask for the site's health and check in, point after point."""
    before = live.one("select count(*) from check_in")
    longest = 0.0
    codes = codes_to_scan(live)
    assert len(codes) >= 3
    for code in codes:
        begun = time.monotonic()
        assert visitor.get("/healthz").status == 200
        middle = time.monotonic()
        check_in(visitor, code)
        longest = max(longest, middle - begun, time.monotonic() - middle)
    assert live.one("select count(*) from check_in") == before + len(codes)
    return longest


@pytest.mark.parametrize("opening", [HEAD.decode(), FORM], ids=["heads", "bodies"])
def test_guard_checks_in_among_slow_phones(
    demo: Path, tmp_path: Path, opening: str
) -> None:
    with (
        served(demo, tmp_path) as live,
        signed_in(live) as visitor,
        dripping(live.port, opening.format(live.port).encode(), PHONES),
    ):
        assert longest_wait(live, visitor) < PROMPT


def test_without_buffering_the_guard_waits_in_vain(demo: Path, tmp_path: Path) -> None:
    with served(demo, tmp_path, buffered=False) as live:
        with signed_in(live) as visitor:
            check_in(visitor, codes_to_scan(live)[0])
        opening = FORM.format(live.port).encode()
        with dripping(live.port, opening, PHONES), pytest.raises(TimeoutError):
            ask(live.port, "GET", "/healthz")
