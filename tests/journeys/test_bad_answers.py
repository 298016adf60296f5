"""Mistakes and faults while filling in the form: nothing typed is lost, and nothing is sent twice."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from shared.clock import SystemClock
from tests.journeys import abuse_report
from tests.journeys.input_drivers import Pointer
from tests.support.browser import Visitor, person
from tests.support.embedded import EmbeddedSignpost

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
HUNDRED_KB = 100 * 1024
TEXT = "They said it again. "
LIMIT = 50_000
_BESIDE = """message => {
  for (let at = document.activeElement; at; at = at.parentElement)
    if (at.matches('.govuk-form-group') && at.innerText.includes(message)) return true;
  return false;
}"""


async def refused(visitor: Visitor, message: str) -> None:
    """Find `message` in the summary; its link leads to the field, which shows it again."""
    await expect(visitor.page).to_have_title(re.compile("^Error: "))
    await visitor.page.get_by_role("alert").get_by_role("link", name=message, exact=True).click()
    assert await visitor.page.evaluate(_BESIDE, message), f"the field is not where {message!r} leads"


async def kept(page: Page, **fields: str) -> None:
    """Find the typed text in its field, by the field's label."""
    for label, text in fields.items():
        await expect(page.get_by_label(label.replace("_", " "), exact=True)).to_have_value(text)


async def empty(visitor: Visitor, name: str, message: str) -> None:
    """Go on without an answer."""
    await Pointer(visitor.page).press("Continue")
    await refused(visitor, message)
    await visitor.see(f"refused, {name}")


async def up_to_what_happened(page: Page) -> Pointer:
    """Fill in the form up to the narrative."""
    driver = Pointer(page)
    await page.goto("/report/abuse")
    await abuse_report.where_and_what(driver)
    await driver.press("Continue")
    return driver


async def reports_listed(page: Page) -> int:
    """Count the reports on the page of a person who is signed in."""
    await page.goto("/report/track")
    return await page.get_by_role("link", name=re.compile("^SP-")).count()


async def test_an_empty_answer_comes_back_with_what_to_do_beside_it(
    signpost: EmbeddedSignpost, browser: Browser
) -> None:
    async with person(browser, signpost.url) as visitor:
        driver, page = Pointer(visitor.page), visitor.page
        await page.goto("/report/abuse")
        await empty(visitor, "safety", "Select whether it is safe for you to report now")
        await driver.choose("Yes, I can report now")
        await driver.press("Continue")
        await empty(visitor, "affected", "Select who is affected")
        await driver.tick("Me")
        await driver.press("Continue")
        await empty(visitor, "where", "Select where it happened")
        await driver.pick("Website or app", "Instagram")
        await driver.press("Continue")
        await empty(visitor, "kind", "Select what kind of abuse it is")
        await driver.tick("Harassment")
        await driver.press("Continue")
        await empty(visitor, "at risk", "Select what else is at risk, or ‘None of these’")
        await driver.tick("None of these, or I do not know")
        await driver.press("Continue")
        await driver.press("Continue")
        await empty(visitor, "what happened", "Tell us what happened")
        await driver.write("What happened?", TEXT)
        await driver.press("Continue")
        await driver.press("Continue")
        await empty(visitor, "who did it", "Select whether you know who did it")
        await driver.choose("No")
        await driver.press("Continue")
        await empty(visitor, "about you", "Select how you want to report")
        await driver.choose("In my name")
        await driver.press("Continue")
        await empty(visitor, "contact", "Enter your name, or sign in")
        await driver.write("Your name", "Kit Marsh")
        await driver.press("Continue")
        await empty(visitor, "manager", "Select whether it is safe for your manager to know")
        await driver.choose("Tell someone else instead")
        await driver.press("Continue")
        await refused(visitor, "Enter the work email address of the person to tell")


