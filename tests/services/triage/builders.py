"""Builds data for triage's tests: reports, envelopes, the rule book, an office."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.lists import load
from services.triage.cases.writer import CaseWriter
from services.triage.deadlines.calendar import bank_holidays
from services.triage.deadlines.domain import DeadlinePolicy, OfficeHours, Timekeeper
from services.triage.queue.domain import QueueFilter, Sort
from services.triage.queue.queries import listing, page
from services.triage.reporters.handlers import open_for_reports
from services.triage.routing import rulebook
from services.triage.routing.domain import Facts, RuleBook
from services.triage.tasks import handlers as tasks
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.events.intake import (
    AbuseReportSubmitted,
    EnquirySubmitted,
    MisuseReportSubmitted,
    Person,
    PolicyExceptionRequested,
    Reporter,
    SecurityIncidentSubmitted,
)
from shared.events.people import keys_of_member
from shared.events.triage import LeadsAsked
from shared.events.vocabulary import Confidentiality, Relation, Team, WorkerKind
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""A Monday morning in office hours."""
IDS = RandomIds()
BOOK: RuleBook = rulebook.load(rulebook.PACKAGED)
OFFICE = OfficeHours(time(9), time(17), bank_holidays())
DEADLINES = DeadlinePolicy(Timekeeper(OFFICE), frozenset({Team.SIRT}))
WRITER = CaseWriter(DEADLINES, IDS, Outbox("triage", IDS), follows=(tasks.follow,))
PLAIN = Facts(
    form="abuse",
    report_type="abuse",
    found_by="person",
    reporter="named",
    platform="x",
    behaviours=("harassment",),
    affected=("self",),
)
"""What rules read of an abuse report without special answers."""
_numbers = count(1)
_ASKED = text("select value from outbox where type = 'team.asked.v1' order by id")
R = TypeVar("R", bound=Event)
Submitted = (
    AbuseReportSubmitted
    | MisuseReportSubmitted
    | SecurityIncidentSubmitted
    | EnquirySubmitted
    | PolicyExceptionRequested
)


PRIYA = Reporter(
    confidentiality=Confidentiality.NAMED,
    staff_id="S1001",
    name="Priya Shah",
    email="priya.shah@example.org",
    kind=WorkerKind.EMPLOYEE,
)


def report(**changes: object) -> AbuseReportSubmitted:
    """Return an abuse report without special answers, with `changes`."""
    reference = IDS.reference()
    answers: dict[str, object] = {
        "report_id": IDS.uuid(),
        "reference": str(reference),
        "submitted_at": NOW,
        "reporter": PRIYA,
        "platform": "x",
        "content_kind": "comment",
        "behaviours": ("harassment",),
        "affected": (Person(relation=Relation.SELF),),
        "narrative": f"They keep writing to me. ({next(_numbers)})",
        "manager_alert": "yes",
    }
    return AbuseReportSubmitted.model_validate({**answers, **changes})


def misuse(**changes: object) -> MisuseReportSubmitted:
    """Return a report of misuse with a subject and no other special answers, with `changes`."""
    answers: dict[str, object] = {
        "subject": {"name": "Dana Wolf", "staff_id": "S7001"},
        "behaviours": ("speaks_for_department",),
        "union_activity": "no",
        "platform": "facebook",
        "manager_alert": "yes",
    }
    return MisuseReportSubmitted.model_validate({**_any_report(), **answers, **changes})


def incident(**changes: object) -> SecurityIncidentSubmitted:
    """Return a security incident, with `changes`."""
    answers: dict[str, object] = {
        "effects": ("loss",),
        "circumstances": ("accidental",),
        "asset_owner": "dwp",
        "discovered_at": NOW - timedelta(hours=1),
        "manager_alert": "no",
    }
    return SecurityIncidentSubmitted.model_validate({**_any_report(), **answers, **changes})


def enquiry(**changes: object) -> EnquirySubmitted:
    """Return a request for advice, with `changes`."""
    return EnquirySubmitted.model_validate({**_any_report(), "about": "policy", **changes})


def exception(**changes: object) -> PolicyExceptionRequested:
    """Return a request for an exception, with `changes`."""
    return PolicyExceptionRequested.model_validate({**_any_report(), "kind": "request", **changes})


def _any_report() -> dict[str, object]:
    return {
        "report_id": IDS.uuid(),
        "reference": str(IDS.reference()),
        "submitted_at": NOW,
        "reporter": PRIYA,
        "narrative": f"It happened like this. ({next(_numbers)})",
    }


def envelope(data: R, sequence: int = 1) -> Envelope[R]:
    """Return an event about a report as a consumer receives it."""
    return Envelope(
        id=str(IDS.uuid()),
        source="/signpost/intake",
        subject=str(data.model_dump()["report_id"]),
        sequence=sequence,
        time=NOW,
        data=data,
    )


async def open_cases(database: Database, *reports: Submitted, now: datetime = NOW) -> None:
    """Open the cases of `reports`, as the consumer does."""
    async with database.transaction() as session:
        await open_for_reports(session, [envelope(one) for one in reports], now, rulebook=lambda: BOOK, writer=WRITER)


def viewer(*teams: Team, subject: str = "S4001", lead: bool = False) -> Viewer:
    """Return a responder of `teams`."""
    return Viewer(
        subject=subject,
        name="Sam Reid",
        keys=keys_of_member(staff_id=subject, name="Sam Reid", email=None),
        teams=frozenset(teams),
        leads=frozenset(teams) if lead else frozenset(),
        sees_content=True,
        works=True,
    )


def uuid_of(data: Submitted) -> UUID:
    """Return the report's id."""
    return data.report_id


@dataclass(frozen=True)
class CaseFilter:
    """Which cases a test looks for."""

    report_id: UUID | None = None


async def listed(session: AsyncSession, seen_by: Viewer, wanted: CaseFilter, limit: int) -> list[Case]:
    """Return up to `limit` cases that a viewer may see, newest first."""
    queue = QueueFilter(view=None, sort=Sort.NEWEST)
    found = await page(session, listing(seen_by, queue, NOW, wanted.report_id), queue, None, limit)
    return [row.case for row in await load(session, seen_by, found.case_ids)]


async def leads_asked(database: Database) -> list[tuple[str, str]]:
    """What leads are asked for, by team, in the events that wait to be published."""
    async with database.transaction() as session:
        events = [LeadsAsked.model_validate_json(value) for value in await session.scalars(_ASKED)]
    return [(event.team, event.kind) for event in events]
