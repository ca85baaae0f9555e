"""A minimal Django site: the same list page and the same three rows written."""

#: Checkpoints in the database; their codes are C followed by the number.
POINTS = 400
