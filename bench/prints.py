"""CF-01 through the app against bare WeasyPrint on the same HTML."""

import time
from collections.abc import Callable

from flask import Flask
from weasyprint import HTML

from bench.figures import Figure
from bench.rounds import Side, alternate
from casefield.core import pdf
from casefield.core.pdf import FormHead, Signature
from casefield.patrol import prints

ROUNDS = 8
WALKS = 2
POINTS = 20


def measure(app: Flask) -> list[Figure]:
    """Compare both for the same filled form."""
    with app.test_request_context():
        page = pdf.print_html(prints.TEMPLATE, sheet())
        bare = _timed(lambda: _bare(page))
        ours = _timed(_ours)
        for warm_up in (bare, ours):
            warm_up()
        pair = alternate(ours, bare, rounds=ROUNDS)
    return [pair.figure("pdf_cf01", "s")]


def sheet() -> prints.PatrolSheet:
    """Return a sheet of two rounds of twenty points, with a miss and a late one."""
    outcomes = {3: prints.Outcome.MISSED, 8: prints.Outcome.LATE}
    lines = [
        prints.SheetLine(
            round_no=walk,
            checkpoint_code=f"X{point:02}",
            checkpoint_name=f"东门外围 {point}",
            due=f"{8 + walk:02}:{point:02}",
            outcome=outcomes.get(point, prints.Outcome.ON_TIME),
            signed="" if point == 3 else f"{8 + walk:02}:{point + 1:02}",
            mark=prints.Mark.NORMAL,
            person="王值守",
            starts_round=point == 1,
        )
        for walk in range(1, WALKS + 1)
        for point in range(1, POINTS + 1)
    ]
    head = FormHead(prints.FORM_CODE, prints.FORM_VERSION, "巡视签到表", "示范案场")
    return prints.PatrolSheet(
        form=head,
        head=prints.SheetHead(route_code="R1", route_name="外围路线"),
        lines=tuple(lines),
        signatures=(Signature("巡视人"), Signature("班（组）长检查")),
    )


def _ours() -> None:
    """Fill the template and lay it out, as the first reader of a form causes."""
    pdf.recent_prints.clear()
    pdf.render_print(prints.TEMPLATE, sheet())


def _bare(page: str) -> None:
    """Lay out the finished page; only our own style sheets are let through."""
    HTML(string=page, url_fetcher=pdf.locked_fetcher()).write_pdf()


def _timed(work: Callable[[], object]) -> Side:
    # Layout runs in one thread and waits for nothing, so its processor time is the
    # whole of it, whatever else the machine does.
    def sample() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return sample
