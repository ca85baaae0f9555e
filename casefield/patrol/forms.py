"""Fields of patrol's forms."""

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    StringField,
    TextAreaField,
)
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    ValidationError,
)

from casefield.core.fields import (
    Form,
    MinutesField,
    RadioField,
    SelectField,
    SelectMultipleField,
    strip,
)
from casefield.core.fields import label as _l
from casefield.core.windows import Plan as Timing
from casefield.patrol.models import Checkpoint
from casefield.patrol.services.routes import Wish

HAND_REASONS = (
    ("label", _l("码牌损坏或被挡")),
    ("phone", _l("手机拍不了（没电、镜头坏）")),
    ("dark", _l("太暗，扫不出")),
    ("other", _l("其他")),
)
SKIP_REASONS = (
    ("locked", _l("门锁着，进不去")),
    ("guest", _l("有客人在，不便打扰")),
    ("called", _l("被叫去支援")),
    ("weather", _l("天气原因")),
    ("other", _l("其他")),
)


class _ReasonForm(Form):
    """One of the usual reasons, or one's own words."""

    why = RadioField(_l("原因"), [InputRequired(_l("请选一个原因"))])
    words = StringField(_l("说明"), [Length(max=200)], filters=[strip])

    @property
    def sentence(self) -> str:
        """The reason as it is kept: the choice, and what was added to it."""
        choice = str(dict(self.why.choices)[self.why.data])
        if self.why.data == "other":
            return str(self.words.data or "")
        if not self.words.data:
            return choice
        return _("%(what)s：%(note)s", what=choice, note=self.words.data)

    def validate_words(self, field: StringField) -> None:
        if self.why.data == "other" and not field.data:
            raise ValidationError(_("选了“其他”，请写一句说明"))


class HandForm(_ReasonForm):
    why = RadioField(
        _l("为什么手工签到"),
        [InputRequired(_l("请选一个原因"))],
        choices=HAND_REASONS,
    )

    @property
    def label_damaged(self) -> bool:
        return bool(self.why.data == "label")


class SkipForm(_ReasonForm):
    why = RadioField(
        _l("为什么跳过"), [InputRequired(_l("请选一个原因"))], choices=SKIP_REASONS
    )


class ReasonForm(Form):
    reason = StringField(_l("更正原因"), [Length(max=200)], filters=[strip])


class CommentForm(Form):
    comment = TextAreaField(
        _l("原因或处理情况"),
        [InputRequired(_l("请写一句原因或处理情况")), Length(max=500)],
        filters=[strip],
    )


class HandOverForm(Form):
    person = SelectField(_l("交给"), [InputRequired(_l("请选一位同事"))])


class NoteForm(Form):
    place = SelectField(_l("场所"), [InputRequired(_l("请选场所"))])
    post = SelectField(_l("哪个岗位"), [Optional()], validate_choice=True)
    text = TextAreaField(
        _l("看到了什么"),
        [InputRequired(_l("请写一句看到了什么")), Length(max=500)],
        filters=[strip],
    )
    action = TextAreaField(_l("怎么处理的"), [Length(max=500)], filters=[strip])


class CheckpointForm(Form):
    code = StringField(
        _l("编号"), [InputRequired(_l("请填编号")), Length(max=20)], filters=[strip]
    )
    name = StringField(
        _l("名称"), [InputRequired(_l("请填名称")), Length(max=60)], filters=[strip]
    )
    place = SelectField(_l("场所"), [InputRequired(_l("请选场所"))])
    lines = TextAreaField(_l("到点看什么"), [Length(max=4000)], filters=[strip])

    @property
    def line_pairs(self) -> list[tuple[str, str]]:
        """Lines as (what, standard); a colon parts the two."""
        pairs = []
        for row in (self.lines.data or "").splitlines():
            what, _colon, standard = row.replace("：", ":").partition(":")
            if what.strip():
                pairs.append((what.strip()[:60], standard.strip()[:200]))
        return pairs


class RouteForm(Form):
    code = StringField(
        _l("编号"), [InputRequired(_l("请填编号")), Length(max=20)], filters=[strip]
    )
    name = StringField(
        _l("名称"), [InputRequired(_l("请填名称")), Length(max=60)], filters=[strip]
    )


def read_stops(
    fields: MultiDict[str, str], checkpoints: dict[str, Checkpoint]
) -> tuple[list[tuple[int, int]], list[str]]:
    """Read the rows ``stop`` and ``offset`` of the route editor.

    Returns (checkpoint id, minutes) in walking order, and what is wrong.
    """
    stops, wrong = [], []
    rows = zip(fields.getlist("stop"), fields.getlist("offset"), strict=False)
    for number, (public_id, minutes) in enumerate(rows, 1):
        if not public_id:
            continue
        checkpoint = checkpoints.get(public_id)
        if checkpoint is None:
            wrong.append(_("第 %(n)s 行：没有这个点", n=number))
        elif not minutes.strip().isdecimal() or int(minutes) > 600:
            wrong.append(_("第 %(n)s 行：分钟数写成 0 到 600 的整数", n=number))
        else:
            stops.append((checkpoint.id, int(minutes)))
    return stops, wrong


_DAYS = (
    _l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"),
)  # fmt: skip
_WEEK = [(str(day), name) for day, name in enumerate(_DAYS)]
_minutes = [
    InputRequired(_l("请填分钟数")),
    NumberRange(0, 1440, _l("写成 0 到 1440 的整数")),
]


class PlanForm(Form):
    name = StringField(
        _l("名称"), [InputRequired(_l("请填名称")), Length(max=60)], filters=[strip]
    )
    post = SelectField(_l("谁来走"), [InputRequired(_l("请选岗位"))])
    days = SelectMultipleField(_l("哪几天"), choices=_WEEK)
    first_start = MinutesField(_l("首轮开始"), [InputRequired(_l("请填时间"))])
    last_start = MinutesField(_l("末轮开始"), [InputRequired(_l("请填时间"))])
    period = IntegerField(_l("间隔"), _minutes)
    early = IntegerField(_l("可提前"), _minutes)
    start_grace = IntegerField(_l("开始宽限"), _minutes)
    duration = IntegerField(_l("每轮用时"), _minutes)
    finish_grace = IntegerField(_l("完成宽限"), _minutes)

    def wish(self, post_id: int) -> Wish:
        """The plan as the service wants it."""
        return Wish(
            self.name.data or "",
            post_id,
            Timing(
                first_start=self.first_start.data,
                last_start=self.last_start.data,
                period=self.period.data or 0,
                early=self.early.data or 0,
                start_grace=self.start_grace.data or 0,
                duration=self.duration.data or 0,
                finish_grace=self.finish_grace.data or 0,
                weekdays=frozenset(int(day) for day in self.days.data or ()),
            ),
        )


class RecordsFilterForm(Form):
    since = DateField(_l("从"), [Optional()])
    until = DateField(_l("到"), [Optional()])
    route = SelectField(_l("路线"), [Optional()], validate_choice=False)
    point = SelectField(_l("点位"), [Optional()], validate_choice=False)
    person = SelectField(_l("人员"), [Optional()], validate_choice=False)
    late = BooleanField(_l("只看迟到"))
    abnormal = BooleanField(_l("只看有异常的"))
