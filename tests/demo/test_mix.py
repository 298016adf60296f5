"""The stream of reports: the same for one seed, with everything in it, and each report has the expected result."""

import csv
from collections import Counter
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo import samples
from demo.mix import ROUND, SCENARIOS, plan
from demo.reports import ANONYMOUS, PlannedReport
from demo.samples import STAFF
from services.intake.reports.bodies import (
    AbuseReportBody,
    EnquiryBody,
    MisuseReportBody,
    PolicyExceptionBody,
    ReportBody,
    SecurityIncidentBody,
)
from services.intake.reports.domain import Report, refusals
from services.intake.reports.kinds import submitted
from services.triage.reports.normalise import normalise
from services.triage.routing.domain import Decision, History, decide, facts_of
from shared.auth.permissions import Principal, Role
from shared.auth.personas import client_principal
from shared.events.vocabulary import Behaviour, Circumstance, Effect, EnquiryTopic, ExceptionKind, MisuseBehaviour, Team
from shared.ids import Reference, ReportId
from tests.services.triage.builders import BOOK

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BODIES: dict[str, type[ReportBody]] = {
    "abuse-reports": AbuseReportBody,
    "misuse-reports": MisuseReportBody,
    "security-incidents": SecurityIncidentBody,
    "enquiries": EnquiryBody,
    "policy-exceptions": PolicyExceptionBody,
}
NOTHING_KNOWN = History()
ONE_ROUND = list(plan(1, ROUND))


def named(planned: PlannedReport) -> Principal | None:
    role = planned.sender.role
    return None if role is None else client_principal(role, planned.sender.staff_id)


def test_a_seed_is_a_stream_and_another_seed_is_another() -> None:
    first, again, other = (list(plan(seed, 2 * ROUND)) for seed in (7, 7, 8))
    assert first == again
    assert [one.content for one in first] == [one.content for one in again]
    assert [one.scenario for one in first] != [one.scenario for one in other]


@given(seed=st.integers(0, 2**64), skip=st.integers(0, 3 * ROUND))
def test_every_scenario_comes_in_any_two_rounds(seed: int, skip: int) -> None:
    stretch = islice(plan(seed, skip + 2 * ROUND), skip, None)
    assert {one.scenario for one in stretch} == set(SCENARIOS)


@given(seed=st.integers(0, 2**64))
def test_every_scenario_comes_once_a_round(seed: int) -> None:
    assert set(Counter(one.scenario for one in plan(seed, 2 * ROUND)).values()) == {2}


@given(seed=st.integers(), count=st.integers(0, 3 * ROUND))
def test_it_is_as_long_as_asked_and_numbered(seed: int, count: int) -> None:
    assert [one.number for one in plan(seed, count)] == list(range(1, count + 1))


def test_what_the_policy_names_is_all_in_a_round() -> None:
    found = {one.scenario for one in ONE_ROUND}
    assert {f"abuse:{behaviour}" for behaviour in Behaviour} <= found
    assert {f"misuse:{kind}" for kind in MisuseBehaviour} <= found
    assert {f"incident:{effect}×{how}" for effect, how in product(Effect, Circumstance)} <= found
    assert {f"enquiry:{topic}" for topic in EnquiryTopic} <= found
    assert {f"exception:{kind}" for kind in ExceptionKind} <= found
    assert {one.family for one in ONE_ROUND} >= {
        "misdirected",
        "anonymous",
        "no-known-manager",
        "taken-over",
        "union",
        "monitoring",
        "supplier",
        "malformed",
        "not-permitted",
    }


def test_a_scenario_says_what_its_report_is_about() -> None:
    for one in plan(5, 3 * ROUND):
        family, _, case = one.scenario.partition(":")
        if family == "abuse" and case in set(Behaviour):
            assert case in body_of(one)["behaviours"]  # type: ignore[operator] # a list
        if family == "incident" and "×" in case:
            effect, how = case.split("×")
            assert (body_of(one)["effects"], body_of(one)["circumstances"]) == ([effect], [how])


