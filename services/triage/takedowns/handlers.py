"""What responders record about take-downs, and what the sweep notices, each in the chain of its case."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain as cases
from services.triage.cases import queries as case_queries
from services.triage.cases.domain import Case
from services.triage.cases.handlers import BATCH, Command, Work, execute
from services.triage.cases.writer import SYSTEM, CaseWriter, Transition, event_ids
from services.triage.reports import queries as reports
from services.triage.takedowns import domain, notices, protocols, queries
from services.triage.takedowns.domain import Form, FormState, How, MachineForm, Protocol, Takedown, TakedownState
from services.triage.takedowns.protocols import Contact, XarfType
from services.triage.takedowns.tables import MachineFormRow, TakedownRow
from services.triage.tasks import handlers as tasks
from services.triage.tasks import queries as task_queries
from services.triage.tasks.domain import Task
from shared.addresses import link_problem
from shared.audit import chain
from shared.events import platforms, triage

_CHASE, _SILENT, _BY_HAND = "chase", "platform_silent", "send_by_hand"
_TASKS = {domain.Clock.CHASE: _CHASE, domain.Clock.OVERDUE: _SILENT}
"""Which task a clock that ran out becomes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a platform was asked, as a responder says it."""

    how: How = How.WEB_FORM
    link_number: int | None = None
    """Which link of the report, counted from 1; None for its only one, or for `link`."""
    link: str | None = None
    platform: str | None = None
    """None for the platform that the link belongs to."""
    category: str = ""
    reference: str | None = None
    asked_at: datetime | None = None
    """None for now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a take-down, as a responder says it."""

    state: TakedownState
    reference: str | None = None
    """The platform's own, if it gave one or a new one."""
    note: str | None = None


async def report(work: Work, case_id: UUID, read: int, asked: Asked) -> Case:
    """Record that a platform was asked to remove a link.

    Raises:
        NoSuchLink, NoSuchCategory, AlreadyAsked, NotAskedThen, TooManyTakedowns: as their names say.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    case = (await case_queries.lock(work.session, work.viewer, case_id)).case
    kept = await queries.of_case(work.session, case_id)
    new = domain.started(await _asked(work, case, asked), kept)
    told = {"link": new.link, **({"reference": new.reference} if new.reference else {})}
    says = {"takedown": str(new.takedown_id), "platform": new.platform, "how": str(new.how)}
    says |= {"asked_at": new.reported_at.isoformat()} if asked.asked_at else {}
    reported = _command("takedown_reported", work, [*kept, new], says, told)
    changed = await execute(work, case_id, read, reported)
    await work.session.execute(insert(TakedownRow.table()), [asdict(new)])
    return changed


async def follow(work: Work, case_id: UUID, read: int, takedown_id: UUID, heard: Heard) -> Case:
    """Record the next step of a take-down: asked again, removed, refused, or back again.

    With an answer of the platform nothing more is sent to it, and no task about the take-down is left.

    Raises:
        TakedownNotFound: the case has no such take-down.
        TakedownForbids: the step does not follow from its state.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    case = (await case_queries.lock(work.session, work.viewer, case_id)).case
    kept = await queries.of_case(work.session, case_id)
    before = _found(kept, takedown_id)
    after = domain.step(before, heard.state, case.priority, work.viewer.subject, work.now)
    after = replace(after, reference=heard.reference or before.reference)
    told = {name: text for name, text in (("note", heard.note), ("reference", heard.reference)) if text}
    says = {"takedown": str(takedown_id), "platform": after.platform}
    codes = [_CHASE] if after.open else [_CHASE, _SILENT, _BY_HAND]
    settled = await tasks.settled(work, case_id, takedown_id, codes)
    forms = (await queries.forms_of_cases(work.session, [case_id]))[case_id]
    left = domain.without_queued(forms, after)
    state = {task_queries.STATE: settled.fingerprint, queries.FORMS: queries.fingerprint_of_forms(left)}
    stepped = _command(f"takedown_{heard.state}", work, _with(kept, after), says, told, state)
    changed = await execute(work, case_id, read, stepped)
    await _store(work.session, [after])
    for form in left:
        if form not in forms:
            await _update_form(work.session, form)
    await tasks.store(work.session, settled)
    return changed


@dataclass(frozen=True, slots=True)
class Machines:
    """What the installation sets for machine forms."""

    contact: Contact | None
    """Who sends reports by XARF; None: none is made."""
    actor: str
    """The address that says to other servers who reports."""
    sent: frozenset[Protocol]
    """Protocols with an endpoint."""


@dataclass(frozen=True, slots=True)
class WantedForm:
    """Which machine form a responder wants."""

    protocol: Protocol
    kind: XarfType | None = None


