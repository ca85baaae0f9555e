"""The one clock. Nothing else in casefield may ask what time it is."""

from datetime import UTC, datetime
from pathlib import Path

_steered_by: Path | None = None


def steer_by(path: Path | None) -> None:
    """Let a test run hold the time in a file: one ISO 8601 instant with its offset.

    Settings refuse the path outside test runs, so a live server cannot be steered.
    """
    global _steered_by  # noqa: PLW0603 -- one clock a process is the point
    _steered_by = path


def now() -> datetime:
    """Return the present instant, in UTC."""
    if _steered_by is not None and _steered_by.exists():
        return datetime.fromisoformat(_steered_by.read_text().strip()).astimezone(UTC)
    return datetime.now(UTC)
