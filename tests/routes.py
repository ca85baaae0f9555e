"""Addresses for every rule of the application, made without any row."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.routing.converters import AnyConverter, NumberConverter

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: arguments that are told as a day
DAYS = {"on_day", "day", "on", "day_on"}
#: values for converters of our own, by class name
OURS = {"DateConverter": "2026-03-05", "DayConverter": "2026-03-05"}


def _value(rule: Rule, name: str) -> Any:
    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    if isinstance(converter, NumberConverter):
        return 1
    if name in DAYS:
        return "2026-03-05"
    return OURS.get(type(converter).__name__, "x")


def fill(rule: Rule, **values: Any) -> str:
    """Write an address for a rule, with values that no row has unless given."""
    filled = {name: _value(rule, name) for name in rule.arguments} | values
    built = rule.build({name: filled[name] for name in rule.arguments})
    assert built is not None, rule
    return built[1]


def calls(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield every rule with each of its methods that somebody may call."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def unsafe_calls(app: Flask) -> list[tuple[Rule, str]]:
    """List the rules that write."""
    return [(rule, method) for rule, method in calls(app) if method in UNSAFE]
