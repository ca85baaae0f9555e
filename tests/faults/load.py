"""Guards who check in as fast as they can, and remember what they were told."""

import http.client
import queue
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.browser.live import Live

#: how long a phone waits for an answer
PATIENCE = 20


@dataclass(frozen=True)
class Task:
    """One check-in that somebody means to make, under one key for ever."""

    path: str
    code: str
    key: str = field(default_factory=lambda: secrets.token_urlsafe(16))


class Phone:
    """One connection of one signed-in guard."""

    def __init__(self, live: Live, session: str) -> None:
        self._live = live
        self._cookies = {"casefield": session}
        self._connection: http.client.HTTPConnection | None = None
        self.token = ""

    def _ask(self, method: str, path: str, body: str = "") -> tuple[int, str, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "localhost", self._live.port, timeout=PATIENCE
            )
        headers = {
            "Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items()),
            "Origin": self._live.url,
        }
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body or None, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except BaseException:
            self.hang_up()
            raise
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self._cookies[key] = rest.partition(";")[0]
        return answer.status, answer.getheader("X-Receipt", ""), text

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def open_form(self, path: str) -> None:
        """Fetch a form once, for the token that every later one carries."""
        status, _, text = self._ask("GET", path)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        assert found, f"{path} answers {status}"
        self.token = found[1]

    def send(self, task: Task) -> tuple[int, str]:
        """Check in; return the status and the receipt."""
        fields = {
            "csrf_token": self.token,
            "receipt_key": task.key,
            "code": task.code,
            "line-1": "normal",
            "line-2": "normal",
        }
        status, receipt, _ = self._ask(
            "POST", f"{task.path}/check-in", urlencode(fields)
        )
        return status, receipt


@dataclass
class Crowd:
    """Threads that work a list of tasks off, through every fall of the server."""

    live: Live
    session: str
    tasks: "queue.SimpleQueue[Task]"
    acknowledged: list[Task] = field(default_factory=list)
    unanswered: list[Task] = field(default_factory=list)
    refused: list[tuple[Task, int]] = field(default_factory=list)
    up: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self, size: int, form: str) -> Iterator[None]:
        """Let ``size`` guards work until the block ends."""
        self.up.set()
        threads = [
            threading.Thread(target=self._work, args=(form,)) for _ in range(size)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            self.up.set()
            for thread in threads:
                thread.join()

    def _work(self, form: str) -> None:
        phone = Phone(self.live, self.session)
        phone.open_form(form)
        while not self.stop.is_set():
            self.up.wait()
            try:
                task = self.tasks.get_nowait()
            except queue.Empty:
                break
            self.note(phone, task)
        phone.hang_up()

    def note(self, phone: Phone, task: Task) -> None:
        """Send once and write down how it went."""
        try:
            status, receipt = phone.send(task)
        except (OSError, http.client.HTTPException):
            self.unanswered.append(task)
            return
        if status == 303 and receipt == task.key:
            self.acknowledged.append(task)
        else:
            self.refused.append((task, status))

    def replay_unanswered(self, form: str) -> None:
        """Send again what got no answer, under the same keys, as phones do."""
        again, self.unanswered = self.unanswered, []
        phone = Phone(self.live, self.session)
        phone.open_form(form)
        for task in again:
            self.note(phone, task)
        phone.hang_up()
