"""Who may use which page of scan."""

from casefield.core.policy import Policy

POLICY: Policy = {}
