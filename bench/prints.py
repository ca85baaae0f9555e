"""CF-01 through the app against bare WeasyPrint on the same HTML."""

import time
from collections.abc import Callable

from flask import Flask
from weasyprint import HTML

from bench.figures import Figure
from bench.rounds import Side, alternate
from casefield.core import pdf

ROUNDS = 6


def measure(app: Flask, html: Callable[[], str]) -> list[Figure]:
    """Compare both for the same filled form."""
    with app.app_context():
        page = html()
        bare = _timed(lambda: _bare(page))
        ours = _timed(lambda: _ours(html))
        for warm_up in (bare, ours):
            warm_up()
        pair = alternate(ours, bare, rounds=ROUNDS)
    return [pair.figure("pdf_cf01", "s")]


def _ours(html: Callable[[], str]) -> None:
    """Fill the template and lay it out, as the first reader of a form causes."""
    pdf.recent_prints.clear()
    pdf.render_pdf(html())


def _bare(page: str) -> None:
    """Lay out the finished page; only our own style sheets are let through."""
    HTML(string=page, url_fetcher=pdf.locked_fetcher()).write_pdf()


def _timed(work: Callable[[], object]) -> Side:
    def sample() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return sample
