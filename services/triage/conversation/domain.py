"""What was said about a case, in time order: to the reporter, by the reporter, and among the team."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Speaker(StrEnum):
    """Who said it."""

    REPORTER = "reporter"
    TEAM = "team"


class EntryKind(StrEnum):
    """What an entry of the conversation is."""

    MESSAGE = "message"
    """The reporter wrote."""
    ASKED_AGAIN = "asked_again"
    """The reporter asks how far the report is."""
    AGREED = "agreed"
    """That the reporter's manager is told."""
    WITHDRAWN = "withdrawn"
    REVIEW = "review"
    """The reporter asks for the outcome to be looked at again."""
    QUESTION = "question"
    """The team asked the reporter for something."""
    UPDATE = "update"
    """The team wrote to the reporter."""
    NOTE = "note"
    """Internal: the reporter never sees it."""
    OUTCOME = "outcome"
    REOPENED = "reopened"
    REVIEWED = "reviewed"
    """The outcome was looked at again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the conversation."""

    kind: EntryKind
    speaker: Speaker
    at: datetime
    author: str | None = None
    """Who of the team it was: a name if it is known, else a staff id."""
    text: str | None = field(default=None, repr=False)
    """None where there are no words, or the viewer may not read them."""
    message_id: UUID | None = None
    answers_question: bool = False
    outcome: str | None = None
    result: str | None = None
    """What looking at an outcome again came to."""
    unread: bool = False
    """Whether no one of the team had read it before."""

    @property
    def internal(self) -> bool:
        """Return whether the reporter never sees it."""
        return self.kind is EntryKind.NOTE


def in_order(entries: Iterable[Entry], unread_since: datetime | None) -> list[Entry]:
    """Return the entries, oldest first; those of the reporter since `unread_since` are unread."""
    said = sorted(entries, key=lambda entry: (entry.at, entry.speaker is Speaker.REPORTER))
    return [replace(entry, unread=_is_unread(entry, unread_since)) for entry in said]


def _is_unread(entry: Entry, since: datetime | None) -> bool:
    return since is not None and entry.speaker is Speaker.REPORTER and entry.at >= since
