"""What every test may ask for: an application on each database, browsers, the cast.

``app`` runs on both databases and forgets at the end of each test what was written.
``fresh_app`` has a database of its own in which commits are real, for threads and
processes. Neither holds an application context open: a test opens one for a moment
with ``factories.ground`` or ``factories.looking``.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Connection

from casefield import create_app
from casefield.accounts import services
from casefield.checks.queries import lines_of
from casefield.config import Settings
from casefield.core import clock
from casefield.core.db import db
from casefield.people.models import Person
from tests import factories
from tests.answered import Answered
from tests.browser.live import make_demo
from tests.cast import Cast, read_cast, write_cast
from tests.client import Browser, browser
from tests.databases import OneConnection, PostgreSQL, postgresql

ANSWERED = pytest.StashKey[Answered]()
ROOT = Path(__file__).parent.parent
BOTH = ("sqlite", "postgresql")
SECRET = "6e" * 32
_HERE = ("127.", "::1", "localhost", "/", "\0")


def _stay_at_home(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse every way out of this machine."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else address
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host and not str(host).startswith(_HERE):
        raise PermissionError(f"tests stay on this machine: {host}")


sys.addaudithook(_stay_at_home)


def pytest_configure(config: pytest.Config) -> None:
    answered = config.stash[ANSWERED] = Answered(config)
    if config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.register(_Gathering(answered))


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Run once what says that it does not depend on the database."""
    spare = [
        item
        for item in items
        if getattr(getattr(item, "module", None), "ONE_DATABASE", False)
        and "postgresql" in item.name
    ]
    if spare:
        config.hook.pytest_deselected(items=spare)
        items[:] = [item for item in items if item not in set(spare)]


class _Gathering:
    """Takes from each worker of a parallel run what it saw answered."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    def pytest_testnodedown(self, node: Any) -> None:
        if handed_on := getattr(node, "workeroutput", {}).get("answered"):
            self._answered.take(handed_on)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["answered"] = session.config.stash[ANSWERED].handed_on()
        return
    if session.config.stash[ANSWERED].missing() and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if missing := config.stash[ANSWERED].missing():
        terminalreporter.section("routes that no test saw answered")
        for line in missing:
            terminalreporter.line(line, red=True)


class _Compiled(BytecodeCache):
    """Templates compiled once for every application of the run."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@contextmanager
def _clock_kept() -> Iterator[None]:
    """Building an application steers the clock; leave it as it was."""
    steered = clock._steered_by
    yield
    clock.steer_by(steered)


def build(data: Path, database_url: str = "", **settings: Any) -> Flask:
    """Build an application for a test, without touching the clock."""
    data.mkdir(parents=True, exist_ok=True)
    with _clock_kept():
        app = create_app(
            Settings(
                data=data,
                database_url=database_url,
                secret_key=SECRET,
                testing=True,
                synchronous="NORMAL",
                **settings,
            )
        )
    app.jinja_env.bytecode_cache = _COMPILED
    return app


def migrate(app: Flask, revision: str = "head") -> None:
    """Bring the application's database to a revision, by the real migrations."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with app.app_context():
        if revision == "head" or not revision.startswith("-"):
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)


#: the program's own hashing, slow on purpose
SLOW = (services._hasher, services._NOBODY)
_QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def _quick_hashing() -> None:
    """Spend on a password what a test can spare; ``slow_hashing`` gives it back."""
    services._hasher, services._NOBODY = _QUICK, _QUICK.hash("nobody")


@pytest.fixture
def slow_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as the program does."""
    monkeypatch.setattr(services, "_hasher", SLOW[0])
    monkeypatch.setattr(services, "_NOBODY", SLOW[1])


