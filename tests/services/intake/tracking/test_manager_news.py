"""What the reporter sees about the manager never contradicts what was known before (S3)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from shared.events.envelope import Event
from shared.events.notifier import (
    AlertAcknowledged,
    AlertDecided,
    AlertDelivered,
    AlertEscalated,
    AlertFailed,
    AlertSent,
)
from shared.events.vocabulary import Acknowledgement, AlertPurpose, FailureKind, ManagerAlert, RecipientReason
from tests.services.intake.conftest import START, Intake
from tests.services.intake.tracking.test_follow import STATUS, reported, tell


class Alert:
    """The events of one alert, a minute apart."""

    def __init__(self, report: dict[str, str]) -> None:
        self.report_id, self.alert_id, self.next_id = UUID(report["report_id"]), uuid4(), uuid4()
        self._sequence = 0

    def decided(self) -> tuple[int, Event]:
        reason = RecipientReason.REPORTERS_MANAGER
        return self._made(AlertDecided, purpose=AlertPurpose.ABUSE_REPORTED, reason=reason, anybody=True)

    def sent(self) -> tuple[int, Event]:
        return self._made(AlertSent, channel="smtp", attempt=1)

    def failed(self, kind: FailureKind = FailureKind.PERMANENT) -> tuple[int, Event]:
        return self._made(AlertFailed, channel="smtp", attempt=1, kind=kind)

    def delivered(self) -> tuple[int, Event]:
        return self._made(AlertDelivered, channel="notify")

    def answered(self, answer: Acknowledgement) -> tuple[int, Event]:
        return self._made(AlertAcknowledged, answer=answer)

    def escalated(self, reason: RecipientReason = RecipientReason.ESCALATED_NO_ANSWER) -> tuple[int, Event]:
        return self._made(AlertEscalated, to_alert_id=self.next_id, reason=reason)

    def the_next(self) -> "Alert":
        following = Alert({"report_id": str(self.report_id)})
        following.alert_id = self.next_id
        return following

    def _made(self, event: type[Event], /, **fields: object) -> tuple[int, Event]:
        self._sequence += 1
        at = START + timedelta(minutes=self._sequence)
        return self._sequence, event.model_validate(
            {"alert_id": self.alert_id, "report_id": self.report_id, "at": at, **fields}
        )


async def manager(
    intake: Intake, client: AsyncClient, report: dict[str, str], events: Sequence[tuple[int, Event]]
) -> tuple[str, str]:
    await tell(intake, *events)
    body = (await client.get(f"{STATUS}/{report['reference']}", headers=intake.token())).json()
    return body["manager"]["state"], body["manager"]["text"]


async def test_news_never_goes_back_in_whatever_order_it_comes(intake: Intake, client: AsyncClient) -> None:
    answers = set()
    for order in permutations(range(4)):
        report = await reported(client, intake.token())
        alert = Alert(report)
        events = [alert.decided(), alert.sent(), alert.answered(Acknowledgement.CONFIRMED), alert.failed()]
        answers.add(await manager(intake, client, report, [events[place] for place in order]))
    assert answers == {("acknowledged", "Your manager has been told and has confirmed it.")}


@pytest.mark.parametrize(
    "purpose",
    [
        AlertPurpose.REPORT_MOVED,
        AlertPurpose.QUESTION_ASKED,
        AlertPurpose.MESSAGE_SENT,
        AlertPurpose.REPORT_FINISHED,
        AlertPurpose.OUTCOME_REVIEWED,
        AlertPurpose.REPORTER_REPLIED,
        AlertPurpose.REVIEW_ASKED,
        AlertPurpose.CASE_ASSIGNED,
        AlertPurpose.TASK_GIVEN,
    ],
)
async def test_an_email_that_a_reporter_or_a_team_cannot_get_says_nothing_of_their_manager(
    intake: Intake, client: AsyncClient, purpose: AlertPurpose
) -> None:
    report = await reported(client, intake.token())
    confidential = _nobody(report, AlertPurpose.ABUSE_REPORTED, RecipientReason.NOBODY_CONFIDENTIAL, START)
    an_hour_later = START + timedelta(hours=1)
    unreached = _nobody(report, purpose, RecipientReason.NOBODY_CANNOT_BE_REACHED, an_hour_later)
    told = await manager(intake, client, report, [(1, confidential), (1, unreached)])
    assert told == ("not_told", "Your manager has not been told, because you reported in confidence.")


@pytest.mark.policy("S3")
async def test_each_step_is_told_also_that_what_was_sent_did_not_arrive(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    alert = Alert(report)
    seen = [
        (await manager(intake, client, report, [event]))[0]
        for event in (
            alert.decided(),
            alert.failed(FailureKind.TECHNICAL),
            alert.failed(FailureKind.TEMPORARY),
            alert.sent(),
            alert.failed(FailureKind.PERMANENT),
            alert.delivered(),
            alert.failed(FailureKind.TEMPORARY),
            alert.failed(FailureKind.PERMANENT),
            alert.escalated(),
            alert.answered(Acknowledgement.CONFIRMED),
            alert.failed(FailureKind.PERMANENT),
        )
    ]
    tried = ["being_told", "not_reached", "being_told"]
    receipts = ["told", "not_reached", "told", "being_told", "not_reached"]
    assert seen == [*tried, *receipts, "being_told", "acknowledged", "acknowledged"]


async def test_a_no_is_not_a_yes(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    alert = Alert(report)
    events = [alert.decided(), alert.sent(), alert.answered(Acknowledgement.NOT_MINE), alert.sent()]
    assert (await manager(intake, client, report, events))[0] == "not_reached"


@pytest.mark.parametrize("reason", [reason for reason in RecipientReason if reason.startswith("escalated")])
async def test_who_is_next_in_line_is_not_called_a_manager(
    intake: Intake, client: AsyncClient, reason: RecipientReason
) -> None:
    report = await reported(client, intake.token())
    alert = Alert(report)
    escalated = alert.escalated(reason)
    state, text = await manager(intake, client, report, [escalated, alert.the_next().sent()])
    assert state == "told"
    assert text.startswith("The next person or team in line, because ")
    assert "anager" not in text


def _nobody(report: dict[str, str], purpose: AlertPurpose, reason: RecipientReason, at: datetime) -> AlertDecided:
    return AlertDecided(
        alert_id=uuid4(), report_id=UUID(report["report_id"]), at=at, purpose=purpose, reason=reason, anybody=False
    )


_ADD = "To have someone else told, choose ‘Add information’ and give their work email address."


@pytest.mark.parametrize(
    "reason",
    [
        RecipientReason.FALLBACK_NO_MANAGER_KNOWN,
        RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED,
        RecipientReason.FALLBACK_ALL_CONFLICTED,
    ],
)
@pytest.mark.parametrize("chosen", [ManagerAlert.YES, ManagerAlert.SOMEONE_ELSE])
async def test_who_chose_someone_else_is_never_told_about_their_manager(
    intake: Intake, client: AsyncClient, chosen: ManagerAlert, reason: RecipientReason
) -> None:
    report = await reported(client, intake.token(), manager_alert=chosen.value)
    decided = AlertDecided(
        alert_id=uuid4(),
        report_id=UUID(report["report_id"]),
        at=START,
        purpose=AlertPurpose.ABUSE_REPORTED,
        reason=reason,
        anybody=True,
    )
    _, text = await manager(intake, client, report, [(1, decided)])
    expected = f"We could not use an address for the person you chose, so the response desk is being told. {_ADD}"
    assert (text == expected) is (chosen is ManagerAlert.SOMEONE_ELSE)
    assert ("manager" in text or "address you gave" in text) is (chosen is ManagerAlert.YES)
