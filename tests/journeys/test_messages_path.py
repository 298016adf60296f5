"""A reporter and the team write to one another: with files, without scripts, by keyboard, and when it gets long."""

import pytest
from playwright.async_api import FilePayload, Route, expect

from tests.journeys.input_drivers import Keyboard
from tests.journeys.long_things import LONG_LINK, LONG_TEXT
from tests.journeys.people import DESK, TELEPHONE, WIDE_TELEPHONE, Join, Someone
from tests.journeys.reports import ABUSE, Program, Sent
from tests.journeys.test_files_path import chooses, file, removes, screenshot

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
QUESTION = "Can you show us what they wrote?"
FILES = "Files, if you have any"


def _program() -> FilePayload:
    return {"name": "run.png", "mimeType": "image/png", "buffer": b"MZ\x90\x00" + bytes(500)}


def _note() -> FilePayload:
    return {"name": "note.txt", "mimeType": "text/plain", "buffer": b"What they wrote to me"}


async def _is_asked(program: Program, sam: Someone) -> Sent:
    """Send a report, and let Sam ask its reporter something."""
    sent = await program.send("abuse", ABUSE)
    await sam.waits_for("/cases", sent.reference)
    await sam.claims(sent.reference)
    await sam.driver.unfold("Ask for information")
    await sam.driver.write("What do you need to know?", QUESTION)
    await sam.driver.press("Ask the reporter")
    return sent


async def test_an_answer_with_three_files_stands_though_one_is_refused_without_scripts(
    program: Program, join: Join
) -> None:
    sam, priya = await join("Sam Reid"), await join("Priya Shah", javascript=False)
    sent = await _is_asked(program, sam)
    await priya.waits_for(f"/report/track/{sent.reference}", QUESTION, "Waiting for your answer")
    await priya.driver.write("Your answer", "Here it is.")
    await priya.main.get_by_label(FILES, exact=True).set_input_files([screenshot("screen.png"), _note(), _program()])
    await priya.driver.press("Send")
    await priya.reads("The rest of what you sent has arrived", "run.png: Programs cannot be sent")
    await priya.looks("status, one file refused")
    await priya.open(f"/report/track/{sent.reference}")
    await priya.reads("You answered", "Here it is.", "screen.png", "note.txt")
    await priya.driver.press("Remove note.txt (21 bytes)")
    await priya.reads("screen.png")
    await priya.finds_nothing_of("note.txt")
    await sam.waits_for(f"/cases/{sent.reference}/conversation", "Here it is.")


async def test_files_of_an_answer_go_ahead_of_it_with_the_keyboard_and_a_cut_connection(
    program: Program, join: Join
) -> None:
    sam = await join("Sam Reid")
    priya = await join("Priya Shah", driver=Keyboard, widths=(TELEPHONE, WIDE_TELEPHONE, DESK))
    sent = await _is_asked(program, sam)
    await priya.waits_for(f"/report/track/{sent.reference}", QUESTION)
    cut = 0

    async def cutting(route: Route) -> None:
        nonlocal cut
        if route.request.method == "PATCH" and not cut:
            cut += 1
            await route.abort()
        else:
            await route.continue_()

    await priya.page.route("**/report/uploads/**", cutting)
    await chooses(priya, FILES, screenshot("screen.png", 600), screenshot("wrong.png"))
    assert cut == 1
    await priya.main.get_by_label(FILES, exact=True).set_input_files([_program()])
    await expect(file(priya, "run.png")).to_contain_text("Programs cannot be sent")
    await priya.driver.write("Your answer", "Here it is.")
    await priya.main.get_by_role("button", name="Send", exact=True).press("Enter")
    await expect(priya.main.get_by_role("button", name="Remove run.png")).to_be_focused()
    await priya.looks("status, files of an answer")
    await priya.page.emulate_media(forced_colors="active")
    await priya.looks("status, files of an answer, forced colours")
    await priya.page.emulate_media(forced_colors="none")
    for name in ("run.png", "wrong.png"):
        await removes(priya, name)
    await priya.driver.press("Send")
    await priya.reads("You answered", "Here it is.", "screen.png")
    await priya.finds_nothing_of("wrong.png", "run.png", within=priya.main)
    await sam.waits_for(f"/cases/{sent.reference}/evidence", "1. Picture")


async def test_a_long_conversation_is_read_and_continued_with_the_keyboard_alone(program: Program, join: Join) -> None:
    sam, priya = await join("Sam Reid"), await join("Priya Shah", driver=Keyboard)
    sent = await _is_asked(program, sam)
    for text in (LONG_TEXT, LONG_LINK, "Third", "Fourth", "Fifth"):
        await program.ask("S1001", f"/report/api/v1/reports/{sent.reference}/messages", {"text": text})
    await priya.waits_for(f"/report/track/{sent.reference}", QUESTION, "Fifth")
    await priya.driver.follow("Go to the newest message")
    assert await priya.page.evaluate("document.activeElement.id") == "newest"
    await priya.driver.write("Your message to the team", "And one more thing.")
    await priya.main.get_by_label(FILES, exact=True).set_input_files([screenshot("late.png")])
    await priya.driver.press("Send")
    await priya.reads("And one more thing.", "late.png")
    await priya.looks("status, a long conversation")
    for width in (390, 320):
        await priya.page.set_viewport_size({"width": width, "height": 844})
        assert await priya.page.evaluate("document.documentElement.scrollWidth") <= width
    await priya.page.emulate_media(forced_colors="active")
    await priya.looks("status, a long conversation, forced colours")
    await priya.page.emulate_media(forced_colors="none")