@pytest.fixture(scope="session")
def password_hash() -> str:
    return _QUICK.hash(factories.PASSWORD)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """The run's own PostgreSQL, started when the first test needs it."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def base_apps(
    tmp_path_factory: pytest.TempPathFactory,
    password_hash: str,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[[str], Flask]]:
    """One application a database, migrated, the cast in it; built when asked for."""
    built: dict[str, Flask] = {}
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")

    def base(kind: str) -> Flask:
        if kind not in built:
            url = ""
            if kind == "postgresql":
                server: PostgreSQL = request.getfixturevalue("postgres")
                url = server.url(server.make())
            app = build(tmp_path_factory.mktemp(kind), url)
            migrate(app)
            with factories.ground(app=app):
                write_cast(password_hash)
            with app.app_context():
                db.engine.dispose()
            built[kind] = app
        return built[kind]

    yield base
    for app in built.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The invented project on a Monday, loaded once a run; copied before use."""
    return make_demo(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(autouse=True)
def _no_lines_kept() -> None:
    """Forget lines of lists: what a test undoes gives its row numbers away again."""
    lines_of.cache_clear()


@pytest.fixture(params=BOTH)
def app(
    request: pytest.FixtureRequest, base_apps: Callable[[str], Flask]
) -> Iterator[Flask]:
    """The application on one database; everything is undone afterwards."""
    built = base_apps(request.param)
    with built.app_context():
        engine = db.engines[None]
        connection = OneConnection(engine)
        outer = Connection.begin(connection)
        db.engines[None] = connection  # type: ignore[index]  # binds as well
    factories.present.append(built)
    yield built
    factories.present.remove(built)
    with built.app_context():
        db.engines[None] = engine  # type: ignore[index]  # as it was
    outer.rollback()
    connection.close()


@pytest.fixture
def make_fresh_app(
    base_apps: Callable[[str], Flask],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., Flask]]:
    """Build applications on copies of the migrated database: ``make("sqlite", …)``."""
    built: list[Flask] = []
    names: list[str] = []

    def make(kind: str, **settings: Any) -> Flask:
        base = base_apps(kind)
        data = tmp_path / f"data{len(built)}"
        data.mkdir()
        url = ""
        with base.app_context():
            db.engine.dispose()
            source = db.engine.url.database or ""
        if kind == "sqlite":
            shutil.copy(source, data / "casefield.sqlite3")
        else:
            server: PostgreSQL = request.getfixturevalue("postgres")
            names.append(server.make(like=source))
            url = server.url(names[-1])
        app = build(data, url, **settings)
        built.append(app)
        factories.present.append(app)
        return app

    yield make
    for app in built:
        factories.present.remove(app)
        with app.app_context():
            db.engine.dispose()
    for name in names:
        request.getfixturevalue("postgres").drop(name)


@pytest.fixture(params=BOTH)
def fresh_app(
    request: pytest.FixtureRequest, make_fresh_app: Callable[..., Flask]
) -> Flask:
    """An application with a database of its own; commits are real."""
    return make_fresh_app(request.param)


@pytest.fixture
def cast(app: Flask) -> Cast:
    """Company, two sites and the people of ``Cast``, beside ``app``."""
    return read_cast()


@pytest.fixture
def fresh_cast(fresh_app: Flask) -> Cast:
    """The same people in the database of ``fresh_app``."""
    return read_cast()


@pytest.fixture
def client(app: Flask) -> Browser:
    """A browser in which nobody is signed in."""
    return browser(app)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[Person], Browser]:
    """Open a browser of its own for each person: ``sign_in(cast.guard)``."""
    return lambda person: browser(app, person)


class Frozen:
    """The steered clock of one test."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.to(datetime(2026, 3, 5, 2, 0, tzinfo=UTC))

    def to(self, instant: datetime) -> datetime:
        """Let it be ``instant`` until it is moved again."""
        self._path.write_text(instant.astimezone(UTC).isoformat())
        return self.now

    def forward(self, **span: float) -> datetime:
        """Move on: ``frozen.forward(minutes=10)``."""
        return self.to(self.now + timedelta(**span))

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Frozen]:
    """Hold the clock at 10:00 in Shanghai on Thursday 5 March 2026, till moved."""
    with _clock_kept():
        path = tmp_path / "clock"
        held = Frozen(path)
        clock.steer_by(path)
        yield held
