"""Use cases of evidence, as far as the database goes: uploads that wait, what is kept, taken back, opened and scanned.

Bytes are never moved here: `uploads.py` and `downloads.py` do that between two short transactions.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import and_, delete, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence import domain
from services.intake.evidence.domain import WAITS, Adder, EvidenceItem, Kept, Limits, Said, UploadNotFound
from services.intake.evidence.queries import item_of, waiting_bytes
from services.intake.evidence.tables import EvidenceRow, UploadRow, UsedGrantRow
from services.intake.media import media
from services.intake.reports.kinds import BY_TYPE
from services.intake.reports.queries import ReportKey, lock_key
from shared.auth.grants import GrantExpired
from shared.encryption import Secret
from shared.events.envelope import Envelope, NewEvent
from shared.events.intake import EvidenceAdded, EvidenceRemoved, EvidenceScanned
from shared.events.triage import CaseResolved
from shared.events.vocabulary import AddedBy, Outcome, Scan
from shared.ids import ReportId
from shared.messaging.outbox import Outbox

_REMEMBERED = timedelta(days=1)
"""How long a used grant is known: far longer than any grant lives, and than an upload that it began."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """What an upload's row holds encrypted."""

    said: Said
    adder: Adder | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is being sent, in the hands of who has its token."""

    token: str = field(repr=False)
    evidence_id: UUID
    said: Said
    adder: Adder | None
    """None: it waits for a form to be sent."""
    length: int | None
    received: int
    parts: tuple[tuple[str, int], ...]
    """Name and size of each."""
    expires_at: datetime
    attached_at: datetime | None = None
    kind: str | None = None
    """What it is by its content, if that was looked at when it had arrived."""

    @property
    def secret(self) -> Secret:
        return secret_of(self.token)

    @property
    def is_complete(self) -> bool:
        return self.received == self.length

    @property
    def is_shared(self) -> bool:
        return _is_shared(self.adder)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What begins an upload."""

    evidence_id: UUID
    said: Said
    length: int | None
    waits: timedelta
    adder: Adder | None = None
    ticket: bytes | None = None
    """Hash of the form's ticket; it or `adder` is there."""

    @property
    def is_shared(self) -> bool:
        return _is_shared(self.adder)


@dataclass(frozen=True, slots=True)
class UploadDue:
    """An upload whose objects are to be deleted."""

    token_hash: bytes
    parts: tuple[str, ...]


_SEALED = TypeAdapter(_Sealed)


def _is_shared(adder: Adder | None) -> bool:
    """Return whether an upload counts in the share of its form or report; what a team adds needs a grant each time."""
    return adder is None or adder.added_by is AddedBy.REPORTER


def secret_of(token: str) -> Secret:
    """Return what the token of an upload finds its row and its bytes by."""
    return Secret.derived(token.encode(), purpose="upload")


async def begin_upload(session: AsyncSession, new: NewUpload, limits: Limits, now: datetime) -> Upload:
    """Begin an upload; the token that it gets is stored nowhere.

    An earlier one of the same piece, whose token a killed process took with it, gives way; its parts are swept.

    Raises:
        FileTooLarge: its length is more than a file may have.
        TooManyFiles: as many wait for this form as it may have.
        TooMuchWaiting: there is no room for it, or this form or report has had its share.
        GrantExpired: the grant that allows it was used.
    """
    if new.length is not None and new.length > limits.most_bytes:
        raise domain.FileTooLarge(limits.most_bytes)
    await _refuse_beyond_room(session, new, limits)
    if new.is_shared:
        await _refuse_beyond_share(session, new, limits, now)
    if new.adder and new.adder.grant_id:
        await use_grant(session, new.adder.grant_id, now)
    lost = (UploadRow.evidence_id == new.evidence_id, UploadRow.attached_at.is_(None))
    await session.execute(delete(UploadRow).where(*lost))
    token = secrets.token_urlsafe(32)
    upload = Upload(token, new.evidence_id, new.said, new.adder, new.length, 0, (), now + new.waits)
    row = {
        "token_hash": upload.secret.name,
        "evidence_id": new.evidence_id,
        "report_id": new.adder.report_id if new.adder else None,
        "ticket": new.ticket,
        "created_at": now,
        "expires_at": upload.expires_at,
        "length": new.length,
        "received": 0,
        "parts": [],
        "part_sizes": [],
        "sealed": _seal(upload),
    }
    await session.execute(insert(UploadRow), row)
    return upload


