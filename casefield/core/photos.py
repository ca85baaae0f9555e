"""Photos that belong to records: rows over the files that ``core.media`` keeps."""

from datetime import datetime, timedelta
from typing import IO

from flask import current_app
from sqlalchemy import ColumnElement, Index, exists, false, or_, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import FileStorage, MultiDict

from casefield.core.db import (
    Base,
    BigId,
    PrimaryKey,
    PublicId,
    db,
    table_of,
    unit_of_work,
)
from casefield.core.ledger import Author
from casefield.core.media import PhotoRefused, StoredPhoto, media_path, store_photo
from casefield.core.scope import SiteScoped, current_site_id

#: a form is finished within a day or not at all
UNUSED_FOR = timedelta(hours=24)


class Photo(SiteScoped, Base):
    """A picture of a thing, never of a person; re-encoded, without EXIF."""

    __tablename__ = "photo"
    __table_args__ = (Index("ix_photo_made_at", "made_at"),)

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    sha256: Mapped[str]
    key: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(BigId)
    made_at: Mapped[datetime]


def store_upload(stream: IO[bytes]) -> StoredPhoto:
    """Decode an uploaded picture and keep its file; slow, so outside any transaction.

    Raises:
        casefield.core.media.PhotoRefused: not a picture, or too large.
    """
    folder = current_app.config["SETTINGS"].media
    return store_photo(stream, site_id=current_site_id(), folder=folder)


def keep_photo(stored: StoredPhoto, author: Author, now: datetime) -> Photo:
    """Write the row of a stored picture; call inside a unit of work."""
    photo = Photo(
        site_id=current_site_id(),
        sha256=stored.sha256,
        key=stored.key,
        width=stored.width,
        height=stored.height,
        size_bytes=stored.size_bytes,
        person_id=author.person_id,
        made_at=now,
    )
    db.session.add(photo)
    db.session.flush()
    return photo


def keep_uploads(
    files: MultiDict[str, FileStorage], author: Author, now: datetime
) -> tuple[dict[str, Photo], dict[str, str]]:
    """Keep the pictures of a form before it is judged, so that a refusal loses none.

    Returns field → photo, and field → sentence for what is no picture.
    """
    stored, refused = {}, {}
    for name, upload in files.items():
        if upload.filename:
            try:
                stored[name] = store_upload(upload.stream)
            except PhotoRefused as refusal:
                refused[name] = str(refusal)
            upload.stream.seek(0)
    if not stored:
        return {}, refused
    with unit_of_work():
        kept = {name: keep_photo(s, author, now) for name, s in stored.items()}
    return kept, refused


def find_photo(public_id: str) -> Photo | None:
    """Return a photo of the present site."""
    return db.session.scalar(select(Photo).where(Photo.public_id == public_id))


def _is_referenced() -> ColumnElement[bool]:
    """Whether any record of any feature points at the photo."""
    own = table_of(Photo)
    uses = [
        exists().where(column == own.c.id)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column is own.c.id for key in column.foreign_keys)
    ]
    return or_(false(), *uses)


def sweep(now: datetime) -> None:
    """Delete the pictures that no record came to use, a day after they were sent.

    A form keeps its pictures before it is judged; if it is never finished, they go.
    """
    with unit_of_work():
        unused = db.session.scalars(
            select(Photo)
            .where(Photo.made_at < now - UNUSED_FOR, ~_is_referenced())
            .where(Photo.made_at > now - 7 * UNUSED_FOR)
            .limit(200)
            .execution_options(unscoped="unused pictures of every site go")
        ).all()
        keys = [photo.key for photo in unused]
        for photo in unused:
            db.session.delete(photo)
        db.session.flush()
        still = set(
            db.session.scalars(
                select(Photo.key)
                .where(Photo.key.in_(keys))
                .execution_options(unscoped="a file may serve several records")
            )
        )
    folder = current_app.config["SETTINGS"].media
    for key in set(keys) - still:
        media_path(folder, key).unlink(missing_ok=True)
