"""Who may use which page of checks."""

from casefield.core.policy import Policy

POLICY: Policy = {}
