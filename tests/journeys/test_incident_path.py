"""Security incidents: SIRT's work on a taken-over account, and abuse through the security form."""

import re

import pytest
from playwright.async_api import expect

from tests.journeys.forms import NARRATIVE, fill_in, send
from tests.journeys.incident_report import LAPTOP, WHICH_FORM, WITH_ABUSE
from tests.journeys.people import Join, Someone
from tests.journeys.reports import INCIDENT, Program
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually
from tests.support.mails import caught_mails

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
LEO, AISHA, PRIYA = "Leo Grant", "Aisha Khan", "Priya Shah"
HANDLE, TITLE = "sampledept", "Sample Department"
TAKEN_OVER = {
    **INCIDENT,
    "effects": ["access"],
    "personal_data": "yes",
    "people_affected": 40,
    "still_happening": "yes",
    "account": {"platform": "x", "handle": "@SampleDept", "taken_over": "yes"},
}


@pytest.mark.policy("C-c", "Sc-b")
async def test_sirt_confirms_a_takeover_the_account_freezes_and_its_recovery_is_recorded(
    program: Program, join: Join
) -> None:
    sent = await program.send("incident", TAKEN_OVER)
    leo, kim = await join(LEO), await join("Kim Doyle")
    await leo.waits_for("/cases", sent.reference)
    await leo.claims(sent.reference)
    await leo.reads("P1", "Possible breach of personal data", "Registered accounts it names")
    await leo.looks("incident case, claimed")
    await _records_the_breach(leo)
    await _confirms_the_takeover(leo)
    await _finds_it_frozen_and_recovers_it(kim)
    await leo.open(f"/cases/{sent.reference}/timeline")
    await leo.reads("SIRT is aware of a breach of personal data", "Confirmed that an account is taken over")
    await leo.looks("incident case, timeline")


async def _records_the_breach(leo: Someone) -> None:
    await leo.driver.unfold("More actions")
    await leo.driver.unfold("Personal data: SIRT is aware")
    await leo.driver.press("Start the 72 hours")
    await leo.is_refused("incident case, breach", "Say what you know of the breach")
    await leo.driver.write("What do you know of the breach?", "Forty addresses were in the messages of the account.")
    await leo.driver.press("Start the 72 hours")
    await leo.reads("SIRT has been aware since", "whether the regulator, and the people affected, are told")
    await leo.looks("incident case, 72 hours")


async def _confirms_the_takeover(leo: Someone) -> None:
    await leo.driver.unfold("More actions")
    await leo.driver.unfold("Confirm that an account is taken over")
    await leo.driver.press("Confirm")
    await leo.is_refused("incident case, takeover", "Choose which accounts another person controls")
    await leo.page.get_by_role("checkbox").first.check()
    await leo.driver.press("Confirm")
    await leo.looks("incident case, takeover confirmed")


async def _finds_it_frozen_and_recovers_it(kim: Someone) -> None:
    await kim.open("/accounts?platform=x")
    await kim.page.get_by_role("link", name=HANDLE, exact=True).click()
    await kim.reads(TITLE)
    await kim.waits_for(kim.page.url, "Frozen")
    await kim.looks("account, frozen")
    await kim.open("/accounts/waiting")
    await kim.reads("Frozen accounts to recover")
    await kim.looks("tasks")
    await kim.main.get_by_role("link", name=re.compile(rf"^{HANDLE}\b")).click()
    await kim.driver.follow("Record its recovery")
    await kim.looks("account, recovery")
    await kim.driver.press("Record the recovery")
    await kim.is_refused("account, recovery", "Enter what was done")
    await kim.driver.write("What was done to get the account back?", "Password changed, every session ended.")
    await kim.driver.press("Record the recovery")
    await kim.reads("Live", "Password changed, every session ended.")
    await kim.looks("account, recovered")


