"""Imports of tables: a verdict a row before anything is written, and the kept upload.

An upload lies on the server until it is confirmed, and is judged again then: what the
browser says about the dry run counts for nothing but its mark.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

from flask_babel import lazy_gettext as _l

from casefield.core.errors import Conflict, NotFound
from casefield.core.spreadsheets import MAX_BYTES, TableTooLarge

KEEP = timedelta(hours=24)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class ImportChanged(Conflict):
    """Something was changed between the dry run and its confirmation."""

    code = "import-changed"
    message = _l("核对之后数据有了变化。请重新看一遍每行的结果再导入。")


class ImportGone(NotFound):
    """The kept file is older than a day, was imported, or never was."""

    code = "import-gone"
    message = _l("这份导入已完成或已过期。请重新上传表格。")


class Outcome(StrEnum):
    """What an import would do with a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """A value that a row would change: what stands there, what it says."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one row of the file, and why."""

    number: int
    title: str
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class DryRun:
    """Every row's verdict; nothing is imported while one row is refused."""

    verdicts: tuple[Verdict, ...]

    def count(self, outcome: str) -> int:
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def refused(self) -> bool:
        return self.count(Outcome.REFUSED) > 0

    @property
    def writes(self) -> int:
        """How many rows would be added or changed."""
        return self.count(Outcome.NEW) + self.count(Outcome.CHANGED)

    @property
    def mark(self) -> str:
        """A hash of all verdicts: the same mark means that nothing has moved on."""
        told = [
            (v.number, v.title, v.outcome.value, [str(c) for c in v.changes])
            for v in self.verdicts
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def judge_outcome(
    reasons: Sequence[str], changes: Iterable[Change], *, known: bool
) -> Outcome:
    """Say what becomes of a row, given what is wrong with it and what it changes."""
    if reasons:
        return Outcome.REFUSED
    if not known:
        return Outcome.NEW
    return Outcome.CHANGED if any(True for _ in changes) else Outcome.SAME


def read_day(told: str) -> date:
    """Read ``2026-03-05``, ``2026/3/5`` or ``2026年3月5日``; raise ValueError."""
    found = _DAY.fullmatch(told.strip())
    if found is None:
        raise ValueError(told)
    year, month, day = (int(part) for part in found.groups())
    return date(year, month, day)


class Uploads:
    """Files that wait for their confirmation: of one site, for one kind of import."""

    def __init__(self, data: Path, owner: str) -> None:
        self._folder = data / "imports"
        self._owner = owner

    def keep(self, file: IO[bytes], now: datetime) -> str:
        """Keep an upload; return its random name. Files of yesterday go.

        Raises:
            TableTooLarge: larger than any table that is read.
        """
        content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TableTooLarge
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep(now)
        token = secrets.token_urlsafe(16)
        self._path(token).write_bytes(content)
        return token

    def open(self, token: str) -> IO[bytes]:
        """Open a kept upload.

        Raises:
            ImportGone: there is none (any more) of that name for this owner.
        """
        try:
            return self._path(token).open("rb")
        except FileNotFoundError:
            raise ImportGone from None

    def drop(self, token: str) -> Callable[[], None]:
        """Return a function that removes the upload, for after the commit."""
        path = self._path(token)
        return lambda: path.unlink(missing_ok=True)

    def _path(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise ImportGone
        return self._folder / f"{self._owner}.{token}"

    def _sweep(self, now: datetime) -> None:
        for path in self._folder.iterdir():
            if path.stat().st_mtime < (now - KEEP).timestamp():
                path.unlink(missing_ok=True)
