"""What a sheet of wall-code labels (CF-47) shows, as plain values."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from flask_babel import lazy_gettext as _l

from casefield.core.errors import DomainError
from casefield.core.pdf import FormHead, check_row_count
from casefield.core.qr import group_code, qr_svg

FORM_CODE: Final = "CF-47"
FORM_VERSION: Final = "V1.0"
TEMPLATE: Final = "sites/pdf/labels.html"

PAGE_WIDTH_MM = 210.0
PAGE_HEIGHT_MM = 297.0
#: A printer's feed is off by a few millimetres, never by more.
MAX_OFFSET_MM = 10.0
#: Space that the sheet's own foot line needs under the last row.
FOOT_ROOM_MM = 8.0


class OffsetTooLarge(DomainError):
    """The nudge would push labels off their sheet."""

    code = "offset-too-large"
    message = _l("偏移量只能在 −10 到 10 毫米之间。请先打印测试页量一量。")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where one label sits on the page, in millimetres from the top left."""

    number: int
    left: float
    top: float


@dataclass(frozen=True)
class LabelGrid:
    """One kind of label paper: so many labels of one size on an A4 page."""

    key: str
    columns: int
    rows: int
    width: float
    height: float
    gap_x: float = 0.0
    gap_y: float = 0.0
    #: Plain paper to be cut: corners are marked.
    cut_marks: bool = False

    @property
    def left(self) -> float:
        used = self.columns * self.width + (self.columns - 1) * self.gap_x
        return (PAGE_WIDTH_MM - used) / 2

    @property
    def top(self) -> float:
        used = self.rows * self.height + (self.rows - 1) * self.gap_y
        return (PAGE_HEIGHT_MM - used) / 2

    @property
    def size(self) -> int:
        return self.columns * self.rows

    @property
    def upright(self) -> bool:
        """Say whether the code stands over the words instead of beside them."""
        return self.height > self.width

    @property
    def code_side(self) -> float:
        """Side of the code with its quiet zone; the rest is for words."""
        if self.upright:
            return min(self.width - 6, self.height * 0.6)
        return min(self.height - 2, self.width * 0.56)

    @property
    def words_size(self) -> str:
        """Class of type sizes that the room beside the code allows."""
        room = self.width if self.upright else self.width - self.code_side
        if room >= 40:
            return "huge" if self.height >= 60 else "large"
        return "middle" if room >= 33 else "small"

    @property
    def words_top(self) -> float:
        """Where the words begin: under the code, or level with its first squares."""
        if self.upright:
            return self.code_side + 5
        return (self.height - self.code_side) / 2 + self.code_side * 0.09

    @property
    def words_bottom(self) -> float:
        """Where the words end: a name of two lines still clears the form's code."""
        return max(1.2, self.words_top - 4) if not self.upright else 2

    def slots(self, offset_x: float, offset_y: float) -> list[Slot]:
        """List the places from left to right, top to bottom."""
        return [
            Slot(
                number=row * self.columns + column + 1,
                left=round(
                    self.left + column * (self.width + self.gap_x) + offset_x, 2
                ),
                top=round(self.top + row * (self.height + self.gap_y) + offset_y, 2),
            )
            for row in range(self.rows)
            for column in range(self.columns)
        ]


GRIDS: Final[dict[str, LabelGrid]] = {
    grid.key: grid
    for grid in (
        LabelGrid("2x4", columns=2, rows=4, width=99.1, height=67.7, gap_x=2.5),
        LabelGrid("2x7", columns=2, rows=7, width=99.1, height=38.1, gap_x=2.5),
        LabelGrid("3x7", columns=3, rows=7, width=63.5, height=38.1, gap_x=2.5),
        LabelGrid("3x8", columns=3, rows=8, width=70, height=37),
        LabelGrid(
            "plate-60x40",
            columns=3,
            rows=6,
            width=60,
            height=40,
            gap_x=5,
            gap_y=4,
            cut_marks=True,
        ),
        LabelGrid(
            "plate-80x120",
            columns=2,
            rows=2,
            width=80,
            height=120,
            gap_x=8,
            gap_y=8,
            cut_marks=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Label:
    """One wall code as printed: what the camera reads and what the eye reads."""

    #: The whole address in the code, see ``core.qr.code_url``.
    url: str
    code: str
    #: The short code of the place or checkpoint, such as X01.
    place_code: str
    place_name: str
    #: The short host name, in words: who lands elsewhere sees that it is not ours.
    address: str = ""

    @property
    def typed_code(self) -> str:
        return group_code(self.code)

    @property
    def svg(self) -> str:
        return qr_svg(self.url, title=self.code)


@dataclass(frozen=True, slots=True)
class LabelPage:
    """The labels of one page, each with its place."""

    placed: tuple[tuple[Slot, Label | None], ...]


@dataclass(frozen=True)
class LabelSheet:
    """Labels on one kind of paper, nudged to the printer, or its test page."""

    form: FormHead
    grid: LabelGrid
    labels: tuple[Label, ...] = ()
    offset_x_mm: float = 0.0
    offset_y_mm: float = 0.0
    #: Places already peeled off a sheet that is used again.
    used_places: int = 0
    test_page: bool = False

    def __post_init__(self) -> None:
        check_row_count(len(self.labels))
        if max(abs(self.offset_x_mm), abs(self.offset_y_mm)) > MAX_OFFSET_MM:
            raise OffsetTooLarge

    @cached_property
    def slots(self) -> list[Slot]:
        return self.grid.slots(self.offset_x_mm, self.offset_y_mm)

    @cached_property
    def pages(self) -> list[LabelPage]:
        """Fill page after page; a test page shows every place empty."""
        if self.test_page:
            return [LabelPage(tuple((slot, None) for slot in self.slots))]
        skipped = self.used_places % self.grid.size
        queue: list[Label | None] = [None] * skipped + list(self.labels)
        size = self.grid.size
        return [
            LabelPage(
                tuple(
                    (slot, label)
                    for slot, label in zip(
                        self.slots, queue[start : start + size], strict=False
                    )
                    if label is not None
                )
            )
            for start in range(0, max(len(queue), 1), size)
        ]

    @property
    def has_foot(self) -> bool:
        """Say whether the paper leaves room for a foot line under the labels."""
        return self.grid.top - abs(self.offset_y_mm) >= FOOT_ROOM_MM
