"""Every other page behind sign-in: also empty, sent without an answer, and with far too much text on it."""

from collections.abc import Awaitable, Callable
from itertools import groupby

import pytest
from playwright.async_api import Page, expect

from tests.journeys.long_things import LONG_LINK, LONG_TEXT, LONG_WORD
from tests.journeys.people import DESK, TELEPHONE, Join, Someone
from tests.journeys.reports import ABUSE, INCIDENT, MISUSE, Program
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
PAGES = (
    ("Aisha Khan", "/cases/for-manager/SP-0000-0000", "There is no such case here"),
    ("Amir Rahman", "/cases?team=advice_centre&platform=bluesky", "No case matches"),
    ("Ellie Moss", "/accounts/waiting", "You have no tasks"),
    ("Ellie Moss", "/accounts/declare", "Declare an existing account"),
    ("Ellie Moss", "/accounts/requests?state=withdrawn", "No requests"),
    ("Ellie Moss", "/alerts/my-team/findings/new", "You do not manage anyone"),
    ("Joan Whitby", "/cases?view=restricted", "No restricted case names you"),
    ("Kim Doyle", "/accounts/training/import", "Import training records"),
    ("Kim Doyle", "/accounts/requests?state=refused", "No requests"),
    ("Owen Clarke", "/accounts/proxies", "No proxies"),
    ("Piotr Nowak", "/report/supplier-incident", "About your organisation"),
    ("Ruth Bell", "/cases/operations/dead-letters", "No dead letters to settle"),
    ("Ruth Bell", "/alerts/operations/dead-letters", "No dead letters to settle"),
    ("Ruth Bell", "/report/operations/dead-letters", "No dead letters to settle"),
)
FORMS = (
    ("Aisha Khan", "/cases/rules?reference=nothing", None, ("Enter a reference like SP-7K3M-Q9XC",)),
    (
        "Helen Marsh",
        "/alerts/my-team/findings/new",
        "Record it",
        ("Choose who it is about", "Choose what you found", "Enter the day on which you found it, like 23 11 2026"),
    ),
    (
        "Ellie Moss",
        "/accounts/declare",
        "Continue",
        (
            "Choose a platform",
            "Enter a handle, or the address of a profile",
            "Choose what kind of account it is",
            "Enter the strategic business requirement that it fulfils",
            "Enter what it will be used for",
        ),
    ),
    ("Kim Doyle", "/accounts/training/import", "Import", ("Paste the lines of a CSV file, its header first",)),
    ("Kim Doyle", "/accounts/import", "Import", ("Paste the lines of a CSV file, its header first",)),
    (
        "Kim Doyle",
        "/accounts/new",
        "Register",
        ("Choose a platform", "Enter a handle, or the address of a profile", "Choose what kind of account it is"),
    ),
    (
        "Owen Clarke",
        "/accounts/proxies/new",
        "Name the proxy",
        ("Enter the staff ID of your proxy", "Enter the first day", "Enter the last day", "Enter why you have a proxy"),
    ),
)


_ROWS_THAT_FIT = """() => {
  const rows = [...document.querySelectorAll("[data-row]")].map((row) => row.getBoundingClientRect());
  const heights = rows.map((row) => row.height).sort((one, other) => one - other);
  return Math.floor((innerHeight - rows[0].top) / heights[Math.floor(heights.length / 2)]);
}"""
"""How many usual rows a window has room for, from the first one on; a row with many marks may be higher."""
_MARK_MUCH = """() => document.querySelector(".signpost-marks").replaceChildren(
  ...["Task overdue", "Evidence", "Restricted", "Withdrawal", "Campaign"].map((words) => {
    const mark = document.createElement("span");
    mark.className = "signpost-mark";
    mark.textContent = words;
    return mark;
  })
)"""
"""Gives the first case more marks than most will ever have."""
_OUT_OF_SIGHT = """() => [...document.querySelectorAll("[data-row]")].flatMap((row) => {
  const edge = row.closest(".signpost-wide").getBoundingClientRect().right + 1;
  const what = row.querySelector(".signpost-queue__what").getBoundingClientRect();
  const cut = [...row.cells].some((cell) => cell.getBoundingClientRect().right > edge);
  return cut || what.width < 9 * 16 ? [row.innerText] : [];
})"""
"""Rows of the queue of which a part is out of sight, or of which one cannot read what the case is about."""


async def test_every_page_says_what_is_there_or_will_be(join: Join) -> None:
    for name, pages in groupby(PAGES, key=lambda page: page[0]):
        someone = await join(name)
        for _, address, said in pages:
            await someone.open(address)
            await someone.reads(said)
            await someone.looks(f"page {address}")


