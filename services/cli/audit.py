"""`signpost audit`: checks that no record was changed and that all evidence is whole, and lists who searched."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from services.cli.database import database_url, transaction
from services.cli.settings import KINDS, settings_of
from services.intake.evidence import queries as intake
from services.intake.evidence.objects import ObjectMissing, Objects, StoreUnavailable
from services.intake.settings import IntakeSettings
from services.registry.approvals import queries as registry
from services.triage.cases import queries as triage_cases
from services.triage.operations import queries as triage
from services.triage.reports import queries as triage_reports
from services.triage.reports.domain import Evidence
from services.triage.search import queries as triage_search
from shared.audit import exports
from shared.audit.anchors import anchors_file
from shared.audit.verification import BrokenLink, LastAnchor, Records, last_anchor, oldest_unanchored
from shared.audit.verification import verify as verify_chains
from shared.clock import SystemClock
from shared.db.database import Database
from shared.errors import ExplainedError
from shared.web.times import UK

AUDITED: Mapping[str, Records] = {"triage": triage.records, "registry": registry.records}
"""Services that keep activity chains, and the records that these are compared with."""
_LONGEST_STATEMENT = timedelta(hours=1)
_PAGE = 500
"""Pieces of evidence that are read at a time."""
_NEWS_TAKES = timedelta(hours=1)
"""From intake to triage, at most; the rest of the time a service or the log was down."""


class Damage(StrEnum):
    """What is wrong with a piece of evidence."""

    UNKNOWN = "intake has never kept this piece of evidence"
    REMOVED = "intake says that this piece of evidence was removed, and its case has not heard so"
    UNHEARD = "intake keeps this piece of evidence, and its case has not heard of it"
    DIFFERS = "intake and triage do not say the same of this piece of evidence"
    LOST = "the file of this piece of evidence is missing"
    CHANGED = "the file of this piece of evidence was changed"


@dataclass(frozen=True, slots=True)
class BrokenEvidence:
    """A piece of evidence that is not what the chain of its case says."""

    because: Damage
    evidence_id: UUID
    chain_id: UUID | None
    """The case whose chain proves it; None if triage has not heard of it yet."""


class EvidenceUnreadable(ExplainedError):
    """The store of evidence does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "the store of evidence cannot be read (SIGNPOST_INTAKE_EVIDENCE_STORE), so nothing was verified"
        )


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verification of one service found."""

    broken: list[BrokenLink]
    last_anchor: LastAnchor | None


def verify(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: service to what is broken")] = False,
    last_anchors: Annotated[
        bool, typer.Option("--last-anchors", help="With --json: add the key last_anchors, each service's last anchor")
    ] = False,
) -> None:
    """Recompute every audit chain, compare cases and accounts, read all evidence; exit code 1 if any was changed.

    Evidence that is not as its case's chain says is listed with the service triage, by its id.
    """
    found = {service: asyncio.run(_verified(service, records)) for service, records in AUDITED.items()}
    evidence = asyncio.run(broken_evidence())
    if as_json:
        anchors = {service: _anchor(one.last_anchor) for service, one in found.items()}
        broken = {service: [_shown(link) for link in one.broken] for service, one in found.items()}
        broken["triage"] += [_shown_evidence(one) for one in evidence]
        typer.echo(json.dumps(broken | ({"last_anchors": anchors} if last_anchors else {})))
    else:
        for service, one in found.items():
            typer.echo(f"{service}: {f'{len(one.broken)} broken' if one.broken else 'every chain verifies'}")
            typer.echo(f"  {_anchor_in_words(one.last_anchor)}")
            for link in one.broken:
                fields = f": {', '.join(link.fields)}" if link.fields else ""
                typer.echo(f"  {link.because}{fields} (chain {link.chain_id}, position {link.position})")
        typer.echo(f"evidence: {f'{len(evidence)} broken' if evidence else 'every piece is there and whole'}")
        for piece in evidence:
            typer.echo(f"  {piece.because} (evidence {piece.evidence_id}, chain {piece.chain_id})")
    raise typer.Exit(1 if evidence or any(one.broken for one in found.values()) else 0)


def searches(
    staff_id: Annotated[str, typer.Argument(help="Whose; without it, those of all people")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="ISO-DATE", help="The first day, in UK local time")
    ] = None,
    most: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="The newest so many")] = 1_000,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list")] = False,
) -> None:
    """List who searched for cases, when, and how many were found, newest first.

    The words of a search are never kept. That someone searched is forgotten after a year.
    """
    found = asyncio.run(_searches(staff_id.strip(), since.replace(tzinfo=UK) if since else None, most))
    rows = [(one.at.astimezone(UK).isoformat(timespec="seconds"), one.subject, one.found) for one in found]
    if as_json:
        typer.echo(json.dumps([dict(zip(("at", "staff_id", "found"), row, strict=True)) for row in rows]))
        return
    for row in rows:
        typer.echo("  ".join(map(str, row)))


async def _searches(staff_id: str, since: datetime | None, most: int) -> list[triage_search.Searched]:
    async with transaction("triage") as session:
        return await triage_search.recorded(session, staff_id, since, most)


def verify_export(
    file: Annotated[Path, typer.Argument(help="The ZIP as it was downloaded", exists=True, dir_okay=False)],
) -> None:
    """Check an export of a case by the hashes in it, without a database.

    Exit code 1 if it was changed; 2 if evidence that it promises is not in it, for a reason that nothing proves.

    Ask the department whether the audit record of that case has the same statement: only that shows that it is theirs.
    """
    with file.open("rb") as read:
        wrong = exports.problems(read)
        missing = [] if wrong else exports.not_delivered(read)
        if not wrong:
            case, statement = exports.proof_of(read)
            said = "has not all that it promises" if missing else "is whole"
            typer.echo(f"This export of {case} {said}. Its statement: {statement}")
    for problem in wrong:
        typer.echo(problem)
    for evidence_id, why in missing:
        typer.echo(
            f"Evidence {evidence_id} is not in it, because it is {why!r}. Nothing proves that: ask the department."
        )
    raise typer.Exit(1 if wrong else 2 if missing else 0)


async def _verified(service: str, records: Records) -> Verified:
    """Verify in one snapshot, so that what is written meanwhile cannot look changed."""
    settings = settings_of(KINDS[service])
    folder = settings.audit_anchors_dir
    database = Database(
        database_url(service),
        application_name="signpost-audit",
        pool_size=1,
        statement_timeout=_LONGEST_STATEMENT,
        answers_within=_LONGEST_STATEMENT,
    )
    try:
        async with database.transaction() as session:
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            broken = await verify_chains(
                session,
                anchors_file(service, folder) if folder else None,
                records=records,
                unanchored_since=oldest_unanchored(SystemClock().now(), settings.audit_anchor_every),
            )
            return Verified(broken, await last_anchor(session))
    finally:
        await database.close()


async def broken_evidence() -> list[BrokenEvidence]:
    """Return what is wrong with evidence: intake and triage know of the same pieces, and every file is whole."""
    objects = Objects(settings_of(IntakeSettings).intake_evidence_store)
    since = SystemClock().now() - _NEWS_TAKES
    try:
        return [one async for one in _damaged(objects, since)] + [one async for one in _not_kept(since)]
    except StoreUnavailable:
        raise EvidenceUnreadable from None


async def _damaged(objects: Objects, since: datetime) -> AsyncIterator[BrokenEvidence]:
    """Read each file that intake keeps, and compare it with what intake and triage say.

    Triage may not have heard yet of what was added after `since`.
    """
    last: UUID | None = None
    while stored := await _stored_after(last):
        last = stored[-1].item.evidence_id
        async with transaction("triage") as session:
            known = await triage_reports.evidence(session, [one.item.evidence_id for one in stored])
            exempt = await triage_cases.exempt_reports(session, {one.item.report_id for one in stored})
        proved = {one.evidence_id: one for one in known}
        for one in stored:
            item, said = one.item, proved.get(one.item.evidence_id)
            chain_id = said.case_id if said else None
            if said and (said.sha256, said.size) != (item.sha256, item.size):
                yield BrokenEvidence(Damage.DIFFERS, item.evidence_id, chain_id)
            elif not said and item.added_at < since and item.report_id not in exempt:
                yield BrokenEvidence(Damage.UNHEARD, item.evidence_id, None)
            elif damage := await _damage_of(objects, one):
                yield BrokenEvidence(damage, item.evidence_id, chain_id)


async def _stored_after(last: UUID | None) -> Sequence[intake.StoredItem]:
    async with transaction("intake") as session:
        return await intake.stored_after(session, last, _PAGE)


async def _damage_of(objects: Objects, stored: intake.StoredItem) -> Damage | None:
    digest = sha256()
    try:
        async for chunk in objects.read(stored.object_name):
            digest.update(chunk)
    except ObjectMissing:
        return Damage.LOST if await _is_kept(stored) else None
    return None if digest.hexdigest() == stored.item.sha256 else Damage.CHANGED


async def _is_kept(stored: intake.StoredItem) -> bool:
    """Return whether it was not taken back while it was looked for."""
    async with transaction("intake") as session:
        return bool(await intake.stored_items(session, stored.item.report_id, [stored.item.evidence_id]))


async def _not_kept(since: datetime) -> AsyncIterator[BrokenEvidence]:
    """Look for what is there as triage knows, and not as intake does, unless news of that is on its way `since`."""
    last: UUID | None = None
    while items := await _evidence_after(last):
        last = items[-1].evidence_id
        async with transaction("intake") as session:
            removed = await intake.removals(session, [one.evidence_id for one in items])
            told = await intake.removals_told(session, {one.report_id for one in items}, since)
        for one in items:
            if one.evidence_id not in removed:
                yield BrokenEvidence(Damage.UNKNOWN, one.evidence_id, one.case_id)
            elif removed[one.evidence_id] and one.evidence_id not in told:
                yield BrokenEvidence(Damage.REMOVED, one.evidence_id, one.case_id)


async def _evidence_after(last: UUID | None) -> Sequence[Evidence]:
    async with transaction("triage") as session:
        return await triage_reports.evidence_after(session, last, _PAGE)


def _shown_evidence(one: BrokenEvidence) -> dict[str, object]:
    chain_id = str(one.chain_id) if one.chain_id else None
    return {"because": one.because.value, "chain_id": chain_id, "position": None, "evidence_id": str(one.evidence_id)}


def _shown(link: BrokenLink) -> dict[str, object]:
    chain = str(link.chain_id) if link.chain_id else None
    fields = {"fields": list(link.fields)} if link.fields else {}
    return {"because": link.because.value, "chain_id": chain, "position": link.position, **fields}


def _anchor(last: LastAnchor | None) -> dict[str, object] | None:
    return {"number": last.number, "at": last.at.isoformat()} if last else None


def _anchor_in_words(last: LastAnchor | None) -> str:
    return f"last anchor: number {last.number} of {last.at.isoformat()}" if last else "nothing was anchored yet"
