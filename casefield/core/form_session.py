"""The signed cookie beside forms: their token and what to say next."""

from contextlib import suppress
from functools import lru_cache
from typing import Any, cast

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature

from casefield.core import clock


class FormSessions(SecureCookieSessionInterface):
    """Flask's own cookie, proved once and not again while it stays the same.

    A browser sends the same cookie with nearly every request, and its signature does
    not turn bad with time; only its age does, which is looked at once a day.
    """

    def __init__(self) -> None:
        self._signers: dict[object, Any] = {}
        self._proved = lru_cache(maxsize=2048)(self._prove)

    def get_signing_serializer(self, app: Flask) -> Any:
        keys = app.secret_key, tuple(app.config["SECRET_KEY_FALLBACKS"] or ())
        if keys not in self._signers:
            self._proved.cache_clear()
            self._signers = {keys: super().get_signing_serializer(app)}
        return self._signers[keys]

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        signer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if not cookie or len(cookie) > 4096:
            return self.session_class()
        age = int(app.permanent_session_lifetime.total_seconds())
        said = self._proved(signer, cookie, age, clock.now().toordinal())
        # read afresh from its text, so that no request can change what another sees
        return self.session_class(signer.load_payload(said) if said else None)

    def _prove(self, signer: Any, cookie: str, age: int, _day: int) -> bytes | None:
        """Return the cookie's payload if it is ours and not too old."""
        for key in signer.iter_unsigners(signer.salt):
            with suppress(BadSignature):
                return cast("bytes", key.unsign(cookie, max_age=age))
        return None
