"""The rota: the week as a grid, one person's day, who is on duty now."""

from collections.abc import Sequence
from datetime import date, timedelta

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock, policy
from casefield.core.confirm import confirm_first
from casefield.core.errors import DomainError, NotFound
from casefield.core.fields import label as _l
from casefield.core.receipts import accept
from casefield.core.web import notice, render, today
from casefield.people import queries, services
from casefield.people.forms import (
    Choices,
    ClosedDayForm,
    RotaForm,
    StandInForm,
    people_choices,
    post_choices,
)
from casefield.people.models import Person, RotaEntry
from casefield.people.policy import OFF_ROTA, POLICY
from casefield.people.views.blueprint import blueprint

WEEK = timedelta(days=7)
ONE_DAY = timedelta(days=1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _day_of(told: str) -> date:
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise NotFound from None


def week_url(day: date) -> str:
    return url_for("people.rota_week", week=_monday(day).isoformat())


@blueprint.get("/rota")
def rota_week() -> Response:
    told = request.args.get("week")
    return week_page(_day_of(told) if told else today(), ClosedDayForm())


def week_page(day: date, closing: ClosedDayForm, status: int = 200) -> Response:
    """Show the week of a day, with the form that closes one of its days."""
    monday = _monday(day)
    return render(
        "people/rota_week.html",
        week=queries.rota_week(monday),
        monday=monday,
        today=today(),
        on_duty=queries.on_duty(g.site.id, g.zone, clock.now()),
        shifts=queries.list_shifts(),
        earlier=week_url(monday - WEEK),
        later=week_url(monday + WEEK),
        may_plan=policy.may(POLICY, g.actor.role, "people.rota_plan"),
        closing=closing,
        status=status,
    )


@blueprint.get("/rota/<person_id>/<on_day>")
def rota_cell(person_id: str, on_day: str) -> Response:
    return _cell_page(queries.find_person(person_id), _day_of(on_day), None)


def _cell_page(
    person: Person,
    day: date,
    form: RotaForm | None,
    status: int = 200,
    handing: StandInForm | None = None,
) -> Response:
    held = queries.held_on(person, day)
    if form is None:
        # somebody with one post works there; of several, the planner names one
        form = RotaForm(data={"post": held[0].public_id if len(held) == 1 else ""})
    own = {post.id for post in held}
    others = [post for post in queries.list_posts() if post.id not in own]
    colleagues = [
        other
        for other in queries.list_people(day)
        if other.id != person.id and other.role not in OFF_ROTA
    ]
    near = queries.rota_between(day - 2 * ONE_DAY, day + 2 * ONE_DAY)
    entries = [e for e in near if e.person_id == person.id and e.on_day == day]
    return render(
        "people/rota_cell.html",
        person=person,
        day=day,
        entries=entries,
        stand_ins={e.id: _stand_ins(e, colleagues, near) for e in entries},
        handing=handing,
        absent=people_choices(colleagues, none=_("不是替班")),
        shifts=queries.list_shifts(),
        own_posts=post_choices(held),
        other_posts=post_choices(others),
        form=form,
        closed=day in queries.closed_days(g.site.id, day, day),
        week_url=week_url(day),
        status=status,
    )


def _minutes(entry: RotaEntry, day: date) -> tuple[int, int]:
    """Tell begin and end of a planned shift in minutes from the midnight of a day."""
    midnight = (entry.on_day - day).days * 24 * 60
    begins = entry.shift_template.start_minutes - entry.post.starts_early_minutes
    return midnight + begins, midnight + entry.shift_template.end_minutes


def _stand_ins(
    entry: RotaEntry, colleagues: Sequence[Person], near: Sequence[RotaEntry]
) -> Choices:
    """List who could work a shift instead: holders of its post who are free first."""
    begins, ends = _minutes(entry, entry.on_day)
    busy = set()
    for other in near:
        since, until = _minutes(other, entry.on_day)
        if since < ends and begins < until:
            busy.add(other.person_id)
    groups: dict[str, list[Person]] = {
        _("本岗位、有空"): [],
        _("其他岗位、有空"): [],
        _("那段时间已排班"): [],
    }
    own, free, taken = groups.values()
    for person in colleagues:
        held = {post.id for post in queries.held_on(person, entry.on_day)}
        group = own if entry.post_id in held else free
        (taken if person.id in busy else group).append(person)
    found: Choices = [("", _("请选择"))]
    return found + [
        (words, people_choices(people)) for words, people in groups.items() if people
    ]


@blueprint.post("/rota/<person_id>/<on_day>")
def rota_plan(person_id: str, on_day: str) -> Response:
    day = _day_of(on_day)
    form = RotaForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                instead_of = form.stands_in_for.data
                services.plan_shift(
                    queries.find_person(person_id),
                    day,
                    queries.find_shift(form.shift.data),
                    queries.find_post(form.post.data),
                    queries.find_person(instead_of) if instead_of else None,
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(week_url(day))
        except DomainError as refusal:
            if refusal.status != 422:
                raise
            form.form_errors.append(str(refusal))
        else:
            return answer.response
    return _cell_page(queries.find_person(person_id), day, form, 422)


@blueprint.post("/rota/entries/<public_id>/remove")
@confirm_first(
    _l("取消这一班？"),
    _l("这个人这一班不再在岗，看不到这一班的任务。岗位没有别人时，巡视就没有人做。"),
    _l("取消这一班"),
)
def rota_remove(public_id: str) -> Response:
    with accept() as answer:
        entry = queries.find_rota_entry(public_id)
        answer.see(week_url(entry.on_day))
        services.remove_shift(entry, g.actor, clock.now())
    return answer.response


@blueprint.post("/rota/entries/<public_id>/stand-in")
def rota_stand_in(public_id: str) -> Response:
    """Let somebody else work a planned shift."""
    form = StandInForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                entry = queries.find_rota_entry(public_id)
                stand_in = queries.find_person(form.person.data)
                services.stand_in(entry, stand_in, g.actor, clock.now())
                answer.see(week_url(entry.on_day))
        except DomainError as refusal:
            if refusal.status != 422:
                raise
            form.refuse("person", str(refusal))
        else:
            notice(_("已换成 %(name)s 上这一班。", name=stand_in.name))
            return answer.response
    entry = queries.find_rota_entry(public_id)
    person = queries.find_person(entry.person.public_id)
    return _cell_page(person, entry.on_day, None, 422, form)


@blueprint.post("/rota/copy")
def rota_copy() -> Response:
    """Plan a week as the one before it was."""
    monday = _monday(_day_of(request.form.get("week", "")))
    with accept() as answer:
        added = services.copy_week(monday, monday - WEEK, g.actor, clock.now())
        answer.see(week_url(monday))
    if added:
        notice(_("照上周排了 %(n)s 班，已有的没有动。", n=added))
    else:
        notice(_("上周没有可以照搬的班，或这一周都排好了。"))
    return answer.response
