"""Sign-in and -out, passwords, one's own sign-ins, others' first and last."""

from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import LoginManager
from markupsafe import Markup

from casefield.accounts import queries, services
from casefield.accounts.forms import (
    ChangePasswordForm,
    LeavingForm,
    NewPasswordForm,
    ProfileForm,
    SignInForm,
    safe_next,
)
from casefield.accounts.passwords import PasswordRefused
from casefield.config import Settings
from casefield.core import clock, scope
from casefield.core.db import db, unit_of_work
from casefield.core.errors import DomainError, NotFound
from casefield.core.htmx import wants_fragment
from casefield.core.logs import security_event
from casefield.core.origin import SAFE
from casefield.core.qr import qr_svg
from casefield.core.receipts import accept
from casefield.core.web import render, see, today
from casefield.people.models import Person
from casefield.people.queries import find_person
from casefield.people.services import LeavesTooEarly
from casefield.sites.queries import list_sites

blueprint = Blueprint("accounts", __name__)
login_manager = LoginManager()
DEVICE_AGE = 2 * 365 * 24 * 3600
#: pages that a person may open before setting a password of their own
BEFORE_OWN_PASSWORD = frozenset(
    {"accounts.password_change", "accounts.sign_out", "core.health"}
)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _load_actor() -> None:
    g.actor, g.site, g.device_id = None, None, None
    g.zone = ZoneInfo("Asia/Shanghai")
    scope.set_site(None)
    token = request.cookies.get(_settings().cookie_name)
    if not token or request.endpoint == "core.health":
        return
    now = clock.now()
    found = queries.find_sign_in(token, now)
    if request.method not in SAFE:
        # what a write depends on is read again inside its unit of work
        db.session.rollback()
    if found is None or now - found.seen_at > services.IDLE:
        return
    zone = ZoneInfo(found.site.zone_name)
    if found.left_on is not None and found.left_on < now.astimezone(zone).date():
        return
    g.actor, g.site, g.zone = found.actor, found.site, zone
    g.device_id = found.actor.device_id
    scope.set_site(found.actor.site_id)
    if now - found.seen_at > services.SEEN_EVERY:
        db.session.rollback()
        with unit_of_work():
            services.note_seen(found.actor.session_id, now)


def _own_password_first() -> Response | None:
    actor = g.actor
    if actor is None or not actor.must_change or request.endpoint is None:
        return None
    if request.endpoint in BEFORE_OWN_PASSWORD:
        return None
    return see(url_for("accounts.password_change"))


def init_app(app: Flask) -> None:
    """Put the person of each request into ``g``, before the gate asks for it."""
    login_manager.request_loader(load_actor)
    login_manager.unauthorized_handler(refuse_stranger)
    login_manager.init_app(app)
    app.before_request(_load_actor)
    app.before_request(_own_password_first)


def load_actor(_request: object) -> queries.Actor | None:
    actor: queries.Actor | None = g.get("actor")
    return actor


def refuse_stranger() -> Response:
    """Send to the sign-in page and back; htmx is told to leave the page."""
    target = request.full_path.rstrip("?")
    if request.method not in SAFE or wants_fragment():
        page = request.headers.get("HX-Current-URL") or request.referrer or ""
        target = "/" + page.split("/", 3)[3] if page.count("/") >= 3 else "/"
    address = url_for("accounts.sign_in", next=safe_next(target))
    if wants_fragment():
        return Response(status=401, headers={"HX-Redirect": address})
    return see(address)


def _device_label() -> str:
    agent = request.user_agent.string
    systems = (
        "iPhone",
        "iPad",
        "Android",
        "HarmonyOS",
        "Windows",
        "Macintosh",
        "Linux",
    )
    system = next((name for name in systems if name in agent), _("其他系统"))
    browsers = (
        ("MicroMessenger", _("微信")),
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    )
    browser = next((name for mark, name in browsers if mark in agent), _("浏览器"))
    return f"{system} · {browser}"