async def find_upload(session: AsyncSession, token: str, now: datetime) -> Upload:
    """Return the upload of `token`.

    Raises:
        UploadNotFound: there is none, or it has expired.
    """
    secret = secret_of(token)
    row = await session.scalar(select(UploadRow).where(UploadRow.token_hash == secret.name, UploadRow.expires_at > now))
    if row is None:
        raise UploadNotFound
    sealed = _SEALED.validate_json(secret.decrypt(row.sealed))
    return Upload(
        token,
        row.evidence_id,
        sealed.said,
        sealed.adder,
        row.length,
        row.received,
        tuple((name, size) for name, size in zip(row.parts, row.part_sizes, strict=True) if size),
        row.expires_at,
        row.attached_at,
        sealed.kind,
    )


async def add_part(
    session: AsyncSession, upload: Upload, name: str, size: int, limits: Limits, *, counts: bool = True
) -> None:
    """Record that one more part of `upload` is stored.

    Args:
        session: in a transaction.
        upload: as it was before the part.
        name: of the part's object.
        size: how many bytes the part gives.
        limits: on what waits.
        counts: False for a part that counts only with the evidence: until then it is known to be deleted, as empty.

    Raises:
        OffsetConflict: another request has continued it meanwhile, or it is gone.
        TooMuchWaiting: there is no room for it.
        FileTooLarge: it has so many parts that each must be tiny.
    """
    row, counted = UploadRow, size if counts else 0
    grown: dict[str, object] = {"received": row.received + counted, "parts": func.array_append(row.parts, name)}
    grown["part_sizes"] = func.array_append(row.part_sizes, counted)
    here = (row.token_hash == upload.secret.name, row.received == upload.received, row.attached_at.is_(None))
    fits = [func.cardinality(row.parts) < domain.MOST_PARTS, waiting_bytes() + size <= limits.most_waiting]
    if upload.is_shared:
        fits.append(waiting_bytes(beside=row) + size <= limits.share)
    if upload.adder is None:
        fits.append(waiting_bytes(in_forms=True) + size <= limits.most_in_forms)
    if await session.scalar(update(row).where(*here, *fits).values(grown).returning(row.evidence_id)) is None:
        parts = await session.scalar(select(func.cardinality(row.parts)).where(*here))
        if parts is None:
            raise domain.OffsetConflict
        raise domain.TooMuchWaiting if parts < domain.MOST_PARTS else domain.FileTooLarge(limits.most_bytes)


async def end_upload(session: AsyncSession, upload: Upload) -> None:
    """Record that an upload of unknown length has all its bytes."""
    mine = update(UploadRow).where(UploadRow.token_hash == upload.secret.name, UploadRow.length.is_(None))
    await session.execute(mine.values(length=UploadRow.received))


async def extend_upload(session: AsyncSession, token: str, until: datetime) -> None:
    """Keep an upload as long as the draft that holds its token."""
    mine = update(UploadRow).where(UploadRow.token_hash == secret_of(token).name)
    await session.execute(mine.values(expires_at=func.greatest(UploadRow.expires_at, until)))


async def keep_for_form(session: AsyncSession, upload: Upload) -> None:
    """Record what a whole upload is, so that its form need not ask the store, and let it wait as long as a form may.

    How long it waits is left alone once a draft or the sending of its report has said it.
    """
    row = UploadRow
    mine = update(row).where(row.token_hash == upload.secret.name, row.attached_at.is_(None))
    await session.execute(mine.values(sealed=_seal(upload)))
    untouched = mine.where(row.expires_at == row.created_at + WAITS)
    await session.execute(untouched.values(expires_at=row.created_at + domain.WAITS_IN_FORM))


