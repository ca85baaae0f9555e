"""Screens of scan."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("scan", __name__)
