"""The catalogue of printed forms, blank and filled."""

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, g
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from casefield.core import policy
from casefield.core.web import render

blueprint = Blueprint("forms", __name__)


@dataclass(frozen=True, slots=True)
class PrintedForm:
    """A form that the site files: its code, what it is, where it comes from."""

    code: str
    name: LazyString
    paper: LazyString
    kept: LazyString
    blank: str | None
    filled: str


CATALOGUE = (
    PrintedForm(
        "CF-01",
        _l("巡视签到表"),
        _l("A4 横向"),
        _l("存 1 年"),
        "patrol.sheet_blank",
        "patrol.sheet_list",
    ),
    PrintedForm(
        "CF-47",
        _l("码牌与标签"),
        _l("A4 标签纸"),
        _l("不存档"),
        None,
        "sites.label_sheet",
    ),
)


@blueprint.get("/forms")
def catalogue() -> Response:
    table = current_app.extensions["policy"]
    forms = [form for form in CATALOGUE if policy.may(table, g.actor.role, form.filled)]
    return render("forms/catalogue.html", forms=forms)
