"""Pages of a service's dead letters, the same in every service: to see them, and to replay or discard them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.events.topics import GROUPS
from shared.messaging import dead_letters
from shared.people import Names
from shared.web.dependencies import Now, Transaction
from shared.web.forms import Field, FormReader, Kind, Option
from shared.web.pages import render
from shared.web.problems import standard_problem

Operator = Annotated[Principal, requires(Permission.OPERATE_DEAD_LETTERS)]

PREFIXES: Mapping[str, str] = {"intake": "/report", "triage": "/cases", "registry": "/accounts", "notifier": "/alerts"}
"""Service → the prefix of its pages."""
ALL_SERVICES = f"{PREFIXES['triage']}/operations/dead-letters"
"""Where the number of all services together is."""
LONGEST_REASON = 1000
STATES = {
    dead_letters.DeadLetterState.OPEN: "Needs you",
    dead_letters.DeadLetterState.ASKED: "Asked for",
    dead_letters.DeadLetterState.SETTLED: "Settled",
}
DONE = {
    dead_letters.HistoryAction.REPLAY_ASKED: "Replay asked for",
    dead_letters.HistoryAction.DISCARD_ASKED: "Discard asked for",
    dead_letters.HistoryAction.FAILED_AGAIN: "Replayed, and failed again",
    dead_letters.HistoryAction.REPLAYED: "Replayed",
    dead_letters.HistoryAction.DISCARDED: "Discarded",
    dead_letters.HistoryAction.CONTENT_SHOWN: "Content shown",
}
_ASKS = {"replay": dead_letters.replay, "discard": dead_letters.discard}


def address_of(group: str, dead_letter_id: UUID) -> str:
    """Return the address of a dead letter's page in the service that `group` belongs to."""
    return f"{PREFIXES.get(GROUPS.get(group, ''), '')}/operations/dead-letters/{dead_letter_id}"


Waiting = Callable[[AsyncSession], Awaitable[Mapping[str, int]]]
"""Returns how many dead letters need someone, by service."""
NamesOf = Callable[[AsyncSession, Iterable[str | None]], Awaitable[Names]]
"""Returns the names that a service knows of these people."""


async def _numbers_alone(_session: AsyncSession, _staff_ids: Iterable[str | None]) -> Names:
    return Names()


def dead_letters_router(prefix: str, waiting: Waiting | None = None, names_of: NamesOf = _numbers_alone) -> APIRouter:
    """Return the pages for the service under `prefix`.

    Args:
        prefix: of the service's addresses.
        waiting: given by the one service that knows what waits in all of them.
        names_of: given by a service that knows the names of staff; elsewhere they are shown by their numbers.
    """
    here = f"{prefix}/operations/dead-letters"
    router = APIRouter(prefix=here, include_in_schema=False)

    @router.get("")
    async def every_letter(request: Request, session: Transaction, _operator: Operator) -> HTMLResponse:
        return await _list(request, session, here, await waiting(session) if waiting else None)

    @router.get("/{letter}")
    async def one_letter(request: Request, session: Transaction, operator: Operator, letter: UUID) -> HTMLResponse:
        return await _one(request, session, operator, letter, names_of)

    @router.post("/{letter}/show")
    async def show_content(
        request: Request, session: Transaction, operator: Operator, letter: UUID, now: Now
    ) -> HTMLResponse:
        return await _with_content(request, session, operator, letter, now, names_of)

    @router.post("/{letter}/ask")
    async def ask(request: Request, session: Transaction, operator: Operator, letter: UUID, now: Now) -> Response:
        return await _ask(request, session, operator, letter, now, names_of)

    return router


async def _list(request: Request, session: AsyncSession, here: str, waiting: Mapping[str, int] | None) -> HTMLResponse:
    wanted = _wanted(request.query_params)
    found = await dead_letters.page(session, wanted)
    shown = found[: wanted.most]
    topics = await dead_letters.affected_topics(session)
    return render(
        request,
        "dead_letters/list.html",
        letters=shown,
        wanted=wanted,
        topics=sorted({*topics, *([wanted.topic] if wanted.topic else [])}),
        states=STATES,
        services=PREFIXES,
        waiting=waiting,
        all_services=ALL_SERVICES,
        here=here,
        after=f"{shown[-1].recorded_at.isoformat()}_{shown[-1].id}" if len(found) > wanted.most else None,
    )


