"""What can go wrong in the domain, each with a status, a code and a clear sentence."""

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString


class DomainError(Exception):
    """A rule said no. ``message`` is shown to the person; ``code`` stays stable."""

    status = 422
    code = "refused"
    message: str | LazyString = _l("这一步没有完成。请检查后再试。")

    def __init__(self, message: str | None = None, **values: object) -> None:
        if message is not None:
            self.message = message
        self.values = values
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message) % self.values if self.values else str(self.message)


class NotFound(DomainError):
    """Nothing here, or nothing that this person may know of."""

    status = 404
    code = "not-found"
    message = _l("没有找到。可能已停用，或不属于本项目。")


class NotAllowed(DomainError):
    """The thing is known to the person, the act is not theirs."""

    status = 403
    code = "not-allowed"
    message = _l("这项操作不归您的岗位。需要时请告诉管理岗。")


class Conflict(DomainError):
    """Somebody else was faster, or the thing has moved on."""

    status = 409
    code = "conflict"
    message = _l("内容已被他人更新。请看最新内容后再操作。")
