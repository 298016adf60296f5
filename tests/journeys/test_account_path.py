"""An account, from the request to the public lookup, and who may operate it."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import expect

from shared.clock import SystemClock
from tests.journeys.forms import give_day
from tests.journeys.people import Join, Someone

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
HANDLE = "SampleFirstJobs"
OWNER, APPROVER, KEEPER, OPERATOR = "Nia Hughes", "Judith Lane", "Kim Doyle", "S7004"
CONFIRMER = "Leo Grant"
NOTHING_ANSWERED = (
    "Choose a platform",
    "Enter a handle, or the address of a profile",
    "Choose what kind of account it is",
    "Enter the strategic business requirement that it fulfils",
    "Enter what it will be used for",
)


@pytest.mark.policy("S5", "S7")
async def test_an_account_is_asked_for_approved_confirmed_and_operated_by_who_passed_every_gate(
    join: Join,
) -> None:
    nia, judith, kim, anybody = await join(OWNER), await join(APPROVER), await join(KEEPER), await join()
    await _is_it_official(anybody, "No, this is not")
    await _asks(nia)
    await _approves(judith)
    await nia.page.reload()
    await nia.reads("Approved", "I lead communications for jobseekers")
    await nia.looks("request, approved")
    await _is_it_official(anybody, "No, this is not")
    await _confirms(await join(CONFIRMER))
    await _is_it_official(anybody, "Yes, this is")
    await _names_an_operator(kim)
    await _records_training_and_vetting(kim)


async def _is_it_official(anybody: Someone, answer: str) -> None:
    await anybody.open("/accounts/lookup")
    await anybody.driver.write("Account", f"https://x.com/{HANDLE}")
    await anybody.driver.press("Check")
    await expect(anybody.main.get_by_role("region", name="Answer")).to_contain_text(answer)


async def _asks(nia: Someone) -> None:
    await nia.open("/accounts/requests")
    await nia.looks("requests")
    await nia.page.get_by_role("button", name="Ask for an account").click()
    await nia.looks("request form")
    await nia.driver.press("Continue")
    await nia.is_refused("request form", *NOTHING_ANSWERED)
    await nia.driver.pick("Platform", "X (formerly Twitter)")
    await nia.driver.write("Handle or address", f"@{HANDLE}")
    await nia.driver.choose("Official DWP account")
    await nia.driver.write("Which strategic business requirement does it fulfil?", "Reach people who look for work")
    await nia.driver.write("What will it be used for?", "First jobs")
    await nia.driver.pick("Vetting that its operators need", "Security Check (SC)")
    await nia.driver.press("Continue")
    await nia.reads("Check your answers")
    await nia.reads("Nia Hughes (S7001)")
    await nia.looks("request form, answers to check")
    await nia.driver.press("Send the request")
    await nia.reads("Waiting for an approver")
    await expect(nia.page.get_by_role("radio", name="Approve", exact=True)).to_have_count(0)
    await nia.looks("request, of one's own")


async def _approves(judith: Someone) -> None:
    await judith.open("/accounts/waiting")
    await judith.page.get_by_role("link", name=re.compile(HANDLE, re.IGNORECASE)).click()
    await judith.looks("request, to decide")
    await judith.driver.press("Continue")
    await judith.is_refused("request, to decide", "Choose what should happen to the request", "Enter a reason")
    await judith.driver.choose("Approve")
    await judith.driver.write("Why", "I lead communications for jobseekers")
    await judith.driver.press("Continue")
    await judith.looks("request, decision to check")
    await judith.driver.press("Approve the request")
    await judith.reads("Approved")


async def _confirms(leo: Someone) -> None:
    await leo.open("/accounts/waiting")
    await leo.reads("Accounts to confirm")
    await leo.looks("tasks, an account to confirm")
    await leo.page.get_by_role("link", name=re.compile(HANDLE, re.IGNORECASE)).click()
    await leo.reads("Similar names on the register")
    await leo.looks("account, confirming")
    await leo.driver.press("Confirm the account")
    await leo.is_refused(
        "account, confirming",
        "Enter the address of this account’s profile, starting with https://",
        "Enter how you know that it is ours",
        "Search the platform for look-alikes first, then tick this",
    )
    await leo.driver.write("Address of its profile", f"https://x.com/{HANDLE.lower()}")
    await leo.driver.write("How do you know that it is ours?", "Nia posted the word that I asked for")
    await leo.driver.tick("I searched the platform for accounts that look like it")
    await leo.driver.press("Confirm the account")
    await leo.reads("Confirmed by", "S5001", f"https://x.com/{HANDLE.lower()}")
    await leo.looks("account, confirmed")


async def _names_an_operator(kim: Someone) -> None:
    await kim.open("/accounts")
    await kim.looks("register")
    table = kim.main.get_by_role("region", name="Accounts")
    assert await table.evaluate("table => table.scrollWidth <= table.clientWidth"), "its columns do not fit at a desk"
    await kim.page.get_by_role("link", name=re.compile(HANDLE, re.IGNORECASE)).click()
    await kim.driver.follow("Name an operator")
    await kim.looks("naming an operator")
    await kim.driver.press("Name the operator")
    await kim.is_refused("naming an operator", "Enter their staff ID")
    await kim.driver.write("Staff ID", OPERATOR)
    await kim.driver.press("Name the operator")
    await kim.reads(OPERATOR, "Not authorised yet", "Training ✗not passed not recorded")
    await kim.looks("operator, lacks gates")


async def _records_training_and_vetting(kim: Someone) -> None:
    operator = kim.page.url
    last_month = (SystemClock().now() - timedelta(days=30)).date()
    next_year = (SystemClock().now() + timedelta(days=400)).date()
    await kim.open("/accounts/training/new")
    await kim.looks("training, recording")
    await kim.driver.press("Record")
    await kim.is_refused(
        "training, recording",
        "Enter the staff ID of the person who completed it",
        "Enter the course",
        "Enter the day it was completed",
    )
    await kim.driver.write("Staff ID of the person who completed it", OPERATOR)
    await kim.driver.write("Course", "Operating official accounts")
    await give_day(kim.driver, "Completed on", last_month)
    await kim.driver.press("Record")
    await kim.looks("training")
    await kim.open("/accounts/vetting/new")
    await kim.looks("vetting, recording")
    await kim.driver.press("Record")
    await kim.is_refused("vetting, recording", "Enter the staff ID of the person who was vetted")
    await kim.driver.write("Staff ID of the person who was vetted", OPERATOR)
    await kim.driver.pick("Level", "Security Check (SC)")
    await give_day(kim.driver, "Last day (optional)", next_year)
    await kim.driver.press("Record")
    await kim.looks("vetting")
    await kim.open(operator)
    await kim.reads("Authorised", "Training ✓", "Vetting ✓")
    await kim.looks("operator, authorised")
    await kim.driver.follow("Back to the account")
    await kim.reads(OPERATOR, "Authorised", "Training ✓", "Request for the account")
    await kim.looks("account, with an operator")


@pytest.mark.policy("D-pia")
async def test_an_individuals_account_on_another_device_needs_a_dated_exception(join: Join) -> None:
    joan = await join("Joan Whitby")
    await joan.open("/accounts/waiting")
    await joan.reads("Operators without an approved device or an exception")
    await joan.page.get_by_role("link", name=re.compile(r"S3001\)? for .*SampleDirector", re.IGNORECASE)).click()
    await joan.reads("needs a DWP approved device or an exception")
    await joan.driver.follow("Grant a Security Policy Exception")
    await joan.looks("exception, granting")
    await joan.driver.press("Grant")
    await joan.is_refused("exception, granting", "Enter the last day", "Enter why")
    until = (SystemClock().now() + timedelta(days=60)).date()
    await give_day(joan.driver, "Last day", until)
    await joan.driver.write("Why?", "Her tablet is being repaired.")
    await joan.driver.press("Grant")
    await joan.reads("Authorised", "Exception until")
    await joan.looks("operator, by an exception")
