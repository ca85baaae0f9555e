"""Files, functions and templates stay small enough to be read."""

import ast

from tests.contracts.source import PACKAGE, ROOT, modules

FILE, FUNCTION, TEMPLATE, SCRIPT, SHEET = 400, 40, 150, 150, 150
#: what may be longer, and why
LONGER: dict[str, str] = {}


def _too_long(found):
    return {name: size for name, size in found.items() if name not in LONGER}


def test_files():
    sizes = {m.name: len(m.text.splitlines()) for m in modules()}
    for path in (ROOT / "tests").rglob("*.py"):
        name = str(path.relative_to(ROOT))
        sizes[name] = len(path.read_text(encoding="utf-8").splitlines())
    assert _too_long({n: s for n, s in sizes.items() if s > FILE}) == {}


def _lines(node: ast.FunctionDef) -> int:
    """Count the lines of a function below its docstring."""
    body = node.body
    first = body[0]
    if ast.get_docstring(node) and len(body) > 1:
        first = body[1]
    return (node.end_lineno or 0) - first.lineno + 1


def test_functions():
    sizes = {
        f"{module.name}.{node.name}": _lines(node)
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert _too_long({n: s for n, s in sizes.items() if s > FUNCTION}) == {}


def _longer_than(pattern, budget):
    found = {}
    for path in PACKAGE.glob(pattern):
        if "vendor" not in path.parts:
            size = len(path.read_text(encoding="utf-8").splitlines())
            if size > budget:
                found[str(path.relative_to(PACKAGE))] = size
    return _too_long(found)


def test_templates():
    assert _longer_than("templates/**/*.html", TEMPLATE) == {}


def test_scripts_and_sheets():
    assert _longer_than("static/js/**/*.js", SCRIPT) == {}
    assert _longer_than("static/css/**/*.css", SHEET) == {}


def test_no_drawers():
    drawers = {"utils", "util", "helpers", "common", "manager", "misc"}
    assert not {m.name for m in modules() if drawers & set(m.parts)}


def test_every_module_says_what_it_holds():
    assert [m.name for m in modules() if not ast.get_docstring(m.tree)] == []
