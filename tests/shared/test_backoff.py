"""Waits grow while something fails, and begin anew once it has gone well for a while."""

import pytest

from shared.backoff import Backoff

LIMIT = 10.0


class Hand:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


def failures(backoff: Backoff, hand: Hand, count: int) -> list[float]:
    """Fail at once, wait, fail at once, …"""
    waits = []
    for _ in range(count):
        waits.append(backoff.next())
        hand.now += waits[-1]
    return waits


def test_waits_double_up_to_the_limit(hand: Hand) -> None:
    waits = failures(Backoff(0.1, LIMIT, hand), hand, 12)
    plain = [min(LIMIT, 0.1 * 2**turn) for turn in range(12)]
    assert all(0.75 * expected <= wait <= 1.25 * expected for wait, expected in zip(waits, plain, strict=True))


def test_a_failure_after_a_long_success_is_waited_for_as_the_first_one(hand: Hand) -> None:
    backoff = Backoff(0.1, LIMIT, hand)
    failures(backoff, hand, 12)
    hand.now += LIMIT + 1
    assert backoff.next() <= 0.1 * 1.25


def test_a_success_that_did_not_last_changes_nothing(hand: Hand) -> None:
    backoff = Backoff(0.1, LIMIT, hand)
    failures(backoff, hand, 12)
    hand.now += LIMIT - 1
    assert backoff.next() >= LIMIT * 0.75


def test_reset_begins_anew_at_once(hand: Hand) -> None:
    backoff = Backoff(0.1, LIMIT, hand)
    failures(backoff, hand, 12)
    backoff.reset()
    assert backoff.next() <= 0.1 * 1.25
