"""Reads the data of a manager's page, and who has acknowledged what."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.queries import AlertView, Viewer, alerts_to
from services.notifier.directory.domain import StaffMember
from services.notifier.directory.queries import managed_by, names_of
from services.notifier.misuse.queries import AssignedCase, FindingView, findings_of, with_manager
from services.notifier.my_team.domain import KEYS, Awareness
from services.notifier.my_team.tables import AcknowledgedDocumentRow
from shared.events.vocabulary import AlertPurpose
from shared.ids import AlertId, StaffId

MOST = 20


@dataclass(frozen=True, slots=True)
class Pages:
    """Where each list starts: after which alert of the previous page; None for the first page."""

    waiting_after: AlertId | None = None
    done_after: AlertId | None = None


@dataclass(frozen=True, slots=True)
class TeamAlert:
    """An alert, with the name of the person it concerns if their manager may know it."""

    alert: AlertView
    about: str | None


@dataclass(frozen=True, slots=True)
class TeamFinding:
    """A finding, with the name of the person it is about."""

    finding: FindingView
    name: str


@dataclass(frozen=True, slots=True)
class TeamCase:
    """A misuse case that this manager has, with the alert that still waits for an answer."""

    case: AssignedCase
    unanswered: bool


@dataclass(frozen=True, slots=True)
class Team:
    """A manager's page, newest first; `…_goes_on` is the last alert shown if there are more."""

    cases: Sequence[TeamCase]
    waiting: Sequence[TeamAlert]
    waiting_goes_on: AlertId | None
    done: Sequence[TeamAlert]
    done_goes_on: AlertId | None
    worked: Sequence[AssignedCase]
    findings: Sequence[TeamFinding]
    manages: bool
    """Whether anyone reports to them today."""

    @property
    def nothing_waits(self) -> bool:
        """Return whether nothing needs this manager now."""
        return not self.cases and not self.waiting


async def my_team(session: AsyncSession, viewer: Viewer, pages: Pages, today: date) -> Team:
    """Return what `viewer` has to do, and what they have done."""
    manager = StaffId(viewer.staff_id or "")
    cases = await with_manager(session, manager, finished=False, limit=MOST)
    worked = await with_manager(session, manager, finished=True, limit=MOST)
    waiting = await alerts_to(session, viewer, answered=False, limit=MOST + 1, before=pages.waiting_after)
    done = await alerts_to(session, viewer, answered=True, limit=MOST + 1, before=pages.done_after)
    findings = await findings_of(session, manager, limit=MOST)
    about = {alert.about for alert in (*waiting, *done) if alert.about}
    names = await names_of(session, about | {finding.person for finding in findings})
    shown_as_case = {case.alert_id for case in cases}
    unanswered = {alert.alert_id for alert in waiting}
    listed = [alert for alert in waiting[:MOST] if alert.alert_id not in shown_as_case]
    return Team(
        cases=[TeamCase(case, case.alert_id in unanswered) for case in cases],
        waiting=[TeamAlert(alert, names.get(alert.about or StaffId(""))) for alert in listed],
        waiting_goes_on=waiting[MOST - 1].alert_id if len(waiting) > MOST else None,
        done=[TeamAlert(alert, names.get(alert.about or StaffId(""))) for alert in done[:MOST] if _is_done(alert)],
        done_goes_on=done[MOST - 1].alert_id if len(done) > MOST else None,
        worked=worked,
        findings=[TeamFinding(finding, names.get(finding.person, finding.person)) for finding in findings],
        manages=bool(await people_of(session, viewer, today)),
    )


async def people_of(session: AsyncSession, viewer: Viewer, today: date) -> list[StaffMember]:
    """Return the people this person manages today, by name."""
    if not viewer.staff_id:
        return []
    return sorted(await managed_by(session, StaffId(viewer.staff_id), today), key=lambda member: member.name)


async def awareness_of_people(
    session: AsyncSession, viewer: Viewer, today: date, version: str
) -> list[tuple[StaffMember, Awareness]]:
    """Return what each person whom `viewer` manages has acknowledged of the policy's `version` (R-b)."""
    people = await people_of(session, viewer, today)
    known = await awareness_of(session, [member.staff_id for member in people], version) if people else {}
    return [(member, known[member.staff_id]) for member in people]


async def awareness_of(session: AsyncSession, staff_ids: Collection[StaffId], version: str) -> dict[StaffId, Awareness]:
    """Return what each of these people has acknowledged of `version`."""
    done: dict[StaffId, dict[str, datetime]] = defaultdict(dict)
    rows = await session.scalars(
        select(AcknowledgedDocumentRow).where(
            AcknowledgedDocumentRow.staff_id.in_(staff_ids), AcknowledgedDocumentRow.version == version
        )
    )
    for row in rows:
        if row.document in KEYS:
            done[StaffId(row.staff_id)][row.document] = row.at
    return {staff_id: Awareness(done[staff_id]) for staff_id in staff_ids}


def _is_done(alert: AlertView) -> bool:
    """Return whether an alert is done. A misuse case is listed as a case, and done once an action is recorded."""
    return alert.purpose is not AlertPurpose.MISUSE_ASSIGNED or alert.passed_on
