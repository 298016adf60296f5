"""Waits grow while something fails, and start again after a success."""

from shared.backoff import Backoff

LIMIT = 10.0
FIRST = 0.1
MOST, LEAST = 1.25, 0.75
"""The range of the jitter."""


def test_waits_double_up_to_the_limit() -> None:
    backoff = Backoff(FIRST, LIMIT)
    plain = [min(LIMIT, FIRST * 2**turn) for turn in range(12)]
    waits = [backoff.next() for _ in plain]
    assert all(LEAST * expected <= wait <= MOST * expected for wait, expected in zip(waits, plain, strict=True))


def test_a_failure_after_a_success_is_waited_for_as_the_first_one() -> None:
    backoff = Backoff(FIRST, LIMIT)
    for _ in range(12):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= FIRST * MOST
