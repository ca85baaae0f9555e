"""A printed label is only worth its paper if a phone reads it in a dark basement."""

import random
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageFilter

from casefield.core.pdf import FormHead, render_print
from casefield.core.qr import code_url
from casefield.sites.prints import GRIDS, TEMPLATE, Label, LabelGrid, LabelSheet, Slot

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DPI = 300
QR_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
# The longest names that sites use give the smallest squares.
LONG_URL = "https://casefield.yanxi-heming.example.cn"


def make_labels(count: int, public_url: str) -> tuple[Label, ...]:
    draw = random.Random(47)
    labels = []
    for number in range(count):
        code = "".join(draw.choices(ALPHABET, k=10))
        labels.append(
            Label(
                url=code_url(public_url, code),
                code=code,
                place_code=f"X{number + 1:02}",
                place_name="电瓶车充电位及周边通道",
                address="casefield.yanxi-heming.example.cn",
            )
        )
    return tuple(labels)


def print_sheet(folder: Path, sheet: LabelSheet) -> Image.Image:
    """Print one page and look at it as a 300 dpi grey picture."""
    pdf = folder / "labels.pdf"
    pdf.write_bytes(render_print(TEMPLATE, sheet))
    picture = subprocess.run(
        ["pdftoppm", "-r", str(DPI), "-gray", "-f", "1", "-l", "1", str(pdf)],
        capture_output=True,
        check=True,
    ).stdout
    with Image.open(BytesIO(picture)) as page:
        return page.convert("L")


def cut_out(page: Image.Image, grid: LabelGrid, slot: Slot) -> Image.Image:
    scale = DPI / 25.4
    box = (slot.left, slot.top, slot.left + grid.width, slot.top + grid.height)
    left, top, right, bottom = (round(edge * scale) for edge in box)
    return page.crop((left, top, right, bottom))


def read(picture: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(picture, formats=QR_CODES)
    return [code.text.casefold() for code in found]


def dim(picture: Image.Image, draw: random.Random) -> Image.Image:
    """A fifth of the light, with the grain of a phone that strains to see."""
    noise = Image.frombytes(
        "L", picture.size, draw.randbytes(picture.width * picture.height)
    )
    grain = noise.point(lambda value: value // 10)
    dark = picture.point(lambda value: value // 5)
    return ImageChops.add(dark, grain, offset=-12)


def views(picture: Image.Image, draw: random.Random) -> dict[str, Image.Image]:
    angle = draw.uniform(0, 360)
    return {
        "straight": picture,
        f"turned by {angle}": picture.rotate(angle, expand=True, fillcolor=255),
        "blurred": picture.filter(ImageFilter.GaussianBlur(2)),
        "dimmed": dim(picture, draw),
    }


def sheet_of(key: str, public_url: str) -> LabelSheet:
    form = FormHead("CF-47", "V1.0", "巡视点码牌", "砚溪和鸣")
    return LabelSheet(form, GRIDS[key], make_labels(GRIDS[key].size, public_url))


@pytest.mark.parametrize(
    ("key", "public_url"),
    [*((key, LONG_URL) for key in GRIDS), ("plate-60x40", "http://localhost:8000")],
)
@pytest.mark.usefixtures("print_app")
def test_every_label_reads_however_it_is_held(
    key: str, public_url: str, tmp_path: Path
) -> None:
    sheet = sheet_of(key, public_url)
    page = print_sheet(tmp_path, sheet)
    draw = random.Random(300)
    for slot, label in sheet.pages[0].placed:
        assert label is not None
        for view, seen in views(cut_out(page, sheet.grid, slot), draw).items():
            assert read(seen) == [f"{public_url}/q/{label.code}".casefold()], view


@pytest.mark.usefixtures("print_app")
def test_the_smallest_squares_read_turned_blurred_and_dimmed_at_once(
    tmp_path: Path,
) -> None:
    sheet = sheet_of("plate-60x40", LONG_URL)
    page = print_sheet(tmp_path, sheet)
    slot, label = sheet.pages[0].placed[0]
    picture = cut_out(page, sheet.grid, slot).filter(ImageFilter.GaussianBlur(2))
    draw = random.Random(72)
    assert label is not None
    for angle in range(0, 360, 15):
        turned = picture.rotate(angle, expand=True, fillcolor=255)
        assert read(dim(turned, draw)) == [label.url.casefold()], angle


@pytest.mark.usefixtures("print_app")
def test_a_damaged_label_is_not_read(tmp_path: Path) -> None:
    """The control: the same eye, and a code with a corner torn off."""
    sheet = sheet_of("plate-60x40", LONG_URL)
    page = print_sheet(tmp_path, sheet)
    slot, _ = sheet.pages[0].placed[0]
    picture = cut_out(page, sheet.grid, slot)
    side = round(sheet.grid.code_side * DPI / 25.4)
    torn = picture.copy()
    torn.paste(255, (0, 0, side // 2, picture.height))
    assert read(picture)
    assert not read(torn)
    assert not read(picture.filter(ImageFilter.GaussianBlur(14)))


@pytest.mark.usefixtures("print_app")
def test_a_nudge_moves_every_label_by_so_much(tmp_path: Path) -> None:
    plain = sheet_of("3x7", LONG_URL)
    nudged = replace(plain, offset_x_mm=2.0, offset_y_mm=-1.5)
    corners = []
    for sheet in (plain, nudged):
        found = zxingcpp.read_barcodes(print_sheet(tmp_path, sheet))
        corners.append(
            {
                code.text: (code.position.top_left.x, code.position.top_left.y)
                for code in found
            }
        )
    before, after = corners
    assert len(before) == len(after) == plain.grid.size
    for text, (x, y) in before.items():
        assert after[text][0] - x == pytest.approx(2.0 * DPI / 25.4, abs=3)
        assert after[text][1] - y == pytest.approx(-1.5 * DPI / 25.4, abs=3)
