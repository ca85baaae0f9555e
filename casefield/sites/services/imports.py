"""The import of places: judge every row first, then write what differs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from casefield.core.db import db
from casefield.core.i18n import in_every_language
from casefield.core.imports import Change, DryRun, Verdict, judge_outcome
from casefield.core.ledger import Author
from casefield.core.spreadsheets import Row
from casefield.sites.forms import KINDS, PLACE_CODE
from casefield.sites.models import Place, PlaceKind
from casefield.sites.services.places import (
    DEEPEST,
    add_place,
    chain_up,
    change_place,
    heights,
)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a row says, read as far as it can be read."""

    number: int
    code: str
    name: str
    kind: PlaceKind | None
    #: code of the place it lies in; empty on the site itself, None not said
    parent: str | None
    reasons: tuple[str, ...]


def judge_places(rows: Sequence[Row]) -> DryRun:
    """Say of every row what importing it would do; write nothing."""
    known = {place.code: place for place in db.session.scalars(select(Place))}
    codes_by_id = {place.id: place.code for place in known.values()}
    wishes = _read(rows, known)
    parents = _parents(wishes, known, codes_by_id)
    levels = heights(parents)
    verdicts = []
    for wish in wishes:
        reasons = [*wish.reasons, *_tree_faults(wish, parents, levels, known)]
        place = known.get(wish.code)
        changes = _changes(place, wish, codes_by_id) if place else []
        verdicts.append(
            Verdict(
                wish.number,
                f"{wish.code} {wish.name or (place.name if place else '')}".strip(),
                judge_outcome(reasons, changes, known=place is not None),
                tuple(changes),
                tuple(reasons),
            )
        )
    return DryRun(tuple(verdicts))


def import_places(rows: Sequence[Row], author: Author, now: datetime) -> None:
    """Write what the rows say; call it only when no row is refused."""
    known = {place.code: place for place in db.session.scalars(select(Place))}
    by_id = {place.id: place for place in known.values()}
    waiting = _read(rows, known)
    while waiting:
        ready = [wish for wish in waiting if not wish.parent or wish.parent in known]
        for wish in ready:
            place = known.get(wish.code)
            if wish.parent is None:
                parent = by_id.get(place.parent_id or 0) if place else None
            else:
                parent = known.get(wish.parent)
            known[wish.code] = _write(place, wish, parent, author, now)
        if not ready:
            message = "rows lie in each other; they were not judged"
            raise ValueError(message)
        waiting = [wish for wish in waiting if wish not in ready]


def _write(
    place: Place | None,
    wish: _Wish,
    parent: Place | None,
    author: Author,
    now: datetime,
) -> Place:
    if place is None:
        return add_place(
            code=wish.code,
            name=wish.name,
            kind=wish.kind or PlaceKind.OUTDOORS,
            parent=parent,
            author=author,
            now=now,
        )
    change_place(
        place,
        code=place.code,
        name=wish.name or place.name,
        kind=wish.kind or place.kind,
        parent=parent,
        author=author,
        now=now,
    )
    return place


def _kinds() -> dict[str, PlaceKind]:
    words = {
        told: kind for kind, label in KINDS.items() for told in in_every_language(label)
    }
    return words | {kind.value: kind for kind in PlaceKind}


def _read(rows: Sequence[Row], known: Mapping[str, Place]) -> list[_Wish]:
    kinds = _kinds()
    first_rows: dict[str, int] = {}
    wishes = []
    for row in rows:
        reasons = []
        code = row.values.get("code", "").upper()
        name = row.values.get("name", "")
        told_kind = row.values.get("kind", "")
        kind = kinds.get(told_kind) or kinds.get(told_kind.lower())
        if not code:
            reasons.append(_("没有编号"))
        elif not PLACE_CODE.fullmatch(code):
            reasons.append(_("编号只用字母、数字和横线，最多 12 个"))
        elif code in first_rows:
            reasons.append(_("编号与第 %(n)s 行重复", n=first_rows[code]))
        if code not in known and not name:
            reasons.append(_("没有名称"))
        if len(name) > 40:
            reasons.append(_("名称超过 40 字"))
        if told_kind and kind is None:
            reasons.append(_("没有“%(kind)s”这种类型", kind=told_kind))
        elif code not in known and kind is None:
            reasons.append(_("没有类型"))
        if code in known and known[code].retired_at is not None:
            reasons.append(_("这个场所已停用，请先在场所页恢复"))
        first_rows.setdefault(code, row.number)
        told_parent = row.values.get("parent", "").upper()
        parent = told_parent or (None if code in known else "")
        wishes.append(_Wish(row.number, code, name, kind, parent, tuple(reasons)))
    return wishes


def _parents(
    wishes: Sequence[_Wish], known: Mapping[str, Place], codes: Mapping[int, str]
) -> dict[str, str]:
    """Return the tree as it would be: every place's code to the one it lies in."""
    tree = {code: codes.get(place.parent_id or 0, "") for code, place in known.items()}
    for wish in wishes:
        if not wish.reasons and wish.parent is not None:
            tree[wish.code] = wish.parent
    return tree


def _tree_faults(
    wish: _Wish,
    parents: Mapping[str, str],
    levels: Mapping[str, int],
    known: Mapping[str, Place],
) -> list[str]:
    if not wish.parent:
        return []
    above = known.get(wish.parent)
    if wish.parent not in parents:
        return [_("没有上级场所 %(code)s", code=wish.parent)]
    if above is not None and above.retired_at is not None:
        return [_("上级场所 %(code)s 已停用", code=wish.parent)]
    chain = list(chain_up(wish.parent, parents))
    if wish.code in chain or len(chain) + levels.get(wish.code, 1) > DEEPEST:
        return [_("上级绕回了自己，或层级超过 6 层")]
    return []


def _changes(place: Place, wish: _Wish, codes: Mapping[int, str]) -> list[Change]:
    found = []
    if wish.name and wish.name != place.name:
        found.append(Change(_("名称"), place.name, wish.name))
    if wish.kind is not None and wish.kind is not place.kind:
        before, after = str(KINDS[place.kind]), str(KINDS[wish.kind])
        found.append(Change(_("类型"), before, after))
    lies_in = codes.get(place.parent_id or 0, "")
    if wish.parent is not None and wish.parent != lies_in:
        found.append(Change(_("上级"), lies_in, wish.parent))
    return found
