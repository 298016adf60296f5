"""Grants: read only by who has the keys, within their minute, and unchanged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.auth.grants import LIFETIME, LONGEST, Grant, GrantedAction, GrantExpired, InvalidGrant
from shared.encryption import Keys

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
GRANT = Grant(
    grant_id=UUID(int=1),
    action=GrantedAction.PREVIEW,
    report_id=UUID(int=2),
    expires_at=NOW + LIFETIME,
    responder="SMP0021",
    case_id=UUID(int=3),
    evidence_ids=(UUID(int=4),),
    sharp=True,
)


@pytest.mark.parametrize("keys", [Keys((OLD,)), Keys((NEW, OLD))], ids=["same", "replaced"])
def test_a_grant_is_read_back_as_it_was_made(keys: Keys) -> None:
    text = GRANT.seal(Keys((OLD,)))
    assert Grant.unseal(text, keys, NOW) == GRANT
    assert "SMP0021" not in text


def test_a_grant_for_many_pieces_fits_into_an_address() -> None:
    many = GRANT.model_copy(
        update={
            "evidence_ids": tuple(UUID(int=2**128 - 1 - n) for n in range(300)),
            "back": "/cases/SP-0000-0000/evidence",
        }
    )
    text = many.seal(Keys((OLD,)))
    assert len(text) <= LONGEST
    assert Grant.unseal(text, Keys((OLD,)), NOW) == many


def test_a_grant_leads_back_to_a_page_of_ours_alone() -> None:
    Grant.model_validate({**GRANT.model_dump(), "back": "/cases/x/evidence?added=1&from=q%3Da+b%26view%3Dall"})
    for elsewhere in ("https://example.org/", "//example.org", "/report/x", "/cases/../x", "/cases/x?y=//z"):
        with pytest.raises(ValidationError):
            Grant.model_validate({**GRANT.model_dump(), "back": elsewhere})


def test_a_grant_ends_after_a_minute() -> None:
    text = GRANT.seal(Keys((OLD,)))
    with pytest.raises(GrantExpired):
        Grant.unseal(text, Keys((OLD,)), NOW + timedelta(seconds=60))


@pytest.mark.parametrize(
    "change",
    [
        str.swapcase,
        lambda text: text[:-4],
        lambda text: text + "A",
        lambda _text: "",
        lambda _text: "é" * 9,
        lambda text: text * 9,
    ],
    ids=["changed", "cut", "longer", "empty", "no base64", "huge"],
)
def test_anything_else_is_no_grant(change: Callable[[str], str]) -> None:
    with pytest.raises(InvalidGrant):
        Grant.unseal(change(GRANT.seal(Keys((OLD,)))), Keys((OLD,)), NOW)


def test_a_grant_of_other_keys_is_none() -> None:
    with pytest.raises(InvalidGrant):
        Grant.unseal(GRANT.seal(Keys((OLD,))), Keys((NEW,)), NOW)
