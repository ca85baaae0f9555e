"""Fields of the settings, of a place, of a label sheet."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wtforms import (
    DecimalField,
    StringField,
    ValidationError,
)
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Optional,
    Regexp,
)

from casefield.core.fields import (
    Form,
    MinutesField,
    RadioField,
    SelectField,
    SelectMultipleField,
    TimeField,
    at_most,
    number,
    strip,
)
from casefield.core.fields import label as _l
from casefield.sites.models import PlaceKind, Site
from casefield.sites.prints import GRIDS, MAX_OFFSET_MM

KINDS: Final[Mapping[PlaceKind, str]] = {
    PlaceKind.BUILDING: _l("楼栋"),
    PlaceKind.HALL: _l("大厅"),
    PlaceKind.BAR: _l("吧台"),
    PlaceKind.PARKING: _l("车场"),
    PlaceKind.DISPLAY: _l("展示区"),
    PlaceKind.FLAT: _l("样板房"),
    PlaceKind.OFFICE: _l("办公区"),
    PlaceKind.OUTDOORS: _l("室外"),
    PlaceKind.RESTROOM: _l("卫生间"),
    PlaceKind.PLANT: _l("设备间"),
    PlaceKind.STORE: _l("库房"),
    PlaceKind.GATE: _l("出入口"),
    PlaceKind.KEY_SPOT: _l("重点部位"),
}
ZONES: Final = (
    "Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Macau", "Asia/Taipei",
    "Asia/Singapore", "Asia/Tokyo", "Asia/Bangkok", "Asia/Dubai", "Europe/Berlin",
    "Europe/London", "America/New_York", "Australia/Sydney", "UTC",
)  # fmt: skip
#: the site's own short name of a place, as on its label
PLACE_CODE: Final = re.compile(r"[A-Za-z0-9-]{1,12}\Z")


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """The rules of a site that no other row depends on, with the house's defaults."""

    greet_morning_minutes: int = 5 * 60
    greet_noon_minutes: int = 11 * 60 + 30
    greet_afternoon_minutes: int = 14 * 60 + 30
    greet_evening_minutes: int = 18 * 60
    #: a drink is refilled when so much of it is left
    refill_share: str = "1/3"
    restroom_minutes: int = 10
    repair_sla_minutes: int = 5
    speed_limit_kmh: int = 15
    pass_mark: int = 80
    lost_item_days: int = 30
    contact_retention_days: int = 90
    #: off unless the site has put up its notice
    location_enabled: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "SiteSettings":
        """Read what a site keeps; whatever it does not name has its default."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in kept.items() if key in known})


def _required(sentence: str, most: int) -> list[Any]:
    return [DataRequired(sentence), at_most(most)]


class SettingsForm(Form):
    name = StringField(
        _l("项目名称"), _required(_l("请填项目名称"), 60), filters=[strip]
    )
    developer = StringField(_l("开发商"), [at_most(60)], filters=[strip])
    zone_name = SelectField(_l("时区"), validate_choice=False)
    opens = TimeField(_l("开放时间"), [InputRequired(_l("请写成 8:30"))])
    closes = TimeField(_l("结束时间"), [InputRequired(_l("请写成 18:00"))])
    greet_morning_minutes = MinutesField(
        _l("上午好，从"), [InputRequired(_l("请写成 9:00"))]
    )
    greet_noon_minutes = MinutesField(
        _l("中午好，从"), [InputRequired(_l("请写成 9:00"))]
    )
    greet_afternoon_minutes = MinutesField(
        _l("下午好，从"), [InputRequired(_l("请写成 9:00"))]
    )
    greet_evening_minutes = MinutesField(
        _l("晚上好，从"), [InputRequired(_l("请写成 9:00"))]
    )

    @classmethod
    def of(cls, site: Site) -> "SettingsForm":
        """Fill the form with what the site has now."""
        form = cls(obj=site, data=asdict(SiteSettings.read(site.settings)))
        form.offer_zones(site.zone_name)
        return form

    def offer_zones(self, present: str | None) -> None:
        """Offer the usual zones, and the one that the site has."""
        zones = dict.fromkeys([*ZONES, present or ZONES[0]])
        self.zone_name.choices = [(zone, zone) for zone in zones]

    def validate_zone_name(self, field: SelectField) -> None:
        try:
            ZoneInfo(field.data or "")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValidationError(str(_l("没有这个时区"))) from None

    def validate_closes(self, field: TimeField) -> None:
        if self.opens.data and field.data and field.data <= self.opens.data:
            raise ValidationError(str(_l("结束时间要晚于开放时间")))

    def validate_greet_evening_minutes(self, field: MinutesField) -> None:
        bands = [
            self.greet_morning_minutes.data,
            self.greet_noon_minutes.data,
            self.greet_afternoon_minutes.data,
            field.data,
        ]
        if None not in bands and not (bands == sorted(set(bands)) and bands[-1] < 1440):
            raise ValidationError(str(_l("四个时刻要一个比一个晚，都在当天之内")))

    def settings(self, kept: Mapping[str, Any]) -> SiteSettings:
        """Return the typed rules, once the form is valid; ``kept`` are the site's.

        What the form does not ask for stays as it is.
        """
        return SiteSettings.read({**kept, **self.data})


class PlaceForm(Form):
    code = StringField(
        _l("编号"),
        [
            DataRequired(_l("请填编号，如 L-DM")),
            Regexp(
                PLACE_CODE, message=_l("编号只用字母、数字和横线，最多 12 个，如 L-DM")
            ),
        ],
        filters=[strip],
    )
    name = StringField(_l("名称"), _required(_l("请填名称"), 40), filters=[strip])
    kind = SelectField(
        _l("类型"), choices=[(kind.value, label) for kind, label in KINDS.items()]
    )
    parent = SelectField(_l("在哪里面"), validate_choice=False)


class LabelForm(Form):
    which = RadioField(
        _l("印哪些"),
        choices=[
            ("all", _l("全部在用场所")),
            ("damaged", _l("码牌损坏的")),
            ("chosen", _l("下面勾选的")),
        ],
        default="all",
    )
    place = SelectMultipleField(_l("场所"), validate_choice=False)
    grid = SelectField(_l("标签纸"), choices=[(key, key) for key in GRIDS])
    dx = DecimalField(_l("左右偏移"), [Optional()], default=Decimal(0))
    dy = DecimalField(_l("上下偏移"), [Optional()], default=Decimal(0))
    used = number(_l("已用掉的格数"), 0, 60, _l("格"), optional=True, default=0)

    def _validate_offset(self, field: DecimalField) -> None:
        offset = field.data
        if offset is not None and not (
            offset.is_finite() and abs(offset) <= MAX_OFFSET_MM
        ):
            raise ValidationError(str(_l("偏移在 −10 到 10 毫米之间")))

    validate_dx = _validate_offset
    validate_dy = _validate_offset


GRID_WORDS: Final[Mapping[str, str]] = {
    "2x4": _l("2 × 4，99 × 68 毫米"),
    "2x7": _l("2 × 7，99 × 38 毫米"),
    "3x7": _l("3 × 7，63.5 × 38 毫米"),
    "3x8": _l("3 × 8，70 × 37 毫米"),
    "plate-60x40": _l("裁切牌 60 × 40 毫米"),
    "plate-80x120": _l("裁切牌 80 × 120 毫米"),
}


class SiteForm(Form):
    name = StringField(
        _l("项目名称"),
        [InputRequired(_l("请填项目名称")), at_most(60)],
        filters=[strip],
    )
