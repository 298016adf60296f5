"""Every other page that people can meet, also on a telephone."""

from itertools import groupby

import pytest
from playwright.async_api import Browser, expect

from tests.journeys import abuse_report
from tests.journeys.input_drivers import Pointer
from tests.support.browser import Visitor, person
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
TELEPHONE = 320
DESK = 1280

EVERYBODY = {
    "/": "What has happened?",
    "/report/abuse/help-now": "Your safety comes first",
    "/report/track": "Check a report",
    "/policy?state=built": "The policy and what Signpost does about it",
    "/privacy": "What we keep, and for how long",
    "/cookies": "The cookies that we use",
    "/accessibility": "Accessibility statement",
    "/accounts/lookup": "Is it official?",
    "/accounts/official": "Official accounts",
    "/alerts/acknowledge/nothing-like-it": "This link does not work",
    "/sign-in": "Who do you want to sign in as?",
    "/sign-out": "Do you want to sign out?",
    "/nowhere": "Page not found",
}
SIGNED_IN = {
    ("Helen Marsh", "/alerts/my-team"): "Nothing to do",
    ("Ellie Moss", "/report/track"): "No reports yet",
    ("Maria Costa", "/cases?view=mine"): "You have no case",
    ("Maria Costa", "/cases?view=finished&platform=bluesky"): "No case matches",
    ("Helen Marsh", "/cases"): "You cannot do this",
    ("Aisha Khan", "/cases/rules"): "The rules in their order",
    ("Aisha Khan", "/cases/rules?state=retired"): "No rule matches",
    ("Aisha Khan", "/cases/rules?reference=nothing"): "Enter a reference like",
    ("Aisha Khan", "/cases/rules/try"): "Try a rule book on past reports",
    ("Ruth Bell", "/cases/operations"): "From accepted to resolved",
    ("Ruth Bell", "/cases/operations?days=30"): "Events on their way",
    ("Ruth Bell", "/report/operations/dead-letters?state=settled"): "Dead letters",
    ("Ruth Bell", "/accounts/operations/dead-letters"): "No dead letters to settle",
    ("Kim Doyle", "/accounts"): "Accounts",
    ("Kim Doyle", "/accounts?class=official"): "Filters",
    ("Kim Doyle", "/accounts/new"): "Register an account",
    ("Kim Doyle", "/accounts/import"): "Import accounts",
    ("Kim Doyle", "/accounts/requests"): "Requests for accounts",
    ("Kim Doyle", "/accounts/requests/new"): "Ask for an account",
    ("Kim Doyle", "/accounts/training"): "Training",
    ("Kim Doyle", "/accounts/waiting"): "Your tasks",
}


async def see(visitor: Visitor, address: str, said: str) -> None:
    await visitor.page.goto(address)
    await expect(visitor.page.get_by_role("main")).to_contain_text(said)
    for width in (TELEPHONE, DESK):
        await visitor.page.set_viewport_size({"width": width, "height": 900})
        await visitor.see(f"page {address} {said} {width}")
        await visitor.fits()


async def test_pages_for_everybody_can_be_read_by_everybody(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        for address, said in EVERYBODY.items():
            await see(visitor, address, said)


async def test_pages_behind_sign_in_say_what_will_appear_there(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        for who, pages in groupby(SIGNED_IN.items(), key=lambda page: page[0][0]):
            await visitor.sign_in(who)
            for (_, address), said in pages:
                await see(visitor, address, said)


async def test_an_account_is_official_or_it_is_not(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as visitor:
        driver, main = Pointer(visitor.page), visitor.page.get_by_role("main")
        answers = {"https://x.com/SampleDept": "Yes, this is", "@nobody_knows_this on Instagram": "No, this is not"}
        for account, said in answers.items():
            await visitor.page.goto("/accounts/lookup")
            await driver.write("Account", account)
            await driver.press("Check")
            await expect(main.get_by_role("region", name="Answer")).to_contain_text(said)
            await visitor.see(f"lookup, {said}")
        await visitor.page.goto("/accounts/lookup")
        await driver.press("Check")
        await expect(main).to_contain_text("There is a problem")
        await visitor.see("lookup, nothing typed")


async def test_a_manager_answers_from_the_list_of_alerts(signpost: EmbeddedSignpost, browser: Browser) -> None:
    async with person(browser, signpost.url) as tom, person(browser, signpost.url) as grace:
        await tom.sign_in("Tom Evans")
        await tom.page.goto("/report/abuse")
        driver = Pointer(tom.page)
        await abuse_report.where_and_what(driver)
        await abuse_report.when_and_how(driver)
        await abuse_report.in_my_name(driver)
        await driver.press("Send report")
        reference = await abuse_report.reference_on(tom.page)
        await grace.sign_in("Grace Okafor")
        answer = grace.page.get_by_role("button", name=f"I have seen this and will act on {reference}")

        async def told() -> bool | None:
            await grace.page.goto("/alerts/my-team")
            return await answer.is_visible() or None

        await eventually(told)
        await grace.see("my team, waiting")
        await answer.click()
        await expect(grace.page.get_by_role("definition").filter(has_text="Tom Evans").last).to_contain_text("will act")
        await expect(answer).to_be_hidden()
        await grace.see("my team, done")
