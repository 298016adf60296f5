"""A day's casework: thirty plain cases in one sitting by the keyboard alone."""

import re
from collections.abc import Callable

import pytest

from tests.journeys.input_drivers import Keyboard
from tests.journeys.people import Join, Someone
from tests.journeys.reports import Program, plain_reports

pytestmark = [
    pytest.mark.xdist_group("embedded-pages"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]
SAM = "S4001"
CASES, MOST_INTERACTIONS = 30, 4
UNCLAIMED = "/cases?view=unclaimed&kind=abuse&platform=pinterest"


async def test_thirty_plain_cases_are_worked_in_one_sitting_with_at_most_four_interactions_each(
    join: Join, program: Program, record_property: Callable[[str, object], None]
) -> None:
    sent = [await program.send("abuse", body, who) for who, body in plain_reports(14, CASES, "pinterest")]
    for one in sent:
        await program.case(SAM, one.report_id)
    sam = await join("Sam Reid", driver=Keyboard)
    keys = sam.driver
    assert isinstance(keys, Keyboard)
    await sam.open(UNCLAIMED)
    await keys.move("j")
    await keys.shortcut("o")
    worked, counted = [], []
    opening, moved = keys.interactions, keys.moves
    for _ in sent:
        before = keys.interactions
        worked.append(await _works_the_case(sam, keys))
        counted.append(keys.interactions - before)
    record_property(
        "summary",
        f"{CASES} cases: {sum(counted)} interactions, at most {max(counted)} for a case, and {opening} to begin; "
        f"besides {keys.moves - moved} times Tab or an arrow",
    )
    await sam.reads("No case matches")
    assert max(counted) <= MOST_INTERACTIONS
    assert sorted(worked) == sorted(one.reference for one in sent)
    for one in sent:
        case = await program.case(SAM, one.report_id)
        assert case.state == "resolved", one.reference


async def _works_the_case(sam: Someone, keys: Keyboard) -> str:
    """Claim the case that is open, resolve it, and go on to the next; return its reference."""
    [reference] = re.findall(r"SP-\w{4}-\w{4}", await sam.page.title())
    await keys.shortcut("c")
    await keys.shortcut("n", leads_on=False)
    await keys.pick_here("How did it end?", "Support given")
    await keys.press("Resolve and next")
    return str(reference)
