"""The people of a report are found in the stored directory, however the report names them."""

import pytest

from shared.events.parts import Person
from tests.services.notifier.building import DANIEL, GRACE, HELEN, report, suspect
from tests.services.notifier.notifying import Notifier


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    "affected", [suspect(name="Mr Evans"), suspect(name="TOM E\u0301VANS"), suspect(staff_id="s1002 ")]
)
async def test_whoever_has_not_agreed_is_found_by_name(notifier: Notifier, affected: Person) -> None:
    """Daniel reports what happened to Tom, and gives the address of Tom's manager: Daniel's own manager is told."""
    await notifier.receive(report(reporter=DANIEL, affected=[affected], manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, reason from alert") == [(HELEN.email, "reporters_manager")]


async def test_a_name_that_nobody_has_leaves_the_given_manager(notifier: Notifier) -> None:
    await notifier.receive(report(reporter=DANIEL, affected=[suspect(name="A%_ Nobody")], manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, reason from alert") == [(GRACE.email, "named_on_report")]


@pytest.mark.policy("S3")
async def test_a_suspect_is_found_by_a_staff_id_in_any_case(notifier: Notifier) -> None:
    said = report(suspected=[suspect(staff_id=" s2001 ")], manager_email="okafor.grace@example.org")
    await notifier.receive(said)
    assert await notifier.rows("select recipient_email from alert") == [(HELEN.email,)]


@pytest.mark.policy("S3")
async def test_a_typed_address_names_nobody_on_the_managers_page(notifier: Notifier) -> None:
    await notifier.receive(report(signed_in=False, manager_email=GRACE.email))
    assert await notifier.rows("select recipient_email, about_staff_id from alert") == [(GRACE.email, None)]
