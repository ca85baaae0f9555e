"""Which passwords are good enough: long, uncommon, not made of what we know of one."""

from flask_babel import lazy_gettext as _l
from zxcvbn import zxcvbn

from casefield.core.errors import DomainError
from casefield.core.policy import MANAGING
from casefield.people.models import Person

SHORTEST = 8
SHORTEST_MANAGING = 12
LONGEST = 200
#: of 0 to 4; below this, a list of common passwords finds it
LEAST_SCORE = 2


class PasswordRefused(DomainError):
    """The new password would be guessed."""

    code = "password-refused"


def check_new_password(password: str, person: Person) -> None:
    """Raise PasswordRefused with the reason, or return."""
    shortest = SHORTEST_MANAGING if person.role in MANAGING.roles else SHORTEST
    if len(password) < shortest:
        raise PasswordRefused(str(_l("密码至少 %(n)s 位。", n=shortest)))
    if len(password) > LONGEST:
        raise PasswordRefused(str(_l("密码最多 %(n)s 位。", n=LONGEST)))
    own = [
        person.staff_no,
        person.name,
        *person.name_en.split(),
        "casefield",
        "anchang",
    ]
    if zxcvbn(password[:100], user_inputs=own)["score"] < LEAST_SCORE:
        raise PasswordRefused(
            str(_l("这个密码太常见，容易被猜到。换一个长些的，比如三四个不相干的词。"))
        )
