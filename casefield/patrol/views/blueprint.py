"""The blueprint that patrol's screens hang on."""

from flask import Blueprint

blueprint = Blueprint("patrol", __name__, url_prefix="/patrol")
