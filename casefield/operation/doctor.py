"""Look at an installation and say what is wrong, and what to do about it."""

import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from tempfile import NamedTemporaryFile

import psycopg
import pysqlite3.dbapi2 as sqlite

from casefield.config import KEY_FILE, Settings
from casefield.core.db import SAFE_SQLITE
from casefield.core.dump import DatabasePlace
from casefield.operation.upgrade import State, standing

LEAST_FREE = 1024**3
LEAST_POSTGRESQL = 15
FONT_HINT = "apt-get install fonts-noto-cjk fontconfig"


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    good: bool
    sentence: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything; a check that fails in an unforeseen way is a finding too."""
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _data,
        _key,
        _disk,
        _fonts,
        _engine,
        _revision,
        _soundness,
        _address,
    )
    for check in checks:
        try:
            yield check(settings)
        except (OSError, psycopg.Error, sqlite.Error) as problem:
            name = check.__name__.removeprefix("_")
            yield Finding(name, good=False, sentence=str(problem).strip())


def has_chinese_fonts() -> bool:
    """Whether prints can show Chinese on this machine."""
    program = shutil.which("fc-list")
    if program is None:
        return False
    done = subprocess.run(  # noqa: S603 -- a fixed program and fixed words
        [program, ":lang=zh", "family"], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip())


def _data(settings: Settings) -> Finding:
    with NamedTemporaryFile(dir=settings.data):
        return Finding("data", good=True, sentence=f"{settings.data} is writable")


def _key(settings: Settings) -> Finding:
    file = settings.data / KEY_FILE
    if not file.exists():
        return Finding("key", good=True, sentence="given by CASEFIELD_SECRET_KEY")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        sentence = f"others can read it: chmod 600 {file}"
        return Finding("key", good=False, sentence=sentence)
    return Finding("key", good=True, sentence=f"{file} is private")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    sentence = f"{free / 1024**3:.1f} GiB free in {settings.data}"
    return Finding("disk", good=free >= LEAST_FREE, sentence=sentence)


def _fonts(_settings: Settings) -> Finding:
    if has_chinese_fonts():
        return Finding("fonts", good=True, sentence="Chinese fonts are installed")
    sentence = f"no Chinese fonts, prints would show boxes: {FONT_HINT}"
    return Finding("fonts", good=False, sentence=sentence)


def _engine(settings: Settings) -> Finding:
    if settings.embedded:
        good = sqlite.sqlite_version_info >= SAFE_SQLITE
        wanted = ".".join(map(str, SAFE_SQLITE))
        sentence = f"SQLite {sqlite.sqlite_version} (at least {wanted})"
        return Finding("engine", good=good, sentence=sentence)
    place = DatabasePlace(settings.database_url)
    with psycopg.connect(place.libpq, connect_timeout=5) as server:
        version = server.info.server_version // 10000
    sentence = f"PostgreSQL {version} answers (at least {LEAST_POSTGRESQL})"
    return Finding("engine", good=version >= LEAST_POSTGRESQL, sentence=sentence)


def _revision(settings: Settings) -> Finding:
    now = standing(settings)
    sentences = {
        State.ABSENT: "no database yet: casefield migrate",
        State.OLDER: f"at {now.found}, wants {now.wanted}: casefield migrate",
        State.CURRENT: f"at {now.wanted}",
        State.NEWER: f"at {now.found}, newer than this program ({now.wanted})",
    }
    return Finding(
        "database", good=now.state is State.CURRENT, sentence=sentences[now.state]
    )


def _soundness(settings: Settings) -> Finding:
    if not settings.embedded or not settings.database_file.exists():
        return Finding("soundness", good=True, sentence="nothing to check")
    with closing(sqlite.connect(str(settings.database_file), timeout=5)) as connection:
        result = connection.execute("PRAGMA quick_check").fetchone()[0]
    if result == "ok":
        sentence = f"{settings.database_file.name} is sound"
        return Finding("soundness", good=True, sentence=sentence)
    sentence = f"{settings.database_file} is damaged ({result}): restore a backup"
    return Finding("soundness", good=False, sentence=sentence)


def _address(settings: Settings) -> Finding:
    local = "://localhost" in settings.public_url or "://127." in settings.public_url
    if settings.https or local:
        sentence = f"wall codes print {settings.public_url}/q/…"
        return Finding("address", good=True, sentence=sentence)
    sentence = f"{settings.public_url}: phones need https for camera and sign-in"
    return Finding("address", good=False, sentence=sentence)
