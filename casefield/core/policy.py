"""Who may do what: one table over all endpoints, and the gate that holds to it.

Each feature's ``policy.py`` has a part of the table; together they must name every
endpoint, or the application does not start.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from flask import Flask, g, request
from werkzeug.wrappers import Response

from casefield.core.errors import NotAllowed


class Role(StrEnum):
    """What a person is on the site, apart from the posts they hold."""

    STAFF = "staff"
    LEAD = "lead"
    MANAGEMENT = "management"
    SITE_LEAD = "site_lead"
    SALES = "sales"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may use an endpoint: everybody, or the signed-in of some roles."""

    roles: frozenset[Role]
    public: bool = False


PUBLIC = Allow(frozenset(), public=True)
SIGNED_IN = Allow(frozenset(Role))
#: everybody who works on the site; the sales desk has a login with few powers
ON_SITE = Allow(frozenset(Role) - {Role.SALES})
LEADING = Allow(
    frozenset({Role.LEAD, Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}),
)
MANAGING = Allow(frozenset({Role.MANAGEMENT, Role.SITE_LEAD, Role.ADMIN}))
ADMINISTERING = Allow(frozenset({Role.ADMIN}))

Policy = Mapping[str, Allow]


class UnguardedEndpoint(RuntimeError):
    """An endpoint has no row in the policy table (or a row has no endpoint)."""


def merge(parts: Iterable[Policy]) -> dict[str, Allow]:
    """Put the features' parts together; an endpoint named twice raises."""
    table: dict[str, Allow] = {}
    for part in parts:
        for endpoint, allow in part.items():
            if endpoint in table:
                message = f"{endpoint} has two policies"
                raise UnguardedEndpoint(message)
            table[endpoint] = allow
    return table


def verify(app: Flask, table: Policy) -> None:
    """Refuse to start unless table and routes name the same endpoints."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    if unguarded := endpoints - table.keys():
        message = f"no policy for {', '.join(sorted(unguarded))}"
        raise UnguardedEndpoint(message)
    if stale := table.keys() - endpoints:
        message = f"policy without a route: {', '.join(sorted(stale))}"
        raise UnguardedEndpoint(message)


def install_gate(app: Flask, table: Policy) -> None:
    """Refuse every request that the table does not allow."""

    @app.before_request
    def gate() -> Response | None:
        if request.endpoint is None:
            return None
        allow = table[request.endpoint]
        if allow.public:
            return None
        if g.actor is None:
            return app.login_manager.unauthorized()  # type: ignore[attr-defined, no-any-return]  # put there by flask-login
        if g.actor.role not in allow.roles:
            raise NotAllowed
        return None


def may(table: Policy, role: Role, endpoint: str) -> bool:
    """Say whether a signed-in person of ``role`` passes the gate at ``endpoint``."""
    allow = table.get(endpoint)
    return allow is not None and (allow.public or role in allow.roles)


#: the ground floor's own endpoints
POLICY: Policy = {
    "core.health": PUBLIC,
    "core.photo_view": ON_SITE,
    "core.job_view": SIGNED_IN,
    "core.job_file": SIGNED_IN,
    "core.styleguide_view": SIGNED_IN,
}
