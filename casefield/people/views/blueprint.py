"""The blueprint that the screens of people hang on."""

from flask import Blueprint

blueprint = Blueprint("people", __name__)
