"""The import of places: order does not matter, loops are named, all or nothing."""

import re
from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from casefield.core import clock
from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.core.spreadsheets import write_xlsx
from casefield.sites import queries
from casefield.sites.models import Place, WallCode
from tests import factories
from tests.cast import Cast
from tests.client import Browser, browser

HEAD = ("编号", "名称", "类型", "上级")
#: a place may stand above the one that it lies in
ROWS = (
    ("L-WC1", "一层卫生间", "卫生间", "L-DT"),
    ("L-DT", "大厅", "大厅", "B1"),
    ("B1", "销售中心", "楼栋", ""),
)


def _csv(*rows: tuple[str, ...]) -> bytes:
    return "\n".join(",".join(row) for row in (HEAD, *rows)).encode("gb18030")


def upload(client: Browser, content: bytes) -> TestResponse:
    return client.post("/places/import", data={"table": (BytesIO(content), "p.csv")})


def confirm(client: Browser, run: TestResponse) -> TestResponse:
    page = client.get(run.location).get_data(as_text=True)
    mark = re.search(r'name="mark" value="(\w+)"', page)
    return client.post(run.location, data={"mark": mark[1] if mark else ""})


def _counts(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'stats__number"[^>]*>(\d+)<', page)]


def _state(cast: Cast) -> list[int]:
    with factories.looking(cast.site):
        return [
            db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Place, WallCode, LedgerLine)
        ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_tree_comes_in_and_the_same_again_changes_nothing(
    app: Flask, cast: Cast, kind: str
) -> None:
    manager = browser(app, cast.manager)
    content = _csv(*ROWS) if kind == "csv" else write_xlsx(HEAD, ROWS)
    before = _state(cast)
    run = upload(manager, content)
    assert _counts(manager.get(run.location).get_data(as_text=True)) == [3, 0, 0, 0]
    assert _state(cast) == before
    assert confirm(manager, run).status_code == 303
    with factories.looking(cast.site):
        rows = queries.list_places()
        found = [(row.place.code, row.depth) for row in rows]
        assert found == [("B1", 0), ("L-DT", 1), ("L-WC1", 2)]
        assert all(row.code is not None for row in rows)
    after = _state(cast)
    again = upload(manager, content)
    page = manager.get(again.location).get_data(as_text=True)
    assert _counts(page) == [0, 0, 3, 0]
    assert _state(cast) == after


def test_changes_are_shown_and_the_wall_code_stays(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    confirm(manager, upload(manager, _csv(*ROWS)))
    with factories.looking(cast.site):
        before = {r.place.code: r.code.code for r in queries.list_places() if r.code}
    rows = (("L-DT", "销售大厅", "", ""), ("L-WC1", "", "", "B1"))
    run = upload(manager, _csv(*rows))
    page = manager.get(run.location).get_data(as_text=True)
    assert _counts(page) == [0, 2, 0, 0]
    assert "名称</b> 大厅 → 销售大厅" in page
    assert "上级</b> L-DT → B1" in page
    confirm(manager, run)
    with factories.looking(cast.site):
        rows_now = queries.list_places()
        after = {r.place.code: r.code.code for r in rows_now if r.code}
        assert {r.place.code: r.depth for r in rows_now} == {
            "B1": 0,
            "L-DT": 1,
            "L-WC1": 1,
        }
    assert after == before


BAD = {
    "没有编号": ("", "甲", "大厅", ""),
    "编号只用字母": ("L 大", "甲", "大厅", ""),
    "没有名称": ("X90", "", "大厅", ""),
    "没有类型": ("X91", "甲", "", ""),
    "没有“仓库”这种类型": ("X92", "甲", "仓库", ""),
    "与第 2 行重复": ("x80", "乙", "大厅", ""),
    "没有上级场所 NIX": ("X93", "甲", "大厅", "nix"),
    "上级绕回了自己": ("X94", "甲", "大厅", "X95"),
    "绕回": ("X95", "甲", "大厅", "X94"),
    "这个场所已停用": ("OLD", "甲", "大厅", ""),
    "上级场所 OLD 已停用": ("X96", "甲", "大厅", "OLD"),
}


def test_every_bad_row_is_named_and_nothing_is_written(app: Flask, cast: Cast) -> None:
    factories.make_place(cast.site, code="OLD", retired_at=clock.now())
    manager = browser(app, cast.manager)
    before = _state(cast)
    run = upload(manager, _csv(("X80", "好的", "大厅", ""), *BAD.values()))
    page = manager.get(run.location).get_data(as_text=True)
    assert _counts(page) == [1, 0, 0, len(BAD)]
    for number, reason in enumerate(BAD, 3):
        row = page.partition(f'id="row-{number}"')[2].partition("</tr>")[0]
        assert reason in row, reason
    assert confirm(manager, run).status_code == 409
    assert _state(cast) == before


def test_what_goes_out_comes_in_unchanged(app: Flask, cast: Cast) -> None:
    manager = browser(app, cast.manager)
    confirm(manager, upload(manager, _csv(*ROWS)))
    for kind in ("csv", "xlsx"):
        run = upload(manager, manager.get(f"/places/export.{kind}").data)
        assert _counts(manager.get(run.location).get_data(as_text=True)) == [0, 0, 3, 0]
