"""The rules page (`/cases/rules`): the rules, why a report went to its team, and a trial of a candidate book."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries as cases
from services.triage.cases import views as case_wording
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case, CaseNotFound
from services.triage.routing import queries as routing
from services.triage.routing.domain import UNDECIDED, RuleBook, RuleState
from services.triage.routing.rulebook import RuleBookRefused, parse
from services.triage.rules import queries, views
from services.triage.rules.domain import Backtest, Window
from services.triage.rules.handlers import replay
from services.triage.rules.reload import ReaderDep, Running
from shared.events.vocabulary import Team
from shared.ids import InvalidReference, Reference
from shared.text import is_blank
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

TRY = "/cases/rules/try"
LONGEST_BOOK = 200 * 1024
"""Bytes of a pasted rule book: ten times the packaged one."""
BODY_LIMIT = 3 * LONGEST_BOOK + 16 * 1024
"""Bytes: the form has each byte of the book percent-encoded at worst."""
_trial = asyncio.Lock()
"""One book at a time is checked and tried in this process: it takes seconds of a processor."""
MOST_REPLAYED = 5_000
"""Decisions that a candidate is tried on here; `signpost rules backtest` uses all of them."""
_AT_A_TIME = 100
"""Decisions per batch; other requests are answered between batches."""
REPLAYED = timedelta(days=30)
_NOT_FOUND = "No case that you may see here has this reference"
FIELD = "book"


@dataclass(frozen=True, slots=True)
class CandidateForm:
    """The pasted text, unchanged, and the book if it has no mistake."""

    text: str
    book: RuleBook | None = None
    errors: FormErrors = field(default_factory=FormErrors)
    line: str = ""
    """The line of the first mistake."""


async def read_candidate(form: FormReader) -> CandidateForm:
    """Check a pasted book in a thread, because a long one takes seconds."""
    text, errors = form.first(FIELD), form.errors
    if is_blank(text):
        errors.add(FIELD, "Paste a rule book")
    elif len(text.encode()) > LONGEST_BOOK:
        errors.add(FIELD, f"The rule book must be {LONGEST_BOOK // 1024} KB or smaller")
    if errors:
        return CandidateForm(text, errors=errors)
    try:
        return CandidateForm(text, await asyncio.to_thread(parse, text))
    except RuleBookRefused as mistake:
        errors.add(FIELD, mistake.sentence)
        return CandidateForm(text, errors=errors, line=mistake.line_in(text))


@router.get("/cases/rules")
async def rules_page(
    request: Request, session: Transaction, viewer: ReaderDep, running: Running, now: Now
) -> HTMLResponse:
    """Show the book in order, what each rule did, and why one report went to its team."""
    wanted = views.RuleFilter.read(request.query_params, running.book)
    counted = await queries.hits(session, viewer, now)
    reference = request.query_params.get("reference", "").strip()[:40]
    errors = FormErrors()
    found = await _explained(session, viewer, reference, errors) if reference else None
    return render(
        request,
        "rules.html",
        404 if errors else 200,
        running=running,
        wanted=wanted,
        filters=_filters(wanted, views.clauses(running.book)),
        lines=views.lines(running.book, wanted, counted, now),
        unplaced=counted.decided.get(UNDECIDED, 0),
        reference=reference,
        found=found,
        viewer=viewer,
        errors=errors,
        **_words(),
    )


@router.get(TRY)
async def candidate_page(request: Request, _viewer: ReaderDep, running: Running) -> HTMLResponse:
    """Show the book in use, to change and try out."""
    return _candidate(request, CandidateForm(running.text))


@router.post(TRY)
async def try_candidate(request: Request, session: Transaction, viewer: ReaderDep, now: Now) -> HTMLResponse:
    """Check a pasted book and show what it would have decided differently; it changes nothing."""
    posted = await FormReader.posted(request, longest=BODY_LIMIT)
    if _trial.locked():
        posted.errors.add(FIELD, "Another rule book is being tried out. Wait a minute, then try yours again.")
        return _candidate(request, CandidateForm(posted.first(FIELD), errors=posted.errors), status=503)
    async with _trial:
        form = await read_candidate(posted)
        if form.book is None:
            return _candidate(request, form, status=422)
        window, result = Window(now - REPLAYED, now, MOST_REPLAYED), Backtest()
        await replay(session, form.book, window, result, viewer=viewer, batch=_AT_A_TIME)
        return _candidate(request, form, result)


def _candidate(
    request: Request, form: CandidateForm, result: Backtest | None = None, *, status: int = 200
) -> HTMLResponse:
    return render(
        request,
        "rules_try.html",
        status,
        form=form,
        result=result,
        most=MOST_REPLAYED,
        errors=form.errors,
        **_words(),
    )


async def _explained(
    session: AsyncSession, viewer: Viewer, typed: str, errors: FormErrors
) -> tuple[Case, routing.Explanation] | None:
    """Return a case and why it was sent to its team; a restricted case is treated as if it did not exist."""
    try:
        case = await cases.by_reference(session, viewer, Reference.parse(typed))
    except InvalidReference:
        errors.add("reference", "Enter a reference like SP-7K3M-Q9XC")
        return None
    except CaseNotFound:
        errors.add("reference", _NOT_FOUND)
        return None
    if case.restricted:
        errors.add("reference", _NOT_FOUND)
        return None
    return case, (await routing.explain(session, [case.case_id]))[case.case_id]


def _filters(wanted: views.RuleFilter, cited: list[str]) -> dict[str, list[dict[str, object]]]:
    """Return the choices of the filter form, as items of GOV.UK selects."""
    return {
        "team": _items({team.value: name for team, name in case_wording.FULL_TEAM_NAMES.items()}, wanted.team),
        "clause": _items({clause: routing.clause_words(clause).capitalize() for clause in cited}, wanted.clause),
        "state": _items({state.value: name for state, name in views.STATES.items()}, wanted.state),
    }


def _items(choices: dict[str, str], chosen: str | None) -> list[dict[str, object]]:
    items: list[dict[str, object]] = [{"value": "", "text": "Any"}]
    return items + [{"value": value, "text": text, "selected": value == chosen} for value, text in choices.items()]


def _words() -> dict[str, object]:
    return {
        "wording": views,
        "words": case_wording.words,
        "clause_words": routing.clause_words,
        "teams": case_wording.FULL_TEAM_NAMES,
        "short_teams": case_wording.SHORT_TEAM_NAMES,
        "RuleState": RuleState,
        "Team": Team,
    }
