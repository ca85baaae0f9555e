"""What the patrol sign-in sheet (CF-01) shows, as plain values."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from casefield.core.pdf import FormHead, Signature, check_row_count

FORM_CODE: Final = "CF-01"
FORM_VERSION: Final = "V1.0"
TEMPLATE: Final = "patrol/pdf/sheet.html"
#: So many lines of 8 mm fill a page that is written by hand.
HAND_LINES = 15


class Outcome(StrEnum):
    """How the visit of one point ended."""

    ON_TIME = "on_time"
    LATE = "late"
    MISSED = "missed"
    SKIPPED = "skipped"
    PENDING = "pending"


class Mark(StrEnum):
    """The state of a point's equipment in one sign, as printed."""

    NORMAL = "√"
    ABNORMAL = "×"
    REPORTED = "△"
    NOT_APPLICABLE = "/"
    NONE = ""


@dataclass(frozen=True, slots=True)
class SheetHead:
    """The strip over the table: which day, which shift, which route."""

    day: date | None = None
    shift: str = ""
    route_code: str = ""
    route_name: str = ""
    period_minutes: int | None = None
    #: Early, start grace and finish grace in words, as the plan says them.
    tolerance: str = ""
    weather: str = ""


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One point of one round. Times are clock times of the site, ``HH:MM``."""

    #: 加1 for an extra round
    round_no: int | str
    checkpoint_code: str
    checkpoint_name: str
    due: str
    outcome: Outcome
    signed: str = ""
    mark: Mark = Mark.NONE
    abnormality: str = ""
    #: Empty for a scan; why the point was signed by hand otherwise.
    manual_reason: str = ""
    skip_reason: str = ""
    person: str = ""
    note: str = ""
    #: The line that begins a round is drawn with a heavier rule.
    starts_round: bool = False


@dataclass(frozen=True, slots=True)
class PatrolSheet:
    """One day's sign-ins on one route; without lines it prints blank."""

    form: FormHead
    head: SheetHead
    lines: tuple[SheetLine, ...] = ()
    signatures: tuple[Signature, ...] = ()
    hand_lines: int = HAND_LINES

    def __post_init__(self) -> None:
        check_row_count(len(self.lines))

    @property
    def missed_count(self) -> int:
        return sum(line.outcome is Outcome.MISSED for line in self.lines)

    @property
    def late_count(self) -> int:
        return sum(line.outcome is Outcome.LATE for line in self.lines)

    @property
    def skipped_count(self) -> int:
        return sum(line.outcome is Outcome.SKIPPED for line in self.lines)

    @property
    def done_count(self) -> int:
        done = (Outcome.ON_TIME, Outcome.LATE)
        return sum(line.outcome in done for line in self.lines)
