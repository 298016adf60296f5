"""What a case says: clocks in and out of hours, what reporters chose in plain words, and how to reach them."""

import ast
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from services.triage.cases import activities, views
from services.triage.deadlines.domain import OfficeHours
from shared.audit.chain import ERASED
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportSubmitted, Reporter
from shared.events.vocabulary import (
    AccountKind,
    AlsoAffects,
    Behaviour,
    Circumstance,
    Confidentiality,
    Effect,
    ManagerAlert,
    MisuseBehaviour,
    Priority,
    Team,
    WorkerKind,
)
from tests.architecture.source import parsed
from tests.services.triage.builders import DEADLINES, NOW, OFFICE, PRIYA, incident, misuse, open_cases, report
from tests.services.triage.cases.test_pages import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"


_ACTION_IS = {"Command": 0, "Change": 0, "Transition": 2}
"""Which argument of these is the action of an activity."""


def test_every_action_that_triage_writes_has_words() -> None:
    """Also those that no test carries out; the fixture `triage` checks those that one did."""
    code = [parsed(path.read_text()) for path in Path("services/triage").rglob("*.py")]
    calls = [node for tree in code for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [(call, ast.unparse(call.func).rpartition(".")[2]) for call in calls]
    actions = [call.args[_ACTION_IS[name]] for call, name in named if name in _ACTION_IS]
    written = {action.value for action in actions if isinstance(action, ast.Constant)}
    assert {"opened", "claimed", "manager_assigned"} < written
    assert {*written, ERASED} - activities.ACTIONS.keys() == set()


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "due", "hours", "said"),
    [
        ("2026-11-23T10:00", "2026-11-23T10:12", OFFICE, "12 min left"),
        ("2026-11-23T10:00", "2026-11-23T12:05", OFFICE, "2 h 5 min left"),
        ("2026-11-22T19:32", "2026-11-23T09:20", OFFICE, "due tomorrow 9:20am (opens 9:00am)"),
        ("2026-11-23T07:30", "2026-11-23T09:20", OFFICE, "due today 9:20am (opens 9:00am)"),
        ("2026-11-23T16:50", "2026-11-24T09:10", OFFICE, "due tomorrow 9:10am"),
        ("2026-11-20T16:50", "2026-11-23T09:10", OFFICE, "due Monday 23 November 9:10am"),
        ("2026-11-20T19:00", "2026-11-23T12:00", OFFICE, "due Monday 23 November 12:00pm (opens 9:00am)"),
        (
            "2026-11-20T19:00",
            "2026-11-24T09:30",
            OFFICE,
            "due Tuesday 24 November 9:30am (opens Monday 23 November 9:00am)",
        ),
        ("2026-07-03T18:00", "2026-07-06T08:20", OFFICE, "due Monday 6 July 9:20am (opens 9:00am)"),
        ("2026-11-22T19:32", "2026-11-23T09:20", None, "13 h 48 min left"),
        ("2026-11-23T09:23", "2026-11-23T09:20", OFFICE, "missed by 3 min"),
    ],
)
def test_a_clock_never_counts_hours_in_which_no_one_works(
    now: str, due: str, hours: OfficeHours | None, said: str
) -> None:
    assert views.clock_words(at(due), at(now), hours) == said


@given(st.integers(0, 60 * 24 * 30), st.integers(1, 60 * 20))
def test_time_left_is_only_shown_where_all_of_it_counts(offset: int, length: int) -> None:
    now = NOW + timedelta(minutes=offset)
    due = OFFICE.add(now, timedelta(minutes=length))
    counts = OFFICE.between(now, due) == due - now
    said = views.clock_words(due, now, OFFICE)
    assert said.endswith(" left") is counts
    assert said.startswith("due ") is not counts


@pytest.mark.parametrize(
    ("team", "priority", "always"),
    [
        (Team.SIRT, Priority.P1, True),
        (Team.SIRT, Priority.P3, False),
        (Team.SMART, Priority.P1, False),
    ],
)
def test_a_clock_counts_at_night_only_where_the_team_is_staffed(team: Team, priority: Priority, always: bool) -> None:
    assert (DEADLINES.hours(team, priority) is None) is always


async def test_the_queue_and_the_case_say_when_a_case_is_due_out_of_hours(triage: Triage) -> None:
    triage.clock.move(timedelta(hours=9, minutes=32))
    told = report(submitted_at=triage.clock.now(), behaviours=("doxing",))
    await open_cases(triage.database, told)
    async with triage.client(Role.SMART_RESPONDER) as sam:
        queue, case = (await sam.get("/cases")).text, (await sam.get(f"/cases/{told.reference}")).text
    assert "10:00am tomorrow" in queue
    assert "Respond: due tomorrow 10:00am (opens 9:00am)" in case


