"""Ratios, turns, requirements and what is written down about them."""

import json
from pathlib import Path

import pytest

from bench import report
from bench.figures import Figure, Limit, write_results
from bench.limits import LIMITS
from bench.rounds import Pair, alternate

UPWARD = Limit(least=0.12, aim=0.22, upward=True, says="", next_step="")
DOWNWARD = Limit(least=13, aim=7, upward=False, says="", next_step="")


def test_sides_take_turns_in_going_first() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return 1.0

    alternate(lambda: side("A"), lambda: side("B"), rounds=4)

    assert "".join(order) == "ABBAABBA"


def test_ratio_is_of_medians_and_spread_is_of_neighbours() -> None:
    pair = Pair(ours=[1.0, 2.0, 9.0], floor=[4.0, 4.0, 4.0])

    assert pair.ratio == 0.5
    assert pair.spread == (0.25, 2.25)


@pytest.mark.parametrize(
    ("limit", "value", "met"),
    [
        (UPWARD, 0.12, True),
        (UPWARD, 0.119, False),
        (DOWNWARD, 13.0, True),
        (DOWNWARD, 13.1, False),
    ],
)
def test_requirement_is_met_up_to_its_very_edge(
    limit: Limit, value: float, met: bool
) -> None:
    assert limit.met_by(value) is met
    assert ("missed" in limit.margin(value)) is not met


def test_a_flood_without_errors_is_met_and_one_error_is_not() -> None:
    assert LIMITS["locked_errors"].margin(0) == "met"
    assert LIMITS["locked_errors"].margin(1) == "missed"


def test_results_have_a_floor_only_where_one_was_measured(tmp_path: Path) -> None:
    place = tmp_path / "results.json"
    ratio = Figure("page_cpu", ours=700, unit="us", ratio=7, floor=100, spread=(6, 8))
    write_results([ratio, Figure("first_load_kb", ours=39.123456, unit="KB")], place)

    assert json.loads(place.read_text()) == [
        {"name": "page_cpu", "ratio": 7, "ours": 700, "floor": 100, "unit": "us"},
        {"name": "first_load_kb", "ours": 39.12, "unit": "KB"},
    ]


def test_document_renews_measured_rows_and_keeps_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "measurements.md")
    old = [Figure("page_cpu", 900, "us", 9, 100), Figure("first_load_kb", 50, "KB")]
    report.write_document(old, "make bench", "2026-01-01")
    report.write_document(
        [Figure("page_cpu", 700, "us", 7, 100)], "make bench", "2026-02-02"
    )

    text = (tmp_path / "measurements.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| 2026")]
    assert len(rows) == 2
    assert rows[0].startswith("| 2026-02-02 | `page_cpu` |")
    assert "900" not in rows[0]
    assert rows[1].startswith("| 2026-01-01 | `first_load_kb` |")


def test_a_missed_requirement_fails_the_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report.summarise([Figure("page_cpu", 700, "us", 7, 100)])
    assert not report.summarise([Figure("page_cpu", 1400, "us", 14, 100)])
    assert "MISSED" in capsys.readouterr().out
