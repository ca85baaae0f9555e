"""Who may use home, board and search."""

from casefield.core.policy import SIGNED_IN, Policy

POLICY: Policy = {"board.home": SIGNED_IN}
