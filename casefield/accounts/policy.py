"""Who may use which page of signing in."""

from casefield.core.policy import (
    ADMINISTERING,
    LEADING,
    MANAGING,
    PUBLIC,
    SIGNED_IN,
    Policy,
)

POLICY: Policy = {
    "accounts.sign_in": PUBLIC,
    "accounts.sign_in_create": PUBLIC,
    "accounts.link_use": PUBLIC,
    "accounts.sign_out": SIGNED_IN,
    "accounts.password_change": SIGNED_IN,
    "accounts.me": SIGNED_IN,
    "accounts.me_update": SIGNED_IN,
    "accounts.session_revoke": SIGNED_IN,
    "accounts.site_choose": ADMINISTERING,
    "accounts.link_start": LEADING,
    "accounts.link_view": LEADING,
    "accounts.leaving_new": MANAGING,
    "accounts.leaving_create": MANAGING,
}
