"""Writes `docs/measurements.md` and prints a summary; numbers come from the run."""

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

import pysqlite3

from bench.figures import Figure
from bench.limits import LIMITS
from casefield.core import clock

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "measurements.md"
TEMPLATE = Path(__file__).parent / "measurements.md"
HEADER = (
    "| date | figure | what | command | ours | floor | ratio (range) | required "
    "| aim | above the requirement | next step |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|\n"
)
ROW = re.compile(r"^\| \d{4}-\d\d-\d\d \| `(?P<name>\w+)` \|.*$", re.MULTILINE)


def summarise(figures: Iterable[Figure]) -> bool:
    """Print every figure beside its requirement; tell whether all are met."""
    all_met = True
    for figure in figures:
        limit = LIMITS.get(figure.name)
        verdict = ""
        if limit:
            met = limit.met_by(figure.judged)
            all_met = all_met and met
            sign = "≥" if limit.upward else "≤"
            word = "ok" if met else "MISSED"
            verdict = f"{word} ({sign} {limit.least}, aim {limit.aim})"
        print(f"{figure.name:28} {_measured(figure):44} {verdict}")
    return all_met


def write_document(figures: Iterable[Figure], command: str, today: str) -> None:
    """Renew the rows of the figures just measured; other rows stay as they were."""
    kept: dict[str, str] = {}
    if DOCUMENT.exists():
        old = DOCUMENT.read_text(encoding="utf-8")
        kept = {found["name"]: found.group() for found in ROW.finditer(old)}
    for figure in figures:
        kept[figure.name] = _row(figure, command, today)
    order = [*LIMITS, *(name for name in kept if name not in LIMITS)]
    rows = "\n".join(kept[name] for name in order if name in kept)
    text = TEMPLATE.read_text(encoding="utf-8")
    text = text.replace("{{table}}", HEADER + rows).replace("{{machine}}", _machine())
    DOCUMENT.write_text(text, encoding="utf-8")


def today() -> str:
    """Return the day of the run for the document."""
    return clock.now().date().isoformat()


def _row(figure: Figure, command: str, today: str) -> str:
    limit = LIMITS.get(figure.name)
    floor = "" if figure.floor is None else f"{figure.floor:.4g} {figure.unit}"
    ratio = ""
    if figure.ratio is not None:
        ratio = f"**{figure.ratio:.3g}**"
        if figure.spread:
            ratio += f" ({figure.spread[0]:.3g} to {figure.spread[1]:.3g})"
    cells = [today, f"`{figure.name}`", limit.says if limit else "", f"`{command}`"]
    cells += [f"{figure.ours:.4g} {figure.unit}", floor, ratio]
    if limit:
        sign = "≥" if limit.upward else "≤"
        cells += [f"{sign} {limit.least:g}", f"{limit.aim:g}"]
        cells += [limit.margin(figure.judged), limit.next_step]
    else:
        cells += ["", "", "", ""]
    return "| " + " | ".join(cells) + " |"


def _measured(figure: Figure) -> str:
    if figure.ratio is None:
        return f"{figure.ours:.4g} {figure.unit}"
    text = f"{figure.ratio:.3g} = {figure.ours:.4g} / {figure.floor:.4g} {figure.unit}"
    if figure.spread:
        text += f" ({figure.spread[0]:.3g}..{figure.spread[1]:.3g})"
    return text


def _machine() -> str:
    """Describe what the figures depend on, without naming the machine."""
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {pysqlite3.sqlite_version}, {platform.system()} {platform.machine()}"
    )
