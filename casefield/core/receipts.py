"""Receipts: the key of a form, its effect and its ledger line, in one transaction.

The same key again gives the first answer; the same key with another body is refused.
This one mechanism serves double taps, retries, lost answers and queued entries.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from flask import Request, Response, g, make_response, redirect, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import UniqueConstraint, bindparam, insert, select
from sqlalchemy.orm import Mapped

from casefield.core import clock
from casefield.core.db import Base, PrimaryKey, db, lock, table_of, unit_of_work
from casefield.core.errors import DomainError
from casefield.core.prebuilt import Prebuilt

RECEIPT_LOCK = 11
#: fields that differ between two sendings of one and the same form
_ENVELOPE = frozenset({"csrf_token", "receipt_key"})


class Receipt(Base):
    """A form has been received and done; this is what was answered."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("holder", "key"),)

    id: Mapped[PrimaryKey]
    #: whose key it is: ``person:12``, or ``device:7`` before sign-in
    holder: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    #: where the first answer sent the browser
    location: Mapped[str]
    made_at: Mapped[datetime]


_RECEIPTS = table_of(Receipt)
_OF_A_HOLDER = {"unscoped": "a receipt belongs to whoever sent the form, not to a site"}
_FIND = Prebuilt(
    select(_RECEIPTS.c.fingerprint, _RECEIPTS.c.location)
    .where(
        _RECEIPTS.c.holder == bindparam("holder"), _RECEIPTS.c.key == bindparam("key")
    )
    .execution_options(**_OF_A_HOLDER)
)
_INSERT = insert(_RECEIPTS).inline().execution_options(**_OF_A_HOLDER)


class ReceiptMissing(DomainError):
    """The form came without a key, so a retry could not be told from a new one."""

    status = 400
    code = "receipt-missing"
    message = _l("表单不完整。请返回上一页，重新打开后再提交。")


class ReceiptReused(DomainError):
    """One key, two different bodies: something mixed two forms up."""

    status = 422
    code = "receipt-reused"
    message = _l("这张表单已经提交过，内容与上次不同。请重新打开后再填。")


class Replayed(Exception):
    """This form was done before: give the first answer again."""

    def __init__(self, answer: "Answer") -> None:
        self.answer = answer


def fingerprint(sent: Request) -> str:
    """Return a hash of what the form says, whatever order or envelope it came in."""
    digest = hashlib.sha256(f"{sent.method} {sent.path}".encode())
    for name, value in sorted(sent.form.items(multi=True)):
        if name not in _ENVELOPE:
            digest.update(f"\x00{name}\x01{value}".encode())
    for name, upload in sorted(sent.files.items(multi=True)):
        digest.update(f"\x02{name}\x01".encode())
        for chunk in iter(lambda: upload.stream.read(65536), b""):  # noqa: B023 -- used up here
            digest.update(chunk)
        upload.stream.seek(0)
    return digest.hexdigest()


@dataclass
class Answer:
    """What a finished form answers: 303 to the thing it made or changed."""

    key: str
    location: str | None = None
    replayed: bool = False

    def see(self, location: str) -> None:
        """Send the browser to ``location`` once the work is committed."""
        self.location = location

    @property
    def response(self) -> Response:
        response = make_response(redirect(self.location or "/", code=303))
        response.headers["X-Receipt"] = self.key
        if self.replayed:
            response.headers["X-Replayed"] = "1"
        return response


def _holder() -> str:
    actor = g.actor
    if actor is not None:
        return f"person:{actor.person_id}"
    return f"device:{g.device_id}"


@contextmanager
def accept() -> Iterator[Answer]:
    """Do what the request asks, once: its effect and its receipt commit together.

    Raises:
        ReceiptMissing: the form has no key of 8 to 64 characters.
        ReceiptReused: the key was used for another body.
        Replayed: done before; the error handler repeats the first answer.
    """
    key = request.form.get("receipt_key", "")
    if not 8 <= len(key) <= 64:
        raise ReceiptMissing
    holder, mark = _holder(), fingerprint(request)
    answer = Answer(key)
    with unit_of_work():
        lock(RECEIPT_LOCK, f"{holder}\x00{key}")
        session = db.session()
        first = _FIND.first(holder=holder, key=key)
        if first is not None:
            if first.fingerprint != mark:
                raise ReceiptReused
            raise Replayed(Answer(key, first.location, replayed=True))
        yield answer
        if answer.location is None:
            message = "a view accepted a form and did not say where to go next"
            raise RuntimeError(message)
        session.execute(
            _INSERT,
            {
                "holder": holder,
                "key": key,
                "fingerprint": mark,
                "location": answer.location,
                "made_at": clock.now(),
            },
        )
