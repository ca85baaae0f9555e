"""What the app is measured against; none of it is used by the app."""
