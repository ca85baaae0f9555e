"""Requests a second, ours and the peers', side by side behind the same server."""

import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure
from bench.flood import Post, flood
from bench.house import House
from bench.load import Load, LoadError, run_load
from bench.peers.django_site import POINTS
from bench.rounds import Side, alternate
from bench.serving import peer
from bench.workshop import KEPT, ready_django, ready_one_row

CONNECTIONS = 16
ROUNDS = 6
SECONDS = 2
FLOOD_POSTS = 10_000
FLOOD_CLIENTS = 32
#: Forms prepared for each side. Running out would be an error and stop the run.
PEER_WRITES = 60_000
OUR_WRITES = 40_000


class WrongAnswer(RuntimeError):
    """A server answered fast, but not what it was asked."""


@dataclass
class Target:
    """One side of a comparison: an address, who asks, and posts when it writes."""

    url: str
    cookie: str = ""
    posts: Path | None = None
    used: int = 0
    answered: int = 0
    runs: int = 0
    #: What a right answer weighs; a redirect to the sign-in weighs much less.
    least_bytes: int = 0

    def ask(self, seconds: int = SECONDS) -> Load:
        """Run the load once and make sure that the answers were real ones."""
        load = run_load(
            self.url,
            connections=CONNECTIONS,
            seconds=seconds,
            headers={"Cookie": self.cookie, "Origin": self.url.rstrip("/")},
            posts=self.posts,
            skip=self.used,
        )
        self.used += load.requests + 2 * CONNECTIONS
        self.answered += load.requests
        self.runs += 1
        if load.errors or load.bytes < load.requests * self.least_bytes:
            raise WrongAnswer(f"{self.url}: {load}")
        return load

    def warm_up(self) -> None:
        """Ask until answers come at all: first ones read a large file from the disk."""
        for _ in range(3):
            with contextlib.suppress(LoadError):
                self.ask()
                return
        raise WrongAnswer(f"{self.url} does not answer")

    def side(self) -> Side:
        """Return the sampler for a comparison."""
        return lambda: self.ask().per_second


def measure_pages(house: House, wanted: Callable[[str], bool]) -> list[Figure]:
    """Compare the list page with the empty route and with Django's page."""
    figures: list[Figure] = []
    environ, cookies = ready_django()
    with (
        house.serve() as own,
        peer("empty", {}, KEPT / "empty.log") as empty,
        peer("django", environ, KEPT / "django.log") as django,
    ):
        page = Target(own.url(house.list_path), house.cookie)
        page.least_bytes = house.list_bytes
        bare = Target(empty.url("/"))
        theirs = Target(django.url("/check-ins"), _header(cookies), least_bytes=8000)
        for target in (page, bare, theirs):
            target.warm_up()
        if wanted("page_round_list"):
            pair = alternate(page.side(), bare.side(), rounds=ROUNDS)
            figures.append(pair.figure("page_round_list", "r/s"))
        if wanted("page_vs_django"):
            pair = alternate(page.side(), theirs.side(), rounds=ROUNDS)
            figures.append(pair.figure("page_vs_django", "r/s"))
    return figures


def measure_writes(house: House, wanted: Callable[[str], bool]) -> list[Figure]:
    """Compare the check-in with the one-row endpoint and with Django's write."""
    figures: list[Figure] = []
    environ, cookies = ready_django()
    with (
        house.serve() as own,
        peer("one_row", ready_one_row(), KEPT / "one-row.log") as one_row,
        peer("django", environ, KEPT / "django.log") as django,
    ):
        mine = Target(own.origin, posts=prepared("ours", house.posts(OUR_WRITES)))
        bare = Target(one_row.origin, posts=prepared("one-row", _one_row_posts()))
        theirs = Target(django.origin, posts=prepared("django", _django_posts(cookies)))
        before = house.count()
        for target in (mine, bare, theirs):
            target.warm_up()
        if wanted("check_in_write"):
            pair = alternate(mine.side(), bare.side(), rounds=ROUNDS)
            figures.append(pair.figure("check_in_write", "r/s"))
        if wanted("check_in_vs_django"):
            pair = alternate(mine.side(), theirs.side(), rounds=ROUNDS)
            figures.append(pair.figure("check_in_vs_django", "r/s"))
        stored = house.count() - before
    # What was in flight when a run ended may be stored without having been answered.
    if not mine.answered <= stored <= mine.answered + mine.runs * CONNECTIONS:
        raise WrongAnswer(f"{stored} rows stored for {mine.answered} answers")
    return figures


def measure_flood(house: House) -> list[Figure]:
    """Send 10,000 check-ins from 32 clients and count what did not succeed."""
    with house.serve() as own:
        posts = house.posts(FLOOD_POSTS)
        before = house.count()
        result = flood(own.origin, posts, clients=FLOOD_CLIENTS, seconds=120)
        stored = house.count() - before
    print(f"    answers {result.statuses}, rows stored {stored}")
    if stored != FLOOD_POSTS - result.errors:
        raise WrongAnswer(f"{stored} rows for {result.statuses}")
    return [Figure(name="locked_errors", ours=float(result.errors), unit="errors")]


def _header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _django_posts(cookies: dict[str, str]) -> Iterator[Post]:
    """Prepare forms for the Django peer."""
    for number in range(PEER_WRITES):
        form = {
            "csrfmiddlewaretoken": cookies["csrftoken"],
            "receipt_key": str(uuid.uuid4()),
            "code": f"C{number % POINTS:09}",
            "note": "",
        }
        yield Post("/check-in", urlencode(form), _header(cookies))


def _one_row_posts() -> Iterator[Post]:
    """Prepare forms for the endpoint that inserts one row."""
    for number in range(PEER_WRITES):
        yield Post("/check-in", urlencode({"point": number % 400, "note": ""}), "")


def prepared(name: str, posts: Iterable[Post]) -> Path:
    """Write prepared forms for the load generator."""
    place = KEPT / f"{name}.posts"
    with place.open("w") as file:
        for post in posts:
            file.write(f"{post.path}\t{post.cookie}\t{post.body}\n")
    return place
