"""The token in an alert's link."""

import base64
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.acknowledgement.domain import Link, is_genuine, read_token, token_of
from shared.ids import AlertId
from tests.services.notifier.building import NOW

KEY = b"k" * 32
LINK = Link(AlertId(uuid4()), 1, NOW + timedelta(days=14))
TOKEN = token_of(LINK, "grace.okafor@example.org", KEY)


def test_a_token_says_what_it_was_made_of_and_is_genuine() -> None:
    assert read_token(TOKEN) == LINK
    assert is_genuine(TOKEN, "grace.okafor@example.org", KEY, NOW)


def test_a_token_is_bound_to_its_recipient_its_key_and_its_time() -> None:
    assert not is_genuine(TOKEN, "helen.marsh@example.org", KEY, NOW)
    assert not is_genuine(TOKEN, "grace.okafor@example.org", b"x" * 32, NOW)
    assert not is_genuine(TOKEN, "grace.okafor@example.org", KEY, LINK.expires_at)


@given(position=st.integers(0, 36), flip=st.integers(1, 255))
def test_no_byte_can_be_changed(position: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN + "=="))
    raw[position] ^= flip
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    assert not is_genuine(changed, "grace.okafor@example.org", KEY, NOW)


@given(text=st.one_of(st.text(), st.text(alphabet="abcXYZ019-_=", min_size=48, max_size=52)))
def test_whatever_is_typed_is_read_or_refused_without_an_error(text: str) -> None:
    assert read_token(text) is None or len(text) == 50
    assert not is_genuine(text, "grace.okafor@example.org", KEY, NOW)


@pytest.mark.parametrize(
    "other",
    [TOKEN + "=", TOKEN[:-1], TOKEN + "A", TOKEN.swapcase(), f" {TOKEN[1:]}"],
    ids=["padded", "cut", "longer", "other-case", "with-a-space"],  # the token itself differs from process to process
)
def test_a_token_has_one_spelling(other: str) -> None:
    assert not is_genuine(other, "grace.okafor@example.org", KEY, NOW)
