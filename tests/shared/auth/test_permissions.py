from pathlib import Path

import pytest

from shared.auth.permissions import ROLE_PERMISSIONS, Permission, Principal, Role
from shared.auth.personas import client_principal, load_personas
from tests.support.web import person

PERSONAS = load_personas(Path(__file__).parents[3] / "deploy" / "sample" / "personas.yaml")


def test_every_role_is_in_the_table_and_every_permission_belongs_to_a_role() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(Permission)


@pytest.mark.policy("O1")
@pytest.mark.parametrize("role", list(Role))
def test_everybody_who_is_signed_in_may_report(role: Role) -> None:
    assert person(role).may(Permission.REPORT)


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.ADMINISTRATOR, Role.INSPECTOR, Role.REPORTER])
def test_those_who_run_or_inspect_see_no_content(role: Role) -> None:
    assert not person(role).may(Permission.SEE_CASE_CONTENT)


def test_each_team_sees_its_own_queue_only() -> None:
    queues = {permission for permission in Permission if permission.value.endswith("_queue")}
    assert {p for p in queues if person(Role.SMART_LEAD).may(p)} == {Permission.SMART_QUEUE}
    assert {p for p in queues if person(Role.SIRT_RESPONDER).may(p)} == {Permission.SIRT_QUEUE}
    assert {p for p in queues if person(Role.TRIAGE_DESK).may(p)} == {Permission.TRIAGE_DESK_QUEUE}


@pytest.mark.policy("C-h")
def test_only_monitoring_may_say_that_monitoring_found_it() -> None:
    holders = {role for role in Role if person(role).may(Permission.REPORT_FROM_MONITORING)}
    assert holders == {Role.MONITORING}


def test_a_person_without_a_role_may_do_nothing() -> None:
    person = Principal("x", None, None, None, frozenset())
    assert not any(person.may(permission) for permission in Permission)


def test_sample_people_have_addresses_of_the_sample_domain() -> None:
    assert len(PERSONAS) == len({persona.principal.staff_id for persona in PERSONAS})
    assert all((persona.principal.email or "").endswith("@example.org") for persona in PERSONAS)


def test_a_client_token_for_a_sample_person_knows_their_name() -> None:
    principal = client_principal(Role.SMART_RESPONDER, "S4001", PERSONAS)
    assert (principal.name, principal.may(Permission.SMART_QUEUE)) == ("Sam Reid", True)
    assert client_principal(Role.REPORTER, None, PERSONAS).staff_id is None
