"""Screens of board."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("board", __name__)


@blueprint.get("/")
def home() -> Response:
    return render("board/home.html")
