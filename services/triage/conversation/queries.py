"""Reads a conversation: from the notes of a case, and from what its activity record says of outcomes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.queries import REPORTER, NoteKind, WrittenNote, notes
from services.triage.conversation.domain import (
    Entry,
    EntryKind,
    Piece,
    ReplyTemplate,
    Speaker,
    TemplateNotFound,
    in_order,
)
from services.triage.conversation.tables import ReplyTemplateRow
from services.triage.evidence import queries as evidence
from services.triage.reports.domain import Evidence
from shared.audit import chain
from shared.events.vocabulary import MessageKind

_OF_REPORTER: Mapping[str, EntryKind] = {
    MessageKind.ASKED_AGAIN: EntryKind.ASKED_AGAIN,
    NoteKind.WITHDRAWAL: EntryKind.WITHDRAWN,
    NoteKind.REVIEW: EntryKind.REVIEW,
}
_OF_RECORD: Mapping[str, EntryKind] = {
    "manager_agreed": EntryKind.AGREED,
    "reopened": EntryKind.REOPENED,
    "review_upheld": EntryKind.REVIEWED,
    "review_changed": EntryKind.REVIEWED,
}


async def conversation(session: AsyncSession, case: Case, viewer: Viewer) -> list[Entry]:
    """Return what was said about a case, oldest first; what the reporter wrote only if the viewer may see it."""
    sent = await evidence.on_case(session, case, viewer)
    done = await chain.read(session, case.case_id)
    return said(case, await notes(session, case.case_id), sent, done, content=viewer.sees_content)


def said(
    case: Case,
    written: Sequence[WrittenNote],
    sent: Sequence[Evidence],
    done: Sequence[chain.Activity],
    *,
    content: bool,
) -> list[Entry]:
    """Return the conversation of a case from its notes, its evidence and its activity record."""
    messages = {note.message_id for note in written if note.message_id}
    entries = [
        *(_of_note(note, sent, content=content) for note in written),
        *(_of_evidence(item) for item in sent if item.message_id not in messages),
        *_of_activities(done),
    ]
    return in_order(entries, case.replied_at)


def _of_note(note: WrittenNote, sent: Sequence[Evidence], *, content: bool) -> Entry:
    if note.by_reporter:
        return Entry(
            entry_id=note.note_id,
            kind=_OF_REPORTER.get(note.kind, EntryKind.MESSAGE),
            speaker=Speaker.REPORTER,
            at=note.at,
            text=note.text if content else None,
            message_id=note.message_id,
            evidence=tuple(_piece(one) for one in sent if note.message_id and one.message_id == note.message_id),
            answers_question=note.kind == MessageKind.ANSWER,
        )
    shared = EntryKind.QUESTION if note.kind == NoteKind.QUESTION else EntryKind.UPDATE
    kind = shared if note.shared else EntryKind.NOTE
    return Entry(
        entry_id=note.note_id,
        kind=kind,
        speaker=Speaker.TEAM,
        at=note.at,
        author=note.author,
        author_name=note.author_name,
        text=note.text,
    )


def _of_evidence(item: Evidence) -> Entry:
    return Entry(
        entry_id=item.evidence_id,
        kind=EntryKind.EVIDENCE,
        speaker=Speaker.REPORTER if item.from_reporter else Speaker.TEAM,
        at=item.added_at,
        author=item.responder,
        evidence=(_piece(item),),
    )


def _piece(item: Evidence) -> Piece:
    return Piece(item.evidence_id, item.media_type, item.size, removed=item.removed_at is not None)


def _of_activities(activities: Sequence[chain.Activity]) -> Iterator[Entry]:
    for one in activities:
        outcome = one.after.get("outcome")
        kind = EntryKind.OUTCOME if outcome else _OF_RECORD.get(one.action)
        if kind:
            yield Entry(
                entry_id=one.id,
                kind=kind,
                speaker=Speaker.REPORTER if one.actor == REPORTER else Speaker.TEAM,
                at=one.at,
                author=None if one.actor == REPORTER else one.personal.get("manager", one.actor),
                outcome=outcome or None,
                result=one.action.removeprefix("review_") if kind is EntryKind.REVIEWED else None,
            )


_TEMPLATES = TypeAdapter(list[ReplyTemplate])


async def templates(session: AsyncSession, teams: Collection[str]) -> list[ReplyTemplate]:
    """Return the templates of these teams that are offered, by name."""
    table = ReplyTemplateRow.table()
    wanted = select(table).where(table.c.current, table.c.team.in_(sorted(teams))).order_by(table.c.name)
    return _TEMPLATES.validate_python([dict(row) for row in (await session.execute(wanted)).mappings()])


async def template(session: AsyncSession, template_id: UUID, teams: Collection[str]) -> ReplyTemplate:
    """Return a template that is offered.

    Raises:
        TemplateNotFound: there is none, or it is another team's.
    """
    found = [one for one in await templates(session, teams) if one.template_id == template_id]
    if not found:
        raise TemplateNotFound
    return found[0]
