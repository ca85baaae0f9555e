"""Label sheets: choose places and paper, print at once or in the background."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, g, make_response, request, url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casefield.core import clock, jobs
from casefield.core.pdf import FormHead, render_print
from casefield.core.qr import code_url
from casefield.core.receipts import accept
from casefield.core.scope import current_site_id
from casefield.core.web import render
from casefield.sites import queries
from casefield.sites.forms import GRID_WORDS, LabelForm
from casefield.sites.models import Site
from casefield.sites.prints import (
    FORM_CODE,
    FORM_VERSION,
    GRIDS,
    TEMPLATE,
    Label,
    LabelSheet,
)
from casefield.sites.queries import PlaceRow
from casefield.sites.views.blueprint import blueprint

#: longer sheets are printed in the background
AT_ONCE = 2
FILE_NAME = "labels.pdf"


def _page(form: LabelForm, status: int = 200) -> Response:
    form.grid.choices = list(GRID_WORDS.items())
    return render(
        "sites/label_sheet.html",
        form=form,
        rows=queries.rows_for_labels("all"),
        status=status,
    )


@blueprint.get("/places/labels")
def label_sheet() -> Response:
    chosen = request.args.getlist("place")
    which = "chosen" if chosen else request.args.get("which", "all")
    form = LabelForm(data={"which": which, "place": chosen, "grid": "3x7"})
    return _page(form)


@blueprint.post("/places/labels")
def label_print() -> Response:
    """Send to the print: a short one is made at its address, a long one by a job."""
    form = LabelForm(request.form)
    rows: list[PlaceRow] = []
    if form.validate():
        with accept() as answer:
            rows = queries.rows_for_labels(form.which.data, form.place.data or ())
            choice = _choice(form, rows)
            grid = GRIDS[form.grid.data]
            if rows and len(rows) + choice["used"] > AT_ONCE * grid.size:
                job = jobs.ask("sites.labels", choice, g.actor, clock.now())
                answer.see(url_for("core.job_view", public_id=job.public_id))
            elif rows:
                answer.see(url_for("sites.label_pdf", **choice))
            else:
                answer.see(url_for("sites.label_sheet", which=form.which.data))
        if rows:
            return answer.response
        form.which.errors = [_("没有要印的场所。请换一种选法，或先勾选。")]
    return _page(form, 422)


def _choice(form: LabelForm, rows: list[PlaceRow]) -> dict[str, Any]:
    return {
        "place": [row.place.public_id for row in rows],
        "grid": form.grid.data,
        "dx": str(form.dx.data or 0),
        "dy": str(form.dy.data or 0),
        "used": form.used.data or 0,
        "lang": str(get_locale()),
    }


@blueprint.get("/places/labels.pdf")
def label_pdf() -> Response:
    """Print labels of the named places, or the test page of the paper."""
    form = LabelForm(request.args, data={"which": "chosen"})
    if not form.validate():
        return _page(form, 422)
    site = queries.find_site(g.site.id)
    test_page = "test" in request.args
    rows = queries.rows_for_labels("chosen", set(form.place.data or ()))
    response = make_response(_print(site, form, rows, test_page=test_page))
    response.mimetype = "application/pdf"
    name = "labels-test.pdf" if test_page else FILE_NAME
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response


@jobs.work("sites.labels")
def print_labels(choice: dict[str, Any], report: jobs.Report) -> tuple[str, bytes]:
    """Print a long sheet of labels outside of the request."""
    report(0, len(choice["place"]))
    rows = queries.rows_for_labels("chosen", set(choice["place"]))
    with force_locale(choice["lang"]):
        form = LabelForm(MultiDict(choice), data={"which": "chosen"})
        content = _print(queries.find_site(current_site_id()), form, rows)
    return FILE_NAME, content


def _print(
    site: Site, form: LabelForm, rows: list[PlaceRow], *, test_page: bool = False
) -> bytes:
    public_url = current_app.config["SETTINGS"].public_url
    address = urlsplit(public_url).netloc
    head = FormHead(
        FORM_CODE,
        FORM_VERSION,
        _("码牌"),
        site.name,
        company=site.company.name,
        is_demo=site.is_demo,
    )
    labels = [
        Label(
            url=code_url(public_url, row.code.code),
            code=row.code.code,
            place_code=row.place.code,
            place_name=row.place.name,
            address=address,
        )
        for row in rows
        if row.code is not None
    ]
    sheet = LabelSheet(
        form=head,
        grid=GRIDS[form.grid.data],
        labels=() if test_page else tuple(labels),
        offset_x_mm=float(form.dx.data or 0),
        offset_y_mm=float(form.dy.data or 0),
        used_places=form.used.data or 0,
        test_page=test_page,
    )
    return render_print(TEMPLATE, sheet)
