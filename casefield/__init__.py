"""casefield: the property-service side of a real-estate sales site."""

from importlib import import_module

from flask import Flask
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

from casefield import navigation
from casefield.config import Settings
from casefield.core import (
    assets,
    clock,
    confirm,
    db,
    headers,
    htmx,
    jobs,
    logs,
    origin,
    policy,
    scope,
    web,
)
from casefield.core.i18n import init_app as init_languages

#: from the bottom floor to the top; each hands on a blueprint and a policy
FEATURES = (
    "core",
    "accounts",
    "sites",
    "people",
    "checks",
    "patrol",
    "scan",
    "board",
    "forms",
)


def create_app(settings: Settings) -> Flask:
    """Build the application: settings, extensions, features, in that order.

    Raises:
        casefield.core.policy.UnguardedEndpoint: a route has no row in the table.
    """
    app = Flask("casefield", static_folder=None)
    _configure(app, settings)
    _extend(app)
    _add_features(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    clock.steer_by(settings.clock_file)
    app.testing = settings.testing
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        TRUSTED_HOSTS=list(settings.trusted_hosts),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=500_000,
        MAX_FORM_PARTS=400,
        SESSION_COOKIE_NAME=f"{settings.cookie_name}-form",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=db.engine_options(
            settings.database_url, settings.threads
        ),
        SQLITE_SYNCHRONOUS=settings.synchronous,
        # an Origin does not age and is checked as well: what waited may be sent late
        WTF_CSRF_TIME_LIMIT=None,
    )


def _extend(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    db.init_app(app)
    scope.init_scope()
    init_languages(app)
    htmx.init_app(app)
    CSRFProtect(app)
    origin.init_app(app)
    web.init_app(app)
    confirm.init_app(app)
    headers.init_app(app, https=settings.https)
    if settings.log_level == "DEBUG":
        logs.log_requests(app)
    assets.init_app(app)


def _add_features(app: Flask) -> None:
    parts: list[policy.Policy] = []
    sweepers: list[jobs.Sweeper] = []
    for feature in FEATURES:
        views = import_module(f"casefield.{feature}.views")
        app.register_blueprint(views.blueprint)
        parts.append(import_module(f"casefield.{feature}.policy").POLICY)
        sweepers += getattr(views, "SWEEPERS", ())
        if set_up := getattr(views, "init_app", None):
            set_up(app)
    table = policy.merge(parts)
    policy.verify(app, table)
    policy.install_gate(app, table)
    navigation.init_app(app)
    app.extensions["policy"] = table
    Migrate(app, db.db, directory="migrations", render_as_batch=True)
    jobs.init_app(app, sweepers)
