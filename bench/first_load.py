"""What a phone fetches before the guard's home stands: everything, compressed."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from bench.figures import Figure
from bench.house import QUIET_SITE, House, sign_in
from bench.visitor import Visitor

#: Relations of <link> that a browser fetches with the first page.
FETCHED = {"stylesheet", "icon", "manifest", "preload", "modulepreload"}
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
IN_SCRIPT = re.compile(
    r"^\s*(?:import|export)\s[^'\"]*?['\"]([^'\"]+)['\"]", re.MULTILINE
)
ACCEPTED = "gzip, deflate, br, zstd"


@dataclass
class FirstLoad:
    """The bytes of each address, as they went over the line."""

    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def kilobytes(self) -> float:
        """Return the sum in kilobytes of 1,000."""
        return sum(self.sizes.values()) / 1000


class _Parts(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        address: str | None = None
        if tag == "link" and FETCHED & set((given.get("rel") or "").split()):
            address = given.get("href")
        elif tag in {"script", "img", "source", "iframe"}:
            address = given.get("src")
        elif tag in {"use", "image"}:
            address = given.get("href") or given.get("xlink:href")
        if address:
            self.found.append(address)


def parts_of(content: str, kind: str) -> list[str]:
    """Return the addresses inside a page, a style sheet or a script."""
    if kind == "text/html":
        parser = _Parts()
        parser.feed(content)
        return parser.found
    if kind == "text/css":
        return [a or b for a, b in IN_STYLE.findall(content)]
    if kind in {"text/javascript", "application/javascript"}:
        return IN_SCRIPT.findall(content)
    return []


def fetch_all(visitor: Visitor, path: str) -> FirstLoad:
    """Fetch a page and all it needs; each address counts once."""
    load = FirstLoad()
    waiting = [path]
    while waiting:
        address = waiting.pop()
        if address in load.sizes:
            continue
        compressed = visitor.get(address, **{"Accept-Encoding": ACCEPTED})
        if compressed.status != 200:
            raise RuntimeError(f"{address} answers {compressed.status}")
        load.sizes[address] = len(compressed.body)
        kind = compressed.headers.get("content-type", "").partition(";")[0]
        if not kind.startswith(("text/", "application/javascript")):
            continue
        plain = visitor.get(address, **{"Accept-Encoding": "identity"})
        waiting += _own(parts_of(plain.text, kind), address)
    return load


def _own(found: list[str], base: str) -> list[str]:
    """Return addresses of our origin as paths, without their fragments."""
    paths = []
    for address in found:
        if address.startswith("data:"):
            continue
        whole = urlsplit(urljoin(base, address))
        if whole.netloc:
            raise RuntimeError(f"the page fetches from elsewhere: {address}")
        paths.append(whole._replace(fragment="").geturl())
    return paths


def measure(house: House) -> list[Figure]:
    """Measure the home of a guard who has an ordinary day."""
    with house.serve() as served, Visitor(served.origin) as visitor:
        name, _, token = sign_in(house.app, QUIET_SITE, 1).partition("=")
        visitor.cookies[name] = token
        load = fetch_all(visitor, "/")
    for address, size in sorted(load.sizes.items(), key=lambda item: -item[1]):
        print(f"    {size / 1000:7.2f} KB  {address}")
    return [Figure(name="first_load_kb", ours=load.kilobytes, unit="KB")]
