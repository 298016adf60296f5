from datetime import timedelta
from unittest.mock import Mock

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.auth import tokens
from shared.auth.permissions import Role, Session
from shared.auth.tokens import (
    IDLE_LIMIT,
    SESSION_LIMIT,
    Audience,
    InvalidToken,
    TokenExpired,
    TokenIssuer,
    TokenVerifier,
    ensure_key_files,
    new_key_pair,
    renewal_is_due,
)
from tests.support.web import START, WebForTests, person

PRIVATE, PUBLIC = new_key_pair()
WHO = person(Role.SMART_RESPONDER)


def read(token: str, audience: Audience = Audience.API, *, later: timedelta = timedelta()) -> Session:
    return TokenVerifier(PUBLIC).read(token, audience, START + later)


def claims(**changed: object) -> dict[str, object]:
    now = int(START.timestamp())
    good: dict[str, object] = {
        "iss": "signpost",
        "aud": "signpost-api",
        "sub": "S1001",
        "roles": ["reporter"],
        "iat": now,
        "exp": now + 60,
        "auth_time": now,
    }
    return good | changed


def signed(values: dict[str, object]) -> str:
    return jwt.encode({"alg": "Ed25519"}, values, OKPKey.import_key(PRIVATE), algorithms=["Ed25519"])


def test_a_token_says_who_it_speaks_for() -> None:
    session = read(TokenIssuer(PRIVATE).bearer(WHO, START))
    assert session.principal == WHO
    assert session.issued_at == session.started_at == START


def test_a_token_is_verified_once_and_refused_all_the_same_when_it_is_over_or_for_something_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verifier, decode = TokenVerifier(PUBLIC), Mock(side_effect=jwt.decode)
    monkeypatch.setattr(jwt, "decode", decode)
    token = TokenIssuer(PRIVATE).bearer(WHO, START, timedelta(minutes=1))
    first, again = (verifier.read(token, Audience.API, START + timedelta(seconds=later)) for later in (0, 59))
    assert first == again
    assert decode.call_count == 1
    with pytest.raises(TokenExpired):
        verifier.read(token, Audience.API, START + timedelta(minutes=1))
    with pytest.raises(InvalidToken):
        verifier.read(token, Audience.SESSION, START)
    with pytest.raises(InvalidToken):
        verifier.read(f"{token[:-4]}{'BBBB' if token.endswith('AAAA') else 'AAAA'}", Audience.API, START)


def test_tokens_are_remembered_without_being_kept_and_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_REMEMBERED", 3)
    verifier, issuer = TokenVerifier(PUBLIC), TokenIssuer(PRIVATE)
    for minutes in range(1, 9):
        token = issuer.bearer(WHO, START, timedelta(minutes=minutes))
        verifier.read(token, Audience.API, START)
        assert token not in str(vars(verifier))
    assert len(verifier._read) <= 3


def test_a_bearer_token_is_refused_once_it_is_over() -> None:
    token = TokenIssuer(PRIVATE).bearer(WHO, START, timedelta(minutes=1))
    assert read(token, later=timedelta(seconds=59))
    with pytest.raises(TokenExpired):
        read(token, later=timedelta(minutes=1))


@pytest.mark.parametrize("audience", list(Audience))
def test_a_token_is_good_for_its_own_audience_only(audience: Audience) -> None:
    issuer = TokenIssuer(PRIVATE)
    other = issuer.session(WHO, START) if audience is Audience.API else issuer.bearer(WHO, START)
    with pytest.raises(InvalidToken):
        read(other, audience)


def test_a_token_of_another_key_is_refused() -> None:
    stranger, _ = new_key_pair()
    with pytest.raises(InvalidToken):
        read(TokenIssuer(stranger).bearer(WHO, START))


def test_a_token_without_a_signature_is_refused() -> None:
    token = jwt.encode({"alg": "none"}, claims(), OctKey.generate_key(), algorithms=["none"])
    with pytest.raises(InvalidToken):
        read(token)


def test_the_public_key_is_no_shared_secret() -> None:
    token = jwt.encode({"alg": "HS256"}, claims(), OctKey.import_key(PUBLIC.hex()), algorithms=["HS256"])
    with pytest.raises(InvalidToken):
        read(token)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody-else"},
        {"aud": ["signpost-api"]},
        {"sub": None},
        {"roles": "administrator"},
        {"exp": "later"},
        {"exp": True},
        {"iat": int(START.timestamp()) + 3600},
        {"exp": 10**30},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changed: dict[str, object]) -> None:
    assert read(signed(claims()))
    with pytest.raises(InvalidToken):
        read(signed(claims(**changed)))


def test_an_undeclared_role_gives_nothing() -> None:
    assert read(signed(claims(roles=["reporter", "emperor", 7]))).principal.roles == {Role.REPORTER}


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "." * 5000])
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        read(text)


def test_a_session_ends_after_30_idle_minutes() -> None:
    token = TokenIssuer(PRIVATE).session(WHO, START)
    assert read(token, Audience.SESSION, later=IDLE_LIMIT - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        read(token, Audience.SESSION, later=IDLE_LIMIT)


def test_a_session_ends_after_8_hours_however_active() -> None:
    near_the_end = START + SESSION_LIMIT - timedelta(minutes=1)
    renewed = TokenIssuer(PRIVATE).session(WHO, near_the_end, started_at=START)
    assert TokenVerifier(PUBLIC).read(renewed, Audience.SESSION, near_the_end).expires_at == START + SESSION_LIMIT


def test_renewal_is_due_after_some_minutes_and_only_where_it_helps() -> None:
    fresh = read(TokenIssuer(PRIVATE).session(WHO, START), Audience.SESSION)
    assert not renewal_is_due(fresh, START + timedelta(minutes=1))
    assert renewal_is_due(fresh, START + timedelta(minutes=6))
    last = Session(WHO, START, START + timedelta(hours=7, minutes=40), START + SESSION_LIMIT)
    assert not renewal_is_due(last, START + timedelta(hours=7, minutes=50))


def test_key_files_are_for_their_owner_and_stay(web: WebForTests) -> None:
    private, public = ensure_key_files(web.folder)
    before = private.read_bytes()
    assert [path.stat().st_mode & 0o777 for path in (private, public)] == [0o600, 0o600]
    assert ensure_key_files(web.folder)[0].read_bytes() == before
