"""Places and wall codes: one tree, one current code each, prints that outlive it."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from casefield.core import ledger
from casefield.core.db import db
from casefield.core.errors import Conflict
from casefield.core.ledger import CLOCKWORK
from casefield.people import queries as people
from casefield.sites import queries, services
from casefield.sites.models import Place, PlaceKind, WallCode, read_code
from tests import factories
from tests.cast import Cast

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


def _add(code: str, parent: Place | None = None) -> Place:
    return services.add_place(
        code=code,
        name=f"场所 {code}",
        kind=PlaceKind.HALL,
        parent=parent,
        author=CLOCKWORK,
        now=NOW,
    )


def _codes(place: Place) -> list[WallCode]:
    return list(queries.codes_of(place.id))


def test_a_new_site_has_its_fourteen_posts(app: Flask, cast: Cast) -> None:
    with factories.ground():
        site = services.create_site(
            cast.company, "新项目", "Asia/Urumqi", author=CLOCKWORK, now=NOW
        )
        assert site.swept_until_at == NOW
    with factories.looking(site):
        posts = {post.code: post for post in people.list_posts()}
        expected = {f"P{n}" for n in range(1, 12)} | {"M1", "M2", "N1"}
        assert posts.keys() == expected
        assert all(post.name and post.name_en for post in posts.values())
        assert posts["P7"].follows_id == posts["P1"].id
        assert posts["P9"].reports_to_id == posts["M1"].id
        assert posts["M1"].reports_to_id == posts["M2"].id
        assert posts["M2"].reports_to_id is None
        assert list(ledger.verify(site.id)) == []
    with factories.looking(cast.site):
        assert not people.list_posts()


def test_every_place_has_one_good_code(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        codes = [_codes(_add(f"L-{n}")) for n in range(20)]
        assert all(len(found) == 1 for found in codes)
        texts = {found[0].code for found in codes}
        assert len(texts) == 20
        assert all(read_code(text.lower()) == text for text in texts)


def test_codes_of_places_are_upper_case_and_free(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        assert _add(" l-dm ").code == "L-DM"
        with pytest.raises(services.PlaceCodeTaken):
            _add("L-dm")
    with factories.ground(cast.other_site):
        assert _add("L-DM").code == "L-DM"


def test_replaced_codes_work_until_revoked(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        place = _add("L-1")
        first = _codes(place)[0]
        second = services.replace_code(place, CLOCKWORK, NOW)
        assert first.replaced_at == NOW
        assert first.revoked_at is None
        services.revoke_code(first, CLOCKWORK, NOW)
        assert first.revoked_at == NOW
        with pytest.raises(services.CodeRevoked):
            services.revoke_code(first, CLOCKWORK, NOW)
        assert [code.code for code in _codes(place)] == [second.code, first.code]


def test_revoking_the_current_code_makes_another_at_once(
    app: Flask, cast: Cast
) -> None:
    with factories.ground(cast.site):
        place = _add("L-1")
        first = _codes(place)[0]
        services.revoke_code(first, CLOCKWORK, NOW)
        current = [code for code in _codes(place) if code.replaced_at is None]
        assert len(current) == 1
        assert current[0].revoked_at is None


def test_a_retired_place_whose_code_was_revoked_comes_back_with_one(
    app: Flask, cast: Cast
) -> None:
    with factories.ground(cast.site):
        place = _add("L-1")
        services.retire_place(place, CLOCKWORK, NOW)
        with pytest.raises(services.PlaceRetired):
            services.replace_code(place, CLOCKWORK, NOW)
        services.revoke_code(_codes(place)[0], CLOCKWORK, NOW)
        assert len(_codes(place)) == 1
        services.restore_place(place, CLOCKWORK, NOW)
        assert len([c for c in _codes(place) if c.replaced_at is None]) == 1


def test_damage_is_told_once_and_ends_with_a_new_print(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        code = _codes(_add("L-1"))[0]
        with pytest.raises(Conflict):
            services.renew_label(code, CLOCKWORK, NOW)
        services.report_damaged_code(code, CLOCKWORK, NOW, "被雨淋了")
        services.report_damaged_code(code, CLOCKWORK, NOW.replace(hour=9))
        assert code.damaged_at == NOW
        assert [found.id for found in queries.damaged_codes()] == [code.id]
        lines = db.session.scalars(
            select(ledger.LedgerLine).where(
                ledger.LedgerLine.verb == "sites.code.damaged"
            )
        ).all()
        assert len(lines) == 1
        assert "被雨淋了" not in lines[0].facts
        services.renew_label(code, CLOCKWORK, NOW)
        assert not queries.damaged_codes()


def test_the_tree_has_no_loop_and_a_floor(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        chain = [_add("L-0")]
        for n in range(1, 6):
            chain.append(_add(f"L-{n}", chain[-1]))
        with pytest.raises(services.PlaceInItself):
            _add("L-6", chain[-1])
        for parent in (chain[0], chain[3]):
            with pytest.raises(services.PlaceInItself):
                services.change_place(
                    chain[0],
                    code="L-0",
                    name="x",
                    kind=PlaceKind.HALL,
                    parent=parent,
                    author=CLOCKWORK,
                    now=NOW,
                )
        assert [row.depth for row in queries.list_places()] == [0, 1, 2, 3, 4, 5]
        with pytest.raises(services.PlaceInUse):
            services.retire_place(chain[0], CLOCKWORK, NOW)
        services.retire_place(chain[-1], CLOCKWORK, NOW)
        services.retire_place(chain[-2], CLOCKWORK, NOW)
        assert len(queries.list_places()) == 4
        assert len(queries.list_places(retired=True)) == 2


def test_a_subtree_cannot_be_moved_too_deep(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        chain = [_add("L-0")]
        for n in range(1, 5):
            chain.append(_add(f"L-{n}", chain[-1]))
        top = _add("L-8")
        _add("L-9", top)
        with pytest.raises(services.PlaceInItself):
            services.change_place(
                top,
                code="L-8",
                name="x",
                kind=PlaceKind.HALL,
                parent=chain[-1],
                author=CLOCKWORK,
                now=NOW,
            )


def test_search_finds_parts_and_takes_signs_as_they_are(app: Flask, cast: Cast) -> None:
    with factories.ground(cast.site):
        _add("L-DM")
        assert [place.code for place in queries.search_places("l-d")] == ["L-DM"]
        for nothing in ("", " ", "%", "_", "zzz"):
            assert not queries.search_places(nothing)
    with factories.looking(cast.other_site):
        assert not queries.search_places("L-DM")
