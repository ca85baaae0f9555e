"""An exact number of posts from many clients at once, every answer counted."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Post:
    """One prepared form."""

    path: str
    body: str
    cookie: str


@dataclass(frozen=True)
class Flood:
    """How often each status came back; 0 stands for a broken connection."""

    statuses: dict[int, int]

    @property
    def errors(self) -> int:
        """Return the number of answers that were not a success."""
        return sum(n for status, n in self.statuses.items() if status not in {200, 303})


def flood(origin: str, posts: Iterable[Post], *, clients: int, seconds: float) -> Flood:
    """Send every post once; give up as a whole after the given time."""
    return asyncio.run(asyncio.wait_for(_all(origin, posts, clients), seconds))


async def _all(origin: str, posts: Iterable[Post], clients: int) -> Flood:
    queue = iter(posts)
    counts: Counter[int] = Counter()
    await asyncio.gather(*(_client(origin, queue, counts) for _ in range(clients)))
    return Flood(dict(counts))


async def _client(origin: str, queue: Iterator[Post], counts: Counter[int]) -> None:
    """One keep-alive connection that takes the next post as soon as it may."""
    place = urlsplit(origin)
    host, port = place.hostname or "127.0.0.1", place.port
    reader, writer = await asyncio.open_connection(host, port)
    for post in queue:
        try:
            writer.write(_request(origin, place.netloc, post))
            status = await _answer(reader)
        except (OSError, EOFError):
            status = 0
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
        counts[status] += 1
    writer.close()
    await writer.wait_closed()


def _request(origin: str, host: str, post: Post) -> bytes:
    body = post.body.encode()
    head = (
        f"POST {post.path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
        f"Cookie: {post.cookie}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one whole answer and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
        return status
    for line in head.split("\r\n"):
        if line.startswith("content-length:"):
            await reader.readexactly(int(line.partition(":")[2]))
    return status
