"""Posts, shifts and closed days."""

from datetime import date

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.confirm import confirm_first
from casefield.core.errors import Conflict, DomainError, NotFound
from casefield.core.fields import label as _l
from casefield.core.receipts import accept
from casefield.core.web import notice, render, today
from casefield.people import queries, services
from casefield.people.forms import ClosedDayForm, PostForm, ShiftForm, post_choices
from casefield.people.models import Family, Post, ShiftTemplate
from casefield.people.views.blueprint import blueprint
from casefield.people.views.rota import week_page, week_url

FAMILIES = {
    Family.SERVICE: _l("案场服务岗"),
    Family.BASE: _l("案场基础作业岗"),
    Family.MANAGEMENT: _l("案场管理"),
    Family.NIGHT: _l("晚班"),
}


@blueprint.get("/posts")
def post_list() -> Response:
    return _list_page(ClosedDayForm())


def _list_page(form: ClosedDayForm, status: int = 200) -> Response:
    posts = queries.list_posts()
    return render(
        "people/post_list.html",
        posts=posts,
        by_id={post.id: post for post in posts},
        families=FAMILIES,
        holders=queries.holders(today()),
        shifts=queries.list_shifts(retired=True),
        closed=queries.list_closed_days(today()),
        form=form,
        status=status,
    )


def _post_page(form: PostForm, post: Post, status: int = 200) -> Response:
    others = [other for other in queries.list_posts() if other.id != post.id]
    form.reports_to.choices = post_choices(others, none=_("没有上级岗位"))
    form.follows.choices = post_choices(others, none=_("有自己的标准"))
    return render("people/post_form.html", form=form, post=post, status=status)


@blueprint.get("/posts/<public_id>")
def post_edit(public_id: str) -> Response:
    post = queries.find_post(public_id)
    names = {other.id: other.public_id for other in queries.list_posts()}
    form = PostForm(
        data={
            "name": post.name,
            "name_en": post.name_en,
            "reports_to": names.get(post.reports_to_id or 0, ""),
            "follows": names.get(post.follows_id or 0, ""),
            "starts_early_minutes": post.starts_early_minutes,
        }
    )
    return _post_page(form, post)


def _maybe_post(public_id: str | None) -> Post | None:
    return queries.find_post(public_id) if public_id else None


@blueprint.post("/posts/<public_id>")
def post_update(public_id: str) -> Response:
    form = PostForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                services.change_post(
                    queries.find_post(public_id),
                    name=form.name.data or "",
                    name_en=form.name_en.data or "",
                    reports_to=_maybe_post(form.reports_to.data),
                    follows=_maybe_post(form.follows.data),
                    starts_early_minutes=form.starts_early_minutes.data or 0,
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("people.post_list"))
        except services.PostLoop as refusal:
            form.form_errors.append(str(refusal))
        else:
            return answer.response
    return _post_page(form, queries.find_post(public_id), 422)


def _shift_page(
    form: ShiftForm, shift: ShiftTemplate | None, status: int = 200
) -> Response:
    return render("people/shift_form.html", form=form, shift=shift, status=status)


def _refuse(form: ShiftForm, refusal: DomainError) -> None:
    if isinstance(refusal, services.ShiftCodeTaken):
        form.refuse("code", str(refusal))
    elif isinstance(refusal, services.ShiftOrder):
        form.refuse("end_minutes", str(refusal))
    else:
        raise refusal


@blueprint.get("/shifts/new")
def shift_new() -> Response:
    return _shift_page(ShiftForm(), None)


@blueprint.post("/shifts")
def shift_create() -> Response:
    form = ShiftForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                services.add_shift(
                    code=form.code.data or "",
                    name=form.name.data or "",
                    start_minutes=form.start_minutes.data,
                    end_minutes=form.end_minutes.data,
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("people.post_list"))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return answer.response
    return _shift_page(form, None, 422)


@blueprint.get("/shifts/<public_id>")
def shift_edit(public_id: str) -> Response:
    shift = queries.find_shift(public_id)
    return _shift_page(ShiftForm(obj=shift), shift)


@blueprint.post("/shifts/<public_id>")
def shift_update(public_id: str) -> Response:
    form = ShiftForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                services.change_shift(
                    queries.find_shift(public_id),
                    code=form.code.data or "",
                    name=form.name.data or "",
                    start_minutes=form.start_minutes.data,
                    end_minutes=form.end_minutes.data,
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("people.post_list"))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return answer.response
    return _shift_page(form, queries.find_shift(public_id), 422)


@blueprint.post("/shifts/<public_id>/retire")
@confirm_first(
    _l("停用这个班次？"),
    _l("以后不能再排这个班，已经排好的照旧。以后可以恢复。"),
    _l("停用班次"),
)
def shift_retire(public_id: str) -> Response:
    with accept() as answer:
        services.retire_shift(queries.find_shift(public_id), g.actor, clock.now())
        answer.see(url_for("people.post_list"))
    return answer.response


@blueprint.post("/shifts/<public_id>/restore")
def shift_restore(public_id: str) -> Response:
    with accept() as answer:
        services.restore_shift(queries.find_shift(public_id), g.actor, clock.now())
        answer.see(url_for("people.post_list"))
    return answer.response


@blueprint.post("/closed-days")
def closed_day_create() -> Response:
    form = ClosedDayForm(request.form)
    if form.validate():
        day = form.on_day.data or today()
        try:
            with accept() as answer:
                if day < today():
                    raise DomainError(_("这一天已经过去，不能再改成闭馆。"))
                services.close_day(day, form.reason.data or "", g.actor, clock.now())
                answer.see(week_url(day) if _week() else url_for("people.post_list"))
        except Conflict:
            form.refuse("on_day", _("这一天已经是闭馆日。"))
        except DomainError as refusal:
            if refusal.status != 422:
                raise
            form.refuse("on_day", str(refusal))
        else:
            notice(_("闭馆日已加上，当天不排巡视。"))
            return answer.response
    week = _week()
    return week_page(week, form, 422) if week else _list_page(form, 422)


def _week() -> date | None:
    """Return a day of the week whose page sent the form, if one did."""
    told = request.form.get("week", "")
    try:
        return date.fromisoformat(told)
    except ValueError:
        return None


@blueprint.post("/closed-days/<on_day>/remove")
@confirm_first(
    _l("取消这个闭馆日？"),
    _l("这一天照常排巡视，没有巡的会算漏巡。"),
    _l("取消闭馆"),
)
def closed_day_remove(on_day: str) -> Response:
    try:
        day = date.fromisoformat(on_day)
    except ValueError:
        raise NotFound from None
    with accept() as answer:
        if day < today():
            raise DomainError(_("过去的闭馆日不能再改。"))
        services.open_day(queries.find_closed_day(day), g.actor, clock.now())
        answer.see(week_url(day) if _week() else url_for("people.post_list"))
    return answer.response
