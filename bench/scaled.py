"""The check-in list at ten million check-ins over ten thousand, on both databases."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from zoneinfo import ZoneInfo

from flask import Flask

from bench import fill, postgres
from bench.figures import Figure
from bench.house import House, environment, filled_postgres, filled_sqlite, sign_in
from bench.inside import caller
from bench.rounds import Pair, alternate
from bench.serving import free_port
from bench.workshop import KEPT
from casefield import create_app
from casefield.config import Settings
from casefield.core.db import db
from casefield.core.scope import at_site
from casefield.patrol.queries.records import PAGE, Filter, list_check_ins

SMALL, LARGE = 10_000, 10_000_000
ZONE = ZoneInfo("Asia/Shanghai")
ROUNDS = 16
CALLS = 40
#: Sites asked in turn at the large size, so that not one part of the index is warm.
ASKED_SITES = 24


@dataclass
class Lists:
    """The list of several sites of one database: as a page, and its rows alone."""

    app: Flask
    pages: list[Callable[[], bytes]] = field(default_factory=list)

    def page_ms(self) -> float:
        """Return the median time of a page of a random site."""

        def ask() -> None:
            random.choice(self.pages)()

        return _median_ms(ask)

    def rows_ms(self) -> float:
        """Return the median time of reading the newest rows of a random site."""

        def ask() -> None:
            site = random.randint(1, len(self.pages))
            with at_site(site):
                rows, _ = list_check_ins(Filter(), ZONE, None)
            if len(rows) != PAGE:
                raise RuntimeError(f"site {site} shows {len(rows)} rows")

        with self.app.app_context():
            return _median_ms(ask)


def measure() -> list[Figure]:
    """Compare both sizes on SQLite and on PostgreSQL; the worse one counts."""
    figures = _compare("sqlite", "")
    with postgres.running() as address:
        figures += _compare("postgresql", address)
    pages = [f for f in figures if f.name.startswith("round_list_10m_page")]
    worst = max(pages, key=lambda figure: figure.judged)
    named = Figure(
        "round_list_10m", worst.ours, worst.unit, worst.ratio, worst.floor, worst.spread
    )
    return [named, *figures]


def _compare(database: str, address: str) -> list[Figure]:
    large, small = _lists(LARGE, address), _lists(SMALL, address)
    pages = alternate(large.page_ms, small.page_ms, rounds=ROUNDS)
    rows = alternate(large.rows_ms, small.rows_ms, rounds=ROUNDS)
    _dispose(large, small)
    return [
        _named(pages, f"round_list_10m_page_{database}"),
        _named(rows, f"round_list_10m_rows_{database}"),
    ]


def _named(pair: Pair, name: str) -> Figure:
    return pair.figure(name, "ms")


def _lists(rows: int, address: str) -> Lists:
    """Build the app at one size and sign somebody in at each site that is asked."""
    lists = Lists(_app(rows, address))
    for site in range(1, min(ASKED_SITES, fill.SIZES[rows].sites) + 1):
        cookie = sign_in(lists.app, site, 0)
        lists.pages.append(caller(lists.app, House.list_path, cookie))
    return lists


def _app(rows: int, server: str) -> Flask:
    port = free_port()
    if server:
        address = filled_postgres(rows, server)
        settings = environment(KEPT / "postgres", port, address)
    else:
        settings = environment(filled_sqlite(rows, trail=False), port)
    return create_app(Settings.from_env(settings))


def _median_ms(ask: Callable[[], object]) -> float:
    samples = []
    for _ in range(CALLS):
        began = time.perf_counter()
        ask()
        samples.append((time.perf_counter() - began) * 1000)
    return median(samples)


def _dispose(*both: Lists) -> None:
    for lists in both:
        with lists.app.app_context():
            db.engine.dispose()
