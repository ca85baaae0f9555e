"""A small app whose only job is to fill print templates."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_babel import Babel


@pytest.fixture
def print_app() -> Iterator[Flask]:
    app = Flask("casefield")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    Babel(app, default_locale="zh_Hans_CN")
    with app.app_context():
        yield app