async def _one(
    request: Request,
    session: AsyncSession,
    operator: Principal,
    dead_letter_id: UUID,
    names_of: NamesOf,
    *,
    content: str | None = None,
    form: FormReader | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    # The history first: read after the state, it could name a step that the state does not show yet.
    steps = await dead_letters.history(session, dead_letter_id)
    letter, form = await _known(session, dead_letter_id), form or FormReader({})
    return render(
        request,
        "dead_letters/one.html",
        status_code,
        letter=letter,
        steps=steps,
        names=await names_of(session, [step.by for step in steps]),
        done=DONE,
        states=STATES,
        content=content,
        may_read=operator.may(Permission.SEE_CASE_CONTENT),
        fields=_fields(letter),
        form=form,
        errors=form.errors,
        here=_list_of(request),
    )


def _list_of(request: Request) -> str:
    return request.url.path.partition("/dead-letters/")[0] + "/dead-letters"


async def _with_content(
    request: Request,
    session: AsyncSession,
    operator: Principal,
    dead_letter_id: UUID,
    now: datetime,
    names_of: NamesOf,
) -> HTMLResponse:
    """Show the body to an operator with a content role, and record that they looked."""
    if not operator.may(Permission.SEE_CASE_CONTENT):
        raise standard_problem(403)
    await _known(session, dead_letter_id)
    record = await dead_letters.content(session, dead_letter_id)
    looked = dead_letters.HistoryEntry(
        dead_letter_id, now, dead_letters.HistoryAction.CONTENT_SHOWN, operator.staff_id or operator.subject
    )
    await dead_letters.record_history(session, [looked])
    shown = dead_letters.as_text(record.value if record else None)
    return await _one(request, session, operator, dead_letter_id, names_of, content=shown)


async def _ask(
    request: Request,
    session: AsyncSession,
    operator: Principal,
    dead_letter_id: UUID,
    now: datetime,
    names_of: NamesOf,
) -> Response:
    form, status_code = await FormReader.posted(request), 422
    what = form.one_of("what", _ASKS, "Choose whether to replay or to discard it")
    reason = form.text("reason", "Say why", LONGEST_REASON)
    if what and reason and not form.errors:
        by = operator.staff_id or operator.subject
        try:
            await _ASKS[what](session, dead_letter_id, by=by, reason=reason, now=now)
            return RedirectResponse(f"{_list_of(request)}/{dead_letter_id}", 303)
        except dead_letters.AlreadyAskedFor as asked:
            first = (await names_of(session, [asked.by]))(asked.by)
            form.errors.add("what", f"{first} asked for it to be {asked.action} before you: that stands")
        except dead_letters.DeadLetterNotOpen:
            form.errors.add("what", "It is settled already")
        status_code = 409
    return await _one(request, session, operator, dead_letter_id, names_of, form=form, status_code=status_code)


def _fields(letter: dead_letters.DeadLetter) -> tuple[Field, ...]:
    again = f"Once the cause is fixed. Only {letter.group_name} handles it again, within seconds"
    actions = (
        Option("replay", "Replay", again),
        Option("discard", "Discard", "Give it up for good. Events that wait behind it are then handled"),
    )
    return (
        Field("what", "What should happen to it?", Kind.RADIOS, options=actions),
        Field("reason", "Why?", Kind.TEXT, "Kept with the dead letter. Do not name anyone."),
    )


async def _known(session: AsyncSession, dead_letter_id: UUID) -> dead_letters.DeadLetter:
    letter = await dead_letters.show(session, dead_letter_id)
    if letter is None:
        raise standard_problem(404)
    return letter


def _wanted(parameters: Mapping[str, str]) -> dead_letters.PageRequest:
    """Read the URL's parameters; ignore those that make no sense."""
    state = next(
        (state for state in dead_letters.DeadLetterState if state == parameters.get("state")),
        dead_letters.DeadLetterState.OPEN,
    )
    topic = (parameters.get("topic") or "").replace("\x00", "")
    return dead_letters.PageRequest(state, topic or None, _position(parameters.get("after", "")))


def _position(text: str) -> tuple[datetime, UUID] | None:
    at, _, dead_letter_id = text.rpartition("_")
    try:
        moment, last = datetime.fromisoformat(at), UUID(dead_letter_id)
    except ValueError:
        return None
    return (moment, last) if moment.tzinfo else None
