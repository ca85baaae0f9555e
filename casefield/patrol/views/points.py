"""At a point: what to look at, check in, skip, put right."""

from typing import Any

from flask import Response, flash, g, request, url_for
from flask_babel import gettext as _

from casefield.checks import queries as checks
from casefield.checks.forms import AnswersForm
from casefield.checks.services import AnswerMissing, NoteMissing, ReasonMissing
from casefield.core import clock
from casefield.core.db import db
from casefield.core.errors import Conflict
from casefield.core.photos import Photo, keep_uploads
from casefield.core.receipts import accept
from casefield.core.scope import current_site_id
from casefield.core.web import render, site_time
from casefield.patrol.forms import HandForm, ReasonForm, SkipForm
from casefield.patrol.models import CheckIn, Method
from casefield.patrol.queries import points, rounds
from casefield.patrol.queries.points import Stop
from casefield.patrol.services import check_in as services
from casefield.patrol.views.blueprint import blueprint
from casefield.sites import services as sites
from casefield.sites.models import read_code
from casefield.sites.queries import codes_of


class Unfinished(Exception):
    """A form of a point has to be shown again; carries it."""

    def __init__(self, answers: AnswersForm, hand: HandForm | None = None) -> None:
        self.answers = answers
        self.hand = hand


def lines_of(stop: Stop) -> tuple[checks.Line, ...]:
    """Return what to look at, at a stop."""
    if stop.version_id is None:
        return ()
    return checks.lines_of(current_site_id(), stop.version_id)


def point_page(
    stop: Stop,
    answers: AnswersForm | None = None,
    *,
    code: str | None = None,
    typed: bool = False,
    hand: HandForm | None = None,
    others: list[Stop] | None = None,
    status: int = 200,
) -> Response:
    """Show a point to check in at; without a code it is by hand and asks why."""
    return render(
        "patrol/stop_view.html",
        stop=stop,
        form=answers or AnswersForm(lines_of(stop)),
        code=code,
        typed=typed,
        hand=hand or (None if code else HandForm()),
        others=others or [],
        done=points.check_in_of(stop.id),
        status=status,
    )


@blueprint.get("/rounds/<public_id>/stops/<int:ordinal>")
def stop_view(public_id: str, ordinal: int) -> Response:
    return point_page(points.get_stop(public_id, ordinal))


def _method(stop: Stop) -> tuple[Method, str | None]:
    """Judge how the person came here: by a good code of this very place, or by hand."""
    sent = read_code(request.form.get("code", ""))
    if sent is None or not points.is_code_of(stop.place_id, sent):
        return Method.HAND, None
    typed = request.form.get("typed") == "1"
    return (Method.TYPED if typed else Method.SCAN), sent


def _visit(
    stop: Stop, kept: dict[str, Photo], refused: dict[str, str]
) -> services.Visit:
    method, _code = _method(stop)
    answers = AnswersForm.read(lines_of(stop), request.form, kept, refused)
    hand = HandForm(request.form) if method is Method.HAND else None
    whole = answers.validate()
    if hand is not None and not hand.validate():
        whole = False
    if not whole:
        raise Unfinished(answers, hand)
    if hand is not None and hand.label_damaged:
        wall_code = codes_of(stop.place_id)[0]
        sites.report_damaged_code(wall_code, g.actor, clock.now())
    reason = hand.sentence if hand is not None else ""
    return services.Visit(method, reason, answers.answers)


@blueprint.post("/rounds/<public_id>/stops/<int:ordinal>/check-in")
def check_in_create(public_id: str, ordinal: int) -> Response:
    now = clock.now()
    kept, refused = keep_uploads(request.files, g.actor, now)
    try:
        with accept() as answer:
            stop = points.get_stop(public_id, ordinal, for_write=True)
            visit = _visit(stop, kept, refused)
            services.check_in(stop, visit, g.actor, now)
            answer.see(url_for("patrol.round_view", public_id=public_id))
    except Unfinished as unfinished:
        stop = points.get_stop(public_id, ordinal)
        return point_page(
            stop,
            unfinished.answers,
            code=_method(stop)[1],
            typed=request.form.get("typed") == "1",
            hand=unfinished.hand,
            status=422,
        )
    except services.AlreadyDone as refusal:
        flash(str(refusal), "warn")
        return point_page(points.get_stop(public_id, ordinal), status=409)
    late = _("迟到") if now >= stop.late_from_at else _("按时")
    flash(
        _(
            "%(code)s %(name)s 已签到 %(at)s · %(late)s",
            code=stop.code,
            name=stop.name,
            at=site_time(now),
            late=late,
        ),
        "success",
    )
    return answer.response


