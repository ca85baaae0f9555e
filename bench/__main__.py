"""`python -m bench [--full] [--only NAME]... [--write-docs]`: measure and write."""

import argparse
import sys
import time
from collections.abc import Callable

from bench import report
from bench.figures import Figure, write_results
from bench.serving import ROOT

RESULTS = ROOT / "bench" / "results.json"
NAMES = (
    "page_cpu",
    "first_load_kb",
    "pdf_cf01",
    "page_round_list",
    "page_vs_django",
    "check_in_write",
    "check_in_vs_django",
    "locked_errors",
)
FULL_NAMES = (*NAMES, "round_list_10m")


def main(arguments: list[str]) -> int:
    """Measure what is asked for; 1 when a requirement is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten million rows too")
    parser.add_argument("--only", action="append", choices=FULL_NAMES, default=[])
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args(arguments)
    names = set(options.only or (FULL_NAMES if options.full else NAMES))
    figures = _measure(names)
    if not options.only:
        write_results(figures, RESULTS)
    if options.write_docs:
        command = "make bench-full" if options.full else "make bench"
        report.write_document(figures, command, report.today())
    return 0 if report.summarise(figures) else 1


def _measure(names: set[str]) -> list[Figure]:
    """Run the groups that any wanted figure belongs to, quiet ones first."""
    from bench import first_load, inside, prints, rates, scaled
    from bench.house import House
    from bench.workshop import ROWS

    house = House(ROWS)
    groups: list[tuple[set[str], Callable[[], list[Figure]]]] = [
        (
            {"page_cpu"},
            lambda: inside.measure(house.app, house.list_path, house.cookie),
        ),
        ({"first_load_kb"}, lambda: first_load.measure(house)),
        ({"pdf_cf01"}, lambda: prints.measure(house.app)),
        (
            {"page_round_list", "page_vs_django"},
            lambda: rates.measure_pages(house, names.__contains__),
        ),
        (
            {"check_in_write", "check_in_vs_django"},
            lambda: rates.measure_writes(house, names.__contains__),
        ),
        ({"locked_errors"}, lambda: rates.measure_flood(house)),
        ({"round_list_10m"}, scaled.measure),
    ]
    figures: list[Figure] = []
    for covered, measure in groups:
        if not covered & names:
            continue
        began = time.monotonic()
        print(f"measuring {', '.join(sorted(covered & names))} ...", flush=True)
        figures += measure()
        print(f"    took {time.monotonic() - began:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
