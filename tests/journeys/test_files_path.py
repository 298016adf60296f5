"""Files of a form: with a plain file field, and where JavaScript runs sent as they are chosen."""

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, Route, expect

from tests.journeys import abuse_report
from tests.journeys.forms import fill_in
from tests.journeys.input_drivers import InputDriver, Keyboard, Pointer
from tests.journeys.people import Join, Someone
from tests.journeys.test_questions_path import ADVICE
from tests.journeys.test_saved_path import SAVE, comes_back, saves

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
LINK = "https://www.instagram.com/p/C1a2B3c4D5e/"
LETTER = (
    b"From: a@example.org\r\nTo: b@example.org\r\nSubject: Hello\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nWhat they wrote\r\n"
)
ANY_WAY = pytest.mark.parametrize(
    ("driver", "javascript"),
    [
        pytest.param(Pointer, True, id="with-a-pointer"),
        pytest.param(Keyboard, True, id="with-the-keyboard-only"),
        pytest.param(Pointer, False, id="without-javascript"),
    ],
)


def screenshot(name: str = "screenshot.png", size: int = 64) -> FilePayload:
    """Return a picture as a person chooses it."""
    made = io.BytesIO()
    Image.effect_noise((size, size), 50).save(made, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": made.getvalue()}


def letter(name: str = "letter.eml") -> FilePayload:
    """Return an email."""
    return {"name": name, "mimeType": "message/rfc822", "buffer": LETTER}


def web_page(name: str = "page.html") -> FilePayload:
    """Return what is not taken."""
    return {"name": name, "mimeType": "text/html", "buffer": b"<html><script>alert(1)</script></html>"}


def file(someone: Someone, name: str) -> Locator:
    """Return the row of a file."""
    return someone.main.locator(".signpost-file").filter(has_text=name)


async def chooses(someone: Someone, label: str, *files: FilePayload, javascript: bool = True) -> None:
    """Choose files; without JavaScript, add them by the button."""
    await someone.main.get_by_label(label, exact=True).set_input_files(list(files))
    if not javascript:
        await someone.driver.press("Add the files")
        return
    for one in files:
        await expect(file(someone, one["name"]).locator(".signpost-file__state")).to_contain_text("Ready to send")


async def removes(someone: Someone, name: str, *, javascript: bool = True) -> None:
    """Remove a file, by the keyboard; without JavaScript, the page comes again without it."""
    if javascript:
        await someone.main.get_by_role("button", name=f"Remove {name}").press("Enter")
    else:
        await someone.driver.press(f"Remove {name}")
    await expect(file(someone, name)).to_have_count(0)


async def are_added(someone: Someone, *, javascript: bool = True) -> None:
    """Wait on the page of what was sent until no file is being added; without JavaScript, by its link."""
    again = someone.main.get_by_role("link", name="Check again")
    while not javascript and await again.count():
        await again.click()
    await expect(again).to_have_count(0)


async def sees_by_itself_that_they_are_added(someone: Someone) -> None:
    """Open the page of what was sent while files are being added, as far as it says, and stay until they are there."""
    being_added = True

    async def slowly(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        if being_added:
            text = text.replace("data-sent-files", "data-sent-files data-adding").replace("We have:", "We are adding:")
        await route.fulfill(response=answer, body=text)

    address = "**/report/abuse/sent"
    await someone.page.route(address, slowly)
    await someone.open("/report/abuse/sent")
    await someone.reads("We are adding:")
    being_added = False
    await someone.reads("We have:")
    await expect(someone.main.get_by_role("status")).to_have_text("3 of 3 files added")
    await someone.page.unroute(address)


async def comes_to_the_evidence(someone: Someone) -> None:
    """Answer what is asked before."""
    await someone.open("/report/abuse")
    await abuse_report.where_and_what(someone.driver)
    await someone.driver.press("Continue")
    await someone.driver.write("What happened?", abuse_report.NARRATIVE)
    await someone.driver.press("Continue")


@ANY_WAY
async def test_files_and_what_was_seen_at_a_link_are_sent_with_a_report(
    join: Join, driver: Callable[[Page], InputDriver], javascript: bool
) -> None:
    priya = await join("Priya Shah", driver=driver, javascript=javascript)
    await comes_to_the_evidence(priya)
    await priya.looks("files, none yet")
    await priya.driver.tick("Screenshots")
    await chooses(priya, "Add files", screenshot("first.png"), screenshot("second.png"), javascript=javascript)
    await priya.looks("files, two added")
    await removes(priya, "first.png", javascript=javascript)
    await priya.driver.unfold(f"Link 1: {LINK}")
    await priya.driver.write("What you saw at link 1", "A picture of my house")
    await chooses(priya, "Screenshot of link 1", screenshot("house.png"), javascript=javascript)
    await expect(file(priya, "house.png")).to_contain_text(re.compile("of link 1", re.IGNORECASE))
    await priya.looks("files, of a link")
    await priya.driver.press("Continue")
    await priya.driver.choose("No")
    await priya.driver.press("Continue")
    await abuse_report.in_my_name(priya.driver)
    await priya.reads("Screenshots", "second.png", "house.png", "of link 1", "Seen at link 1: A picture of my house")
    await priya.looks("files, check your answers")
    await priya.driver.press("Send report")
    await abuse_report.reference_on(priya.page)
    await are_added(priya, javascript=javascript)
    await priya.reads("We have:", "second.png", "house.png", "What was seen at link 1.txt")
    await priya.finds_nothing_of("first.png", "was sent without")
    await priya.looks("files, sent")
    if javascript:
        await sees_by_itself_that_they_are_added(priya)


@ANY_WAY
async def test_a_file_that_is_not_taken_is_named_and_the_others_go_on(
    join: Join, driver: Callable[[Page], InputDriver], javascript: bool
) -> None:
    someone = await join("Kim Doyle", driver=driver, javascript=javascript)
    await someone.open("/report/advice")
    await fill_in(someone, ADVICE[:2])
    field = someone.main.get_by_label("Files", exact=True)
    await field.set_input_files([screenshot("rules.png"), web_page()])
    if javascript:
        await expect(file(someone, "rules.png")).to_contain_text("Ready to send")
        await expect(file(someone, "page.html")).to_contain_text("Web pages cannot be sent")
        await someone.main.get_by_role("button", name=SAVE).press("Enter")
        await expect(someone.main.get_by_role("button", name="Remove page.html")).to_be_focused()
        await expect(someone.main.get_by_role("status")).to_contain_text("page.html was not sent")
        await someone.looks("files, one is not taken")
        await removes(someone, "page.html")
    else:
        await someone.driver.press("Continue")
        await someone.reads("page.html: Web pages cannot be sent")
        await someone.looks("files, one is refused")
    await someone.driver.press("Continue")
    await fill_in(someone, ADVICE[3:])
    await someone.reads("rules.png")
    await someone.finds_nothing_of("page.html")


async def test_an_anonymous_reporter_is_warned_of_an_email_and_may_save_and_come_back(join: Join) -> None:
    someone = await join()
    await comes_to_the_evidence(someone)
    await chooses(someone, "Add files", letter(), screenshot())
    code = await saves(someone)
    other = await join()
    await comes_back(other, code)
    await expect(file(other, "letter.eml")).to_be_visible()
    await other.driver.press("Continue")
    await other.driver.choose("No")
    await other.driver.press("Continue")
    await abuse_report.anonymously(other.driver)
    await other.reads("We cannot remove from an email who sent it", "letter.eml")
    await other.looks("files, an email of an anonymous reporter")
    await other.driver.press("Send report")
    await abuse_report.reference_on(other.page)
    await are_added(other)
    await other.reads("We have:", "screenshot.png", "was sent without these files", "letter.eml")
    await other.looks("files, an email of an anonymous reporter is not sent")


async def test_an_upload_that_is_cut_goes_on_and_the_form_waits_for_it(join: Join) -> None:
    someone = await join("Priya Shah")
    await comes_to_the_evidence(someone)
    cut = 0

    async def cutting(route: Route) -> None:
        nonlocal cut
        if route.request.method == "PATCH" and cut < 2:
            cut += 1
            await route.abort()
        else:
            await route.continue_()

    await someone.page.route("**/report/uploads/**", cutting)
    await someone.main.get_by_label("Add files", exact=True).set_input_files([screenshot("long.png", 600)])
    await someone.driver.press("Continue")
    await someone.reads("Do you know who did it?")
    assert cut == 2
    await someone.open("/report/abuse/evidence")
    await expect(file(someone, "long.png")).to_be_visible()
