"""/report/track/SP-…: where a report is, and everything that its reporter and the team say to one another."""

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.intake.conversation.domain import conversation
from services.intake.conversation.forms import Written, files_taken, read_written, send_written
from services.intake.conversation.handlers import ask_again
from services.intake.evidence.api import delete_evidence
from services.intake.evidence.dependencies import EvidencePartsDep, evidence_parts
from services.intake.evidence.domain import EvidenceItem
from services.intake.evidence.queries import sent_kinds
from services.intake.forms.sent_files import AttachmentParts
from services.intake.media import media
from services.intake.reports.access import PATH, AccessDep, ByVisitor, ReferencePath, ReportNotFound, followed
from services.intake.reports.handlers import agree_that_manager_is_told
from services.intake.reports.queries import ReportKey
from services.intake.tracking.pages import ask_which_report
from services.intake.tracking.queries import status_of
from shared.auth.guard import Anyone
from shared.runtime import parts_of
from shared.text import size_in_words
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.pages import render

router = APIRouter(prefix=f"{PATH}/{{reference}}", include_in_schema=False)
_NOTHING_WRITTEN = Written()


@router.get("")
async def show(
    request: Request,
    reference: ReferencePath,
    principal: Anyone,
    session: Transaction,
    access: AccessDep,
    now: Now,
) -> Response:
    """Show a report to its reporter, or to a browser where its code was given; ask all others for the code."""
    try:
        report = await followed(request, reference, principal, session, access, now)
    except ReportNotFound:
        return ask_which_report(request, 404, typed=reference)
    return await _page(request, report, session, now)


@router.get("/add")
async def show_again(request: Request, report: ByVisitor, session: Transaction, now: Now) -> Response:
    """Show the report: a message that was not sent stands at this address, which someone may open again."""
    return await _page(request, report, session, now)


@router.post("/add")
async def add(request: Request, reference: ReferencePath, visitor: Anyone, access: AccessDep, now: Now) -> Response:
    """Send a message, files or both; show it again if a file is taken out, still being added, or something is wrong.

    The message stands if a file fails.
    """
    parts = parts_of(request, AttachmentParts)
    async with parts.database.transaction() as session:
        report = await followed(request, reference, visitor, session, access, now)
    written = await send_written(parts, report, await read_written(request, parts, report))
    if written.is_done:
        return RedirectResponse(f"{PATH}/{report.reference}#newest", 303)
    async with parts.database.transaction() as session:
        return await _page(request, report, session, parts.clock.now(), written)


@router.post("/evidence/{evidence_id}/remove")
async def take_back(evidence_id: UUID, report: ByVisitor, parts: EvidencePartsDep) -> Response:
    """Take a file back, until a team has opened it."""
    await delete_evidence(evidence_id, report, parts)
    return RedirectResponse(f"{PATH}/{report.reference}#files", 303)


@router.post("/agree")
async def agree(report: ByVisitor, session: Transaction, now: Now, outbox: OutboxDep) -> Response:
    """Let the manager be told."""
    await agree_that_manager_is_told(session, report.report_id, now, outbox)
    return _back(report)


@router.post("/ask-again")
async def ask(report: ByVisitor, session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep) -> Response:
    """Ask the team how far it is."""
    await ask_again(session, report, now, ids, outbox)
    return _back(report)


def _back(report: ReportKey) -> Response:
    return RedirectResponse(f"{PATH}/{report.reference}", 303)


async def _page(
    request: Request, report: ReportKey, session: Transaction, now: Now, written: Written = _NOTHING_WRITTEN
) -> Response:
    status = await status_of(session, report, now)
    return render(
        request,
        "conversation/page.html",
        422 if written.errors else 200,
        status=status,
        entries=conversation(status),
        names=_names(status.evidence, await sent_kinds(session, report.report_id) if status.evidence else {}),
        taken=files_taken(evidence_parts(request), report),
        written=written,
        errors=written.errors,
    )


_KINDS_OF_FILES = {
    media.Kind.PICTURE: "Picture",
    media.Kind.PDF: "PDF",
    media.Kind.EMAIL: "Email",
    media.Kind.TEXT: "Text",
    media.Kind.AUDIO: "Recording",
    media.Kind.VIDEO: "Video",
}


def _names(items: Iterable[EvidenceItem], sent: Mapping[UUID, str]) -> Mapping[UUID, str]:
    """Return what their reporter calls files: by their names or, where none is kept, by what they are, with a number.

    Without that, files of someone without a name would look alike, and the wrong one might be removed. A number stays
    when another file is removed.

    Args:
        items: what is there.
        sent: the media type of all that was ever sent, in order.
    """
    of_kind: Counter[str] = Counter()
    numbered: dict[UUID, str] = {}
    for evidence_id, media_type in sent.items():
        what = _KINDS_OF_FILES[media.BY_NAME[media_type].kind]
        of_kind[what] += 1
        numbered[evidence_id] = f"{what} {of_kind[what]}"
    return {item.evidence_id: _name(item, numbered[item.evidence_id]) for item in items}


def _name(item: EvidenceItem, numbered: str) -> str:
    kind, size = media.BY_NAME[item.media_type], size_in_words(item.size)
    form = "" if kind is media.PDF else f", {kind.suffix[1:].upper()}"
    return f"{item.name} ({size})" if item.name else f"{numbered}{form}, {size}"
