"""Misuse that may be union activity: the triage desk decides first, and an exempt case keeps no name."""

import pytest

from tests.journeys.misuse_report import MANAGER_OF_SUBJECT
from tests.journeys.people import Join
from tests.journeys.reports import MISUSE, WORDS, Program
from tests.support.embedded import EmbeddedSignpost
from tests.support.mails import caught_mails

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
SUBJECT, STAFF_NUMBER = "Chloe Baxter", "S1003"
UNSURE = {
    **MISUSE,
    "subject": {"name": SUBJECT, "staff_id": STAFF_NUMBER, "handle": "@chloe_at_home"},
    "union_activity": "unsure",
    "own_time": "yes",
}


@pytest.mark.policy("C-j")
async def test_exempt_activity_is_closed_and_its_subject_erased_and_no_manager_hears_of_it(
    signpost: EmbeddedSignpost, program: Program, join: Join
) -> None:
    sent = await program.send("misuse", UNSURE, "S8003")
    dev, grace, judith = await join("Dev Patel"), await join(MANAGER_OF_SUBJECT), await join("Judith Lane")
    await dev.waits_for("/cases?view=restricted", sent.reference)
    await dev.claims(sent.reference)
    await dev.reads("Restricted", "Triage desk", SUBJECT, "About trade union activity")
    await dev.looks("case, may be union activity")
    await dev.driver.unfold("Outside the policy")
    await dev.driver.press("Close and erase")
    await dev.reads("Outside the policy: trade union activity", "It was erased when the case was closed")
    await dev.looks("case, exempt")
    for tab in ("", "/timeline", "/routing", "/audit"):
        await dev.open(f"/cases/{sent.reference}{tab}")
        await dev.finds_nothing_of(SUBJECT, STAFF_NUMBER, "chloe_at_home", WORDS)
    for manager in (grace, judith):
        await manager.open("/alerts/my-team")
        await manager.finds_nothing_of(sent.reference)
    about_it = [mail.to for mail in caught_mails(signpost.data_dir) if mail.reference == sent.reference]
    assert not any(who in to for to in about_it for who in ("grace.okafor", "judith.lane"))


@pytest.mark.policy("C-j", "R-d")
async def test_what_is_no_union_activity_goes_on_to_the_manager(program: Program, join: Join) -> None:
    sent = await program.send("misuse", {**UNSURE, "subject": {"staff_id": "S1012"}}, "S8003")
    dev, sam = await join("Dev Patel"), await join("Sam Reid")
    await dev.waits_for("/cases?view=restricted", sent.reference)
    await dev.claims(sent.reference)
    await dev.driver.unfold("Not trade union activity")
    await dev.driver.press("Send it on")
    await dev.is_refused("case, not union activity", "Say why it is not trade union activity")
    await dev.driver.write("Why is it not?", "It speaks for the department, and of no union.")
    await dev.driver.press("Send it on")
    await dev.waits_for(f"/cases/{sent.reference}/timeline", "Not trade union activity: sent on by the rules")
    await dev.looks("case, sent on")
    await sam.open(f"/cases/{sent.reference}")
    await sam.finds_nothing_of(WORDS, "S1012")
