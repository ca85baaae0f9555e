"""Who may use which page of sites."""

from casefield.core.policy import Policy

POLICY: Policy = {}
