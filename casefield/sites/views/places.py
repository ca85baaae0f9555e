"""Places and the codes on their walls."""

from flask import Response, current_app, g, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from casefield.core import clock
from casefield.core.confirm import confirm_first
from casefield.core.errors import DomainError, NotFound
from casefield.core.fields import label as _l
from casefield.core.qr import code_url, group_code, qr_svg
from casefield.core.receipts import accept
from casefield.core.web import notice, render
from casefield.sites import queries, services
from casefield.sites.forms import KINDS, PlaceForm
from casefield.sites.models import Place, PlaceKind
from casefield.sites.views.blueprint import blueprint


@blueprint.get("/places")
def place_list() -> Response:
    retired = request.args.get("show") == "retired"
    rows = queries.list_places(retired=retired)
    return render(
        "sites/place_list.html",
        rows=rows,
        retired=retired,
        kinds=KINDS,
        damaged=sum(row.damaged for row in rows),
        group_code=group_code,
    )


@blueprint.get("/places/<public_id>")
def place_view(public_id: str) -> Response:
    place = queries.find_place(public_id)
    codes = queries.codes_of(place.id)
    current = next((code for code in codes if code.replaced_at is None), None)
    public_url = current_app.config["SETTINGS"].public_url
    return render(
        "sites/place_view.html",
        place=place,
        kind=KINDS[place.kind],
        current=current,
        old=[code for code in codes if code is not current],
        qr=Markup(qr_svg(code_url(public_url, current.code))) if current else None,  # noqa: S704 -- our own drawing
        group_code=group_code,
    )


def _form_page(form: PlaceForm, place: Place | None, status: int = 200) -> Response:
    rows = queries.list_places()
    form.parent.choices = [("", _("直接在项目下"))] + [
        (row.place.public_id, f"{'　' * row.depth}{row.place.name} {row.place.code}")
        for row in rows
        if place is None or row.place.id != place.id
    ]
    return render("sites/place_form.html", form=form, place=place, status=status)


def _parent(form: PlaceForm) -> Place | None:
    if not form.parent.data:
        return None
    try:
        return queries.find_place(form.parent.data)
    except NotFound:
        raise DomainError(_("没有这个上级场所。")) from None


def _refuse(form: PlaceForm, refusal: DomainError) -> None:
    """Put a service's no beside its field; what is no form error goes on."""
    if refusal.status != 422:
        raise refusal
    if isinstance(refusal, services.PlaceCodeTaken):
        form.refuse("code", str(refusal))
    elif isinstance(refusal, services.PlaceInItself):
        form.refuse("parent", str(refusal))
    else:
        form.form_errors.append(str(refusal))


@blueprint.get("/places/new")
def place_new() -> Response:
    return _form_page(PlaceForm(data={"parent": request.args.get("in", "")}), None)


@blueprint.post("/places")
def place_create() -> Response:
    form = PlaceForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                place = services.add_place(
                    code=form.code.data or "",
                    name=form.name.data or "",
                    kind=PlaceKind(form.kind.data),
                    parent=_parent(form),
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("sites.place_view", public_id=place.public_id))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return answer.response
    return _form_page(form, None, 422)


@blueprint.get("/places/<public_id>/edit")
def place_edit(public_id: str) -> Response:
    place = queries.find_place(public_id)
    form = PlaceForm(
        data={
            "code": place.code,
            "name": place.name,
            "kind": place.kind.value,
            "parent": place.parent.public_id if place.parent else "",
        }
    )
    return _form_page(form, place)


@blueprint.post("/places/<public_id>")
def place_update(public_id: str) -> Response:
    form = PlaceForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                services.change_place(
                    queries.find_place(public_id),
                    code=form.code.data or "",
                    name=form.name.data or "",
                    kind=PlaceKind(form.kind.data),
                    parent=_parent(form),
                    author=g.actor,
                    now=clock.now(),
                )
                answer.see(url_for("sites.place_view", public_id=public_id))
        except DomainError as refusal:
            _refuse(form, refusal)
        else:
            return answer.response
    return _form_page(form, queries.find_place(public_id), 422)


@blueprint.post("/places/<public_id>/retire")
@confirm_first(
    _l("停用这个场所？"),
    _l("它的码牌立刻扫不了，也不再出现在选择里。记录都还在，以后可以恢复使用。"),
    _l("停用场所"),
)
def place_retire(public_id: str) -> Response:
    with accept() as answer:
        services.retire_place(queries.find_place(public_id), g.actor, clock.now())
        answer.see(url_for("sites.place_view", public_id=public_id))
    notice(_("场所已停用，记录都还在。"))
    return answer.response


@blueprint.post("/places/<public_id>/restore")
def place_restore(public_id: str) -> Response:
    with accept() as answer:
        services.restore_place(queries.find_place(public_id), g.actor, clock.now())
        answer.see(url_for("sites.place_view", public_id=public_id))
    return answer.response


@blueprint.post("/places/<public_id>/codes")
def code_replace(public_id: str) -> Response:
    with accept() as answer:
        services.replace_code(queries.find_place(public_id), g.actor, clock.now())
        answer.see(url_for("sites.place_view", public_id=public_id))
    notice(_("已换新码。旧码牌还能扫，直到您停用它；请尽快打印新码牌。"))
    return answer.response


@blueprint.post("/codes/<code>/revoke")
@confirm_first(
    _l("停用墙上的这个码？"),
    _l("墙上的码牌立刻扫不了，要先打印新的贴上。停用后不能恢复。"),
    _l("停用这个码"),
)
def code_revoke(code: str) -> Response:
    with accept() as answer:
        wall_code = queries.find_wall_code(code)
        services.revoke_code(wall_code, g.actor, clock.now())
        answer.see(url_for("sites.place_view", public_id=wall_code.place.public_id))
    notice(_("这个码已停用，扫它的人会看到请找管理岗。"))
    return answer.response


@blueprint.post("/codes/<code>/renew")
def code_renew(code: str) -> Response:
    with accept() as answer:
        wall_code = queries.find_wall_code(code)
        services.renew_label(wall_code, g.actor, clock.now())
        answer.see(url_for("sites.place_view", public_id=wall_code.place.public_id))
    return answer.response
