"""Backup and restore: one archive with the database, the files and what they weigh."""

import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

import zstandard

from casefield.core import clock, dump
from casefield.core.dump import DatabasePlace

FORMAT = 1
MANIFEST = "manifest.json"
#: Small files of the data folder without which a restored site is not the same.
KEPT = ("secret.key", "demo-password")
_NAME = re.compile(r"(database\.(sqlite3|dump)|secret\.key|demo-password|media/.+)")
_LARGEST_MANIFEST = 256 * 1024 * 1024
_PIECE = 1024 * 1024
_PACKED_PIECE = 16 * 1024


class BackupError(dump.DumpError):
    """The archive cannot be written, or must not be restored."""


@dataclass
class Manifest:
    """What the archive holds; written last, so a cut-off archive has none."""

    made_at: str
    database: str
    revision: str | None
    rows: dict[str, int]
    with_media: bool
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT


class _Hashed(io.RawIOBase):
    """A file that is hashed while the archive reads it, and never outgrows its size."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.file = file
        self.left = size
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        piece = self.file.read(wanted)
        self.left -= len(piece)
        self.digest.update(piece)
        return piece


class _Unpacked(io.RawIOBase):
    """Reads a compressed file; its end counts only when the checksum was there."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.unpacker = zstandard.ZstdDecompressor().decompressobj()
        self.ready = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self.ready and not self.unpacker.eof:
            packed = self.file.read(_PACKED_PIECE)
            if not packed:
                raise EOFError("its end is missing")
            self.ready = self.unpacker.decompress(packed)
        if size < 0:
            size = len(self.ready)
        piece, self.ready = self.ready[:size], self.ready[size:]
        return piece

    def finish(self) -> None:
        """Read to the end, so that a missing tail is noticed."""
        while self.read(_PIECE):
            pass


def write_backup(
    place: DatabasePlace, data: Path, target: Path, *, with_media: bool = True
) -> Manifest:
    """Write everything into ``target`` while the site goes on working.

    The database is copied first: a row is committed after its file is in place, so
    the files copied later include every file a copied row speaks of.
    """
    target = target.absolute()
    if target.exists():
        raise BackupError(f"{target} exists already; a backup never overwrites")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with _scratch(data) as scratch:
            copy = dump.copy_database(place, scratch)
            manifest = Manifest(
                made_at=clock.now().isoformat(),
                database=copy.file.name,
                revision=copy.revision,
                rows=copy.rows,
                with_media=with_media,
            )
            sources = {copy.file.name: copy.file} | _sources(data, with_media)
            _write(unfinished, manifest, sources)
        os.link(unfinished, target)
        _sync_folder(target.parent)
    except FileExistsError:
        raise BackupError(f"{target} exists already") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _sources(data: Path, with_media: bool) -> dict[str, Path]:  # noqa: FBT001 -- one private caller
    found = {name: data / name for name in KEPT if (data / name).is_file()}
    if with_media:
        media = data / "media"
        for path in sorted(media.rglob("*")):
            if path.is_file() and not path.is_symlink():
                found[f"media/{path.relative_to(media).as_posix()}"] = path
    return found


