"""What a guard writes down besides the checkpoints."""

from datetime import datetime

from flask_babel import lazy_gettext as _l

from casefield.core import ledger
from casefield.core.db import db
from casefield.core.errors import DomainError
from casefield.core.ledger import Author
from casefield.core.scope import current_site_id
from casefield.patrol.models import NoteKind, PatrolNote


class NoteEmpty(DomainError):
    """A note says something."""

    code = "note-empty"
    message = _l("请写一句看到了什么。")


def write_note(
    kind: NoteKind,
    place_id: int,
    text: str,
    author: Author,
    now: datetime,
    *,
    action: str = "",
    post_id: int | None = None,
    photo_id: int | None = None,
) -> PatrolNote:
    """Write a post observation (row R31) or a violation note (row R120).

    Raises:
        NoteEmpty: no text.
    """
    if not text.strip():
        raise NoteEmpty
    assert author.person_id is not None  # noqa: S101 -- the clock sees nothing
    note = PatrolNote(
        site_id=current_site_id(),
        kind=kind,
        place_id=place_id,
        post_id=post_id,
        text=text.strip(),
        action=action.strip(),
        photo_id=photo_id,
        person_id=author.person_id,
        at=now,
    )
    db.session.add(note)
    db.session.flush()
    ledger.record(
        note.site_id,
        author,
        now,
        f"patrol.{kind.value}.noted",
        f"note:{note.public_id}",
        place_id=place_id,
        personal={"text": note.text, "action": note.action},
    )
    return note
