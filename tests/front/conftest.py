"""A small site that shows components alone, under the application's own policy."""

import logging
import shutil
from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, redirect, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from casefield.core.clock import now
from casefield.core.headers import CONTENT_POLICY

PACKAGE = Path(__file__).parents[2] / "casefield"
ACTOR = SimpleNamespace(
    name="周牧云", post_names="安全岗", staff_no="A01", role="staff"
)
SCAN = {"label": "扫码", "url": "#main", "icon": "scan", "active": False}


class Showcase:
    """Pages from ``pages/``; remembers what was posted; answers as it is told."""

    def __init__(self) -> None:
        self.posts: list[dict[str, str]] = []
        self.files: list[bytes] = []
        self.status = 303
        self.then = "/page/done"
        self.wait: Any = None
        self.actor: SimpleNamespace | None = ACTOR
        self.url = ""

    def context(self) -> dict[str, Any]:
        """Return what the application gives to every page."""
        entry = {"label": "值班台", "url": "#main", "icon": "home", "active": True}
        return {
            "actor": self.actor,
            "site": SimpleNamespace(name="砚溪和鸣", is_demo=True),
            "nav": [{"label": None, "entries": [{**entry, "count": 6}]}],
            "tabs": [entry, SCAN, SCAN, SCAN, SCAN],
            "theme": "auto",
            "locale": "zh",
            "search_url": "/page/done",
        }

    def receive(self) -> Response:
        """Keep a posted form and answer as told."""
        self.posts.append(request.form.to_dict())
        self.files += [sent.read() for sent in request.files.values() if sent.filename]
        if self.wait:
            self.wait.wait(5)
        if self.status != 303:
            return Response("", self.status)
        return redirect(self.then, 303)  # type: ignore[return-value]  # werkzeug's own


def showcase_app(showcase: Showcase) -> Flask:
    """Build the site."""
    app = Flask("showcase", static_folder=None)
    app.secret_key = "6e" * 16
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(Path(__file__).parent / "pages"),
            FileSystemLoader(PACKAGE / "templates"),
        ]
    )
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # extension
        lambda text: text, lambda one, many, _n: one or many, newstyle=True
    )
    environment.globals.update(
        static_url=lambda path: f"/static/{path}",
        csrf_token=lambda: "token",
        receipt_key=lambda: "made-by-the-server",
        now=now,
    )

    @app.get("/page/<path:name>")
    def page(name: str) -> str:
        showcase.actor = None if "signed-out" in request.args else ACTOR
        return render_template(f"{name}.html", **showcase.context())

    @app.get("/styleguide/<path:name>")
    def styleguide(name: str) -> str:
        return render_template(f"styleguide/{name}.html", **showcase.context())

    @app.get("/static/<path:name>")
    def static_file(name: str) -> Response:
        # read at once: a page that is left early would leave an open file behind
        content = (PACKAGE / "static" / name).read_bytes()
        return Response(content, mimetype=guess_type(name)[0])

    @app.get("/figures")
    def figures() -> str:
        strip = environment.get_template("components/details.html").module
        stats = [{"number": 3, "label": "已漏"}, {"number": 19, "label": "在岗"}]
        return str(strip.stat_strip(stats))  # type: ignore[attr-defined]  # a macro

    app.add_url_rule("/submit", view_func=showcase.receive, methods=["POST"])

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        response.headers["Cache-Control"] = "no-store"
        return response

    return app


@pytest.fixture
def showcase() -> Iterator[Showcase]:
    """The site, running, with nothing posted yet."""
    made = Showcase()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, showcase_app(made), threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Drive the system's Chromium; nothing is downloaded."""
    flags = "no-sandbox disable-gpu disable-quic no-first-run disable-sync"
    quiet = "disable-background-networking disable-component-update"
    return {
        "executable_path": shutil.which("chromium"),
        "args": [f"--{flag}" for flag in f"{flags} {quiet}".split()],
    }


@pytest.fixture
def phone(browser: Browser, showcase: Showcase) -> Iterator[Page]:
    """A phone on the showcase; any console error fails the test that asks for it."""
    context: BrowserContext = browser.new_context(
        base_url=showcase.url, viewport={"width": 390, "height": 844}
    )
    yield context.new_page()
    context.close()
