"""The files of a form: they wait as uploads whose tokens only the draft holds, and become evidence in the sending.

What is refused or fails never stops a report: the page that confirms it says which file, why, and what to do.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from fastapi import Request

from services.intake.evidence.attachments import attach_upload
from services.intake.evidence.dependencies import EvidenceParts, evidence_parts
from services.intake.evidence.domain import (
    WAITS,
    Adder,
    FileRefused,
    Said,
    TooManyFiles,
    UploadIncomplete,
    UploadNotFound,
    in_words,
)
from services.intake.evidence.handlers import NewUpload, Upload
from services.intake.evidence.objects import StoreFull, StoreUnavailable
from services.intake.evidence.uploads import (
    RefusedFile,
    append,
    begin,
    discard_all,
    examine,
    receive_form,
    waiting,
)
from services.intake.forms.domain import Answers, DraftFile, one
from services.intake.forms.handlers import keep_draft, lock_draft
from services.intake.forms.questions import MOST_CAPTURES, anonymous, capture_field
from services.intake.forms.reader import links_of
from services.intake.forms.session import FormSession
from services.intake.media import media
from services.intake.media.renderer import can_be_cleaned
from shared.encryption import Secret
from shared.ids import ReportId
from shared.web.forms import FormErrors, FormReader, read_form

_log = structlog.get_logger()
FILE, UPLOAD, REMOVE, ADD = "file", "upload", "remove", "add"
_GONE = "It is no longer here, because it waited too long. Choose it again"
_CUT = "It has not arrived whole. Choose it again"


@dataclass(frozen=True, slots=True)
class FilesPage:
    """What a page says about the files that it takes."""

    hint: str
    accept: str
    ticket: str
    """With it a script begins uploads that wait for this form."""

    def size_of(self, file: DraftFile) -> str:
        """Return a file's size in words."""
        return in_words(file.size)


@dataclass(frozen=True, slots=True)
class Posted:
    """A form that was posted, with the files that wait from now on."""

    reader: FormReader
    files: tuple[DraftFile, ...]
    errors: FormErrors


def files_page(request: Request, session: FormSession) -> FilesPage:
    """Return what the page of files says."""
    limits = evidence_parts(request).evidence_limits
    copies = (
        " If you report without saying who you are, we keep a copy without its name, place, device and author."
        if session.form.open_to_all
        else ""
    )
    hint = f"Up to {limits.most_files} files of up to {in_words(limits.most_bytes)} each: {media.IN_WORDS}.{copies}"
    return FilesPage(hint, media.ACCEPT, evidence_parts(request).tickets.issue(session.now))


def links(answers: Answers) -> Sequence[str]:
    """Return the links of which a form asks what could be seen."""
    return links_of(FormReader(answers))[:MOST_CAPTURES]


def lines_about(answers: Answers, files: Sequence[DraftFile]) -> tuple[str, ...]:
    """Return what was added, a line each."""
    named = [f"{file.name} ({in_words(file.size)}){_of_link(file)}" for file in files]
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
        files = [*before, *[await _waiting_file(parts, upload) for upload in received.uploads]]
    else:
        reader, files = FormReader(await read_form(request, errors), errors), [*before]
    for token in reader.typed.get(UPLOAD, ()):
        if token not in {file.token for file in files}:
            files += await _sent_ahead(parts, token, errors, most - len(files))
    removed = [file for number, file in enumerate(before) if reader.first(REMOVE) == str(number)]
    await forget_files(parts, removed)
    return Posted(reader, tuple(file for file in files if file not in removed), errors)


def _by_field(refused: Sequence[RefusedFile], most: int) -> Mapping[str, Sequence[str]]:
    """Return what to do about each file, by the field that it was chosen in."""
    messages: dict[str, list[str]] = {}
    for file in refused:
        error = TooManyFiles(most) if isinstance(file.refused, TooManyFiles) else file.refused
        messages.setdefault(file.input_name, []).append(f"{file.name}: {error.words}")
    return messages


