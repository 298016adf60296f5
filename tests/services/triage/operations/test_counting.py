"""Figures kept event by event equal a full count, and leave out the cases that are hidden from a person."""

import runpy
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.triage.operations import queries
from services.triage.operations.charts import Panel, Value
from services.triage.operations.dashboard import READERS, Asked, Dashboard, dashboard
from services.triage.operations.queries import Lag
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.envelope import Event
from shared.events.intake import Person
from shared.events.notifier import AlertAcknowledged, AlertDecided, AlertSent
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.people import keys_of_member
from shared.events.topics import GROUPS
from shared.events.triage import CaseDeadlineMissed
from shared.events.vocabulary import Relation, Team
from tests.services.triage.builders import IDS, NOW, Submitted, incident, misuse, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.operations.events import (
    alert,
    come_to_the_same_in_any_order_and_twice,
    figures,
    hear,
    ledger,
    said_by_triage,
)

SERVICE = "triage"
ALL_OF_THEM = sorted(Path("services/triage/migrations/versions").glob("*.py"))
API = "/cases/api/v1/cases"
NOBODY: Collection[str] = keys_of_member(staff_id="S9999", name="Nobody Else", email=None)
DANA: Collection[str] = keys_of_member(staff_id="S7001", name="Dana Wolf", email=None)


async def shown(
    database: Database, keys: Collection[str] = NOBODY, days: int = 7, team: Team | None = None
) -> Dashboard:
    async with database.transaction() as session:
        snapshot = await queries.snapshot(session, keys, NOW, days)
    return dashboard(snapshot, Lag(NOW, {}), Asked(days, team))


def table(found: Dashboard, panel_id: str) -> list[tuple[Value, ...]]:
    panel = found.panel(panel_id)
    assert panel
    return list(panel.table.rows)


def numbers(found: Dashboard, panel_id: str) -> dict[Value, Value]:
    """Return the last column of a table by its first."""
    return {row[0]: row[-1] for row in table(found, panel_id)}


async def work(triage: Triage, reference: str, *actions: str) -> None:
    """Let SMART's lead act on a case, one action after another."""
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_LEAD, subject="S4002"))
        case = (await client.get(API, params={"q": reference})).json()["items"][0]["case_id"]
        for version, action in enumerate(actions, start=1):
            body = {"outcome": "support_given"} if action == "resolve" else None
            match = {"If-Match": f'"{version}"'}
            answer = await client.post(f"{API}/{case}/{action}", json=body, headers=match)
            assert answer.status_code == 200, answer.text


async def ask_platforms(triage: Triage) -> None:
    """Let SMART ask platforms to remove something because of its newest case: one does, one refuses, one is silent."""
    async with triage.client() as client:
        headers = triage.bearer(Role.SMART_LEAD, subject="S4002")
        case = (await client.get(API, params={"sort": "newest"}, headers=headers)).json()["items"][0]

        async def post(version: int, path: str, **body: str) -> dict[str, Any]:
            match = {"If-Match": f'"{version}"'}
            address = f"{API}/{case['case_id']}/takedowns{path}"
            answer = await client.post(address, json=body, headers={**headers, **match})
            assert answer.status_code == 200, answer.text
            return dict(answer.json()["takedowns"][-1])

        removed = await post(case["version"], "", link="https://x.com/some_account/status/1")
        refused = await post(case["version"] + 1, "", link="https://www.reddit.com/r/place/comments/abc/")
        await post(case["version"] + 2, "", link="https://www.facebook.com/someone/posts/1")
        triage.clock.move(timedelta(hours=1))
        await post(case["version"] + 3, f"/{removed['takedown_id']}", state="removed")
        await post(case["version"] + 4, f"/{refused['takedown_id']}", state="refused")
        triage.clock.move(timedelta(hours=-1))


def seen(found: Dashboard) -> list[Panel]:
    """Return the figures about reports and cases; the number of records in an outbox is about records."""
    return [panel for panel in found.panels if panel.id != "lag"]


