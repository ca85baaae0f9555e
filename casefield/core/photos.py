"""Photos that belong to records: rows over the files that ``core.media`` keeps."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from casefield.core.db import Base, BigId, PrimaryKey, PublicId
from casefield.core.scope import SiteScoped


class Photo(SiteScoped, Base):
    """A picture of a thing, never of a person; re-encoded, without EXIF."""

    __tablename__ = "photo"

    id: Mapped[PrimaryKey]
    public_id: Mapped[PublicId]
    sha256: Mapped[str]
    key: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    person_id: Mapped[int | None] = mapped_column(BigId)
    made_at: Mapped[datetime]
