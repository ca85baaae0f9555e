"""The settings page of a site."""

from dataclasses import asdict

from flask import Response, g, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.receipts import accept
from casefield.core.web import notice, render
from casefield.sites import queries, services
from casefield.sites.forms import SettingsForm
from casefield.sites.views.blueprint import blueprint


@blueprint.get("/settings")
def settings() -> Response:
    site = queries.find_site(g.site.id)
    form = SettingsForm.of(site)
    return render("sites/settings.html", form=form, company=site.company)


@blueprint.post("/settings")
def settings_update() -> Response:
    form = SettingsForm(request.form)
    if not form.validate():
        site = queries.find_site(g.site.id)
        form.offer_zones(site.zone_name)
        return render(
            "sites/settings.html", form=form, company=site.company, status=422
        )
    with accept() as answer:
        site = queries.find_site(g.site.id)
        values = services.SiteValues(
            name=form.name.data or "",
            developer=form.developer.data or "",
            zone_name=form.zone_name.data or site.zone_name,
            opens=form.opens.data or site.opens,
            closes=form.closes.data or site.closes,
            settings=asdict(form.settings(site.settings)),
        )
        services.change_site(site, values, g.actor, clock.now())
        answer.see(url_for("sites.settings"))
    notice(_("设置已保存，新的打印件随之更新。"))
    return answer.response
