"""Which routes did a test see answered? A whole run must see every one."""

from typing import Any

import pytest
from flask import Flask, Response, request, request_finished

from tests.routes import calls


class Answered:
    """Listens to every application of the run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seen: set[tuple[str, str]] = set()
        self._known: set[tuple[str, str]] = set()
        self._apps: set[int] = set()
        request_finished.connect(self._note)

    def _note(self, sender: Flask, response: Response, **_more: Any) -> None:
        if id(sender) not in self._apps:
            self._apps.add(id(sender))
            self._known |= {
                (rule.endpoint, method)
                for rule, method in calls(sender)
                if "." in rule.endpoint
            }
        if request.endpoint and response.status_code < 400:
            self._seen.add((request.endpoint, request.method))

    def handed_on(self) -> list[list[tuple[str, str]]]:
        """What one worker of several saw, for the one who counts."""
        return [sorted(self._seen), sorted(self._known)]

    def take(self, handed_on: list[list[tuple[str, str]]]) -> None:
        """Add what a worker saw."""
        seen, known = handed_on
        self._seen |= {(endpoint, method) for endpoint, method in seen}
        self._known |= {(endpoint, method) for endpoint, method in known}

    def _is_whole_run(self) -> bool:
        options = self._config.option
        args = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        marks = options.markexpr
        whole = marks == "not prove" or "not browser" in marks
        last_failed = getattr(options, "lf", False)
        return bool(args and whole and not options.keyword and not last_failed)

    def missing(self) -> list[str]:
        """Name what nothing answered with 2xx or 3xx; nothing in a partial run."""
        if not self._is_whole_run() or self._config.option.collectonly:
            return []
        return sorted(
            f"{method} {endpoint}" for endpoint, method in self._known - self._seen
        )
