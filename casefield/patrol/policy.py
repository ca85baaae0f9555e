"""Who may use which page of patrol."""

from casefield.core.policy import Policy

POLICY: Policy = {}
