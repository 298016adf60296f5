"""The files of a form: they wait as uploads whose tokens only the draft holds, and become evidence in the sending.

What is refused or fails never stops a report: the page that confirms it says which file, why, and what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from fastapi import Request

from services.intake.evidence.dependencies import EvidenceParts, evidence_parts
from services.intake.evidence.domain import (
    FileNotTakenNow,
    FileRefused,
    TooManyFiles,
    UploadNotFound,
)
from services.intake.evidence.handlers import Upload
from services.intake.evidence.objects import StoreUnavailable
from services.intake.evidence.uploads import (
    RefusedFile,
    discard_all,
    examine,
    receive_form,
    waiting,
)
from services.intake.forms.domain import CUT, GONE, Answers, Draft, DraftFile, one
from services.intake.forms.questions import MOST_CAPTURES, anonymous, capture_field
from services.intake.forms.reader import links_of
from services.intake.forms.session import FormSession
from services.intake.media import media
from services.intake.media.renderer import can_be_cleaned
from shared.encryption import Secret
from shared.ids import Ids
from shared.text import size_in_words
from shared.web.forms import FormErrors, FormReader, read_form

FILE, UPLOAD, REMOVE, ADD = "file", "upload", "remove", "add"
_USED = "It was sent before. Choose it again"
_REMOVED = "The file that you removed was not here any more. These are the files that you have added"
_LATE = "It arrived after the rest was sent. The link below leads to where you can add it"


@dataclass(frozen=True, slots=True)
class FilesPage:
    """What a page says about the files that it takes."""

    hint: str
    accept: str
    ticket: str
    """With it a script begins uploads that wait for this form."""

    def size_of(self, file: DraftFile) -> str:
        """Return a file's size in words."""
        return size_in_words(file.size)


