"""Screens of people."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("people", __name__)
