"""Fields of staff, postings, posts, shifts, the rota and closed days."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wtforms import BooleanField, StringField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    Optional,
    Regexp,
)

from casefield.core.fields import (
    DateField,
    Form,
    MinutesField,
    SelectField,
    SelectMultipleField,
    at_most,
    number,
    strip,
)
from casefield.core.fields import label as _l
from casefield.core.policy import Role
from casefield.people.models import Person, Post
from casefield.people.policy import HANDLES, STAFF_NUMBER

ROLES: Final[Mapping[Role, str]] = {
    Role.STAFF: _l("员工"),
    Role.LEAD: _l("班组长"),
    Role.MANAGEMENT: _l("管理岗"),
    Role.SITE_LEAD: _l("项目负责人"),
    Role.SALES: _l("销售窗口"),
    Role.ADMIN: _l("公司管理员"),
}
Choices = list[tuple[str, Any]]


def role_choices(handler: Role) -> Choices:
    """List the roles that ``handler`` may give."""
    allowed = HANDLES.get(handler, frozenset())
    return [(role.value, words) for role, words in ROLES.items() if role in allowed]


def post_choices(posts: Iterable[Post], *, none: str | None = None) -> Choices:
    """List posts by their public id, perhaps below a choice of none."""
    first: Choices = [("", none)] if none is not None else []
    return first + [(post.public_id, f"{post.code} {post.name}") for post in posts]


def people_choices(people: Iterable[Person], *, none: str | None = None) -> Choices:
    """List people by their public id, perhaps below a choice of none."""
    first: Choices = [("", none)] if none is not None else []
    return first + [(p.public_id, f"{p.name} {p.staff_no}") for p in people]


def _text(label: str, missing: str, most: int) -> StringField:
    return StringField(label, [DataRequired(missing), at_most(most)], filters=[strip])


def _day(label: str) -> DateField:
    return DateField(label, [InputRequired(_l("请选日期"))])


class PersonForm(Form):
    staff_no = StringField(
        _l("工号"),
        [
            InputRequired(_l("请填工号")),
            Regexp(STAFF_NUMBER, message=_l("工号只用字母、数字和横线，最多 20 个")),
        ],
        filters=[strip],
    )
    name = _text(_l("姓名"), _l("请填姓名"), 40)
    name_en = StringField(_l("英文名"), [at_most(60)], filters=[strip])
    role = SelectField(_l("权限"))
    joined_on = _day(_l("入职日"))


class NewPersonForm(PersonForm):
    posts = SelectMultipleField(_l("岗位"))


class PostingForm(Form):
    post = SelectField(
        _l("岗位"), [InputRequired(_l("请选岗位"))], validate_choice=False
    )
    from_on = _day(_l("从"))
    to_on = DateField(_l("到"), [Optional()])
    is_lead = BooleanField(_l("担任班组长"))


class PostForm(Form):
    name = _text(_l("名称"), _l("请填名称"), 40)
    name_en = StringField(_l("英文名"), [at_most(60)], filters=[strip])
    reports_to = SelectField(_l("上级岗位"), validate_choice=False)
    follows = SelectField(_l("沿用哪个岗位的标准"), validate_choice=False)
    starts_early_minutes = number(_l("提前到岗"), 0, 240, _l("分钟"))


class ShiftForm(Form):
    code = StringField(
        _l("代号"),
        [
            InputRequired(_l("请填代号，如 D1")),
            Regexp(r"[A-Za-z0-9]{1,6}\Z", message=_l("代号只用字母和数字，最多 6 个")),
        ],
        filters=[strip],
    )
    name = _text(_l("名称"), _l("请填名称，如早班"), 20)
    start_minutes = MinutesField(_l("上班"), [InputRequired(_l("请填上班时间"))])
    end_minutes = MinutesField(_l("下班"), [InputRequired(_l("请填下班时间"))])


class ClosedDayForm(Form):
    on_day = _day(_l("日期"))
    reason = StringField(_l("原因"), [at_most(100)], filters=[strip])


class RotaForm(Form):
    """Choices come with the page; the service looks up what they name."""

    shift = SelectField(
        _l("班次"), [InputRequired(_l("请选班次"))], validate_choice=False
    )
    post = SelectField(
        _l("岗位"), [InputRequired(_l("请选岗位"))], validate_choice=False
    )
    stands_in_for = SelectField(_l("替谁"), validate_choice=False)


class StandInForm(Form):
    person = SelectField(
        _l("换谁来上"), [InputRequired(_l("请选换谁来上"))], validate_choice=False
    )