def _sign_in(person: Person, target: str | None) -> Response:
    """Open the session and set its cookies; call inside a unit of work."""
    settings = _settings()
    device_cookie = f"{settings.cookie_name}-device"
    now = clock.now()
    if g.actor is not None:
        # a shared phone: whoever was here before is out, on the server too
        services.revoke_sessions(g.actor.person_id, now, only=g.actor.session_id)
    session.pop("link", None)
    with scope.at_site(person.site_id):
        opened = services.open_session(
            person, request.cookies.get(device_cookie), _device_label(), now
        )
    response = see(target or url_for("board.home"))
    age = int((opened.session.expires_at - opened.session.made_at).total_seconds())
    cookies = [(settings.cookie_name, opened.session_token, age)]
    if opened.device_token:
        cookies.append((device_cookie, opened.device_token, DEVICE_AGE))
    for name, value, max_age in cookies:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            secure=settings.https,
            httponly=True,
            samesite="Lax",
        )
    return response


@blueprint.get("/sign-in")
def sign_in() -> Response:
    target = safe_next(request.args.get("next"))
    if g.actor is not None:
        return see(target or url_for("board.home"))
    return render("accounts/sign_in.html", form=SignInForm(), next=target)


@blueprint.post("/sign-in")
def sign_in_create() -> Response:
    form = SignInForm(request.form)
    target = safe_next(request.form.get("next"))
    if not form.validate():
        return render("accounts/sign_in.html", form=form, next=target, status=422)
    now, staff_no = clock.now(), (form.staff_no.data or "").upper()
    address = request.remote_addr or ""
    try:
        with unit_of_work():
            services.count_try(staff_no, address, now)
            account = queries.find_account(staff_no)
            stored = account.password_hash if account is not None else None
        # hashing takes a tenth of a second: not under the write lock
        if not services.verify_password(stored, form.password.data or ""):
            security_event("sign_in_refused", staff_no=staff_no)
            raise services.SignInRefused
        with unit_of_work():
            person = services.admit(staff_no, stored, address, now)
            return _sign_in(person, target)
    except DomainError as refusal:
        form.form_errors.append(str(refusal))
        return render(
            "accounts/sign_in.html", form=form, next=target, status=refusal.status
        )


@blueprint.post("/sign-out")
def sign_out() -> Response:
    with unit_of_work():
        services.close_session(g.actor, clock.now())
    response = see(url_for("accounts.sign_in"))
    response.delete_cookie(_settings().cookie_name, secure=_settings().https)
    session.pop("link", None)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


@blueprint.route("/password", methods=["GET", "POST"])
def password_change() -> Response:
    form = ChangePasswordForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                services.count_try(
                    g.actor.staff_no, request.remote_addr or "", clock.now()
                )
            with unit_of_work():
                account = queries.get_account(g.actor.person_id)
                services.change_password(
                    account,
                    account.person,
                    form.old.data or "",
                    form.password.data or "",
                    g.actor,
                    clock.now(),
                )
                response = _sign_in(account.person, url_for("accounts.me"))
        except PasswordRefused as refusal:
            form.refuse("password", str(refusal))
        except services.SignInRefused as refusal:
            form.refuse("old", str(refusal))
        else:
            flash(_("密码已更换，其他手机上的登录都已退出。"))
            return response
    status = 422 if request.method == "POST" else 200
    return render(
        "accounts/password_change.html",
        form=form,
        status=status,
        forced=g.actor.must_change,
    )


@blueprint.route("/first/<token>", methods=["GET", "POST"])
def link_use(token: str) -> Response:
    """Set a password through the code that a lead has on the screen."""
    form = NewPasswordForm(request.form)
    now = clock.now()
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                link = queries.find_link(token, now)
                if link is None:
                    raise services.LinkUsed
                with scope.at_site(link.person.site_id):
                    services.use_link(link, form.password.data or "", now)
                response = _sign_in(link.person, None)
        except PasswordRefused as refusal:
            form.refuse("password", str(refusal))
        else:
            return response
        db.session.rollback()
    link = queries.find_link(token, now)
    if link is None:
        raise services.LinkUsed
    return render(
        "accounts/link_use.html",
        form=form,
        person=link.person,
        status=422 if form.errors else 200,
    )


