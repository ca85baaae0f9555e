"""CF-01 looks the same blank and filled, and says what was missed."""

import subprocess
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from casefield.core.pdf import FormHead, PrintTooLong, Signature, render_print
from casefield.patrol.prints import (
    FORM_CODE,
    FORM_VERSION,
    TEMPLATE,
    Mark,
    Outcome,
    PatrolSheet,
    SheetHead,
    SheetLine,
)

pytestmark = pytest.mark.usefixtures("print_app")


def make_line(number: int, **changes: object) -> SheetLine:
    values: dict[str, object] = {
        "round_no": (number - 1) // 14 + 1,
        "checkpoint_code": f"X{(number - 1) % 14 + 1:02}",
        "checkpoint_name": "车场入口",
        "due": "09:30",
        "outcome": Outcome.ON_TIME,
        "signed": "09:31",
        "mark": Mark.NORMAL,
        "person": "周牧云",
        "starts_round": number % 14 == 1,
    }
    return SheetLine(**values | changes)  # type: ignore[arg-type]  # checked above


def make_sheet(lines: list[SheetLine], *, is_demo: bool = False) -> PatrolSheet:
    return PatrolSheet(
        form=FormHead(
            FORM_CODE,
            FORM_VERSION,
            "巡视签到表",
            "砚溪和鸣",
            record_code="20261123-001",
            company="云笺物业",
            is_demo=is_demo,
        ),
        head=SheetHead(
            day=date(2026, 3, 5),
            shift="日班",
            route_code="R1",
            route_name="日间巡视",
            period_minutes=60,
            tolerance="早 5 / 迟 10 分",
            weather="晴",
        ),
        lines=tuple(lines),
        signatures=(
            Signature("巡视人"),
            Signature("班（组）长检查"),
            Signature("案场管理岗审核"),
        ),
    )


def pages_of(folder: Path, sheet: PatrolSheet) -> list[str]:
    """Print the sheet and read it page by page, keeping the layout of its text."""
    path = folder / "sheet.pdf"
    path.write_bytes(render_print(TEMPLATE, sheet))
    text = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return text.split("\f")[:-1]


def test_a_blank_sheet_is_one_page_of_hand_lines(tmp_path: Path) -> None:
    [page] = pages_of(tmp_path, make_sheet([]))
    assert "巡视签到表" in page
    assert "以下空白" not in page.replace(" ", "")
    assert "合计" not in page
    assert "第1页/共1页" in page.replace(" ", "")


def test_one_visit_is_followed_by_the_end_mark(tmp_path: Path) -> None:
    [page] = pages_of(tmp_path, make_sheet([make_line(1)]))
    assert "以下空白" in page.replace(" ", "")
    assert "周牧云" in page


def test_twenty_lines_fill_a_page_and_one_more_starts_the_next(tmp_path: Path) -> None:
    lines = [make_line(number) for number in range(1, 22)]
    assert len(pages_of(tmp_path, make_sheet(lines[:20]))) == 1
    first, second = pages_of(tmp_path, make_sheet(lines))
    assert "以下空白" not in first.replace(" ", "")
    assert "以下空白" in second.replace(" ", "")


def test_every_page_stands_alone_in_its_folder(tmp_path: Path) -> None:
    lines = [make_line(number) for number in range(1, 41)]
    pages = pages_of(tmp_path, make_sheet(lines))
    assert len(pages) == 2
    for number, page in enumerate(pages, 1):
        for words in (
            "巡视签到表",
            "CF-01 · V1.0",
            "20261123-001",
            "2026年3月5日",
            "R1 日间巡视",
            "设备设施状态",
            "案场管理岗审核",
            "本表由 casefield 生成",
            f"第 {number} 页 / 共 2 页",
        ):
            assert words.replace(" ", "") in page.replace(" ", ""), words


def test_missed_late_and_skipped_are_three_different_words(tmp_path: Path) -> None:
    lines = [
        make_line(1),
        make_line(2, outcome=Outcome.LATE, signed="09:52"),
        make_line(3, outcome=Outcome.MISSED, signed="", mark=Mark.NONE, person=""),
        make_line(4, outcome=Outcome.MISSED, signed="", mark=Mark.NONE, person=""),
        make_line(
            5,
            outcome=Outcome.SKIPPED,
            signed="",
            mark=Mark.NONE,
            skip_reason="设备间检修",
        ),
        make_line(6, manual_reason="码牌破损"),
    ]
    [page] = pages_of(tmp_path, make_sheet(lines))
    table = page[page.index("巡视点编号") : page.index("√ 正常")]
    assert table.count("漏巡") == 2
    assert "09:52 迟" in table
    assert "跳过（设备间检修）" in table
    assert "手工（码牌破" in table
    assert table.count("扫码") == 2
    assert "到位 3（迟到 1），漏巡 2，跳过 1" in page


def test_a_late_cell_is_grey_and_only_that(tmp_path: Path) -> None:
    def greys(outcome: Outcome) -> int:
        path = tmp_path / "sheet.pdf"
        sheet = make_sheet([make_line(1), make_line(2, outcome=outcome), make_line(3)])
        path.write_bytes(render_print(TEMPLATE, sheet))
        picture = subprocess.run(
            ["pdftoppm", "-r", "50", "-gray", str(path)],
            capture_output=True,
            check=True,
        ).stdout
        return picture.count(b"\xd9" * 5)

    assert greys(Outcome.LATE) > 10
    assert greys(Outcome.ON_TIME) == 0


def test_long_text_makes_its_row_grow_and_stays_whole(tmp_path: Path) -> None:
    story = "射灯不亮，已报工程部，请夜班继续跟进" * 12
    lines = [make_line(number) for number in range(1, 19)]
    lines.append(make_line(19, abnormality=f"起{story}止"))
    first, second = pages_of(tmp_path, make_sheet(lines))
    assert "射灯" not in first
    assert "起射灯" in second
    assert "止" in second


def test_the_demo_says_so(tmp_path: Path) -> None:
    [demo] = pages_of(tmp_path, make_sheet([], is_demo=True))
    [real] = pages_of(tmp_path, make_sheet([]))
    assert "演示数据 DEMO" in demo
    assert "DEMO" not in real


def test_a_guests_text_cannot_become_markup(tmp_path: Path) -> None:
    evil = "<img src=file:///etc/passwd><b>粗</b>"
    [page] = pages_of(tmp_path, make_sheet([make_line(1, abnormality=evil)]))
    assert "<b>粗</b>" in page.replace("\n", "").replace(" ", "")


def test_the_table_keeps_to_its_type_area(tmp_path: Path) -> None:
    """267 mm across from a margin of 15 mm, nothing in the binding edge."""
    path = tmp_path / "sheet.pdf"
    path.write_bytes(render_print(TEMPLATE, make_sheet([make_line(1)] * 20)))
    picture = subprocess.run(
        ["pdftoppm", "-r", "25.4", "-gray", str(path)], capture_output=True, check=True
    ).stdout
    with Image.open(BytesIO(picture)) as page:
        inked = page.point(lambda value: 255 * (value < 200)).getbbox()
    assert inked is not None
    left, top, right, bottom = inked
    assert left >= 14
    assert top >= 24
    assert right <= 15 + 267 + 1
    assert bottom <= 210 - 15 + 1


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(PrintTooLong):
        make_sheet([make_line(1)] * 601)
