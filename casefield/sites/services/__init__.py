"""Writes of sites: company and settings, places, wall codes, the import of places."""

from casefield.sites.services.codes import (
    CodeRevoked,
    PlaceRetired,
    renew_label,
    replace_code,
    report_damaged_code,
    revoke_code,
)
from casefield.sites.services.company import (
    SiteValues,
    change_site,
    create_company,
    create_site,
)
from casefield.sites.services.imports import import_places, judge_places
from casefield.sites.services.places import (
    PlaceCodeTaken,
    PlaceInItself,
    PlaceInUse,
    add_place,
    change_place,
    restore_place,
    retire_place,
)

__all__ = [
    "CodeRevoked",
    "PlaceCodeTaken",
    "PlaceInItself",
    "PlaceInUse",
    "PlaceRetired",
    "SiteValues",
    "add_place",
    "change_place",
    "change_site",
    "create_company",
    "create_site",
    "import_places",
    "judge_places",
    "renew_label",
    "replace_code",
    "report_damaged_code",
    "restore_place",
    "retire_place",
    "revoke_code",
]
