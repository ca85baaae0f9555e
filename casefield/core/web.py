"""Pages and fragments: rendering, times on screen, refusals said in plain words."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from flask import (
    Flask,
    Response,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from casefield.core import clock
from casefield.core.errors import DomainError
from casefield.core.form_session import FormSessions
from casefield.core.htmx import wants_fragment
from casefield.core.receipts import Replayed
from casefield.core.windows import tell_minutes

log = structlog.get_logger()

#: refusals that are nobody's fault and worth another try
BUSY = 503


def render(
    page: str, fragment: str | None = None, *, status: int = 200, **context: Any
) -> Response:
    """Render the page, or its fragment when htmx swaps a part.

    One address serves both, so every answer varies by ``HX-Request``.
    """
    template = fragment if fragment and wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def see(address: str) -> Response:
    """Send the browser to look at ``address``: 303, also after a POST."""
    return make_response(redirect(address, 303))


def notice(sentence: str) -> None:
    """Say something once, on the next page."""
    flash(sentence)


def site_zone() -> ZoneInfo:
    """Return the zone in which the present request tells the time."""
    zone: ZoneInfo = g.zone
    return zone


def today() -> date:
    """Return the calendar day at the site."""
    return clock.now().astimezone(site_zone()).date()


def site_time(instant: datetime | None) -> str:
    """Write an instant as ``11:24`` by the site's clock; empty for None."""
    if instant is None:
        return ""
    local = instant.astimezone(site_zone())
    return f"{local.hour:02d}:{local.minute:02d}"


_WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def _english() -> bool:
    return str(get_locale()).startswith("en")


def site_date(day: date | datetime | None) -> str:
    """Write a day as ``11月23日`` (or ``23 Nov``); instants by the site's clock."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        day = day.astimezone(site_zone()).date()
    if _english():
        return f"{day.day} {_MONTHS_EN[day.month - 1]}"
    return f"{day.month}月{day.day}日"


def full_date(day: date | None) -> str:
    """Write a day with its year, as forms do: ``2026年3月5日`` (or ``5 Mar 2026``)."""
    if day is None:
        return ""
    if _english():
        return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def weekday(day: date) -> str:
    """Write the day of the week: ``周一`` (or ``Mon``)."""
    number = day.weekday()
    return _WEEKDAYS_EN[number] if _english() else f"周{'一二三四五六日'[number]}"


def site_datetime(instant: datetime | None) -> str:
    """Write day and time; the day is left out when it is today."""
    if instant is None:
        return ""
    local = instant.astimezone(site_zone())
    if local.date() == today():
        return site_time(instant)
    return f"{site_date(local.date())} {site_time(instant)}"


def clock_minutes(minutes: int) -> str:
    """Write minutes from midnight as the clock shows them: 1500 is ``次日 01:00``."""
    days, rest = divmod(minutes, 24 * 60)
    told = f"{rest // 60:02d}:{rest % 60:02d}"
    if days == 0:
        return told
    if days == 1:
        return _("次日 %(time)s", time=told)
    return _("第三天 %(time)s", time=told)


def span(length: timedelta) -> str:
    """Write a length of time in the largest two sensible units."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return _("%(n)s 分", n=minutes)
    if minutes < 48 * 60:
        return _("%(h)s 时 %(m)s 分", h=minutes // 60, m=minutes % 60)
    return _("%(n)s 天", n=minutes // 1440)


def span_ahead(length: timedelta) -> str:
    """Write how far ahead something is: ``20 分后``."""
    return _("%(span)s后", span=span(length))


def full_date_at(instant: datetime) -> str:
    """Write day, weekday and time of an instant, as a board's head does."""
    day = instant.astimezone(site_zone()).date()
    parts = [site_date(day), weekday(day)]
    if _english():
        parts.reverse()
    return f"{' '.join(parts)} {site_time(instant)}"


def site_day(instant: datetime) -> date:
    """Return the calendar day of an instant at the site."""
    return instant.astimezone(site_zone()).date()


def greeting(instant: datetime, bands: tuple[int, int, int, int]) -> str:
    """Return the greeting for the time of day.

    ``bands`` are the minutes from which it is morning, noon, afternoon and evening.
    """
    local = instant.astimezone(site_zone())
    minutes = local.hour * 60 + local.minute
    words = (_("上午好"), _("中午好"), _("下午好"), _("晚上好"))
    begun = [word for since, word in zip(bands, words, strict=True) if minutes >= since]
    return begun[-1] if begun else words[-1]


def _refuse(error: DomainError) -> Response:
    return render(
        "errors/refusal.html",
        "errors/_refusal.html",
        status=error.status,
        sentence=str(error),
        code=error.code,
    )


def _http_sentence(code: int) -> str:
    sentences = {
        400: _("请求不完整。请返回上一页再试。"),
        403: _("这项操作不归您的岗位。需要时请告诉管理岗。"),
        404: _("没有这一页。可能已停用，或地址不完整。"),
        405: _("这一步不能这样打开。请从页面上的按钮进入。"),
        413: _("内容太大，没有收下。照片请重拍一张再试。"),
        429: _("操作太频繁。请稍等一会儿再试。"),
    }
    return sentences.get(code, _("系统没有完成这一步。已记录，请稍后再试。"))


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if isinstance(error, SecurityError):
        # a host that is not ours: no page can be drawn, as no address can be built
        return Response(_http_sentence(code), code, mimetype="text/plain")
    if code < 400:
        return make_response(error.get_response())
    return render(
        "errors/refusal.html",
        "errors/_refusal.html",
        status=code,
        sentence=_http_sentence(code),
        code=f"http-{code}",
    )


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected", path=request.path, kind=type(error).__name__)
    return _http_error(HTTPException())


def _busy(error: OperationalError) -> Response:
    log.warning("database_busy", path=request.path, kind=type(error.orig).__name__)
    response = render(
        "errors/refusal.html",
        "errors/_refusal.html",
        status=BUSY,
        sentence=_("系统正忙，内容没有丢。请过几秒再提交一次。"),
        code="busy",
    )
    response.headers["Retry-After"] = "3"
    return response


def init_app(app: Flask) -> None:
    """Teach the application its filters and how it refuses."""
    filters: dict[str, Callable[..., Any]] = {
        "site_time": site_time,
        "site_date": site_date,
        "full_date": full_date,
        "weekday": weekday,
        "site_datetime": site_datetime,
        "span": span,
        "span_ahead": span_ahead,
        "full_date_at": full_date_at,
        "site_day": site_day,
        "minutes": tell_minutes,
        "clock_minutes": clock_minutes,
    }
    app.session_interface = FormSessions()
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals["now"] = clock.now
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.register_error_handler(Replayed, lambda error: error.answer.response)
    app.register_error_handler(DomainError, _refuse)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(OperationalError, _busy)
    if not app.testing:
        app.register_error_handler(Exception, _unexpected)
