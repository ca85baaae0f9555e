"""Home, tasks, the duty board, search."""

from collections.abc import Sequence

from flask import Blueprint, Response, g, request

from casefield.board import queries
from casefield.checks.queries import list_open_findings
from casefield.core import clock
from casefield.core.policy import LEADING, MANAGING
from casefield.core.web import greeting, render, site_zone, today
from casefield.patrol.queries import rounds as patrol
from casefield.patrol.queries.records import search_check_ins
from casefield.people import queries as people
from casefield.sites import queries as sites

blueprint = Blueprint("board", __name__)
SHORTEST_SEARCH = 1


def _tasks(limit: int) -> queries.MyTasks:
    return queries.my_tasks(
        g.actor.site_id, g.actor.person_id, site_zone(), clock.now(), limit
    )


@blueprint.get("/")
def home() -> Response:
    """Show my next three tasks, by post and time."""
    return render(
        "board/home.html",
        "board/_tasks.html",
        tasks=_tasks(3),
        greeting=greeting(clock.now(), sites.greeting_bands(g.actor.site_id)),
        manages=g.actor.role in MANAGING.roles,
        waits=queries.attention(clock.now()) if g.actor.role in LEADING.roles else None,
    )


@blueprint.get("/tasks")
def tasks() -> Response:
    return render("board/tasks.html", tasks=_tasks(20))


@blueprint.get("/board")
def duty_board() -> Response:
    """Show what is late and missed now, and the day's rounds as grids."""
    now = clock.now()
    late = queries.late_now(now)
    missed = patrol.standing_misses()
    findings = list_open_findings()
    on_duty = people.on_duty(g.actor.site_id, site_zone(), now)
    return render(
        "board/duty_board.html",
        "board/_board.html",
        at=now,
        late=late,
        missed=missed,
        findings=findings,
        on_duty=on_duty,
        grids=queries.day_grids(today(), now),
        damaged=sites.damaged_codes(),
    )


@blueprint.get("/search")
def search() -> Response:
    text = request.args.get("q", "").strip()[:60]
    found: dict[str, Sequence[object]] = {"people": [], "places": [], "records": []}
    if len(text) >= SHORTEST_SEARCH:
        found = {
            "people": people.search_people(text),
            "places": sites.search_places(text),
            "records": search_check_ins(text),
        }
    return render("board/search.html", q=text, found=found)
