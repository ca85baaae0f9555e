"""A log line tells what happened; it gives no secret away and cannot be forged."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from flask import Flask

from casefield.core import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Everything logged during the test, as the JSON that was written."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before, level, set_up = root.handlers[:], root.level, structlog.get_config()
    logs.configure("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**set_up)


def test_line_tells_when_who_and_what(lines: Lines) -> None:
    structlog.get_logger("casefield.patrol").info("round_opened", route="夜班")
    (line,) = lines()
    assert line["event"] == "round_opened"
    assert line["route"] == "夜班"
    assert line["level"] == "info"
    assert line["logger"] == "casefield.patrol"
    assert line["timestamp"].endswith("Z")


def test_library_logs_in_the_same_shape(lines: Lines) -> None:
    logging.getLogger("library").warning("broken %s", "pipe")
    (line,) = lines()
    assert (line["event"], line["logger"]) == ("broken pipe", "library")


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "new_password",
        "csrf_token",
        "Authorization",
        "cookie",
        "secret_key",
        "session",
        "receipt_key",
        "sign_in_token",
        "pin",
    ],
)
def test_secret_by_name_is_hidden(lines: Lines, name: str) -> None:
    structlog.get_logger().info("event", **{name: "hunter2"}, inside={name: "hunter2"})
    (line,) = lines()
    assert line[name] == logs.HIDDEN
    assert line["inside"] == {name: logs.HIDDEN}


@pytest.mark.parametrize("typed", ["13812345678", "+86 138 1234 5678", "138-1234-5678"])
def test_phone_number_is_masked_wherever_it_stands(lines: Lines, typed: str) -> None:
    structlog.get_logger().info(f"called {typed}", notes=[f"从 {typed} 打来"])
    logging.getLogger("library").error("no answer from %s", typed)
    for line in lines():
        told = json.dumps(line)
        assert typed not in told
        assert "138****5678" in told


def test_other_numbers_stay(lines: Lines) -> None:
    structlog.get_logger().info("counted", rows="2138123456789", id="12345678901")
    (line,) = lines()
    assert (line["rows"], line["id"]) == ("2138123456789", "12345678901")


def test_text_of_a_visitor_cannot_add_or_hide_a_line(lines: Lines) -> None:
    hostile = 'x"}\n{"event": "forged"}\r\x1b[2K\x9b2J\u2028\u202e\x00\ufeff'
    structlog.get_logger().warning("refused", agent=hostile)
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    written = handler.stream.getvalue()
    assert len(lines()) == 1
    assert lines()[0]["agent"] == hostile
    assert written.count("\n") == 1
    assert written.rstrip("\n").isprintable()


def test_exception_keeps_its_traceback(lines: Lines) -> None:
    try:
        raise ValueError("no such 13812345678")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines()
    assert "ValueError: no such 138****5678" in line["exception"]


def test_flood_of_one_event_is_summed_up(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = [0.0]
    monkeypatch.setattr(logs, "_throttle", logs._Throttle(20, lambda: ticks[0]))
    for _ in range(1000):
        logs.security_event("unknown_code", code="ABC")
    logs.security_event("other")
    assert len(lines()) == 21
    ticks[0] = 5.0
    logs.security_event("unknown_code", path="x" * 9000)
    last = lines()[-1]
    assert last["dropped"] == 980
    assert len(last["path"]) < 3000
    assert lines()[0]["code"] == logs.HIDDEN


def test_request_line_names_the_rule_and_not_the_address(lines: Lines) -> None:
    app = Flask("tiny")
    logs.log_requests(app)
    app.add_url_rule("/links/<token>", view_func=lambda token: token)
    client = app.test_client()
    client.get("/links/very-secret?phone=13812345678")
    client.get("/nowhere/very-secret?word=hidden")
    first, second = [line for line in lines() if line["event"] == "request"]
    assert (first["rule"], first["status"]) == ("/links/<token>", 200)
    assert (second["rule"], second["status"]) == (None, 404)
    told = json.dumps([first, second])
    assert "very-secret" not in told
    assert "hidden" not in told
    assert "1381234" not in told
