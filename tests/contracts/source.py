"""The program's own source, parsed once for every contract."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "casefield"
#: feature packages and the ground, by floor; a same-floor arrow is drawn below
FLOORS = {
    "core": 0,
    "sites": 1,
    "people": 1,
    "accounts": 1,
    "checks": 2,
    "patrol": 3,
    "scan": 4,
    "board": 4,
    "forms": 4,
    "demo": 4,
}
#: the arrows that docs/architecture.md draws within a floor
WITHIN = {("sites", "people"), ("accounts", "people"), ("accounts", "sites")}


@dataclass(frozen=True)
class Module:
    """One file: its dotted parts below ``casefield`` and its tree."""

    parts: tuple[str, ...]
    path: Path
    tree: ast.Module
    text: str

    @property
    def feature(self) -> str:
        return self.parts[0] if self.parts else ""

    @property
    def room(self) -> str:
        """``views``, ``services`` …, whether a file or a package."""
        return self.parts[1] if len(self.parts) > 1 else ""

    @property
    def name(self) -> str:
        return ".".join(self.parts)


@cache
def modules() -> tuple[Module, ...]:
    """Read every Python file of the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        text = path.read_text(encoding="utf-8")
        found.append(Module(parts, path, ast.parse(text), text))
    return tuple(found)


def imports(module: Module) -> Iterator[tuple[str, ...]]:
    """Yield what a module imports of casefield: dotted parts, the name taken last."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                if parts[0] == "casefield":
                    yield parts[1:]
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = tuple(node.module.split("."))
            if parts[0] == "casefield":
                for alias in node.names:
                    yield (*parts[1:], alias.name)


def calls(module: Module) -> Iterator[tuple[str, int]]:
    """Yield every call in a module as its dotted text and line."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


def names_imported(module: Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) for every ``from … import …`` in a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name
