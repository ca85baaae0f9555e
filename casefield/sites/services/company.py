"""Writes of companies, sites and their settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from casefield.core import ledger
from casefield.core.db import db
from casefield.core.ledger import Author
from casefield.core.scope import at_site
from casefield.people.services import seed_posts
from casefield.sites.models import Company, Site


@dataclass(frozen=True, slots=True)
class SiteValues:
    """What the settings page says about a site."""

    name: str
    developer: str
    zone_name: str
    opens: time
    closes: time
    #: the keys that it names; others stay as they are
    settings: Mapping[str, Any]


def create_company(name: str) -> Company:
    """Add the property company that runs the sites."""
    company = Company(name=name)
    db.session.add(company)
    db.session.flush()
    return company


def create_site(
    company: Company,
    name: str,
    zone_name: str = "Asia/Shanghai",
    *,
    author: Author,
    now: datetime,
    developer: str = "",
    is_demo: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Site:
    """Open a site with the procedure's fourteen posts; nothing before now is judged."""
    site = Site(
        company_id=company.id,
        name=name,
        developer=developer,
        zone_name=zone_name,
        is_demo=is_demo,
        settings=dict(settings or {}),
        swept_until_at=now,
    )
    db.session.add(site)
    db.session.flush()
    with at_site(site.id):
        ledger.record(
            site.id,
            author,
            now,
            "sites.site.created",
            f"site:{site.public_id}",
            facts={"name": name, "zone": zone_name},
        )
        seed_posts(site.id, author, now)
    return site


def change_site(site: Site, values: SiteValues, author: Author, now: datetime) -> None:
    """Change a site's settings; the ledger keeps what stood there before."""
    after = {
        "name": values.name,
        "developer": values.developer,
        "zone_name": values.zone_name,
        "opens": values.opens,
        "closes": values.closes,
        "settings": {**site.settings, **values.settings},
    }
    before = {key: getattr(site, key) for key in after}
    changed = [key for key in after if before[key] != after[key]]
    if not changed:
        return
    for key in changed:
        setattr(site, key, after[key])
    db.session.flush()
    ledger.record(
        site.id,
        author,
        now,
        "sites.site.changed",
        f"site:{site.public_id}",
        facts={
            "before": {key: before[key] for key in changed},
            "after": {key: after[key] for key in changed},
        },
    )
