"""The catalogue of printed forms, blank and filled."""
