"""A round: its points, handing it over and in, answering for what was missed."""

from datetime import date, timedelta

from flask import Response, flash, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.db import db
from casefield.core.errors import DomainError, NotAllowed
from casefield.core.policy import LEADING
from casefield.core.receipts import accept
from casefield.core.web import render, site_zone, today
from casefield.patrol.forms import CommentForm, HandOverForm
from casefield.patrol.models import Round
from casefield.patrol.queries import rounds as queries
from casefield.patrol.services import rounds as services
from casefield.patrol.views.blueprint import blueprint
from casefield.people import queries as people


def read_day(told: str | None) -> date:
    """Read a day from an address; today when there is none or it is no day."""
    try:
        return date.fromisoformat(told or "")
    except ValueError:
        return today()


@blueprint.get("")
def day_view() -> Response:
    """Show a day's rounds, route by route, as grids of point and round."""
    day, now = read_day(request.args.get("day")), clock.now()
    routes = [
        (route, queries.rounds_of_day(route.id, day, now))
        for route in queries.list_routes()
    ]
    return render(
        "patrol/day_view.html",
        "patrol/_day.html",
        day=day,
        routes=routes,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today() else None,
    )


@blueprint.get("/rounds/<public_id>")
def round_view(public_id: str) -> Response:
    progress = queries.get_progress(public_id, clock.now())
    return render(
        "patrol/round_view.html",
        "patrol/_round.html",
        progress=progress,
        round=progress.round,
        misses=queries.misses_of(progress.round.id),
    )


def _demand_mine(round_: Round) -> None:
    """A round is handed in or over by whoever walks it, or by a lead."""
    mine = round_.person_id in {None, g.actor.person_id}
    if not mine and g.actor.role not in LEADING.roles:
        raise NotAllowed


@blueprint.post("/rounds/<public_id>/close")
def round_close(public_id: str) -> Response:
    with accept() as answer:
        round_ = queries.get_round(public_id, for_write=True)
        _demand_mine(round_)
        services.close_round(round_, g.actor, clock.now())
        answer.see(url_for("patrol.round_view", public_id=public_id))
    return answer.response


def _colleagues() -> list[tuple[str, str]]:
    now = clock.now()
    return [
        (duty.person_public_id, f"{duty.name} · {duty.post_name}")
        for duty in people.on_duty(g.actor.site_id, site_zone(), now)
        if duty.person_id != g.actor.person_id
    ]


@blueprint.route("/rounds/<public_id>/hand-over", methods=["GET", "POST"])
def round_hand_over(public_id: str) -> Response:
    form = HandOverForm(request.form)
    form.person.choices = _colleagues()
    if request.method == "POST":
        valid = form.validate()
        db.session.rollback()
        if valid:
            with accept() as answer:
                round_ = queries.get_round(public_id, for_write=True)
                _demand_mine(round_)
                to = people.find_person(form.person.data)
                services.hand_over_round(round_, to, g.actor, clock.now())
                answer.see(url_for("patrol.round_view", public_id=public_id))
            flash(_("这一轮已交给 %(name)s。", name=to.name), "success")
            return answer.response
    return render(
        "patrol/round_hand_over.html",
        form=form,
        progress=queries.get_progress(public_id, clock.now()),
        status=422 if form.errors else 200,
    )


@blueprint.post("/routes/<public_id>/extra")
def extra_begin(public_id: str) -> Response:
    """Begin an extra round; from a point it goes straight on to that point."""
    now = clock.now()
    with accept() as answer:
        route = queries.get_route(public_id)
        round_ = services.begin_extra_round(route, site_zone(), g.actor, now)
        code = request.form.get("code")
        if code:
            answer.see(url_for("scan.place_view", code=code))
        else:
            answer.see(url_for("patrol.round_view", public_id=round_.public_id))
    flash(_("加巡已开始，不计入考核。"), "success")
    return answer.response


@blueprint.route("/rounds/<public_id>/misses", methods=["GET", "POST"])
def miss_close(public_id: str) -> Response:
    """Answer for the points that a round missed: a person, a comment."""
    form = CommentForm(request.form)
    if request.method == "POST" and form.validate():
        with accept() as answer:
            round_ = queries.get_round(public_id)
            standing = [m.id for m in queries.misses_of(round_.id) if not m.closed_at]
            if not standing:
                raise DomainError(str(_("这一轮的漏巡都已处理过了。")))
            comment = form.comment.data or ""
            services.close_misses(standing, comment, g.actor, clock.now())
            answer.see(url_for("board.duty_board"))
        flash(_("漏巡已处理，记录仍在。"), "success")
        return answer.response
    progress = queries.get_progress(public_id, clock.now())
    return render(
        "patrol/miss_close.html",
        form=form,
        progress=progress,
        misses=queries.misses_of(progress.round.id),
        status=422 if form.errors else 200,
    )
