"""From an empty database to somebody who can sign in and make the rest."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from casefield.accounts import services as accounts
from casefield.core.db import db, unit_of_work
from casefield.core.ledger import CLOCKWORK
from casefield.core.policy import Role
from casefield.core.scope import at_site
from casefield.people import services as people
from casefield.sites import services as sites
from casefield.sites.models import Company, Site


def create_admin(
    *,
    company_name: str,
    site_name: str,
    zone: ZoneInfo,
    staff_no: str,
    name: str,
    password: str,
    now: datetime,
) -> None:
    """Make a company admin; company and site are made when they are missing.

    Raises:
        casefield.core.errors.DomainError: the number is taken, the password too weak.
    """
    with unit_of_work():
        company = _company(company_name)
        site = _site(company, site_name, zone, now)
        with at_site(site.id):
            person = people.add_person(
                company_id=company.id,
                staff_no=staff_no,
                name=name,
                role=Role.ADMIN,
                joined_on=now.astimezone(zone).date(),
                author=CLOCKWORK,
                now=now,
            )
            account = accounts.open_account(person)
            accounts.set_password(account, person, password, now, must_change=False)


def _company(name: str) -> Company:
    found = db.session.scalar(select(Company).where(Company.name == name))
    return found or sites.create_company(name)


def _site(company: Company, name: str, zone: ZoneInfo, now: datetime) -> Site:
    same = Site.name == name, Site.company_id == company.id
    found = db.session.scalar(select(Site).where(*same))
    return found or sites.create_site(
        company, name, zone.key, author=CLOCKWORK, now=now
    )
