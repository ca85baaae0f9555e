"""Company, site, its settings, its places and the codes on their walls."""
