"""The answers to a checklist, as a form sends them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from casefield.checks.models import Result
from casefield.checks.queries import Line
from casefield.checks.services import Answer
from casefield.core.photos import Photo, find_photo

LONGEST_NOTE = 500


@dataclass
class AnswersForm:
    """What was ticked and written, line by line; shown again when something is missing.

    Fields of a line: ``line-N`` the result, ``line-N-note``, ``line-N-photo`` and
    ``line-N-kept`` (the id of a photo that an earlier try has already delivered).
    """

    lines: Sequence[Line]
    values: dict[int, str] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    kept: dict[int, Photo] = field(default_factory=dict)
    errors: dict[int, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        lines: Sequence[Line],
        fields: MultiDict[str, str],
        photos: Mapping[str, Photo],
        refused: Mapping[str, str],
    ) -> "AnswersForm":
        """Take the lines' fields out of a request.

        ``photos`` and ``refused`` are what ``core.photos.keep_uploads`` answered.
        """
        form = cls(lines)
        for line in lines:
            name, n = f"line-{line.ordinal}", line.ordinal
            form.values[n] = fields.get(name, "")
            form.notes[n] = fields.get(f"{name}-note", "").strip()[:LONGEST_NOTE]
            kept = photos.get(f"{name}-photo")
            if kept is None and (earlier := fields.get(f"{name}-kept")):
                kept = find_photo(earlier)
            if kept is not None:
                form.kept[n] = kept
            if sentence := refused.get(f"{name}-photo"):
                form.refuse(n, "photo", sentence)
        return form

    def refuse(self, ordinal: int, part: str, sentence: str) -> None:
        """Put an error beside a part (answer, note, photo) of a line."""
        self.errors.setdefault(ordinal, {})[part] = sentence

    def validate(self) -> bool:
        """Check that each line has a result, and each abnormal one a note."""
        known = {result.value for result in Result}
        for line in self.lines:
            value = self.values.get(line.ordinal)
            if value not in known:
                self.refuse(line.ordinal, "answer", _("请选一项"))
            elif value == Result.ABNORMAL and not self.notes.get(line.ordinal):
                self.refuse(line.ordinal, "note", _("请写一句看到了什么"))
        return not self.errors

    @property
    def answers(self) -> dict[int, Answer]:
        """The answers as the service wants them."""
        return {
            line.ordinal: Answer(
                Result(self.values[line.ordinal]),
                self.notes.get(line.ordinal, ""),
                self.kept[line.ordinal].id if line.ordinal in self.kept else None,
            )
            for line in self.lines
        }

    @property
    def error_list(self) -> list[tuple[str, str]]:
        """Every error as (field id, sentence) for the summary at the top."""
        by_ordinal = {line.ordinal: line for line in self.lines}
        return [
            (
                f"line-{ordinal}",
                _("%(what)s：%(note)s", what=by_ordinal[ordinal].name, note=sentence),
            )
            for ordinal, parts in sorted(self.errors.items())
            for sentence in parts.values()
        ]
