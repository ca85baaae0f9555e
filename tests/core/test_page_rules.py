"""The rules that the test client holds pages to can fail."""

import socket

import pytest

from tests.page_rules import PageFault, check_html

SOUND = (
    "<!doctype html><html lang=zh><head><title>巡视 · 云栖</title></head>"
    "<body><h1>巡视</h1>%s</body></html>"
)
BROKEN = {
    "two headings": "<h1>巡视</h1>",
    "unclosed": "<div><p>a</div></p>",
    "same id": "<p id=a></p><p id=a></p>",
    "style": '<p style="color:red"></p>',
    "script": "<script>1</script>",
    "handler": "<p onclick=x></p>",
    "bare hx": "<p hx-get=/></p>",
    "no token": "<form method=post><input type=hidden name=receipt_key></form>",
    "no key": "<form method=post><input type=hidden name=csrf_token></form>",
    "no label": "<input name=a>",
    "nameless button": "<button></button>",
    "dangling": "<p aria-describedby=nowhere></p>",
    "no alt": "<img src=a>",
}


def test_a_sound_page_passes():
    check_html(SOUND % "<p>好</p>")


@pytest.mark.parametrize("part", BROKEN.values(), ids=BROKEN)
def test_a_broken_page_is_refused(part):
    with pytest.raises(PageFault):
        check_html(SOUND % part)


def test_a_title_must_start_with_the_heading():
    with pytest.raises(PageFault):
        check_html(SOUND.replace("<title>巡视", "<title>签到") % "")


def test_tests_cannot_leave_this_machine():
    with pytest.raises(PermissionError), socket.socket() as out:
        out.connect(("192.0.2.1", 80))
