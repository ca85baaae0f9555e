"""Photos: decided by decoding, stripped to pixels, never half-written."""

import errno
import os
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from casefield.core import media
from casefield.core.errors import NotFound
from casefield.core.media import PhotoFormatUnknown, PhotoRefused, PhotoTooLarge

GPS = 0x8825
ORIENTATION = 0x0112
TAIL = b"<script>alert(1)</script>"


def photo_bytes(
    kind: str = "JPEG", size: tuple[int, int] = (400, 300), mode: str = "RGB"
) -> bytes:
    picture = Image.effect_noise(size, 60).convert(mode)
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def tagged_photo(orientation: int = 1) -> bytes:
    """Left half red, right half blue, with a place, a comment and a camera."""
    picture = Image.new("RGB", (200, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "canary-camera"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (31.0, 14.0, 9.0)
    file = BytesIO()
    picture.save(file, "JPEG", exif=exif, comment=b"canary-comment", quality=95)
    return file.getvalue() + TAIL


def png_claiming(width: int, height: int) -> bytes:
    """A small file that unfolds into width x height one-bit pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    packer = zlib.compressobj(9)
    row = bytes(width // 8 + 1)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def store(raw: bytes, folder: Path, site_id: int = 1) -> media.StoredPhoto:
    return media.store_photo(BytesIO(raw), site_id=site_id, folder=folder)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "LA"),
        ("PNG", "I;16"),
        ("WEBP", "RGB"),
        ("WEBP", "RGBA"),
    ],
)
def test_photos_of_every_usual_kind_become_plain_jpeg(
    kind: str, mode: str, tmp_path: Path
) -> None:
    stored = store(photo_bytes(kind, mode=mode), tmp_path)
    with media.open_media(tmp_path, stored.key) as file, Image.open(file) as kept:
        assert (kept.format, kept.mode, kept.size) == ("JPEG", "RGB", (400, 300))
    assert stored.size_bytes == media.media_path(tmp_path, stored.key).stat().st_size
    assert media.media_path(tmp_path, stored.key).parent.name == stored.sha256[:2]


def test_large_photos_shrink_and_small_ones_stay(tmp_path: Path) -> None:
    large = store(photo_bytes(size=(4000, 3000)), tmp_path)
    small = store(photo_bytes(size=(40, 30)), tmp_path)
    assert (large.width, large.height) == (1600, 1200)
    assert (small.width, small.height) == (40, 30)


def test_nothing_but_pixels_is_kept(tmp_path: Path) -> None:
    raw = tagged_photo()
    assert b"canary-camera" in raw
    stored = store(raw, tmp_path)
    kept = media.media_path(tmp_path, stored.key).read_bytes()
    for trace in (b"canary", b"Exif", b"GPS", TAIL, b"<script"):
        assert trace not in kept
    with Image.open(BytesIO(kept)) as picture:
        assert not picture.getexif()
        assert "comment" not in picture.info


@pytest.mark.parametrize(
    ("orientation", "size", "top_left"),
    [
        (1, (200, 100), "red"),
        (2, (200, 100), "blue"),
        (3, (200, 100), "blue"),
        (6, (100, 200), "red"),
        (8, (100, 200), "blue"),
    ],
)
def test_photos_stand_upright(
    orientation: int, size: tuple[int, int], top_left: str, tmp_path: Path
) -> None:
    stored = store(tagged_photo(orientation), tmp_path)
    assert (stored.width, stored.height) == size
    with media.open_media(tmp_path, stored.key) as file, Image.open(file) as kept:
        red, _, blue = kept.getpixel((10, 10))  # type: ignore[misc]  # RGB above
    assert (red > blue) == (top_left == "red")


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    file = BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(file, "PNG")
    stored = store(file.getvalue(), tmp_path)
    with media.open_media(tmp_path, stored.key) as kept, Image.open(kept) as picture:
        assert picture.getpixel((5, 5)) == (255, 255, 255)


NOT_PHOTOS = {
    "empty": b"",
    "html": b"<!doctype html><html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif": photo_bytes("GIF", mode="P"),
    "bmp": photo_bytes("BMP"),
    "tiff": photo_bytes("TIFF"),
    "ico": photo_bytes("ICO", size=(32, 32)),
    "pdf": b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF",
    "zip": b"PK\x03\x04" + bytes(60),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "gifar": b"GIF89a" + bytes(20) + b"PK\x03\x04",
    "text": "只是文字".encode(),
}


@pytest.mark.parametrize("name", NOT_PHOTOS)
def test_what_is_no_photo_is_refused_whatever_its_name(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(PhotoFormatUnknown) as refused:
        store(NOT_PHOTOS[name], tmp_path)
    assert refused.value.status == 422
    assert "JPEG" in str(refused.value)
    assert files_below(tmp_path) == []


def test_heic_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(PhotoFormatUnknown, match="兼容性最佳"):
        store(b"\x00\x00\x00\x18ftypheic" + bytes(200), tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_cut_off_photos_are_refused_wherever_they_end(
    kind: str, tmp_path: Path
) -> None:
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # as the print engine leaves it
    whole = photo_bytes(kind)
    for part in range(1, 20):
        with pytest.raises(PhotoRefused):
            store(whole[: len(whole) * part // 20], tmp_path)
    assert files_below(tmp_path) == []
    store(whole, tmp_path)


def test_scrambled_headers_are_refused_and_never_crash(tmp_path: Path) -> None:
    whole = bytearray(tagged_photo())
    kept = 0
    for position in range(2, 160):
        damaged = bytes(whole[:position]) + b"\xff\x00" + bytes(whole[position + 2 :])
        with suppress(PhotoRefused):
            store(damaged, tmp_path)
            kept += 1
    assert 0 < kept < 158


def test_too_many_bytes_are_refused_unread(tmp_path: Path) -> None:
    stream = BytesIO(photo_bytes() + bytes(media.MAX_BYTES * 2))
    with pytest.raises(PhotoTooLarge, match="15 MB"):
        media.store_photo(stream, site_id=1, folder=tmp_path)
    assert stream.tell() == media.MAX_BYTES + 1


@pytest.mark.parametrize("side", [6400, 12_000, 20_000])
def test_pixel_bombs_are_refused(side: int, tmp_path: Path) -> None:
    """Just over our limit; where Pillow only warns; and where it raises."""
    bomb = png_claiming(side, side)
    assert len(bomb) < 100_000
    with pytest.raises(PhotoTooLarge) as refused:
        store(bomb, tmp_path)
    assert refused.value.status == 413


def test_pixel_bombs_take_no_memory(tmp_path: Path) -> None:
    for side in (12_000, 20_000):
        (tmp_path / f"{side}.png").write_bytes(png_claiming(side, side))
    script = f"""
import resource
from pathlib import Path
from casefield.core import media
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
for name in ("12000.png", "20000.png"):
    with Path({str(tmp_path)!r}, name).open("rb") as file:
        try:
            media.store_photo(file, site_id=1, folder=Path({str(tmp_path)!r}))
        except media.PhotoTooLarge:
            pass
print(peak() - before)
"""
    grown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    ).stdout
    assert int(grown) < 50 * 1024


def test_the_same_photo_is_kept_once_for_each_site(tmp_path: Path) -> None:
    raw = photo_bytes()
    first, again, other = (store(raw, tmp_path, site) for site in (1, 1, 2))
    assert first == again
    assert first.sha256 == other.sha256
    assert first.key != other.key
    assert len(files_below(tmp_path)) == 2


@pytest.mark.parametrize(
    "key",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "..\\..\\x.jpg",
        "/etc/passwd",
        "a" * 64 + "-1.jpg\0.png",
        "a" * 64 + "-1.png",
        "a" * 64 + "-0.jpg",
        "A" * 64 + "-1.jpg",
        "a" * 64 + "-1.jpg\n",
        "con",
        "",
    ],
)
def test_only_names_that_we_made_are_opened(key: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        media.open_media(tmp_path, key)


def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    key = "a" * 64 + "-1.jpg"
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "aa").mkdir()
    (tmp_path / "aa" / key).symlink_to(secret)
    with pytest.raises(NotFound):
        media.open_media(tmp_path, key)


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", no_space)
    (tmp_path / "probe").mkdir()
    with pytest.raises(OSError, match="no space"):
        media._write_for_good(tmp_path / "probe" / "x.jpg", b"x")
    assert files_below(tmp_path) == []


def test_prints_get_photos_by_name(tmp_path: Path) -> None:
    stored = store(photo_bytes(), tmp_path)
    content, kind = media.media_for_print(tmp_path)(stored.key)
    assert (len(content), kind) == (stored.size_bytes, "image/jpeg")
