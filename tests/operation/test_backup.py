"""A backup taken under load comes back row for row; a bad archive touches nothing."""

import hashlib
import io
import json
import shutil
import stat
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3.dbapi2 as sqlite
import pytest
import zstandard

from casefield.config import Settings
from casefield.core.backup import BackupError, restore_backup, write_backup
from casefield.core.dump import DatabasePlace, DumpError, is_empty
from tests.databases import PostgreSQL

SCHEMA = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
    "INSERT INTO alembic_version VALUES ('0001')",
    "CREATE TABLE check_in (id INTEGER PRIMARY KEY, note TEXT)",
    "CREATE TABLE ledger_line (id INTEGER PRIMARY KEY, note TEXT)",
)
PHOTO = bytes(range(256)) * 5000


@contextmanager
def connected(place: DatabasePlace) -> Iterator[Any]:
    if place.file is None:
        with psycopg.connect(place.libpq) as server:
            yield server
    else:
        place.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite.connect(str(place.file), timeout=10)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            yield connection


def check_in(connection: Any, number: int) -> None:
    """Two rows in one transaction: a consistent copy has as many of each."""
    note = f"巡更 {number}\n'quoted'"
    mark = "?" if not isinstance(connection, psycopg.Connection) else "%s"
    for table in ("check_in", "ledger_line"):
        statement = f"INSERT INTO {table} VALUES ({mark}, {mark})"
        connection.execute(statement, (number, note))
    connection.commit()


def rows(place: DatabasePlace) -> dict[str, list[Any]]:
    with connected(place) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("alembic_version", "check_in", "ledger_line")
        }


