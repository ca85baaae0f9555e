"""Who stands ready in every test."""

from dataclasses import dataclass

from sqlalchemy import select

from casefield.core.db import db
from casefield.core.policy import Role
from casefield.people.models import Person
from casefield.sites.models import Company, Site
from tests.factories import looking, make_company, make_person, make_site


@dataclass(frozen=True)
class Cast:
    """Who stands ready in every test; everybody's password is ``PASSWORD``.

    ``site`` tells the time in Asia/Shanghai, ``other_site`` in Europe/Berlin.
    """

    company: Company
    site: Site
    other_site: Site
    guard: Person
    lead: Person
    manager: Person
    site_lead: Person
    sales: Person
    admin: Person
    #: management of the other site
    stranger: Person

    @property
    def by_role(self) -> dict[Role, Person]:
        return {
            person.role: person
            for person in (
                self.guard,
                self.lead,
                self.manager,
                self.site_lead,
                self.sales,
                self.admin,
            )
        }


CAST = {
    "guard": (Role.STAFF, "G01", "顾安", "Gu An"),
    "lead": (Role.LEAD, "G02", "罗衡", "Luo Heng"),
    "manager": (Role.MANAGEMENT, "M01", "孟川", "Meng Chuan"),
    "site_lead": (Role.SITE_LEAD, "M02", "沈岚", "Shen Lan"),
    "sales": (Role.SALES, "S01", "宋宁", "Song Ning"),
    "admin": (Role.ADMIN, "A01", "安澄", "An Cheng"),
}
_STRANGER = "W01"


def write_cast(password_hash: str) -> None:
    """Write the cast; called once a run, before any test."""
    company = make_company()
    site = make_site(company)
    other = make_site(company, "海湾案场", zone_name="Europe/Berlin")
    for role, staff_no, name, name_en in CAST.values():
        make_person(
            site,
            role,
            staff_no=staff_no,
            name=name,
            name_en=name_en,
            password_hash=password_hash,
        )
    make_person(
        other,
        Role.MANAGEMENT,
        staff_no=_STRANGER,
        name="吴远",
        name_en="Wu Yuan",
        password_hash=password_hash,
    )


def read_cast() -> Cast:
    """Read the cast afresh, so that no test sees what another did to an object."""
    crossing = {"unscoped": "the cast works at two sites"}
    with looking():
        company = db.session.scalars(select(Company).order_by(Company.id)).first()
        sites = db.session.scalars(
            select(Site).order_by(Site.id).limit(2).execution_options(**crossing)
        ).all()
        people = {
            person.staff_no: person
            for person in db.session.scalars(
                select(Person).execution_options(**crossing)
            )
        }
        assert company is not None
        return Cast(
            company=company,
            site=sites[0],
            other_site=sites[1],
            stranger=people[_STRANGER],
            **{part: people[staff_no] for part, (_, staff_no, _, _) in CAST.items()},
        )
