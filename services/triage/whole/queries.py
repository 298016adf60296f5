"""Reads a whole case, as far as one person may see it, in a bounded number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.campaigns import queries as campaigns
from services.triage.campaigns import repeats
from services.triage.campaigns.queries import Campaign
from services.triage.campaigns.repeats import OtherReports
from services.triage.cases import activities, lists
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.conversation import queries as conversations
from services.triage.conversation.domain import Entry
from services.triage.evidence import queries as evidence
from services.triage.evidence.queries import CustodyEntry
from services.triage.merges import queries as merges
from services.triage.outcome_reviews.queries import resolved_by
from services.triage.people_told import queries as people_told
from services.triage.people_told.domain import Told
from services.triage.reports import queries as reports
from services.triage.reports.domain import Evidence, TriageReport
from services.triage.takedowns import queries as takedowns
from services.triage.takedowns.domain import MachineForm, Takedown
from services.triage.tasks import domain as tasks
from services.triage.tasks import queries as kept_tasks
from services.triage.tasks import tasks_yaml
from services.triage.tasks.domain import Support, Task, ThreatRecord
from services.triage.wellbeing.domain import learns_of_reviews
from shared.audit import chain
from shared.audit.chain import Activity

MOST_RELATED = 50
"""The newest cases of other reports that share something with a case."""
_TEXTS = frozenset({"note", "purpose", "reason"})
"""The texts of an activity that are for the team to read. Others name a person."""
SAME_REPORT, NAMED, MERGED_INTO, MERGED_HERE = (
    *("same report", "one report names the other"),
    *("this case is merged into it", "it is merged into this case"),
)
"""Why another case is related, besides what it shares."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence: what it is, and what happened to it, oldest first."""

    item: Evidence
    custody: Sequence[CustodyEntry]


@dataclass(frozen=True, slots=True)
class Related:
    """Another case, and why it is related."""

    case: Case
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """A case with all that is known about it. Lists are oldest first, but `related`."""

    case: Case
    report: TriageReport
    timeline: Sequence[Activity]
    conversation: Sequence[Entry]
    evidence: Sequence[Piece]
    related: Sequence[Related]
    same_person: OtherReports
    """How many other reports about the same person came around it."""
    campaigns: Sequence[Campaign]
    people_told: Sequence[Told]
    tasks: Sequence[Task]
    """With their titles; those that are done last."""
    support: Support | None
    threat: Sequence[ThreatRecord]
    takedowns: Sequence[Takedown]
    forms: Sequence[MachineForm]
    """The machine forms about its take-downs."""


async def of_case(work: Work, case: Case, *, content: bool) -> Whole:
    """Return all that is known about a case, as far as a responder who sees it may know.

    Args:
        work: who reads, and in which transaction.
        case: one that they may see.
        content: whether to include what the reporter wrote, and links. The caller checks that the viewer may read it,
            and records that they do.
    """
    session, viewer, case_id = work.session, work.viewer, case.case_id
    report = await reports.read(session, case.report_id, content=content)
    sent = await evidence.on_case(session, case, viewer)
    done = await chain.read(session, case_id)
    custody = evidence.custody_in(done, sent)
    kept = await kept_tasks.of_case(session, case_id)
    happened, _ = await lists.part_of(session, case_id)
    asked = await takedowns.of_case(session, case_id)
    forms = (await takedowns.forms_of_cases(session, [case_id]))[case_id]
    return Whole(
        case=case,
        report=report,
        timeline=[_readable(one, content=content) for one in await _known(work, case, done)],
        conversation=conversations.said(case, await cases.notes(session, case_id), sent, done, content=content),
        evidence=[Piece(item if content else replace(item, note=None), custody[item.evidence_id]) for item in sent],
        related=await _related(session, viewer, case),
        same_person=await repeats.told_of(session, viewer, case),
        campaigns=await campaigns.campaigns_of(session, viewer, case_id),
        people_told=await people_told.of_case(session, viewer, case),
        tasks=_titled(tasks.listed(case, happened, tasks_yaml.templates(), kept.tasks)),
        support=kept.support,
        threat=kept.threat,
        takedowns=[one if content else replace(one, link="") for one in asked],
        forms=[one if content else replace(one, body={}) for one in forms],
    )


async def history(work: Work, case: Case) -> list[Activity]:
    """Return what happened to a case, without the campaigns and second reviews that the viewer may not know of."""
    return await _known(work, case, await chain.read(work.session, case.case_id))


async def _known(work: Work, case: Case, done: Sequence[Activity]) -> list[Activity]:
    if not learns_of_reviews(work.viewer.actor(case), resolved_by(done)):
        done = activities.without_second_reviews(done)
    named = {one.after["campaign"] for one in done if one.after.get("campaign")}
    known = await campaigns.known(work.session, work.viewer, [*map(UUID, named)]) if named else set()
    return activities.without_campaigns(done, named - set(map(str, known)))


def _readable(activity: Activity, *, content: bool) -> Activity:
    """Return an activity with the texts that the viewer reads: those of the reporter only with `content`."""
    shown = content or activity.actor != cases.REPORTER
    texts = {name: text for name, text in activity.personal.items() if shown and name in _TEXTS}
    return replace(activity, personal=texts)


def _titled(listed: Sequence[Task]) -> list[Task]:
    titles = tasks_yaml.titles()
    return [replace(one, title=one.title or titles[one.code]) for one in listed]


async def _related(session: AsyncSession, viewer: Viewer, case: Case) -> list[Related]:
    """Return the cases that are related to a case, each once: merged ones, those of its report, then the newest."""
    family = await merges.family(session, viewer, case)
    belonging = await reports.related_reports(session, case.report_id)
    sharing = await campaigns.related(session, viewer, case.case_id, MOST_RELATED)
    why: dict[UUID, tuple[str, ...]] = {family.main.case_id: (MERGED_INTO,)} if family.main else {}
    why |= {one.case_id: (MERGED_HERE,) for one in family.below}
    for one in await cases.related(session, viewer, case, belonging):
        of_it = SAME_REPORT if one.report_id == case.report_id else NAMED
        why[one.case_id] = (*why.get(one.case_id, ()), of_it)
    known = {other.case.case_id for other in sharing}
    targeted = await repeats.earlier(session, viewer, case, MOST_RELATED)
    for other in (*sharing, *(one for one in targeted if one.case.case_id not in known)):
        why[other.case.case_id] = (*why.get(other.case.case_id, ()), *other.why)
    found: dict[UUID, Case] = {one.case_id: one for one in await cases.visible(session, viewer, why)}
    return [Related(found[case_id], reasons) for case_id, reasons in why.items() if case_id in found]