async def a_busy_morning(triage: Triage) -> list[Event]:
    """Let reports arrive and be worked; return all events about them."""
    told: list[Submitted] = [
        report(),
        report(platform="facebook", behaviours=("doxing", "trolling")),
        report(),
        misuse(),
        incident(),
    ]
    await open_cases(triage.database, *told)
    triage.clock.move(timedelta(minutes=6))
    await work(triage, told[0].reference, "claim")
    await work(triage, told[1].reference, "claim", "resolve")
    await ask_platforms(triage)
    events = await said_by_triage(triage.database)
    first = next(event for event in events if getattr(event, "reference", "") == told[0].reference)
    missed = {name: getattr(first, name) for name in ("case_id", "report_id", "reference", "at")}
    late = CaseDeadlineMissed.model_validate({**missed, "team": "smart", "kind": "respond", "due_at": NOW})
    alerts = [alert(AlertDecided, one.report_id, reason="reporters_manager", anybody=True) for one in told[:3]]
    alerts += [alert(AlertDecided, told[4].report_id, reason="nobody_not_required", anybody=False)]
    alerts += [alert(AlertSent, one.report_id, channel="smtp", attempt=1) for one in told[:2]]
    return [*events, late, *alerts, alert(AlertAcknowledged, told[0].report_id, answer="confirmed")]


@pytest.mark.parametrize("seed", [1, 2])
async def test_events_in_any_order_and_twice_come_to_the_same_figures(triage: Triage, seed: int) -> None:
    await come_to_the_same_in_any_order_and_twice(triage.database, await a_busy_morning(triage), seed)


async def test_the_figures_say_what_happened(triage: Triage) -> None:
    await hear(triage.database, [*await a_busy_morning(triage), ledger(accepted=5)])
    found = await shown(triage.database)
    assert table(found, "funnel") == [
        ("Accepted", 5),
        ("Published", 5),
        ("Routed to a team", 5),
        ("Alert sent", 2),
        ("Acknowledged", 1),
        ("Resolved", 1),
    ]
    waiting = numbers(found, "queues")
    assert (waiting["SMART"], waiting["SIRT"], waiting["Line manager"]) == (2, 1, 1)
    assert numbers(found, "platforms")["Facebook"] == 2
    assert ("Doxing (private details made public)", 1) in table(found, "behaviours")
    assert table(found, "deadlines")[0] == ("SMART", 1, 1, 1)
    assert found.top.missed_today == 1
    assert found.top.first_action
    assert timedelta(minutes=5) < found.top.first_action < timedelta(minutes=8)


async def test_one_teams_figures_are_those_of_its_cases_alone(triage: Triage) -> None:
    await hear(triage.database, [*await a_busy_morning(triage), ledger(accepted=6, cases=5, unaccounted=1)])
    everyone, sirt = await shown(triage.database), await shown(triage.database, team=Team.SIRT)
    assert numbers(everyone, "funnel")["Accepted"] == 6
    assert numbers(sirt, "funnel")["Accepted"] == 1, "a report without a case has no team"
    assert numbers(sirt, "queues") == {"SIRT": 1}
    assert (everyone.top.missed_today, sirt.top.missed_today, sirt.top.first_action) == (1, 0, None)
    assert [row[:3] for row in table(everyone, "first-action-by-team")] == [
        ("SMART", "All days", 1),
        ("SMART", "2026-11-23", 1),
    ]
    assert table(sirt, "first-action-by-team") == []
    smart = await shown(triage.database, team=Team.SMART)
    assert (numbers(everyone, "platforms")["Facebook"], numbers(smart, "platforms")["Facebook"]) == (2, 1)
    assert [row[0] for row in table(sirt, "deadlines")] == ["SIRT"]


