"""Label sheets: every grid stays on its paper, and half-used paper is used up."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from casefield.core.pdf import FormHead, render_print
from casefield.sites.prints import (
    GRIDS,
    PAGE_HEIGHT_MM,
    PAGE_WIDTH_MM,
    TEMPLATE,
    Label,
    LabelSheet,
    OffsetTooLarge,
)

FORM = FormHead("CF-47", "V1.0", "巡视点码牌", "砚溪和鸣", "20261123-002")


def make_labels(count: int) -> tuple[Label, ...]:
    return tuple(
        Label(
            url=f"HTTP://LOCALHOST:8000/Q/{number:010}",
            code=f"{number:010}",
            place_code=f"X{number:02}",
            place_name="东门岗",
            address="localhost:8000",
        )
        for number in range(1, count + 1)
    )


def text_of(folder: Path, sheet: LabelSheet) -> list[str]:
    path = folder / "labels.pdf"
    path.write_bytes(render_print(TEMPLATE, sheet))
    text = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return text.split("\f")[:-1]


@pytest.mark.parametrize("key", GRIDS)
def test_places_lie_on_the_paper_and_never_overlap(key: str) -> None:
    grid = GRIDS[key]
    slots = grid.slots(0, 0)
    assert len(slots) == grid.size
    taken: list[tuple[float, float]] = []
    for slot in slots:
        assert slot.left >= 0
        assert slot.top >= 0
        assert slot.left + grid.width <= PAGE_WIDTH_MM + 0.01
        assert slot.top + grid.height <= PAGE_HEIGHT_MM + 0.01
        for left, top in taken:
            apart_x = abs(slot.left - left) >= grid.width - 0.01
            apart_y = abs(slot.top - top) >= grid.height - 0.01
            assert apart_x or apart_y
        taken.append((slot.left, slot.top))


@pytest.mark.usefixtures("print_app")
@pytest.mark.parametrize("key", GRIDS)
def test_a_label_says_in_words_what_its_code_says(key: str, tmp_path: Path) -> None:
    sheet = LabelSheet(FORM, GRIDS[key], make_labels(1))
    [page] = text_of(tmp_path, sheet)
    plain = page.replace(" ", "")
    for words in ("扫码签到", "X01", "东门岗", "00000-00001", "localhost:8000"):
        assert words in plain
    assert "CF-47" in page
    assert "20261123-002" in page
    assert "1/1" in plain or "第1页/共1页" in plain


@pytest.mark.usefixtures("print_app")
def test_more_labels_than_places_go_on(tmp_path: Path) -> None:
    grid = GRIDS["3x7"]
    pages = text_of(tmp_path, LabelSheet(FORM, grid, make_labels(grid.size + 1)))
    assert len(pages) == 2
    assert "X22" not in pages[0]
    assert "X22" in pages[1]


def test_used_places_stay_free() -> None:
    sheet = LabelSheet(FORM, GRIDS["3x7"], make_labels(20), used_places=4)
    first, second = sheet.pages
    assert first.placed[0][0].number == 5
    assert [slot.number for slot, _ in second.placed] == [1, 2, 3]


@pytest.mark.usefixtures("print_app")
def test_the_test_page_shows_every_place_and_the_offset(tmp_path: Path) -> None:
    sheet = LabelSheet(
        FORM, GRIDS["3x8"], make_labels(3), offset_x_mm=1.5, test_page=True
    )
    [page] = text_of(tmp_path, sheet)
    assert "测试页" in page
    assert "右 1.5 mm" in page
    assert "（100%）" in page.replace(" ", "")
    assert "扫码签到" not in page
    assert "24" in page.split()


@pytest.mark.usefixtures("print_app")
def test_an_empty_sheet_prints(tmp_path: Path) -> None:
    assert len(text_of(tmp_path, LabelSheet(FORM, GRIDS["2x4"]))) == 1


@pytest.mark.usefixtures("print_app")
def test_the_demo_says_so_on_every_label(tmp_path: Path) -> None:
    form = replace(FORM, is_demo=True)
    [page] = text_of(tmp_path, LabelSheet(form, GRIDS["3x8"], make_labels(3)))
    assert page.count("DEMO") == 3


def test_a_nudge_beyond_the_paper_is_refused() -> None:
    with pytest.raises(OffsetTooLarge, match="测试页"):
        LabelSheet(FORM, GRIDS["3x7"], offset_y_mm=-10.5)
