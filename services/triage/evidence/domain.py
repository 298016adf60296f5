"""What may be done with a piece of evidence, and how long a grant for it lasts."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.triage.cases.domain import Case, StateForbids
from services.triage.reports.domain import Evidence
from shared.events.vocabulary import CaseState, Scan

LONGEST_PURPOSE = 200
"""Characters."""
MOST_IN_AN_EXPORT = 250
"""Pieces: a grant that names more would be too long for an address."""
TIME_TO_ADD = timedelta(minutes=10)
"""How long a grant to add a file lasts: the person still has to choose it. Our choice."""
NOT_SCANNED = (
    "This file has not been scanned for viruses. Open the original only on a device that is kept for such files."
)


class EvidenceNotFound(Exception):
    """There is no such piece of evidence on the case, or this person may not know that there is."""


class EvidenceWithdrawn(Exception):
    """The reporter took it back."""


class EvidenceInfected(Exception):
    """The virus scanner found something in it."""


class EvidenceWithheld(Exception):
    """It says who sent it, so this person sees a preview of it alone."""


class NothingToExport(Exception):
    """No piece of evidence of the case can be exported."""


class TooMuchToExport(Exception):
    """There are more pieces than one export takes."""


class Form(StrEnum):
    """In which form a piece of evidence is opened."""

    ORIGINAL = "original"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class Opening:
    """How and why someone opens a piece of evidence."""

    purpose: str
    form: Form = Form.ORIGINAL
    sharp: bool = False
    """A preview is not blurred."""
    colour: bool = False
    """A preview is not grey."""

    @property
    def codes(self) -> dict[str, str]:
        """Return the opening as the activity record says it, without the purpose."""
        seen = [name for name, chosen in (("sharp", self.sharp), ("colour", self.colour)) if chosen]
        shown = {"shown": ", ".join(seen) or "blurred, grey"} if self.form is Form.PREVIEW else {}
        return {"form": str(self.form), **shown}


def has_copies(item: Evidence) -> bool:
    """Return whether copies of a piece can be made that do not say who made it, where and with what."""
    return item.media_type not in _EMAILS


_EMAILS = frozenset({"message/rfc822", "application/vnd.ms-outlook"})
"""They say who sent and received them: that is what they are for."""


def require_openable(item: Evidence) -> None:
    """Check that a piece of evidence may be opened.

    Raises:
        EvidenceWithdrawn: its reporter took it back.
        EvidenceInfected: the virus scanner found something in it.
    """
    if item.removed_at is not None:
        raise EvidenceWithdrawn
    if item.scan == Scan.INFECTED:
        raise EvidenceInfected


def warning(item: Evidence) -> str | None:
    """Return what a person must know before they open it; None if the virus scanner found nothing."""
    return None if item.scan == Scan.CLEAN else NOT_SCANNED


def require_open_to_additions(case: Case) -> None:
    """Check that a file may be added to a case.

    Raises:
        StateForbids: it is closed.
    """
    if case.state is CaseState.CLOSED:
        raise StateForbids(case.state)
