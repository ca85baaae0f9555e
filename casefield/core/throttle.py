"""Buckets of tries, kept in the database: they hold over processes and restarts."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from casefield.core.db import Base, db, lock

BUCKET_LOCK = 13


class Bucket(Base):
    """So many tries are left for a key; they come back with time."""

    __tablename__ = "bucket"

    key: Mapped[str] = mapped_column(primary_key=True)
    left: Mapped[float]
    counted_at: Mapped[datetime]


def take(key: str, now: datetime, *, capacity: int, per_hour: float) -> float:
    """Take one try from the bucket ``key``; return the seconds to wait (0: go on).

    A full bucket holds ``capacity`` tries and refills by ``per_hour``. Call it inside
    a unit of work; a refused try takes nothing, so that nobody is locked out for ever.
    """
    session = db.session()
    # a row that is not there yet cannot be locked
    lock(BUCKET_LOCK, key)
    bucket = session.get(Bucket, key, populate_existing=True)
    if bucket is None:
        session.add(Bucket(key=key, left=capacity - 1.0, counted_at=now))
        session.flush()
        return 0.0
    hours = max(0.0, (now - bucket.counted_at).total_seconds() / 3600)
    bucket.left = min(float(capacity), bucket.left + hours * per_hour)
    bucket.counted_at = now
    if bucket.left < 1.0:
        return (1.0 - bucket.left) / per_hour * 3600
    bucket.left -= 1.0
    session.flush()
    return 0.0


def clear(key: str) -> None:
    """Fill a bucket again: the person has proved who they are."""
    bucket = db.session().get(Bucket, key)
    if bucket is not None:
        db.session().delete(bucket)
