"""Pages of the registry show a person's name with their staff number, wherever the directory lists them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from services.registry.accounts.domain import ReviewOutcome
from services.registry.accounts.handlers import NewReview, review
from services.registry.approvals.delegations import NewDelegation, delegate
from services.registry.approvals.domain import Draft
from services.registry.approvals.handlers import RequestDecision, request_account, send_back
from services.registry.eligibility.domain import Clearance, Completion
from services.registry.eligibility.handlers import record_training, record_vetting
from services.registry.operators.domain import Device
from services.registry.operators.handlers import NewOperator, name_operator
from shared.auth.permissions import Role
from shared.events.vocabulary import AccountClass
from shared.ids import StaffId
from tests.services.registry.conftest import INDIVIDUAL, NOW, OFFICIAL, Registry, work_in
from tests.support.people import announce

NAMES = {
    "S3001": "Ola Berg",
    "S7001": "Nia Hughes",
    "S7002": "Owen Price",
    "S7003": "Ruth Hall",
    "S8003": "Kim Reed",
}
_STAFF_NUMBER = re.compile(r"S\d{4}")
_WITH_NAME = re.compile("|".join(re.escape(f"{name} ({staff_id})") for staff_id, name in NAMES.items()))


async def _filled(registry: Registry) -> Mapping[str, object]:
    """Make an account, an operator, a review, a request and a delegation, each of several people; return their ids."""
    mine = replace(OFFICIAL, owner=StaffId("S7001"), next_review_on=date(2026, 11, 23))
    official, used = await registry.register(mine, replace(INDIVIDUAL, owner=StaffId("S7001")))
    async with registry.database.transaction() as session:
        work, approver = work_in(session, Role.COMMS, "S8003"), work_in(session, Role.APPROVER, "S7002")
        draft = Draft("x", "samplenews", AccountClass.PROFESSIONAL_INDIVIDUAL, "Reach", "News", StaffId("S7001"))
        asked = await request_account(work, replace(draft, approved_person=StaffId("S3001")))
        operator = await name_operator(work, NewOperator(used, StaffId("S3001"), Device.OTHER))
        await review(work, NewReview(official, 1, ReviewOutcome.KEEP, "Still needed", next_on=date(2027, 11, 23)))
        await send_back(approver, RequestDecision(asked.id, 1, "Say why"))
        await delegate(approver, NewDelegation(StaffId("S7003"), NOW.date(), date(2026, 12, 1), "Leave"))
        await record_training(work, [Completion(StaffId("S3001"), "Social media", date(2026, 1, 5))])
        await record_vetting(work, Clearance(StaffId("S3001"), None, None))
    return {"official": official, "used": used, "asked": asked.id, "operator": operator.id}


def _seen(page: str) -> str:
    """Return what people read on a page."""
    main = page.partition("<main")[2].partition("</main>")[0]
    return re.sub(r"<[^>]*>", "", main)


async def test_every_staff_number_on_a_page_stands_with_its_name(registry: Registry) -> None:
    ids = await _filled(registry)
    pages = {
        "/accounts": 1,
        f"/accounts/{ids['official']}": 3,
        f"/accounts/{ids['used']}": 4,
        f"/accounts/requests/{ids['asked']}": 4,
        f"/accounts/operators/{ids['operator']}": 1,
        f"/accounts/operators/{ids['operator']}/device": 1,
        "/accounts/waiting": 1,
        "/accounts/training": 1,
        "/accounts/vetting": 1,
    }
    async with registry.client(**registry.session(Role.COMMS, "S8003")) as kim:
        unlisted = {page: _seen((await kim.get(page)).text) for page in pages}
        await announce(registry.database, NOW, **NAMES)
        listed = {page: _seen((await kim.get(page)).text) for page in pages}
    async with registry.client(**registry.session(Role.APPROVER, "S7002")) as owen:
        listed["/accounts/proxies"] = _seen((await owen.get("/accounts/proxies")).text)
    for page, numbers in pages.items():
        assert len(_STAFF_NUMBER.findall(unlisted[page])) >= numbers, page
    for page, text in listed.items():
        assert _STAFF_NUMBER.findall(_WITH_NAME.sub("", text)) == [], page
