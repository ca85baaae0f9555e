"""Prints fetch nothing and carry nothing, whatever text got into them."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from casefield.core import pdf

CANARY = "canary-4711-of-another-company"

PLACES = """
<link rel="stylesheet" href="SOURCE">
<link rel="attachment" href="SOURCE">
<style>
  @import url('SOURCE');
  @font-face { font-family: x; src: url('SOURCE'); }
  p { font-family: x; background: url('SOURCE'); list-style-image: url('SOURCE');
      content: url('SOURCE'); }
</style>
<img src="SOURCE"><object data="SOURCE"></object>
<embed src="SOURCE"><iframe src="SOURCE"></iframe>
<a rel="attachment" href="SOURCE">x</a>
<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">
  <image href="SOURCE" width="9" height="9"/><use href="SOURCE#a"/>
</svg>
<p style="background-image: url(SOURCE)">x</p>
"""


class Trap(ThreadingHTTPServer):
    """A server that nobody should ever call."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        super().__init__(("127.0.0.1", 0), TrapHandler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class TrapHandler(BaseHTTPRequestHandler):
    server: Trap

    def do_GET(self) -> None:
        self.server.hits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CANARY.encode())

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def trap() -> Iterator[Trap]:
    with Trap() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    pdf.recent_prints.clear()


def hostile_sources(trap_address: str, secret: Path) -> list[str]:
    """List addresses that lead to the trap or to the secret file."""
    return [
        f"{trap_address}/x",
        secret.as_uri(),
        f"file://localhost{secret}",
        f"FILE://{secret}",
        str(secret),
        f"ftp://127.0.0.1:{trap_address.rpartition(':')[2]}/x",
        f"//{trap_address.removeprefix('http://')}/x",
        f"data:text/plain,{CANARY}",
        f"asset:../../../..{secret}",
        f"asset:{secret}",
        f"asset:..%2f..%2f{secret.name}",
        f"media:../{secret.name}",
        f"media:{secret}",
    ]


def hostile_page(sources: list[str]) -> str:
    """Use each address in every way in which a page can fetch something."""
    parts = "".join(PLACES.replace("SOURCE", source) for source in sources)
    script = "<script>app.alert(1)</script><a href='javascript:alert(1)'>x</a>"
    return f"<html><body>{parts}{script}</body></html>"


def inflated(document: bytes) -> bytes:
    with pikepdf.open(BytesIO(document)) as opened:
        plain = BytesIO()
        opened.save(
            plain,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
        )
    return plain.getvalue()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(CANARY)
    return path


def test_a_hostile_page_fetches_and_carries_nothing(trap: Trap, secret: Path) -> None:
    page = hostile_page(hostile_sources(trap.address, secret))
    document = inflated(pdf.render_pdf(page))
    assert trap.hits == []
    assert CANARY.encode() not in document
    assert b"/EmbeddedFile" not in document
    assert b"/JavaScript" not in document
    assert b"/JS" not in document


@pytest.mark.filterwarnings("ignore")
def test_without_the_lock_the_same_page_fetches_and_embeds(
    trap: Trap, secret: Path
) -> None:
    """The control: the page is dangerous, and the trap works."""
    from weasyprint import HTML

    page = hostile_page([f"{trap.address}/x", secret.as_uri()])
    document = inflated(HTML(string=page, base_url=trap.address).write_pdf())
    assert trap.hits
    assert CANARY.encode() in document
    assert b"/EmbeddedFile" in document


def test_media_comes_from_the_given_resolver_alone() -> None:
    picture = BytesIO()
    Image.new("RGB", (40, 30), "#204060").save(picture, "PNG")
    asked: list[str] = []

    def resolve(name: str) -> tuple[bytes, str]:
        asked.append(name)
        if name != "abc.jpg":
            raise LookupError(name)
        return picture.getvalue(), "image/png"

    page = '<p><img src="media:abc.jpg"><img src="media:other.jpg" alt="-"></p>'
    with pikepdf.open(BytesIO(pdf.render_pdf(page, media=resolve))) as document:
        images = [image for page in document.pages for image in page.get_images()]
    assert len(images) == 1
    assert asked == ["abc.jpg", "other.jpg"]


def test_media_cannot_be_attached() -> None:
    page = '<link rel="attachment" href="media:abc.jpg"><p>x</p>'
    document = pdf.render_pdf(page, media=lambda _: (b"hidden", "text/plain"))
    assert b"/EmbeddedFile" not in inflated(document)


def test_assets_are_plain_names_below_their_folders() -> None:
    assert pdf.read_asset("form.css")[1] == "text/css"
    for name in ("../tokens.css", "print/form.css", ".form.css", "pdf.py", "no.css"):
        with pytest.raises(LookupError):
            pdf.read_asset(name)


def test_an_unchanged_page_comes_from_the_recent_prints() -> None:
    first = pdf.render_pdf("<p>1</p>")
    assert pdf.render_pdf("<p>1</p>") is first
    assert pdf.render_pdf("<p>2</p>") is not first


def test_a_changed_style_sheet_is_a_changed_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "ASSET_FOLDERS", (tmp_path,))
    sheet = tmp_path / "a.css"
    page = '<link rel="stylesheet" href="asset:a.css"><p>x</p>'
    sheet.write_text("p { color: red }")
    first = pdf.render_pdf(page)
    sheet.write_text("p { color: blue }")
    assert pdf.render_pdf(page) is not first


def test_recent_prints_stay_within_their_bytes() -> None:
    kept = pdf._RecentPrints(10)
    kept.keep("a", b"12345")
    kept.keep("b", b"12345")
    assert kept.find("a")
    kept.keep("c", b"12345")
    kept.keep("big", b"12345678901")
    assert [kept.find(key) is not None for key in ("a", "b", "c", "big")] == [
        True,
        False,
        True,
        False,
    ]


def test_too_long_a_print_is_refused() -> None:
    with pytest.raises(pdf.PrintTooLong, match="缩短日期范围"):
        pdf.render_pdf("x" * (pdf.MAX_HTML_CHARACTERS + 1))
    pdf.check_row_count(pdf.MAX_ROWS)
    with pytest.raises(pdf.PrintTooLong):
        pdf.check_row_count(pdf.MAX_ROWS + 1)


def test_fonts_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pdf.fonts_available()
    monkeypatch.setenv("PATH", "/nonexistent")
    assert not pdf.fonts_available()
