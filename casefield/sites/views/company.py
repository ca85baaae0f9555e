"""The company's sites: which there are, and a new one."""

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.receipts import accept
from casefield.core.web import notice, render
from casefield.sites import queries, services
from casefield.sites.forms import SiteForm
from casefield.sites.views.blueprint import blueprint


@blueprint.get("/sites")
def site_list() -> Response:
    return render(
        "sites/site_list.html",
        sites=queries.list_sites(g.actor.company_id),
        form=SiteForm(),
    )


@blueprint.post("/sites")
def site_create() -> Response:
    form = SiteForm(request.form)
    if not form.validate():
        sites = queries.list_sites(g.actor.company_id)
        return render("sites/site_list.html", sites=sites, form=form, status=422)
    with accept() as answer:
        company = queries.find_site(g.actor.site_id).company
        services.create_site(
            company, form.name.data or "", author=g.actor, now=clock.now()
        )
        answer.see(url_for("sites.site_list"))
    notice(_("新项目已建好，岗位已按流程配齐。切换过去就能设置。"))
    return answer.response
