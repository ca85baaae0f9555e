"""Who may print forms."""

from casefield.core.policy import LEADING, Policy

POLICY: Policy = {"forms.catalogue": LEADING}
