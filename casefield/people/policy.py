"""Who may use which page of people, and who may handle whom."""

from collections.abc import Mapping

from casefield.core.policy import Policy, Role

POLICY: Policy = {}

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
