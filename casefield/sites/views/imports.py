"""Places in from a table, places out to one."""

from typing import Final

from flask import Response, current_app, g, make_response, request, url_for
from flask_babel import gettext as _

from casefield.core import clock
from casefield.core.db import after_commit
from casefield.core.errors import DomainError
from casefield.core.imports import ImportChanged, Uploads
from casefield.core.receipts import accept
from casefield.core.spreadsheets import (
    Column,
    Row,
    TableRefused,
    read_table,
    write_csv,
    write_xlsx,
)
from casefield.core.web import notice, render
from casefield.sites import queries, services
from casefield.sites.forms import KINDS
from casefield.sites.views.blueprint import blueprint

COLUMNS: Final = (
    Column("code", ("编号", "场所编号", "代码", "code"), required=True),
    Column("name", ("名称", "场所名称", "场所", "name", "place"), required=True),
    Column("kind", ("类型", "kind", "type")),
    Column("parent", ("上级", "上级编号", "所属", "parent")),
)
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _uploads() -> Uploads:
    data = current_app.config["SETTINGS"].data
    return Uploads(data, f"{g.site.public_id}.places")


def _read(token: str) -> list[Row]:
    with _uploads().open(token) as file:
        return read_table(file, COLUMNS)


@blueprint.get("/places/import")
def place_import() -> Response:
    return render("sites/place_import.html", kinds=KINDS, refusal=None)


@blueprint.post("/places/import")
def place_import_create() -> Response:
    """Keep the table and show what it would do; nothing is written yet."""
    upload = request.files.get("table")
    try:
        if upload is None or not upload.filename:
            raise TableRefused(_("请先选一个 .xlsx 或 CSV 文件。"))
        with accept() as answer:
            token = _uploads().keep(upload.stream, clock.now())
            _read(token)
            answer.see(url_for("sites.place_import_view", token=token))
    except TableRefused as refusal:
        return render(
            "sites/place_import.html", kinds=KINDS, refusal=str(refusal), status=422
        )
    return answer.response


@blueprint.get("/places/import/<token>")
def place_import_view(token: str) -> Response:
    run = services.judge_places(_read(token))
    return render("sites/place_import_view.html", run=run, token=token)


@blueprint.post("/places/import/<token>")
def place_import_confirm(token: str) -> Response:
    """Judge the kept table again; write it when nothing has moved on."""
    with accept() as answer:
        rows = _read(token)
        run = services.judge_places(rows)
        if run.mark != request.form.get("mark"):
            raise ImportChanged
        if run.refused:
            raise DomainError(_("表格里还有不能导入的行。请改好后重新上传。"))
        services.import_places(rows, g.actor, clock.now())
        after_commit(_uploads().drop(token))
        answer.see(url_for("sites.place_list"))
    notice(
        _(
            "导入完成：新增 %(new)s，更新 %(changed)s，没有变化 %(same)s。",
            new=run.count("new"),
            changed=run.count("changed"),
            same=run.count("same"),
        )
    )
    return answer.response


@blueprint.get("/places/export.<any(xlsx, csv):kind>")
def place_export(kind: str) -> Response:
    """Hand out the places in use, in the columns that the import reads."""
    rows = queries.list_places()
    codes = {row.place.id: row.place.code for row in rows}
    titles = [column.title for column in COLUMNS]
    lines = [
        (
            row.place.code,
            row.place.name,
            str(KINDS[row.place.kind]),
            codes.get(row.place.parent_id or 0, ""),
        )
        for row in rows
    ]
    write = write_xlsx if kind == "xlsx" else write_csv
    response = make_response(write(titles, lines))
    response.mimetype = XLSX if kind == "xlsx" else "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="places.{kind}"'
    return response
