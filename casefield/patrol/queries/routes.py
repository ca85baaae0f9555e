"""Routes, checkpoints and plans, as their editors show them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from casefield.core.db import db
from casefield.core.errors import NotFound
from casefield.patrol.models import Checkpoint, Plan, Route


def list_plain() -> Sequence[Route]:
    """Return every route by code, also those out of use."""
    return db.session.scalars(select(Route).order_by(Route.code)).all()


def list_checkpoints() -> Sequence[Checkpoint]:
    """Return the checkpoints in use by code, with their places."""
    return db.session.scalars(
        select(Checkpoint)
        .where(Checkpoint.retired_at.is_(None))
        .options(joinedload(Checkpoint.place), joinedload(Checkpoint.checklist))
        .order_by(Checkpoint.code)
    ).all()


def get_checkpoint(public_id: str) -> Checkpoint:
    """Return a checkpoint with place and checklist; raise NotFound."""
    checkpoint = db.session.scalar(
        select(Checkpoint)
        .where(Checkpoint.public_id == public_id)
        .options(joinedload(Checkpoint.place), joinedload(Checkpoint.checklist))
    )
    if checkpoint is None:
        raise NotFound
    return checkpoint


def get_plan(public_id: str) -> Plan:
    """Return a plan with its post; raise NotFound."""
    plan = db.session.scalar(
        select(Plan).where(Plan.public_id == public_id).options(joinedload(Plan.post))
    )
    if plan is None:
        raise NotFound
    return plan
