"""Who may use which page of sites."""

from casefield.core.policy import ADMINISTERING, MANAGING, Policy

POLICY: Policy = {
    "sites.site_list": ADMINISTERING,
    "sites.site_create": ADMINISTERING,
    "sites.settings": MANAGING,
    "sites.settings_update": MANAGING,
    "sites.place_list": MANAGING,
    "sites.place_view": MANAGING,
    "sites.place_new": MANAGING,
    "sites.place_create": MANAGING,
    "sites.place_edit": MANAGING,
    "sites.place_update": MANAGING,
    "sites.place_retire": MANAGING,
    "sites.place_restore": MANAGING,
    "sites.code_replace": MANAGING,
    "sites.code_revoke": MANAGING,
    "sites.code_renew": MANAGING,
    "sites.label_sheet": MANAGING,
    "sites.label_print": MANAGING,
    "sites.label_pdf": MANAGING,
    "sites.place_import": MANAGING,
    "sites.place_import_create": MANAGING,
    "sites.place_import_view": MANAGING,
    "sites.place_import_confirm": MANAGING,
    "sites.place_export": MANAGING,
}
