"""Tables in from .xlsx and CSV, tables out to both: text stays text all the way."""

import csv
import json
import subprocess
import sys
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, Final

import xlsxwriter
from flask_babel import lazy_gettext as _l

from casefield.core.errors import DomainError

MAX_BYTES = 5 * 1024 * 1024
MAX_ENTRIES = 200
MAX_UNPACKED_BYTES = 50 * 1024 * 1024
MAX_RATIO = 100
#: Below this size a high ratio is only a tidy file.
SMALL_ENTRY_BYTES = 256 * 1024
MAX_ROWS = 5000
MAX_COLUMNS = 60
MAX_CELL_CHARACTERS = 2000
READ_SECONDS = 20
READER_MEMORY_BYTES = 512 * 1024 * 1024
#: Sheets often carry a title over their head row.
HEAD_ROWS = 10

READER: Final = Path(__file__).with_name("sheet_reader.py")
#: A cell that begins so is run as a formula by some spreadsheet program.
FORMULA_STARTS: Final = tuple("=+-@\t\r\n＝＋－＠")


class TableRefused(DomainError):
    """The file cannot be read as a table; nothing of it was used."""

    code = "table-refused"
    message = _l("表格读不出来，文件可能已损坏。请重新另存为 .xlsx 或 CSV 再试。")


class TableTooLarge(TableRefused):
    """More than an import may hold, packed or unpacked."""

    status = 413
    code = "table-too-large"
    message = _l("表格太大（上限 5 MB、5000 行、60 列）。请分成几个文件导入。")


class TableKindUnknown(TableRefused):
    """Another program's file, whatever its name says."""

    code = "table-kind"
    message = _l(
        "只收 .xlsx 和 CSV 文件。旧的 .xls 或加密的表格，请另存为 .xlsx 再试。"
    )


class TableEncodingUnknown(TableRefused):
    """CSV in an encoding that would turn names into rubbish."""

    code = "table-encoding"
    message = _l("CSV 的文字编码认不出来。请另存为“CSV UTF-8”或 .xlsx 再试。")


class TableEmpty(TableRefused):
    """No rows at all."""

    code = "table-empty"
    message = _l("表格是空的。第一行写列名，下面每行一条。")


class ColumnsMissing(TableRefused):
    """The head row lacks columns without which no row makes sense."""

    code = "columns-missing"
    message = _l("缺少列：%(missing)s。表头是：%(found)s。")


class ColumnTwice(TableRefused):
    """Two columns claim the same meaning."""

    code = "column-twice"
    message = _l("“%(name)s”这一列出现了两次。请只留一列。")


class CellTooLong(TableRefused):
    """One cell holds more text than any field takes."""

    code = "cell-too-long"
    message = _l("第 %(row)s 行有一格超过 2000 字。请缩短后再试。")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an import understands, with every name people give it."""

    key: str
    names: tuple[str, ...]
    required: bool = False

    @property
    def title(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file; ``number`` is the row that the person sees."""

    number: int
    values: dict[str, str]


RawRow = tuple[int, list[str]]


def read_table(file: IO[bytes], columns: Sequence[Column]) -> list[Row]:
    """Read the rows below the head row; what the file is, its content says.

    Raises:
        TableRefused: with a sentence that says what to do instead.
    """
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TableTooLarge
    if content.startswith(b"PK\x03\x04"):
        raw = _read_xlsx(content)
    else:
        raw = _read_csv(content)
    if not raw:
        raise TableEmpty
    if len(raw) > MAX_ROWS + HEAD_ROWS:
        raise TableTooLarge
    return _match_columns(raw, columns)


# -- reading ----------------------------------------------------------------


