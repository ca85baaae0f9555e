"""Copy the pinned browser files into the repository and build the icon sprite.

Run after `npm ci --ignore-scripts`. The copies are committed, so that a server
needs neither Node nor a network; tests compare them with the list of hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
STATIC = ROOT / "casefield" / "static"
COMPONENTS = ROOT / "casefield" / "templates" / "components"

#: Our name for an icon where lucide calls it otherwise.
RENAMED = {
    "home": "house",
    "circle-help": "circle-question-mark",
    "more-horizontal": "ellipsis",
    "scan": "scan-line",
}

ICONS = [
    "home",
    "list-checks",
    "scan",
    "file-text",
    "user",
    "wrench",
    "triangle-alert",
    "package",
    "message-circle",
    "check",
    "x",
    "chevron-left",
    "chevron-right",
    "chevron-down",
    "clock",
    "map-pin",
    "qr-code",
    "printer",
    "calendar",
    "users",
    "settings",
    "route",
    "shield",
    "search",
    "plus",
    "minus",
    "pencil",
    "trash-2",
    "log-out",
    "lock",
    "sun",
    "moon",
    "languages",
    "camera",
    "image",
    "refresh-cw",
    "info",
    "circle-help",
    "eye",
    "arrow-right",
    "download",
    "upload",
    "phone",
    "layout-grid",
    "building",
    "history",
    "smartphone",
    "ban",
    "more-horizontal",
    "hand",
    "flag",
    "circle-check",
    "circle-x",
    "bell",
    "wifi-off",
    "monitor",
]


def version_of(package: str) -> str:
    """Return the installed version of a node package."""
    manifest = json.loads((MODULES / package / "package.json").read_text())
    return str(manifest["version"])


def shapes_of(icon: str) -> str:
    """Return the drawing elements of one lucide icon, on one line."""
    path = MODULES / "lucide-static" / "icons" / f"{RENAMED.get(icon, icon)}.svg"
    svg = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
    inner = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    return re.sub(r"\s*/>", "/>", "".join(line.strip() for line in inner.splitlines()))


def write_sprite(shapes: dict[str, str]) -> None:
    """Write the sprite that pages point at with `<use>`."""
    symbols = "\n".join(
        f'<symbol id="{name}" viewBox="0 0 24 24">{shape}</symbol>'
        for name, shape in shapes.items()
    )
    note = f"<!-- lucide {version_of('lucide-static')}, ISC licence -->"
    sprite = f'<svg xmlns="http://www.w3.org/2000/svg">{note}\n{symbols}\n</svg>\n'
    (STATIC / "icons.svg").write_text(sprite)


def write_print_shapes(shapes: dict[str, str]) -> None:
    """Write the same shapes as a template: WeasyPrint does not draw `<use>`."""
    lines = "\n".join(f"  '{name}': '{shape}'," for name, shape in shapes.items())
    head = "{#- Written by scripts/vendor_static.py: icon shapes for prints. -#}"
    (COMPONENTS / "icon_shapes.html").write_text(
        f"{head}\n{{%- set shapes = {{\n{lines}\n}} -%}}\n"
    )


def integrity(path: Path) -> str:
    """Return the file's hash in the form browsers use for integrity."""
    digest = hashlib.sha384(path.read_bytes()).digest()
    return "sha384-" + base64.b64encode(digest).decode()


def main() -> None:
    """Copy, build, and list the hashes."""
    htmx = STATIC / "vendor" / f"htmx-{version_of('htmx.org')}.min.js"
    axe = ROOT / "tests" / "vendor" / "axe.min.js"
    for folder in (htmx.parent, axe.parent):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(MODULES / "htmx.org" / "dist" / "htmx.min.js", htmx)
    shutil.copyfile(MODULES / "axe-core" / "axe.min.js", axe)
    shapes = {name: shapes_of(name) for name in sorted(ICONS)}
    write_sprite(shapes)
    write_print_shapes(shapes)
    listed = {
        str(path.relative_to(ROOT)): integrity(path)
        for path in (htmx, axe, STATIC / "icons.svg")
    }
    text = json.dumps(listed, indent=2) + "\n"
    (STATIC / "vendor" / "integrity.json").write_text(text)


if __name__ == "__main__":
    main()