async def test_every_form_says_what_is_missing(join: Join) -> None:
    for name, address, button, messages in FORMS:
        someone = await join(name)
        await someone.open(address)
        if button:
            await someone.driver.press(button)
        await someone.is_refused(f"page {address}", *messages)


async def test_why_a_report_went_where_it_went_can_be_asked(program: Program, join: Join) -> None:
    sent = await program.send("incident", {**INCIDENT, "asset_owner": "unsure", "behaviours": ["threat"]})
    aisha = await join("Aisha Khan")
    await program.case("S4002", sent.report_id)
    await aisha.open("/cases/rules")
    await aisha.driver.write("Reference of a case", sent.reference)
    await aisha.driver.press("Explain")
    await aisha.reads("It was sent using the security form", "abuse-through-the-security-form", "Statement 3", "Yes")
    await aisha.looks("rules, why did this go there")


async def test_far_too_long_words_names_and_links_break_no_page(program: Program, join: Join) -> None:
    long_report = {
        **ABUSE,
        "platform": "other",
        "platform_name": LONG_WORD,
        "narrative": LONG_TEXT,
        "urls": [LONG_LINK],
        "handles": [f"@{LONG_WORD}"],
        "suspected": [{"relation": "customer", "name": LONG_WORD, "handle": LONG_WORD}],
        "affected": [{"relation": "colleague", "name": LONG_WORD}],
        "safe_contact": LONG_TEXT[:3_000],
    }
    sent = await program.send("abuse", long_report)
    sam, priya = await join("Sam Reid"), await join("Priya Shah")
    await sam.waits_for("/cases", sent.reference)
    await sam.looks("queue, long")
    for width in (1440, 1280, 1024):
        await sam.page.set_viewport_size({"width": width, "height": 900})
        await sam.page.evaluate(_MARK_MUCH)
        assert await sam.page.evaluate(_OUT_OF_SIGHT) == [], f"{width} pixels"
    await sam.page.set_viewport_size({"width": DESK, "height": 900})
    await _writes_to_many(sam, sent.reference)
    await _chooses_by_keys(sam.page, sent.reference, sam.looks)
    await _claims_by_keys(sam.page, sent.reference)
    await sam.driver.press("Show what was written")
    await sam.looks("case, long")
    for action, label, button in (
        ("Internal note", "Internal note", "Add internal note"),
        ("Message to the reporter", "Message to the reporter", "Send to the reporter"),
    ):
        await sam.open(f"/cases/{sent.reference}")
        await sam.driver.unfold(action)
        await sam.driver.write(label, LONG_TEXT)
        await sam.driver.press(button)
    for tab in ("", "/conversation", "/timeline", "/routing", "/audit"):
        await sam.open(f"/cases/{sent.reference}{tab}")
        await sam.looks(f"case{tab}, long notes")
    await priya.waits_for(f"/report/track/{sent.reference}", LONG_WORD)
    await priya.looks("status, long")


async def _chooses_by_keys(page: Page, reference: str, looks: Callable[[str], Awaitable[None]]) -> None:
    """Move, choose and search by single keys: never in a field, and not once they are switched off."""
    await page.goto("/cases")
    link, shortcuts = page.get_by_role("link", name=reference, exact=True), page.get_by_role("dialog")
    row, press = page.get_by_role("row").filter(has=link), page.keyboard.press
    assert await page.evaluate(_ROWS_THAT_FIT) >= 14, "in a window 900 pixels high"
    for _ in range(50):
        if await link.evaluate("link => link === document.activeElement"):
            break
        await press("j")
    await press("x")
    await expect(row.get_by_role("checkbox")).to_be_checked()
    await expect(page.get_by_role("status").filter(has_text="1 chosen")).to_be_visible()
    await press("/")
    await page.keyboard.type("jo?")
    await expect(page.get_by_role("searchbox")).to_have_value("jo?")
    await press("Tab")
    await press("?")
    await expect(shortcuts).to_be_visible()
    await looks("shortcuts")
    await press("Space")
    await page.get_by_role("button", name="Close").click()
    await page.reload()
    await press("?")
    await expect(shortcuts).to_be_hidden()
    await page.get_by_role("button", name="Keyboard shortcuts").click()
    await page.get_by_role("checkbox", name="Use shortcuts").check()
    await press("?")
    await expect(shortcuts).to_be_hidden()


