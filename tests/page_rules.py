"""What every answer of ours keeps to; the test client checks each one it fetches."""

import hashlib
import re
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

from casefield.core.headers import SECURITY_HEADERS

#: parts that differ from one rendering of a page to the next and change no rule
_FLEETING = re.compile(
    r'(?<=name="csrf_token" value=")[^"]*|(?<=name="receipt_key" value=")[^"]*'
    r'|(?<=data-server-time=")[^"]*'
    # public ids
    r"|(?<=[/\"])[A-Za-z0-9_-]{22}(?=[/\"?])"
)
#: forms that act once by nature: signing in and out, setting a password
WITHOUT_RECEIPT = ("/sign-in", "/sign-out", "/password", "/first/")
_FRAGMENT_IN = {
    "tr": "tbody",
    "td": "tr",
    "th": "tr",
    "option": "select",
    "tbody": "table",
}
_UNTYPED = {"hidden", "submit", "button", "reset", "image"}
_seen: set[bytes] = set()


class PageFault(AssertionError):
    """A page breaks a rule that all pages keep to."""


def check_answer(response: Any, path: str) -> None:
    """Raise PageFault when headers or HTML of an answer break a rule."""
    for name, value in SECURITY_HEADERS.items():
        held = response.headers.get(name)
        if held is None or (held != value and name != "Content-Security-Policy"):
            raise PageFault(f"{path}: header {name} is {held!r}")
    if "Cache-Control" not in response.headers:
        raise PageFault(f"{path}: no Cache-Control")
    if response.mimetype != "text/html" or response.status_code in {301, 302, 303, 308}:
        return
    if "Content-Encoding" in response.headers:
        return
    check_html(response.get_data(as_text=True), path)


def check_html(text: str, path: str = "/") -> None:
    """Raise PageFault when a page or fragment is not well made."""
    if not text.strip():
        return
    mark = hashlib.sha256(_FLEETING.sub("", text).encode()).digest()
    if mark in _seen:
        return
    faults = list(find_faults(text, path))
    if faults:
        raise PageFault(f"{path}: " + "; ".join(faults))
    _seen.add(mark)


def find_faults(text: str, path: str) -> list[str]:
    """Name every rule that this HTML breaks."""
    is_page = text.lstrip()[:14].lower().startswith("<!doctype html")
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    if is_page:
        root: Element = parser.parse(text)
    else:
        first = re.search(r"<([a-z][a-z0-9]*)", text)
        container = _FRAGMENT_IN.get(first[1] if first else "", "div")
        root = parser.parseFragment(text, container=container)
    found = [f"line {line}: {code} {facts}" for (line, _), code, facts in parser.errors]
    if is_page:
        found += _heading_faults(root)
        found += _pointer_faults(root)
    found += _id_faults(root)
    found += _inline_faults(root)
    found += _label_faults(root)
    for form in root.iter("form"):
        found += _form_faults(form, path)
    return found


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _tag(element: Element) -> str:
    return element.tag if isinstance(element.tag, str) else ""


def _heading_faults(root: Element) -> list[str]:
    headings = [_words(heading) for heading in root.iter("h1")]
    if len(headings) != 1:
        return [f"{len(headings)} h1: {headings}"]
    title = next((_words(element) for element in root.iter("title")), "")
    found = []
    if not headings[0]:
        found.append("the h1 is empty")
    if not title.startswith(headings[0]):
        found.append(f"title {title!r} does not start with h1 {headings[0]!r}")
    if not next(iter(root.iter("html"))).get("lang"):
        found.append("no lang on html")
    return found


def _id_faults(root: Element) -> list[str]:
    ids = [element.get("id", "") for element in root.iter() if element.get("id")]
    return [f"id {one!r} twice" for one in sorted({i for i in ids if ids.count(i) > 1})]


def _inline_faults(root: Element) -> list[str]:
    found = []
    for element in root.iter():
        tag = _tag(element)
        if tag == "style":
            found.append("a style element")
        if (
            tag == "script"
            and not element.get("src")
            and not (element.get("type", "").endswith("json"))
        ):
            found.append("an inline script")
        for name in element.attrib:
            if name == "style" or name.startswith(("on", "hx-")):
                found.append(f"{tag} has {name}=")
            if element.get(name, "").lstrip().lower().startswith("javascript:"):
                found.append(f"{tag} {name} is a script")
    return found


def _label_faults(root: Element) -> list[str]:
    ids = {element.get("id") for element in root.iter()}
    labelled = {label.get("for") for label in root.iter("label")} & ids
    wrapped = {id(inner) for label in root.iter("label") for inner in label.iter()}
    found = []
    for field in root.iter():
        tag = _tag(field)
        named = field.get("aria-label") or field.get("aria-labelledby")
        if tag in {"input", "select", "textarea"}:
            if field.get("type", "text") in _UNTYPED or "hidden" in field.attrib:
                continue
            if not (named or field.get("id") in labelled or id(field) in wrapped):
                found.append(f"{tag} {field.get('name')!r} has no label")
        elif tag == "button" and not (named or _words(field)):
            found.append("a button without a name")
        elif tag == "img" and field.get("alt") is None:
            found.append(f"img {field.get('src')!r} without alt")
    return found


def _pointer_faults(root: Element) -> list[str]:
    ids = {element.get("id") for element in root.iter()}
    return [
        f"{_tag(element)} {name}={target!r} points nowhere"
        for element in root.iter()
        for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls")
        for target in element.get(name, "").split()
        if target not in ids
    ]


def _form_faults(form: Element, path: str) -> list[str]:
    method = form.get("method", "get").lower()
    if method == "dialog":
        return []
    if method == "get":
        return [] if form.get("action") else ["a GET form without action"]
    action = form.get("action") or path
    names = {field.get("name") for field in form.iter("input")}
    found = []
    if "csrf_token" not in names:
        found.append(f"form {action} has no csrf_token")
    if "receipt_key" not in names and not action.startswith(WITHOUT_RECEIPT):
        found.append(f"form {action} has no receipt_key")
    if form.find(".//input[@type='file']") is not None and (
        form.get("enctype") != "multipart/form-data"
    ):
        found.append(f"form {action} sends no file: enctype")
    return found
