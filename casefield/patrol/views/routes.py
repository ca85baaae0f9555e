"""Editors of checkpoints, routes and plans."""

from flask import Response, flash, g, request, url_for
from flask_babel import gettext as _

from casefield.checks import queries as checks
from casefield.checks import services as check_services
from casefield.core import clock
from casefield.core.confirm import confirm_first
from casefield.core.db import db
from casefield.core.errors import DomainError, NotFound
from casefield.core.fields import label as _l
from casefield.core.receipts import accept
from casefield.core.web import render
from casefield.patrol.forms import CheckpointForm, PlanForm, RouteForm, read_stops
from casefield.patrol.models import Plan, Route
from casefield.patrol.queries import routes as queries
from casefield.patrol.queries.rounds import get_route, list_routes
from casefield.patrol.services import routes as services
from casefield.patrol.views.blueprint import blueprint
from casefield.people import queries as people
from casefield.sites import queries as sites


@blueprint.get("/routes")
def route_list() -> Response:
    now = clock.now()
    routes = [(route, services.current_plans(route, now)) for route in list_routes()]
    return render(
        "patrol/route_list.html", routes=routes, checkpoints=queries.list_checkpoints()
    )


@blueprint.route("/routes/new", methods=["GET", "POST"])
def route_new() -> Response:
    form = RouteForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            with accept() as answer:
                route = services.make_route(
                    form.code.data or "", form.name.data or "", g.actor, clock.now()
                )
                answer.see(url_for("patrol.route_edit", public_id=route.public_id))
        except services.CodeTaken as refusal:
            form.refuse("code", str(refusal))
        else:
            return answer.response
    return render(
        "patrol/route_new.html", form=form, status=422 if form.errors else 200
    )


def _route_page(route: Route, form: RouteForm, wrong: list[str]) -> Response:
    form.form_errors.extend(wrong)
    rows = [
        (stop.checkpoint.public_id, str(stop.offset_minutes)) for stop in route.stops
    ]
    if wrong:
        fields = request.form
        rows = list(zip(fields.getlist("stop"), fields.getlist("offset"), strict=False))
    return render(
        "patrol/route_edit.html",
        route=route,
        form=form,
        rows=rows,
        plans=services.current_plans(route, clock.now()),
        checkpoints=queries.list_checkpoints(),
        status=422 if wrong or form.errors else 200,
    )


@blueprint.route("/routes/<public_id>", methods=["GET", "POST"])
def route_edit(public_id: str) -> Response:
    if request.method == "GET":
        route = get_route(public_id)
        form = RouteForm(data={"code": route.code, "name": route.name})
        return _route_page(route, form, [])
    form = RouteForm(request.form)
    wrong: list[str] = []
    try:
        with accept() as answer:
            route = get_route(public_id)
            points = {point.public_id: point for point in queries.list_checkpoints()}
            stops, wrong = read_stops(request.form, points)
            if not form.validate() or wrong:
                raise DomainError
            name = form.name.data or ""
            services.change_route(route, name, stops, g.actor, clock.now())
            answer.see(url_for("patrol.route_edit", public_id=public_id))
    except DomainError as refusal:
        if not wrong and not form.errors:
            wrong = [str(refusal)]
        return _route_page(get_route(public_id), form, wrong)
    flash(_("路线已保存，从还没开始的轮次起生效。"), "success")
    return answer.response


def _plan_form(route: Route) -> PlanForm:
    walk = route.stops[-1].offset_minutes if route.stops else 30
    return PlanForm(
        request.form or None,
        data={
            "days": list("0123456"),
            "first_start": 9 * 60,
            "last_start": 17 * 60,
            "period": 60,
            "early": 10,
            "start_grace": 10,
            "duration": max(walk, 1),
            "finish_grace": 10,
        },
    )


def _posts() -> dict[str, int]:
    return {post.public_id: post.id for post in people.list_posts()}


def _plan_page(route: Route, plan: Plan | None, form: PlanForm) -> Response:
    form.post.choices = [(post.public_id, post.name) for post in people.list_posts()]
    return render(
        "patrol/plan_edit.html",
        route=route,
        plan=plan,
        form=form,
        faults=services.FAULTS,
        status=422 if form.errors or form.form_errors else 200,
    )


@blueprint.route("/routes/<public_id>/plans/new", methods=["GET", "POST"])
def plan_new(public_id: str) -> Response:
    route = get_route(public_id)
    form = _plan_form(route)
    form.post.choices = [(key, key) for key in _posts()]
    if request.method == "POST" and form.validate():
        db.session.rollback()
        try:
            with accept() as answer:
                wish = form.wish(_posts()[form.post.data])
                services.make_plan(get_route(public_id), wish, g.actor, clock.now())
                answer.see(url_for("patrol.route_edit", public_id=public_id))
        except services.TimingWrong as refusal:
            form.form_errors.append(str(refusal))
            route = get_route(public_id)
        else:
            return answer.response
    return _plan_page(route, None, form)


def _filled(plan: Plan) -> PlanForm:
    return PlanForm(
        data={
            "name": plan.name,
            "post": plan.post.public_id,
            "days": [str(n) for n, on in enumerate(plan.weekdays) if on == "1"],
            "first_start": plan.first_start_minutes,
            "last_start": plan.last_start_minutes,
            "period": plan.period_minutes,
            "early": plan.early_minutes,
            "start_grace": plan.start_grace_minutes,
            "duration": plan.duration_minutes,
            "finish_grace": plan.finish_grace_minutes,
        }
    )