async def make_form(
    work: Work, case_id: UUID, read: int, takedown_id: UUID, wanted: WantedForm, machines: Machines
) -> Case:
    """Make a machine form about a take-down; it is sent soon if an endpoint is set, never in this request.

    Raises:
        TakedownNotFound, TakedownForbids, NoSuchForm, FormExists: as their names say.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    case = (await case_queries.lock(work.session, work.viewer, case_id)).case
    takedown = _found(await queries.of_case(work.session, case_id), takedown_id)
    if not takedown.open:
        raise domain.TakedownForbids(takedown.state)
    forms = (await queries.forms_of_cases(work.session, [case_id]))[case_id]
    going = {(one.takedown_id, one.protocol) for one in forms if one.state in {FormState.QUEUED, FormState.SENT}}
    if (takedown_id, wanted.protocol) in going:
        raise domain.FormExists
    form = await _new_form(work, case, takedown, wanted, machines)
    kept = await queries.of_case(work.session, case_id)
    says = {"takedown": str(takedown_id), "protocol": str(wanted.protocol), "form_state": str(form.state)}
    state = {queries.FORMS: queries.fingerprint_of_forms([*forms, form])}
    changed = await execute(work, case_id, read, _command("takedown_form_made", work, kept, says, {}, state))
    await work.session.execute(insert(MachineFormRow.table()), [asdict(form)])
    return changed


async def _new_form(work: Work, case: Case, takedown: Takedown, wanted: WantedForm, machines: Machines) -> MachineForm:
    form_id = work.writer.ids.uuid()
    queued = wanted.protocol in machines.sent
    return MachineForm(
        form_id=form_id,
        takedown_id=takedown.takedown_id,
        case_id=case.case_id,
        protocol=wanted.protocol,
        body=await _body(work, case, takedown, wanted, machines, form_id),
        made_at=work.now,
        made_by=work.viewer.subject,
        state=FormState.QUEUED if queued else FormState.MADE,
        next_at=work.now if queued else None,
    )


async def attempt_form(session: AsyncSession, now: datetime) -> MachineForm | None:
    """Count an attempt to send the machine form that is due longest; nothing may be sent before this has committed."""
    form = await queries.lock_form_due(session, now)
    if form is None:
        return None
    attempted = domain.attempted(form, now)
    await _update_form(session, attempted)
    return attempted


async def record_form(session: AsyncSession, form: MachineForm, now: datetime, *, writer: CaseWriter) -> None:
    """Store what came of an attempt; the chain says so, and a failure becomes a task.

    It may have taken so long that another attempt began: then only that this one was sent is worth recording.
    """
    await case_queries.lock_cases(session, [form.case_id])
    before = await queries.forms_of_cases(session, [form.case_id])
    newest = next((one for one in before[form.case_id] if one.form_id == form.form_id), None)
    if newest is None or newest.state is FormState.SENT:
        return
    overtaken = (newest.state, newest.attempts) != (FormState.QUEUED, form.attempts)
    if overtaken and form.state is not FormState.SENT:
        return
    await _update_form(session, form)
    kept = (await queries.forms_of_cases(session, [form.case_id]))[form.case_id]
    state = {queries.FORMS: queries.fingerprint_of_forms(kept)}
    says = {"takedown": str(form.takedown_id), "protocol": str(form.protocol), "form_state": str(form.state)}
    action = f"takedown_form_{form.state}"
    if form.state is FormState.QUEUED:
        action = "takedown_form_waits"
    change = chain.Change(action, SYSTEM, after=says, state=state)
    await chain.append(session, [(form.case_id, change)], now, writer.ids)
    if form.state is FormState.FAILED:
        wanted = {form.case_id: [Task(form.case_id, _BY_HAND, about=form.takedown_id)]}
        await tasks.make(session, wanted, now, writer=writer)


async def _update_form(session: AsyncSession, form: MachineForm) -> None:
    table, changed = MachineFormRow.table(), asdict(form)
    await session.execute(update(table).where(table.c.form_id == changed.pop("form_id")).values(changed))


async def _body(
    work: Work, case: Case, takedown: Takedown, wanted: WantedForm, machines: Machines, form_id: UUID
) -> Form:
    notice = notices.first_text(case, takedown.platform, takedown.link, takedown.category)
    if wanted.protocol is Protocol.AT_PROTOCOL:
        category = notices.guide(takedown.platform).category(takedown.category)
        return protocols.create_report(takedown.link, category.reason if category else None, notice.text)
    if wanted.protocol is Protocol.ACTIVITYPUB:
        return protocols.flag(form_id, takedown.link, notice.text, machines.actor)
    if wanted.kind is None or machines.contact is None:
        raise protocols.NoSuchForm
    told = await reports.read(work.session, case.report_id, content=False)
    times = (told.happened_at, takedown.reported_at)
    return protocols.xarf(form_id, wanted.kind, takedown.link, machines.contact, times, notice.text)


async def warn_of_takedowns(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """Note take-downs of which it is time to ask again, or whose answer is overdue; return how many cases have some.

    Each becomes a task for the person who has the case. Cases that another process has locked are skipped.
    """
    due = sorted(set(await queries.due(session, now, BATCH)))
    locked = await case_queries.lock_free(session, due)
    kept = await queries.of_cases(session, list(locked))
    done: list[Transition] = []
    wanted: dict[UUID, list[Task]] = {}
    for case_id, case in locked.items():
        looked = [domain.warn(one, now) for one in kept[case_id]]
        after = [takedown for takedown, _ in looked]
        ran_out = [(takedown, clock) for takedown, clocks in looked for clock in clocks]
        await _store(session, [takedown for takedown in after if takedown not in kept[case_id]])
        if ran_out:
            done.append(_noted(case, after, ran_out, now))
            wanted[case_id] = [Task(case_id, _TASKS[clock], about=one.takedown_id) for one, clock in ran_out]
    await writer.record(session, done, now)
    await tasks.make(session, wanted, now, writer=writer)
    return len(locked)


def _noted(
    locked: case_queries.LockedCase,
    after: Sequence[Takedown],
    ran_out: Sequence[tuple[Takedown, domain.Clock]],
    now: datetime,
) -> Transition:
    """Return the note of the sweep. The version stays: no one's work is out of date for that."""
    overdue = domain.Clock.OVERDUE in {clock for _, clock in ran_out}
    says = {"takedown": ", ".join(sorted({str(one.takedown_id) for one, _ in ran_out}))}
    return Transition(
        locked,
        replace(locked.case, takedown=domain.summary(after)),
        domain.Clock.OVERDUE if overdue else domain.Clock.CHASE,
        SYSTEM,
        says=says,
        state={queries.STATE: queries.fingerprint_of(after)},
        events=[_changed(locked.case, now)],
    )


