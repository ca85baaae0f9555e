"""A real site comes back from its backup: the same rows, and people can sign in."""

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import MetaData, select

from casefield import create_app
from casefield.config import Settings
from casefield.core import clock
from casefield.core.backup import restore_backup, write_backup
from casefield.core.db import db
from casefield.core.dump import DatabasePlace
from casefield.operation import upgrade
from casefield.operation.first_steps import create_admin
from tests.client import browser

PASSWORD = "correct horse battery staple"


@pytest.fixture
def site(settings: Settings) -> Iterator[Flask]:
    """A site as an operator opens one, without the demo."""
    upgrade.upgrade(settings)
    app = create_app(settings)
    with app.app_context():
        create_admin(
            company_name="云笺物业",
            site_name="砚溪和鸣",
            zone=ZoneInfo("Asia/Shanghai"),
            staff_no="A001",
            name="李明",
            password=PASSWORD,
            now=clock.now(),
        )
    yield app
    close(app)


def close(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def content(app: Flask) -> dict[str, list[str]]:
    """Every row of every table, read past the models."""
    found: dict[str, list[str]] = {}
    with app.app_context(), db.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        for name, table in tables.tables.items():
            found[name] = sorted(map(repr, connection.execute(select(table))))
    return found


def sign_in(app: Flask, password: str) -> int:
    form = {"staff_no": "A001", "password": password}
    return browser(app).submit("/sign-in", form).status_code


def test_restored_site_is_the_same_and_lets_people_in(
    settings: Settings, elsewhere: Settings, site: Flask
) -> None:
    archive = settings.data / "site.tar.zst"
    write_backup(DatabasePlace(settings.database_url), settings.data, archive)
    before = content(site)
    restore_backup(DatabasePlace(elsewhere.database_url), elsewhere.data, archive)

    key = (elsewhere.data / "secret.key").read_text().strip()
    restored = create_app(replace(elsewhere, secret_key=key))
    try:
        assert content(restored) == before
        assert sum(map(len, before.values())) > 15
        assert sign_in(restored, PASSWORD) == 303
        assert sign_in(restored, "not the password at all") != 303
        assert content(restored) != before
    finally:
        close(restored)
    assert content(site) == before


def test_ledger_triggers_come_back_too(
    settings: Settings, elsewhere: Settings, site: Flask
) -> None:
    archive = settings.data / "site.tar.zst"
    write_backup(DatabasePlace(settings.database_url), settings.data, archive)
    restore_backup(DatabasePlace(elsewhere.database_url), elsewhere.data, archive)
    restored = create_app(elsewhere)
    try:
        with restored.app_context(), db.engine.connect() as connection:
            change = "UPDATE ledger_line SET verb = 'forged'"
            with pytest.raises(Exception, match="ledger"):
                connection.exec_driver_sql(change)
    finally:
        close(restored)
