"""Finds cases by what is written about them, and reads what their documents are made of."""

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Text,
    Uuid,
    any_,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes, views
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import CaseNotFound
from services.triage.reports import queries as reports
from services.triage.reports.domain import Evidence, TriageReport, accounts_named
from services.triage.search import domain
from services.triage.search.domain import MARKS, NEWEST, WEIGHTS, Cursor, Part, Sought, Source, Term
from services.triage.search.tables import CaseDocument, CaseSearch
from shared.audit import chain

MOST_LOOKED_AT = 10_000
"""Matches, also ones that the person may not see or that a filter leaves out, after which a search stops for now."""
_REASONED = ("resolved", "reopened", "review_upheld", "review_changed")
_ENGLISH: ColumnElement[str] = literal_column("'pg_catalog.english'::regconfig")
_SIMPLE: ColumnElement[str] = literal_column("'pg_catalog.simple'::regconfig")
_RANK_WEIGHTS: ColumnElement[object] = literal_column("'{0.4, 0.5, 0.7, 1}'::real[]")
_PLANNED_FOR_THESE_WORDS = func.set_config("plan_cache_mode", "force_custom_plan", true())
"""Until the transaction ends: a plan for any words takes ten times as long as one for these."""
_Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest matches that a person may see, newest first."""

    case_ids: tuple[UUID, ...] = ()
    top: int = 0
    """The number of the newest document at the time."""
    below: int | None = None
    """Below which number older cases may match; None: there are no more."""


class Hit(NamedTuple):
    """A case that was found, and where."""

    case_id: UUID
    matched: tuple[Part, ...]


class Results(NamedTuple):
    """A page of results."""

    hits: list[Hit]
    next_cursor: Cursor | None = None
    total: int = 0
    """How many there are, up to the number that is ranked."""
    more: bool = False
    """Whether there may be more than are counted: older ones."""
    by_date: bool = False
    """Whether these are the older ones, which follow by date."""


async def referred(session: AsyncSession, viewer: Viewer, sought: Sought) -> str | None:
    """Return the reference that is all that is sought, if there is a case with it that the viewer may see."""
    if sought.reference is None:
        return None
    try:
        return (await cases.by_reference(session, viewer, sought.reference)).reference
    except CaseNotFound:
        return None


async def page(
    session: AsyncSession,
    viewer: Viewer,
    sought: Sought,
    conditions: Sequence[_Condition] = (),
    *,
    cursor: Cursor | None = None,
    limit: int = 50,
) -> Results:
    """Return a page of the cases that match, best first among the newest; older ones follow by date."""
    if cursor and cursor.after is None:
        found = await newest(session, viewer, sought, conditions, below=cursor.below, limit=limit)
        older = None if found.below is None else Cursor(found.below, None)
        return Results(await matched(session, sought, found.case_ids), older, more=older is not None, by_date=True)
    begin = (cursor.after if cursor else None) or 0
    top = cursor.below if cursor else None
    found = await newest(session, viewer, sought, conditions, below=top, limit=NEWEST)
    best = list(found.case_ids) if sought.begins else await ranked(session, sought, found.case_ids)
    shown: list[UUID] = best[begin : begin + limit]
    later: Cursor | None = None
    if begin + limit < len(best):
        later = Cursor(found.top + 1, begin + limit)
    elif found.below is not None:
        later = Cursor(found.below, None)
    return Results(await matched(session, sought, shown), later, len(best), more=found.below is not None)


async def newest(
    session: AsyncSession,
    viewer: Viewer,
    sought: Sought,
    conditions: Sequence[_Condition] = (),
    *,
    below: int | None = None,
    limit: int = NEWEST,
) -> Newest:
    """Return up to `limit` cases that match, that `viewer` may see and that meet `conditions` on the case.

    Windows of the newest documents are looked at, each larger than the one before, until there are enough: so a search
    for a frequent word reads as little of ten million cases as of ten thousand.
    """
    every = select(func.max(CaseDocument.number), cast(_all_terms(sought.terms), Text), _PLANNED_FOR_THESE_WORDS)
    top, terms, _ = (await session.execute(every)).one()
    top = min(top or 0, (below or sys.maxsize) - 1)
    if sought.begins:
        named = await cases.beginning_with(session, viewer, sought.begins, conditions, limit)
        return Newest(tuple(named), top)
    if top < 1 or not terms:
        return Newest()
    level = 0
    while True:
        window = domain.window(level, top)
        step = await _look(session, viewer, terms, conditions, window, top, limit + 1)
        enough, tired = len(step.found) > limit, step.looked_at >= MOST_LOOKED_AT
        if enough or tired or not window:
            break
        level = min(
            domain.next_level(level, len(step.found), limit), domain.next_level(level, step.looked_at, MOST_LOOKED_AT)
        )
    kept = step.found[:limit]
    rest = kept[-1][1] if enough else step.lowest if tired else None
    return Newest(tuple(case_id for case_id, _ in kept), top, rest)


class _Step(NamedTuple):
    found: list[tuple[UUID, int]]
    looked_at: int
    lowest: int | None


async def _look(
    session: AsyncSession,
    viewer: Viewer,
    terms: str,
    conditions: Sequence[_Condition],
    window: Collection[str],
    top: int,
    limit: int,
) -> _Step:
    """Look at the newest matches of a window, as many as one search looks at, and return those that may be seen."""
    seen = domain.may_see(viewer.subject, viewer.teams, viewer.leads)
    wanted = reduce(_both, (_query(terms), *(_query(domain.in_tsquery(any_of)) for any_of in (seen, window) if any_of)))
    number, place = CaseDocument.number, (CaseDocument.number + 0).label("place")
    matches = (
        select(CaseDocument.case_id, number, place)
        .where(CaseDocument.words.op("@@", return_type=Boolean())(wanted), number <= top)
        .order_by(place.desc())  # by the index on numbers, it would read past every case without the words
        .limit(MOST_LOOKED_AT)
        .cte("matches")
    )
    allowed = select(matches).where(cases.is_seen(viewer, matches.c.case_id, conditions))
    found = allowed.order_by(matches.c.place.desc()).limit(limit).subquery("found")
    looked = select(func.count().label("looked_at"), func.min(matches.c.number).label("lowest")).subquery("looked")
    both = select(looked, found).select_from(looked.outerjoin(found, true()))
    rows = (await session.execute(both)).all()
    seen_rows = sorted((row for row in rows if row.case_id), key=lambda row: row.number, reverse=True)
    return _Step([(row.case_id, row.number) for row in seen_rows], rows[0].looked_at, rows[0].lowest)


async def ranked(session: AsyncSession, sought: Sought, case_ids: Collection[UUID]) -> list[UUID]:
    """Return cases, best first: those that name the person, account, link or file, then by how the words stand."""
    exact = [mark for term in sought.terms for mark in term.marks]
    words = CaseDocument.words
    named = words.op("@@", return_type=Boolean())(_query(domain.in_tsquery(exact)))
    rank = func.ts_rank_cd(_RANK_WEIGHTS, words, _any_words(sought.terms), 33)
    query = select(CaseDocument.case_id).where(_among(case_ids))
    return list(await session.scalars(query.order_by(named.desc(), rank.desc(), CaseDocument.number.desc())))


async def matched(session: AsyncSession, sought: Sought, case_ids: Sequence[UUID]) -> list[Hit]:
    """Return the cases in the order given, each with where a word, phrase or mark that is sought was found in it."""
    words, any_words = CaseDocument.words, _any_words(sought.terms)
    columns: list[ColumnElement[Any]] = [CaseDocument.case_id.expression]
    for part, weight in WEIGHTS.items():
        of_part = func.ts_filter(words, literal_column(f"'{{{weight}}}'::\"char\"[]"))
        columns.append(of_part.op("@@", return_type=Boolean())(any_words).label(part.value))
    for part, start in MARKS.items():
        marks = [mark for term in sought.terms for mark in term.marks if mark.startswith(start)]
        columns.append(words.op("@@", return_type=Boolean())(_query(domain.in_tsquery(marks))).label(part.value))
    rows = await session.execute(select(*columns).where(_among(case_ids)))
    found = {row["case_id"]: tuple(part for part in Part if row[part.value]) for row in rows.mappings()}
    return [Hit(case_id, found.get(case_id, ())) for case_id in case_ids]


def _among(case_ids: Collection[UUID]) -> ColumnElement[bool]:
    return CaseDocument.case_id == any_(literal(list(case_ids), ARRAY(Uuid)))


def _all_terms(terms: Iterable[Term]) -> ColumnElement[str]:
    return reduce(_both, [_either(_words(term), _query(domain.in_tsquery(term.marks))) for term in terms], _query(""))


def _any_words(terms: Iterable[Term]) -> ColumnElement[str]:
    return reduce(_either, map(_words, terms), _query(""))


def _words(term: Term) -> ColumnElement[str]:
    said = literal(term.words)
    return _either(func.phraseto_tsquery(_ENGLISH, said), func.phraseto_tsquery(_SIMPLE, said))


def _query(said: str) -> ColumnElement[str]:
    return cast(literal(said), TSQUERY)


def _both(one: ColumnElement[str], other: ColumnElement[str]) -> ColumnElement[str]:
    return one.op("&&", return_type=TSQUERY())(other)


def _either(one: ColumnElement[str], other: ColumnElement[str]) -> ColumnElement[str]:
    return one.op("||", return_type=TSQUERY())(other)


class Searched(NamedTuple):
    """That someone searched."""

    at: datetime
    subject: str
    found: int
    """How many cases, up to the number that is ranked."""


async def recorded(session: AsyncSession, subject: str, since: datetime | None, limit: int) -> list[Searched]:
    """Return who searched since then, newest first: `subject`, or any person if it is empty.

    For the command line: what a colleague looks for is no business of those who can see cases.
    """
    table = CaseSearch.table()
    wanted = select(table.c.at, table.c.subject, table.c.found).order_by(table.c.at.desc(), table.c.search_id.desc())
    if subject:
        wanted = wanted.where(table.c.subject == subject)
    if since:
        wanted = wanted.where(table.c.at >= since)
    return [Searched(*row) for row in await session.execute(wanted.limit(limit))]


# What documents are made of.


class Made(NamedTuple):
    """A case with what its document is made of."""

    case_id: UUID
    source: Source
    seen_in: tuple[str, ...]


async def sources(session: AsyncSession, case_ids: Collection[UUID]) -> list[Made]:
    """Return what is written about those of the cases that have a document, in the order in which they were opened.

    An exempt case has none (C-j).
    """
    written = await changes.written(session, case_ids)
    report_ids = {one.case.report_id for one in written}
    told = await reports.read_all(session, report_ids, content=True)
    files = await reports.evidence_of_all(session, report_ids)
    reasons = await chain.reasons(session, [one.case.case_id for one in written], _REASONED)
    return [
        Made(
            one.case.case_id,
            _source(one, told[one.case.report_id], files, reasons[one.case.case_id]),
            tuple(domain.seen_in(one.case.team, restricted=one.case.restricted, named=one.named)),
        )
        for one in sorted(written, key=lambda one: (one.case.opened_at, one.case.case_id))
    ]


def _source(one: changes.Written, report: TriageReport, files: Iterable[Evidence], reasons: Sequence[str]) -> Source:
    case, newest_first = one.case, one.notes[::-1]
    shown = [item for item in files if item.report_id == case.report_id and item.is_shown({case.case_id})]
    outcome = [views.OUTCOMES[case.outcome]] if case.outcome else []
    return Source(
        texts={
            Part.REPORT: [*_in_words(one), *report.texts, *(item.note for item in shown if item.note)],
            Part.MESSAGE: [note.text for note in newest_first if note.shared],
            Part.NOTE: [note.text for note in newest_first if not note.shared],
            Part.OUTCOME: [*outcome, *reasons],
        },
        names=report.people,
        accounts=(*report.account_names, *report.accounts_of_people),
        canonical=[(handle.platform, handle.handle) for handle in accounts_named(report)],
        links=report.links,
        files=[sha256 for item in shown for sha256 in (item.sha256, item.sha256_sent)],
    )


def _in_words(one: changes.Written) -> list[str]:
    kind = views.TYPES[one.case.report_type]
    return [kind, *(word for code in one.said if code for word in (views.platform(code), views.words(code)))]
