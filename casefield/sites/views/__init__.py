"""Screens of sites: settings, places and their codes, label sheets, the import."""

from casefield.sites.views import company, imports, labels, places, settings
from casefield.sites.views.blueprint import blueprint

__all__ = ["blueprint", "company", "imports", "labels", "places", "settings"]
