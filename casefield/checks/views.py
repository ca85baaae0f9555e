"""Findings: what was abnormal, and how it was dealt with."""

from flask import Blueprint, Response, flash, g, request, url_for
from flask_babel import gettext as _
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from casefield.checks import queries, services
from casefield.core import clock
from casefield.core.fields import Form, strip
from casefield.core.fields import label as _l
from casefield.core.receipts import accept
from casefield.core.web import render

blueprint = Blueprint("checks", __name__)


class ClosingForm(Form):
    """A word on how an abnormal item was dealt with."""

    comment = TextAreaField(
        _l("怎么处理的"),
        [InputRequired(_l("请写一句怎么处理的")), Length(max=500)],
        filters=[strip],
    )


@blueprint.route("/findings/<public_id>", methods=["GET", "POST"])
def finding_view(public_id: str) -> Response:
    """Show an abnormal item; whoever leads may close it with a comment."""
    form = ClosingForm(request.form)
    if request.method == "POST" and form.validate():
        with accept() as answer:
            finding, _place, _person = queries.get_finding(public_id)
            comment = form.comment.data or ""
            services.close_finding(finding, comment, g.actor, clock.now())
            answer.see(url_for("board.duty_board"))
        flash(_("已处理，记录仍在。"), "success")
        return answer.response
    finding, place, person = queries.get_finding(public_id)
    return render(
        "checks/finding_view.html",
        finding=finding,
        place=place,
        person=person,
        form=form,
        status=422 if form.errors else 200,
    )
