"""Patrol: routes, plans, rounds, check-ins, omissions, notes of the guard."""
