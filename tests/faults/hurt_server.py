"""The real command line with one defence taken out, for the controls of a test.

The product has no switch for this; what is taken out here is replaced by hand before
any feature is loaded.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import request
from sqlalchemy import Engine, event

from casefield.core import db, receipts


@contextmanager
def accept_without_receipt() -> Iterator[receipts.Answer]:
    """Do what is asked, however often it is asked."""
    answer = receipts.Answer(request.form.get("receipt_key", ""))
    with db.unit_of_work():
        yield answer


def prepare_without_lock(
    engine: Engine, synchronous: str, *, prepare: Any = db.prepare_sqlite
) -> None:
    """Let every transaction begin as a reader that asks for the lock when it writes."""
    prepare(engine, synchronous)

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def defer(
        _connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any
    ) -> tuple[str, Any]:
        return statement.replace("BEGIN IMMEDIATE", "BEGIN"), parameters


def hurt(what: str) -> None:
    if what == "receipts":
        receipts.accept = accept_without_receipt
    elif what == "lock":
        db.prepare_sqlite = prepare_without_lock
    else:
        raise SystemExit(f"no such defence: {what}")


if __name__ == "__main__":
    hurt(os.environ.pop("HURT"))
    from casefield.cli import main

    main(sys.argv[1:])
