"""What was typed into a form so far, and what was sent: everything that is kept between requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.ids import ReceiptCode

Answers = Mapping[str, tuple[str, ...]]
"""Field name → what was typed or chosen, as typed."""

LIFETIME = timedelta(hours=24)
"""Since the last answer (our choice: a shift can end between two questions)."""
SENT_LIFETIME = timedelta(hours=1)
"""How long the confirmation page can be opened again."""
SAVED_LIFETIME = timedelta(days=7)
"""Since the answers were saved to come back later (decision 0054)."""
GONE = "It is no longer here, because it waited too long. Choose it again"
CUT = "It has not arrived whole. Choose it again"


class KnownBy(StrEnum):
    """How the manager is known."""

    ADDRESS = "address"
    SIGN_IN = "sign_in"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class DraftFile:
    """A file that waits for the form to be sent, or what was seen at a link, in words; later, what became of it."""

    evidence_id: UUID
    """Of the piece that it becomes, however often it is sent."""
    name: str = field(repr=False)
    size: int
    media_type: str
    token: str | None = field(default=None, repr=False)
    """Of its upload."""
    text: str | None = field(default=None, repr=False)
    """The words, if it is no file."""
    link: int | None = None
    """Which link of the report it shows, counted from 0."""
    refused: str | None = None
    """What to do about it, if it was refused in the sending."""


@dataclass(frozen=True, slots=True)
class SentReport:
    """What was sent: all that remains of a draft afterwards."""

    reference: str
    confidentiality: str
    manager_alert: str
    manager_known_by: KnownBy
    receipt_code: str | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()
    """Further data for the confirmation page."""
    seen_by_manager: bool = False
    """Whether the manager sees who reported, once they sign in."""
    report_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers so far or, once sent, only what was sent."""

    answers: Answers = field(default_factory=dict, repr=False)
    done: frozenset[str] = frozenset()
    """Steps that were answered without an error."""
    sent: SentReport | None = None
    form: str = ""
    """The form's name, so that a code leads back to its pages."""
    files: tuple[DraftFile, ...] = ()
    """What was added to it."""
    adding_until: datetime | None = None
    """Once sent: until when a process has the lease to add its files, which it renews."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a person who comes back later has to know."""

    until: datetime
    code: ReceiptCode | None = field(default=None, repr=False)
    """Opens the draft in any browser; None if it was shown before. It is written like a receipt code."""


def one(answers: Answers, name: str) -> str | None:
    """Return the first text of a field; None if it is empty."""
    return next(iter(answers.get(name, ())), None)


def in_todays_fields(answers: Answers) -> Answers:
    """Return the answers of a draft in the fields that are asked for today.

    The address to tell was one field for the manager and for someone else, and everyone was asked about a manager.
    """
    told = one(answers, "manager_alert")
    if told == "someone_else" and "someone_email" not in answers:
        answers = {**answers, "someone_email": answers.get("manager_email", ()), "manager_email": ()}
    if told and one(answers, "confidentiality") == "anonymous" and "tell_someone" not in answers:
        answers = {**answers, "tell_someone": () if told == "no" else ("yes",)}
    return answers
