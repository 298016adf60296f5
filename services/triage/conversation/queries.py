"""Reads a conversation: from the notes of a case, and from what its activity record says of outcomes."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.queries import REPORTER, NoteKind, WrittenNote, notes
from services.triage.conversation.domain import Entry, EntryKind, Speaker, in_order
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


async def conversation(
    session: AsyncSession, case_id: UUID, *, content: bool, unread_since: datetime | None
) -> list[Entry]:
    """Return what was said about a case, oldest first; without `content`, not what the reporter wrote."""
    said = [_of_note(one, content=content) for one in await notes(session, case_id)]
    return in_order([*said, *_of_activities(await chain.read(session, case_id))], unread_since)


def _of_note(note: WrittenNote, *, content: bool) -> Entry:
    if note.by_reporter:
        return Entry(
            kind=_OF_REPORTER.get(note.kind, EntryKind.MESSAGE),
            speaker=Speaker.REPORTER,
            at=note.at,
            text=note.text if content else None,
            message_id=note.message_id,
            answers_question=note.kind == MessageKind.ANSWER,
        )
    shared = EntryKind.QUESTION if note.kind == NoteKind.QUESTION else EntryKind.UPDATE
    kind = shared if note.shared else EntryKind.NOTE
    return Entry(kind=kind, speaker=Speaker.TEAM, at=note.at, author=note.author, text=note.text)


def _of_activities(activities: list[chain.Activity]) -> Iterator[Entry]:
    for one in activities:
        outcome = one.after.get("outcome")
        kind = EntryKind.OUTCOME if outcome else _OF_RECORD.get(one.action)
        if kind:
            yield Entry(
                kind=kind,
                speaker=Speaker.REPORTER if one.actor == REPORTER else Speaker.TEAM,
                at=one.at,
                author=None if one.actor == REPORTER else one.actor,
                outcome=outcome or None,
                result=one.action.removeprefix("review_") if kind is EntryKind.REVIEWED else None,
            )
