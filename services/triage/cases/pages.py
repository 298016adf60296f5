"""The case page (`/cases/SP-…`): its tabs, and what it offers to do. Other capabilities have tabs of their own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from services.triage.cases import activities, domain, handlers, lists, queries, rulings, views
from services.triage.cases.dependencies import CaseParts, WorkDep
from services.triage.cases.domain import Actor, Case
from services.triage.cases.forms import Action, ActionForm
from services.triage.cases.handlers import Work
from services.triage.deadlines import queries as deadlines
from services.triage.deadlines.domain import ANSWERS, Deadline
from services.triage.exposure import queries as exposure
from services.triage.exposure.domain import CapReached
from services.triage.reports import queries as reports
from services.triage.reports.domain import TriageReport
from services.triage.routing import queries as routing
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import Outcome, Priority, Team
from shared.people import names_of
from shared.runtime import parts_of
from shared.web.forms import FormErrors
from shared.web.pages import render
from shared.web.times import uk_time


class Tab(StrEnum):
    """The parts of a case page."""

    SUMMARY = "summary"
    CONVERSATION = "conversation"
    EVIDENCE = "evidence"
    RELATED = "related"
    TAKEDOWNS = "takedowns"
    TASKS = "tasks"
    PEOPLE_TOLD = "people-told"
    TIMELINE = "timeline"
    ROUTING = "routing"
    AUDIT = "audit"
    REVIEW = "review"
    """Only while someone asks for the outcome to be looked at again."""
    MERGE = "merge"


_TAB_NAMES = {
    Tab.SUMMARY: "Summary",
    Tab.CONVERSATION: "Conversation",
    Tab.EVIDENCE: "Evidence",
    Tab.RELATED: "Related",
    Tab.PEOPLE_TOLD: "People told",
    Tab.ROUTING: "Routing",
    Tab.TIMELINE: "Timeline",
    Tab.AUDIT: "Audit",
    Tab.TASKS: "Tasks",
    Tab.TAKEDOWNS: "Take-downs",
    Tab.REVIEW: "Asked to look again",
}
_PART_OF = {Tab.MERGE: Tab.RELATED}
"""A page that is reached from a tab."""

router = APIRouter(include_in_schema=False)
live = APIRouter(include_in_schema=False)
"""What an open page asks for by itself."""

_CASE = "/cases/SP-{rest}"
MOST_VERSIONS = 999_999_999


def came_from(request: Request) -> str:
    """Return what an address says of the queue that its case was opened from; nothing if it is too long."""
    text = request.query_params.get("from", "")
    return text if len(text) <= domain.LONGEST_QUERY else ""


def way_back(request: Request, **said: str) -> str:
    """Return a query that says `said` and keeps the queue, for every link and form that stays with the case."""
    query = urlencode({name: text for name, text in (*said.items(), ("from", came_from(request))) if text})
    return f"?{query}" if query else ""


def led(request: Request, case: Case, tab: Tab = Tab.SUMMARY, done: str = "", *, at: str = "") -> RedirectResponse:
    """Lead to a tab of a case, `at` a place in it, and say there what was `done`; the way back is kept."""
    return RedirectResponse(f"{_address(case, tab)}{way_back(request, done=done)}{at}", 303)


def _address(case: Case, tab: Tab) -> str:
    base = f"/cases/{case.reference}"
    return base if tab is Tab.SUMMARY else f"{base}/{tab}"


@router.get(_CASE)
async def summary(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the answers, without what people wrote until a responder asks for it."""
    return await _tab(request, work, rest, Tab.SUMMARY)


@router.get(_CASE + "/timeline")
async def timeline(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show everything that happened, newest first."""
    return await _tab(request, work, rest, Tab.TIMELINE)


@router.get(_CASE + "/routing")
async def routing_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show why the case is where it is."""
    return await _tab(request, work, rest, Tab.ROUTING)


@router.get(_CASE + "/audit")
async def audit(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the activity record."""
    return await _tab(request, work, rest, Tab.AUDIT)


@live.get(_CASE + "/since")
async def changes_since(
    work: WorkDep, rest: str, version: Annotated[int, Query(ge=0, le=MOST_VERSIONS)] = 0
) -> JSONResponse:
    """Say to a page that shows `version` of the case what happened to it last; nothing if that is the newest."""
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    changes = await queries.since(work.session, case.case_id, version) if case.version > version else []
    if not changes:
        return JSONResponse({"said": ""})
    last, names = changes[-1], await names_of(work.session, [changes[-1].actor])
    who = names(activities.actor(last.actor, work.viewer.subject))
    return JSONResponse({"said": f"{activities.ACTIONS[last.action]} by {who}, {uk_time(last.at)}"})


async def _tab(request: Request, work: Work, rest: str, tab: Tab) -> HTMLResponse:
    return await show(request, work, await opened(work, rest), tab=tab)


async def opened(work: Work, rest: str) -> Case:
    """Return the case of a page; if it is restricted, record that a responder opened it."""
    case = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    if case.restricted:
        await handlers.open_page(work, case.case_id)
    return case


@router.post(_CASE + "/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_content(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show what people wrote, and record that a responder asked."""
    found = await queries.by_reference(work.session, work.viewer, f"SP-{rest}")
    try:
        case = await handlers.show_content(work, found)
    except CapReached:
        return await show(request, work, found, tab=Tab.SUMMARY, status=409)
    return await show(request, work, case, tab=Tab.SUMMARY, content=True)


class Shown(NamedTuple):
    """What a tab shows: its template's values, and the staff ids in them. Another capability brings its own."""

    values: Mapping[str, object]
    people: Sequence[str | None]
    errors: FormErrors | None = None


async def show(
    request: Request,
    work: Work,
    case: Case,
    *,
    tab: Tab,
    content: bool = False,
    form: ActionForm | None = None,
    status: int = 200,
    shown: Shown | None = None,
) -> HTMLResponse:
    """Render one tab; with `content`, what people wrote (the caller records that); `form` is an action refused."""
    [clocks] = (await deadlines.of_cases(work.session, [case.case_id])).values()
    viewer = work.viewer
    found = shown or await _for_tab(request, work, case, tab, content=content)
    changed_by = [change.actor for change in (form.changes if form else ())]
    queue = came_from(request)
    return render(
        request,
        f"case_{tab}.html",
        status,
        case=case,
        opened_from=queue,
        way_back=partial(way_back, request),
        back=f"{parts_of(request, CaseParts).queues.address(queue)}#{case.reference}",
        clocks=clocks,
        **await _header(request, work, case, tab, clocks),
        **await _actions(work, case, clocks, form),
        exposure=await exposure.of_person(work.session, viewer.subject, work.now),
        Action=Action,
        viewer=viewer,
        wording=views,
        record=activities,
        form=form,
        errors=form.errors if form else found.errors or {},
        done=_done(request),
        names=await names_of(work.session, [*found.people, case.manager, case.assignee, *changed_by]),
        **found.values,
    )


async def _header(
    request: Request, work: Work, case: Case, tab: Tab, clocks: Sequence[Deadline]
) -> Mapping[str, object]:
    """Return the tabs, what happened, the nearest clock, what else to know of the case, and the case merged into."""
    [row] = await lists.load(work.session, work.viewer, [case.case_id])
    shown = {"tabs": _tabs(request, case, tab, row.evidence), "what": views.what_and_where(row.happened, row.platform)}
    outlook = min((clock for clock in clocks if clock.running), key=lambda clock: clock.due_at, default=None)
    in_hours = outlook is not None and not outlook.round_the_clock
    hours = parts_of(request, CaseParts).deadlines.hours(case.team, case.priority) if in_hours else None
    told_again = await parts_of(request, CaseParts).repeated(work, case)
    second_opinion = await parts_of(request, CaseParts).second_opinion(work, case)
    above = await queries.visible(work.session, work.viewer, [case.merged_into]) if case.merged_into else []
    main_case = above[0] if above else None
    sooner = row.due_at if row.due_at and (outlook is None or row.due_at < outlook.due_at) else None
    lines = {"told_again": told_again, "second_opinion": second_opinion, "sooner": sooner}
    return {"outlook": outlook, "hours": hours, "main_case": main_case, **lines, **shown}


async def _actions(work: Work, case: Case, clocks: Sequence[Deadline], form: ActionForm | None) -> Mapping[str, object]:
    """Return what the forms of the actions need, and which of them is the main one."""
    viewer = work.viewer
    can = possible(case, viewer.actor(case), work.now) if viewer.works else frozenset()
    assigning = form is not None and form.action is Action.ASSIGN and Action.ASSIGN in can
    colleagues = await handlers.colleagues(work.session, viewer, case, work.now) if assigning else []
    owed = any(clock.kind in ANSWERS and clock.met_at is None for clock in clocks)
    return {
        "can": can,
        "main": main_action(case, can, viewer.subject, owed=owed),
        "assigning": assigning,
        "colleagues": [one for one in colleagues if one.staff_id != case.assignee],
        "teams": [team for team in Team if team in domain.receivers(case)],
        "priorities": [one for one in Priority if one is not case.priority],
        "outcomes": sorted(domain.OUTCOMES[case.report_type], key=list(views.OUTCOMES).index),
    }


async def _for_tab(request: Request, work: Work, case: Case, tab: Tab, *, content: bool) -> Shown:
    session = work.session
    if tab is Tab.ROUTING:
        [explained] = (await routing.explain(session, [case.case_id])).values()
        return Shown({"explained": explained, "clause_words": routing.clause_words}, [])
    if tab is Tab.SUMMARY:
        report = await reports.read(session, case.report_id, content=content)
        named = sorted((await queries.people_named(session, [case.case_id]))[case.case_id]) if case.restricted else []
        shown = await _summary(request, work, case, report, content=content)
        return Shown({**shown, "named": named}, [*named, *views.nameless(report)])
    done = await parts_of(request, CaseParts).history(work, case)
    people = activities.people_in(done)
    if tab is Tab.AUDIT:
        return Shown({"activities": done}, people)
    kind = request.query_params.get("kind", "")
    kind = kind if kind in activities.KINDS else ""
    said = {"activities": activities.of_kind(done, kind), "kind": kind, "kinds": activities.KIND_NAMES}
    return Shown(said, people)


async def of_the_report(work: Work, case: Case) -> list[Case]:
    """Return the other cases of the same report, and of reports that belong to it."""
    belonging = await reports.related_reports(work.session, case.report_id)
    return await queries.related(work.session, work.viewer, case, belonging)


async def _summary(
    request: Request, work: Work, case: Case, report: TriageReport, *, content: bool
) -> dict[str, object]:
    sirt = case.team is Team.SIRT
    leads_sirt = sirt and Team.SIRT in work.viewer.leads
    notes = await queries.notes(work.session, case.case_id) if content else []
    related = await of_the_report(work, case)
    evidence = await reports.evidence_of(work.session, case.report_id)
    seen = {case.case_id, *(one.case_id for one in related)}
    return {
        "report": report,
        "added": [note for note in notes if note.by_reporter],
        "rows": partial(
            views.rows,
            report,
            grace=parts_of(request, CaseParts).incident_grace if leads_sirt else None,
            content=content,
        ),
        "possible_breach": sirt and not case.breach_aware_at and report.personal_data in {"yes", "unsure"},
        "related": related,
        "capture_missing": not case.finished and report.lacks_capture(one for one in evidence if one.is_shown(seen)),
        "registered": await rulings.registered_accounts(work, case) if sirt else [],
        "content": content,
    }


def _tabs(request: Request, case: Case, current: Tab, evidence: int) -> list[dict[str, object]]:
    counts, kept = {Tab.EVIDENCE: evidence}, way_back(request)
    return [
        {
            "text": text,
            "href": _address(case, tab) + kept,
            "current": tab is _PART_OF.get(current, current),
            "count": counts.get(tab),
        }
        for tab, text in _TAB_NAMES.items()
        if tab is not Tab.REVIEW or case.review_asked_at or current is tab
    ]


_DONE: Mapping[str, str] = {
    Action.CLAIM: "You have this case, and it is in progress. The claim lasts 10 minutes from your last change.",
    Action.ASSIGN: "The case is with them. They have four hours to begin.",
    Action.PRIORITY: "The priority is changed, and the running clocks with it.",
    Action.RELEASE: "The case is back in the queue.",
    Action.START: "The case is in progress.",
    Action.NOTE: "Internal note added.",
    Action.SHARE: "The reporter can now read your message.",
    Action.ASK: "The reporter was asked. The clock is paused.",
    Action.TRANSFER: "The case was transferred.",
    Action.RESOLVE: "The case is resolved.",
    Action.CLOSE: "The case is closed.",
    "next": "That case is resolved. This is the next one of the same queue.",
    Action.REOPEN: "The case is open again, and you have it.",
    Action.EXEMPT: "The case is closed, and who it was about is erased.",
    Action.NOT_EXEMPT: "The case was sent to the team that the rules choose.",
    Action.MISUSE: "A linked, restricted case of misuse is open at the triage desk.",
    Action.BREACH: "Recorded. 72 hours run from now.",
    Action.BREACH_DECIDED: "The decision is recorded.",
    Action.TAKEN_OVER: "Confirmed. The register freezes the accounts.",
    Action.NAME: "They can see the case now.",
    "takedown-recorded": "The take-down is recorded.",
    "task-recorded": "It is recorded.",
    "merged": "The case is merged. Work continues in the other case.",
    "unmerged": "The case is by itself again.",
    "split": "This linked case was split off.",
    "split-undone": "The split was undone. This case is merged into the one that it was split off.",
    "review-upheld": "The outcome stands. The reporter is told that it was looked at again.",
    "review-changed": "The case is open again, and you have it. The reporter is told.",
}


def _done(request: Request) -> str | None:
    """Return the message about the last action: one of our own texts, never one from the URL."""
    return _DONE.get(request.query_params.get("done", ""))


_IMPOSSIBLE = (
    *(domain.StateForbids, domain.ClaimedByAnother, domain.NotYourClaim, domain.NotForThisCase),
    domain.ThreatUnanswered,
)


def possible(case: Case, actor: Actor, now: datetime) -> frozenset[Action]:
    """Return every action that would not be refused; a merged case follows another, so only notes are possible."""
    if case.merged_from:
        return frozenset({Action.NOTE, Action.SHARE})
    attempts: Mapping[Action, Callable[[], object]] = {
        Action.CLAIM: lambda: domain.claim(case, actor, now),
        Action.ASSIGN: lambda: domain.assign(case, actor, _SOMEONE_ELSE, None, now),
        Action.PRIORITY: lambda: domain.prioritise(case, actor, _another_priority(case), now),
        Action.RELEASE: lambda: domain.release(case, actor),
        Action.START: lambda: domain.start(case, actor, now),
        Action.NOTE: lambda: domain.note(case, actor, now),
        Action.SHARE: lambda: domain.note(case, actor, now),
        Action.ASK: lambda: domain.ask(case, actor, now),
        Action.TRANSFER: lambda: domain.transfer(case, actor, _another(case.team)),
        Action.RESOLVE: lambda: domain.resolve(case, actor, _fitting(case)),
        Action.CLOSE: lambda: domain.close(case),
        Action.REOPEN: lambda: domain.reopen(case, actor, now),
        Action.EXEMPT: lambda: rulings.exempted(case, actor),
        Action.NOT_EXEMPT: lambda: rulings.exempted(case, actor),
        Action.MISUSE: lambda: rulings.misuse_opened(case, actor),
        Action.BREACH: lambda: rulings.aware_of_breach(case, actor, now),
        Action.BREACH_DECIDED: lambda: rulings.breach_decided(case, actor),
        Action.TAKEN_OVER: lambda: rulings.compromise_confirmed(case, actor),
        Action.NAME: lambda: rulings.named(case, actor),
    }
    return frozenset(action for action, attempt in attempts.items() if _allowed(attempt))


def _allowed(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except _IMPOSSIBLE:
        return False
    return True


def _another(team: Team) -> Team:
    return Team.SIRT if team is not Team.SIRT else Team.SMART


_SOMEONE_ELSE = ""
"""The staff number of no one."""


def _another_priority(case: Case) -> Priority:
    return Priority.P2 if case.priority is not Priority.P2 else Priority.P1


def main_action(case: Case, can: Collection[Action], me: str, *, owed: bool) -> Action | None:
    """Return the next sensible thing to do: take the case, respond if that is still `owed`, resolve, close."""
    if case.assignee != me and Action.CLAIM in can:
        return Action.CLAIM
    mine = [Action.START, *([Action.SHARE] if owed else []), Action.RESOLVE]
    order = [*(mine if case.assignee == me else []), Action.CLOSE]
    return next((action for action in order if action in can), None)


def _fitting(case: Case) -> Outcome:
    return min(domain.OUTCOMES[case.report_type])