async def limit_upload(session: AsyncSession, token: str, until: datetime) -> None:
    """Let an upload wait until then and no longer, however long its draft was to be kept."""
    mine = update(UploadRow).where(UploadRow.token_hash == secret_of(token).name)
    await session.execute(mine.values(expires_at=until))


async def forget_upload(session: AsyncSession, upload: Upload) -> Sequence[str]:
    """Delete an upload that becomes nothing, and return the names of its objects, to be deleted after the commit.

    The grant that allowed it may be used again while it lives, unless the upload became evidence.
    """
    mine = delete(UploadRow).where(UploadRow.token_hash == upload.secret.name)
    gone = (await session.execute(mine.returning(UploadRow.parts, UploadRow.attached_at))).one_or_none()
    names, attached_at = gone or ([], None)
    if upload.adder and upload.adder.grant_id and gone and not attached_at:
        await session.execute(delete(UsedGrantRow).where(UsedGrantRow.grant_id == upload.adder.grant_id))
    return names


async def keep(
    session: AsyncSession,
    upload: Upload,
    kept: Kept,
    adder: Adder,
    now: datetime,
    outbox: Outbox,
    *,
    limits: Limits,
    message_id: UUID | None = None,
) -> EvidenceItem:
    """Make a piece of evidence of stored bytes, with its event; an upload becomes evidence once.

    Raises:
        UploadNotFound: the upload or its report is gone.
        TooManyFiles: the message, or the report itself, has as many as it may have.
    """
    report = await lock_key(session, adder.report_id)
    if report is None:
        raise UploadNotFound
    if before := await session.get(EvidenceRow, upload.evidence_id):
        return item_of(before)
    waits = select(UploadRow.evidence_id).where(UploadRow.token_hash == upload.secret.name)
    if await session.scalar(waits.with_for_update()) is None:
        raise UploadNotFound  # its sender has ended it meanwhile
    if same := await _sent_before(session, adder, kept):
        return item_of(same)
    row = _evidence_row(upload, kept, adder, message_id, now)
    await _refuse_many(session, row, limits)
    stored = (await session.scalars(insert(EvidenceRow).returning(EvidenceRow), row)).one()
    await outbox.append(session, [_told(report, _added(report, stored, now))], now)
    attached = update(UploadRow).where(UploadRow.token_hash == upload.secret.name)
    done = {"attached_at": now, "expires_at": now + WAITS, "sealed": _seal(replace(upload, said=Said()))}
    done |= {"length": upload.received, "received": upload.received}
    await session.execute(attached.values(done))
    return item_of(stored)


async def remove(session: AsyncSession, report: ReportKey, evidence_id: UUID, now: datetime, outbox: Outbox) -> str:
    """Take a piece back that its reporter sent, and return the name of its object, to be deleted after the commit.

    Raises:
        EvidenceNotFound: there is none, or someone else added it.
        EvidenceOpened: a team has looked at it.
    """
    await lock_key(session, report.report_id)
    row = EvidenceRow
    mine = (
        row.evidence_id == evidence_id,
        row.report_id == report.report_id,
        row.added_by == AddedBy.REPORTER,
        row.removed_at.is_(None),
    )
    taken = update(row).where(*mine, row.opened_at.is_(None)).values(removed_at=now, name=None, note=None)
    name: str | None = await session.scalar(taken.returning(row.object_name))
    if name is None:
        raise (
            domain.EvidenceOpened
            if await session.scalar(select(row.evidence_id).where(*mine))
            else domain.EvidenceNotFound
        )
    event = EvidenceRemoved(report_id=report.report_id, reference=report.reference, at=now, evidence_id=evidence_id)
    await outbox.append(session, [_told(report, event)], now)
    return name


async def use_grant(session: AsyncSession, grant_id: UUID, now: datetime) -> None:
    """Use a grant up.

    Raises:
        GrantExpired: it was used before.
    """
    row = insert(UsedGrantRow).values(grant_id=grant_id, forget_at=now + _REMEMBERED).on_conflict_do_nothing()
    if await session.scalar(row.returning(UsedGrantRow.grant_id)) is None:
        raise GrantExpired


