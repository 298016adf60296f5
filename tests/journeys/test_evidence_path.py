"""Evidence on a case: nothing is shown until someone asks and says why; then step by step, a file is added, and the
whole case is exported.
"""

import io
import json
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from PIL import Image
from playwright.async_api import Page, Route, expect

from shared.audit import exports
from tests.journeys.input_drivers import InputDriver, Keyboard, Pointer
from tests.journeys.misuse_report import MANAGER_OF_SUBJECT
from tests.journeys.people import Join, Someone
from tests.journeys.reports import ABUSE, MISUSE, Program
from tests.services.triage.export.test_pdf import read
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
WHY = "To see whether it is a threat"
WORDS = "They wrote: we know where you work."
SUSPECT, HANDLE = "Zebedee Quill", "@zq_handle"
SHOWN = re.compile(rf"\[name \d] wrote it as {HANDLE}\.")
"""What the export says once it is chosen that the handle stays visible."""
NAMING = {
    **ABUSE,
    "content_state": "online",
    "suspected": [{"relation": "public", "name": SUSPECT, "handle": HANDLE}],
    "narrative": f"{SUSPECT} wrote it as {HANDLE}.",
}


def picture() -> bytes:
    """Return a picture of two colours."""
    drawn = Image.new("RGB", (640, 400), "#1d70b8")
    drawn.paste("#f47738", (200, 100, 440, 300))
    written = io.BytesIO()
    drawn.save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    ("driver", "javascript"),
    [pytest.param(Keyboard, True, id="keyboard"), pytest.param(Pointer, False, id="without-javascript")],
)
async def test_a_responder_sees_evidence_as_far_as_they_ask(
    program: Program, join: Join, driver: Callable[[Page], InputDriver], *, javascript: bool
) -> None:
    sent = await program.send("abuse", NAMING)
    sam = await join("Sam Reid", driver=driver, javascript=javascript)
    tab = f"/cases/{sent.reference}/evidence"
    await sam.waits_for(tab, "No one has added evidence yet", "Capture it before it disappears")
    await sam.looks("evidence, none yet")
    await program.attach(sent.reference, "seen.png", picture())
    await program.attach(sent.reference, "said.txt", WORDS.encode())
    await sam.waits_for(tab, "1. Picture", "2. Text")
    await sam.finds_nothing_of("Capture it before", "seen.png", "<img", within=sam.main)
    await sam.driver.unfold("Open piece 1")
    await sam.driver.press("Show a preview")
    await sam.is_refused(f"evidence, {driver.__name__}", "Say why you open it")
    await sam.open(tab)
    await _previews(sam)
    await sam.driver.unfold("Custody of piece 1")
    await sam.reads("Added by the reporter", "Preview opened (sharp, colour) by you", f"Why: {WHY}")
    await sam.looks(f"evidence, sharp and in colour, {driver.__name__}")
    await _downloads(sam, tab)
    await _adds(sam, tab, 3, javascript=javascript)
    await sam.page.emulate_media(forced_colors="none")
    await _exports(sam, f"/cases/{sent.reference}/export", javascript=javascript)


async def _exports(sam: Someone, page: str, *, javascript: bool) -> None:
    """See the case with others masked, let one word stay visible, and check the archive as its recipient would."""
    await sam.open(page)
    await sam.driver.choose("The police")
    await sam.driver.write("Why do they get it?", "Their request of Monday")
    await sam.driver.press("Continue to the preview")
    preview = sam.page.get_by_role("region", name="Preview of the PDF")
    await expect(preview).to_contain_text(re.compile(r"\[name \d] wrote it as \[account \d]\."))
    await sam.finds_nothing_of(SUSPECT, HANDLE, within=preview)
    await sam.looks(f"export, the preview, javascript {javascript}")
    if javascript:
        await sam.looks_without_our_colours("export, the preview")
    await sam.driver.tick(HANDLE)
    await sam.driver.tick("1. Picture")
    await sam.driver.press("Update the preview")
    await expect(preview).to_contain_text(SHOWN)
    await sam.driver.press("Make the export")
    await sam.reads("The export is ready", "with 1 file of evidence")
    await sam.looks(f"export, ready, javascript {javascript}")
    _is_as_its_manifest_says(await sam.driver.download("Download the export"))


def _is_as_its_manifest_says(export: bytes) -> None:
    assert exports.problems(io.BytesIO(export)) == []
    with ZipFile(io.BytesIO(export)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop(exports.MANIFEST))
    assert {one["name"]: one["sha256"] for one in manifest["members"]} == {
        name: sha256(content).hexdigest() for name, content in files.items()
    }
    assert manifest["statement"]["purpose"] == "police"
    assert picture() in files.values()
    printed = read(files["case.pdf"])
    assert SHOWN.search(printed)
    assert not [name for name, content in files.items() if SUSPECT.encode() in content], "it is masked everywhere"
    assert SUSPECT not in printed


async def _previews(sam: Someone) -> None:
    await sam.driver.unfold("Open piece 1")
    await sam.looks("evidence, about to open")
    await sam.driver.write("Why do you open piece 1?", WHY)
    await sam.driver.press("Show a preview")
    for shown, button in (("blurred, grey", "Sharpen"), ("sharp, grey", "In colour"), ("sharp, in colour", None)):
        await sam.reads(f"Preview, {shown}")
        drawn = sam.page.get_by_role("img", name=f"Preview of piece 1, {shown}")
        await expect(drawn).to_be_visible()
        box = await drawn.bounding_box()
        assert box, shown
        assert box["height"] > 100, f"{shown}: there is no picture"
        if button:
            await sam.driver.press(button)


