"""How a point's outcome is said and drawn: words, cell, chip."""

from flask import Flask
from flask_babel import gettext as _

from casefield.core.web import clock_minutes, site_time
from casefield.patrol.models import Method, Plan, Round
from casefield.patrol.queries.rounds import Outcome, Point

_CELLS = {
    Outcome.OVERDUE: "late",
    Outcome.LEFT: "todo",
}
_CHIPS = {
    Outcome.DONE: "ok",
    Outcome.OVERDUE: "late",
    Outcome.NEXT: "info",
    Outcome.TODO: "neutral",
    Outcome.LEFT: "neutral",
}


def cell_state(point: Point) -> str:
    """Return the state of a cell in a grid or on the next-task card."""
    if point.abnormal:
        return "abnormal"
    return _CELLS.get(point.outcome, point.outcome.value)


def turn(round_: Round) -> str:
    """Say which round of its route it is: 第 3 轮, 加巡 1."""
    if round_.is_extra:
        return _("加巡 %(n)s", n=round_.ordinal)
    return _("第 %(n)s 轮", n=round_.ordinal)


def chip_state(outcome: Outcome) -> str:
    """Return the state that colours and shapes a chip."""
    return _CHIPS.get(outcome, outcome.value)


def outcome_word(point: Point) -> str:
    """Say how a point stands, in the staff's word."""
    words = {
        Outcome.DONE: _("按时"),
        Outcome.LATE: _("迟到"),
        Outcome.MANUAL: _("手工"),
        Outcome.SKIPPED: _("跳过"),
        Outcome.MISSED: _("漏巡"),
        Outcome.OVERDUE: _("迟了，还没到"),
        Outcome.NEXT: _("下一点"),
        Outcome.TODO: _("还没到"),
        Outcome.LEFT: _("没走"),
    }
    return words[point.outcome]


def cell_note(point: Point) -> str:
    """Say what a cell means when it is read aloud or pointed at."""
    parts = [f"{point.code} {outcome_word(point)}"]
    if point.at is not None:
        parts.append(site_time(point.at))
    if point.abnormal:
        parts.append(_("异常 %(n)s", n=point.abnormal))
    if point.method is Method.HAND:
        parts.append(_("手工"))
    return " ".join(parts)


def plan_words(plan: Plan) -> str:
    """Say when a plan's rounds start, in one line."""
    first, last = plan.first_start_minutes, plan.last_start_minutes
    if first == last:
        return _("每天 %(at)s 一轮", at=clock_minutes(first))
    return _(
        "%(first)s–%(last)s 每 %(period)s 分钟一轮",
        first=clock_minutes(first),
        last=clock_minutes(last),
        period=plan.period_minutes,
    )


def init_app(app: Flask) -> None:
    """Teach the templates these words."""
    for function in (turn, cell_state, chip_state, outcome_word, cell_note, plan_words):
        app.jinja_env.filters[function.__name__] = function