class Changed(NamedTuple):
    """The files of a draft from now on, and those that it no longer needs."""

    files: tuple[DraftFile, ...]
    dropped: tuple[DraftFile, ...]


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that was posted, with the files that came with it."""

    reader: FormReader
    added: tuple[DraftFile, ...]

    def changed(self, draft: Draft) -> Changed:
        """Return the files of `draft` as it is now: another tab may have changed them, or sent it, meanwhile."""
        if draft.sent:
            here = {file.evidence_id for file in draft.files}
            late = tuple(file for file in self.added if file.evidence_id not in here)
            return Changed((*draft.files, *(replace(file, token=None, refused=_LATE) for file in late)), late)
        removed = tuple(file for file in draft.files if str(file.evidence_id) == self.reader.first(REMOVE))
        if REMOVE in self.reader.typed and not removed:
            self.reader.errors.add(FILE, _REMOVED)
        both = {file.evidence_id: file for file in (*draft.files, *self.added) if file not in removed}
        return Changed(tuple(both.values()), removed)


def files_page(request: Request, session: FormSession) -> FilesPage:
    """Return what the page of files says."""
    parts = evidence_parts(request)
    copies = (
        " If you report without saying who you are, we keep a copy without its name, place, device and author."
        if session.form.open_to_all
        else ""
    )
    return FilesPage(f"{parts.files_in_words}{copies}", media.ACCEPT, parts.tickets.issue(session.now))


def links(answers: Answers) -> Sequence[str]:
    """Return the links of which a form asks what could be seen."""
    return links_of(FormReader(answers))[:MOST_CAPTURES]


def lines_about(answers: Answers, files: Sequence[DraftFile]) -> tuple[str, ...]:
    """Return what was added, a line each."""
    named = [f"{file.name} ({size_in_words(file.size)}){_of_link(file)}" for file in files]
    seen = [(number, one(answers, capture_field(number))) for number in range(len(links(answers)))]
    return (*named, *(f"Seen at link {number + 1}: {text}" for number, text in seen if text))


def _of_link(file: DraftFile) -> str:
    return "" if file.link is None else f", of link {file.link + 1}"


def not_cleaned(answers: Answers, files: Sequence[DraftFile]) -> tuple[str, ...]:
    """Return the names of files that are not sent, because their sender stays anonymous and they are emails."""
    if not anonymous(answers):
        return ()
    return tuple(file.name for file in files if not can_be_cleaned(media.BY_NAME[file.media_type]))


async def posted_files(request: Request, session: FormSession) -> Posted:
    """Read a posted page of files, however long they take to arrive: no transaction is open meanwhile.

    A file that is refused is an error of its field; the others wait with the draft.

    Raises:
        as `services.intake.evidence.uploads.receive_form`.
    """
    parts, errors, before = evidence_parts(request), FormErrors(), session.draft.files
    most = parts.evidence_limits.most_files
    if "multipart" in request.headers.get("content-type", ""):
        received = await receive_form(
            parts, request, ticket=_ticket(session), most_files=max(0, most - len(before)), link_of=_link_of
        )
        for name, messages in _by_field(received.refused, most).items():
            errors.add(name, ". ".join(messages))
        reader = FormReader(received.fields, errors)
        added = [await _waiting_file(parts, upload) for upload in received.uploads]
    else:
        reader, added = FormReader(await read_form(request, errors), errors), []
    for token in reader.typed.get(UPLOAD, ()):
        if token not in {file.token for file in (*before, *added)}:
            added += await _sent_ahead(parts, token, errors, most - len(before) - len(added))
    return Posted(reader, tuple(added))


def _by_field(refused: Sequence[RefusedFile], most: int) -> Mapping[str, Sequence[str]]:
    """Return what to do about each file, by the field that it was chosen in."""
    messages: dict[str, list[str]] = {}
    for file in refused:
        error = TooManyFiles(most) if isinstance(file.refused, TooManyFiles) else file.refused
        messages.setdefault(file.input_name, []).append(f"{file.name}: {error.words}")
    return messages


async def _sent_ahead(parts: EvidenceParts, token: str, errors: FormErrors, left: int) -> Sequence[DraftFile]:
    """Return the file that a script sent as it was chosen; none if it is refused."""
    called = "A file"
    try:
        upload = await waiting(parts, token)
        called = upload.said.name or called
        return [await _ready(parts, upload, left)]
    except FileRefused as refused:
        errors.add(FILE, f"{called}: {refused.words}")
    except UploadNotFound:
        errors.add(FILE, f"{called}: {GONE}")
    except StoreUnavailable:
        errors.add(FILE, f"{called}: {FileNotTakenNow.words}")
    return []


async def _ready(parts: EvidenceParts, upload: Upload, left: int) -> DraftFile:
    if upload.attached_at:
        raise FileRefused(_USED)
    if not upload.is_complete:
        raise FileRefused(CUT)
    try:
        if left <= 0:
            raise TooManyFiles(parts.evidence_limits.most_files)
        return await _waiting_file(parts, upload)
    except FileRefused:
        await discard_all(parts, [upload])
        raise


async def _waiting_file(parts: EvidenceParts, upload: Upload) -> DraftFile:
    """Return an upload as a file of a draft; the store is asked only if no one looked at it when it arrived."""
    kind = media.BY_NAME[upload.kind] if upload.kind else await examine(parts, upload)
    name = media.safe_name(upload.said.name or "", kind)
    return DraftFile(upload.evidence_id, name, upload.received, str(kind), token=upload.token, link=upload.said.link)


async def forget_files(parts: EvidenceParts, files: Sequence[DraftFile]) -> None:
    """Forget files that wait. What cannot be forgotten now expires."""
    for file in files:
        try:
            upload = await waiting(parts, file.token or "")
        except UploadNotFound:
            continue
        await discard_all(parts, [upload])


def captures(answers: Answers, ids: Ids) -> Sequence[DraftFile]:
    """Return what was seen at the links, in words."""
    found = []
    for number, link in enumerate(links(answers)):
        if seen := one(answers, capture_field(number)):
            text = f"What the reporter saw at {link}:\n\n{seen}\n"
            name, size = f"What was seen at link {number + 1}.txt", len(text.encode())
            found.append(DraftFile(ids.uuid(), name, size, str(media.TEXT), text=text, link=number))
    return found


def _link_of(field: str) -> int | None:
    """Return which link a field of files is for."""
    _, _, number = field.partition("_")
    return int(number) if number.isascii() and number.isdigit() and int(number) < MOST_CAPTURES else None


def _ticket(session: FormSession) -> bytes:
    """Return what counts the files of this draft: it says neither whose it is nor which."""
    return Secret.derived((session.cookie or "").encode(), purpose="files of a draft").name