def _write(target: Path, manifest: Manifest, sources: Mapping[str, Path]) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)
    with os.fdopen(handle, "wb") as raw:
        with (
            compressor.stream_writer(raw, closefd=False) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, path in sources.items():
                try:
                    manifest.files[name] = _add(tar, name, path)
                except FileNotFoundError:
                    continue  # retention removed it since the folder was read
            content = json.dumps(asdict(manifest), ensure_ascii=False).encode()
            tar.addfile(_entry(MANIFEST, len(content)), io.BytesIO(content))
        raw.flush()
        os.fsync(raw.fileno())


def _add(tar: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        hashed = _Hashed(file, size)
        tar.addfile(_entry(name, size), hashed)
    return {"size": size, "sha256": hashed.digest.hexdigest()}


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o600
    entry.mtime = int(clock.now().timestamp())
    return entry


def restore_backup(place: DatabasePlace, data: Path, archive: Path) -> Manifest:
    """Put an archive back into an empty place; nothing is touched unless it is whole.

    Raises:
        BackupError: the place is in use, or the archive is cut off, altered or odd.
    """
    data = data.absolute()
    _refuse_used(place, data)
    with _scratch(data) as scratch:
        manifest = _unpack(archive, scratch)
        dump.check_kind(place, manifest.database)
        _refuse_used(place, data, manifest=manifest)
        for name in KEPT:
            if name in manifest.files:
                (scratch / name).replace(data / name)
        if manifest.with_media:
            (scratch / "media").mkdir(exist_ok=True)
            if (data / "media").exists():
                (data / "media").rmdir()
            (scratch / "media").rename(data / "media")
        # Last: where there is a database, everything it speaks of is there too.
        dump.restore_database(place, scratch / manifest.database, manifest.rows)
        _sync_folder(data)
    return manifest


def _refuse_used(
    place: DatabasePlace, data: Path, manifest: Manifest | None = None
) -> None:
    if not dump.is_empty(place):
        raise BackupError("there is a database already; restore into an empty place")
    media = data / "media"
    wants_media = manifest is None or manifest.with_media
    if manifest is not None and wants_media and media.exists() and any(media.iterdir()):
        raise BackupError(f"{media} is not empty; restore into an empty place")


def _unpack(archive: Path, scratch: Path) -> Manifest:
    """Take the archive apart beside the place and hold it to its manifest."""
    found: dict[str, dict[str, Any]] = {}
    manifest: Manifest | None = None
    try:
        with (
            archive.open("rb") as raw,
            _Unpacked(raw) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for entry in tar:
                if manifest is not None or not entry.isreg():
                    raise BackupError(f"{entry.name!r} has no place in a backup")
                if entry.name == MANIFEST:
                    manifest = _read_manifest(tar, entry)
                else:
                    found[entry.name] = _extract(tar, entry, scratch, found)
            packed.finish()
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as problem:
        raise BackupError(f"{archive.name} is damaged or cut off: {problem}") from None
    except OSError as problem:
        raise BackupError(f"{archive}: {problem.strerror or problem}") from None
    if manifest is None:
        raise BackupError(f"{archive.name} is cut off: its manifest is missing")
    if found != manifest.files or manifest.database not in found:
        raise BackupError(f"{archive.name} does not hold what its manifest says")
    return manifest


def _read_manifest(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Manifest:
    file = tar.extractfile(entry)
    if file is None or entry.size > _LARGEST_MANIFEST:
        raise BackupError("the manifest is unreadable")
    try:
        manifest = Manifest(**json.loads(file.read()))
    except (ValueError, TypeError):
        raise BackupError("the manifest is unreadable") from None
    if manifest.format != FORMAT:
        raise BackupError(f"archive format {manifest.format}; this is {FORMAT}")
    return manifest


def _extract(
    tar: tarfile.TarFile,
    entry: tarfile.TarInfo,
    scratch: Path,
    found: Mapping[str, object],
) -> dict[str, Any]:
    name = entry.name
    path = PurePosixPath(name)
    plain = (
        not path.is_absolute() and ".." not in path.parts and path.as_posix() == name
    )
    if not plain or not _NAME.fullmatch(name) or "\0" in name or name in found:
        raise BackupError(f"{name!r} has no place in a backup")
    target = scratch / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    source = tar.extractfile(entry)
    if source is None:
        raise BackupError(f"{name!r} has no place in a backup")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while piece := source.read(_PIECE):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return {"size": target.stat().st_size, "sha256": digest.hexdigest()}


@contextmanager
def _scratch(data: Path) -> Iterator[Path]:
    """Lend a private folder on the same disk, so that moving out of it is one step."""
    day_ago = clock.now().timestamp() - 24 * 60 * 60
    for left_over in data.glob(".backup-*"):  # of a backup that was killed
        if left_over.stat().st_mtime < day_ago:
            shutil.rmtree(left_over, ignore_errors=True)
    folder = data / f".backup-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
