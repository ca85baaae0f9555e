"""Who may deal with findings."""

from casefield.core.policy import LEADING, Policy

POLICY: Policy = {"checks.finding_view": LEADING}
