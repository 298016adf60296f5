"""The identity provider's tokens: which are accepted, what they say, and when its keys are fetched."""

import base64
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import APIRouter
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from structlog.testing import capture_logs

from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal, Role
from shared.auth.provider import ProviderUnavailable
from shared.auth.provider_config import ClaimNames, ProviderConfig, claim
from shared.auth.provider_tokens import Provider
from shared.auth.tokens import Audience, InvalidToken, TokenExpired
from tests.shared.auth.provider import CONFIG, ISSUER, RSA, ProviderForTests, claims_of, provider
from tests.support.web import START, WebForTests, browsing

__all__ = ["provider"]
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the name that providers still write


async def read(token: str, **when: timedelta) -> Principal:
    now = START + when.get("later", timedelta())
    ours = Provider(CONFIG)
    await ours.prepare(token, now)
    return ours.read(token, Audience.API, now).principal


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_a_token_of_the_provider_says_who_asks(provider: ProviderForTests, algorithm: str) -> None:
    principal = await read(provider.token(algorithm))
    assert (principal.subject, principal.staff_id, principal.name) == ("c7f1", "S1001", "Priya Shah")
    assert principal.roles == {Role.REPORTER, Role.MONITORING, Role.SMART_RESPONDER, Role.SMART_LEAD}


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (ClaimNames(), {"groups": ["SOC monitoring"]}),
        (ClaimNames(roles="scope"), {"groups": None, "scope": "openid siem"}),
        (ClaimNames(roles="realm_access.roles"), {"groups": None, "realm_access": {"roles": ["siem"]}}),
    ],
)
async def test_a_service_client_is_what_the_provider_granted_it_and_no_person(
    provider: ProviderForTests, names: ClaimNames, says: dict[str, object]
) -> None:
    """What the client credentials grant issues (RFC 6749 §4.4, RFC 9068 §2.2): no name, no staff id."""
    config = replace(CONFIG, claims=names, roles=(*CONFIG.roles, ("siem", Role.MONITORING)))
    claims = {"sub": "siem-client", "staff_id": None, "name": None, "email": None, "client_id": "siem-client", **says}
    token = provider.token("RS256", None, **claims)
    ours = Provider(config)
    await ours.prepare(token, START)
    principal = ours.read(token, Audience.API, START).principal
    assert principal == Principal("siem-client", None, None, None, frozenset({Role.REPORTER, Role.MONITORING}))
    with pytest.raises(InvalidToken):
        ours.read(token, Audience.SESSION, START)


async def test_a_group_that_is_no_role_here_gives_none(provider: ProviderForTests) -> None:
    token = provider.token(groups=["administrator", "smart_lead"], staff_id=None, name=None, email=None)
    assert (await read(token)).roles == {Role.REPORTER}


