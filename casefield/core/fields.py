"""Forms: WTForms with the house's fields, speaking the person's language."""

from typing import Any, cast

from flask_babel import get_locale, lazy_gettext
from flask_babel import lazy_gettext as _l
from wtforms import Form as WTForm
from wtforms import RadioField as WTRadioField
from wtforms import SelectField as WTSelectField
from wtforms import SelectMultipleField as WTSelectMultipleField
from wtforms import StringField

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


class SelectField(_OfPairs, WTSelectField):
    """One of several."""


class SelectMultipleField(_OfPairs, WTSelectMultipleField):
    """Any of several."""


class RadioField(_OfPairs, WTRadioField):
    """One of a few, all in sight."""


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
