"""A Flask endpoint that only inserts the one check-in row, as durably as ours.

It has no sign-in, no token, no look-up, no receipt and no ledger line: the least
that any check-in could cost here.
"""

import os
import secrets
import time
from pathlib import Path
from threading import local

import pysqlite3
from flask import Flask, request
from werkzeug.wrappers import Response

SCHEMA = """
CREATE TABLE check_in (
  id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE, site_id INTEGER NOT NULL,
  checkpoint_id INTEGER NOT NULL, person_id INTEGER NOT NULL,
  scanned_at TEXT NOT NULL, verdict TEXT NOT NULL, note TEXT NOT NULL)
"""
INDEXES = (
    "CREATE INDEX check_in_site ON check_in (site_id, scanned_at)",
    "CREATE INDEX check_in_point ON check_in (checkpoint_id, scanned_at)",
)
FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO check_in SELECT i, lower(hex(randomblob(10))), i % 20, i % 400, i % 60,
  strftime('%Y-%m-%d %H:%M:%S', 1700000000 + i * 9, 'unixepoch'), 'normal', ''
FROM n
"""
INSERT = """
INSERT INTO check_in (public_id, site_id, checkpoint_id, person_id, scanned_at,
  verdict, note) VALUES (?, ?, ?, ?, ?, ?, ?)
"""

app = Flask(__name__)
_kept = local()


def fill(path: Path, rows: int) -> None:
    """Make the database with its rows; indexes come afterwards for speed."""
    connection = pysqlite3.connect(str(path))
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(SCHEMA)
    connection.execute(FILL, (rows,))
    for statement in INDEXES:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _connection() -> pysqlite3.Connection:
    """Return the connection of this thread."""
    if not hasattr(_kept, "connection"):
        connection = pysqlite3.connect(os.environ["BENCH_DATABASE"], timeout=5)
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        _kept.connection = connection
    kept: pysqlite3.Connection = _kept.connection
    return kept


@app.get("/")
def ready() -> str:
    """Say that the server is up."""
    return "ok"


@app.post("/check-in")
def check_in() -> Response:
    """Insert one row and send the browser on, as a form does."""
    values = (
        secrets.token_hex(10), 1, request.form.get("point", type=int), 1,
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()), "normal",
        request.form.get("note", ""),
    )  # fmt: skip
    connection = _connection()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(INSERT, values)
    connection.execute("COMMIT")
    return Response(status=303, headers={"Location": "/"})
