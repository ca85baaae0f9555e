"""The staff: list, person, what they hold."""

from datetime import date

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.confirm import confirm_first
from casefield.core.errors import DomainError, NotAllowed, NotFound
from casefield.core.fields import label as _l
from casefield.core.policy import Role
from casefield.core.receipts import accept
from casefield.core.web import notice, render, today
from casefield.people import queries, services
from casefield.people.forms import (
    ROLES,
    NewPersonForm,
    PersonForm,
    PostingForm,
    post_choices,
    role_choices,
)
from casefield.people.models import Person
from casefield.people.policy import may_handle, may_start_link
from casefield.people.views.blueprint import blueprint


@blueprint.get("/people")
def person_list() -> Response:
    left = request.args.get("show") == "left"
    q = request.args.get("q", "").strip()[:80]
    day = today()
    people = queries.search_people(q) if q else queries.list_people(day, left=left)
    return render(
        "people/person_list.html",
        people=people,
        posts={person.id: queries.held_on(person, day) for person in people},
        on_duty={duty.person_id for duty in _on_duty()},
        roles=ROLES,
        left=left,
        q=q,
    )


def _on_duty() -> list[queries.OnDuty]:
    return queries.on_duty(g.site.id, g.zone, clock.now())


@blueprint.get("/people/<public_id>")
def person_view(public_id: str) -> Response:
    return _person_page(queries.find_person(public_id), None)


def _person_page(
    person: Person, form: PostingForm | None, status: int = 200
) -> Response:
    own = person.id == g.actor.person_id
    form = form or PostingForm(data={"from_on": today()})
    form.post.choices = post_choices(queries.list_posts(), none=_("请选择"))
    return render(
        "people/person_view.html",
        person=person,
        role=ROLES[person.role],
        shifts=queries.shifts_around(g.site.id, person.id, g.zone, clock.now()),
        form=form,
        today=today(),
        may_edit=may_handle(g.actor.role, person.role),
        may_leave=may_handle(g.actor.role, person.role) and not own,
        may_link=may_start_link(g.actor.role, person.role, own=own),
        status=status,
    )


def _form_page(form: PersonForm, person: Person | None, status: int = 200) -> Response:
    own = person is not None and person.id == g.actor.person_id
    return render(
        "people/person_form.html", form=form, person=person, own=own, status=status
    )


def _refuse(form: PersonForm, refusal: DomainError) -> None:
    if refusal.status != 422:
        raise refusal
    if isinstance(refusal, services.StaffNumberTaken):
        form.refuse("staff_no", str(refusal))
    else:
        form.form_errors.append(str(refusal))


def _new_form(form: NewPersonForm) -> NewPersonForm:
    form.role.choices = role_choices(g.actor.role)
    form.posts.choices = post_choices(queries.list_posts())
    return form


@blueprint.get("/people/new")
def person_new() -> Response:
    form = NewPersonForm(data={"role": Role.STAFF.value, "joined_on": today()})
    return _form_page(_new_form(form), None)


@blueprint.post("/people")
def person_create() -> Response:
    form = NewPersonForm(request.form)
    form.role.choices = role_choices(g.actor.role)
    form.posts.validate_choice = False
    if form.validate():
        try:
            with accept() as answer:
                person = _add(form)
                answer.see(url_for("people.person_view", public_id=person.public_id))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            notice(_("已加入。下一步：开一个登录码，请本人扫码设密码。"))
            return answer.response
    return _form_page(_new_form(form), None, 422)


def _add(form: NewPersonForm) -> Person:
    now, joined_on = clock.now(), form.joined_on.data or today()
    person = services.add_person(
        company_id=g.actor.company_id,
        staff_no=form.staff_no.data or "",
        name=form.name.data or "",
        name_en=form.name_en.data or "",
        role=Role(form.role.data),
        joined_on=joined_on,
        author=g.actor,
        now=now,
    )
    for public_id in form.posts.data or ():
        post = queries.find_post(public_id)
        services.give_post(person, post, from_on=joined_on, author=g.actor, now=now)
    return person


def _edited(public_id: str) -> Person:
    person = queries.find_person(public_id)
    if not may_handle(g.actor.role, person.role):
        raise NotAllowed
    return person


def _edit_roles(form: PersonForm, person: Person) -> None:
    if person.id == g.actor.person_id:
        form.role.choices = [(person.role.value, ROLES[person.role])]
    else:
        form.role.choices = role_choices(g.actor.role)


@blueprint.get("/people/<public_id>/edit")
def person_edit(public_id: str) -> Response:
    person = _edited(public_id)
    form = PersonForm(obj=person, data={"role": person.role.value})
    form.role.data = person.role.value
    _edit_roles(form, person)
    return _form_page(form, person)


@blueprint.post("/people/<public_id>")
def person_update(public_id: str) -> Response:
    form = PersonForm(request.form)
    form.role.validate_choice = False
    if form.validate() and form.role.data in {role.value for role in Role}:
        try:
            with accept() as answer:
                _change(_edited(public_id), form)
                answer.see(url_for("people.person_view", public_id=public_id))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return answer.response
    person = _edited(public_id)
    _edit_roles(form, person)
    return _form_page(form, person, 422)


def _change(person: Person, form: PersonForm) -> None:
    now = clock.now()
    services.change_person(
        person,
        staff_no=form.staff_no.data or "",
        name=form.name.data or "",
        name_en=form.name_en.data or "",
        joined_on=form.joined_on.data or person.joined_on,
        author=g.actor,
        now=now,
    )
    services.change_role(person, Role(form.role.data), g.actor, now)


@blueprint.post("/people/<public_id>/rejoin")
def person_rejoin(public_id: str) -> Response:
    with accept() as answer:
        services.rejoin(queries.find_person(public_id), g.actor, clock.now())
        answer.see(url_for("people.person_view", public_id=public_id))
    notice(_("已恢复在职。请重新给岗位，并开一个登录码。"))
    return answer.response


@blueprint.post("/people/<public_id>/posts")
def posting_create(public_id: str) -> Response:
    form = PostingForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                services.give_post(
                    queries.find_person(public_id),
                    queries.find_post(form.post.data or ""),
                    from_on=form.from_on.data or today(),
                    to_on=form.to_on.data,
                    is_lead=form.is_lead.data,
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("people.person_view", public_id=public_id))
        except (services.PostHeld, services.PostingOrder) as refusal:
            form.form_errors.append(str(refusal))
        else:
            return answer.response
    return _person_page(queries.find_person(public_id), form, 422)


@blueprint.post("/people/<public_id>/posts/<post_id>/<from_on>/end")
@confirm_first(
    _l("这个岗位做到今天为止？"),
    _l("明天起看不到这个岗位的任务，已经排好的班不会自动取消。要再做时，重新给岗位。"),
    _l("做到今天"),
)
def posting_end(public_id: str, post_id: str, from_on: str) -> Response:
    """End a posting with today; one that begins later is taken back."""
    with accept() as answer:
        person = queries.find_person(public_id)
        found = [
            posting
            for posting in person.postings
            if posting.post.public_id == post_id and posting.from_on == _day_of(from_on)
        ]
        if not found:
            raise NotFound
        services.end_post(person, found[0], today(), g.actor, clock.now())
        answer.see(url_for("people.person_view", public_id=public_id))
    return answer.response


def _day_of(told: str) -> date:
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise NotFound from None
