"""Printed pages: HTML in, PDF out, with nothing fetched that we did not hand over."""

import hashlib
import re
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from flask import current_app, has_request_context
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from casefield.core.errors import DomainError

#: Answers an opaque ``media:`` name with its bytes and type, or raises ``LookupError``.
MediaResolver = Callable[[str], tuple[bytes, str]]

STATIC: Final = Path(__file__).parents[1] / "static"
#: ``asset:sheet.css`` is looked up here and nowhere else.
ASSET_FOLDERS: Final = (STATIC / "css" / "print", STATIC / "fonts")
ASSET_TYPES: Final = {
    ".css": "text/css",
    ".otf": "font/otf",
    ".png": "image/png",
    ".ttf": "font/ttf",
    ".woff2": "font/woff2",
}
#: A plain file name: no folder, no leading dot, no escape.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ASSET_ADDRESS = re.compile(r"asset:([A-Za-z0-9][A-Za-z0-9._-]{0,99})")

#: About 25 pages. A longer print belongs into a background job, cut into parts.
MAX_ROWS = 600
MAX_HTML_CHARACTERS = 3_000_000
CACHE_BYTES = 24 * 1024 * 1024


class PrintTooLong(DomainError):
    """More than one print may hold: a small server would be busy for minutes."""

    status = 413
    code = "print-too-long"
    message = _l("内容太多，一次打印不下。请缩短日期范围后分几次打印。")


@dataclass(frozen=True, slots=True)
class FormHead:
    """What stands at the head and foot of every printed form."""

    code: str
    version: str
    title: str
    project: str
    record_code: str = ""
    company: str = ""
    is_demo: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One place to sign: who signs as what; the line stays empty on paper."""

    role: str
    name: str = ""
    signed_on: str = ""
    #: The media name of a drawn signature.
    drawing: str = ""


class _RecentPrints:
    """The latest PDFs by the hash of their content, within a number of bytes.

    They stay in memory, never in files: an erased person must not live on in a cache.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._prints: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def find(self, key: str) -> bytes | None:
        pdf = self._prints.get(key)
        if pdf is not None:
            self._prints.move_to_end(key)
        return pdf

    def keep(self, key: str, pdf: bytes) -> None:
        if len(pdf) > self._capacity or key in self._prints:
            return
        self._prints[key] = pdf
        self._size += len(pdf)
        while self._size > self._capacity:
            _, oldest = self._prints.popitem(last=False)
            self._size -= len(oldest)

    def clear(self) -> None:
        self._prints.clear()
        self._size = 0


recent_prints = _RecentPrints(CACHE_BYTES)
# One layout at a time in a process: each takes some 200 MB and all of a core, and
# whoever asks for the same form meanwhile gets the first one's result.
_press = Lock()


def _no_media(name: str) -> tuple[bytes, str]:
    raise LookupError(name)


def read_asset(name: str) -> tuple[bytes, str]:
    """Return a print style sheet's or font's bytes and type."""
    kind = ASSET_TYPES.get(Path(name).suffix)
    if kind and SAFE_NAME.fullmatch(name):
        for folder in ASSET_FOLDERS:
            path = folder / name
            if path.is_file() and not path.is_symlink():
                return path.read_bytes(), kind
    raise LookupError(name)


@cache
def _fetcher_type() -> type[Any]:
    """Build the fetcher class late: importing WeasyPrint takes more than a second."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class LockedFetcher(URLFetcher):  # type: ignore[misc]  # untyped library
        """Know ``asset:`` and ``media:`` by name; refuse every other address."""

        def __init__(self, media: MediaResolver) -> None:
            super().__init__(allowed_protocols=(), allow_redirects=False)
            self._media = media

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            del headers
            scheme, _, name = url.partition(":")
            sources = {"asset": read_asset, "media": self._media}
            if scheme not in sources or not SAFE_NAME.fullmatch(name):
                raise PermissionError(f"a print may not fetch {url[:80]}")
            body, kind = sources[scheme](name)
            return URLFetcherResponse(url, body, {"Content-Type": kind})

    return LockedFetcher


def locked_fetcher(media: MediaResolver = _no_media) -> Any:
    """Return the only fetcher that prints may use."""
    return _fetcher_type()(media)


def _content_key(html: str) -> str:
    """Hash all that the page shows: text, style sheets; media names are hashes."""
    digest = hashlib.sha256(html.encode())
    for name in sorted(set(ASSET_ADDRESS.findall(html))):
        digest.update(b"\0" + name.encode() + b"\0" + read_asset(name)[0])
    return digest.hexdigest()


def render_pdf(html: str, *, media: MediaResolver = _no_media) -> bytes:
    """Lay out ``html`` as a PDF; an unchanged page comes from the recent prints."""
    if len(html) > MAX_HTML_CHARACTERS:
        raise PrintTooLong
    key = _content_key(html)
    with _press:
        pdf = recent_prints.find(key)
        if pdf is None:
            pdf = _lay_out(html, media)
            recent_prints.keep(key, pdf)
    return pdf


def _lay_out(html: str, media: MediaResolver) -> bytes:
    from weasyprint import HTML

    document = HTML(
        string=html, base_url="asset:", url_fetcher=locked_fetcher(media)
    ).render()
    # A form carries no files, whatever text got into it.
    document.metadata.attachments = []
    pdf: bytes = document.write_pdf()
    return pdf


def check_row_count(count: int) -> None:
    """Refuse a form that has more rows than one print holds."""
    if count > MAX_ROWS:
        raise PrintTooLong


def print_html(template: str, printed: object) -> str:
    """Fill a print template with a frozen dataclass; its fields become variables.

    A job has nobody's language to follow: it prints in the language of the forms.
    """
    values = {f.name: getattr(printed, f.name) for f in fields(printed)}  # type: ignore[arg-type]  # any dataclass
    page = current_app.jinja_env.get_template(template)
    with nullcontext() if has_request_context() else force_locale("zh"):
        return page.render(values, printed=printed)


def render_print(
    template: str, printed: object, *, media: MediaResolver = _no_media
) -> bytes:
    """Fill a print template and lay it out."""
    return render_pdf(print_html(template, printed), media=media)


def fonts_available() -> bool:
    """Say whether this machine can draw Chinese; without fonts prints are boxes."""
    try:
        found = subprocess.run(
            ["fc-list", ":lang=zh", "family"],  # noqa: S607 -- found by PATH on purpose
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return bool(found.stdout.strip())
