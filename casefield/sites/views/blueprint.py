"""The blueprint that the screens of sites hang on."""

from flask import Blueprint

blueprint = Blueprint("sites", __name__)
