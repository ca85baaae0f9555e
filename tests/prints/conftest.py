"""The application, for filling print templates; no database is asked."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.conftest import build


@pytest.fixture(scope="session")
def app_for_prints(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return build(tmp_path_factory.mktemp("prints"))


@pytest.fixture
def print_app(app_for_prints: Flask) -> Iterator[Flask]:
    with app_for_prints.app_context():
        yield app_for_prints
