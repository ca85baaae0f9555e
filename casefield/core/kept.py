"""Pages of which two requests differ in a few pieces only: the rest is kept.

A page asked for all day is mostly menu, head and headings, and those follow from the
person, the site and the endpoint. They are rendered once for each sign-in, with gaps;
afterwards only the gaps are filled. Who may see the page is asked before, as always.
"""

import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from flask import (
    Flask,
    Response,
    current_app,
    g,
    render_template,
    request,
    session,
)
from markupsafe import Markup

from casefield.core import clock
from casefield.core.htmx import wants_fragment
from casefield.core.web import render

KEPT_PAGES = 512

# Nothing that a person types can be one of these marks.
_MARK = f"\x02{secrets.token_hex(8)}"
_GAP = re.compile(f"{_MARK}:(\\w+);")


def _gap(name: str) -> Markup:
    return Markup(f"{_MARK}:{name};")  # noqa: S704 -- a constant of ours


class _Sometime:
    """Stands in for the present while a page with gaps is rendered."""

    def __call__(self) -> "_Sometime":
        return self

    def isoformat(self) -> Markup:
        return _gap("now")


@lru_cache(maxsize=KEPT_PAGES)
def _with_gaps(
    _app: Flask,
    template: str,
    _endpoint: str | None,
    _actor: object,
    _site: object,
    names: tuple[str, ...],
) -> list[Any]:
    """Render the page once; every second piece of the result names a gap.

    All that the page shows outside its gaps is among the arguments.
    """
    gaps: dict[str, Any] = {name: _gap(name) for name in names}
    page = render_template(template, now=_Sometime(), **gaps)
    return [
        piece if place % 2 else piece.encode()
        for place, piece in enumerate(_GAP.split(page))
    ]


def render_kept(page: str, fragment: str, late: Mapping[str, bytes | None]) -> Response:
    """Render a page whose every other word follows from person, site and endpoint.

    ``late`` are the pieces of this request, safe HTML in UTF-8; an empty one counts as
    left out, so that a page may look different without it.
    """
    if wants_fragment() or "_flashes" in session or g.actor is None:
        return render(page, fragment, status=200, **as_markup(late))
    app = cast("Any", current_app)._get_current_object()  # noqa: SLF001 -- its documented use
    names = tuple(name for name, piece in late.items() if piece)
    kept = _with_gaps(app, page, request.endpoint, g.actor, g.site, names)
    filled: dict[Any, Any] = {**late, "now": clock.now().isoformat().encode()}
    response = Response(
        b"".join([filled[p] if place % 2 else p for place, p in enumerate(kept)]),
        mimetype="text/html",
    )
    response.headers["Vary"] = "HX-Request"
    return response


def as_markup(late: Mapping[str, bytes | None]) -> dict[str, Any]:
    """Return the pieces as a template takes them."""
    return {
        name: Markup(piece.decode()) if piece else None  # noqa: S704 -- safe as told
        for name, piece in late.items()
    }
