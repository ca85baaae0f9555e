"""Screens of people: staff, posts and shifts, the rota, the import."""

from casefield.people.views import imports, posts, rota, staff
from casefield.people.views.blueprint import blueprint

__all__ = ["blueprint", "imports", "posts", "rota", "staff"]
