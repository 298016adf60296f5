"""How pages show evidence: the words for each piece, and what a person typed and asked to see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.triage.evidence.domain import has_copies
from services.triage.evidence.queries import CustodyEntry
from services.triage.reports.domain import Evidence
from shared.events.vocabulary import Scan
from shared.text import size_in_words
from shared.web.forms import FormErrors

SCANS: Mapping[str, str] = {
    Scan.CLEAN: "nothing found",
    Scan.NOT_SCANNED: "not scanned yet",
    Scan.INFECTED: "a virus was found",
}
_KINDS: Mapping[str, str] = {"image": "Picture", "audio": "Sound recording", "video": "Video", "text": "Text"}
_TYPES: Mapping[str, tuple[str, str]] = {
    "application/pdf": ("PDF", "PDF"),
    "message/rfc822": ("Email", "EML"),
    "application/vnd.ms-outlook": ("Email", "Outlook"),
    "text/plain": ("Text", "Plain text"),
    "image/jpeg": ("Picture", "JPEG"),
    "audio/mpeg": ("Sound recording", "MP3"),
    "video/quicktime": ("Video", "QuickTime"),
    "video/x-matroska": ("Video", "Matroska"),
    "video/x-msvideo": ("Video", "AVI"),
}
"""Kind and format where the code does not say them to a reader."""
_READ = frozenset({"Email", "Text"})
"""What a preview shows as text."""
_DONE: Mapping[str, str] = {
    "added": "Added",
    "removed": "Taken back",
    "exported": "Copied with the other evidence",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence in a list."""

    number: int
    item: Evidence
    custody: Sequence[CustodyEntry]

    @property
    def kind(self) -> str:
        """`Picture`, `PDF` and so on."""
        return _type(self.item.media_type)[0]

    @property
    def facts(self) -> str:
        """Format and size: `PNG, 123 kB`."""
        return f"{_type(self.item.media_type)[1]}, {size_in_words(self.item.size)}"

    @property
    def is_read(self) -> bool:
        """Whether a preview of it is text, and no picture."""
        return self.kind in _READ

    @property
    def has_copies(self) -> bool:
        """Whether copies of it can be made that do not say who made it."""
        return has_copies(self.item)

    @property
    def openable(self) -> bool:
        """Whether it may be opened."""
        return self.item.removed_at is None and self.item.scan != Scan.INFECTED


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview on the page: which piece, where intake shows it, and how."""

    evidence_id: UUID
    address: str
    sharp: bool
    colour: bool

    @property
    def words(self) -> str:
        """How it is shown."""
        return f"{'sharp' if self.sharp else 'blurred'}, {'in colour' if self.colour else 'grey'}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed, and what they may see or do because of it."""

    purpose: str = ""
    preview: Preview | None = None
    upload: str = ""
    """Where intake takes one file."""
    field: str = ""
    """The field in which the purpose was typed."""
    errors: FormErrors | None = None


def pieces(items: Sequence[Evidence], kept: Mapping[UUID, Sequence[CustodyEntry]]) -> list[Piece]:
    """Return the pieces of a list, numbered from 1."""
    return [Piece(number, item, kept[item.evidence_id]) for number, item in enumerate(items, start=1)]


def done(entry: CustodyEntry) -> str:
    """Return what happened, in words: `Preview opened (sharp, colour)`."""
    if entry.action == "opened":
        whole = "Copy opened" if entry.form == "copy" else "Original opened"
        return f"Preview opened ({entry.shown})" if entry.shown else whole
    if entry.action == "scanned":
        return f"Scanned for viruses: {SCANS.get(entry.scan or '', 'not known')}"
    return _DONE.get(entry.action, entry.action)


def _type(media_type: str) -> tuple[str, str]:
    main, _, sub = media_type.partition("/")
    return _TYPES.get(media_type) or (_KINDS.get(main, "File"), sub.removeprefix("x-").upper())
