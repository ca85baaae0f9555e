"""Who may use which page of forms."""

from casefield.core.policy import Policy

POLICY: Policy = {}
