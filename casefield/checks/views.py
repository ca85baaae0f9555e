"""Screens of checks."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("checks", __name__)