async def _downloads(sam: Someone, tab: str) -> None:
    await sam.open(tab)
    await sam.driver.unfold("Open piece 2")
    await sam.page.get_by_label("Why do you open piece 2?").fill(WHY)
    async with sam.page.expect_download() as downloading:
        await sam.page.get_by_role("button", name="Download the original").click()
    path = await (await downloading.value).path()
    assert path.read_text("utf-8") == WORDS


async def _adds(someone: Someone, page: str, number: int, *, javascript: bool) -> None:
    """Add a file; where scripts run, one that is not taken is told on the page, and a cut connection goes on."""
    await someone.open(page)
    await someone.driver.unfold("Add a file")
    await someone.driver.write("What do you add, and why?", "The platform’s reply")
    await someone.driver.press("Continue to choose the file")
    await someone.looks("evidence, about to add")
    field, add = someone.page.get_by_label("Choose a file"), someone.page.get_by_role("button", name="Add the file")
    if javascript:
        await add.press("Enter")
        await expect(field).to_be_focused()
        await expect(someone.page.get_by_role("region", name="Add a file").get_by_role("status")).to_have_text(
            "Choose a file"
        )
        await field.set_input_files({"name": "run.exe", "mimeType": "image/png", "buffer": b"MZ" + bytes(500)})
        await add.press("Enter")
        await someone.reads("Programs cannot be sent")
        await someone.looks("evidence, a file that is not taken")
        await someone.page.route("**/report/uploads/**", _cutting())
    await field.set_input_files({"name": "reply.png", "mimeType": "image/png", "buffer": picture()})
    await someone.driver.write("What does it show? (optional)", "They say that it breaks no rule")
    await someone.driver.press("Add the file")
    await someone.reads("The file was added")
    await someone.waits_for(page, f"{number}. Picture", "From the team")
    await someone.page.emulate_media(forced_colors="active")
    await someone.looks("evidence, forced colours")


def _cutting() -> Callable[[Route], Awaitable[None]]:
    """Return what cuts the first part of a file."""
    cut = 0

    async def answer(route: Route) -> None:
        nonlocal cut
        cut += route.request.method == "PATCH"
        await (route.abort() if cut == 1 and route.request.method == "PATCH" else route.continue_())

    return answer


async def test_each_address_works_once_and_gives_what_was_asked_for(program: Program) -> None:
    sent = await program.send("abuse", ABUSE)
    await program.attach(sent.reference, "seen.png", picture())
    case = await program.case("S4001", sent.report_id)
    evidence = f"/cases/api/v1/cases/{case.case_id}/evidence"

    async def one_is_listed() -> dict[str, Any] | None:
        return next(iter((await program.ask("S4001", evidence))["items"]), None)

    item = await eventually(one_is_listed)
    there = f"{evidence}/{item['evidence_id']}/open"
    async with httpx.AsyncClient() as stranger:
        original = await program.ask("S4001", there, {"purpose": WHY})
        first, again = await stranger.get(original["url"]), await stranger.get(original["url"])
        assert (first.status_code, again.status_code) == (200, 410)
        assert sha256(first.content).hexdigest() == item["sha256"]
        assert first.headers["content-disposition"].startswith("attachment")
        preview = await program.ask("S4001", there, {"purpose": WHY, "form": "preview"})
        shown = Image.open(io.BytesIO((await stranger.get(preview["url"])).content)).convert("RGB").tobytes()
        assert shown[0::3] == shown[1::3] == shown[2::3], "it is grey"
        exported = await program.ask("S4001", f"{evidence}/export", {"purpose": WHY})
        with ZipFile(io.BytesIO((await stranger.get(exported["url"])).content)) as files:
            assert item["sha256"] in {sha256(files.read(name)).hexdigest() for name in files.namelist()}
        allowed = await program.ask("S4001", evidence, {"purpose": "My own capture"})
        added = await stranger.post(allowed["upload_url"], files={"file": ("mine.png", picture())})
        assert added.status_code == httpx.codes.CREATED, added.text
        assert (await stranger.post(allowed["upload_url"], files={"file": ("b.png", picture())})).status_code == 410
    listed = (await program.ask("S4001", evidence))["items"][0]["custody"]
    assert [(done["action"], done["by"], done["form"]) for done in listed] == [
        ("added", "reporter", None),
        ("opened", "S4001", "original"),
        ("opened", "S4001", "preview"),
        ("exported", "S4001", None),
    ]


async def test_the_manager_of_a_misuse_case_sees_its_evidence(program: Program, join: Join) -> None:
    sent = await program.send("misuse", {**MISUSE, "subject": {"staff_id": "S1002", "name": "Tom Evans"}}, "S8003")
    await program.attach(sent.reference, "post.png", picture(), "S8003")
    grace = await join(MANAGER_OF_SUBJECT)
    page = f"/cases/for-manager/{sent.reference}"
    await grace.waits_for("/alerts/my-team", sent.reference)
    await grace.waits_for(page, "1. Picture")
    await grace.driver.unfold("Open piece 1")
    await grace.driver.press("Show a preview")
    await grace.is_refused("evidence for the manager", "Say why you open it")
    await grace.driver.write("Why do you open piece 1?", "To talk about it")
    await grace.driver.press("Show a preview")
    await grace.reads("Preview, blurred, grey")
    await grace.looks("evidence for the manager")
    await _adds(grace, page, 2, javascript=True)
    await grace.finds_nothing_of("S8003", "Kim Doyle", within=grace.main)