async def record_opened(session: AsyncSession, evidence_ids: Sequence[UUID], now: datetime) -> None:
    """Record that a team looks at pieces of evidence, from when on their reporter cannot take them back.

    Raises:
        EvidenceNotFound: one of them was taken back meanwhile.
    """
    row = EvidenceRow
    there = (row.evidence_id.in_(evidence_ids), row.removed_at.is_(None))
    in_order = select(row.evidence_id).where(*there).order_by(row.evidence_id).with_for_update()  # no deadlock
    if len((await session.scalars(in_order)).all()) < len(evidence_ids):
        raise domain.EvidenceNotFound
    await session.execute(update(row).where(*there).values(opened_at=func.coalesce(row.opened_at, now)))


async def record_scan(session: AsyncSession, item: EvidenceItem, scan: Scan, now: datetime, outbox: Outbox) -> None:
    """Record what the virus scanner said later of a piece that was kept unscanned; if it said nothing, when."""
    report = None if scan is Scan.NOT_SCANNED else await lock_key(session, ReportId(item.report_id))
    row = EvidenceRow
    unscanned = (row.evidence_id == item.evidence_id, row.scan == Scan.NOT_SCANNED, row.removed_at.is_(None))
    scanned = update(row).where(*unscanned).values(scan=scan, scanned_at=now).returning(row.evidence_id)
    if await session.scalar(scanned) is None or report is None:
        return
    event = EvidenceScanned(
        report_id=report.report_id, reference=report.reference, at=now, evidence_id=item.evidence_id, scan=scan
    )
    await outbox.append(session, [_told(report, event)], now)


async def erase_exempt(session: AsyncSession, events: Sequence[Envelope[CaseResolved]], now: datetime) -> None:
    """Let go of the evidence of exempt reports (C-j), and of what waits to become some; sweeps delete the objects.

    The caller has locked the reports: what is being kept at the moment is here, or is refused after the commit.
    """
    exempt = [event.data.report_id for event in events if event.data.outcome is Outcome.EXEMPT]
    if exempt:
        gone = update(EvidenceRow).where(EvidenceRow.report_id.in_(exempt), EvidenceRow.removed_at.is_(None))
        await session.execute(gone.values(removed_at=now, name=None, note=None))
        waits = update(UploadRow).where(UploadRow.report_id.in_(exempt), UploadRow.attached_at.is_(None))
        await session.execute(waits.values(expires_at=func.least(UploadRow.expires_at, now)))


async def uploads_due(session: AsyncSession, now: datetime, limit: int = 20) -> Sequence[UploadDue]:
    """Return uploads whose objects are to be deleted: those that expired, and those that became evidence."""
    row = UploadRow
    over = or_(row.expires_at <= now, and_(row.attached_at.is_not(None), func.cardinality(row.parts) > 0))
    found = await session.execute(select(row.token_hash, row.parts).where(over).limit(limit))
    return [UploadDue(one.token_hash, tuple(one.parts)) for one in found]


async def forget_uploads(session: AsyncSession, due: Sequence[UploadDue], now: datetime) -> None:
    """Delete what expired. An upload that became evidence is known until then, so that a client can ask for it."""
    row = UploadRow
    mine = row.token_hash.in_([upload.token_hash for upload in due])
    await session.execute(delete(row).where(mine, row.expires_at <= now))
    await session.execute(update(row).where(mine, row.attached_at.is_not(None)).values(parts=[], part_sizes=[]))


async def forget_used_grants(session: AsyncSession, now: datetime) -> int:
    """Delete used grants that expired long ago; a sweep calls this."""
    gone = delete(UsedGrantRow).where(UsedGrantRow.forget_at <= now).returning(UsedGrantRow.grant_id)
    return len((await session.scalars(gone)).all())