@blueprint.get("/me")
def me() -> Response:
    return render(
        "accounts/me.html",
        form=ProfileForm(data={"locale": g.actor.locale, "theme": g.actor.theme}),
        sessions=queries.list_sessions(g.actor.person_id, clock.now()),
    )


@blueprint.post("/me")
def me_update() -> Response:
    form = ProfileForm(request.form)
    if not form.validate():
        return render(
            "accounts/me.html",
            form=form,
            sessions=queries.list_sessions(g.actor.person_id, clock.now()),
            status=422,
        )
    with accept() as answer:
        services.choose_look(g.actor.person_id, form.locale.data, form.theme.data)
        answer.see(url_for("accounts.me"))
    return answer.response


@blueprint.post("/me/sessions/<public_id>/revoke")
def session_revoke(public_id: str) -> Response:
    with accept() as answer:
        mine = queries.get_session(g.actor.person_id, public_id)
        services.revoke_sessions(g.actor.person_id, clock.now(), only=mine.id)
        answer.see(url_for("accounts.me"))
    return answer.response


@blueprint.post("/people/<public_id>/sign-in-link")
def link_start(public_id: str) -> Response:
    """Start somebody's first sign-in or reset; the code stands on the next page."""
    with accept() as answer:
        person = find_person(public_id)
        token = services.start_link(person, g.actor, clock.now())
        answer.see(url_for("accounts.link_view", public_id=public_id))
    # the token goes to this browser alone: receipts keep addresses in the clear
    session["link"] = token
    return answer.response


@blueprint.get("/people/<public_id>/sign-in-link")
def link_view(public_id: str) -> Response:
    """Show the code for the person to scan, as long as it is good."""
    person, now = find_person(public_id), clock.now()
    token = session.get("link", "")
    state = queries.link_state(token, person.id, now)
    page = ("accounts/link_view.html", "accounts/_link.html")
    if state != "open":
        return render(*page, person=person, state=state)
    if wants_fragment():
        # the screen asks every few seconds: the code that it shows still stands
        return Response(status=204)
    path = url_for("accounts.link_use", token=token)
    drawing = qr_svg(f"{_settings().public_url}{path}", title=_("登录码"))
    return render(
        *page,
        person=person,
        state=state,
        link=queries.find_link(token, now),
        qr=Markup(drawing),  # noqa: S704 -- our own drawing
    )


@blueprint.get("/people/<public_id>/leaving")
def leaving_new(public_id: str) -> Response:
    form = LeavingForm(data={"on": today()})
    return render("accounts/leaving.html", form=form, person=find_person(public_id))


@blueprint.post("/people/<public_id>/leaving")
def leaving_create(public_id: str) -> Response:
    form = LeavingForm(request.form)
    if form.validate():
        try:
            with accept() as answer:
                on = form.on.data or today()
                person = find_person(public_id)
                services.end_employment(person, on, g.actor, clock.now(), today())
                answer.see(url_for("people.person_view", public_id=public_id))
        except LeavesTooEarly as refusal:
            form.refuse("on", str(refusal))
        else:
            return answer.response
    person = find_person(public_id)
    return render("accounts/leaving.html", form=form, person=person, status=422)


@blueprint.post("/sites/<public_id>/choose")
def site_choose(public_id: str) -> Response:
    with accept() as answer:
        for site in list_sites(g.actor.company_id):
            if site.public_id == public_id:
                services.choose_site(g.actor, site, clock.now())
                break
        else:
            raise NotFound
        answer.see(url_for("board.home"))
    return answer.response
