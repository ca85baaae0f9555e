"""A field to walk on; the clock is held at 9:00 of its first day."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.cast import Cast
from tests.conftest import Frozen
from tests.patrol.field import Field, make_field

#: 9:00 in Shanghai
MORNING = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)


@pytest.fixture
def field(app: Flask, cast: Cast, frozen: Frozen) -> Field:
    """Three points, rounds at 10:00 and 12:00, all laid out, nothing walked."""
    frozen.to(MORNING)
    made = make_field(cast)
    made.sweep()
    return made
