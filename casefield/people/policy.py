"""Who may use which page of people."""

from casefield.core.policy import Policy

POLICY: Policy = {}
