"""/cases/SP-…/takedowns: the tab where responders follow what platforms were asked to remove."""

import json
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, led, opened, show
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from services.triage.exposure.domain import CapReached
from services.triage.reports import queries as reports
from services.triage.takedowns import domain, forms, handlers, notices, queries
from services.triage.takedowns.api import TakedownParts
from services.triage.takedowns.refusals import REFUSALS, STATE_NAMES
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.platforms import PLATFORMS
from shared.runtime import parts_of
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

_TAB = "/cases/SP-{rest}/takedowns"
_REFUSALS = {**CASE_REFUSALS, **REFUSALS}
_NEW = "new"


class _Typed(NamedTuple):
    """What was typed into which form of the tab, when it is shown again."""

    which: str = ""
    form: forms.TakedownForm | None = None


_NOTHING = _Typed()


@router.get(_TAB)
async def takedowns_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """List the take-downs of a case, without the links."""
    return await _tab(request, work, await opened(work, rest))


@router.get(_TAB + "/{asked:path}")
async def takedowns_again(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Go back to the tab from the address of one of its forms, as after a reload."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    return led(request, case, Tab.TAKEDOWNS)


@router.post(_TAB + "/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_links(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the links and the ready texts, and record that a responder asked."""
    found = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    try:
        case = await case_handlers.show_content(work, found)
    except CapReached:
        return await _tab(request, work, found, status=409)
    return await _tab(request, work, case, content=True)


@router.post(_TAB)
async def record_asked(request: Request, work: WorkDep, rest: str) -> Response:
    """Record that a platform was asked; if that is refused, show the tab again with what was typed."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await forms.read_asked(request)
    if form.errors or form.asked is None:
        return await _tab(request, work, case, _Typed(_NEW, form), status=422)
    step = handlers.report(work, case.case_id, form.version or 0, form.asked)
    return await _done(request, work, case, _NEW, form, step)


@router.post(_TAB + "/platform")
async def change_platform(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the tab with the categories of the chosen platform, and all else as it was typed."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    return await _tab(request, work, case, _Typed(_NEW, await forms.read_platform(request)))


@router.post(_TAB + "/{takedown_id:uuid}/form")
async def make_form(request: Request, work: WorkDep, rest: str, takedown_id: UUID) -> Response:
    """Make a machine form about a take-down."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    which = str(takedown_id)
    form, wanted = await forms.read_wanted(request, which)
    if form.errors or wanted is None:
        return await _tab(request, work, case, _Typed(which, form), status=422)
    machines = parts_of(request, TakedownParts).machines
    step = handlers.make_form(work, case.case_id, form.version or 0, takedown_id, wanted, machines)
    return await _done(request, work, case, which, form, step)


@router.post(_TAB + "/{takedown_id:uuid}")
async def record_heard(request: Request, work: WorkDep, rest: str, takedown_id: UUID) -> Response:
    """Record the next step of a take-down."""
    case = await cases.by_reference(work.session, work.viewer, f"SP-{rest}")
    form = await forms.read_heard(request, str(takedown_id))
    which = str(takedown_id)
    if form.errors or form.heard is None:
        return await _tab(request, work, case, _Typed(which, form), status=422)
    step = handlers.follow(work, case.case_id, form.version or 0, takedown_id, form.heard)
    return await _done(request, work, case, which, form, step)


async def _done(
    request: Request, work: Work, case: Case, which: str, form: forms.TakedownForm, step: Awaitable[Case]
) -> Response:
    """Carry out a step; if it is refused, show the tab again with the reason and what was typed."""
    try:
        await step
    except domain.TakedownNotFound:
        raise
    except tuple(_REFUSALS) as error:
        first = "link_number" if which == _NEW else f"{which}-state"
        refusal = refusal_of(error, _REFUSALS)
        at_its_field = refusal.field if which == _NEW and refusal.field == "asked_at" else None
        status = record_refusal(replace(refusal, field=at_its_field), error, form.errors, first)
        again = await cases.get(work.session, work.viewer, case.case_id)
        return await _tab(request, work, again, _Typed(which, form), status=status)
    return led(request, case, Tab.TAKEDOWNS, "takedown-recorded")


async def _tab(
    request: Request,
    work: Work,
    case: Case,
    typed: _Typed = _NOTHING,
    *,
    content: bool = False,
    status: int = 200,
) -> HTMLResponse:
    kept = await queries.of_case(work.session, case.case_id)
    report = await reports.read(work.session, case.report_id, content=True)
    platform = _platform(request, typed, report.platform)
    made = (await queries.forms_of_cases(work.session, [case.case_id]))[case.case_id]
    values: Mapping[str, object] = {
        "machine_forms": made,
        "bodies": {one.form_id: json.dumps(one.body, indent=2, ensure_ascii=False) for one in made} if content else {},
        "takedowns": kept,
        "content": content,
        "links": report.links if content else (),
        "link_count": len(report.links),
        "takes_takedowns": domain.takes_takedowns(case),
        "platform": platform,
        "suggested": notices.guide(platform).suggested(report.says(case.report_type)),
        "entered": typed.form.typed if typed.form else {},
        "typed_in": typed.which,
        "platforms": PLATFORMS,
        "notices": notices,
        "words": forms,
        "sent": sorted(parts_of(request, TakedownParts).machines.sent),
        "states": STATE_NAMES,
        "steps_from": domain.steps_from,
    }
    people = [who for one in kept for who in (one.reported_by, one.settled_by)]
    shown = Shown(values, people, typed.form.errors if typed.form else None)
    return await show(request, work, case, tab=Tab.TAKEDOWNS, shown=shown, status=status)


def _platform(request: Request, typed: _Typed, reported: str) -> str:
    """Return the platform whose categories are shown: the one chosen, or the report's."""
    chosen = (typed.form.typed.get("platform") if typed.form else None) or request.query_params.get("platform", "")
    return chosen if chosen in PLATFORMS else reported
