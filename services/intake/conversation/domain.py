"""What was said about a report, in time order: the reporter's words and the team's, and how it ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.intake.evidence.domain import EvidenceItem
from services.intake.reports.domain import Addition, AdditionKind
from services.intake.tracking.domain import SharedUpdate, Status

SENT_TWICE_WITHIN = timedelta(minutes=10)
"""The same words again within this time are a second click, or a client that tries again (our choice)."""


class Speaker(StrEnum):
    """Who said it."""

    REPORTER = "reporter"
    TEAM = "team"


class EntryKind(StrEnum):
    """What an entry of the conversation is."""

    MESSAGE = "message"
    """The reporter wrote."""
    ASKED_AGAIN = "asked_again"
    AGREED = "agreed"
    """That their manager is told."""
    WITHDRAWN = "withdrawn"
    EVIDENCE = "evidence"
    """The reporter sent files without a message."""
    REVIEW_ASKED = "review_asked"
    """That the outcome is looked at again."""
    QUESTION = "question"
    """The team waits for an answer."""
    UPDATE = "update"
    OUTCOME = "outcome"
    REVIEWED = "reviewed"
    """Someone looked at the outcome again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the conversation."""

    kind: EntryKind
    speaker: Speaker
    at: datetime
    text: str | None = field(default=None, repr=False)
    """None where there are no words: those of an exempt report are erased (C-j), and not every outcome is told."""
    message_id: UUID | None = None
    answers_question: bool = False
    evidence: tuple[EvidenceItem, ...] = ()
    """The files that came with it."""


_KINDS = {
    AdditionKind.MORE: EntryKind.MESSAGE,
    AdditionKind.ANSWER: EntryKind.MESSAGE,
    AdditionKind.ASKED_AGAIN: EntryKind.ASKED_AGAIN,
    AdditionKind.AGREED: EntryKind.AGREED,
    AdditionKind.REVIEW: EntryKind.REVIEW_ASKED,
}
_MESSAGES = frozenset({AdditionKind.MORE, AdditionKind.ANSWER})
_IN_WORDS = frozenset({EntryKind.MESSAGE, EntryKind.REVIEW_ASKED})


def conversation(status: Status) -> tuple[Entry, ...]:
    """Return everything that was said, oldest first; of one moment, the team's words first."""
    return tuple(sorted(_entries(status), key=lambda entry: entry.at))


def entry_of(addition: Addition) -> Entry:
    """Return what the reporter did as an entry."""
    kind = _KINDS[addition.kind]
    return Entry(
        kind=kind,
        speaker=Speaker.REPORTER,
        at=addition.at,
        text=addition.text if kind in _IN_WORDS else None,
        message_id=addition.message_id,
        answers_question=addition.kind is AdditionKind.ANSWER,
    )


def sent_before(text: str, status: Status, now: datetime) -> Addition | None:
    """Return the reporter's last message if it is `text`, a moment ago, and the team has said nothing since."""
    messages = (addition for addition in status.additions if addition.kind in _MESSAGES)
    last = max(messages, key=lambda addition: addition.at, default=None)
    if last is None or last.text != text or now - last.at > SENT_TWICE_WITHIN:
        return None
    return None if any(update.at > last.at for update in status.updates) else last


def _entries(status: Status) -> Iterator[Entry]:
    yield from (_of_team(update) for update in reversed(status.updates))
    messages = {addition.message_id for addition in status.additions if addition.message_id}
    for addition in status.additions:
        came_with = (item for item in status.evidence if item.message_id == addition.message_id in messages)
        yield replace(entry_of(addition), evidence=tuple(came_with))
    yield from _files([item for item in status.evidence if item.message_id not in messages], status.updates)
    if status.withdrawn_at:
        yield Entry(kind=EntryKind.WITHDRAWN, speaker=Speaker.REPORTER, at=status.withdrawn_at)
    if status.ended:
        text = " ".join(status.ended.outcomes) or None
        yield Entry(kind=EntryKind.OUTCOME, speaker=Speaker.TEAM, at=status.ended.at, text=text)
    if status.review and status.review.at:
        yield Entry(kind=EntryKind.REVIEWED, speaker=Speaker.TEAM, at=status.review.at, text=status.review.text)


def _files(items: Sequence[EvidenceItem], updates: Sequence[SharedUpdate]) -> Iterator[Entry]:
    """Yield the files that came without a message; those that were sent together are one entry."""
    together: list[EvidenceItem] = []
    for item in items:
        if together and not _sent_together(together[-1], item, updates):
            yield _entry_of_files(together)
            together = []
        together.append(item)
    if together:
        yield _entry_of_files(together)


def _sent_together(one: EvidenceItem, other: EvidenceItem, updates: Sequence[SharedUpdate]) -> bool:
    if one.message_id != other.message_id or other.added_at - one.added_at > SENT_TWICE_WITHIN:
        return False
    return not any(one.added_at < update.at < other.added_at for update in updates)


def _entry_of_files(items: Sequence[EvidenceItem]) -> Entry:
    return Entry(kind=EntryKind.EVIDENCE, speaker=Speaker.REPORTER, at=items[0].added_at, evidence=tuple(items))


def _of_team(update: SharedUpdate) -> Entry:
    kind = EntryKind.QUESTION if update.asks else EntryKind.UPDATE
    return Entry(kind=kind, speaker=Speaker.TEAM, at=update.at, text=update.text)