@pytest.mark.policy("S3")
async def test_the_security_form_notices_abuse_and_offers_the_other_form_with_every_answer_kept(join: Join) -> None:
    priya = await join(PRIYA)
    await priya.open("/report/incident")
    await fill_in(priya, WITH_ABUSE, "incident")
    await _is_asked_how_many_people_unless_there_are_none(priya)
    await priya.reads("Social Media Abuse Response Team (SMART)")
    await priya.looks("incident form, which form")
    await priya.driver.press("Continue")
    await priya.is_refused("incident form, which form", *WHICH_FORM)
    await priya.driver.choose("Continue with the form for abuse")
    await priya.driver.press("Continue")
    await priya.looks("abuse form, after the switch")
    await _goes_through_what_is_open(priya)
    kept = ("A colleague", "Instagram", "Harassment", NARRATIVE.splitlines()[0], "Screenshots", LAPTOP)
    await priya.reads(*kept, "In my name", "Yes, tell my manager")
    await priya.looks("abuse form, check your answers after the switch")
    await send(priya)


async def _is_asked_how_many_people_unless_there_are_none(priya: Someone) -> None:
    asks = priya.page.url
    await priya.open("/report/incident/personal-data?change")
    number = priya.page.get_by_label("About how many people")
    await expect(number).to_be_visible()
    for answer, asked in (("No", False), ("I am not sure", True), ("No", False), ("Yes", True)):
        await priya.driver.choose(answer)
        await expect(number).to_be_visible(visible=asked)
    await priya.open(asks)


async def _goes_through_what_is_open(priya: Someone) -> None:
    """Answer the pages that the security form did not ask, and no others."""
    answers = {
        "Is it safe for you to report now?": "Yes, I can report now",
        "Do you know who did it?": "No",
    }
    asked = []
    while "/check" not in priya.page.url:
        heading = await priya.page.get_by_role("heading", level=1).inner_text()
        asked.append(heading)
        assert len(asked) < len(WITH_ABUSE), asked
        if heading in answers:
            await priya.driver.choose(answers[heading])
        await priya.driver.press("Continue")
    assert "What happened?" not in asked


@pytest.mark.policy("S3")
async def test_abuse_sent_by_the_security_form_all_the_same_is_smarts_and_everybody_is_told(
    signpost: EmbeddedSignpost, join: Join
) -> None:
    priya, aisha = await join(PRIYA, javascript=False), await join(AISHA)
    await priya.open("/report/incident")
    await fill_in(priya, WITH_ABUSE)
    await priya.driver.choose("Send it with this form anyway")
    await priya.driver.press("Continue")
    reference = await send(priya)
    await priya.looks("incident form, sent with abuse")
    await aisha.waits_for("/cases", reference)
    await aisha.open(f"/cases/{reference}/routing")
    await aisha.reads("abuse-through-the-security-form", "statement 3")
    await aisha.looks("case, routing, by the wrong form")
    await _are_told(signpost, reference)
    await priya.waits_for(f"/report/track/{reference}", "With the Social Media Abuse Response Team (SMART)")


async def _are_told(signpost: EmbeddedSignpost, reference: str) -> None:
    told = {
        "smart": "A report was sent using another team's form",
        "sirt": "A report was sent using another team's form",
        "priya.shah": "Your report is with another team",
        "grace.okafor": "Social media abuse reported",
    }

    async def all_are() -> bool | None:
        mails = [mail for mail in caught_mails(signpost.data_dir) if mail.reference == reference]
        raw = [(mail.to, mail.raw.decode()) for mail in mails]
        missing = {who for who, what in told.items() if not any(who in to and what in text for to, text in raw)}
        return True if not missing else None

    await eventually(all_are)


async def test_an_account_that_was_never_taken_over_is_left_alone(program: Program, join: Join) -> None:
    sent = await program.send("incident", {**TAKEN_OVER, "account": {"platform": "x", "handle": "@nobody_has_this"}})
    leo = await join(LEO)
    await leo.waits_for("/cases", sent.reference)
    await leo.claims(sent.reference)
    await expect(leo.main.get_by_text("Confirm that an account is taken over")).to_have_count(0)
