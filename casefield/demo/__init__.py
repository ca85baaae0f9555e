"""The invented project that a first start shows."""
