"""Our own app with a million check-ins: its database, its server, signed-in people."""

import contextlib
import hashlib
import secrets
import shutil
import sys
import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.schema import CreateTable

from bench import fill
from bench.flood import Post
from bench.serving import PROCESSES, ROOT, THREADS, Served, free_port, running
from bench.visitor import forms_of
from bench.workshop import KEPT
from casefield import create_app
from casefield.accounts import services
from casefield.config import Settings
from casefield.core import clock
from casefield.core.db import Base, db, unit_of_work
from casefield.core.scope import at_site
from casefield.people.models import Person

WRITERS = 32
#: Where check-ins are written, and another site whose guard has an ordinary day.
BUSY_SITE = 1
QUIET_SITE = 2


class House:
    """The app at one size, served from a copy so that every run starts alike."""

    list_path = "/patrol/check-ins"

    def __init__(self, rows: int) -> None:
        self.port = free_port()
        self.data = KEPT / "house"
        shutil.rmtree(self.data, ignore_errors=True)
        kept = filled_sqlite(rows, trail=True)
        shutil.copytree(kept, self.data)
        self.environ = environment(self.data, self.port)
        self.app = create_app(Settings.from_env(self.environ))
        reader = Inside(self.app, self.port, sign_in(self.app, QUIET_SITE, 0))
        # a page with a form leaves the cookie that a browser sends ever after
        reader.get("/me")
        self.cookie = reader.cookie
        page = reader.get(self.list_path)
        if page.count(f'href="{self.list_path}/'.encode()) < 50:
            raise RuntimeError("the list shows fewer than 50 check-ins")
        #: A right answer weighs at least so much; a redirect weighs nothing.
        self.list_bytes = int(len(page) * 0.9)

    @contextlib.contextmanager
    def serve(self) -> Iterator[Served]:
        """Serve the app as its own command does."""
        command = [sys.executable, "-m", "bench.own"]
        with running(
            command,
            self.environ,
            port=self.port,
            ready="/healthz",
            log=KEPT / "house.log",
        ) as served:
            yield served

    def count(self) -> int:
        """Return the number of check-ins in the database."""
        with self.app.app_context(), db.engine.connect() as connection:
            statement = sa.text("SELECT count(*) FROM check_in")
            return int(connection.execute(statement).scalar_one())

    def posts(self, count: int) -> list[Post]:
        """Open rounds for many people and prepare one check-in for every stop.

        Neighbours in the list belong to different people, as in life.
        """
        each = -(-count // WRITERS)
        piles = [self._posts_of(number, each) for number in range(WRITERS)]
        return [post for turn in zip(*piles, strict=True) for post in turn][:count]

    def _posts_of(self, number: int, count: int) -> list[Post]:
        """Prepare the check-ins of one person."""
        cookie = sign_in(self.app, BUSY_SITE, number)
        rounds = self._open_rounds(number, -(-count // fill.POINTS))
        path = f"/patrol/rounds/{rounds[0]}/stops/1"
        visitor = Inside(self.app, self.port, cookie)
        token = check_in_token(visitor.get(path).decode())
        codes = self._codes()
        posts = []
        for public_id in rounds:
            for stop, code in enumerate(codes, 1):
                target = f"/patrol/rounds/{public_id}/stops/{stop}/check-in"
                values = {
                    "csrf_token": token,
                    "receipt_key": str(uuid.uuid4()),
                    "code": code,
                }
                posts.append(Post(target, urlencode(values), visitor.cookie))
        return posts

    def _codes(self) -> list[str]:
        """Return the wall codes of the busy site's points, in walking order."""
        find = sa.text(
            "SELECT code FROM wall_code WHERE site_id = :site ORDER BY place_id"
        )
        with self.app.app_context(), db.engine.connect() as connection:
            return list(connection.execute(find, {"site": BUSY_SITE}).scalars())

    def _open_rounds(self, number: int, count: int) -> list[str]:
        """Write extra rounds that are open all through the measurement."""
        now = clock.now()
        ids = [secrets.token_urlsafe(16) for _ in range(count)]
        with self.app.app_context(), db.engine.begin() as connection:
            last = connection.execute(sa.text("SELECT max(id) FROM round")).scalar_one()
            for offset, public_id in enumerate(ids, 1):
                _open_round(connection, last + offset, public_id, number, now)
        return ids


def environment(data: Path, port: int, address: str = "") -> dict[str, str]:
    """Return the settings of the app, the same for every measurement."""
    settings = {
        "PORT": str(port),
        "CASEFIELD_DATA": str(data),
        "CASEFIELD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CASEFIELD_WORKERS": str(PROCESSES),
        "CASEFIELD_THREADS": str(THREADS),
    }
    return {**settings, "CASEFIELD_DATABASE_URL": address} if address else settings


def sign_in(app: Flask, site: int, number: int) -> str:
    """Open a session as signing in does and return its Cookie header."""
    settings: Settings = app.config["SETTINGS"]
    with app.app_context(), at_site(site), unit_of_work():
        person = db.session.get(Person, (site - 1) * fill.PEOPLE + number + 1)
        if person is None:
            raise RuntimeError("the person to sign in is missing")
        opened = services.open_session(person, None, "bench", clock.now())
    return f"{settings.cookie_name}={opened.session_token}"


def filled_sqlite(rows: int, *, trail: bool) -> Path:
    """Return a data folder with so many check-ins, filled once for each schema."""
    name = f"sqlite-{rows}{'-trail' if trail else ''}"
    folder = KEPT / f"{name}-{fingerprint()}"
    if folder.exists():
        return folder
    for old in KEPT.glob(f"{name}-*"):
        shutil.rmtree(old)
    print(f"    filling {rows:,} check-ins ...", flush=True)
    half = KEPT / f"{name}-half"
    app = create_app(Settings.from_env(environment(half, free_port())))
    _fill(app, rows, trail=trail)
    half.rename(folder)
    return folder


def filled_postgres(rows: int, server: str) -> str:
    """Return the address of a database with so many check-ins, filled once."""
    name = f"bench_{rows}_{fingerprint()}"
    address = server.rpartition("/")[0] + f"/{name}"
    engine = sa.create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        find = sa.text("SELECT 1 FROM pg_database WHERE datname = :name")
        if connection.execute(find, {"name": name}).first():
            return address
        half = f"half_{rows}"
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {half}")
        connection.exec_driver_sql(f"CREATE DATABASE {half}")
        print(f"    filling {rows:,} check-ins in PostgreSQL ...", flush=True)
        half_address = server.rpartition("/")[0] + f"/{half}"
        settings = environment(KEPT / "postgres", free_port(), half_address)
        _fill(create_app(Settings.from_env(settings)), rows, trail=False)
        connection.exec_driver_sql(f"ALTER DATABASE {half} RENAME TO {name}")
        _drop_older(connection, rows, name)
    engine.dispose()
    return address


def _drop_older(connection: sa.Connection, rows: int, keep: str) -> None:
    """Remove databases of this size that an earlier schema left behind."""
    find = sa.text("SELECT datname FROM pg_database WHERE datname LIKE :pattern")
    for (old,) in connection.execute(find, {"pattern": f"bench\\_{rows}\\_%"}).all():
        if old != keep:
            connection.exec_driver_sql(f"DROP DATABASE {old}")


def _fill(app: Flask, rows: int, *, trail: bool) -> None:
    """Make the tables as an installation does, fill them, let go of them."""
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        _hurry(db.engine)
        with db.engine.begin() as connection:
            fill.fill(connection, fill.SIZES[rows], trail=trail)
        _settle(db.engine)
        db.engine.dispose()


def _hurry(engine: sa.Engine) -> None:
    """Let SQLite write without its journals; a filling that breaks off starts anew."""
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        for words in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
            raw.cursor().execute(f"PRAGMA {words}").fetchall()
        raw.close()


def _settle(engine: sa.Engine) -> None:
    """Let the database gather statistics and put its log away."""
    raw = engine.raw_connection()
    driver = raw.driver_connection
    if driver is None:
        raise RuntimeError("no connection to the database")
    if engine.dialect.name == "postgresql":
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE")
    else:
        driver.execute("PRAGMA optimize")
        driver.execute("PRAGMA journal_mode=WAL")
    raw.close()


class Inside:
    """Asks the app inside this process as a browser would, for preparations."""

    def __init__(self, app: Flask, port: int, cookie: str) -> None:
        self._client = app.test_client()
        self._base = f"http://127.0.0.1:{port}"
        for pair in cookie.split("; "):
            name, _, value = pair.partition("=")
            self._client.set_cookie(name, value, domain="127.0.0.1")

    def get(self, path: str) -> bytes:
        """Return the body of a page that must be there."""
        answer = self._client.get(path, base_url=self._base)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status}")
        return answer.get_data()

    @property
    def cookie(self) -> str:
        """Return all cookies so far as one header."""
        jar = self._client._cookies or {}  # noqa: SLF001 -- no public way to list them
        return "; ".join(f"{c.key}={c.value}" for c in jar.values())


def check_in_token(page: str) -> str:
    """Return the token that the check-in form of a stop's page carries."""
    for form in forms_of(page):
        if form.action.endswith("/check-in"):
            return form.values["csrf_token"]
    raise RuntimeError("the page of a stop has no check-in form")


def fingerprint() -> str:
    """Return what changes with the schema or with the way it is filled."""
    tables = sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    text = "".join(str(CreateTable(table)) for table in tables)
    own = Path(fill.__file__).read_text(encoding="utf-8")
    return hashlib.sha256((text + own).encode()).hexdigest()[:12]


def _open_round(
    connection: sa.Connection, row: int, public_id: str, number: int, now: datetime
) -> None:
    """Write one extra round with all its stops."""
    first_point = (BUSY_SITE - 1) * fill.POINTS
    later = now + timedelta(days=1)
    fill.add(
        connection,
        "round",
        id=row,
        public_id=public_id,
        site_id=BUSY_SITE,
        route_id=BUSY_SITE,
        day_on=date(now.year, now.month, now.day),
        ordinal=row,
        opens_at=now,
        starts_at=now,
        late_from_at=later,
        ends_at=later,
        closes_at=later,
        person_id=(BUSY_SITE - 1) * fill.PEOPLE + number + 1,
    )
    stops = Base.metadata.tables["round_stop"]
    connection.execute(
        sa.insert(stops),
        [
            {
                "site_id": BUSY_SITE,
                "round_id": row,
                "checkpoint_id": first_point + stop,
                "ordinal": stop,
                "due_at": later,
                "late_from_at": later,
            }
            for stop in range(1, fill.POINTS + 1)
        ],
    )
