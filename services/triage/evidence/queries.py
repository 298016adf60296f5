"""The evidence that someone may see on a case, and its custody: who added it and who opened it, when and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.reports import queries as reports
from services.triage.reports.domain import Evidence
from shared.audit import chain

TEAM = "team"
"""Who did something, to a person who may not know which colleague it was."""
ADDED, REMOVED, SCANNED = "evidence_added", "evidence_removed", "evidence_scanned"
OPENED, EXPORTED, UPLOAD_ALLOWED = "evidence_opened", "evidence_exported", "evidence_upload_allowed"
_CUSTODY = frozenset({REMOVED, SCANNED, OPENED, EXPORTED})


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One thing that happened to a piece of evidence."""

    at: datetime
    action: str
    """`added`, `scanned`, `removed`, `opened` or `exported`."""
    by: str
    """A staff id, `reporter`, `team` or `system:…`."""
    form: str | None = None
    shown: str | None = None
    """How a preview was shown: `sharp`, `colour`, or `blurred, grey`."""
    scan: str | None = None
    purpose: str | None = None


async def on_case(session: AsyncSession, case: Case, viewer: Viewer | None) -> list[Evidence]:
    """Return the evidence that a person may see on a case (decision 0058).

    What the reporter sent is on every case of the report. What a responder added is on the case where they added it,
    and on the report's other cases for those who may see that one too.

    Args:
        session: the transaction.
        case: a case that the person may see.
        viewer: a responder; None for the line manager, who sees no other case.
    """
    items = await reports.evidence_of(session, case.report_id)
    seen = {case.case_id}
    if viewer and any(not item.from_reporter and item.case_id not in seen for item in items):
        seen |= {one.case_id for one in await cases.related(session, viewer, case, [])}
    return [item for item in items if item.is_shown(seen)]


async def custody(
    session: AsyncSession, case: Case, items: Sequence[Evidence], *, only: str | None = None
) -> Mapping[UUID, Sequence[CustodyEntry]]:
    """Return what happened to each piece of evidence, oldest first, as the case's activity record says.

    `only` names the one person who may be named in it; without it, all people are.
    """
    return custody_in(await chain.read(session, case.case_id), items, only=only)


def custody_in(
    activities: Iterable[chain.Activity], items: Sequence[Evidence], *, only: str | None = None
) -> Mapping[UUID, Sequence[CustodyEntry]]:
    """Return what happened to each piece of evidence, as these activities of its case say."""
    done = [one for one in activities if one.action in _CUSTODY]
    return {item.evidence_id: [_added(item, only), *_entries(item, done, only)] for item in items}


def _entries(item: Evidence, done: Iterable[chain.Activity], only: str | None) -> Iterable[CustodyEntry]:
    for one in done:
        if str(item.evidence_id) in one.after.get("evidence", "").split(", "):
            mine = only is None or one.actor == only
            yield CustodyEntry(
                one.at,
                one.action.removeprefix("evidence_"),
                _named(one.actor, only),
                one.after.get("form"),
                one.after.get("shown"),
                one.after.get("scan"),
                one.personal.get("purpose") if mine else None,
            )


def _added(item: Evidence, only: str | None) -> CustodyEntry:
    by = cases.REPORTER if item.from_reporter else _named(item.responder or TEAM, only)
    return CustodyEntry(item.added_at, "added", by)


def _named(actor: str, only: str | None) -> str:
    unnamed = only is not None and actor not in {only, cases.REPORTER} and not actor.startswith("system:")
    return TEAM if unnamed else actor
