"""What waits, and until when: UK times, clock changes included; urgent messages never do."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.delivery.digests import held_until, next_digest
from services.notifier.delivery.domain import Urgency
from shared.events.vocabulary import AlertPurpose
from tests.services.notifier.building import HOLDING, NOW

RULES = replace(HOLDING, storm_after=3, at_most=timedelta(hours=30))
LOW, AT_RISK = Urgency.LOW, AlertPurpose.DEADLINE_AT_RISK


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        (datetime(2026, 11, 23, 8, 59, tzinfo=UTC), datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 23, 14, 0, tzinfo=UTC)),
        (datetime(2026, 11, 23, 23, 0, tzinfo=UTC), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 8, 30, tzinfo=UTC), datetime(2026, 7, 1, 13, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 15, 0, tzinfo=UTC), datetime(2026, 3, 29, 8, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 15, 0, tzinfo=UTC), datetime(2026, 10, 25, 9, 0, tzinfo=UTC)),
        (datetime(2028, 2, 28, 15, 0, tzinfo=UTC), datetime(2028, 2, 29, 9, 0, tzinfo=UTC)),
    ],
)
def test_a_digest_leaves_at_the_next_set_time_on_british_clocks(now: datetime, leaves: datetime) -> None:
    assert next_digest(now, RULES) == leaves


def test_no_message_waits_longer_than_was_said() -> None:
    assert next_digest(NOW, replace(RULES, at_most=timedelta(hours=1))) == NOW + timedelta(hours=1)
    assert next_digest(NOW, replace(RULES, times=())) == NOW + timedelta(hours=30)


@pytest.mark.parametrize(
    ("purpose", "urgency", "lately", "held"),
    [
        (AT_RISK, Urgency.LOW, 0, True),
        (AT_RISK, Urgency.NORMAL, 0, False),
        (AT_RISK, Urgency.URGENT, 99, False),
        (AlertPurpose.REPORT_MOVED, Urgency.LOW, 0, False),
        (AlertPurpose.ABUSE_REPORTED, Urgency.NORMAL, 2, False),
        (AlertPurpose.ABUSE_REPORTED, Urgency.NORMAL, 3, True),
        (AlertPurpose.ABUSE_REPORTED, Urgency.URGENT, 99, False),
    ],
)
def test_what_is_held(purpose: AlertPurpose, urgency: Urgency, lately: int, held: bool) -> None:
    until = held_until(purpose, urgency, lately=lately, now=NOW, rules=RULES)
    assert (until is not None) is held


@given(
    purpose=st.sampled_from(sorted(AlertPurpose)),
    lately=st.integers(0, 10**6),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- zones are added
    times=st.lists(st.times(), max_size=4).map(tuple),
)
def test_urgent_is_never_held_and_nothing_waits_forever(
    purpose: AlertPurpose, lately: int, now: datetime, times: tuple[time, ...]
) -> None:
    rules = replace(RULES, times=times)
    assert held_until(purpose, Urgency.URGENT, lately=lately, now=now, rules=rules) is None
    for urgency in (Urgency.NORMAL, Urgency.LOW):
        until = held_until(purpose, urgency, lately=lately, now=now, rules=rules)
        assert until is None or now < until <= now + max(rules.at_most, rules.storm_window)
