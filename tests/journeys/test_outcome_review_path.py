"""An outcome is looked at again: asked for by its reporter, decided by someone else than who resolved the case."""

import pytest

from tests.journeys.input_drivers import Keyboard
from tests.journeys.long_things import LONG_TEXT
from tests.journeys.people import Join, Someone
from tests.journeys.reports import ABUSE, MISUSE, Program

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
REASON = "You did not look at the second post."
ASK = "Ask for this to be looked at again"


async def _resolves(sam: Someone, reference: str) -> None:
    await sam.waits_for("/cases", reference)
    await sam.claims(reference)
    await sam.driver.unfold("Resolve")
    await sam.driver.pick("How did it end?", "No violation found")
    await sam.driver.press("Resolve the case")


async def _asks(priya: Someone, status: str) -> None:
    await priya.waits_for(status, "How it ended")
    await priya.looks("status, finished")
    await priya.driver.press(ASK)
    await priya.looks("status, asking for another look")
    await priya.driver.press(ASK)
    await priya.is_refused("status, asking for another look", "Enter why this should be looked at again")
    await priya.driver.write("Why should it be looked at again?", REASON)
    await priya.driver.press(ASK)
    await priya.reads("You asked for the outcome to be looked at again")
    await priya.looks("status, to be looked at again")


async def _decides(aisha: Someone, case: str) -> None:
    await aisha.open(f"{case}/review")
    await aisha.finds_nothing_of(REASON)
    await aisha.looks("outcome, to be looked at again")
    await aisha.looks_without_our_colours("outcome, to be looked at again")
    await aisha.driver.press("Show what the reporter says")
    await aisha.reads(REASON)
    await aisha.driver.press("Record the decision")
    await aisha.is_refused("outcome, no decision", "Choose whether the outcome stands", "Say why")
    await aisha.driver.choose("No, work continues")
    await aisha.driver.write("Why?", "The second post breaks the rules.")
    await aisha.driver.press("Record the decision")
    await aisha.reads("The case is open again, and you have it")
    await aisha.looks("case, its outcome did not stand")


async def test_a_reporter_asks_for_an_outcome_to_be_looked_at_again_and_another_person_decides(
    program: Program, join: Join
) -> None:
    sent = await program.send("abuse", ABUSE)
    case, status = f"/cases/{sent.reference}", f"/report/track/{sent.reference}"
    sam, aisha = await join("Sam Reid"), await join("Aisha Khan")
    priya = await join("Priya Shah", driver=Keyboard)
    await priya.open(f"{status}/review")
    await priya.reads("There is no outcome to look at again")
    await _resolves(sam, sent.reference)
    await _asks(priya, status)
    await aisha.waits_for("/cases?view=reviews", sent.reference)
    await aisha.looks("queue, look again")
    await sam.open(case)
    await sam.reads("asked for this outcome to be looked at again")
    await sam.looks("case, to be looked at again")
    await sam.driver.follow("Look at it again")
    await sam.reads("You resolved this case, so someone else has to look at its outcome again")
    await sam.looks("outcome, seen by who resolved it")
    await _decides(aisha, case)
    await aisha.open(f"{case}/review")
    await aisha.reads("Asked before", "it did not stand")
    await aisha.looks("outcome, looked at again")
    await aisha.waits_for("/cases/operations", "of them overdue.")
    await aisha.looks("operations, outcomes looked at again")
    await priya.waits_for(status, "the team went back to work")
    await priya.looks("status, looked at again")


async def test_without_javascript_a_reporter_of_misuse_learns_only_that_someone_looked(
    program: Program, join: Join
) -> None:
    sent = await program.send("misuse", {**MISUSE, "union_activity": "unsure"})
    case, status = f"/cases/{sent.reference}", f"/report/track/{sent.reference}"
    dev, priya = await join("Dev Patel"), await join("Priya Shah", javascript=False)
    await dev.waits_for("/cases", sent.reference)
    await dev.claims(sent.reference)
    await dev.driver.unfold("Resolve")
    await dev.driver.pick("How did it end?", "No breach of the policy")
    await dev.driver.press("Resolve the case")
    await priya.waits_for(status, ASK)
    await priya.driver.press(ASK)
    await priya.reads("We cannot tell you what came of it")
    await priya.driver.write("Why should it be looked at again?", LONG_TEXT)
    await priya.driver.press(ASK)
    await priya.looks("status, misuse to be looked at again")
    await dev.waits_for(f"{case}/review", "You resolved this case")
    await dev.driver.press("Show what the reporter says")
    await dev.looks("outcome, long reason")