async def _claims_by_keys(page: Page, reference: str) -> None:
    """Claim in the queue, open the case, go back to its row, and begin to resolve it."""
    link, press = page.get_by_role("link", name=reference, exact=True), page.keyboard.press
    row = page.get_by_role("row").filter(has=link)
    await link.focus()
    await press("c")
    await page.wait_for_url(f"**/cases?done=claim&case={reference}#{reference}")
    await expect(row).to_contain_text("You")
    await expect(link).to_be_focused()
    await press("o")
    await page.wait_for_url(f"**/cases/{reference}")
    await press("g")
    await press("q")
    await page.wait_for_url(f"**/cases#{reference}")
    await expect(link).to_be_focused()
    await press("o")
    await page.wait_for_url(f"**/cases/{reference}")
    await press("n")
    await expect(page.get_by_label("How did it end?")).to_be_focused()
    back = page.get_by_role("link", name="Back to the queue", exact=True)
    await back.evaluate("link => link.addEventListener('click', () => (document.title = 'left'))")
    await back.focus()
    await press("g")
    await page.get_by_role("searchbox").focus()
    await page.keyboard.type("a page")
    await press("Tab")
    await press("q")
    assert await page.title() != "left", "what was written in between ended the combination"


async def _writes_to_many(sam: Someone, reference: str) -> None:
    await sam.driver.tick(f"Choose {reference}")
    await sam.driver.press("Message")
    await sam.looks("many cases, preview")
    await sam.driver.press("Message the reporters of 1 case")
    await sam.is_refused("many cases, no message", "Write what the reporters will read")
    await sam.driver.write("Message to each reporter", LONG_TEXT[:5_000])
    await sam.driver.press("Message the reporters of 1 case")
    await sam.reads("Message sent about 1 case", reference)
    await sam.looks("many cases, done")


async def test_a_view_is_saved_and_found_beside_the_queue(join: Join) -> None:
    amir = await join("Amir Rahman")
    await amir.open("/cases?platform=bluesky")
    await amir.driver.unfold("Save this view")
    await amir.driver.press("Save the view")
    await amir.is_refused("a view without a name", "Give the view a name")
    await amir.driver.write("Name of the view", "Skies")
    await amir.driver.press("Save the view")
    await amir.reads("The view is saved.", "Skies")
    await amir.looks("queue, a saved view")
    await amir.driver.follow("Rename or delete views")
    await amir.looks("saved views")
    await amir.looks_without_our_colours("saved views")
    without_scripts = await join("Amir Rahman", javascript=False, widths=(TELEPHONE,))
    await without_scripts.open("/cases/views")
    await without_scripts.reads("Skies")
    await without_scripts.looks("saved views, without scripts")
    await amir.driver.press("Delete Skies")
    await amir.reads("You have no saved view")


async def test_a_long_allegation_breaks_no_page_of_a_manager(program: Program, join: Join) -> None:
    subject = {"name": "Priya Shah", "staff_id": "S1001", "handle": LONG_WORD}
    long_report = {**MISUSE, "subject": subject, "narrative": LONG_TEXT, "urls": [LONG_LINK]}
    sent = await program.send("misuse", long_report, "S8003")
    grace = await join("Grace Okafor")
    await grace.waits_for(f"/cases/for-manager/{sent.reference}", "What is alleged")
    await grace.driver.press("Show what was written")
    await grace.looks("case for the manager, long")


async def test_a_long_request_breaks_no_page_of_the_register(join: Join) -> None:
    nia, judith = await join("Nia Hughes"), await join("Judith Lane")
    await nia.open("/accounts/requests/new")
    await nia.driver.pick("Platform", "LinkedIn")
    await _asks_at_length(nia)
    await nia.looks("request, long")
    await nia.open("/accounts/requests")
    await nia.looks("requests, long")
    await judith.open("/accounts/waiting")
    await judith.looks("tasks, long")


async def _asks_at_length(nia: Someone) -> None:
    await nia.driver.write("Handle or address", f"https://www.linkedin.com/company/{'a' * 90}")
    await nia.driver.choose("Official DWP account")
    await nia.driver.write("What it is called (optional)", LONG_WORD)
    await nia.driver.write("Which strategic business requirement does it fulfil?", LONG_TEXT[:1_900])
    await nia.driver.write("What will it be used for?", LONG_TEXT[:1_900])
    await nia.driver.press("Continue")
    await nia.looks("request form, long answers to check")
    await nia.driver.press("Send the request")
    await nia.reads("Waiting for an approver")


async def test_mails_of_long_reports_stay_six_lines(program: Program, join: Join) -> None:
    sent = await program.send("abuse", {**ABUSE, "narrative": LONG_TEXT, "urls": [LONG_LINK]})
    somebody = await join()

    async def mailed() -> bool | None:
        await somebody.open("/mail")
        return await somebody.page.get_by_role("link", name=sent.reference).first.is_visible() or None

    await eventually(mailed)
    await somebody.page.get_by_role("link", name=sent.reference).first.click()
    await somebody.finds_nothing_of(LONG_WORD)
    await somebody.looks("mail")