def test_nobody_says_how_many_people_where_no_information_about_people_is_involved() -> None:
    bodies = [one.body for one in plan(5, 3 * ROUND) if isinstance(one.body, dict)]
    said = {(body.get("personal_data"), "people_affected" in body) for body in bodies}
    assert ("no", False) in said
    assert ("yes", True) in said
    assert ("no", True) not in said


def test_every_team_has_work_and_both_wrong_ways_come_in() -> None:
    accepted = [one.expected for one in ONE_ROUND if one.expected.accepted]
    assert {expected.team for expected in accepted} == set(Team)
    assert {(e.team, e.misdirected) for e in accepted} >= {(Team.SMART, True), (Team.SIRT, True)}
    assert any(e.also is None for e in accepted)


def test_keys_are_unique_and_those_of_another_run_are_others() -> None:
    keys = Counter(one.key for run in ("a", "b") for one in plan(1, 2 * ROUND, run=run))
    assert set(keys.values()) == {1}


def body_of(planned: PlannedReport) -> dict[str, object]:
    return cast(dict[str, object], planned.body)


def command_of(planned: PlannedReport) -> Report:
    """Read the body as the API does."""
    read = BODIES[planned.path.rpartition("/")[2]].model_validate_json(planned.content)
    return cast(Report, read.to_command(named(planned)))  # type: ignore[attr-defined] # each kind has its own


@pytest.mark.parametrize("seed", range(5))
def test_what_should_be_accepted_is_acceptable(seed: int) -> None:
    for one in plan(seed, 2 * ROUND):
        if one.expected.accepted:
            assert refusals(command_of(one), NOW) == (), one.scenario


@pytest.mark.parametrize("seed", range(5))
def test_the_rule_book_and_the_routing_table_agree_on_every_report(seed: int) -> None:
    for one in plan(seed, 2 * ROUND):
        if one.expected.accepted:
            decision = decided(one)
            assert (decision.team, decision.misdirected) == (one.expected.team, one.expected.misdirected), one.scenario
            assert one.expected.also in (None, {also.team for also in decision.also}), one.scenario


def decided(planned: PlannedReport) -> Decision:
    event = submitted(ReportId(UUID(int=planned.number)), Reference("SP-0000-0000"), command_of(planned), NOW)
    return decide(facts_of(normalise(event), NOTHING_KNOWN), BOOK, NOW.date())


def test_the_people_are_those_of_the_sample_directory() -> None:
    rows = list(csv.DictReader(Path("deploy/sample/directory.csv").read_text(encoding="utf-8").splitlines()))
    current = {row["staff_id"]: row for row in rows if not row["to"] or row["to"] > "2026-11"}
    for staff in STAFF:
        row = current[staff.staff_id]
        assert (row["name"], current[row["manager_staff_id"]]["email"]) == (staff.name, staff.manager_email)
    assert (current[samples.CONTRACTOR.staff_id]["manager_staff_id"], samples.CONTRACTOR.manager_email) == ("", None)
    assert samples.STRANGER.staff_id not in current


def test_stories_are_of_many_lengths_and_never_too_long() -> None:
    lengths = [len(str(body_of(one)["narrative"])) for one in plan(3, ROUND) if one.expected.accepted]
    assert min(lengths) == 1
    assert max(lengths) == 50_000
    assert sum(100 < length < 1_000 for length in lengths) > len(lengths) / 3


def test_only_anonymous_reports_have_no_sender() -> None:
    nameless = {one.scenario for one in ONE_ROUND if one.sender == ANONYMOUS and one.expected.accepted}
    assert nameless == {"anonymous:nobody-told", "anonymous:manager-told"}
    assert {one.sender.role for one in ONE_ROUND} == {None, Role.REPORTER, Role.MONITORING, Role.SUPPLIER}
