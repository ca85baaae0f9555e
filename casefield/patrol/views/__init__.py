"""Screens of patrol, by whom they serve."""

from casefield.patrol.services.rounds import sweep
from casefield.patrol.views import (
    figures,
    notes,
    points,
    records,
    rounds,
    routes,
    sheets,
)
from casefield.patrol.views.blueprint import blueprint
from casefield.patrol.views.words import init_app

SWEEPERS = (sweep,)

__all__ = [
    "SWEEPERS",
    "blueprint",
    "figures",
    "init_app",
    "notes",
    "points",
    "records",
    "rounds",
    "routes",
    "sheets",
]