@pytest.mark.parametrize("revision", ["0030_figures_of_teams", "first_acts", "counted_takedowns"])
async def test_an_upgrade_counts_what_the_events_came_to(triage: Triage, revision: str) -> None:
    await hear(triage.database, await a_busy_morning(triage))
    by_events = await figures(triage.database)
    [path] = [one for one in ALL_OF_THEM if one.stem.endswith(revision)]
    upgrade = runpy.run_path(str(path))
    async with triage.database.transaction() as session:
        if "_READ_AGAIN" in upgrade:  # then what was known is replaced
            await session.execute(text("update counted_case set first_action_at = opened_at"))
            await session.execute(text(upgrade["_READ_AGAIN"]))
        if "_READ" in upgrade:
            await session.execute(text("truncate counted_takedown"))
            await session.execute(text(upgrade["_READ"]))
        again = {"figures": upgrade.get("_COUNTED_AGAIN", ["first_action"])}
        await session.execute(text("delete from figure where figure = any(:figures)"), again)
        await session.execute(text(upgrade["_COUNT_AGAIN"]))
    assert await figures(triage.database) == by_events


async def test_reports_without_a_case_are_in_the_funnel_once_they_are_overdue(triage: Triage) -> None:
    await open_cases(triage.database, report())
    on_its_way = ledger(accepted=3, cases=1, in_flight=2)
    await hear(triage.database, [*await said_by_triage(triage.database), on_its_way])
    assert numbers(await shown(triage.database), "funnel")["Accepted"] == 1
    overdue = ledger(NOW + timedelta(minutes=2), accepted=3, published=2, cases=1, unaccounted=2)
    await hear(triage.database, [overdue, on_its_way])
    found = await shown(triage.database)
    assert numbers(found, "funnel") | {"Alert sent": 0} == {
        "Accepted": 3,
        "Published": 2,
        "Routed to a team": 1,
        "Alert sent": 0,
        "Acknowledged": 0,
        "Resolved": 0,
    }
    assert (found.top.unaccounted, found.top.accepted_today) == (2, 3)


@pytest.mark.policy("S1")
async def test_who_is_kept_from_a_case_sees_it_in_no_figure_whatever_becomes_of_it(triage: Triage) -> None:
    database = triage.database
    await open_cases(database, report())
    await hear(database, [*await said_by_triage(database), ledger(accepted=1)])
    before = await shown(database, DANA)
    about_dana = (misuse(), report(suspected=(Person(relation=Relation.COLLEAGUE, staff_id="S7001"),)))
    await hear(database, [ledger(NOW + timedelta(seconds=1), accepted=3, cases=1, in_flight=2)])
    assert seen(await shown(database, DANA)) == seen(before)
    await open_cases(database, *about_dana)
    await hear(database, [*await said_by_triage(database), ledger(NOW + timedelta(seconds=2), accepted=3)])
    await hear(database, [alert(AlertSent, one.report_id, channel="smtp", attempt=1) for one in about_dana])
    after = await shown(database, DANA)
    assert (seen(after), after.top.accepted_today) == (seen(before), before.top.accepted_today)
    assert numbers(await shown(database), "funnel")["Accepted"] == 3


async def test_an_exempt_case_is_in_nobodys_figures(triage: Triage) -> None:
    database = triage.database
    await open_cases(database, report(), misuse())
    await hear(database, await said_by_triage(database))
    before = await shown(database, DANA)
    exempt = "update \"case\" set outcome = 'exempt', state = 'closed', kept_from = '{}' where report_type = 'misuse'"
    async with database.transaction() as session:
        await session.execute(text(exempt))
    triage.by_hand.add("case")
    assert seen(await shown(database, DANA)) == seen(before)
    await hear(database, await said_by_triage(database))
    assert seen(await shown(database, DANA)) == seen(before)
    assert numbers(await shown(database), "funnel")["Accepted"] == 1


async def test_dead_letters_are_known_until_they_are_settled_in_either_order(triage: Triage) -> None:
    common = {
        "group": "signpost-intake",
        "topic": "t",
        "partition": 0,
        "offset": 1,
        "error_class": "KeyError",
        "at": NOW,
    }
    one, other = IDS.uuid(), IDS.uuid()
    recorded = [DeadLetterRecorded.model_validate({**common, "dead_letter_id": key}) for key in (one, other)]
    settled = DeadLetterSettled.model_validate({**common, "dead_letter_id": other, "action": "discarded"})
    await hear(triage.database, [settled, *recorded])
    found = await shown(triage.database)
    assert table(found, "dead-letters") == [("Intake", "signpost-intake", "KeyError", 1)]
    assert [letter.dead_letter_id for letter in found.letters] == [one]


