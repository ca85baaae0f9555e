"""Staff in from a table, staff out to one."""

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
from casefield.core.web import notice, render, today
from casefield.people import queries, services
from casefield.people.forms import ROLES, role_choices
from casefield.people.services.imports import Known, read_known
from casefield.people.views.blueprint import blueprint

COLUMNS: Final = (
    Column("staff_no", ("工号", "员工编号", "编号", "staff no", "code"), required=True),
    Column("name", ("姓名", "名字", "name"), required=True),
    Column("name_en", ("英文名", "name en", "english name")),
    Column("role", ("权限", "角色", "role")),
    Column("posts", ("岗位", "posts", "post")),
    Column("joined_on", ("入职日", "入职日期", "joined on", "joined")),
)
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _uploads() -> Uploads:
    data = current_app.config["SETTINGS"].data
    return Uploads(data, f"{g.site.public_id}.people")


def _read(token: str) -> list[Row]:
    with _uploads().open(token) as file:
        return read_table(file, COLUMNS)


def _known() -> Known:
    return read_known(g.actor.company_id, g.actor, today())


def _upload_page(refusal: str | None = None, status: int = 200) -> Response:
    return render(
        "people/person_import.html",
        roles=[words for _role, words in role_choices(g.actor.role)],
        refusal=refusal,
        status=status,
    )


@blueprint.get("/people/import")
def person_import() -> Response:
    return _upload_page()


@blueprint.post("/people/import")
def person_import_create() -> Response:
    """Keep the table and show what it would do; nothing is written yet."""
    upload = request.files.get("table")
    try:
        if upload is None or not upload.filename:
            raise TableRefused(_("请先选一个 .xlsx 或 CSV 文件。"))
        with accept() as answer:
            token = _uploads().keep(upload.stream, clock.now())
            _read(token)
            answer.see(url_for("people.person_import_view", token=token))
    except TableRefused as refusal:
        return _upload_page(str(refusal), 422)
    return answer.response


@blueprint.get("/people/import/<token>")
def person_import_view(token: str) -> Response:
    run = services.judge_people(_read(token), _known())
    return render("people/person_import_view.html", run=run, token=token)


@blueprint.post("/people/import/<token>")
def person_import_confirm(token: str) -> Response:
    """Judge the kept table again; write it when nothing has moved on."""
    with accept() as answer:
        rows, known = _read(token), _known()
        run = services.judge_people(rows, known)
        if run.mark != request.form.get("mark"):
            raise ImportChanged
        if run.refused:
            raise DomainError(_("表格里还有不能导入的行。请改好后重新上传。"))
        company_id = g.actor.company_id
        services.import_people(rows, known, company_id, g.actor, clock.now())
        after_commit(_uploads().drop(token))
        answer.see(url_for("people.person_list"))
    notice(
        _(
            "导入完成：新增 %(new)s，更新 %(changed)s，没有变化 %(same)s。",
            new=run.count("new"),
            changed=run.count("changed"),
            same=run.count("same"),
        )
    )
    return answer.response


@blueprint.get("/people/export.<any(xlsx, csv):kind>")
def person_export(kind: str) -> Response:
    """Hand out the present staff, in the columns that the import reads."""
    day = today()
    titles = [column.title for column in COLUMNS]
    lines = [
        (
            person.staff_no,
            person.name,
            person.name_en,
            str(ROLES[person.role]),
            "、".join(post.code for post in queries.held_on(person, day)),
            person.joined_on,
        )
        for person in queries.list_people(day)
    ]
    write = write_xlsx if kind == "xlsx" else write_csv
    response = make_response(write(titles, lines))
    response.mimetype = XLSX if kind == "xlsx" else "text/csv"
    response.headers["Content-Disposition"] = f'attachment; filename="staff.{kind}"'
    return response
