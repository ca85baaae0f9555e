"""Fields of the sign-in, password and profile forms."""

from urllib.parse import urlsplit

from flask import current_app
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from wtforms import DateField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from casefield.core.fields import Form, SelectField, strip
from casefield.core.fields import label as _l


class SignInForm(Form):
    staff_no = StringField(
        _l("工号"),
        [InputRequired(_l("请填工号")), Length(max=40)],
        filters=[strip],
    )
    password = PasswordField(
        _l("密码"), [InputRequired(_l("请填密码")), Length(max=200)]
    )


class NewPasswordForm(Form):
    password = PasswordField(_l("新密码"), [InputRequired(_l("请填新密码"))])
    again = PasswordField(_l("再输一遍"), [EqualTo("password", _l("两次输入的不一样"))])


class ChangePasswordForm(NewPasswordForm):
    old = PasswordField(_l("现在的密码"), [InputRequired(_l("请填现在的密码"))])


class ProfileForm(Form):
    locale = SelectField(_l("语言"), choices=[("zh", "中文"), ("en", "English")])
    theme = SelectField(
        _l("外观"),
        choices=[
            ("auto", _l("跟随系统")),
            ("light", _l("浅色")),
            ("dark", _l("深色")),
        ],
    )


class LeavingForm(Form):
    on = DateField(_l("最后一天"), [InputRequired(_l("请选日期"))])


def safe_next(target: str | None) -> str | None:
    """Return where to go after signing in, if it is a page of ours; else None."""
    if not target or len(target) > 500 or not target.startswith("/"):
        return None
    if target.startswith(("//", "/\\")) or any(
        c == "\\" or ord(c) < 33 or ord(c) == 127 for c in target
    ):
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return None
    try:
        current_app.url_map.bind("localhost").match(parts.path, method="GET")
    except RequestRedirect:
        return None
    except HTTPException:
        return None
    return target
