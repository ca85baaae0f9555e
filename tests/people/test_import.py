"""The import of staff: every row judged, all or nothing, twice changes nothing."""

import re
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from casefield.core.db import db
from casefield.core.ledger import LedgerLine
from casefield.core.policy import Role
from casefield.core.spreadsheets import read_table, write_xlsx
from casefield.people import queries
from casefield.people.models import Person, Post, Posting
from casefield.people.services import judge_people
from casefield.people.services.imports import read_known
from casefield.people.views.imports import COLUMNS
from tests import factories
from tests.cast import Cast
from tests.client import Browser, browser
from tests.people.test_staff import By

HEAD = ("工号", "姓名", "英文名", "权限", "岗位", "入职日")
ROWS = (
    ("N01", "江小满", "Jiang Xiaoman", "员工", "P2", "2026-01-05"),
    ("n02", "白露晞", "", "班组长", "P2、P1", "2026/1/6"),
    ("N03", "陆远帆", "", "", "吧台服务岗", ""),
)


@pytest.fixture
def posts(app: Flask, cast: Cast) -> dict[str, Post]:
    names = {"P1": "销售大厅服务岗", "P2": "吧台服务岗"}
    return {
        code: factories.make_post(cast.site, code, name=name, ordinal=ordinal)
        for ordinal, (code, name) in enumerate(names.items())
    }


def _csv(*rows: tuple[str, ...]) -> bytes:
    return "\n".join(",".join(row) for row in (HEAD, *rows)).encode()


def upload(client: Browser, content: bytes, name: str = "staff.csv") -> TestResponse:
    return client.post("/people/import", data={"table": (BytesIO(content), name)})


def confirm(client: Browser, run: TestResponse) -> TestResponse:
    """Confirm a dry run as its page does."""
    page = client.get(run.location).get_data(as_text=True)
    mark = re.search(r'name="mark" value="(\w+)"', page)
    return client.post(run.location, data={"mark": mark[1] if mark else ""})


def _counts(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'stats__number"[^>]*>(\d+)<', page)]


def _state(cast: Cast) -> tuple[int, ...]:
    with factories.looking(cast.site):
        return tuple(
            db.session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Person, Posting, LedgerLine)
        )


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_comes_in_and_the_same_again_changes_nothing(
    app: Flask, cast: Cast, posts: dict[str, Post], kind: str
) -> None:
    manager = browser(app, cast.manager)
    content = _csv(*ROWS) if kind == "csv" else write_xlsx(HEAD, ROWS)
    before = _state(cast)
    run = upload(manager, content, f"staff.{kind}")
    assert run.status_code == 303
    assert _counts(manager.get(run.location).get_data(as_text=True)) == [3, 0, 0, 0]
    assert _state(cast) == before
    assert confirm(manager, run).status_code == 303
    with factories.looking(cast.site):
        lead = queries.find_by_staff_no("N02")
        assert lead is not None
        assert (lead.name, lead.role) == ("白露晞", Role.LEAD)
        with app.test_request_context():
            held = queries.posts_of(lead.id, lead.joined_on.replace(year=2999))
        assert [post.code for post in held] == ["P1", "P2"]
    after = _state(cast)
    again = upload(manager, content, f"staff.{kind}")
    page = manager.get(again.location).get_data(as_text=True)
    assert _counts(page) == [0, 0, 3, 0]
    assert 'name="mark"' not in page
    assert _state(cast) == after


def test_what_changes_is_shown_and_only_that_is_written(
    app: Flask, cast: Cast, posts: dict[str, Post]
) -> None:
    manager = browser(app, cast.manager)
    confirm(manager, upload(manager, _csv(*ROWS)))
    rows = (
        ("N01", "江小满", "", "", "P1", ""),
        ("N02", "白露", "", "", "", ""),
        ROWS[2],
    )
    run = upload(manager, _csv(*rows))
    page = manager.get(run.location).get_data(as_text=True)
    assert _counts(page) == [0, 2, 1, 0]
    assert "岗位</b> P2 → P1" in page
    assert "姓名</b> 白露晞 → 白露" in page
    assert confirm(manager, run).status_code == 303
    with factories.looking(cast.site):
        one, two = (queries.find_by_staff_no(n) for n in ("N01", "N02"))
        assert one is not None
        assert two is not None
        assert one.name_en == "Jiang Xiaoman"
        assert (two.name, two.role) == ("白露", Role.LEAD)


BAD = {
    "没有工号": ("", "甲", "", "", "", ""),
    "工号只用字母": ("N 9", "甲", "", "", "", ""),
    "没有姓名": ("N90", "", "", "", "P1", ""),
    "与第 2 行重复": ("n80", "乙", "", "", "", ""),
    "没有“队长”这种权限": ("N91", "甲", "", "队长", "", ""),
    "没有岗位“P99”": ("N92", "甲", "", "", "P1 P99", ""),
    "入职日“三月五日”看不懂": ("N93", "甲", "", "", "", "三月五日"),
    "2026-02-30": ("N94", "甲", "", "", "", "2026-02-30"),
    "您不能设置或修改这个权限的人员": ("N95", "甲", "", "管理岗", "", ""),
    "属于公司的另一个项目": ("W01", "吴远", "", "", "", ""),
    "这个人已离职": ("N70", "丙", "", "", "", ""),
    "您不能设置": ("A01", "改名", "", "", "", ""),
}


