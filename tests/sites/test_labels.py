"""Label sheets from the screen: chosen places become codes on paper."""

import subprocess
from io import BytesIO

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from sqlalchemy import select

from casefield.core import jobs
from casefield.core.db import db
from tests import factories
from tests.cast import Cast
from tests.client import browser

CHOICE = {"which": "all", "grid": "3x7", "dx": "0", "dy": "0", "used": "0"}


def _codes(pdf: bytes) -> set[str]:
    picture = subprocess.run(
        ["pdftoppm", "-r", "200", "-gray", "-singlefile", "-"],
        input=pdf,
        capture_output=True,
        check=True,
    ).stdout
    with Image.open(BytesIO(picture)) as page:
        return {found.text.upper() for found in zxingcpp.read_barcodes(page)}


@pytest.fixture
def codes(cast: Cast) -> dict[str, str]:
    """Three places with their codes, by the place's public id."""
    made = {}
    for _ in range(3):
        place = factories.make_place(cast.site)
        made[place.public_id] = factories.make_wall_code(place).code
    return made


def test_all_labels_decode_to_their_places(
    app: Flask, cast: Cast, codes: dict[str, str]
) -> None:
    manager = browser(app, cast.manager)
    answer = manager.submit("/places/labels", CHOICE)
    assert answer.status_code == 303
    pdf = manager.get(answer.location)
    assert pdf.mimetype == "application/pdf"
    public_url = app.config["SETTINGS"].public_url.upper()
    assert _codes(pdf.data) == {f"{public_url}/Q/{code}" for code in codes.values()}


def test_only_the_chosen_ones(app: Flask, cast: Cast, codes: dict[str, str]) -> None:
    chosen, code = next(iter(codes.items()))
    manager = browser(app, cast.manager)
    answer = manager.post(
        "/places/labels", data=CHOICE | {"which": "chosen", "place": chosen}
    )
    found = _codes(manager.get(answer.location).data)
    assert [text.rpartition("/")[2] for text in found] == [code]


def test_choosing_nothing_is_said(
    app: Flask, cast: Cast, codes: dict[str, str]
) -> None:
    answer = browser(app, cast.manager).post(
        "/places/labels", data=CHOICE | {"which": "chosen"}
    )
    assert answer.status_code == 422
    assert "没有要印的场所" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "bad", [{"dx": "11"}, {"dy": "-10.5"}, {"grid": "9x9"}, {"dx": "NaN"}]
)
def test_impossible_paper_is_refused(
    app: Flask, cast: Cast, codes: dict[str, str], bad: dict[str, str]
) -> None:
    answer = browser(app, cast.manager).post("/places/labels", data=CHOICE | bad)
    assert answer.status_code == 422


def test_the_test_page_needs_no_place(app: Flask, cast: Cast) -> None:
    answer = browser(app, cast.manager).get(
        "/places/labels.pdf?grid=2x7&dx=1.5&dy=0&test=1"
    )
    assert answer.mimetype == "application/pdf"
    assert _codes(answer.data) == set()


def test_more_than_two_pages_go_to_a_job_that_prints_the_same(
    app: Flask, cast: Cast
) -> None:
    with factories.ground(cast.site):
        for _ in range(9):
            factories.make_wall_code(factories.make_place(cast.site))
    manager = browser(app, cast.manager)
    answer = manager.submit("/places/labels", CHOICE | {"grid": "plate-80x120"})
    assert "/jobs/" in answer.location
    with factories.looking(cast.site):
        job = db.session.scalars(select(jobs.Job)).one()
    with app.app_context():
        jobs.run(job.id)
    assert "/file" in manager.get(answer.location).get_data(as_text=True)
    with manager.get(f"{answer.location}/file") as file:
        assert len(_codes(file.data)) == 4
