"""What was said about a case, in time order: to the reporter, by the reporter, and among the team."""

import re
from collections.abc import Iterable, Mapping
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
    EVIDENCE = "evidence"
    OUTCOME = "outcome"
    REOPENED = "reopened"
    REVIEWED = "reviewed"
    """The outcome was looked at again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence that was sent."""

    evidence_id: UUID
    media_type: str
    size: int
    """In bytes."""
    removed: bool
    """Whether the reporter took it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the conversation."""

    entry_id: UUID
    """Of the note, the activity or the first piece of evidence that it is."""
    kind: EntryKind
    speaker: Speaker
    at: datetime
    author: str | None = None
    """Staff id of who in the team it was."""
    author_name: str | None = None
    """Their name, if it was kept with what they wrote."""
    text: str | None = field(default=None, repr=False)
    """None where there are no words, or the viewer may not read them."""
    message_id: UUID | None = None
    evidence: tuple[Piece, ...] = ()
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
    """Return the entries, oldest first; those of the reporter since `unread_since` are unread.

    Evidence that one person sent without a word between is one entry.
    """
    said: list[Entry] = []
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.speaker is Speaker.REPORTER)):
        one = replace(entry, unread=_is_unread(entry, unread_since))
        if said and _together(said[-1]) == _together(one):
            said[-1] = replace(said[-1], evidence=(*said[-1].evidence, *one.evidence))
        else:
            said.append(one)
    return said


def _together(entry: Entry) -> object:
    """Return by what entries of evidence are one; every other entry stands alone."""
    if entry.kind is EntryKind.EVIDENCE:
        return entry.speaker, entry.author, entry.unread
    return id(entry)


def _is_unread(entry: Entry, since: datetime | None) -> bool:
    return since is not None and entry.speaker is Speaker.REPORTER and entry.at >= since


# Reply templates.

FIELDS: Mapping[str, str] = {
    "reference": "the reference of the case",
    "team": "the team that has it",
    "platform": "where it happened",
    "kind": "what kind of report it is",
    "name": "your name",
}
"""What a template can leave for the case to fill in, written in braces."""
_FIELD = re.compile(r"\{([^{}]*)\}")


class TemplateNotFound(Exception):
    """There is no such template, or it is another team's."""


class TemplateChanged(Exception):
    """Someone changed the template since it was read."""


class NotYourTemplate(Exception):
    """Only a lead of its team changes a template."""


class NoSuchField(Exception):
    """The text has a field in braces that no case fills in."""


class Language(StrEnum):
    """The languages of templates, by their codes."""

    ENGLISH = "en"
    WELSH = "cy"


LANGUAGES: Mapping[Language, str] = {Language.ENGLISH: "English", Language.WELSH: "Welsh"}


@dataclass(frozen=True, slots=True)
class ReplyTemplate:
    """A text to begin a message to a reporter with."""

    template_id: UUID
    version: int
    team: str
    name: str
    text: str
    owner: str
    """Staff id of the lead who keeps it up to date: who wrote this version."""
    written_at: datetime
    current: bool = True
    language: Language = Language.ENGLISH


def require_known_fields(text: str) -> None:
    """Check the fields of a template.

    Raises:
        NoSuchField: one is in braces that no case fills in.
    """
    if not set(_FIELD.findall(text)) <= FIELDS.keys():
        raise NoSuchField


def has_fields(text: str) -> bool:
    """Return whether a case fills in something of a text."""
    return not FIELDS.keys().isdisjoint(_FIELD.findall(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a template for one case."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)


def chosen(texts: Iterable[ReplyTemplate], wanted: str) -> ReplyTemplate | None:
    """Return the template whose id was chosen in a form; None if it is not offered."""
    return next((one for one in texts if str(one.template_id) == wanted), None)


def appended(typed: str, more: str) -> str:
    """Return what a person typed, with more text after an empty line."""
    return f"{typed.rstrip()}\n\n{more}" if typed.strip() else more