async def _sent_ahead(parts: EvidenceParts, token: str, errors: FormErrors, left: int) -> Sequence[DraftFile]:
    """Return the file that a script sent as it was chosen; none if it is refused."""
    try:
        upload = await waiting(parts, token)
    except UploadNotFound:
        errors.add(FILE, f"A file: {_GONE}")
        return []
    called = upload.said.name or "A file"
    try:
        if left <= 0:
            raise TooManyFiles(parts.evidence_limits.most_files)
        if not upload.is_complete:
            errors.add(FILE, f"{called}: {_CUT}")
            return []
        return [await _waiting_file(parts, upload)]
    except FileRefused as refused:
        errors.add(FILE, f"{called}: {refused.words}")
        await discard_all(parts, [upload])
        return []


async def _waiting_file(parts: EvidenceParts, upload: Upload) -> DraftFile:
    kind = await examine(parts, upload)
    name = media.safe_name(upload.said.name or "", kind)
    return DraftFile(name, upload.received, str(kind), upload.token, link=upload.said.link)


async def forget_files(parts: EvidenceParts, files: Sequence[DraftFile]) -> None:
    """Forget files that wait. What cannot be forgotten now expires."""
    for file in files:
        try:
            upload = await waiting(parts, file.token or "")
        except UploadNotFound:
            continue
        await discard_all(parts, [upload])


def captures(answers: Answers) -> Sequence[DraftFile]:
    """Return what was seen at the links, in words."""
    found = []
    for number, link in enumerate(links(answers)):
        if seen := one(answers, capture_field(number)):
            text = f"What the reporter saw at {link}:\n\n{seen}\n"
            name, size = f"What was seen at link {number + 1}.txt", len(text.encode())
            found.append(DraftFile(name, size, str(media.TEXT), text=text, link=number))
    return found


async def attach_files(parts: EvidenceParts, session: FormSession) -> None:
    """Make evidence of what waits with a report that is sent, and keep what became of each.

    Each has transactions of its own, after the one that took the report. What fails for now can be attached again:
    what was attached before stays one piece of evidence.
    """
    sent, cookie = session.draft.sent, session.cookie
    if not sent or not sent.report_id or not cookie or all(map(_is_settled, session.draft.files)):
        return
    adder = Adder(ReportId(sent.report_id))
    became = [file if _is_settled(file) else await _attached(parts, file, adder) for file in session.draft.files]
    async with parts.database.transaction() as transaction:
        if draft := await lock_draft(transaction, cookie, session.now):
            await keep_draft(transaction, cookie, replace(draft, files=tuple(became)), session.now)


def _is_settled(file: DraftFile) -> bool:
    return file.attached or file.refused is not None


async def _attached(parts: EvidenceParts, file: DraftFile, adder: Adder) -> DraftFile:
    """Return the file with what became of it; as it is, if it can be attached later."""
    try:
        upload = await waiting(parts, file.token) if file.token else await _written(parts, file, adder)
        await attach_upload(parts, replace(upload, said=replace(upload.said, link=file.link)), adder)
    except FileRefused as refused:
        return replace(file, refused=refused.words)
    except UploadNotFound:
        return replace(file, attached=True) if await _is_evidence(parts, file) else replace(file, refused=_GONE)
    except UploadIncomplete:
        return replace(file, refused=_CUT)
    except (StoreUnavailable, StoreFull) as error:
        _log.warning("file_not_attached_for_now", exc_info=error)
        return file
    except Exception as error:  # noqa: BLE001 - the report is sent, and its reporter must see that page and their code
        _log.error("file_not_attached", exc_info=error)
        return file
    return replace(file, attached=True)


async def _is_evidence(parts: EvidenceParts, file: DraftFile) -> bool:
    """Return whether a file became evidence meanwhile: a second click attaches it beside the first."""
    try:
        return (await waiting(parts, file.token or "")).attached_at is not None
    except UploadNotFound:
        return False


async def _written(parts: EvidenceParts, file: DraftFile, adder: Adder) -> Upload:
    """Return words as an upload."""
    content = (file.text or "").encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    said = Said(name=file.name, link=file.link)
    new = NewUpload(evidence_id=parts.ids.uuid(), said=said, length=len(content), waits=WAITS, adder=adder)
    return await append(parts, await begin(parts, new), chunks())


def _link_of(field: str) -> int | None:
    """Return which link a field of files is for."""
    _, _, number = field.partition("_")
    return int(number) if number.isascii() and number.isdigit() and int(number) < MOST_CAPTURES else None


def _ticket(session: FormSession) -> bytes:
    """Return what counts the files of this draft: it says neither whose it is nor which."""
    return Secret.derived((session.cookie or "").encode(), purpose="files of a draft").name
