"""Who may scan: everybody; what it offers depends on who it is."""

from casefield.core.policy import ON_SITE, PUBLIC, SIGNED_IN, Policy

POLICY: Policy = {
    "scan.place_view": PUBLIC,
    "scan.scan_page": SIGNED_IN,
    "scan.label_damaged": ON_SITE,
}
