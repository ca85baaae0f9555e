"""What the small scripts do, in a real browser under the real content policy."""

import io
import re
from threading import Event

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.front.conftest import Showcase

pytestmark = pytest.mark.browser
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$")


DRAFTS = "Object.keys(sessionStorage).filter(key => key.startsWith('draft:')).length"


def open_point(page: Page) -> None:
    page.goto("/page/point")
    expect(page.locator("html[data-ready]")).to_be_attached()


def double_tap(page: Page, showcase: Showcase) -> None:
    """Submit twice before the first answer is there."""
    showcase.wait = Event()
    send = "document.getElementById('point').requestSubmit()"
    page.evaluate(f"{send}; {send}; setTimeout(() => {send}, 80)")
    page.wait_for_timeout(250)
    showcase.wait.set()
    expect(page.get_by_role("heading", level=1)).to_have_text("已记下")


def photo(width: int = 3000, height: int = 2000) -> bytes:
    picture = Image.new("RGB", (width, height), "#336655")
    notes = Image.Exif()
    notes[0x010F] = "phone-maker"
    sent = io.BytesIO()
    picture.save(sent, "JPEG", exif=notes)
    return sent.getvalue()


def choose_photo(page: Page, content: bytes) -> None:
    page.locator("label[for=heat-abnormal]").click()
    page.locator("#heat-photo").set_input_files(
        {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": content}
    )


def test_a_double_tap_is_sent_once(phone, showcase):
    open_point(phone)
    double_tap(phone, showcase)
    assert len(showcase.posts) == 1
    assert UUID.match(showcase.posts[0]["receipt_key"])


def test_without_the_script_a_double_tap_is_sent_again(phone, showcase):
    phone.route("**/receipt.js", lambda route: route.abort())
    open_point(phone)
    double_tap(phone, showcase)
    assert len(showcase.posts) > 1


def test_unchanged_content_keeps_its_key_and_edited_content_gets_another(
    phone, showcase
):
    showcase.status = 204
    open_point(phone)
    button = phone.get_by_role("button", name="完成本点")
    phone.get_by_label("补充").fill("锁好")
    for edit in (None, None, "锁好，灯也关了"):
        if edit:
            phone.get_by_label("补充").fill(edit)
        with phone.expect_response("**/submit"):
            button.click()
        # an answer without content leaves the page, as a lost answer would
        phone.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow'))")
    first, again, edited = (post["receipt_key"] for post in showcase.posts)
    assert first == again
    assert edited != first


def test_a_form_without_script_carries_the_servers_key(browser, showcase):
    context = browser.new_context(base_url=showcase.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/page/point")
    page.get_by_role("button", name="完成本点").click()
    assert showcase.posts[0]["receipt_key"] == "made-by-the-server"
    context.close()


def test_abnormal_unfolds_photo_and_note_without_script(browser, showcase):
    context = browser.new_context(base_url=showcase.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/page/point")
    note = page.locator("#heat-note")
    expect(note).to_be_hidden()
    page.locator("label[for=heat-abnormal]").click()
    expect(note).to_be_visible()
    context.close()


def test_all_normal_answers_only_what_is_open(phone):
    open_point(phone)
    phone.locator("label[for=heat-abnormal]").click()
    phone.get_by_role("button", name="其余全部正常").click()
    expect(phone.locator("#cabinet-normal")).to_be_checked()
    expect(phone.locator("#heat-abnormal")).to_be_checked()
    expect(phone.get_by_role("button", name="其余全部正常")).to_be_hidden()


def test_a_photo_is_shrunk_and_forgets_where_it_was_taken(phone, showcase):
    open_point(phone)
    choose_photo(phone, photo())
    expect(phone.locator(".photo__picture")).to_be_visible()
    phone.get_by_role("button", name="完成本点").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("已记下")
    sent = Image.open(io.BytesIO(showcase.files[0]))
    assert max(sent.size) == 1600
    assert not sent.getexif()


def test_sending_waits_for_the_photo(phone, showcase):
    open_point(phone)
    choose_photo(phone, photo(5200, 3900))
    phone.get_by_role("button", name="完成本点").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("已记下")
    assert [max(Image.open(io.BytesIO(sent)).size) for sent in showcase.files] == [1600]


def test_a_photo_that_cannot_be_opened_is_named_and_the_rest_stays(phone):
    open_point(phone)
    phone.get_by_label("补充").fill("锁好")
    choose_photo(phone, b"not a picture")
    expect(phone.get_by_text("这张照片打不开，请重拍或换一张")).to_be_visible()
    assert phone.locator("#heat-photo").evaluate("input => input.files.length") == 0
    expect(phone.get_by_label("补充")).to_have_value("锁好")
    expect(phone.locator("#heat-abnormal")).to_be_checked()


def lose_session(page: Page, showcase: Showcase) -> None:
    """Fill the form, send it with a session that has ended, land on the sign-in."""
    open_point(page)
    page.get_by_label("补充").fill("空调停了")
    page.locator("label[for=heat-abnormal]").click()
    showcase.then = "/page/sign_in?signed-out"
    page.get_by_role("button", name="完成本点").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("员工登录")


def test_an_expired_session_loses_nothing(phone, showcase):
    lose_session(phone, showcase)
    phone.get_by_role("link", name="登录后回来").click()
    expect(phone.get_by_label("补充")).to_have_value("空调停了")
    expect(phone.locator("#heat-abnormal")).to_be_checked()


def test_what_was_sent_is_not_put_back(phone, showcase):
    open_point(phone)
    phone.get_by_label("补充").fill("空调停了")
    phone.get_by_role("button", name="完成本点").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("已记下")
    open_point(phone)
    expect(phone.get_by_label("补充")).to_have_value("")


def test_the_next_person_on_a_shared_phone_sees_no_draft(phone, showcase, monkeypatch):
    lose_session(phone, showcase)
    monkeypatch.setattr("tests.front.conftest.ACTOR.staff_no", "B07")
    phone.get_by_role("link", name="登录后回来").click()
    expect(phone.locator("html[data-ready][data-actor=B07]")).to_be_attached()
    expect(phone.get_by_label("补充")).to_have_value("")
    assert phone.evaluate(DRAFTS) == 0


def test_signing_out_clears_drafts(phone, showcase):
    open_point(phone)
    phone.get_by_label("补充").fill("空调停了")
    assert phone.evaluate(DRAFTS) == 1
    phone.goto("/page/done")
    phone.get_by_role("button", name="退出").click()
    assert phone.evaluate(DRAFTS) == 0


@pytest.mark.parametrize(
    ("status", "words"),
    [(500, "服务器出了问题"), (409, "刚被别人改过"), (429, "点得太快")],
)
def test_a_refused_part_says_so_in_plain_words(phone, showcase, status, words):
    showcase.status = status
    open_point(phone)
    phone.get_by_role("button", name="提醒").click()
    expect(phone.locator("#toasts")).to_contain_text(words)
    phone.get_by_role("button", name="知道了").click()
    expect(phone.locator("#toasts")).to_be_hidden()


def test_no_answer_is_said_and_the_button_may_be_pressed_again(phone, showcase):
    open_point(phone)
    phone.route("**/submit", lambda route: route.abort())
    button = phone.get_by_role("button", name="提醒")
    button.click()
    expect(phone.locator("#toasts")).to_contain_text("没连上服务器")
    phone.unroute("**/submit")
    showcase.status = 204
    button.click()
    expect(phone.locator("#toasts")).to_be_hidden()
    assert len(showcase.posts) == 1


def test_times_under_an_hour_count_and_older_ones_stand(phone, frozen):
    frozen.forward(minutes=3, seconds=40)
    open_point(phone)
    expect(phone.locator("time")).to_have_text(re.compile(r"3 分 4\d 秒"))
    frozen.forward(hours=2)
    open_point(phone)
    expect(phone.locator("time")).to_have_text("10:00")


def test_only_a_figure_that_changed_fades_in(phone):
    phone.goto("/page/figures")
    expect(phone.locator("html[data-ready]")).to_be_attached()
    expect(phone.locator(".fresh")).to_have_count(0)
    phone.locator("#figures").click()
    expect(phone.locator(".fresh")).to_have_text("3")


def test_a_dialog_opens_and_closes(phone):
    open_point(phone)
    phone.get_by_role("button", name="交给同事").click()
    expect(phone.get_by_role("dialog")).to_be_visible()
    phone.get_by_role("button", name="关闭").click()
    expect(phone.get_by_role("dialog")).to_be_hidden()


def test_lost_signal_shows_in_the_delivery_chip(phone):
    open_point(phone)
    phone.context.set_offline(True)
    expect(phone.locator("[data-delivery]")).to_contain_text("没有网络")
    phone.context.set_offline(False)
    expect(phone.locator("[data-delivery]")).to_contain_text("已全部送达")