@blueprint.route(
    "/rounds/<public_id>/stops/<int:ordinal>/skip", methods=["GET", "POST"]
)
def stop_skip(public_id: str, ordinal: int) -> Response:
    form = SkipForm(request.form)
    if request.method == "POST" and form.validate():
        with accept() as answer:
            stop = points.get_stop(public_id, ordinal, for_write=True)
            services.skip(stop, form.sentence, g.actor, clock.now())
            answer.see(url_for("patrol.round_view", public_id=public_id))
        flash(_("%(code)s 已跳过，原因会写在签到表上。", code=stop.code), "success")
        return answer.response
    return render(
        "patrol/stop_skip.html",
        form=form,
        stop=points.get_stop(public_id, ordinal),
        status=422 if form.errors else 200,
    )


def _story(made: CheckIn) -> dict[str, Any]:
    """What a check-in's page shows around it."""
    run = made.run
    if run is None:
        return {"lines": (), "revisions": (), "findings": {}}
    found = checks.findings_of([run.id]).get(run.id, [])
    return {
        "lines": checks.lines_of(current_site_id(), run.version_id),
        "revisions": checks.list_revisions(run),
        "findings": {finding.line_ordinal: finding for finding in found},
    }


@blueprint.get("/check-ins/<public_id>")
def check_in_view(public_id: str) -> Response:
    made = points.get_check_in(public_id)
    return render(
        "patrol/check_in_view.html",
        made=made,
        round=rounds.get_round_of(made.round_id),
        may_correct=_may_correct(made),
        **_story(made),
    )


def _may_correct(made: CheckIn) -> bool:
    """Whoever made it while the round is open; management at any time."""
    if made.run_id is None:
        return False
    if g.actor.role in services.MAY_AMEND:
        return True
    round_ = rounds.get_round_of(made.round_id)
    return round_.closed_at is None and made.person_id == g.actor.person_id


@blueprint.route("/check-ins/<public_id>/correct", methods=["GET", "POST"])
def check_in_correct(public_id: str) -> Response:
    if request.method == "GET":
        return _correct_page(public_id, None, ReasonForm())
    now = clock.now()
    reason = ReasonForm(request.form)
    kept, refused = keep_uploads(request.files, g.actor, now)
    try:
        with accept() as answer:
            made = points.get_check_in(public_id)
            if not _may_correct(made) or made.run is None:
                raise services.NotYours
            lines = checks.lines_of(current_site_id(), made.run.version_id)
            form = AnswersForm.read(lines, request.form, kept, refused)
            if not (form.validate() and reason.validate()):
                raise Unfinished(form)
            services.correct(made, form.answers, reason.reason.data or "", g.actor, now)
            answer.see(url_for("patrol.check_in_view", public_id=public_id))
    except Unfinished as unfinished:
        return _correct_page(public_id, unfinished.answers, reason)
    except (ReasonMissing, AnswerMissing, NoteMissing) as refusal:
        reason.refuse("reason", str(refusal))
        return _correct_page(public_id, form, reason)
    return answer.response


def _correct_page(
    public_id: str, form: AnswersForm | None, reason: ReasonForm
) -> Response:
    db.session.rollback()
    made = points.get_check_in(public_id)
    if made.run is None:
        raise Conflict(str(_("这个点没有检查项，不用更正。")))
    if not _may_correct(made):
        raise services.NotYours
    story = _story(made)
    status = 422 if form is not None else 200
    if form is None:
        form = AnswersForm(
            story["lines"],
            values={int(n): value for n, value in made.run.results.items()},
            notes={n: finding.note for n, finding in story["findings"].items()},
            kept={n: f.photo for n, f in story["findings"].items() if f.photo},
        )
    return render(
        "patrol/check_in_correct.html",
        made=made,
        round=rounds.get_round_of(made.round_id),
        form=form,
        reason=reason,
        status=status,
    )
