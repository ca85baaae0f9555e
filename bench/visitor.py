"""A browser without a screen: cookies, forms and redirects over one connection."""

import http.client
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """One answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()


@dataclass
class Form:
    """A form of a page with the values that the server put into it."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    #: Names that the person must fill: text, password, radio, select.
    names: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    """Collects forms with their prefilled inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = Form(action=given.get("action") or "")
            self.found.append(self._open)
        elif self._open is not None and tag in {"input", "button", "select"}:
            self._take(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None

    def _take(self, given: dict[str, str | None]) -> None:
        form, name = self._open, given.get("name")
        if form is None or not name:
            return
        form.names.append(name)
        kind = given.get("type") or "text"
        if kind == "hidden" or (kind in {"radio", "checkbox"} and "checked" in given):
            form.values[name] = given.get("value") or ""


def forms_of(page: str) -> list[Form]:
    """Return every form of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


class Visitor:
    """Keeps cookies for one origin on one keep-alive connection."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.cookies: dict[str, str] = {}
        place = urlsplit(origin)
        self._line = http.client.HTTPConnection(
            place.hostname or "127.0.0.1", place.port, timeout=30
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    @property
    def cookie_header(self) -> str:
        """Return the Cookie header that a load generator repeats."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str, **headers: str) -> Answer:
        """Fetch one path; redirects are left to the caller."""
        return self._ask("GET", path, None, headers)

    def post(self, path: str, values: dict[str, str]) -> Answer:
        """Send a form as a browser of the same origin would."""
        headers = {"Content-Type": FORM, "Origin": self.origin}
        return self._ask("POST", path, urlencode(values), headers)

    def follow(self, answer: Answer, path: str = "/") -> Answer:
        """Walk redirects of this origin to their page."""
        for _ in range(5):
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            path = urljoin(
                path,
                urlsplit(answer.headers["location"])
                ._replace(scheme="", netloc="")
                .geturl(),
            )
            answer = self.get(path)
        raise RuntimeError(f"too many redirects, last to {path}")

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> Answer:
        sent = dict(headers)
        if self.cookies:
            sent["Cookie"] = self.cookie_header
        self._line.request(method, path, body=body, headers=sent)
        reply = self._line.getresponse()
        content = reply.read()
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                pair = value.split(";", 1)[0]
                key, _, kept = pair.partition("=")
                self.cookies[key.strip()] = kept.strip()
        answered = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, answered, content)
