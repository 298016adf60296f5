"""The demonstration's people in Keycloak are the sample people, and the file contains no one's secret."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from pydantic import TypeAdapter

from demo.mix import ROUND, plan
from demo.reports import Sender
from demo.tokens import OVERSEER, READERS, client_of
from shared.auth.permissions import Principal, Role
from shared.auth.personas import load_personas
from shared.auth.provider_config import ProviderConfig
from shared.settings import RolesOfGroups
from tests.compose.engine import demo_settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
REALM = json.loads((DEPLOY / "keycloak" / "signpost-realm.json").read_text(encoding="utf-8"))
PROVIDER = ProviderConfig(
    issuer="http://127.0.0.1/realms/signpost",
    discovery_url="http://127.0.0.1/",
    api_audience="signpost-api",
    roles=TypeAdapter(RolesOfGroups).validate_python(demo_settings()["SIGNPOST_OIDC_ROLES"]),
)
User = Mapping[str, object]


def staff_id(user: User) -> str | None:
    """Return who `user` is in the staff directory."""
    found = cast(dict[str, list[str]], user.get("attributes", {})).get("staff_id")
    return found[0] if found else None


def roles(user: User) -> frozenset[Role]:
    """Return the roles that the demonstration's settings give the groups of `user`."""
    return PROVIDER.roles_of({"groups": user["groups"]})


def person(user: User) -> tuple[object, ...]:
    """Return what both files say about a person."""
    return (staff_id(user), f"{user['firstName']} {user['lastName']}", user["email"], roles(user))


def persona(one: Principal) -> tuple[object, ...]:
    """Return the same for a sample person; everyone who signs in may report."""
    return (one.staff_id, one.name, one.email, one.roles | {Role.REPORTER})


def test_whoever_can_be_chosen_in_embedded_mode_can_sign_in_at_keycloak() -> None:
    sample = [persona(one.principal) for one in load_personas(DEPLOY / "sample" / "personas.yaml")]
    people = [person(user) for user in REALM["users"] if "serviceAccountClientId" not in user]
    assert sorted(people, key=str) == sorted(sample, key=str)


def test_every_role_can_be_given_by_a_group() -> None:
    groups = {group["name"] for group in REALM["groups"]}
    assert {group for group, _ in PROVIDER.roles} == groups
    assert {role for _, role in PROVIDER.roles} == set(Role) - {Role.REPORTER}


def test_whoever_sends_and_reads_in_the_demonstration_has_a_client_of_their_own() -> None:
    accounts = {user["serviceAccountClientId"]: user for user in REALM["users"] if "serviceAccountClientId" in user}
    senders = {report.sender for report in plan(1, ROUND) if not report.sender.anonymous} | {OVERSEER, *READERS}
    assert Sender(Role.REPORTER) in senders
    for sender in senders:
        account = accounts[client_of(sender)]
        assert staff_id(account) == sender.staff_id
        assert sender.role in roles(account)


def test_programs_get_tokens_for_the_apis_and_nothing_else() -> None:
    for client in REALM["clients"]:
        if client["clientId"] == "signpost":
            assert client["attributes"]["pkce.code.challenge.method"] == "S256"
            continue
        assert (client["serviceAccountsEnabled"], client["standardFlowEnabled"]) == (True, False)
        audiences = [mapper["config"].get("included.custom.audience") for mapper in client["protocolMappers"]]
        assert "signpost-api" in audiences


def test_no_secret_stands_in_the_file() -> None:
    secrets = [client["secret"] for client in REALM["clients"]]
    secrets += [credential["value"] for user in REALM["users"] for credential in user.get("credentials", [])]
    assert secrets
    assert all(secret.startswith("${") for secret in secrets)
