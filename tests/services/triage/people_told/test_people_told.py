"""People told: each alert about a report, by role, as far as the viewer may know."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from services.triage.consumer import OPERATIONS_HANDLERS
from services.triage.people_told import domain
from services.triage.people_told.tables import ToldAlert
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.events.notifier import (
    AlertAcknowledged,
    AlertDecided,
    AlertDelivered,
    AlertEscalated,
    AlertFailed,
    AlertSent,
)
from shared.events.vocabulary import Acknowledgement, AlertPurpose, FailureKind, RecipientReason
from tests.services.triage.builders import IDS, NOW, misuse, open_cases, report
from tests.services.triage.conftest import Triage

SERVICE = "triage"


async def hear(database: Database, events: Sequence[Event]) -> None:
    for event in events:
        envelope: Envelope[Any] = Envelope(
            id=str(IDS.uuid()), source="/signpost/notifier", subject="any", sequence=None, time=NOW, data=event
        )
        async with database.transaction() as session:
            await OPERATIONS_HANDLERS[type(event)](session, [envelope], NOW)


def alerts(report_id: UUID) -> list[Event]:
    """Return the events of an alert that no one answered, of the next one, which was, and of a wish to tell no one."""
    first, following, none = IDS.uuid(), IDS.uuid(), IDS.uuid()

    def about(alert_id: UUID, minutes: int, purpose: str = "abuse_reported") -> dict[str, Any]:
        at = NOW + timedelta(minutes=minutes)
        return {"alert_id": alert_id, "report_id": report_id, "at": at, "purpose": purpose}

    return [
        AlertDecided(**about(first, 0), reason=RecipientReason.REPORTERS_MANAGER, anybody=True),
        AlertFailed(**about(first, 0), channel="email", attempt=1, kind=FailureKind.TEMPORARY),
        AlertSent(**about(first, 1), channel="email", attempt=2),
        AlertDelivered(**about(first, 2), channel="email"),
        AlertEscalated(**about(first, 60), to_alert_id=following, reason=RecipientReason.ESCALATED_NO_ANSWER),
        AlertSent(**about(following, 61), channel="email", attempt=1),
        AlertAcknowledged(**about(following, 70), answer=Acknowledgement.CONFIRMED),
        AlertDecided(**about(none, 80, "reporter_replied"), reason=RecipientReason.NOBODY_HAS_THE_CASE, anybody=False),
    ]


async def test_each_alert_is_shown_by_role_with_what_came_of_it(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report())
    address = f"/cases/{told.reference}/people-told"
    assert "No one was told about this report yet" in (await sam.get(address)).text
    await hear(triage.database, alerts(told.report_id))
    page = (await sam.get(address)).text
    words = [
        *("The reporter’s manager", "Abuse was reported", "Sent <time", "Delivered <time", "No answer", "Passed on"),
        *("The next person: no one answered", "Acknowledged <time", ": confirmed"),
        *("No one: no one has the case", "The reporter replied", "No alert was sent"),
    ]
    places = [page.index(word) for word in words[:6]] + [page.index(word) for word in words[6:9]]
    assert places == sorted(places)
    assert all(word in page for word in words)
    assert "Could not be delivered" not in page


async def test_events_in_any_order_and_twice_say_the_same(database: Database) -> None:
    events = alerts(IDS.uuid())
    await hear(database, events)

    async def kept() -> list[Any]:
        async with database.transaction() as session:
            rows = await session.execute(select(ToldAlert.table()).order_by(ToldAlert.table().c.alert_id))
            return list(rows.all())

    in_order = await kept()
    async with database.transaction() as session:
        await session.execute(text("truncate told_alert"))
    mixed = [*events, *events]
    random.Random(7).shuffle(mixed)
    await hear(database, mixed)
    assert await kept() == in_order
    assert len(in_order) == 3


async def test_an_alert_tells_no_one_of_a_case_that_they_may_not_see(triage: Triage, maria: AsyncClient) -> None:
    """A report of abuse with a linked case of misuse: SMART does not learn of that case by its alerts."""
    told = report(behaviours=("harassment",), also_affects=("dwp_information",))
    await open_cases(triage.database, told)
    later = [
        AlertDecided(
            alert_id=IDS.uuid(), report_id=told.report_id, at=NOW, purpose=purpose, reason=reason, anybody=True
        )
        for purpose, reason in (
            (AlertPurpose.DEADLINE_MISSED, RecipientReason.TEAM_LEAD),
            (AlertPurpose.MISUSE_ASSIGNED, RecipientReason.SUBJECTS_MANAGER),
        )
    ]
    await hear(triage.database, [*alerts(told.report_id), *later])
    both = (Role.SMART_LEAD, Role.SIRT_LEAD)
    for roles, sees in (((Role.SMART_RESPONDER,), False), (both, True)):
        async with triage.client(*roles, subject="S4009") as client:
            page = (await client.get(f"/cases/{told.reference}/people-told")).text
        for word in ("A deadline was missed", "The subject’s manager", "The reporter replied"):
            assert (word in page) is sees, (roles, word)
        assert "The reporter’s manager" in page


async def test_a_restricted_case_shows_its_alerts_only_to_those_who_see_it(
    triage: Triage, sam: AsyncClient, maria: AsyncClient
) -> None:
    await open_cases(triage.database, told := misuse(found_by="monitoring"))
    await hear(triage.database, alerts(told.report_id))
    assert (await sam.get(f"/cases/{told.reference}/people-told")).status_code == 404
    page = await maria.get(f"/cases/{told.reference}/people-told")
    assert "Passed on to the next person" in page.text


@pytest.mark.parametrize("kind", [AlertPurpose, RecipientReason])
def test_every_code_of_notifier_has_words(kind: type[AlertPurpose] | type[RecipientReason]) -> None:
    about_accounts = {
        *(AlertPurpose.ACCESS_GRANTED, AlertPurpose.ACCESS_WITHDRAWN, AlertPurpose.REVIEW_DUE),
        *(AlertPurpose.EXCEPTION_EXPIRED, RecipientReason.ACCOUNT_OWNER, RecipientReason.ACCOUNT_OPERATOR),
    }
    words = {**domain.PURPOSES, **domain.REASONS}
    assert {str(one) for one in kind} - {str(one) for one in about_accounts} - words.keys() == set()
