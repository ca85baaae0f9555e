"""Two sides measured in turns, so that a drift of the machine hits both alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from bench.figures import Figure

Side = Callable[[], float]


@dataclass(frozen=True)
class Pair:
    """The samples of both sides, the n-th of each taken next to each other."""

    ours: list[float]
    floor: list[float]

    @property
    def ratio(self) -> float:
        """Return the ratio of the medians."""
        return median(self.ours) / median(self.floor)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the lowest and highest ratio of neighbouring samples."""
        ratios = [a / b for a, b in zip(self.ours, self.floor, strict=True)]
        return min(ratios), max(ratios)

    def figure(self, name: str, unit: str) -> Figure:
        """Name the pair for the results."""
        return Figure(
            name=name,
            ours=median(self.ours),
            unit=unit,
            ratio=self.ratio,
            floor=median(self.floor),
            spread=self.spread,
        )


def turns(rounds: int) -> Iterator[tuple[bool, bool]]:
    """Yield which side goes first and second: A,B then B,A and so on."""
    for number in range(rounds):
        yield (True, False) if number % 2 == 0 else (False, True)


def alternate(ours: Side, floor: Side, *, rounds: int) -> Pair:
    """Measure A,B,B,A,... and keep every sample; an even number is fair."""
    pair = Pair(ours=[], floor=[])
    for order in turns(rounds):
        for is_ours in order:
            if is_ours:
                pair.ours.append(ours())
            else:
                pair.floor.append(floor())
    return pair
