"""Who may use which page of people, and who may handle whom."""

import re
from collections.abc import Mapping

from casefield.core.policy import LEADING, MANAGING, Policy, Role

POLICY: Policy = {
    "people.person_list": LEADING,
    "people.person_view": LEADING,
    "people.person_new": MANAGING,
    "people.person_create": MANAGING,
    "people.person_edit": MANAGING,
    "people.person_update": MANAGING,
    "people.person_rejoin": MANAGING,
    "people.posting_create": MANAGING,
    "people.posting_end": MANAGING,
    "people.person_import": MANAGING,
    "people.person_import_create": MANAGING,
    "people.person_import_view": MANAGING,
    "people.person_import_confirm": MANAGING,
    "people.person_export": MANAGING,
    "people.post_list": MANAGING,
    "people.post_edit": MANAGING,
    "people.post_update": MANAGING,
    "people.shift_new": MANAGING,
    "people.shift_create": MANAGING,
    "people.shift_edit": MANAGING,
    "people.shift_update": MANAGING,
    "people.shift_retire": MANAGING,
    "people.shift_restore": MANAGING,
    "people.closed_day_create": MANAGING,
    "people.closed_day_remove": MANAGING,
    "people.rota_week": LEADING,
    "people.rota_cell": MANAGING,
    "people.rota_plan": MANAGING,
    "people.rota_remove": MANAGING,
    "people.rota_stand_in": MANAGING,
    "people.rota_copy": MANAGING,
}

#: what people type to sign in
STAFF_NUMBER = re.compile(r"[A-Za-z0-9-]{1,20}\Z")

#: roles that the rota does not plan: they work no post of the site
OFF_ROTA = frozenset({Role.SALES, Role.ADMIN})
#: whom each role may take on, edit, give a role and let go; nobody handles themselves
HANDLES: Mapping[Role, frozenset[Role]] = {
    Role.MANAGEMENT: frozenset({Role.STAFF, Role.LEAD}),
    Role.SITE_LEAD: frozenset({Role.STAFF, Role.LEAD}),
    Role.ADMIN: frozenset(Role),
}
#: whose first sign-in or reset each role may start: a link sets a password, so it
#: must never lead to more than the starter has already
STARTS_LINK: Mapping[Role, frozenset[Role]] = {
    Role.LEAD: frozenset({Role.STAFF}),
    Role.MANAGEMENT: frozenset({Role.STAFF, Role.LEAD, Role.SALES}),
    Role.SITE_LEAD: frozenset({Role.STAFF, Role.LEAD, Role.SALES, Role.MANAGEMENT}),
    Role.ADMIN: frozenset(Role),
}


def may_handle(handler: Role, role: Role) -> bool:
    """Say whether ``handler`` may take on, edit or let go somebody of ``role``."""
    return role in HANDLES.get(handler, frozenset())


def may_give(giver: Role, before: Role, after: Role, *, own: bool) -> bool:
    """Say whether ``giver`` may turn a person of role ``before`` into ``after``."""
    return not own and may_handle(giver, before) and may_handle(giver, after)


def may_start_link(starter: Role, role: Role, *, own: bool) -> bool:
    """Say whether ``starter`` may start a sign-in link for a person of ``role``."""
    return not own and role in STARTS_LINK.get(starter, frozenset())
