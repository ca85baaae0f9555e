"""Figures: done, late, missed, longest gap; each opens the lines behind it."""

from datetime import timedelta

from flask import Response, request

from casefield.core.web import render, today
from casefield.patrol.queries.figures import By, figures
from casefield.patrol.views.blueprint import blueprint
from casefield.patrol.views.rounds import read_day


@blueprint.get("/figures")
def figures_view() -> Response:
    told = request.args.get("by", "")
    by = By(told) if told in set(By) else By.ROUTE
    until = read_day(request.args.get("until"))
    since = today() - timedelta(days=6)
    if request.args.get("since"):
        since = read_day(request.args["since"])
    since = min(since, until)
    return render(
        "patrol/figures_view.html",
        by=by,
        since=since,
        until=until,
        figures=figures(by, since, until),
    )
