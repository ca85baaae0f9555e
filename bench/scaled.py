"""The check-in list at ten million check-ins over ten thousand, on both databases."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import sqlalchemy as sa
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

SMALL, LARGE = 10_000, 10_000_000
ROUNDS = 16
CALLS = 40
#: Sites asked in turn at the large size, so that not one part of the index is warm.
ASKED_SITES = 24


@dataclass
class Lists:
    """The list page of several sites of one database, and its own statement."""

    app: Flask
    pages: list[Callable[[], bytes]] = field(default_factory=list)
    statements: list[tuple[str, Any]] = field(default_factory=list)

    def page_ms(self) -> float:
        """Return the median time of a page of a random site."""

        def ask() -> None:
            random.choice(self.pages)()

        return _median_ms(ask)

    def statement_ms(self) -> float:
        """Return the median time of the list's statement with all its rows."""
        with self.app.app_context(), db.engine.connect() as connection:
            raw = connection.connection.cursor()

            def ask() -> None:
                raw.execute(*random.choice(self.statements))
                raw.fetchall()

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
    statements = alternate(large.statement_ms, small.statement_ms, rounds=ROUNDS)
    _dispose(large, small)
    return [
        _named(pages, f"round_list_10m_page_{database}"),
        _named(statements, f"round_list_10m_statement_{database}"),
    ]


def _named(pair: Pair, name: str) -> Figure:
    return pair.figure(name, "ms")


def _lists(rows: int, address: str) -> Lists:
    """Build the app at one size and find out what its list asks the database."""
    app = _app(rows, address)
    lists = Lists(app)
    for site in range(1, min(ASKED_SITES, fill.SIZES[rows].sites) + 1):
        cookie = sign_in(app, site, 0)
        asked: list[tuple[str, Any]] = []
        with app.app_context():
            engine = db.engine

        def note(_c: Any, _k: Any, statement: str, values: Any, *_: Any) -> None:
            asked.append((statement, values))  # noqa: B023 -- removed within this turn

        sa.event.listen(engine, "before_cursor_execute", note)
        lists.pages.append(caller(app, House.list_path, cookie))
        sa.event.remove(engine, "before_cursor_execute", note)
        lists.statements.append(_list_statement(asked))
    return lists


def _app(rows: int, server: str) -> Flask:
    port = free_port()
    if server:
        address = filled_postgres(rows, server)
        settings = environment(KEPT / "postgres", port, address)
    else:
        settings = environment(filled_sqlite(rows, trail=False), port)
    return create_app(Settings.from_env(settings))


def _list_statement(asked: list[tuple[str, Any]]) -> tuple[str, Any]:
    found = [one for one in asked if "FROM check_in" in " ".join(one[0].split())]
    if not found:
        raise RuntimeError("the page of check-ins does not ask for check-ins")
    return found[-1]


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