async def _refuse_beyond_room(session: AsyncSession, new: NewUpload, limits: Limits) -> None:
    size = new.length or 0
    if (await session.scalar(select(waiting_bytes())) or 0) + size > limits.most_waiting:
        raise domain.TooMuchWaiting
    if new.ticket and (await session.scalar(select(waiting_bytes(in_forms=True))) or 0) + size > limits.most_in_forms:
        raise domain.TooMuchWaiting


async def _refuse_beyond_share(session: AsyncSession, new: NewUpload, limits: Limits, now: datetime) -> None:
    """Refuse an upload that its form or report has no place for; of several at once, each waits for the one before.

    Raises:
        TooManyFiles: as many wait as may.
        TooMuchWaiting: what was announced, or came, is as much as may wait.
    """
    row, report_id = UploadRow, new.adder.report_id if new.adder else None
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(new.ticket or report_id), 0))))
    announced = func.coalesce(func.sum(func.coalesce(row.length, row.received)), 0)
    mine = row.ticket == new.ticket if new.ticket else row.report_id == report_id
    waits = select(func.count(), announced).where(mine, row.attached_at.is_(None), row.expires_at > now)
    files, size = (await session.execute(waits)).one()
    if files >= limits.most_files:
        raise domain.TooManyFiles(limits.most_files)
    if size + (new.length or 1) > limits.share:
        raise domain.TooMuchWaiting


async def _sent_before(session: AsyncSession, adder: Adder, kept: Kept) -> EvidenceRow | None:
    if adder.sent_since is None:
        return None
    row = EvidenceRow
    same = (row.report_id == adder.report_id, row.added_by == adder.added_by, row.sha256_sent == kept.sha256_sent)
    found = select(row).where(*same, row.added_at >= adder.sent_since, row.removed_at.is_(None)).limit(1)
    sent: EvidenceRow | None = await session.scalar(found)
    return sent


async def _refuse_many(session: AsyncSession, new: Mapping[str, object], limits: Limits) -> None:
    """Refuse a piece beyond as many as a message or report may have.

    Words about a link are no file: a form asks for them beside as many files as it takes.
    """
    row, text = EvidenceRow, str(media.TEXT)
    words = and_(row.link.is_not(None), row.media_type == text)
    beside = func.count().filter(row.message_id.is_not_distinct_from(new["message_id"]), not_(words))
    kept = select(func.count(), beside).where(
        row.report_id == new["report_id"], row.added_by == new["added_by"], row.removed_at.is_(None)
    )
    of_report, of_message = (await session.execute(kept)).one()
    if of_report >= domain.MOST_OF_REPORT:
        raise domain.ReportFull
    most = domain.MOST_OF_REPORT if new["added_by"] is AddedBy.TEAM else limits.most_files
    if of_message >= most and (new["link"] is None or new["media_type"] != text):
        raise domain.TooManyFiles(most)


def _evidence_row(
    upload: Upload, kept: Kept, adder: Adder, message_id: UUID | None, now: datetime
) -> dict[str, object]:
    said = {"note": upload.said.note, "link": upload.said.link, "message_id": message_id}
    who = {"report_id": adder.report_id, "added_by": adder.added_by, "responder": adder.responder}
    scanned_at = None if kept.scan is Scan.NOT_SCANNED else now
    return {
        "evidence_id": upload.evidence_id,
        "added_at": now,
        "scanned_at": scanned_at,
        "case_id": adder.case_id,
        **asdict(kept),
        **said,
        **who,
    }


def _added(report: ReportKey, row: EvidenceRow, now: datetime) -> EvidenceAdded:
    said = {name: getattr(row, name) for name in EvidenceAdded.model_fields if hasattr(row, name)}
    return EvidenceAdded.model_validate({**said, "reference": report.reference, "at": now})


def _told(report: ReportKey, event: EvidenceAdded | EvidenceRemoved | EvidenceScanned) -> NewEvent:
    return NewEvent.of(report.report_id, event, topic=BY_TYPE[report.report_type].topic)


def _seal(upload: Upload) -> bytes:
    sealed = asdict(_Sealed(upload.said, upload.adder, upload.kind))
    return upload.secret.encrypt(json.dumps(sealed, default=str).encode())
