"""A conversation: what a reporter writes reaches the team, and what the team writes reaches the reporter."""

import pytest
from playwright.async_api import expect

from tests.journeys.input_drivers import Keyboard
from tests.journeys.people import Join, Someone
from tests.journeys.reports import ABUSE, Program
from tests.support.embedded import EmbeddedSignpost
from tests.support.eventually import eventually
from tests.support.mails import caught_mails

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
MORE = "They wrote again this morning, from another account."
ASKED = "Which account was it?"
ANSWER = "The one that ends in 77."
NOTE = "The same person as in March, I think."
SAM, PRIYA, OWEN = "sam.reid@example.org", "priya.shah@example.org", "owen.clarke@example.org"
THANKS = "Thank you. We have sent it to the platform."


async def _adds(who: Someone, reference: str, text: str, label: str) -> None:
    await who.open(f"/report/track/{reference}")
    await who.driver.write(label, text)
    await who.driver.press("Send")


async def _answers(who: Someone, case: str) -> None:
    await who.open(case)
    await who.driver.unfold("Message to the reporter")
    await who.driver.write("Message to the reporter", THANKS)
    await who.driver.press("Send to the reporter")


async def test_a_reporter_and_a_team_talk_and_a_colleague_sees_what_is_unread(
    program: Program, join: Join, signpost: EmbeddedSignpost
) -> None:
    said = {**ABUSE, "behaviours": ["doxing"], "safe_contact": "Ring me after six, never at work"}
    sent = await program.send("abuse", said)
    case = f"/cases/{sent.reference}"
    sam, aisha = await join("Sam Reid", driver=Keyboard), await join("Aisha Khan", javascript=False)
    priya = await join("Priya Shah", javascript=False)
    await sam.waits_for("/cases", sent.reference)
    await _adds(priya, sent.reference, MORE, "Your message to the team")
    await sam.waits_for("/cases?view=replies", sent.reference)
    await sam.looks("queue, replies")
    await sam.driver.follow(f"Reply to case {sent.reference}, unread")
    await sam.reads(MORE, "New", "Nothing is emailed", "Ring me after six, never at work")
    await sam.looks("conversation, unread")
    await aisha.open("/cases?view=replies")
    await expect(aisha.main).not_to_contain_text(sent.reference)
    await sam.driver.press("Claim this case")
    await sam.driver.unfold("Ask for information")
    await sam.looks("conversation, about to ask")
    await sam.driver.write("What do you need to know?", ASKED)
    await sam.driver.press("Ask the reporter")
    await sam.reads("Waiting for an answer", "The clock is paused")
    await priya.waits_for(f"/report/track/{sent.reference}", ASKED)
    await _adds(priya, sent.reference, ANSWER, "Your answer")
    await sam.waits_for(case, "Unread reply", "In progress")
    await sam.driver.unfold("Internal note")
    await sam.looks("case, about to note")
    await sam.driver.write("Internal note", NOTE)
    await sam.driver.press("Add internal note")
    await sam.reads(ANSWER, NOTE, "Internal: the reporter never sees this")
    await _answers(aisha, f"{case}/conversation")
    await aisha.reads(MORE, ASKED, ANSWER, NOTE, THANKS)
    await aisha.looks("conversation")
    await priya.waits_for(f"/report/track/{sent.reference}", MORE, ASKED, ANSWER, THANKS)
    await priya.finds_nothing_of(NOTE)
    assert PRIYA not in await _emailed(signpost, sent.reference, SAM)


async def _emailed(signpost: EmbeddedSignpost, reference: str, someone: str) -> set[str]:
    """Return whom emails about a report went to, once `someone` has theirs."""

    async def told() -> set[str] | None:
        mails = {mail.to for mail in caught_mails(signpost.data_dir) if mail.reference == reference}
        return mails if someone in mails else None

    return await eventually(told)


async def test_who_asked_for_advice_is_emailed_that_there_is_an_answer(
    program: Program, join: Join, signpost: EmbeddedSignpost
) -> None:
    sent = await program.send("enquiry", {"about": "policy", "narrative": "May I use a forum for work?"}, "S7002")
    amir = await join("Amir Rahman")
    await amir.waits_for("/cases?team=advice_centre", sent.reference)
    await _answers(amir, f"/cases/{sent.reference}")
    await amir.reads(THANKS, "Signpost emails them at once that there is a message")

    assert await _emailed(signpost, sent.reference, OWEN) == {OWEN}
