"""Unsafe requests must come from a page of ours. An origin never ages, a token does."""

from urllib.parse import urlsplit

from flask import Flask, request
from flask_babel import lazy_gettext as _l

from casefield.core.errors import DomainError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignOrigin(DomainError):
    """Another site's page sent this form."""

    status = 403
    code = "foreign-origin"
    message = _l("这张表单不是从本系统的页面发出的，没有收下。")


def is_own_origin() -> bool:
    """Say whether the browser says that one of our pages sent the request."""
    fetched_from = request.headers.get("Sec-Fetch-Site")
    if fetched_from is not None:
        return fetched_from == "same-origin"
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.host


def init_app(app: Flask) -> None:
    @app.before_request
    def refuse_foreign_origin() -> None:
        if request.method not in SAFE and not is_own_origin():
            raise ForeignOrigin
