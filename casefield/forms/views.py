"""Screens of forms."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("forms", __name__)
