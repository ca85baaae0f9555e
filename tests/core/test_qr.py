"""Wall codes: capitals where they make larger squares, one plain path, white around."""

import re
from xml.etree import ElementTree as ET

import pytest
import segno

from casefield.core.qr import QUIET_ZONE, code_url, group_code, qr_svg


@pytest.mark.parametrize(
    ("public_url", "url"),
    [
        ("http://localhost:8000", "HTTP://LOCALHOST:8000/Q/AB12CDE3F4"),
        ("https://site.example.cn/", "HTTPS://SITE.EXAMPLE.CN/Q/AB12CDE3F4"),
        ("https://example.cn/Field/", "HTTPS://EXAMPLE.CN/Field/q/AB12CDE3F4"),
    ],
)
def test_addresses_are_capitals_unless_a_path_tells_case_apart(
    public_url: str, url: str
) -> None:
    assert code_url(public_url, "AB12CDE3F4") == url


def test_capitals_make_larger_squares() -> None:
    url = "https://casefield.example.cn/q/AB12CDE3F4"
    capitals, mixed = (segno.make_qr(text, error="H") for text in (url.upper(), url))
    assert capitals.symbol_size()[0] < mixed.symbol_size()[0]


def test_codes_are_grouped_for_reading() -> None:
    assert group_code("AB12CDE3F4") == "AB12C-DE3F4"


def test_the_picture_is_plain_and_has_its_quiet_zone() -> None:
    text = code_url("http://localhost:8000", "AB12CDE3F4")
    svg = qr_svg(text, title='<"A&B">')
    root = ET.fromstring(svg)
    symbol = segno.make_qr(text, error="H")
    size = symbol.symbol_size(border=QUIET_ZONE)[0]
    assert root.attrib["viewBox"] == f"0 0 {size} {size}"
    assert root.attrib["aria-label"] == '<"A&B">'
    assert "style" not in svg
    dark = set()
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h", svg):
        dark |= {(int(x) + step, int(y)) for step in range(int(width))}
    assert dark == {
        (x + QUIET_ZONE, y + QUIET_ZONE)
        for y, row in enumerate(symbol.matrix)
        for x, module in enumerate(row)
        if module
    }
    assert symbol.error == "H"