def _plan_of(route: Route, plan_id: str) -> Plan:
    for plan in route.plans:
        if plan.public_id == plan_id:
            return plan
    raise NotFound


@blueprint.route("/routes/<public_id>/plans/<plan_id>", methods=["GET", "POST"])
def plan_edit(public_id: str, plan_id: str) -> Response:
    route = get_route(public_id)
    plan = _plan_of(route, plan_id)
    form = PlanForm(request.form) if request.method == "POST" else _filled(plan)
    form.post.choices = [(key, key) for key in _posts()]
    if request.method == "POST" and form.validate():
        db.session.rollback()
        try:
            with accept() as answer:
                route = get_route(public_id)
                services.change_plan(
                    route,
                    _plan_of(route, plan_id),
                    form.wish(_posts()[form.post.data]),
                    g.actor,
                    clock.now(),
                )
                answer.see(url_for("patrol.route_edit", public_id=public_id))
        except services.TimingWrong as refusal:
            form.form_errors.append(str(refusal))
            route = get_route(public_id)
            plan = _plan_of(route, plan_id)
        else:
            flash(_("计划已更改，从还没开始的轮次起生效。"), "success")
            return answer.response
    return _plan_page(route, plan, form)


@blueprint.post("/routes/<public_id>/plans/<plan_id>/end")
@confirm_first(
    _l("停用这个计划？"),
    _l("还没开始的轮次会取消，以后不再排。走过的记录都在。"),
    _l("停用计划"),
)
def plan_end(public_id: str, plan_id: str) -> Response:
    with accept() as answer:
        route = get_route(public_id)
        services.end_plan(route, _plan_of(route, plan_id), g.actor, clock.now())
        answer.see(url_for("patrol.route_edit", public_id=public_id))
    flash(_("计划已停用，以前的记录都在。"), "success")
    return answer.response


@blueprint.post("/routes/<public_id>/retire")
@confirm_first(
    _l("停用这条路线？"),
    _l("还没开始的轮次会取消，以后不再排。走过的记录都在，停用后不能恢复。"),
    _l("停用路线"),
)
def route_retire(public_id: str) -> Response:
    with accept() as answer:
        services.retire_route(get_route(public_id), g.actor, clock.now())
        answer.see(url_for("patrol.route_list"))
    flash(_("路线已停用，以前的记录都在。"), "success")
    return answer.response


def _checkpoint_page(form: CheckpointForm, public_id: str | None) -> Response:
    form.place.choices = [
        (row.place.public_id, f"{row.place.code} {row.place.name}")
        for row in sites.list_places()
    ]
    return render(
        "patrol/checkpoint_edit.html",
        form=form,
        public_id=public_id,
        status=422 if form.errors or form.form_errors else 200,
    )


@blueprint.route("/checkpoints/new", methods=["GET", "POST"])
def checkpoint_new() -> Response:
    form = CheckpointForm(request.form)
    places = {row.place.public_id: row.place for row in sites.list_places()}
    form.place.choices = [(key, key) for key in places]
    db.session.rollback()
    if request.method == "POST" and form.validate():
        now = clock.now()
        try:
            with accept() as answer:
                checklist_id = None
                if form.line_pairs:
                    name = f"{form.code.data} {form.name.data}"
                    checklist_id = check_services.make_checklist(
                        name, form.line_pairs, g.actor, now
                    ).id
                services.make_checkpoint(
                    form.code.data or "",
                    form.name.data or "",
                    places[form.place.data],
                    checklist_id,
                    g.actor,
                    now,
                )
                answer.see(url_for("patrol.route_list"))
        except services.CodeTaken as refusal:
            form.refuse("code", str(refusal))
        else:
            return answer.response
    return _checkpoint_page(form, None)


@blueprint.route("/checkpoints/<public_id>", methods=["GET", "POST"])
def checkpoint_edit(public_id: str) -> Response:
    if request.method == "GET":
        return _checkpoint_page(_checkpoint_form(public_id), public_id)
    form = CheckpointForm(request.form)
    form.place.choices = [(request.form.get("place", ""), "")]
    if not form.validate():
        return _checkpoint_page(form, public_id)
    now = clock.now()
    with accept() as answer:
        point = queries.get_checkpoint(public_id)
        name, pairs = form.name.data or "", form.line_pairs
        checklist_id = point.checklist_id if pairs else None
        if pairs and point.checklist is not None:
            whole = checks.get_checklist(point.checklist.public_id)
            title = f"{point.code} {name}"
            check_services.revise_checklist(whole, title, pairs, g.actor, now)
        elif pairs:
            checklist_id = check_services.make_checklist(
                f"{point.code} {name}", pairs, g.actor, now
            ).id
        services.change_checkpoint(point, name, checklist_id, g.actor, now)
        answer.see(url_for("patrol.route_list"))
    flash(_("点位已保存，旧记录仍按当时的内容显示。"), "success")
    return answer.response


def _checkpoint_form(public_id: str) -> CheckpointForm:
    point = queries.get_checkpoint(public_id)
    rows: list[str] = []
    if point.checklist is not None:
        newest = checks.get_checklist(point.checklist.public_id).versions[-1]
        rows = [
            f"{line.name}：{line.standard}" if line.standard else line.name
            for line in newest.lines
        ]
    return CheckpointForm(
        data={
            "code": point.code,
            "name": point.name,
            "place": point.place.public_id,
            "lines": "\n".join(rows),
        }
    )
