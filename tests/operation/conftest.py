"""What the operation tests share: settings of their own and a real PostgreSQL."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from casefield.config import Settings
from tests.operation.postgresql import running_postgresql

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with running_postgresql() as address:
        yield address


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """An empty database of its own."""
    return new_database(postgresql_server)


def new_database(server: str) -> str:
    name = f"operation_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an installation without a database yet, on either engine."""
    environ = {"CASEFIELD_DATA": str(tmp_path / "data"), "CASEFIELD_TESTING": "1"}
    if request.param == "postgresql":
        environ["CASEFIELD_DATABASE_URL"] = request.getfixturevalue("postgresql")
    return Settings.from_env(environ)


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    environ = {"CASEFIELD_DATA": str(tmp_path / "data"), "CASEFIELD_TESTING": "1"}
    return Settings.from_env(environ)