def _read_xlsx(content: bytes) -> list[RawRow]:
    _check_zip_directory(content)
    command = [
        sys.executable,
        "-I",
        str(READER),
        str(MAX_ROWS + HEAD_ROWS),
        str(MAX_COLUMNS + 1),
        str(READER_MEMORY_BYTES),
    ]
    try:
        done = subprocess.run(  # noqa: S603 -- our own script, numbers as arguments
            command,
            input=content,
            capture_output=True,
            timeout=READ_SECONDS,
            check=True,
            env={},
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise TableRefused from error
    return [(number, cells) for number, cells in json.loads(done.stdout)]


def _check_zip_directory(content: bytes) -> None:
    """Look at what the file claims to unpack to before anything is unpacked."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise TableRefused from error
    if len(entries) > MAX_ENTRIES:
        raise TableTooLarge
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise TableTooLarge
    for entry in entries:
        packed = max(entry.compress_size, 1)
        if entry.file_size > max(SMALL_ENTRY_BYTES, packed * MAX_RATIO):
            raise TableTooLarge
    names = {entry.filename for entry in entries}
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
        raise TableKindUnknown


def _read_csv(content: bytes) -> list[RawRow]:
    text = _decode(content)
    sample = text[:4096].partition("\n")[0]
    delimiter = max(",;\t", key=sample.count)
    rows: list[RawRow] = []
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                rows.append((number, [_plain(cell) for cell in cells]))
            if len(rows) > MAX_ROWS + HEAD_ROWS:
                raise TableTooLarge
    except csv.Error as error:
        raise TableRefused from error
    return rows


def _decode(content: bytes) -> str:
    if b"\0" in content or content.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"\x89")):
        raise TableKindUnknown
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableEncodingUnknown


def _plain(cell: str) -> str:
    """Take off the quote that ``write_csv`` puts before what looks like a formula."""
    if cell.startswith("'") and cell[1:].lstrip(" ").startswith(FORMULA_STARTS):
        return cell[1:].strip()
    return cell.strip()


def _folded(name: str) -> str:
    """Fold a head cell: width, case, spaces, marks, bracketed remarks are nothing."""
    text = unicodedata.normalize("NFKC", name).casefold().partition("(")[0]
    return "".join(letter for letter in text if letter.isalnum())


def _match_columns(raw: list[RawRow], columns: Sequence[Column]) -> list[Row]:
    known = {_folded(name): column for column in columns for name in column.names}
    heads = raw[:HEAD_ROWS]
    best = max(
        range(len(heads)),
        key=lambda index: sum(_folded(cell) in known for cell in heads[index][1]),
    )
    head = heads[best][1]
    if len(head) > MAX_COLUMNS and any(head[MAX_COLUMNS:]):
        raise TableTooLarge
    places: dict[str, int] = {}
    for place, cell in enumerate(head):
        column = known.get(_folded(cell))
        if column is None:
            continue
        if column.key in places:
            raise ColumnTwice(name=column.title)
        places[column.key] = place
    missing = [
        column.title
        for column in columns
        if column.required and column.key not in places
    ]
    if missing:
        found = "、".join(cell for cell in head if cell)[:200]
        raise ColumnsMissing(missing="、".join(missing), found=found)
    body = raw[best + 1 :]
    if len(body) > MAX_ROWS:
        raise TableTooLarge
    return [row for number, cells in body if (row := _row(number, cells, places))]


def _row(number: int, cells: list[str], places: dict[str, int]) -> Row | None:
    """Pick the known cells; a row without any of them is only decoration."""
    values = {
        key: cells[place] if place < len(cells) else "" for key, place in places.items()
    }
    if not any(values.values()):
        return None
    if any(len(value) > MAX_CELL_CHARACTERS for value in values.values()):
        raise CellTooLong(row=number)
    return Row(number, values)


# -- writing ----------------------------------------------------------------

Cell = str | int | float | date | datetime | None


def write_xlsx(
    titles: Sequence[str], rows: Iterable[Sequence[Cell]], *, sheet_name: str = "Sheet1"
) -> bytes:
    """Write a workbook of one sheet in which no text is ever run as a formula."""
    file = BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(sheet_name)
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, title in enumerate(titles):
            sheet.write_string(0, column, title, bold)
            sheet.set_column(column, column, max(10, 2 * len(title) + 4))
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                match value:
                    case None:
                        continue
                    case str():
                        sheet.write_string(number, column, _one_line_end(value))
                    case datetime():
                        sheet.write_datetime(number, column, value, instant)
                    case date():
                        sheet.write_datetime(number, column, value, day)
                    case _:
                        sheet.write_number(number, column, value)
    return file.getvalue()


def _one_line_end(text: str) -> str:
    """Spell line ends as a workbook does; a lone return would read as _x000D_."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write_csv(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write CSV that Excel opens as UTF-8 and takes for text."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([_escaped(title) for title in titles])
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
    return file.getvalue().encode("utf-8-sig")


def _csv_cell(value: Cell) -> str:
    match value:
        case None:
            return ""
        case str():
            return _escaped(value)
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _escaped(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
