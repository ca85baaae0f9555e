"""Tables come in whatever people's programs make of them, and bombs do not."""

import re
import threading
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from time import perf_counter

import openpyxl
import pytest

from casefield.core import spreadsheets
from casefield.core.spreadsheets import (
    CellTooLong,
    Column,
    ColumnsMissing,
    ColumnTwice,
    Row,
    TableEmpty,
    TableEncodingUnknown,
    TableKindUnknown,
    TableRefused,
    TableTooLarge,
    read_table,
    write_csv,
    write_xlsx,
)

COLUMNS = (
    Column("staff_no", ("工号", "staff no", "number"), required=True),
    Column("name", ("姓名", "name"), required=True),
    Column("post", ("岗位", "post")),
)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1+1", "－1", " =1", "\r=1"]


def read(content: bytes) -> list[Row]:
    return read_table(BytesIO(content), COLUMNS)


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def changed(content: bytes, name: str, text: str | bytes) -> bytes:
    """Put another file in the place of one inside the workbook."""
    file = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry, text if entry.filename == name else old.read(entry))
        if name not in old.namelist():
            new.writestr(name, text)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_workbook_is_read_as_people_see_it() -> None:
    rows = read(
        workbook(
            ["工号", "姓名", "岗位"],
            [1001, "沈知行", "M2"],
            [1002.0, "  林晚舟 ", None],
            [None, None, None],
            ["0007", "苏若薇", "P1"],
        )
    )
    assert [(row.number, row.values) for row in rows] == [
        (2, {"staff_no": "1001", "name": "沈知行", "post": "M2"}),
        (3, {"staff_no": "1002", "name": "林晚舟", "post": ""}),
        (5, {"staff_no": "0007", "name": "苏若薇", "post": "P1"}),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (date(2026, 3, 5), "2026-03-05"),
        (datetime(2026, 3, 5, 9, 30), "2026-03-05 09:30"),  # noqa: DTZ001 -- a cell
        (time(8, 20), "08:20"),
        (timedelta(hours=25), "25:00"),
        (True, "是"),
        (3.5, "3.5"),
    ],
)
def test_cells_of_every_type_become_text(cell: object, text: str) -> None:
    [row] = read(workbook(["工号", "姓名"], [1, cell]))
    assert row.values["name"] == text


@pytest.mark.parametrize(
    "head",
    [
        ["工号", "姓名", "岗位"],
        [" 工 号 ", "姓名：", "岗位（可空）"],
        ["Staff No.", "NAME", "Post"],
        ["工号*", "ｎａｍｅ", "post"],
    ],
)
def test_heads_are_matched_forgivingly(head: list[str]) -> None:
    [row] = read(workbook(head, ["S01", "沈知行", "M2"]))
    assert row.values == {"staff_no": "S01", "name": "沈知行", "post": "M2"}


def test_a_title_over_the_head_and_foreign_columns_do_no_harm() -> None:
    content = workbook(
        ["人员名册"], [], ["序号", "姓名", "备注", "工号"], [1, "沈知行", "x", "S01"]
    )
    [row] = read(content)
    assert (row.number, row.values) == (4, {"name": "沈知行", "staff_no": "S01"})


def test_missing_columns_are_named_with_what_was_found() -> None:
    with pytest.raises(ColumnsMissing, match="缺少列：姓名。表头是：工号、电话。"):
        read(workbook(["工号", "电话"], ["S01", "1"]))


def test_a_column_twice_is_refused() -> None:
    with pytest.raises(ColumnTwice, match="工号"):
        read(workbook(["工号", "姓名", "staff no"], ["S01", "x", "S02"]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_is_read_as_office_programs_write_it(
    encoding: str, delimiter: str, line_end: str
) -> None:
    lines = [["工号", "姓名"], ["S01", "沈知行"], ["", ""], ["S02", "林晚舟"]]
    text = line_end.join(delimiter.join(cells) for cells in lines)
    rows = read(text.encode(encoding))
    assert [(row.number, row.values["name"]) for row in rows] == [
        (2, "沈知行"),
        (4, "林晚舟"),
    ]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", TableEmpty),
        (b"\n\n , \n", TableEmpty),
        (b"\xff\xff\xff\xff", TableEncodingUnknown),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), TableKindUnknown),
        (b"%PDF-1.7 abc", TableKindUnknown),
        (b"PK\x03\x04 cut off", TableRefused),
        ('工号,姓名\n"S01,x'.encode(), TableRefused),
        (workbook(["工号", "姓名"])[:2000], TableRefused),
        (workbook(), TableEmpty),
        (changed(workbook(["工号"]), SHEET, "<worksheet><broken"), TableRefused),
        (changed(workbook(["工号"]), "xl/workbook.xml", "text"), TableRefused),
    ],
)
def test_broken_files_are_refused_with_a_sentence(
    content: bytes, error: type[TableRefused]
) -> None:
    with pytest.raises(error) as refused:
        read(content)
    assert re.search(r"[。]$", str(refused.value))


def test_another_office_file_is_not_a_table() -> None:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(TableKindUnknown, match="xlsx"):
        read(file.getvalue())


def test_limits_stand_at_their_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MAX_ROWS", 20)
    head = ["工号", "姓名"]
    rows = [[f"S{number}", "x"] for number in range(21)]
    for make in (workbook, lambda *lines: write_csv(lines[0], lines[1:])):
        assert len(read(make(head, *rows[:20]))) == 20
        with pytest.raises(TableTooLarge):
            read(make(head, *rows))
        with pytest.raises(TableTooLarge):
            read(make([*head, *(f"c{n}" for n in range(59))], ["S1", "x"]))
        with pytest.raises(CellTooLong, match="第 2 行"):
            read(make(head, ["S1", "x" * 2001]))


