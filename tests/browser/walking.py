"""What a guard does with a phone, as steps that several tests share."""

from datetime import datetime
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.live import Live

ALL_NORMAL = "[data-all-normal]"
FINISH = "button[form=check-in]"


def code_of(live: Live, point: str) -> str:
    """Return what hangs on the wall at a point."""
    return str(
        live.one(
            "select w.code from wall_code w join checkpoint c"
            " on c.place_id = w.place_id where c.code = ? and w.revoked_at is null",
            point,
        )
    )


def round_of(live: Live, route: str, ordinal: int, day: str = "2026-11-23") -> str:
    """Return the address part of a planned round."""
    return str(
        live.one(
            "select r.public_id from round r join route o on o.id = r.route_id"
            " where o.code = ? and r.ordinal = ? and r.day_on = ?"
            " and r.plan_id is not null",
            route,
            ordinal,
            day,
        )
    )


def check_ins(live: Live, point: str, since: datetime) -> list[tuple[Any, ...]]:
    """Return (method, late, reason, round ordinal) of a point's check-ins since."""
    return live.sql(
        "select i.method, i.is_late, i.reason, r.ordinal from check_in i"
        " join checkpoint c on c.id = i.checkpoint_id join round r on r.id = i.round_id"
        " where c.code = ? and i.at >= ? order by i.id",
        point,
        f"{since:%Y-%m-%d %H:%M:%S}",
    )


def scan(page: Page, live: Live, point: str) -> None:
    """Open what the phone's camera reads from the wall."""
    page.goto(f"/q/{code_of(live, point)}")


def finish_all_normal(page: Page) -> None:
    """Two taps more, after the scan."""
    page.tap(ALL_NORMAL)
    page.tap(FINISH)
    expect(page.locator("#round")).to_be_visible()


def mark_abnormal(page: Page, line: int, note: str) -> None:
    page.tap(f"label[for=line-{line}-abnormal]")
    page.fill(f"#line-{line}-note", note)
