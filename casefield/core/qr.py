"""Wall codes as QR pictures that old cameras read in poor light."""

from urllib.parse import urlsplit, urlunsplit

import segno

#: Modules of white around the code; scanners need four.
QUIET_ZONE = 4


def code_url(public_url: str, code: str) -> str:
    """Return the address that a printed code carries, in capitals where it may be.

    Capitals fit the QR alphanumeric mode: fewer and larger squares. A server below
    a path of its own keeps that path as written, since paths tell case apart.
    """
    scheme, host, path, _, _ = urlsplit(public_url)
    address = urlunsplit((scheme, host, "", "", "")).upper()
    prefix = path.rstrip("/")
    return f"{address}{prefix}/q/{code}" if prefix else f"{address}/Q/{code.upper()}"


def group_code(code: str) -> str:
    """Split a wall code in two halves, so that it can be read out and typed."""
    middle = len(code) // 2
    return f"{code[:middle]}-{code[middle:]}"


def qr_svg(text: str, *, title: str = "") -> str:
    """Draw ``text`` as an SVG of one plain path, error level H, quiet zone included.

    All squares are parts of one shape, so that no hairline shows between them.
    """
    symbol = segno.make_qr(text, error="H", boost_error=False)
    size = symbol.symbol_size(border=QUIET_ZONE)[0]
    parts = []
    for y, row in enumerate(symbol.matrix):
        for start, end in _dark_runs(row):
            parts.append(
                f"M{start + QUIET_ZONE} {y + QUIET_ZONE}"
                f"h{end - start}v1h-{end - start}z"
            )
    label = f'role="img" aria-label="{_attribute(title)}"' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" {label}>'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/>'
        f'<path d="{"".join(parts)}"/></svg>'
    )


def _dark_runs(row: bytearray | bytes) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for x, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            runs.append((start, x))
            start = None
    return runs


def _attribute(text: str) -> str:
    return (
        text.replace("&", "&amp;")
        .replace('"', "&quot;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )
