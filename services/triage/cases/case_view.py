"""Builds the case page: what each tab needs, in a fixed number of statements."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import cast

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.triage.cases import answers, domain, queries, wording
from services.triage.cases.domain import Case
from services.triage.cases.forms import Action, ActionForm
from services.triage.cases.handlers import Work
from services.triage.cases.judgements import registered_accounts
from services.triage.cases.possible import possible
from services.triage.deadlines import queries as deadlines
from services.triage.reports import queries as reports
from services.triage.routing import queries as routing
from services.triage.routing.wording import clause_words
from shared.audit import chain
from shared.audit.chain import Activity
from shared.events.vocabulary import Team
from shared.web.pages import render


class Tab(StrEnum):
    """The parts of a case page."""

    SUMMARY = "summary"
    TIMELINE = "timeline"
    ROUTING = "routing"
    AUDIT = "audit"


_NOTES = frozenset({"note_added", "note_shared", "information_asked", "information_added", "withdrawal_asked"})
_CLOCKS = frozenset({"deadline_at_risk", "deadline_missed", "lease_expired", "breach_aware", "breach_decided"})
_LOOKS = frozenset({"content_shown", "page_opened", "manager_looked", "person_named"})
_KINDS: Mapping[str, frozenset[str]] = {
    "work": frozenset(wording.ACTIONS) - _NOTES - _CLOCKS - _LOOKS,
    "notes": _NOTES,
    "clocks": _CLOCKS,
    "looks": _LOOKS,
}
KIND_NAMES = {"": "Everything", "work": "Work", "notes": "Notes", "clocks": "Clocks", "looks": "Who looked"}


async def show(
    request: Request,
    work: Work,
    case: Case,
    *,
    tab: Tab,
    content: bool = False,
    form: ActionForm | None = None,
    status: int = 200,
) -> HTMLResponse:
    """Render one tab of a case page.

    With `content`, what was written is on the page; the caller has recorded that it was asked for. `form` is an action
    that was refused, shown again with what was typed.
    """
    [clocks] = (await deadlines.of_cases(work.session, [case.case_id])).values()
    viewer = work.viewer
    receivers = domain.receivers(case)
    return render(
        request,
        f"case_{tab}.html",
        status,
        case=case,
        tabs=_tabs(case, tab),
        clocks=clocks,
        outlook=min((clock for clock in clocks if clock.running), key=lambda clock: clock.due_at, default=None),
        can=possible(case, viewer.actor(case), work.now) if viewer.works else frozenset(),
        Action=Action,
        viewer=viewer,
        wording=wording,
        form=form,
        errors=form.errors if form else {},
        done=_done(request),
        teams=[team for team in Team if team in receivers],
        outcomes=sorted(domain.OUTCOMES[case.report_type], key=list(wording.OUTCOMES).index),
        **await _for_tab(request, work, case, tab, content=content),
    )


async def _for_tab(request: Request, work: Work, case: Case, tab: Tab, *, content: bool) -> dict[str, object]:
    session = work.session
    if tab is Tab.ROUTING:
        [explained] = (await routing.explain(session, [case.case_id])).values()
        return {"explained": explained, "clause_words": clause_words}
    if tab is Tab.SUMMARY:
        return await _summary(request, work, case, content=content)
    activities = await chain.read(session, case.case_id)
    if tab is Tab.AUDIT:
        return {"activities": activities}
    kind = request.query_params.get("kind", "")
    kind = kind if kind in _KINDS else ""
    return {"activities": _of_kind(activities, kind), "kind": kind, "kinds": KIND_NAMES}


async def _summary(request: Request, work: Work, case: Case, *, content: bool) -> dict[str, object]:
    report = await reports.answers(work.session, case.report_id, content=content)
    sirt = case.team is Team.SIRT
    leads_sirt = sirt and Team.SIRT in work.viewer.leads
    return {
        "report": report,
        "rows": answers.rows(report, grace=cast(timedelta, request.app.state.incident_grace) if leads_sirt else None),
        "possible_breach": sirt and not case.breach_aware_at and report.personal_data in {"yes", "unsure"},
        "notes": await queries.notes(work.session, case.case_id),
        "related": await queries.related(
            work.session, work.viewer, case, await reports.related_reports(work.session, case.report_id)
        ),
        "registered": await registered_accounts(work, case) if sirt else [],
        "named": await queries.named_people(work.session, case.case_id) if case.restricted else [],
        "content": content,
    }


def _of_kind(activities: Sequence[Activity], kind: str) -> list[Activity]:
    newest_first = reversed(activities)
    return [activity for activity in newest_first if not kind or activity.action in _KINDS[kind]]


def _tabs(case: Case, current: Tab) -> list[dict[str, object]]:
    names = {Tab.SUMMARY: "Summary", Tab.TIMELINE: "Timeline", Tab.ROUTING: "Routing", Tab.AUDIT: "Audit"}
    base = f"/cases/{case.reference}"
    return [
        {"text": text, "href": base if tab is Tab.SUMMARY else f"{base}/{tab}", "current": tab is current}
        for tab, text in names.items()
    ]


_DONE: Mapping[str, str] = {
    Action.CLAIM: "You have this case. The claim lasts 10 minutes from your last change.",
    Action.RELEASE: "The case is back in the queue.",
    Action.START: "The case is in progress.",
    Action.NOTE: "Internal note added.",
    Action.SHARE: "The reporter can now read your message.",
    Action.ASK: "The reporter was asked. The clock is paused.",
    Action.TRANSFER: "The case was transferred.",
    Action.RESOLVE: "The case is resolved.",
    Action.CLOSE: "The case is closed.",
    Action.REOPEN: "The case is open again, and you have it.",
    Action.EXEMPT: "The case is closed, and whom it was about is erased.",
    Action.NOT_EXEMPT: "The case goes the way that the rules say.",
    Action.MISUSE: "A linked, restricted case of misuse is open at the triage desk.",
    Action.BREACH: "Recorded. 72 hours run from now.",
    Action.BREACH_DECIDED: "The decision is recorded.",
    Action.TAKEN_OVER: "Confirmed. The register freezes the accounts.",
    Action.NAME: "They can see the case now.",
}


def _done(request: Request) -> str | None:
    """Return what the last action did; only words of ours."""
    return _DONE.get(request.query_params.get("done", ""))
