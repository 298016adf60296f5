"""How the API and the pages answer when a file is refused."""

from collections.abc import Mapping, Sequence

from services.intake.evidence import domain
from services.intake.evidence.objects import StoreFull, StoreUnavailable
from services.intake.media import renderer
from shared.auth.grants import GrantExpired, InvalidGrant
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals, reading


def _fields(error: domain.FileRefused) -> Sequence[FieldProblem]:
    return [FieldProblem(name="file", message=error.words)]


def _detail(error: domain.FileRefused) -> Mapping[str, object]:
    return {"detail": f"{error.words}."}


def _no_preview(error: renderer.CannotRead) -> Mapping[str, object]:
    return {"detail": f"{error.words_for_team}."}


def _no_preview_words(error: renderer.CannotRead) -> str:
    return error.words_for_team


def _words(error: domain.FileRefused) -> str:
    return error.words


def _file(status: int, type: str, title: str, headers: Mapping[str, str] | None = None) -> Refusal:  # noqa: A002 - the member's name in RFC 9457
    return Refusal(
        status,
        type,
        title,
        fields=reading(domain.FileRefused, _fields),
        members=reading(domain.FileRefused, _detail),
        page=reading(domain.FileRefused, _words),
        headers=(lambda _: headers) if headers else None,
    )


_SOON = {"retry-after": "30"}
REFUSALS: Refusals = {
    domain.FileEmpty: _file(422, "evidence-empty", "The file is empty"),
    domain.FileMissing: _file(422, "evidence-missing", "There is no file"),
    domain.NoteRefused: _file(422, "invalid", "The note cannot be taken"),
    domain.FileTooLarge: _file(413, "evidence-too-large", "The file is too large"),
    domain.FileTypeNotTaken: _file(415, "evidence-type-not-taken", "This type of file is not taken"),
    domain.TooManyFiles: _file(409, "too-many-files", "There are too many files"),
    domain.ReportFull: _file(409, "too-many-files", "The report has as many files as it may have"),
    domain.ReportClosed: _file(409, "report-closed", "The report takes no more files"),
    domain.FileNotTakenNow: _file(503, "evidence-store-unavailable", "Files cannot be taken at the moment", _SOON),
    domain.FileCutShort: _file(400, "evidence-truncated", "The file did not arrive whole"),
    domain.TooMuchWaiting: _file(503, "uploads-full", "Too many files are being sent", _SOON),
    domain.TooMuchSent: _file(429, "too-many-bytes", "Too many files were sent in an hour", {"retry-after": "600"}),
    domain.UploadNotFound: Refusal(
        404, "upload-not-found", "There is no such upload", "It may have expired. Send the file again."
    ),
    domain.UploadIncomplete: Refusal(
        409, "upload-incomplete", "The file has not arrived whole", "Continue the upload, or send the file again."
    ),
    domain.OffsetConflict: Refusal(
        409, "offset-conflict", "The upload is at another byte", "Ask where it is, and continue from there."
    ),
    domain.EvidenceNotFound: Refusal(
        404, "evidence-not-found", "There is no such evidence", "Check the address. It may have been taken back."
    ),
    domain.EvidenceOpened: Refusal(
        409,
        "evidence-opened",
        "A team has looked at this already",
        "You cannot take it back now. Tell the team what is wrong with it.",
    ),
    domain.EvidenceDamaged: Refusal(
        500,
        "evidence-damaged",
        "This evidence is damaged",
        "What is stored is not what was kept, so it is not shown. Tell the people who run Signpost.",
    ),
    domain.EvidenceInfected: Refusal(
        409, "evidence-infected", "The virus scanner found something in this file", "It is kept, and cannot be opened."
    ),
    domain.EvidenceWithheld: Refusal(
        409,
        "evidence-withheld",
        "No copy can be made of this file that does not say who made it",
        "Open a preview of it.",
    ),
    renderer.CannotRead: Refusal(
        422,
        "no-preview",
        "There is no preview",
        members=reading(renderer.CannotRead, _no_preview),
        page=reading(renderer.CannotRead, _no_preview_words),
    ),
    InvalidGrant: Refusal(404, "grant-not-found", "There is nothing at this address", "Open the evidence again."),
    GrantExpired: Refusal(
        410, "grant-used", "This address has been used, or its time is over", "Open the evidence again."
    ),
    StoreFull: Refusal(
        507,
        "evidence-store-full",
        "There is no room for files at the moment",
        "Nothing of the file was kept. Send it again later; the report itself is not affected.",
        headers=lambda _: {"retry-after": "300"},
    ),
    StoreUnavailable: Refusal(
        503,
        "evidence-store-unavailable",
        "Files cannot be taken or shown at the moment",
        "Nothing of the file was kept. Try again in a minute; the report itself is not affected.",
        headers=lambda _: {"retry-after": "60"},
    ),
}
