"""Languages: Chinese is the source, English complete; each person chooses."""

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, force_locale

LANGUAGES = ("zh", "en")

babel = Babel()


def choose_language() -> str:
    """Return the person's language, else the browser's choice kept from a link.

    A job has no browser; it speaks the source language.
    """
    if not has_request_context():
        return "zh"
    actor = g.get("actor")
    if actor is not None:
        return str(actor.locale)
    asked = request.args.get("lang") or session.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    return request.accept_languages.best_match(LANGUAGES) or "zh"


def in_every_language(sentence: object) -> set[str]:
    """Return a sentence in each language: a table may be written in either."""
    told = set()
    for language in LANGUAGES:
        with force_locale(language):
            told.add(str(sentence))
    return told


def init_app(app: Flask) -> None:
    """Set up Flask-Babel; message ids are Chinese, so ``zh`` needs no catalogue."""
    app.config["BABEL_DEFAULT_LOCALE"] = "zh"
    babel.init_app(app, locale_selector=choose_language)