_RAW = {"access", "use", "actual", "suspected", "modification", "association", "speaks_for_department", "other"}


@pytest.mark.parametrize("kind", [Behaviour, MisuseBehaviour, Effect, Circumstance, AlsoAffects, ManagerAlert])
def test_no_coded_answer_is_shown_raw(kind: type[StrEnum]) -> None:
    for code in kind:
        assert "_" not in views.what(code)
        assert views.what(code) not in _RAW


@pytest.mark.parametrize("team", Team)
def test_every_team_says_who_reads_its_restricted_cases(team: Team) -> None:
    assert team in views.READERS


def test_every_kind_of_worker_and_account_has_words() -> None:
    assert set(views.WORKERS) == set(WorkerKind)
    assert all("_" not in views.words(kind) for kind in AccountKind)


async def test_something_else_is_not_a_word_of_the_code(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report(behaviours=("other",)))
    assert "Abuse: something else" in " ".join((await sam.get("/cases")).text.split())


@pytest.mark.parametrize(("personal", "people"), [("no", False), ("yes", True), ("unsure", True)])
async def test_people_are_counted_only_where_there_is_personal_data(
    triage: Triage, personal: str, people: bool
) -> None:
    told = incident(effects=("access",), personal_data=personal, people_affected=23, discovered_at=NOW)
    await open_cases(triage.database, told)
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        page = (await leo.get(f"/cases/{told.reference}")).text
    assert ("How many people" in page) is people
    assert "Someone got in without permission" in page
    assert "When it was reported" in page


ANONYMOUS = Reporter(confidentiality=Confidentiality.ANONYMOUS)
REACHED = [
    (PRIYA, "priya.shah@example.org", "Priya Shah (S1001), employee"),
    (
        PRIYA.model_copy(update={"safe_contact": "Ring me at home"}),
        "Ring me at home (they say that this is safe)",
        None,
    ),
    (PRIYA.model_copy(update={"email": None, "name": None}), "Only by their status page", "S1001, employee"),
    (ANONYMOUS, "Only by their status page", "An anonymous reporter"),
]


@pytest.mark.parametrize(("reporter", "reach", "who"), REACHED)
async def test_a_responder_can_reach_the_reporter_by_the_way_that_is_safe(
    triage: Triage, sam: AsyncClient, reporter: Reporter, reach: str, who: str | None
) -> None:
    told: AbuseReportSubmitted = report(reporter=reporter)
    await open_cases(triage.database, told)
    before = (await sam.get(f"/cases/{told.reference}")).text
    assert "How to reach them" in before
    assert "Shown with what was written" in before
    for secret in ("priya.shah@example.org", "Ring me at home"):
        assert secret not in before
    shown = (await press(sam, told, "show")).text
    assert reach in shown
    assert who is None or who in shown
    assert ("priya.shah@example.org" in shown) is (reach == "priya.shah@example.org")
    assert "What was written was shown" in (await sam.get(f"/cases/{told.reference}/timeline?kind=looks")).text


@pytest.mark.parametrize(("path", "status"), [("note", 303), ("show", 303), ("anything", 404), ("anything/else", 404)])
async def test_an_address_below_a_case_is_the_case_or_not_there(
    triage: Triage, sam: AsyncClient, path: str, status: int
) -> None:
    told = report()
    await open_cases(triage.database, told)
    assert (await sam.get(f"/cases/{told.reference}/{path}")).status_code == status
    assert (await sam.get(f"/cases/SP-0000-0000/{path}")).status_code == 404


async def test_a_message_to_the_reporter_does_not_look_like_an_internal_note(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await press(sam, told, "claim")
    page = (await sam.get(f"/cases/{told.reference}")).text
    assert page.count("The reporter will read this") == page.count('class="signpost-to-reporter"') == 2
    order = [page.index(f'id="{action}-details"') for action in ("share", "resolve", "ask", "note", "transfer")]
    assert order == sorted(order)
    button = page[: page.index("Send to the reporter")].rpartition("<button")[2]
    note = page[: page.index("Add internal note")].rpartition("<button")[2]
    assert ("govuk-button--secondary" in button, "govuk-button--secondary" in note) == (False, True)


async def test_a_restricted_case_says_truly_who_sees_it(triage: Triage, desk: AsyncClient) -> None:
    told = misuse(union_activity="yes")
    await open_cases(triage.database, told)
    page = (await desk.get(f"/cases/{told.reference}")).text
    assert "everyone at the triage desk, and people named here" in page
