"""Every page in each state that no other journey shows, and with far too much text on it."""

import re
from collections.abc import Mapping
from itertools import groupby

import pytest
import pytest_asyncio

from shared.events.vocabulary import Outcome
from tests.journeys.long_things import LONG_LINK, LONG_TEXT, LONG_WORD
from tests.journeys.page_table import Look, looks
from tests.journeys.people import TELEPHONE, Join
from tests.journeys.reports import ABUSE, Program
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.xdist_group("embedded-pages"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]
OWNER, APPROVER, KEEPER, SIRT, SMART, RESPONDER = "S7001", "S7003", "S8003", "S5001", "S4002", "S4001"
ACCOUNTS, REQUESTS = "/accounts/api/v1/accounts", "/accounts/api/v1/requests"
OF_AN_ACCOUNT = {
    "review": ("Record the review", "Choose what should happen to the account", "Enter why"),
    "close": (
        "Close the account",
        "Enter why it is closed",
        "Enter how you know that the account is gone from the platform",
    ),
}
World = Mapping[str, str]


def _by_person() -> Mapping[str, list[Look]]:
    in_order = sorted(looks(), key=lambda look: look.who or "")
    return {who: list(some) for who, some in groupby(in_order, key=lambda look: look.who or "")}


LOOKS = _by_person()
OF_CASEWORK = [look for look in looks() if look.page.startswith("/cases") and look.state == "normal" and look.who]
"""They are also looked at in forced colours, on a wide telephone and without scripts."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def world(program: Program) -> World:
    """What the paths of the table stand for, each object with far too much text on it."""
    report = await program.send("abuse", {**ABUSE, "narrative": LONG_TEXT, "urls": [LONG_LINK]})
    asked = await program.ask(OWNER, REQUESTS, _request("c"))
    await program.ask(APPROVER, f"{REQUESTS}/{asked['request_id']}/approve", {"relevance": LONG_TEXT[:1_900]}, 1)
    seen = {"address": _request("c")["handle"], "how_known": LONG_TEXT[:1_900], "searched_for_lookalikes": True}
    await program.ask(SIRT, f"{ACCOUNTS}/{asked['account_id']}/confirmation", seen, 1)
    returned = await program.ask(OWNER, REQUESTS, _request("d"))
    await program.ask(APPROVER, f"{REQUESTS}/{returned['request_id']}/return", {"reason": LONG_TEXT[:1_900]}, 1)
    operators = f"{ACCOUNTS}/{asked['account_id']}/operators"
    operator = await program.ask(KEEPER, operators, {"staff_id": "S7004"})
    by_itself = {"urls": [], "affected": [{"relation": "unknown"}], "narrative": "They wrote again."}
    alone = await program.send("abuse", {**ABUSE, **by_itself})
    case = await program.case(SMART, report.report_id)
    await program.case(SMART, alone.report_id)
    chosen = {"case_ids": [case.case_id], "name": LONG_WORD}
    campaign = await program.ask(SMART, "/cases/api/v1/campaigns", chosen)
    second_review = await _second_review(program)
    claim = {"action": "claim", "items": [{"case_id": case.case_id, "version": 1}]}
    bulk = await program.ask(RESPONDER, "/cases/api/v1/bulk", claim)
    listed = (await program.ask(KEEPER, ACCOUNTS))["items"]
    return {
        "report": report.reference,
        "alone": alone.reference,
        "campaign": campaign["campaign_id"],
        "bulk": bulk["bulk_id"],
        "second_review": second_review,
        "account": asked["account_id"],
        "returned": returned["request_id"],
        "operator": operator["operator_id"],
        "legacy": next(one["account_id"] for one in listed if one["status"] == "legacy"),
        "ordinary": next(one["account_id"] for one in listed if one["handle"] == "sampledeptpress"),
        "nothing": "01890000-0000-7000-8000-000000000000",
        "long_word": LONG_WORD,
        "long_handle": f"company/{'c' * 90}",
        "returned_handle": f"company/{'d' * 90}",
    }


async def _second_review(program: Program) -> str:
    """Let Sam find no violation in an urgent case: the outcome waits for a second person."""
    by_itself = {"urls": [], "affected": [{"relation": "unknown"}], "behaviours": ["trolling"]}
    sent = await program.send("abuse", {**ABUSE, **by_itself, "narrative": "They called me names again."})
    case = await program.case(RESPONDER, sent.report_id)
    address = f"/cases/api/v1/cases/{case.case_id}"
    await program.ask(RESPONDER, f"{address}/claim", {}, 1)
    await program.ask(RESPONDER, f"{address}/priority", {"priority": "P1", "reason": LONG_TEXT[:500]}, 2)
    await program.ask(RESPONDER, f"{address}/resolve", {"outcome": Outcome.NO_VIOLATION}, 3)

    async def waits() -> str | None:
        reviews = (await program.ask(SMART, "/cases/api/v1/second-reviews"))["items"]
        return next((one["review_id"] for one in reviews), None)

    return await eventually(waits)


def _request(letter: str) -> Mapping[str, object]:
    return {
        "platform": "linkedin",
        "handle": f"https://www.linkedin.com/company/{letter * 90}",
        "class": "official",
        "title": LONG_WORD,
        "requirement": LONG_TEXT[:1_900],
        "purpose": LONG_TEXT[:1_900],
        "owner": OWNER,
    }


@pytest.mark.parametrize("who", LOOKS)
async def test_pages_are_fit_to_be_seen_in_every_state(join: Join, world: World, who: str) -> None:
    someone = await join(who or None)
    for look in LOOKS[who]:
        name = f"page {re.sub('[{}:]', ' ', look.page)} {look.state}"
        await someone.open(look.address.format(**world))
        await someone.reads(look.says.format(**world))
        await someone.looks(name)
        if look in OF_CASEWORK:
            await someone.looks_without_our_colours(name)
    if some := [look for look in LOOKS[who] if look in OF_CASEWORK]:
        without_scripts = await join(who, javascript=False, widths=(TELEPHONE,))
        for look in some:
            await without_scripts.open(look.address.format(**world))
            await without_scripts.reads(look.says.format(**world))
            await without_scripts.looks(f"page {re.sub('[{}:]', ' ', look.page)} {look.state}, without scripts")


@pytest.mark.parametrize("form", OF_AN_ACCOUNT)
async def test_forms_about_an_account_say_what_is_missing(join: Join, world: World, form: str) -> None:
    kim, (button, *messages) = await join("Kim Doyle"), OF_AN_ACCOUNT[form]
    await kim.open(f"/accounts/{world['account']}/{form}")
    await kim.driver.press(button)
    await kim.is_refused(f"account, {form}", *messages)
