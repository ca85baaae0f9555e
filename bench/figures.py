"""What a measurement is, what is asked of it, and how it is written down."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured figure; a plain one has neither ratio nor floor."""

    name: str
    ours: float
    unit: str
    ratio: float | None = None
    floor: float | None = None
    #: Lowest and highest ratio of the paired rounds, for the document only.
    spread: tuple[float, float] | None = None

    def as_entry(self) -> dict[str, str | float]:
        """Return the entry of `results.json`."""
        if self.ratio is None or self.floor is None:
            return {"name": self.name, "ours": _short(self.ours), "unit": self.unit}
        return {
            "name": self.name,
            "ratio": _short(self.ratio),
            "ours": _short(self.ours),
            "floor": _short(self.floor),
            "unit": self.unit,
        }

    @property
    def judged(self) -> float:
        """Return the number that a limit speaks about."""
        return self.ours if self.ratio is None else self.ratio


@dataclass(frozen=True)
class Limit:
    """What a figure must reach, what it should reach, and what would help next."""

    least: float
    aim: float
    #: True where a bigger figure is the better one.
    upward: bool
    says: str
    next_step: str

    def met_by(self, value: float) -> bool:
        """Tell whether the value satisfies the requirement."""
        return value >= self.least if self.upward else value <= self.least

    def margin(self, value: float) -> str:
        """Say how far the value is on the good side of the requirement."""
        if self.least == 0:
            return "met" if self.met_by(value) else "missed"
        if value == 0:
            return "missed" if self.upward else "met"
        share = value / self.least if self.upward else self.least / value
        return f"{share:.2f} ×" if self.met_by(value) else f"{share:.2f} × (missed)"


def write_results(figures: Iterable[Figure], path: Path) -> None:
    """Write the figures as the list that other tools read."""
    entries = [figure.as_entry() for figure in figures]
    text = json.dumps(entries, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _short(value: float) -> float:
    """Keep four significant digits: more would pretend to a precision."""
    return float(f"{value:.4g}")