def _changed(case: Case, now: datetime) -> triage.CaseTakedownChanged:
    return triage.CaseTakedownChanged(**event_ids(case, now), team=case.team)


def _command(
    action: str,
    work: Work,
    after: Sequence[Takedown],
    says: Mapping[str, str],
    told: Mapping[str, str],
    state: Mapping[str, str] | None = None,
) -> Command:
    return Command(
        action,
        lambda case, actor: domain.worked_on(case, actor, work.now, after),
        lambda _before, changed: [_changed(changed, work.now)],
        says=says,
        personal=told,
        state={queries.STATE: queries.fingerprint_of(after), **(state or {})},
        while_merged=True,
    )


async def _asked(work: Work, case: Case, asked: Asked) -> Takedown:
    """Return the take-down that someone asks for, with the link and the platform that they mean."""
    if not domain.takes_takedowns(case):
        raise cases.NotForThisCase
    number, link = await _link(work.session, case, asked)
    platform = asked.platform or await _platform(work.session, case, link)
    if asked.category and notices.guide(platform).category(asked.category) is None:
        raise domain.NoSuchCategory
    at = domain.asked_at(asked.asked_at, work.now)
    chase_at, due_at = domain.clocks(at, case.priority)
    return Takedown(
        takedown_id=work.writer.ids.uuid(),
        case_id=case.case_id,
        platform=platform,
        link=link,
        link_number=number,
        category=asked.category,
        how=asked.how,
        reference=asked.reference,
        reported_at=at,
        reported_by=work.viewer.subject,
        state=TakedownState.REPORTED,
        chase_at=chase_at,
        due_at=due_at,
    )


async def _link(session: AsyncSession, case: Case, asked: Asked) -> tuple[int | None, str]:
    links = (await reports.read(session, case.report_id, content=True)).links
    if asked.link:
        if link_problem(asked.link):
            raise domain.NoSuchLink
        return (links.index(asked.link) + 1 if asked.link in links else None), asked.link
    number = asked.link_number or (1 if len(links) == 1 else 0)
    if not 1 <= number <= len(links):
        raise domain.NoSuchLink
    return number, links[number - 1]


async def _platform(session: AsyncSession, case: Case, link: str) -> str:
    said = (await reports.read(session, case.report_id, content=False)).platform
    found = platforms.from_url(link, said)
    return found[0] if found else said or platforms.OTHER


def _found(kept: Sequence[Takedown], takedown_id: UUID) -> Takedown:
    found = next((one for one in kept if one.takedown_id == takedown_id), None)
    if found is None:
        raise domain.TakedownNotFound
    return found


def _with(kept: Sequence[Takedown], after: Takedown) -> list[Takedown]:
    return [after if one.takedown_id == after.takedown_id else one for one in kept]


async def _store(session: AsyncSession, takedowns: Sequence[Takedown]) -> None:
    table = TakedownRow.table()
    for one in takedowns:
        changed = asdict(one)
        await session.execute(update(table).where(table.c.takedown_id == changed.pop("takedown_id")).values(changed))
