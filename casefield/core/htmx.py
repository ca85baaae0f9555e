"""The one module that knows flask-htmx: is this request asking for a fragment?"""

from flask import Flask
from flask_htmx import HTMX

_htmx = HTMX()


def init_app(app: Flask) -> None:
    _htmx.init_app(app)


def wants_fragment() -> bool:
    """Say whether htmx swaps a part of the page.

    A boosted link and a history restore are htmx requests too, but want the page.
    """
    return bool(_htmx) and not _htmx.boosted and not _htmx.history_restore_request