def files(data: Path) -> dict[str, bytes]:
    media = data / "media"
    return {
        path.relative_to(media).as_posix(): path.read_bytes()
        for path in media.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def place(settings: Settings) -> DatabasePlace:
    """A small site: some rows, some photos, its key."""
    found = DatabasePlace(settings.database_url)
    with connected(found) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.commit()
        for number in range(50):
            check_in(connection, number)
    photos = settings.media / "ab" / "cd"
    photos.mkdir(parents=True)
    (photos / "photo.jpg").write_bytes(PHOTO)
    (photos / "空 名.jpg").write_bytes(b"")
    return found


def where(settings: Settings) -> tuple[DatabasePlace, Path]:
    return DatabasePlace(settings.database_url), settings.data


def untouched(settings: Settings) -> bool:
    place, data = where(settings)
    return is_empty(place) and list(data.iterdir()) == []


def test_comes_back_row_for_row_and_file_for_file(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    archive = settings.data / "whole.tar.zst"
    made = write_backup(place, settings.data, archive)
    new_place, new_data = where(elsewhere)
    back = restore_backup(new_place, new_data, archive)
    assert rows(new_place) == rows(place)
    assert files(new_data) == files(settings.data)
    assert back == made
    assert made.revision == "0001"
    assert made.rows["check_in"] == 50
    key = "secret.key"
    assert (new_data / key).read_bytes() == (settings.data / key).read_bytes()
    assert stat.S_IMODE((new_data / key).stat().st_mode) == 0o600
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    left = {path.name for path in new_data.iterdir()} | {"casefield.sqlite3"}
    assert left - {"casefield.sqlite3-wal", "casefield.sqlite3-shm"} == {
        "casefield.sqlite3",
        "media",
        "secret.key",
    }


def test_backup_under_load_is_of_one_instant(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    over = threading.Event()
    acknowledged = [50]

    def write() -> None:
        with connected(place) as connection:
            while not over.is_set():
                check_in(connection, acknowledged[0])
                acknowledged[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    archive = settings.data / "busy.tar.zst"
    try:
        while acknowledged[0] < 100:
            assert writer.is_alive()
        before = acknowledged[0]
        write_backup(place, settings.data, archive)
    finally:
        over.set()
        writer.join()
    restore_backup(*where(elsewhere), archive)
    copied = rows(where(elsewhere)[0])
    assert copied["check_in"] == copied["ledger_line"]
    assert before <= len(copied["check_in"]) <= acknowledged[0]
    assert [row[0] for row in copied["check_in"]] == list(
        range(len(copied["check_in"]))
    )


def test_copying_the_file_alone_would_lose_commits(tmp_path: Path) -> None:
    place = DatabasePlace(f"sqlite:///{tmp_path}/live.sqlite3")
    with connected(place) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        check_in(connection, 1)
        assert place.file is not None
        shutil.copy(place.file, tmp_path / "copied.sqlite3")
    with closing(sqlite.connect(str(tmp_path / "copied.sqlite3"))) as copy:
        tables = copy.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    assert tables == 0


def test_cut_off_archive_is_refused(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    archive = settings.data / "whole.tar.zst"
    write_backup(place, settings.data, archive)
    content = archive.read_bytes()
    for kept in (0, 1, 100, len(content) // 2, len(content) - 200, len(content) - 1):
        archive.write_bytes(content[:kept])
        with pytest.raises(BackupError):
            restore_backup(*where(elsewhere), archive)
        assert untouched(elsewhere), f"after {kept} bytes"


def test_altered_archive_is_refused(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    archive = settings.data / "whole.tar.zst"
    write_backup(place, settings.data, archive)
    content = bytearray(archive.read_bytes())
    for position in range(50, len(content), len(content) // 8):
        changed = content.copy()
        changed[position] ^= 0xFF
        archive.write_bytes(changed)
        with pytest.raises(DumpError):
            restore_backup(*where(elsewhere), archive)
        assert untouched(elsewhere), f"after byte {position}"


Members = list[tuple[tarfile.TarInfo, bytes]]


def members_of(archive: Path) -> Members:
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    plain = unpacker.decompress(archive.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        return [
            (entry, file.read() if (file := tar.extractfile(entry)) else b"")
            for entry in tar
        ]


def pack(archive: Path, members: Members) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for entry, content in members:
            tar.addfile(entry, io.BytesIO(content))
    archive.write_bytes(zstandard.ZstdCompressor().compress(plain.getvalue()))


def with_extra(members: Members, name: str, content: bytes = b"evil") -> Members:
    """Add a file and a manifest that vouches for it."""
    manifest = json.loads(members[-1][1])
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = {"size": len(content), "sha256": digest}
    extra = tarfile.TarInfo(name)
    extra.size = len(content)
    told = json.dumps(manifest).encode()
    entry = tarfile.TarInfo("manifest.json")
    entry.size = len(told)
    return [*members[:-1], (extra, content), (entry, told)]


def with_link(members: Members, kind: bytes) -> Members:
    link = tarfile.TarInfo("media/link")
    link.type = kind
    link.linkname = "/etc/passwd"
    return [(link, b""), *members]


HOSTILE: dict[str, Callable[[Members], Members]] = {
    "climbs": lambda found: with_extra(found, "media/../../evil"),
    "absolute": lambda found: with_extra(found, "/tmp/casefield-evil"),
    "hidden climb": lambda found: with_extra(found, "media/./x"),
    "stranger": lambda found: with_extra(found, "cron.d/evil"),
    "code": lambda found: with_extra(found, "casefield.sqlite3"),
    "symlink": lambda found: with_link(found, tarfile.SYMTYPE),
    "hard link": lambda found: with_link(found, tarfile.LNKTYPE),
    "device": lambda found: with_link(found, tarfile.CHRTYPE),
    "twice": lambda found: [found[0], *found],
    "missing": lambda found: found[1:],
    "unnamed": lambda found: [
        *found[:-1],
        *with_extra(found, "media/x")[-2:-1],
        found[-1],
    ],
    "after the manifest": lambda found: [*found, with_extra(found, "media/x")[-2]],
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_archive_is_refused(
    embedded: Settings, tmp_path: Path, hostile: str
) -> None:
    place = DatabasePlace(embedded.database_url)
    with connected(place) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.commit()
    archive = tmp_path / "archive.tar.zst"
    write_backup(place, embedded.data, archive)
    data = tmp_path / "elsewhere"
    data.mkdir()
    new_place = DatabasePlace(f"sqlite:///{data}/casefield.sqlite3")

    pack(archive, HOSTILE[hostile](members_of(archive)))
    with pytest.raises(BackupError):
        restore_backup(new_place, data, archive)
    assert list(data.iterdir()) == []
    assert not (tmp_path / "evil").exists()
    assert not Path("/tmp/casefield-evil").exists()


def test_repacked_archive_is_accepted(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    """The control of the hostile ones: packing anew is not what refuses them."""
    archive = settings.data / "whole.tar.zst"
    write_backup(place, settings.data, archive)
    pack(archive, with_extra(members_of(archive), "media/extra.jpg"))
    restore_backup(*where(elsewhere), archive)
    assert files(elsewhere.data)["extra.jpg"] == b"evil"


def test_place_in_use_is_not_overwritten(
    settings: Settings, place: DatabasePlace
) -> None:
    archive = settings.data / "whole.tar.zst"
    write_backup(place, settings.data, archive)
    before = rows(place)
    with pytest.raises(BackupError, match="empty place"):
        restore_backup(place, settings.data, archive)
    assert rows(place) == before
    with pytest.raises(BackupError, match="exists"):
        write_backup(place, settings.data, archive)


def test_photos_in_the_way_are_not_overwritten(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    archive = settings.data / "whole.tar.zst"
    write_backup(place, settings.data, archive)
    other = elsewhere.data / "media" / "other.jpg"
    other.parent.mkdir()
    other.write_bytes(b"theirs")
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(*where(elsewhere), archive)
    assert files(elsewhere.data) == {"other.jpg": b"theirs"}


def test_backup_without_photos_leaves_those_there(
    settings: Settings, place: DatabasePlace, elsewhere: Settings
) -> None:
    archive = settings.data / "rows.tar.zst"
    made = write_backup(place, settings.data, archive, with_media=False)
    assert not any(name.startswith("media/") for name in made.files)
    other = elsewhere.data / "media" / "other.jpg"
    other.parent.mkdir()
    other.write_bytes(b"theirs")
    restore_backup(*where(elsewhere), archive)
    assert rows(where(elsewhere)[0]) == rows(place)
    assert files(elsewhere.data) == {"other.jpg": b"theirs"}


def test_archive_of_the_other_engine_is_refused(
    embedded: Settings, postgres: PostgreSQL, tmp_path: Path
) -> None:
    place = DatabasePlace(embedded.database_url)
    with connected(place) as connection:
        connection.execute(SCHEMA[0])
        connection.commit()
    archive = tmp_path / "archive.tar.zst"
    write_backup(place, embedded.data, archive)
    other = DatabasePlace(postgres.url(postgres.make()))
    data = tmp_path / "elsewhere"
    data.mkdir()
    with pytest.raises(DumpError, match="SQLite"):
        restore_backup(other, data, archive)
    assert list(data.iterdir()) == []
