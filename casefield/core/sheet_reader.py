"""Reads one workbook from stdin in a process of its own and prints its cells as JSON.

Run by path, not imported, so that a hostile workbook meets a small process with a
ceiling on memory and time and nothing else in it.
"""

import json
import os
import resource
import sys
from datetime import datetime, time, timedelta
from io import BytesIO

CPU_SECONDS = 15


def main() -> int:
    """Print ``[[row number, [cell, ...]], ...]`` of the first sheet."""
    max_rows, max_columns, max_memory = (int(word) for word in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    # Where lxml happens to be installed, openpyxl would take it in place of defusedxml.
    os.environ["OPENPYXL_LXML"] = "False"
    import openpyxl

    if openpyxl.LXML or not openpyxl.DEFUSEDXML:
        raise SystemExit("defusedxml is not in use")
    content = BytesIO(sys.stdin.buffer.read())
    book = openpyxl.load_workbook(
        content, read_only=True, data_only=True, keep_links=False, rich_text=False
    )
    sheet = book.worksheets[0]
    # Some writers claim a sheet of A1 or of a million rows; count for ourselves.
    sheet.reset_dimensions()
    rows = []
    cells = sheet.iter_rows(max_col=max_columns, values_only=True)
    for number, values in enumerate(cells, 1):
        texts = [as_text(value) for value in values]
        if any(texts):
            rows.append([number, texts])
        if len(rows) > max_rows:
            break
    json.dump(rows, sys.stdout)
    return 0


def as_text(value: object) -> str:
    """Write a cell as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, datetime):
        midnight = value.time() == time()
        value = value.date() if midnight else value.isoformat(" ", "minutes")
    elif isinstance(value, time):
        value = value.isoformat("minutes")
    elif isinstance(value, timedelta):
        # Hours past midnight, as 25:00 for one in the night after.
        minutes = round(value.total_seconds() / 60)
        value = f"{minutes // 60}:{minutes % 60:02}"
    return str(value).strip()


if __name__ == "__main__":
    sys.exit(main())
