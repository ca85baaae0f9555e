"""Pictures that no record came to use go after a day; the others stay."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

from sqlalchemy import select

from casefield.core import photos
from casefield.core.db import db
from casefield.core.ledger import CLOCKWORK
from casefield.core.media import media_path
from casefield.patrol.models import NoteKind
from casefield.patrol.services.notes import write_note
from tests.core.test_media import photo_bytes
from tests.factories import ground, looking, make_place


@dataclass(frozen=True)
class _Guard:
    person_id: int
    device_id: None = None


SENT = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


def _keep(site, kind="JPEG"):
    with looking(site):
        stored = photos.store_upload(BytesIO(photo_bytes(kind)))
    with ground(site):
        return photos.keep_photo(stored, CLOCKWORK, SENT)


def _left(site):
    with looking(site):
        return set(db.session.scalars(select(photos.Photo.id)))


def test_an_unused_picture_goes_after_a_day_with_its_file(app, cast):
    photo = _keep(cast.site)
    path = media_path(app.config["SETTINGS"].media, photo.key)
    with app.app_context():
        photos.sweep(SENT + timedelta(hours=23))
    assert photo.id in _left(cast.site)
    with app.app_context():
        photos.sweep(SENT + timedelta(hours=25))
    assert photo.id not in _left(cast.site)
    assert not path.exists()


def test_a_picture_of_a_record_stays(app, cast):
    photo = _keep(cast.site)
    place = make_place(cast.site)
    with ground(cast.site):
        write_note(
            NoteKind.VIOLATION,
            place.id,
            "广告",
            _Guard(cast.guard.id),
            SENT,
            photo_id=photo.id,
        )
    with app.app_context():
        photos.sweep(SENT + timedelta(days=2))
    assert photo.id in _left(cast.site)
    assert media_path(app.config["SETTINGS"].media, photo.key).exists()


def test_a_file_that_another_record_shares_stays(app, cast):
    content = photo_bytes("PNG")
    with looking(cast.site):
        stored = photos.store_upload(BytesIO(content))
    place = make_place(cast.site)
    with ground(cast.site):
        used = photos.keep_photo(stored, CLOCKWORK, SENT)
        unused = photos.keep_photo(stored, CLOCKWORK, SENT)
        write_note(
            NoteKind.VIOLATION,
            place.id,
            "广告",
            _Guard(cast.guard.id),
            SENT,
            photo_id=used.id,
        )
    with app.app_context():
        photos.sweep(SENT + timedelta(days=2))
    assert _left(cast.site) >= {used.id}
    assert unused.id not in _left(cast.site)
    assert media_path(app.config["SETTINGS"].media, used.key).exists()
