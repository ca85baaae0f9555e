"""Logs: one JSON object a line on standard error, without secrets in it."""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

Event = MutableMapping[str, Any]

#: Fields whose name says that their value is nobody's business.
_SECRET_NAME = re.compile(
    r"pass(word|wd)|secret|token|cookie|authori[sz]ation|csrf|credential"
    r"|(^|_)(key|code|pin|otp|session)$",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![0-9])(?:\+?86[ -]?)?(1[3-9][0-9])[ -]?[0-9]{4}[ -]?([0-9]{4})(?![0-9])"
)
# JSON escapes C0 itself; these too can turn a line over in a terminal or viewer.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_LONGEST = 2000
HIDDEN = "[hidden]"

_access = structlog.stdlib.get_logger("casefield.access")
_security = structlog.stdlib.get_logger("casefield.security")


def configure(level: str = "INFO") -> None:
    """Send our own log and that of every library through the same pipe."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                one_line,
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These tell every font glyph and connection at INFO.
    for noisy in ("weasyprint", "fontTools", "alembic", "huey"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def without_secrets(_logger: object, _method: str, event: Event) -> Event:
    """Hide what is secret by name, and phone numbers wherever they stand."""
    for name, value in event.items():
        event[name] = HIDDEN if _SECRET_NAME.search(name) else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _PHONE.sub(r"\1****\2", value)
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _SECRET_NAME.search(str(name)) else _clean(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _clean(str(value)) if not isinstance(value, logging.LogRecord) else value


def one_line(_logger: object, _method: str, event: Event) -> str:
    """Write the event as JSON that stays one harmless line."""
    line = json.dumps(event, ensure_ascii=False, default=str)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


class _Throttle:
    """A bucket for each name: a burst, then one a second; the rest is counted."""

    def __init__(self, burst: float, tick: Callable[[], float]) -> None:
        self._burst = burst
        self._tick = tick
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float, int]] = {}

    def admit(self, name: str) -> int | None:
        """Return how many were dropped before this one, or None to drop it."""
        with self._lock:
            present = self._tick()
            left, seen, dropped = self._buckets.get(name, (self._burst, present, 0))
            left = min(self._burst, left + present - seen)
            if left < 1:
                self._buckets[name] = (left, present, dropped + 1)
                return None
            self._buckets[name] = (left - 1, present, 0)
            return dropped


_throttle = _Throttle(burst=20, tick=time.monotonic)


def security_event(name: str, **fields: object) -> None:
    """Note something a defender wants to see; a flood of one name is summed up.

    ``name`` is one of ours, never text from a request.
    """
    dropped = _throttle.admit(name)
    if dropped is not None:
        more = {"dropped": dropped} if dropped else {}
        short = {key: _short(value) for key, value in fields.items()}
        _security.warning(name, **short, **more)


def _short(value: object) -> object:
    return value[:_LONGEST] if isinstance(value, str) else value


def log_requests(app: Flask) -> None:
    """Write one line for each answer: the rule, never the address as it was typed.

    An address may hold a sign-in link or a search for a name; its rule holds neither.
    """

    @app.before_request
    def start() -> None:
        g.request_started = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        taken = time.perf_counter() - g.get("request_started", time.perf_counter())
        _access.info(
            "request",
            method=request.method,
            rule=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round(taken * 1000, 1),
            client=request.remote_addr,
        )
        return response