def test_every_bad_row_is_named_and_nothing_is_written(
    app: Flask, cast: Cast, posts: dict[str, Post]
) -> None:
    factories.make_person(cast.site, staff_no="N70", left_on=date(2026, 1, 1))
    manager = browser(app, cast.manager)
    before = _state(cast)
    run = upload(manager, _csv(("N80", "好人", "", "", "", ""), *BAD.values()))
    page = manager.get(run.location).get_data(as_text=True)
    assert _counts(page) == [1, 0, 0, len(BAD)]
    for number, reason in enumerate(BAD, 3):
        row = page.partition(f'id="row-{number}"')[2].partition("</tr>")[0]
        assert reason in row, reason
    assert 'name="mark"' not in page
    assert confirm(manager, run).status_code == 409
    assert _state(cast) == before


def test_a_forged_mark_does_not_get_bad_rows_in(
    app: Flask, cast: Cast, posts: dict[str, Post]
) -> None:
    manager = browser(app, cast.manager)
    run = upload(manager, _csv(("N95", "甲", "", "管理岗", "", "")))
    before = _state(cast)
    content = BytesIO(_csv(("N95", "甲", "", "管理岗", "", "")))
    with factories.looking(cast.site), app.test_request_context("/?lang=zh"):
        known = read_known(cast.company.id, By(cast.manager.id), date(2026, 3, 5))
        mark = judge_people(read_table(content, COLUMNS), known).mark
    assert manager.post(run.location, data={"mark": mark}).status_code == 422
    assert _state(cast) == before


def test_a_change_in_between_asks_to_look_again(
    app: Flask, cast: Cast, posts: dict[str, Post]
) -> None:
    manager = browser(app, cast.manager)
    run = upload(manager, _csv(ROWS[0]))
    page = manager.get(run.location).get_data(as_text=True)
    mark = re.search(r'name="mark" value="(\w+)"', page)
    assert mark
    factories.make_person(cast.site, staff_no="N01", name="先到的人")
    assert manager.post(run.location, data={"mark": mark[1]}).status_code == 409
    with factories.looking(cast.site):
        first = queries.find_by_staff_no("N01")
        assert first is not None
        assert first.name == "先到的人"


def test_a_kept_table_is_the_site_s_and_goes_when_it_is_in(
    app: Flask, cast: Cast, posts: dict[str, Post]
) -> None:
    manager = browser(app, cast.manager)
    run = upload(manager, _csv(ROWS[0]))
    token = run.location.rpartition("/")[2]
    assert browser(app, cast.stranger).get(run.location).status_code == 404
    assert manager.get(f"/places/import/{token}").status_code == 404
    assert manager.get("/people/import/" + "a" * 22).status_code == 404
    assert manager.get("/people/import/..%2fsecret.key").status_code == 404
    folder: Path = app.config["SETTINGS"].data / "imports"
    assert len(list(folder.glob(f"*.{token}"))) == 1
    confirm(manager, run)
    assert list(folder.glob(f"*.{token}")) == []
    assert manager.get(run.location).status_code == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "表格是空的"),
        (b"PK\x03\x04 not a zip", "表格读不出来"),
        (b"%PDF-1.7", "只收 .xlsx 和 CSV"),
        ("甲,乙\n1,2".encode(), "缺少列"),
    ],
)
def test_an_unreadable_file_is_said_at_its_field(
    app: Flask, cast: Cast, content: bytes, sentence: str
) -> None:
    answer = upload(browser(app, cast.manager), content)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)


def test_no_file_at_all(app: Flask, cast: Cast) -> None:
    answer = browser(app, cast.manager).post("/people/import")
    assert answer.status_code == 422
    assert "请先选一个" in answer.get_data(as_text=True)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_goes_out_comes_in_unchanged(
    app: Flask, cast: Cast, posts: dict[str, Post], kind: str
) -> None:
    admin = browser(app, cast.admin)
    confirm(admin, upload(admin, _csv(*ROWS)))
    out = admin.get(f"/people/export.{kind}")
    assert out.status_code == 200
    run = upload(admin, out.data, f"staff.{kind}")
    new, changed, same, refused = _counts(
        admin.get(run.location).get_data(as_text=True)
    )
    assert (new, changed, refused) == (0, 0, 0)
    assert same == len(cast.by_role) + len(ROWS)


def test_an_exported_name_is_text_and_no_formula(app: Flask, cast: Cast) -> None:
    factories.make_person(cast.site, staff_no="N66", name="=1+1")
    out = browser(app, cast.admin).get("/people/export.xlsx")
    sheet = openpyxl.load_workbook(BytesIO(out.data)).active
    assert sheet is not None
    cells = {row[0].value: row[1] for row in sheet.iter_rows()}
    assert (cells["N66"].value, cells["N66"].data_type) == ("=1+1", "s")