async def test_teams_that_add_up_to_more_than_the_reports_say_why(triage: Triage) -> None:
    both = report(also_affects=("dwp_information",))
    await open_cases(triage.database, both)
    await hear(triage.database, [*await said_by_triage(triage.database), ledger(accepted=1)])
    found = await shown(triage.database)
    assert [row[0] for row in table(found, "deadlines")] == ["SMART", "SIRT"]
    for name, begins in (("deadlines", "2 cases of 1 reports."), ("queues", "Ages are right")):
        panel = found.panel(name)
        assert panel
        assert panel.note.startswith(begins)
        assert "linked cases with several teams" in panel.note


async def test_reports_are_counted_by_the_day_and_today_by_the_hour(triage: Triage) -> None:
    early, late = report(submitted_at=NOW - timedelta(hours=2)), report(submitted_at=NOW - timedelta(minutes=5))
    before = report(submitted_at=NOW - timedelta(days=1))
    await open_cases(triage.database, early, late, before)
    await hear(triage.database, await said_by_triage(triage.database))
    by_day, by_hour = (
        table(await shown(triage.database), "volume"),
        table(await shown(triage.database, days=1), "volume"),
    )
    assert by_day[-2:] == [("2026-11-22", 1), ("2026-11-23", 2)]
    assert len(by_day) == 7
    assert by_hour[0] == ("12:00am", 0)
    assert by_hour[-3:] == [("8:00am", 1), ("9:00am", 1), ("10:00am", 0)]


async def test_an_empty_signpost_has_an_empty_dashboard(triage: Triage) -> None:
    found = await shown(triage.database)
    assert found.top.unaccounted is None
    assert [panel.id for panel in found.panels if not panel.empty] == ["lag"]


async def test_each_reader_has_words_and_one_with_nothing_to_read_looks_like_no_fault(database: Database) -> None:
    """Rare topics, such as that of ended sessions, may stay empty for weeks."""
    readers = table(await shown(database), "lag")[2:]
    assert len(readers) == len(GROUPS)
    assert [row for row in readers if str(row[0]) in GROUPS or row[1:] != (None, "Nothing to read yet")] == []
    assert READERS.keys() == GROUPS.keys()


@pytest.mark.parametrize(
    ("action", "body", "acts"),
    [
        ("claim", {}, False),
        ("assign", {"assignee": "S4003"}, False),
        ("notes", {"text": "Looked at it", "shared": False}, False),
        ("notes", {"text": "We are on it", "shared": True}, True),
        ("transfer", {"team": "sirt", "reason": "It is theirs"}, True),
        ("resolve", {"outcome": "support_given"}, True),
    ],
)
async def test_only_what_reaches_someone_is_a_first_action(
    triage: Triage, action: str, body: dict[str, object], *, acts: bool
) -> None:
    told = report()
    await open_cases(triage.database, told)
    triage.clock.move(timedelta(minutes=2))
    await work(triage, told.reference, "claim")
    triage.clock.move(timedelta(minutes=4))
    if action != "claim":
        async with triage.client() as client:
            client.headers.update(triage.bearer(Role.SMART_LEAD, Role.SIRT_LEAD, subject="S4002"))
            case = (await client.get(API, params={"q": told.reference})).json()["items"][0]["case_id"]
            answer = await client.post(f"{API}/{case}/{action}", json=body, headers={"If-Match": '"2"'})
        assert answer.status_code in {200, 201}, answer.text
    await hear(triage.database, await said_by_triage(triage.database))
    first = (await shown(triage.database)).top.first_action
    assert (first is not None) is acts
    assert first is None or timedelta(minutes=5) < first < timedelta(minutes=8)
