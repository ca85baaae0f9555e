"""What the layouts show around every page: menu, tabs, the person, the language."""

import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from casefield.core import clock, policy


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; shown to whoever may open it."""

    endpoint: str
    label: LazyString
    icon: str
    #: beginnings of the endpoints of its inner pages
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that belong together."""

    label: LazyString | None
    entries: tuple[Entry, ...]


MENU = (
    Section(
        None,
        (
            Entry("board.home", _l("首页"), "home"),
            Entry("board.duty_board", _l("值班台"), "layout-grid"),
            Entry(
                "patrol.day_view",
                _l("巡视"),
                "route",
                ("patrol.round_", "patrol.stop_"),
            ),
            Entry(
                "patrol.check_in_list",
                _l("签到记录"),
                "file-text",
                ("patrol.check_in_", "patrol.omission_"),
            ),
            Entry("patrol.figures_view", _l("到位情况"), "flag"),
            Entry("patrol.note_list", _l("巡视手记"), "pencil", ("patrol.note_",)),
        ),
    ),
    Section(
        _l("管理"),
        (
            Entry("people.rota_week", _l("排班"), "calendar", ("people.rota_",)),
            Entry(
                "forms.catalogue", _l("表单"), "printer", ("forms.", "patrol.sheet_")
            ),
        ),
    ),
    Section(
        _l("设置"),
        (
            Entry(
                "patrol.route_list",
                _l("路线与计划"),
                "map-pin",
                ("patrol.route_", "patrol.plan_", "patrol.checkpoint_"),
            ),
            Entry(
                "sites.place_list",
                _l("场所与码牌"),
                "qr-code",
                ("sites.place_", "sites.code_", "sites.label_"),
            ),
            Entry(
                "people.person_list",
                _l("人员"),
                "users",
                ("people.person_", "people.posting_"),
            ),
            Entry(
                "people.post_list",
                _l("岗位与班次"),
                "list-checks",
                ("people.post_", "people.shift_"),
            ),
            Entry("sites.settings", _l("项目设置"), "settings"),
        ),
    ),
)
TABS = (
    Entry("board.home", _l("首页"), "home"),
    Entry("board.tasks", _l("任务"), "list-checks"),
    Entry("scan.scan_page", _l("扫码"), "scan"),
    Entry("patrol.check_in_list", _l("记录"), "file-text"),
    Entry("accounts.me", _l("我的"), "user"),
)


def _shown(entry: Entry, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "label": str(entry.label),
        "url": url_for(entry.endpoint),
        "icon": entry.icon,
        "count": counts.get(entry.endpoint),
        "active": (request.endpoint or "").startswith((entry.endpoint, *entry.covers)),
    }


def menu(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the sections that the present person may open."""
    table = current_app.extensions["policy"]
    sections = []
    for section in MENU:
        entries = [
            _shown(entry, counts)
            for entry in section.entries
            if policy.may(table, g.actor.role, entry.endpoint)
        ]
        if entries:
            label = str(section.label) if section.label else None
            sections.append({"label": label, "entries": entries})
    return sections


def _around() -> dict[str, Any]:
    actor = g.get("actor")
    shown: dict[str, Any] = {
        "actor": actor,
        "site": g.get("site"),
        "locale": "en" if str(get_locale()).startswith("en") else "zh",
        "theme": actor.theme if actor else "auto",
        "nav": None,
        "tabs": None,
        "search_url": None,
        "server_time": None,
    }
    if actor is None or actor.must_change:
        return shown
    shown["server_time"] = clock.now().isoformat()
    shown["nav"] = menu({})
    table = current_app.extensions["policy"]
    shown["tabs"] = [
        _shown(entry, {})
        for entry in TABS
        if policy.may(table, actor.role, entry.endpoint)
    ]
    if policy.may(table, actor.role, "board.search"):
        shown["search_url"] = url_for("board.search")
    return shown


def init_app(app: Flask) -> None:
    """Hand menu and person to every template."""
    app.context_processor(_around)
    app.jinja_env.globals["receipt_key"] = lambda: secrets.token_urlsafe(16)
    # macros are imported without a context and still speak the person's language
    app.jinja_env.globals["_"] = gettext