async def test_what_is_no_link_comes_back_with_every_other_answer(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        driver, page = Pointer(visitor.page), visitor.page
        await page.goto("/report/abuse")
        await driver.choose("Yes, I can report now")
        await driver.press("Continue")
        await driver.tick("Me")
        await driver.press("Continue")
        await driver.pick("Website or app", "Instagram")
        await driver.pick("What was it?", "A private message")
        await driver.write("Links to it", "https://www.instagram.com/p/C1/\nnot a link at all")
        await driver.write("Accounts that did it", "@some_account")
        await driver.choose("I am not sure")
        await driver.press("Continue")
        await refused(visitor, "Enter links like https://www.example.com/post/123, one on each line")
        await visitor.see("refused, no link")
        await kept(page, Links_to_it="https://www.instagram.com/p/C1/\nnot a link at all")
        await kept(page, Website_or_app="instagram", Accounts_that_did_it="@some_account")
        await expect(page.get_by_role("radio", name="I am not sure")).to_be_checked()


async def test_a_day_to_come_and_no_day_at_all_come_back(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        driver, page = Pointer(visitor.page), visitor.page
        await page.goto("/report/abuse")
        await abuse_report.where_and_what(driver)
        future = SystemClock().now() + timedelta(days=400)
        for part, number in (("Day", future.day), ("Month", future.month), ("Year", future.year)):
            await driver.write(part, str(number))
        await driver.press("Continue")
        await refused(visitor, "When it happened must be in the past")
        await visitor.see("refused, future")
        await kept(page, Day=str(future.day), Month=str(future.month), Year=str(future.year))
        await driver.write("Day", "31")
        await driver.write("Month", "2")
        await driver.press("Continue")
        await refused(visitor, "When it happened must be a real date, for example 27 3 2026")
        await driver.write("Year", "")
        await driver.press("Continue")
        await refused(visitor, "When it happened must include a year")
        await kept(page, Day="31", Month="2")


async def test_far_too_much_and_hidden_characters_come_back_whole(signpost: EmbeddedSignpost, browser: Browser) -> None:
    too_long = f"What happened must be {LIMIT:,} characters or fewer"
    hidden = "A hidden character (U+0000 NULL) was taken out. Check the text, then continue."
    cases = (
        (TEXT * 2 + "a" * HUNDRED_KB, None, too_long),
        ("🙁" * (LIMIT + 1), None, too_long),
        ("before\x00after", "beforeafter", hidden),
    )
    async with person(browser, signpost.url) as visitor:
        driver = await up_to_what_happened(visitor.page)
        for written, shown, message in cases:
            await driver.write("What happened?", written)
            await driver.press("Continue")
            await refused(visitor, message)
            await kept(visitor.page, **{"What happened?": shown or written})
        await visitor.see("refused, null character")
        await driver.write("What happened?", "a" * (LIMIT - 1))
        await expect(visitor.page.get_by_text("You have 1 character remaining").first).to_be_visible()


async def test_a_hundred_kilobytes_of_emoji_are_short_enough_counted_as_people_count(
    signpost: EmbeddedSignpost, browser: Browser
) -> None:
    narrative = TEXT * 2 + "🙁" * (HUNDRED_KB // len("🙁".encode()))
    async with person(browser, signpost.url) as visitor:
        driver = await up_to_what_happened(visitor.page)
        await driver.write("What happened?", narrative)
        await driver.press("Continue")
        await expect(visitor.page.get_by_role("heading", name="What evidence is there?")).to_be_visible()
        await visitor.page.goto("/report/abuse/what-happened")
        await kept(visitor.page, **{"What happened?": narrative})


@pytest.mark.policy("Sc-b")
async def test_the_code_of_an_anonymous_report_opens_its_page_elsewhere(
    signpost: EmbeddedSignpost, browser: Browser
) -> None:
    async with person(browser, signpost.url, javascript=False) as visitor:  # so that the second click is sent too
        driver = await up_to_what_happened(visitor.page)
        await visitor.page.goto("/report/abuse/when")
        await abuse_report.when_and_how(driver)
        await abuse_report.anonymously(driver)
        await visitor.page.get_by_role("button", name="Send report").dblclick()
        reference = await abuse_report.reference_on(visitor.page)
        code = await visitor.page.locator("#receipt-code").inner_text()
        await visitor.see("report, sent, anonymous")
        await driver.follow("See where your report is")
        await expect(visitor.page.get_by_role("heading", name=reference)).to_be_visible()
    async with person(browser, signpost.url) as elsewhere:
        driver = Pointer(elsewhere.page)
        await elsewhere.page.goto(f"/report/track/{reference}")
        await expect(elsewhere.page.get_by_role("heading", name="Check a report")).to_be_visible()
        await driver.write("Reference", reference)
        await driver.write("Code", "ABCDE-ABCDE-ABCDE-ABCDE")
        await driver.press("Show my report")
        await refused(elsewhere, "Check the reference and the code. We cannot find a report with both")
        await elsewhere.see("track, wrong code")
        await driver.write("Code", code)
        await driver.press("Show my report")
        await expect(elsewhere.page.get_by_role("heading", name=reference)).to_be_visible()
        assert code not in elsewhere.page.url


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without-javascript"])
async def test_a_double_click_going_back_and_sending_again_are_one_report(
    signpost: EmbeddedSignpost, browser: Browser, javascript: bool
) -> None:
    async with person(browser, signpost.url, javascript=javascript) as visitor:
        page = visitor.page
        await visitor.sign_in("Nia Hughes")
        before = await reports_listed(page)
        driver = await up_to_what_happened(page)
        await page.goto("/report/abuse/when")
        await abuse_report.when_and_how(driver)
        await abuse_report.in_my_name(driver)
        await page.get_by_role("button", name="Send report").dblclick()
        reference = await abuse_report.reference_on(page)
        await page.reload()
        assert await abuse_report.reference_on(page) == reference
        await page.go_back()
        if await page.get_by_role("button", name="Send report").is_visible():
            await page.get_by_role("button", name="Send report").click()
            assert await abuse_report.reference_on(page) == reference
        assert await reports_listed(page) == before + 1


@pytest.mark.policy("S3")
async def test_answers_survive_signing_in_in_the_middle(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        page = visitor.page
        driver = await up_to_what_happened(page)
        await page.goto("/report/abuse/when")
        await abuse_report.when_and_how(driver)
        await driver.choose("In my name")
        await driver.press("Continue")
        await driver.follow("sign in")
        await driver.choose("Owen Clarke")
        await driver.press("Sign in")
        await kept(page, Your_name="Owen Clarke")
        await visitor.see("report, contact, signed in")
        await driver.press("Continue")
        await driver.choose("Yes, tell my manager")
        await driver.press("Continue")
        await expect(page.get_by_role("main")).to_contain_text(abuse_report.NARRATIVE.splitlines()[0])
        await driver.press("Send report")
        reference = await abuse_report.reference_on(page)
        await page.goto("/report/track")
        await expect(page.get_by_role("link", name=reference)).to_be_visible()
