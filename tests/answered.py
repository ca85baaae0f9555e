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

    def _is_whole_run(self) -> bool:
        options = self._config.option
        args = self._config.args_source is not pytest.Config.ArgsSource.ARGS
        return bool(args and not options.keyword and not options.lf)

    def missing(self) -> list[str]:
        """Name what nothing answered with 2xx or 3xx; nothing in a partial run."""
        if not self._is_whole_run() or self._config.option.collectonly:
            return []
        return sorted(
            f"{method} {endpoint}" for endpoint, method in self._known - self._seen
        )
