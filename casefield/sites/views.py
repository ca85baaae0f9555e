"""Screens of sites."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("sites", __name__)
