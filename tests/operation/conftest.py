"""What the operation tests share: settings of installations without a database."""

from pathlib import Path

import pytest

from casefield.config import Settings
from tests.databases import PostgreSQL


def installation(data: Path, database_url: str = "") -> Settings:
    environ = {"CASEFIELD_DATA": str(data), "CASEFIELD_TESTING": "1"}
    return Settings.from_env(environ | {"CASEFIELD_DATABASE_URL": database_url})


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """An installation without a database yet, on either engine."""
    url = ""
    if request.param == "postgresql":
        server: PostgreSQL = request.getfixturevalue("postgres")
        url = server.url(server.make())
    return installation(tmp_path / "data", url)


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    return installation(tmp_path / "data")


@pytest.fixture
def elsewhere(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> Settings:
    """An empty place for the same engine as ``settings``."""
    url = ""
    if not settings.embedded:
        server: PostgreSQL = request.getfixturevalue("postgres")
        url = server.url(server.make())
    found = installation(tmp_path / "elsewhere", url)
    (found.data / "secret.key").unlink()
    return found
