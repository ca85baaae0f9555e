"""Photos on disk: decoded, stripped of all but their pixels, then written for good."""

import hashlib
import os
import re
import secrets
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO, Final

from flask_babel import lazy_gettext as _l
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from casefield.core.errors import DomainError, NotFound

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MAX_BYTES = 15 * 1024 * 1024
MAX_PIXELS = 40_000_000
#: Enough to read a serial number, a sixth of a phone's megabytes.
LONGEST_SIDE = 1600
JPEG_QUALITY = 82

# A small file can claim a picture of gigabytes. Pillow only warns up to twice its
# limit; the filter makes the warning an error, and store_photo checks once more.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)

# One decoded picture of 40 megapixels takes up to 160 MB.
_decoders = BoundedSemaphore(2)

_KEY = re.compile(r"[0-9a-f]{64}-[1-9][0-9]{0,9}\.jpg")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heif", b"mif1", b"msf1", b"avif")


class PhotoRefused(DomainError):
    """What was sent is not a photo that we can keep."""

    code = "photo-refused"
    message = _l("照片打不开，可能已损坏或不是照片。请重新拍一张。")


class PhotoTooLarge(PhotoRefused):
    """More bytes or pixels than any phone's camera needs."""

    status = 413
    code = "photo-too-large"
    message = _l("照片太大（上限 15 MB、4000 万像素）。请重新拍一张。")


class PhotoFormatUnknown(PhotoRefused):
    """A picture perhaps, but of a kind that not every device can show."""

    code = "photo-format"
    message = _l("只收 JPEG、PNG、WebP 照片。请直接拍照，或把照片另存为 JPEG。")


class PhotoIsHeic(PhotoFormatUnknown):
    """The iPhone's own format, which browsers elsewhere cannot show."""

    message = _l(
        "这是 HEIC 照片，别的设备看不了。"
        "请直接拍照，或在“设置-相机-格式”里选“兼容性最佳”。"
    )


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo that is safely on disk; its row may now be written."""

    sha256: str
    width: int
    height: int
    size_bytes: int
    key: str


def store_photo(stream: IO[bytes], *, site_id: int, folder: Path) -> StoredPhoto:
    """Check, clean and keep one photo below ``folder``.

    The site is part of the name: deleting one site's photo never takes away another
    site's copy of the same picture.

    Raises:
        PhotoRefused: with a sentence that says what to do instead.
    """
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise PhotoTooLarge
    with _decoders:
        picture = _decode(raw)
    content = BytesIO()
    picture.save(content, "JPEG", quality=JPEG_QUALITY, optimize=True)
    clean = content.getvalue()
    sha256 = hashlib.sha256(clean).hexdigest()
    key = f"{sha256}-{site_id}.jpg"
    _write_for_good(folder / sha256[:2] / key, clean)
    return StoredPhoto(sha256, picture.width, picture.height, len(clean), key)


def media_path(folder: Path, key: str) -> Path:
    """Return where ``key`` lies; nothing but a name that we made is looked up."""
    if not _KEY.fullmatch(key):
        raise NotFound
    path = folder / key[:2] / key
    if path.is_symlink() or not path.is_file():
        raise NotFound
    return path


def open_media(folder: Path, key: str) -> IO[bytes]:
    """Open a stored photo."""
    return media_path(folder, key).open("rb")


def media_for_print(folder: Path) -> Callable[[str], tuple[bytes, str]]:
    """Return the resolver that lets a print show stored photos as ``media:`` names."""

    def resolve(key: str) -> tuple[bytes, str]:
        return media_path(folder, key).read_bytes(), "image/jpeg"

    return resolve


def _decode(raw: bytes) -> Image.Image:
    """Return the upright picture, no larger than we keep, as pixels and no more."""
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise PhotoTooLarge
            # A JPEG is decoded at about the wanted size: a tenth of the memory.
            opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            # WeasyPrint turns this switch of the whole process on when it is loaded;
            # a photo of which half is missing would then pass as grey.
            ImageFile.LOAD_TRUNCATED_IMAGES = False
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            return _only_pixels(upright)
    except PhotoRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoTooLarge from error
    except UnidentifiedImageError as error:
        heic = raw[4:8] == b"ftyp" and raw[8:12] in _HEIC_BRANDS
        raise (PhotoIsHeic if heic else PhotoFormatUnknown) from error
    # Broken files raise whatever their decoder stumbles over.
    except Exception as error:
        raise PhotoRefused from error


def _only_pixels(picture: Image.Image) -> Image.Image:
    """Paste onto a new sheet, which leaves EXIF, place, comments and tails behind."""
    sheet = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        sheet.paste(layer, mask=layer.getchannel("A"))
    else:
        sheet.paste(picture.convert("RGB"))
    return sheet


def _write_for_good(path: Path, content: bytes) -> None:
    """Write so that after a power cut the file is whole or not there at all."""
    if path.exists():
        return
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _sync_folder(path.parent.parent)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