def unsigned(header: dict[str, object], **changes: object) -> str:
    parts = (json.dumps(part).encode() for part in (header, claims_of(START) | changes))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def by_shared_secret(secret: bytes) -> str:
    """The classic attack: the published key, used as the secret of an HMAC. joserfc itself refuses to make one."""
    head = unsigned({"alg": "HS256", "kid": "rsa"}).removesuffix(".")
    mac = hmac.digest(secret, head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


PUBLIC_PEM = RSA.as_pem(private=False)
FORGED: dict[str, Callable[[ProviderForTests], str]] = {
    "another audience": lambda p: p.token(aud="other-api"),
    "another issuer": lambda p: p.token(iss=f"{ISSUER}/"),
    "no algorithm": lambda _: unsigned({"alg": "none"}),
    "no algorithm, in capitals": lambda _: unsigned({"alg": "NONE", "kid": "rsa"}),
    "no audience": lambda p: p.token(aud=None),
    "no end": lambda p: p.token(exp=None),
    "no subject": lambda p: p.token(sub=None),
    "not yet": lambda p: p.token(nbf=int(START.timestamp()) + 60),
    "of the future": lambda p: p.token(iat=int(START.timestamp()) + 60),
    "another's key of the same name": lambda p: p.token(key=RSAKey.generate_key(2048, {"kid": "rsa"})),
    "a key for something else": lambda p: p.token("ES256", key=ECKey.generate_key("P-256", {"kid": "enc"})),
    "an ID token": lambda p: p.token(nonce="n"),
    "an end that is no time": lambda p: p.token(exp="tomorrow"),
    "an unknown key": lambda p: p.token(key=RSAKey.generate_key(2048, {"kid": "new"})),
    "changed": lambda p: p.token()[:-8] + "AAAAAAAA",
    "too long": lambda p: p.token(padding="x" * 20_000),
    "the public key as a secret": lambda _: by_shared_secret(PUBLIC_PEM),
    "the published document as a secret": lambda _: by_shared_secret(json.dumps(RSA.as_dict(private=False)).encode()),
    "not a token": lambda _: "a.b.c",
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("kind", sorted(FORGED))
async def test_any_other_token_is_refused(provider: ProviderForTests, kind: str) -> None:
    encrypting = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"})
    provider.listed = [
        dict(encrypting.as_dict(private=False)),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"},
        {"kty": "?"},
    ]
    await read(provider.token())
    with pytest.raises(InvalidToken):
        await read(FORGED[kind](provider))


@pytest.mark.filterwarnings("ignore:Key size")
async def test_a_key_signs_with_its_own_algorithm_only(provider: ProviderForTests) -> None:
    other, weak = RSAKey.generate_key(2048, {"kid": "pss"}), RSAKey.generate_key(1024, {"kid": "weak"})
    provider.keys.append(weak)
    provider.listed = [{**other.as_dict(private=False), "alg": "PS256"}]
    for key in (other, weak):
        with pytest.raises(InvalidToken):
            await read(provider.token(key=key))


async def test_clocks_may_differ_a_little(provider: ProviderForTests) -> None:
    token = provider.token(nbf=int(START.timestamp()) + 29)
    assert await read(token)
    assert await read(token, later=timedelta(minutes=5, seconds=29))
    with pytest.raises(TokenExpired):
        await read(token, later=timedelta(minutes=5, seconds=30))


async def test_a_provider_token_is_no_session(provider: ProviderForTests) -> None:
    ours = Provider(CONFIG)
    await ours.prepare(provider.token(), START)
    with pytest.raises(InvalidToken):
        ours.read(provider.token(), Audience.SESSION, START)


async def test_a_token_without_a_key_id_needs_a_single_key_that_fits(provider: ProviderForTests) -> None:
    token = jwt.encode({"alg": "RS256"}, claims_of(START), RSA, algorithms=["RS256"])
    assert await read(token)
    provider.keys.append(RSAKey.generate_key(2048, {"kid": "second"}))
    with pytest.raises(InvalidToken):
        await read(token)


def renamed(key_id: str) -> RSAKey:
    return RSAKey.import_key(RSA.as_dict(private=True) | {"kid": key_id})


async def test_a_new_key_is_fetched_when_a_token_names_it(provider: ProviderForTests) -> None:
    ours = Provider(CONFIG)
    await ours.prepare(provider.token(), START)
    new = RSAKey.generate_key(2048, {"kid": "new"})
    provider.keys = [new]
    later = START + timedelta(minutes=1)
    await ours.prepare(provider.token(key=new), later)
    assert ours.read(provider.token(key=new), Audience.API, later)
    with pytest.raises(InvalidToken):
        ours.read(provider.token(), Audience.API, later)


async def test_made_up_key_ids_do_not_make_us_ask_all_the_time(provider: ProviderForTests) -> None:
    ours = Provider(CONFIG)
    for number in range(50):
        await ours.prepare(provider.token(key=renamed(f"no-{number}")), START)
    assert provider.asked == 1
    await ours.prepare(provider.token(key=renamed("no")), START + 30 * SECOND)
    assert provider.asked == 2


async def test_no_request_is_sent_for_tokens_that_are_not_the_providers(provider: ProviderForTests) -> None:
    ours = Provider(CONFIG)
    for token in ("", "a.b.c", provider.token(iss="https://elsewhere.example"), unsigned({"alg": "none"})):
        await ours.prepare(token, START)
    assert provider.asked == 0


async def test_keys_are_fetched_again_after_an_hour_and_kept_while_the_provider_is_away(
    provider: ProviderForTests,
) -> None:
    ours, token = Provider(CONFIG), provider.token(exp=int((START + timedelta(days=1)).timestamp()))
    for minutes, asked in ((0, 1), (59, 1), (60, 2)):
        await ours.prepare(token, START + timedelta(minutes=minutes))
        assert provider.asked == asked
    provider.away = True
    later = START + timedelta(hours=3)
    await ours.prepare(token, later)
    assert ours.read(token, Audience.API, later)
    with pytest.raises(ProviderUnavailable):
        await ours.prepare(provider.token(key=renamed("new")), later)


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://id.example.org"},
        {"jwks_uri": "http://id.example.org/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
    ],
    ids=["another issuer", "keys without TLS", "keys of a file", "no token endpoint"],
)
async def test_a_provider_that_does_not_describe_itself_well_is_away(
    provider: ProviderForTests, wrong: dict[str, object]
) -> None:
    provider.description |= wrong
    with pytest.raises(ProviderUnavailable):
        await Provider(CONFIG).description(START)


def test_a_claim_may_stand_in_an_object_or_have_dots_in_its_name() -> None:
    claims: dict[str, object] = {"realm_access": {"roles": ["smart"]}, "https://example.org/roles": ["x"]}
    assert claim(claims, "realm_access.roles") == ["smart"]
    assert claim(claims, "https://example.org/roles") == ["x"]
    assert claim(claims, "realm_access.roles.more") is None
    config = ProviderConfig(ISSUER, "", "api", claims=ClaimNames("realm_access.roles"), roles=(("smart", Role.COMMS),))
    assert config.roles_of(claims) == {Role.REPORTER, Role.COMMS}


def test_a_path_leads_through_keys_that_have_dots_themselves() -> None:
    claims: dict[str, object] = {"resource_access": {"signpost.example.org": {"roles": ["smart"]}}}
    assert claim(claims, "resource_access.signpost.example.org.roles") == ["smart"]
    assert claim(claims, "resource_access.signpost.example.com.roles") is None


SIRT = Role.SIRT_RESPONDER
SHAPES: Mapping[str, tuple[Mapping[str, object], Mapping[str, object], set[Role], str | None]] = {
    "a list": ({"groups": ["staff", "sirt"]}, {}, {SIRT}, None),
    "a list of one that only ends alike": ({"groups": ["former sirt"]}, {}, set(), None),
    "an empty list": ({"groups": []}, {}, set(), None),
    "a text": ({"groups": "sirt"}, {}, {SIRT}, None),
    "a text that only ends alike": ({"groups": "former sirt"}, {}, set(), None),
    "a text with a comma": ({"groups": "staff,sirt"}, {}, set(), None),
    "a text with a comma, by the setting": ({"groups": "staff, sirt"}, {"role_separator": ","}, {SIRT}, None),
    "a text with spaces, by the setting": ({"groups": "staff  sirt"}, {"role_separator": " "}, {SIRT}, None),
    "a group with spaces, by the setting": ({"groups": "former sirt"}, {"role_separator": ","}, set(), None),
    "an empty text": ({"groups": ""}, {"role_separator": ","}, set(), None),
    "a scope": ({"scope": "openid sirt"}, {"claims": ClaimNames(roles="scope")}, {SIRT}, None),
    "a scope as Entra calls it": ({"scp": "openid sirt"}, {"claims": ClaimNames(roles="scp")}, {SIRT}, None),
    "a scope that is a list": ({"scope": ["former sirt"]}, {"claims": ClaimNames(roles="scope")}, set(), None),
    "a distinguished name": ({"groups": ["CN=sirt,OU=staff"]}, {}, set(), None),
    "an invisible mark": ({"groups": ["si\u200brt"]}, {}, set(), None),
    "spaces around it": ({"groups": [" sirt"]}, {}, set(), None),
    "another case": ({"groups": ["SIRT"]}, {}, set(), None),
    "in an object": (
        {"realm_access": {"roles": ["sirt"]}},
        {"claims": ClaimNames(roles="realm_access.roles")},
        {SIRT},
        None,
    ),
    "the object itself": ({"realm_access": {"sirt": 1}}, {"claims": ClaimNames(roles="realm_access")}, set(), "dict"),
    "a path that ends early": (
        {"realm_access": "sirt"},
        {"claims": ClaimNames(roles="realm_access.roles")},
        set(),
        None,
    ),
    "missing": ({}, {}, set(), None),
    "null": ({"groups": None}, {}, set(), None),
    "a list in JSON": ({"groups": '["sirt"]'}, {}, set(), "json"),
    "an object in JSON": ({"groups": '{"sirt": true}'}, {}, set(), "json"),
    "objects": ({"groups": [{"name": "sirt"}]}, {}, set(), "list[dict]"),
    "a list in a list": ({"groups": [["sirt"]]}, {}, set(), "list[list]"),
    "mixed": ({"groups": ["sirt", 7, None]}, {}, {SIRT}, "list[NoneType+int+str]"),
    "an object": ({"groups": {"sirt": True}}, {}, set(), "dict"),
    "a number": ({"groups": 1001}, {"roles": (("1001", SIRT),)}, set(), "int"),
    "numbers": ({"groups": [1001]}, {"roles": (("1001", SIRT),)}, set(), "list[int]"),
    "yes": ({"groups": True}, {"roles": (("True", SIRT),)}, set(), "bool"),
    "too many for Entra": ({"_claim_names": {"groups": "src1"}, "_claim_sources": {}}, {}, set(), "overage"),
    "too many for Entra in a browser": ({"hasgroups": True}, {}, set(), "overage"),
    "too many of something else": ({"_claim_names": {"wids": "src1"}}, {}, set(), None),
    "no group's role": ({"groups": ""}, {"roles": (("", SIRT),)}, set(), None),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_groups_are_read_in_every_shape_that_providers_send_and_never_guessed(shape: str) -> None:
    claims, config, roles, seen = SHAPES[shape]
    ours = Provider(replace(CONFIG, **{"roles": (("sirt", SIRT),), **config}))  # type: ignore[arg-type]  # a table of changes
    with capture_logs() as logs:
        for _ in range(2):
            assert ours.principal({"sub": "c7f1", **claims}).roles == {Role.REPORTER, *roles}
    line = {"log_level": "warning", "event": "claim_unreadable", "setting": "SIGNPOST_OIDC_ROLE_CLAIM", "type": seen}
    assert logs == ([line] if seen else [])


@pytest.mark.parametrize(
    ("claims", "known", "seen"),
    [
        ({}, (None, None, None), {}),
        ({"staff_id": None, "name": "", "email": ""}, (None, None, None), {}),
        ({"staff_id": "S1001", "name": "Zoe\u0308", "email": "z@example.org"}, ("S1001", "Zoë", "z@example.org"), {}),
        (
            {"staff_id": "\ufeffS10\u200d01 ", "name": "می\u200cخواهم\u00a0Lee", "email": "z\u200b@example.org"},
            ("S1001", "می\u200cخواهم Lee", "z@example.org"),
            {},
        ),
        (
            {"staff_id": 1001, "name": ["Zoë"], "email": {}},
            (None, None, None),
            {"STAFF_ID": "int", "NAME": "list[str]", "EMAIL": "dict"},
        ),
        (
            {"staff_id": "S1\x071", "name": "Z\ud800", "email": "z" * 251},
            (None, None, None),
            {"STAFF_ID": "str", "NAME": "str", "EMAIL": "str"},
        ),
    ],
)
def test_what_says_who_it_is_is_a_line_or_nothing(
    claims: Mapping[str, object], known: tuple[str | None, ...], seen: Mapping[str, str]
) -> None:
    with capture_logs() as logs:
        who = Provider(CONFIG).principal({"sub": "c7f1", **claims})
    assert (who.staff_id, who.name, who.email) == known
    assert {entry["setting"]: entry["type"] for entry in logs} == {
        f"SIGNPOST_OIDC_{claim}_CLAIM": kind for claim, kind in seen.items()
    }


@pytest.mark.parametrize(
    ("said", "counts", "seen"),
    [
        (True, True, None), ("true", True, None), (False, False, None), ("false", False, None),
        ("True", False, "str"), ("yes", False, "str"), ("", False, "str"), (1, False, "int"), (None, False, "NoneType"),
        (["true"], False, "list[str]"), ({}, False, "dict"),
    ],
)  # fmt: skip
def test_only_true_says_that_an_address_is_verified(said: object, counts: bool, seen: str | None) -> None:
    with capture_logs() as logs:
        who = Provider(CONFIG).principal({"sub": "c7f1", "email": "a@example.org", "email_verified": said})
    assert who.email == ("a@example.org" if counts else None)
    assert [(entry["setting"], entry["type"]) for entry in logs] == ([("email_verified", seen)] if seen else [])


ANY_CLAIM = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(*[ANY_CLAIM] * 5)
def test_no_claim_stops_a_sign_in_or_says_more_than_its_kind(
    groups: object, staff_id: object, name: object, email: object, verified: object
) -> None:
    said = {"groups": groups, "staff_id": staff_id, "name": name, "email": email, "email_verified": verified}
    who = Provider(CONFIG).principal({"sub": "c7f1", **said})
    for text in (who.staff_id, who.name, who.email):
        assert text is None or (text and text.encode())
    for setting, kind in CONFIG.unreadable(said):
        assert re.fullmatch(r"[\w+\[\]]+", f"{setting}{kind}")


router = APIRouter()


@router.get("/report/api/v1/queue")
def queue(principal: Annotated[Principal, requires(Permission.SMART_QUEUE)]) -> dict[str, str]:
    return {"subject": principal.subject}


async def test_the_apis_take_the_providers_tokens_beside_our_own(web: WebForTests, provider: ProviderForTests) -> None:
    settings = web.settings(oidc_issuer=ISSUER, oidc_roles="smart=smart_responder")
    async with browsing(web.app(router, settings=settings)) as client:

        async def asked_with(headers: dict[str, str]) -> int:
            return (await client.get("/report/api/v1/queue", headers=headers)).status_code

        def bearer(token: str) -> dict[str, str]:
            return {"authorization": f"Bearer {token}"}

        assert await asked_with(web.bearer(Role.SMART_RESPONDER)) == 200
        assert await asked_with(bearer(provider.token())) == 200
        assert await asked_with(bearer(provider.token(groups=[]))) == 403
        assert await asked_with(bearer(provider.token(aud="other"))) == 401
        assert await asked_with(bearer(unsigned({"alg": "none"}))) == 401


async def test_while_the_provider_is_away_its_tokens_are_unavailable_and_not_wrong(
    web: WebForTests, provider: ProviderForTests
) -> None:
    provider.away = True
    async with browsing(web.app(router, settings=web.settings(oidc_issuer=ISSUER))) as client:
        headers = {"authorization": f"Bearer {provider.token()}"}
        answer = await client.get("/report/api/v1/queue", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        provider.away = False
        web.clock.pass_(5 * SECOND)
        assert (await client.get("/report/api/v1/queue", headers=headers)).status_code == 403
