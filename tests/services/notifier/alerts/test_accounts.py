"""Who is alerted about operating accounts."""

from uuid import UUID, uuid4

import pytest

from shared.events.envelope import Event
from shared.events.registry import AuthorisationGranted, AuthorisationWithdrawn, ExceptionExpired, ReviewDue
from tests.services.notifier.builders import GRACE, NOW, PRIYA
from tests.services.notifier.environment import Notifier
from tests.services.notifier.mail_server import text_of

ACCOUNT = UUID("01890a5d-ac96-774b-bcce-b302099a8001")
BASE = {"account_id": ACCOUNT, "platform": "x", "at": NOW}
COMMS = "comms@example.org"


def granted(operator: str, owner: str | None = GRACE.staff_id) -> Event:
    return AuthorisationGranted.model_validate(BASE | {"operator": operator, "owner": owner})


def withdrawn(operator: str, owner: str | None) -> Event:
    said = {"operator": operator, "owner": owner, "reason": "training_lapsed"}
    return AuthorisationWithdrawn.model_validate(BASE | said)


def expired(operator: str, owner: str | None) -> Event:
    said = {"operator": operator, "owner": owner, "expired_on": NOW.date()}
    return ExceptionExpired.model_validate(BASE | said)


def review(owner: str | None) -> Event:
    return ReviewDue.model_validate(BASE | {"owner": owner, "due_on": NOW.date()})


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (granted("S1001"), [(PRIYA.email, "operator")]),
        (granted("S0000"), []),
        (withdrawn("S1001", "S2001"), [(GRACE.email, "owner"), (PRIYA.email, "operator")]),
        (withdrawn("S1001", "S1001"), [(PRIYA.email, "operator")]),
        (withdrawn("S0000", None), [(COMMS, "owner")]),
        (withdrawn("S1001", None), [(COMMS, "owner"), (PRIYA.email, "operator")]),
        (expired("S1001", "S2001"), [(GRACE.email, "owner"), (PRIYA.email, "operator")]),
        (review("S2001"), [(GRACE.email, "owner")]),
        (review("S0000"), [(COMMS, "owner")]),
        (review(None), [(COMMS, "owner")]),
    ],
)
async def test_operator_and_owner_are_told_and_comms_in_an_unknown_owners_place(
    notifier: Notifier, event: Event, told: list[tuple[str, str]]
) -> None:
    await notifier.receive(event)
    assert await notifier.rows("select recipient_email, standing from alert order by recipient_email") == told
    assert await notifier.event_types() == []


async def test_the_mail_names_the_account_by_its_page_only(notifier: Notifier) -> None:
    await notifier.receive(withdrawn("S1001", None))
    await notifier.deliver_until(notifier.all_settled)
    mail = next(m for m in notifier.mail_server.mails if m["To"] == PRIYA.email)
    assert f"http://127.0.0.1:8000/accounts/{ACCOUNT}" in text_of(mail)
    assert "Account: b302099a8001" in text_of(mail)


async def test_an_address_that_is_wrong_for_good_is_given_up(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["550 nobody here"]
    await notifier.receive(granted("S1001").model_copy(update={"account_id": uuid4()}))
    notifier.clock.turn(notifier.lease * 200)
    await notifier.sweep_digests()
    await notifier.deliver_until(notifier.all_settled)
    assert await notifier.rows("select state, failure from alert") == [("failed", "permanent")]
