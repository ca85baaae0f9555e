"""A browser for tests: keeps cookies, sends what browsers send, checks every page."""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from casefield.accounts import services
from casefield.core import clock
from casefield.core.db import unit_of_work
from casefield.people.models import Person
from tests.page_rules import check_answer

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Browser(FlaskClient):
    """Sends Origin, token and receipt key by itself, as our pages do.

    Leave a part out with ``origin=None``, ``csrf=False`` or ``receipt=False``; ask
    for a fragment as htmx does with ``fragment=True``.
    """

    #: off where a test asks for the status of hundreds of pages alone
    checks_pages = True

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        fragment = kwargs.pop("fragment", False)
        origin = kwargs.pop("origin", "http://localhost")
        csrf = kwargs.pop("csrf", True)
        receipt = kwargs.pop("receipt", True)
        if not args or not isinstance(args[0], str):
            return super().open(*args, **kwargs)
        headers = dict(kwargs.pop("headers", None) or {})
        if fragment:
            headers["HX-Request"] = "true"
        if kwargs.get("method", "GET") in UNSAFE:
            if origin:
                headers.setdefault("Origin", origin)
            sent = kwargs.get("data") or {}
            if isinstance(sent, Mapping):
                if isinstance(sent, MultiDict):
                    sent = sent.to_dict(flat=False)
                fields = dict(sent)
                if csrf:
                    fields.setdefault("csrf_token", self.csrf_token())
                if receipt:
                    fields.setdefault("receipt_key", secrets.token_urlsafe(16))
                kwargs["data"] = fields
        response = super().open(*args, headers=headers, **kwargs)
        if self.checks_pages:
            check_answer(response, response.request.path)
        return response

    def csrf_token(self) -> str:
        """Return a token as our forms carry it, without fetching a page first."""
        with self.session_transaction() as form_session:
            raw = form_session.setdefault("csrf_token", secrets.token_hex(20))
        signer = URLSafeTimedSerializer(
            self.application.config["SECRET_KEY"], salt="wtf-csrf-token"
        )
        return str(signer.dumps(raw))

    def submit(self, page: str, data: Mapping[str, Any], **kwargs: Any) -> TestResponse:
        """Fetch a page and post ``data`` with the envelope that its form carries."""
        text = self.get(page).get_data(as_text=True)
        fields = dict(data)
        for name in ("csrf_token", "receipt_key"):
            found = re.search(rf'name="{name}" value="([^"]+)"', text)
            if found:
                fields.setdefault(name, found[1])
        return self.post(kwargs.pop("to", page), data=fields, **kwargs)

    def twin(self) -> "Browser":
        """Open another browser with the same cookies, for a thread of its own."""
        other = browser(self.application)
        other._cookies = dict(self._cookies or {})
        return other

    def sign_in(self, person: Person) -> "Browser":
        """Be this person from now on: a session row and its cookie, no password."""
        settings = self.application.config["SETTINGS"]
        device_cookie = self.get_cookie(f"{settings.cookie_name}-device")
        with self.application.app_context(), unit_of_work():
            opened = services.open_session(
                person,
                device_cookie.value if device_cookie else None,
                "Test",
                clock.now(),
            )
        self.set_cookie(settings.cookie_name, opened.session_token)
        if opened.device_token:
            self.set_cookie(f"{settings.cookie_name}-device", opened.device_token)
        return self


def browser(app: Flask, person: Person | None = None) -> Browser:
    """Open a browser of its own, signed in as ``person`` if given."""
    app.test_client_class = Browser
    client = app.test_client()
    assert isinstance(client, Browser)
    return client.sign_in(person) if person is not None else client
