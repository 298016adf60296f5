"""What is sent as evidence, who sends it, and what is refused of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from shared.events.vocabulary import AddedBy, Scan
from shared.ids import ReportId
from shared.text import size_in_words

PART = 1024 * 1024
"""Bytes of an upload that are encrypted, stored and committed at a time; a request holds a few of them at most."""
MOST_PARTS = 2_000
"""Of one upload: a client that sends a byte at a time is refused before its row is too long."""
WAITS = timedelta(hours=1)
"""How long an upload for a report waits to be complete, and the original of a cleaned copy at most."""
WAITS_IN_FORM = timedelta(hours=24)
"""How long a file waits that was chosen in a form, as the form's answers do; a saved form keeps it longer."""
ORPHANED_AFTER = timedelta(hours=1)
"""Without a row after so long, an object belongs to nothing: attaching one takes minutes at most."""
SCANNED_AGAIN_AFTER = timedelta(minutes=10)
"""Since the scanner did not answer, or could not read a piece."""
LONGEST_NOTE = 2_000
"""Characters."""
MOST_OF_REPORT = 200
"""Pieces that its reporter may send with one report and all messages, and its teams may add."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken at most (settings)."""

    most_bytes: int = 100_000_000
    """Of one file."""
    most_files: int = 20
    """With one message, or with the report itself."""
    most_waiting: int = 20_000_000_000
    """Bytes of all uploads that wait."""

    @property
    def share(self) -> int:
        """Bytes that may wait for one form or one report, and that one sender may send in an hour.

        So no one takes all the room.
        """
        return max(self.most_bytes, self.most_waiting // 10)

    @property
    def most_in_forms(self) -> int:
        """Bytes that may wait with tickets, which cost nothing: so they leave room for who has a report or a grant."""
        return max(self.most_bytes, self.most_waiting // 2)


@dataclass(frozen=True, slots=True)
class Said:
    """What a sender says about a file. While the file waits, only the upload's token can read it."""

    name: str | None = field(default=None, repr=False)
    """The file's name, as sent."""
    note: str | None = field(default=None, repr=False)
    link: int | None = None
    """Which link of the report it shows, counted from 0."""


@dataclass(frozen=True, slots=True)
class Adder:
    """Who adds evidence to which report."""

    report_id: ReportId
    added_by: AddedBy = AddedBy.REPORTER
    responder: str | None = field(default=None, repr=False)
    """Staff id, if the team adds it."""
    case_id: UUID | None = None
    grant_id: UUID | None = None
    """The grant that is used up by it."""
    sent_since: datetime | None = None
    """If the same bytes came from the same side since then, they are the piece that is there already."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes of a piece of evidence, as they were stored."""

    object_name: str
    media_type: str
    size: int
    sha256: str
    sha256_sent: str
    name: str | None = field(repr=False)
    cleaned: bool
    scan: Scan


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """A piece of evidence, as its reporter may see it."""

    evidence_id: UUID
    report_id: UUID
    added_at: datetime
    added_by: AddedBy
    sha256: str
    sha256_sent: str
    size: int
    media_type: str
    scan: Scan
    cleaned: bool
    name: str | None = field(default=None, repr=False)
    note: str | None = field(default=None, repr=False)
    link: int | None = None
    message_id: UUID | None = None
    opened_at: datetime | None = None
    """When a team first looked at it; before, its reporter may take it back."""


class FileRefused(Exception):
    """A file is not taken. The message is our own: what to do about it."""

    words = "The file cannot be sent"

    def __init__(self, words: str | None = None) -> None:
        super().__init__()
        self.words = words or type(self).words


class FileEmpty(FileRefused):
    """It has no bytes."""


class FileTooLarge(FileRefused):
    """It has more bytes than one file may have."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"The file must be smaller than {size_in_words(most_bytes)}. Send a shorter part of it, or a picture"
        )


class FileTypeNotTaken(FileRefused):
    """It is of a type that is not taken, or cannot be read or cleaned."""


class TooManyFiles(FileRefused):
    """There are as many files as one message may have."""

    def __init__(self, most: int) -> None:
        files = "one file" if most == 1 else f"up to {most} files"
        super().__init__(f"You can send {files} at once. Send the others after it")


class ReportFull(FileRefused):
    """The report has as many pieces as one may have."""

    words = f"This report has {MOST_OF_REPORT} files already. Describe in words what else there is"


class ReportClosed(FileRefused):
    """What its team did with the report leaves nothing of it, so nothing is added."""

    words = "The team has finished with this report and takes no more files for it. If it goes on, report it again"


class NoteRefused(FileRefused):
    """What is said about it cannot be taken."""


class FileMissing(FileRefused):
    """A form came without one."""

    words = "Choose a file"


class FileCutShort(FileRefused):
    """The body ended before the file did."""

    words = "The file did not arrive whole. Check your connection, then send it again"


class TooMuchWaiting(FileRefused):
    """All uploads that wait, or those of one form or report, have as many bytes as there is room for."""

    words = "Too many files are being sent at the moment. Wait some minutes, then send the file again"


class TooMuchSent(FileRefused):
    """Their person or network address has sent as many bytes as one may in an hour."""

    words = (
        "As many files as one may send in an hour have come from you or from your network. Send the file again later"
    )


class FileNotTakenNow(FileRefused):
    """The store takes nothing now; what was typed beside the file is read all the same."""

    words = "Files cannot be taken at the moment. Go on without it, and send it later"


class UploadNotFound(Exception):
    """There is no such upload, or no longer."""


class UploadIncomplete(Exception):
    """Bytes of the upload are missing."""


class OffsetConflict(Exception):
    """The bytes do not continue where the upload is."""


class EvidenceNotFound(Exception):
    """There is no such piece of evidence, or it is not theirs."""


class EvidenceOpened(Exception):
    """A team has looked at it, so its reporter cannot take it back."""


class EvidenceDamaged(Exception):
    """What is stored is not what was kept. The message is its id."""


class EvidenceWithheld(Exception):
    """No copy can be made that does not say who made it, and the grant gives no other."""


class EvidenceInfected(Exception):
    """The virus scanner found something in it."""
