"""A mail's subject: one short sentence that begins like one."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.notifier.delivery.domain import Attempt, DeliveryKind, Notice, RecipientRole, Urgency
from shared.ids import AlertId, ReportId
from tests.services.notifier.building import NOW
from tests.services.notifier.notifying import COMPOSER

_SOME = UUID(int=1)
ATTEMPT = Attempt(
    attempt_id=_SOME,
    delivery_id=_SOME,
    alert_id=AlertId(_SOME),
    report_id=ReportId(_SOME),
    kind=DeliveryKind.ALERT,
    channel="email",
    recipient="grace.okafor@example.org",
    notice=Notice("SP-0000-0010", Urgency.NORMAL, RecipientRole.MANAGER).stored(),
    number=1,
    possible_repeat=False,
)


@pytest.mark.parametrize(
    ("urgency", "kind", "subject"),
    [
        (Urgency.NORMAL, DeliveryKind.ALERT, "Social media abuse reported, SP-0000-0010"),
        (Urgency.URGENT, DeliveryKind.ALERT, "Urgent: social media abuse reported, SP-0000-0010"),
        (Urgency.NORMAL, DeliveryKind.REMINDER, "Reminder: social media abuse reported, SP-0000-0010"),
        (Urgency.URGENT, DeliveryKind.REMINDER, "Reminder: urgent: social media abuse reported, SP-0000-0010"),
    ],
)
def test_a_subject_begins_with_a_capital_letter_and_has_no_other(
    urgency: Urgency, kind: DeliveryKind, subject: str
) -> None:
    attempt = replace(ATTEMPT, kind=kind, notice={**ATTEMPT.notice, "urgency": urgency.value})
    assert COMPOSER(attempt, NOW).subject == subject