def test_too_many_bytes_are_refused_unread() -> None:
    stream = BytesIO(b"a," * spreadsheets.MAX_BYTES)
    with pytest.raises(TableTooLarge):
        read_table(stream, COLUMNS)
    assert stream.tell() == spreadsheets.MAX_BYTES + 1


def zip_bomb() -> bytes:
    """Well under the size limit, and some 120 MB when unpacked."""
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>aaaaaaaa</t></is></c></row>'
    sheet = f"<worksheet><sheetData>{row * 1_700_000}</sheetData></worksheet>"
    return changed(workbook(["工号"]), SHEET, sheet)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zip_bomb()
    assert len(bomb) < spreadsheets.MAX_BYTES
    start = perf_counter()
    with pytest.raises(TableTooLarge):
        read(bomb)
    assert perf_counter() - start < 0.1


def test_a_lying_zip_directory_meets_the_child_s_limits() -> None:
    """The directory says 40 KB; the parser gets no more than that."""
    bomb = bytearray(changed(workbook(["工号"]), SHEET, b"<a>" + b"b" * 30_000_000))
    with zipfile.ZipFile(BytesIO(bytes(bomb))) as archive:
        size = archive.getinfo(SHEET).file_size
    bomb = bytearray(bytes(bomb).replace(size.to_bytes(4, "little"), b"\0\x90\0\0"))
    with pytest.raises(TableRefused):
        read(bytes(bomb))


def test_too_many_files_in_the_archive_are_refused() -> None:
    content = workbook(["工号", "姓名"], ["S01", "x"])
    file = BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(200):
            archive.writestr(f"y/{number}", "")
    with pytest.raises(TableTooLarge):
        read(file.getvalue())


def test_a_row_of_a_million_columns_and_a_far_row_are_harmless() -> None:
    far = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<dimension ref="A1:XFD1048576"/><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>工号</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>姓名</t></is></c>'
        '<c r="XFD1" t="inlineStr"><is><t>far</t></is></c></row>'
        '<row r="200000"><c r="A200000"><v>7</v></c></row>'
        "</sheetData></worksheet>"
    )
    [row] = read(changed(workbook(["工号"]), SHEET, far))
    assert (row.number, row.values["staff_no"]) == (200_000, "7")


class Silent(BaseHTTPRequestHandler):
    hits = 0

    def do_GET(self) -> None:
        type(self).hits += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY x SYSTEM "file:///etc/hostname">',
        '<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p"> %p; <!ENTITY x "y">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY x "&c;&c;&c;&c;&c;&c;">',
    ],
)
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml"])
def test_entities_are_refused_and_nothing_is_called(part: str, entity: str) -> None:
    Silent.hits = 0
    with HTTPServer(("127.0.0.1", 0), Silent) as trap:
        thread = threading.Thread(target=trap.serve_forever, args=(0.02,))
        thread.start()
        doctype = f"<!DOCTYPE a [{entity.replace('{port}', str(trap.server_port))}]>"
        content = workbook(["工号", "姓名"], ["S01", "x"])
        with zipfile.ZipFile(BytesIO(content)) as archive:
            body = archive.read(part).decode()
        body = re.sub(r"^<\?xml[^>]*\?>", "", body)
        try:
            with pytest.raises(TableRefused):
                read(changed(content, part, doctype + body.replace("S01", "&x;")))
        finally:
            trap.shutdown()
            thread.join()
    assert Silent.hits == 0


def test_the_reader_cannot_outgrow_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook(["工号", "姓名"], ["S01", "x" * 2_000])
    assert read(content)
    monkeypatch.setattr(spreadsheets, "READER_MEMORY_BYTES", 24 * 1024 * 1024)
    with pytest.raises(TableRefused):
        read(content)


def test_the_reader_cannot_outlast_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "READ_SECONDS", 0.05)
    with pytest.raises(TableRefused):
        read(workbook(["工号", "姓名"], ["S01", "x"]))


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_stays_text(text: str) -> None:
    titles, rows = ["工号", "姓名"], [["S01", text], [text, "x"]]
    written = write_xlsx(titles, rows)
    with zipfile.ZipFile(BytesIO(written)) as archive:
        assert b"<f>" not in archive.read(SHEET)
    for content in (written, write_csv(titles, rows)):
        assert [row.values["name"] for row in read(content)] == [text.strip(), "x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_csv_cells_never_begin_as_a_formula(text: str) -> None:
    written = write_csv(["姓名"], [[text], [-5]]).decode("utf-8-sig")
    cells = written.replace('"', "").split("\r\n", 1)[1]
    assert cells.startswith("'")
    assert "\r\n-5\r\n" in cells


def test_written_workbooks_keep_types_and_links_as_text() -> None:
    at = datetime(2026, 3, 5, 9, 30)  # noqa: DTZ001 -- cells have no zone
    written = write_xlsx(
        ["文", "数", "日", "时", "空"],
        [["https://example.com", 3, date(2026, 3, 5), at, None], ["0007", 2.5]],
        sheet_name="人员",
    )
    sheet = openpyxl.load_workbook(BytesIO(written))["人员"]
    assert sheet["A2"].value == "https://example.com"
    assert sheet["A2"].hyperlink is None
    assert sheet["A3"].value == "0007"
    assert sheet["B2"].value == 3
    assert sheet["C2"].value == datetime(2026, 3, 5)  # noqa: DTZ001 -- cells have none
    assert sheet["D2"].value == at
    assert sheet["E2"].value is None
    assert sheet.freeze_panes == "A2"
