"""Addresses of static files, each carrying the hash of its content."""

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from flask import Flask
from whitenoise import WhiteNoise

STATIC = Path(__file__).parent.parent / "static"
YEAR = 365 * 24 * 3600


@cache
def static_url(path: str) -> str:
    """Return the address of a file below ``static/``; it changes with the content."""
    digest = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def drop_stale_twins() -> None:
    """Remove a ``.br`` or ``.gz`` that is older than its file: it would be served."""
    for twin in (*STATIC.rglob("*.br"), *STATIC.rglob("*.gz")):
        whole = twin.with_suffix("")
        if not whole.exists() or whole.stat().st_mtime > twin.stat().st_mtime:
            with suppress(OSError):
                twin.unlink()


def init_app(app: Flask) -> None:
    """Serve ``static/`` before Flask: compressed where a ``.br`` or ``.gz`` lies by."""
    drop_stale_twins()
    static = WhiteNoise(app.wsgi_app, root=str(STATIC), prefix="static/", max_age=YEAR)
    app.wsgi_app = static  # type: ignore[method-assign]  # Flask's own way to wrap
    app.jinja_env.globals["static_url"] = static_url
