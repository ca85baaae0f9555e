"""Who may use home, board and search."""

from casefield.core.policy import LEADING, SIGNED_IN, Policy

POLICY: Policy = {
    "board.home": SIGNED_IN,
    "board.tasks": SIGNED_IN,
    "board.duty_board": LEADING,
    "board.search": LEADING,
}
