"""Forms: WTForms with the house's fields, speaking the person's language."""

from typing import Any, cast

from flask_babel import get_locale, lazy_gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField as WTDateField
from wtforms import Form as WTForm
from wtforms import IntegerField as WTIntegerField
from wtforms import RadioField as WTRadioField
from wtforms import SelectField as WTSelectField
from wtforms import SelectMultipleField as WTSelectMultipleField
from wtforms import StringField, ValidationError
from wtforms import TimeField as WTTimeField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from casefield.core.windows import read_minutes, tell_minutes


def label(sentence: str, **values: object) -> str:
    """Translate ``sentence`` when it is shown: forms are written before anybody asks.

    WTForms takes such a sentence wherever it takes text; only its types do not say so.
    """
    return cast("str", lazy_gettext(sentence, **values))


class Form(WTForm):
    """The base of every form. The token and the receipt key are the envelope's."""

    class Meta:
        @property
        def locales(self) -> list[str]:
            return ["en"] if str(get_locale()).startswith("en") else ["zh"]

    @property
    def error_list(self) -> list[tuple[str | None, str]]:
        """Every error as (field id, sentence), for the summary at the top."""
        return [
            (name, str(sentence))
            for name, sentences in self.errors.items()
            for sentence in sentences
        ]

    def refuse(self, field: str, sentence: str) -> None:
        """Put an error beside a field, after a service has said no."""
        errors = self[field].errors
        self[field].errors = [*errors, sentence]


class _OfPairs:
    """Takes choices as pairs of value and words, as our components show them."""

    choices: Any

    def __init__(self, *given: Any, choices: Any = None, **options: Any) -> None:
        super().__init__(*given, **options)
        if choices is not None:
            self.choices = choices

    def pre_validate(self, form: Any) -> None:
        try:
            super().pre_validate(form)  # type: ignore[misc]  # stands before a field
        except ValidationError:
            raise ValidationError(str(_l("请从列表里选"))) from None


class SelectField(_OfPairs, WTSelectField):
    """One of several."""


class SelectMultipleField(_OfPairs, WTSelectMultipleField):
    """Any of several."""


class RadioField(_OfPairs, WTRadioField):
    """One of a few, all in sight."""


class IntegerField(WTIntegerField):
    """A whole number that says in our own words what it takes; see ``number``."""

    def __init__(
        self, *given: Any, sentence: str | None = None, **options: Any
    ) -> None:
        super().__init__(*given, **options)
        self.sentence = sentence or str(_l("请填整数"))

    def process_formdata(self, valuelist: list[Any]) -> None:
        if valuelist and str(valuelist[0]).strip():
            try:
                super().process_formdata(valuelist)
            except ValueError:
                raise ValueError(self.sentence) from None
        else:
            self.data = None


class DateField(WTDateField):
    """A day."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_l("请选一个日期，如 2026-03-05")) from None


class TimeField(WTTimeField):
    """A time by the clock."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(_l("请写成 8:30")) from None


def number(
    name: str,
    least: int,
    most: int,
    unit: str = "",
    *,
    optional: bool = False,
    default: int | None = None,
) -> IntegerField:
    """Make a field for a whole number whose errors name it, its bounds, its unit."""
    values = {"name": name, "least": str(least), "most": str(most), "unit": unit}
    if unit:
        told = _l("%(name)s请填 %(least)s 到 %(most)s 的整数，单位：%(unit)s", **values)
    else:
        told = _l("%(name)s请填 %(least)s 到 %(most)s 的整数", **values)
    sentence = cast("str", told)
    wanted = Optional() if optional else InputRequired(sentence)
    rules = [wanted, NumberRange(least, most, sentence)]
    return IntegerField(name, rules, sentence=sentence, default=default)


def at_most(letters: int) -> Length:
    """Limit a text and say so in our own words."""
    return Length(
        max=letters, message=cast("str", _l("最多 %(n)s 个字", n=str(letters)))
    )


class MinutesField(StringField):
    """A time of the day as staff say it, also past midnight: ``9:00``, ``25:00``.

    ``data`` is minutes from midnight.
    """

    data: Any

    def process_formdata(self, valuelist: list[Any]) -> None:
        if not valuelist or not str(valuelist[0]).strip():
            self.data = None
            return
        try:
            self.data = read_minutes(str(valuelist[0]))
        except ValueError:
            self.data = None
            self._typed = str(valuelist[0])
            raise ValueError(_l("请写成 9:00；次日凌晨 1 点写 25:00")) from None

    def _value(self) -> str:
        if self.data is None:
            return getattr(self, "_typed", "")
        return tell_minutes(self.data)


def strip(value: Any) -> Any:
    """Drop white space around what was typed."""
    return value.strip() if isinstance(value, str) else value
