"""Screens of patrol."""

from flask import Blueprint, Response

from casefield.core.web import render

blueprint = Blueprint("patrol", __name__)
