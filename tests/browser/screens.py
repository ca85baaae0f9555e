"""Every screen of the demo, with who looks at it; for axe, and for the pictures."""

import io
from dataclasses import dataclass

import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.browser.live import ADMIN, GUARD, MANAGER, SALES, Live
from tests.browser.walking import code_of, round_of

STAFF_TABLE = "工号,姓名,岗位\nS90,苗一,P7\nS20,周牧云,\n,没有工号,P7\n"
PLACE_TABLE = "编号,名称,类型\nNEW-1,新车棚,\nL-DM,东门岗,\n,没有编号,\n"
#: what answers with a file, or with nothing that a person looks at
NO_SCREEN = {
    "core.health",
    "core.job_file",
    "core.photo_view",
    "patrol.sheet_blank",
    "patrol.sheet_pdf",
    "people.person_export",
    "sites.label_pdf",
    "sites.place_export",
    "static",
}


@dataclass(frozen=True)
class Screen:
    """An address, and who opens it; nobody is a stranger at the wall."""

    who: str | None
    path: str
    status: int = 200

    @property
    def name(self) -> str:
        words = self.path.strip("/").replace("?", "/").replace("=", "-").split("/")
        kept = [word for word in words if len(word) < 20]
        return "-".join([self.who or "nobody", *kept]) or "home"


def _id(live: Live, table: str, where: str = "1 = 1", *values: object) -> str:
    return str(
        live.one(
            f"select public_id from {table} where {where} order by id desc limit 1",
            *values,
        )
    )


def guards_screens(live: Live) -> list[Screen]:
    """What somebody on patrol sees, and what all see who are signed in."""
    round_id = round_of(live, "R-DAY", 3)
    mine = _id(
        live,
        "check_in",
        "run_id is not null and round_id = (select id from round where public_id = ?)",
        round_id,
    )
    old = _id(live, "round", "closed_at is not null")
    left = live.one(
        "select max(s.ordinal) from round_stop s join round r on r.id = s.round_id"
        " where r.public_id = ?",
        round_id,
    )
    point, code = f"/patrol/rounds/{round_id}", code_of(live, "X14")
    paths = (
        "/", "/tasks", "/scan", "/me", "/password", "/forms", "/patrol",
        "/patrol/check-ins", "/patrol/check-ins?filter=1", "/patrol/notes",
        "/patrol/notes/new?kind=violation", "/patrol/notes/new?kind=observation",
        point, f"{point}/hand-over", f"{point}/stops/{left}",
        f"{point}/stops/{left}/skip", f"/patrol/rounds/{old}",
        f"/patrol/check-ins/{mine}", f"/patrol/check-ins/{mine}/correct",
        f"/q/{code}", f"/q/{code}?typed=1",
    )  # fmt: skip
    wrong = (Screen(GUARD, "/scan?code=ABC", 422), Screen(GUARD, "/q/0000000000", 404))
    return [Screen(GUARD, path) for path in paths] + [
        *wrong,
        Screen(GUARD, "/settings", 403),
    ]


def managers_screens(live: Live) -> list[Screen]:
    """What management sees besides."""
    route = _id(live, "route", "code = 'R-DAY'")
    plan = _id(live, "plan", "route_id = (select id from route where code = 'R-DAY')")
    person = _id(live, "person", "staff_no = 'S21'")
    missed = live.one(
        "select r.public_id from round r join omission o on o.round_id = r.id"
        " where o.kind = 'missed' and o.closed_at is null limit 1"
    )
    place = _id(live, "place", "code = 'L-DM'")
    paths = (
        "/", "/board", "/search", "/search?q=东", "/search?q=没有这个",
        "/patrol/omissions/missed", "/patrol/omissions/skipped",
        f"/patrol/rounds/{missed}/misses", "/patrol/figures",
        "/patrol/figures?by=point", "/patrol/figures?by=person", "/patrol/sheets",
        f"/patrol/sheets/{route}/2026-11-23", f"/patrol/sheets/{route}/2020-01-01",
        "/patrol/notes?kind=observation", "/patrol/routes", "/patrol/routes/new",
        f"/patrol/routes/{route}", f"/patrol/routes/{route}/plans/new",
        f"/patrol/routes/{route}/plans/{plan}", "/patrol/checkpoints/new",
        f"/patrol/checkpoints/{_id(live, 'checkpoint')}",
        f"/findings/{_id(live, 'finding', 'state = ?', 'open')}",
        f"/findings/{_id(live, 'finding', 'state = ?', 'closed')}",
        "/people", "/people/new", "/people/import", f"/people/{person}",
        f"/people/{person}/edit", f"/people/{person}/leaving", "/posts",
        f"/posts/{_id(live, 'post')}", "/rota", f"/rota/{person}/2026-11-23",
        "/shifts/new", f"/shifts/{_id(live, 'shift_template')}", "/places",
        "/places/new", "/places/import", "/places/labels", f"/places/{place}",
        f"/places/{place}/edit", "/settings", "/styleguide",
    )  # fmt: skip
    return [Screen(MANAGER, path) for path in paths] + [
        Screen(MANAGER, "/people/nobody", 404)
    ]


def others_screens(live: Live) -> list[Screen]:
    """What the company's admin, the sales side and strangers see."""
    return [
        Screen(ADMIN, "/"),
        Screen(ADMIN, "/sites"),
        Screen(SALES, "/"),
        Screen(None, "/sign-in"),
        Screen(None, f"/q/{code_of(live, 'X01')}"),
        Screen(None, "/q/0000000000", 404),
        Screen(None, "/first/nothing", 410),
    ]


def _upload(page: Page, path: str, table: str) -> str:
    page.goto(path)
    csv = {"name": "table.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.set_input_files("input[type=file]", csv)  # type: ignore[arg-type]  # a file
    with page.expect_navigation():
        page.click("button[form=import-form]")
    return page.url.partition("//")[2].partition("/")[2]


def screens_made_by_work(page: Page, live: Live) -> list[Screen]:
    """Do as management what leads to a screen of its own: imports, links, prints."""
    found = [
        Screen(MANAGER, "/" + _upload(page, "/people/import", STAFF_TABLE)),
        Screen(MANAGER, "/" + _upload(page, "/places/import", PLACE_TABLE)),
    ]
    route = _id(live, "route", "code = 'R-DAY'")
    page.goto(f"/patrol/sheets/{route}/2026-11-22")
    with page.expect_navigation():
        page.get_by_role("button", name="打印 PDF").click()
    found.append(Screen(MANAGER, "/" + page.url.split("/", 3)[3]))
    page.goto(f"/people/{_id(live, 'person', 'staff_no = ?', 'S24')}")
    with page.expect_navigation():
        page.get_by_role("button", name="开登录码").click()
    picture = Image.open(io.BytesIO(page.locator(".code-card").screenshot(scale="css")))
    code = zxingcpp.read_barcode(
        picture.resize((picture.width * 3, picture.height * 3))
    )
    assert code is not None, "the sign-in code cannot be read"
    found.append(Screen(MANAGER, "/" + page.url.split("/", 3)[3]))
    return [*found, Screen(None, "/" + code.text.split("/", 3)[3])]
