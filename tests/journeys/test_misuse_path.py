"""Misuse, from the form until the subject's manager has dealt with it, without learning who reported it."""

import re
from collections.abc import Mapping

import pytest
from playwright.async_api import expect

from tests.journeys.forms import NARRATIVE, fill_in, send
from tests.journeys.misuse_report import MANAGER_OF_SUBJECT, QUESTIONS, STAFF_NUMBER, SUBJECT
from tests.journeys.people import Join, Someone
from tests.journeys.reports import MISUSE, WORDS, Program
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually
from tests.support.mails import Mail, caught_mails

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
REPORTER, REPORTER_ID = "Kim Doyle", "S8003"
GRACE_AT = "grace.okafor@example.org"
TOM = {"name": SUBJECT, "staff_id": STAFF_NUMBER}
YUSUF = {"name": "Yusuf Demir", "staff_id": "S1004"}
"""Grace is the manager of both. A second report about the same person would also go to SIRT."""


def about(subject: Mapping[str, str]) -> Mapping[str, object]:
    """Return a report of misuse by `subject`."""
    return {**MISUSE, "subject": subject}


async def mail_to(signpost: EmbeddedSignpost, address: str, reference: str) -> Mail:
    """Wait for the email about a report that goes to `address`."""

    async def come() -> Mail | None:
        mails = caught_mails(signpost.data_dir)
        return next((mail for mail in mails if address in mail.to and mail.reference == reference), None)

    return await eventually(come)


@pytest.mark.policy("R-c", "R-d")
async def test_the_subjects_manager_works_misuse_and_its_reporter_learns_only_that_it_is_finished(
    signpost: EmbeddedSignpost, join: Join
) -> None:
    kim, grace = await join(REPORTER), await join(MANAGER_OF_SUBJECT)
    reference = await _reports(kim)
    mail = await mail_to(signpost, GRACE_AT, reference)
    assert f"A misuse case for you to work on, {reference}" in mail.raw.decode()
    for secret in (SUBJECT, REPORTER, NARRATIVE.splitlines()[0]):
        assert secret not in mail.text
    await _reads_the_case(grace, reference)
    await _records_an_action(grace, reference)
    await kim.waits_for(f"/report/track/{reference}", "Finished")
    await kim.finds_nothing_of("advice", "Informal action", MANAGER_OF_SUBJECT, SUBJECT)
    await kim.looks("misuse, status, finished")


async def _reports(kim: Someone) -> str:
    await kim.open("/")
    await kim.driver.follow("A colleague is misusing social media")
    await fill_in(kim, QUESTIONS, "misuse")
    await kim.reads(SUBJECT, NARRATIVE.splitlines()[0])
    await kim.looks("misuse form, check your answers")
    reference = await send(kim)
    await kim.looks("misuse form, sent")
    return reference


async def _reads_the_case(grace: Someone, reference: str) -> None:
    await grace.waits_for("/alerts/my-team", f"A misuse case to work, {reference}")
    card = grace.page.locator(".govuk-summary-card").filter(has_text=f"A misuse case to work, {reference}")
    await grace.finds_nothing_of(SUBJECT, REPORTER, REPORTER_ID, within=card)
    await grace.looks("my team, a misuse case to work")
    await grace.page.get_by_role("link", name=f"Read the allegation and the evidence of {reference}").click()
    await grace.reads("What is alleged", SUBJECT)
    await grace.finds_nothing_of(REPORTER, REPORTER_ID, NARRATIVE.splitlines()[0], "Internal note", "Reported by")
    await grace.looks("case for the manager")
    await grace.looks_without_our_colours("case for the manager")
    await grace.driver.press("Show what was written")
    await grace.reads(NARRATIVE.splitlines()[0])
    await grace.finds_nothing_of(REPORTER, REPORTER_ID)
    await grace.looks("case for the manager, what was written")


async def _records_an_action(grace: Someone, reference: str) -> None:
    await grace.open("/alerts/my-team")
    await grace.page.get_by_role("button", name=f"Record what you did about {reference}").click()
    await grace.looks("my team, record what you did")
    await grace.driver.press("Record it")
    await grace.is_refused(
        "my team, record what you did", "Choose what you did", "Enter the day on which you did it, like 23 11 2026"
    )
    await grace.driver.choose("I gave advice")
    for part, number in (("Day", "5"), ("Month", "1"), ("Year", "2026")):
        await grace.driver.write(part, number)
    await grace.driver.press("Record it")
    await expect(grace.page.get_by_role("definition").filter(has_text="I gave advice").first).to_be_visible()
    await grace.looks("my team, a misuse case done")


@pytest.mark.policy("R-c")
async def test_a_manager_refers_misuse_to_sirt_who_get_a_case_of_their_own(program: Program, join: Join) -> None:
    sent = await program.send("misuse", about(YUSUF), REPORTER_ID)
    grace, maria = await join(MANAGER_OF_SUBJECT), await join("Maria Costa")
    await grace.waits_for("/alerts/my-team", f"A misuse case to work, {sent.reference}")
    await grace.page.get_by_role("button", name=re.compile(f"^Refer to SIRT.*{sent.reference}")).click()
    await grace.looks("my team, refer to SIRT")
    await grace.driver.press("Refer it to SIRT")
    await grace.reads("You referred it to the Security Incident Response Team (SIRT)")
    await maria.waits_for("/cases?view=restricted", f"{sent.reference}-2")
    await maria.open(f"/cases/{sent.reference}-2")
    await maria.reads("Restricted", "Security Incident Response Team (SIRT)", sent.reference)
    await maria.finds_nothing_of(WORDS)
    await maria.looks("case, restricted, referred by the manager")


@pytest.mark.policy("R-c", "C-j")
async def test_somebody_else_cannot_open_what_the_manager_works(program: Program, join: Join) -> None:
    sent = await program.send("misuse", about(TOM), REPORTER_ID)
    tom, helen, leo = await join(SUBJECT), await join("Helen Marsh"), await join("Leo Grant")
    grace = await join(MANAGER_OF_SUBJECT)
    await grace.waits_for(f"/cases/for-manager/{sent.reference}", "What is alleged")
    for somebody, address in ((tom, "for-manager/"), (helen, "for-manager/"), (leo, "")):
        await somebody.open(f"/cases/{address}{sent.reference}")
        await expect(somebody.page.get_by_role("heading", level=1)).to_have_text("There is no such case here")
        await somebody.finds_nothing_of("What is alleged", WORDS, REPORTER)
    await tom.open("/alerts/my-team")
    await tom.finds_nothing_of(sent.reference)
