"""A step that cannot be taken back says its consequence before it is done."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Final, ParamSpec
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from casefield.core.web import render

P = ParamSpec("P")
_ENVELOPE: Final = frozenset({"csrf_token", "receipt_key", "confirmed"})


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a step does, as the person is told before it is done."""

    title: str
    sentence: str
    #: words of the button that does it
    button: str


def confirm_first(
    title: str, sentence: str, button: str
) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Do the view only when the form says ``confirmed=1``; ask before that.

    Write it below the route's decorator. ``components/dialog.html`` has the button
    that asks in a dialog; without JavaScript the same form gets a page that asks.
    """
    consequence = Consequence(title, sentence, button)

    def guard(view: Callable[P, Response]) -> Callable[P, Response]:
        @wraps(view)
        def asked(*args: P.args, **kwargs: P.kwargs) -> Response:
            if request.form.get("confirmed") == "1":
                return view(*args, **kwargs)
            return _ask(consequence)

        asked.__dict__["consequence"] = consequence
        return asked

    return guard


def consequence_of(endpoint: str) -> Consequence:
    """Return what the page says before it sends a form to ``endpoint``."""
    view = current_app.view_functions[endpoint]
    found: Consequence = view.__dict__["consequence"]
    return found


def _ask(consequence: Consequence) -> Response:
    back = "/"
    with suppress(ValueError):
        came_from = urlsplit(request.referrer or "")
        path = came_from.path
        if came_from.netloc == request.host and path[:1] == "/" and path[:2] != "//":
            back = path + (f"?{came_from.query}" if came_from.query else "")
    return render(
        "core/confirm.html",
        consequence=consequence,
        back=back,
        kept=[
            (name, value)
            for name, value in request.form.items(multi=True)
            if name not in _ENVELOPE
        ],
        status=422,
    )


def init_app(app: Flask) -> None:
    app.jinja_env.globals["consequence_of"] = consequence_of
