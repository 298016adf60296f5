"""The life cycle of an account, and what is overdue."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.accounts.domain import Account, Registration, faults, next_statuses
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import NOW, OFFICIAL, UNION

TODAY = NOW.date()

registrations = st.builds(
    Registration,
    platform=st.sampled_from(["x", "linkedin"]),
    handle=st.just("some"),
    account_class=st.sampled_from(AccountClass),
    status=st.sampled_from(AccountStatus),
    official_use=st.booleans(),
    title=st.none() | st.just("Title"),
    owner=st.none() | st.just(StaffId("S1")),
    approved_person=st.none() | st.just(StaffId("S2")),
    next_review_on=st.none() | st.just(TODAY),
    checks_due_on=st.none() | st.just(TODAY),
)


@pytest.mark.policy("C-j")
@given(registrations)
def test_no_acceptable_union_account_says_anything_of_a_person(registration: Registration) -> None:
    if registration.account_class is AccountClass.UNION and not faults(registration):
        assert registration == replace(UNION, platform=registration.platform, handle="some", status=registration.status)


@pytest.mark.policy("D-personal")
def test_there_is_no_class_for_personal_accounts() -> None:
    assert {str(kind) for kind in AccountClass} == {"official", "professional_individual", "linkedin", "union"}


@given(registrations)
def test_from_closed_nothing_follows_and_nothing_follows_itself(registration: Registration) -> None:
    following = next_statuses(registration)
    assert registration.status not in following
    assert (registration.status is AccountStatus.CLOSED) == (not following)


@pytest.mark.policy("Sc-d")
@pytest.mark.policy("S8")
@pytest.mark.parametrize(
    ("due", "status", "overdue"),
    [
        (TODAY, AccountStatus.LIVE, False),
        (TODAY - timedelta(days=1), AccountStatus.LIVE, True),
        (TODAY - timedelta(days=1), AccountStatus.CLOSED, False),
        (None, AccountStatus.LIVE, False),
    ],
)
def test_what_is_past_its_date_is_overdue(due: date | None, status: AccountStatus, *, overdue: bool) -> None:
    reviewed = Account(AccountId(uuid4()), replace(OFFICIAL, next_review_on=due, status=status), 1, NOW, NOW)
    checked = Account(AccountId(uuid4()), replace(OFFICIAL, checks_due_on=due, status=status), 1, NOW, NOW)
    assert reviewed.overdue(TODAY) is overdue
    assert checked.overdue(TODAY) is overdue
