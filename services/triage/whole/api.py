"""/cases/api/v1/cases/{case_id}: one case with all that is known about it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.campaigns.api import CampaignItem
from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases import views
from services.triage.cases.api import CaseDetail, answer
from services.triage.cases.dependencies import CaseParts, WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.conversation.api import EntryBody
from services.triage.evidence.api import EvidenceEntry
from services.triage.takedowns.api import TakedownItem, item_of
from services.triage.tasks.api import SupportItem, TaskItem, ThreatItem, vars_of
from services.triage.whole import queries
from services.triage.whole.queries import Whole
from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.people import names_of
from shared.runtime import parts_of
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["cases"])


class AnswerItem(BaseModel):
    """A question of the report in a few words, and what was answered."""

    question: str
    answers: list[str]


class WrittenBody(BaseModel):
    """What the reporter wrote in the report; what they wrote later is in the conversation. Empty once erased."""

    model_config = ConfigDict(from_attributes=True)

    texts: Mapping[str, str] = Field(validation_alias="written", description="By the name of the answer.")
    accounts: list[str] = Field(validation_alias="account_names")
    links: list[str]


class ActivityItem(BaseModel):
    """One thing that happened: a link of the case's hash chain."""

    model_config = ConfigDict(from_attributes=True)

    activity_id: UUID = Field(validation_alias="id")
    position: int
    at: AwareDatetime
    action: str
    actor: str = Field(description="A staff number, `reporter`, or `system:…`.")
    before: Mapping[str, str]
    after: Mapping[str, str]
    texts: Mapping[str, str] = Field(
        validation_alias="personal",
        description="`note`, `reason` or `purpose`, as people wrote it; the reporter’s only if you asked for content.",
    )


class RelatedItem(BaseModel):
    """Another case that you may see, and why it is related."""

    case_id: UUID
    reference: str
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    outcome: Outcome | None
    submitted_at: AwareDatetime
    why: list[str] = Field(description="Such as `same report`, or what both reports name.")


class SamePersonItem(BaseModel):
    """How many other reports about the same person, of cases that you may see, came within 30 days; up to 100."""

    model_config = ConfigDict(from_attributes=True)

    before: int
    after: int


class ToldItem(BaseModel):
    """An alert about the report, or why there was none. A time that is null has not come."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: UUID
    purpose: str | None
    about: str = Field(description="What it was for, in words.")
    reason: str | None
    who: str = Field(description="Who it was for, by role.")
    someone_told: bool | None
    decided_at: AwareDatetime | None
    sent_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    failed_at: AwareDatetime | None
    answered_at: AwareDatetime | None
    answer: str | None
    escalated_at: AwareDatetime | None


class WholeCase(CaseDetail):
    """One case with all that you may know about it. Lists are oldest first, but `related`."""

    answers: list[AnswerItem]
    written: WrittenBody | None = Field(description="Only if you asked for content.")
    timeline: list[ActivityItem]
    conversation: list[EntryBody]
    evidence: list[EvidenceEntry]
    related: list[RelatedItem]
    same_person: SamePersonItem
    campaigns: list[CampaignItem]
    people_told: list[ToldItem]
    tasks: list[TaskItem]
    support: SupportItem | None
    threat: list[ThreatItem]
    takedowns: list[TakedownItem]


@router.get("/cases/{case_id}")
async def get_case(
    request: Request, work: WorkDep, case_id: UUID, response: Response, *, content: bool = False
) -> WholeCase:
    """Read one case with all that you may know about it. Send its `ETag` as `If-Match` in a write.

    Reading a restricted case is recorded. `content=true` adds what the reporter wrote, and links: it is recorded, and
    counted to what you are shown in a day, as on the case's page.
    """
    case = await _opened(work, await cases.get(work.session, work.viewer, case_id), content=content)
    whole = await queries.of_case(work, case, content=content)
    detail = await answer(work.session, case, response)
    answers = await _answered(request, work, whole, content=content)
    return WholeCase(**dict(detail), **answers, **_beside(whole, content=content))


async def _opened(work: Work, case: Case, *, content: bool) -> Case:
    """Return the case after it is recorded that a responder reads it, where that has to be recorded."""
    if content and not work.viewer.sees_content:
        raise standard_problem(403)
    if content:
        return await case_handlers.show_content(work, case)
    if case.restricted:
        await case_handlers.open_page(work, case.case_id)
    return case


async def _answered(request: Request, work: Work, whole: Whole, *, content: bool) -> Mapping[str, Any]:
    """Return the answers of the report, as the case's page shows them."""
    report = whole.report
    leads = whole.case.team is Team.SIRT and Team.SIRT in work.viewer.leads
    grace = parts_of(request, CaseParts).incident_grace if leads else None
    names = await names_of(work.session, views.nameless(report))
    rows = views.rows(report, names, grace=grace, content=content)
    return {
        "answers": [AnswerItem(question=row.key, answers=list(row.lines)) for row in rows],
        "written": WrittenBody.model_validate(report) if content else None,
    }


def _beside(whole: Whole, *, content: bool) -> Mapping[str, Any]:
    return {
        "timeline": [ActivityItem.model_validate(one) for one in whole.timeline],
        "conversation": [EntryBody.model_validate(one) for one in whole.conversation],
        "evidence": [
            EvidenceEntry.model_validate({**asdict(one.item), "custody": one.custody}) for one in whole.evidence
        ],
        "related": [RelatedItem.model_validate({**vars(one.case), "why": one.why}) for one in whole.related],
        "same_person": SamePersonItem.model_validate(whole.same_person),
        "campaigns": [CampaignItem.model_validate(one) for one in whole.campaigns],
        "people_told": [ToldItem.model_validate(one) for one in whole.people_told],
        "tasks": [TaskItem.model_validate(vars_of(one)) for one in whole.tasks],
        "support": SupportItem.model_validate(whole.support) if whole.support else None,
        "threat": [ThreatItem.model_validate(one) for one in whole.threat],
        "takedowns": [item_of(one, whole.forms, content=content) for one in whole.takedowns],
    }
