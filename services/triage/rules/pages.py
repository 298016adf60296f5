"""The page of the rules (`/cases/rules`), why a report went where it went, and a candidate book tried on the past."""

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

BODY_LIMIT = 1024 * 1024
"""Bytes: a pasted rule book is longer than any other form of triage."""
MOST_REPLAYED = 5_000
"""Decisions that a candidate is tried on here; `signpost rules backtest` takes all."""
_AT_A_TIME = 100
"""Decisions between which other requests are answered."""
REPLAYED = timedelta(days=30)
_NOT_FOUND = "No case that you may see here has this reference"
FIELD = "book"


@dataclass(frozen=True, slots=True)
class CandidateForm:
    """What was pasted, kept as it was; with a book where there is no mistake."""

    text: str
    book: RuleBook | None = None
    errors: FormErrors = field(default_factory=FormErrors)
    line: str = ""
    """The line of the first mistake."""


async def read_candidate(form: FormReader) -> CandidateForm:
    """Check a pasted book; off the loop, because a long one takes seconds."""
    text, errors = form.first(FIELD), form.errors
    if is_blank(text):
        errors.add(FIELD, "Paste a rule book")
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
    """Show the book in its order, what each rule did, and why one report went where it went."""
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


@router.get("/cases/rules/try")
async def candidate_page(request: Request, _viewer: ReaderDep, running: Running) -> HTMLResponse:
    """Offer the book that decides, to be changed and tried."""
    return _candidate(request, CandidateForm(running.text))


@router.post("/cases/rules/try")
async def try_candidate(request: Request, session: Transaction, viewer: ReaderDep, now: Now) -> HTMLResponse:
    """Check a pasted book and show what it would have decided otherwise; nothing is changed by it."""
    form = await read_candidate(await FormReader.posted(request))
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
    """Return a case and why it was sent where it was; a restricted one is as good as none here."""
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
