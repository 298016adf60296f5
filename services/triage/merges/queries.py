"""Reads which cases are merged into which, what a case is about, and who merged or split it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case, CaseNotFound, is_linked
from services.triage.merges.domain import Done, Part
from services.triage.reports import queries as reports
from shared.audit import chain
from shared.audit.chain import Activity
from shared.events.vocabulary import Priority

MERGED, UNMERGED, TOOK_IN, LET_GO = "merged", "unmerged", "merged_in", "merged_out"
PRIORITY_FOLLOWS = "priority_follows"
SPLIT, SPLIT_UNDONE = "split", "split_undone"
_JOIN = frozenset({MERGED, SPLIT_UNDONE})


@dataclass(frozen=True, slots=True)
class Family:
    """The cases that are merged with one, as far as a viewer may see them."""

    main: Case | None
    """The case that this one is merged into."""
    below: Sequence[lists.MergedCase]
    """Those that are merged into it, at whatever depth."""


async def family(session: AsyncSession, viewer: Viewer, case: Case) -> Family:
    """Return the cases that are merged with this one."""
    main = await _seen(session, viewer, case.merged_into) if case.merged_into else None
    return Family(main, await lists.seen_below(session, viewer, case.case_id))


async def _seen(session: AsyncSession, viewer: Viewer, case_id: UUID) -> Case | None:
    try:
        return await cases.get(session, viewer, case_id)
    except CaseNotFound:
        return None


async def part_of(session: AsyncSession, case: Case) -> Part:
    """Return what a case is about."""
    what, links = await lists.part_of(session, case.case_id)
    if links is None:
        links = tuple(range(len(await reports.links_of(session, case.report_id))))
    return Part(what, links)


async def last_merge(session: AsyncSession, case_id: UUID) -> Done | None:
    """Return who last merged this case into another."""
    return _last_merge(await chain.read(session, case_id))


def _last_merge(done: Sequence[Activity]) -> Done | None:
    found = [one for one in done if one.action in _JOIN and "into" in one.after]
    return Done(found[-1].actor, found[-1].at) if found else None


def own_priority(done: Sequence[Activity]) -> Priority:
    """Return the priority that its rules, or a person, gave a case last, not one merged into it."""
    return Priority([one.after["priority"] for one in done if _gives_priority(one)][-1])


def keeps_priority(done: Sequence[Activity], merged: UUID) -> bool:
    """Return whether a case took over the priority of one that was merged into it, and a person changed it since."""
    starts = [number for number, one in enumerate(done) if one.after.get("merged") == str(merged)]
    gave = [_gives_priority(one) for one in done[starts[-1] :] if "priority" in one.after] if starts else []
    return bool(gave) and not gave[0] and gave[-1]


def _gives_priority(activity: Activity) -> bool:
    return "priority" in activity.after and activity.action != PRIORITY_FOLLOWS


@dataclass(frozen=True, slots=True)
class Division:
    """That a case was split: by whom, when, and what the case was about before."""

    done: Done
    before: Part


async def division(session: AsyncSession, origin: UUID, split_off: UUID) -> Division | None:
    """Return how `split_off` was split off `origin`; None if it was not."""
    found = [one for one in await chain.read(session, origin) if one.after.get("split_off") == str(split_off)]
    return Division(Done(found[-1].actor, found[-1].at), _part(found[-1])) if found else None


def said_of(part: Part) -> dict[str, str]:
    """Return a part of a case as the activity record says it."""
    return {"what": ", ".join(part.what), "links": ", ".join(map(str, part.links))}


def _part(activity: Activity) -> Part:
    what, links = activity.after.get("what", ""), activity.after.get("links", "")
    return Part(tuple(filter(None, what.split(", "))), tuple(int(one) for one in links.split(", ") if one))


def is_untouched(done: Iterable[Activity]) -> bool:
    """Return whether no person did anything to a case but open and look at it."""
    return all(one.action in _LOOKS or one.actor == cases.REPORTER or ":" in one.actor for one in done)


_LOOKS = frozenset({"opened", "page_opened", "content_shown", "conversation_read", "evidence_opened"})


def meanwhile(activities: Sequence[Activity]) -> list[Activity]:
    """Return what a case that was merged took over from the other one, since it was merged last."""
    starts = [number for number, one in enumerate(activities) if one.action in _JOIN and "into" in one.after]
    return [one for one in activities[starts[-1] :] if "followed" in one.after] if starts else []


@dataclass(frozen=True, slots=True)
class Page:
    """What the tab shows of a case."""

    family: Family
    part: Part
    """What the case is about."""
    merged: Done | None
    """Who merged it into another, if someone did."""
    division: Division | None
    """How it was split off another case, if no one has worked on it since."""
    meanwhile: Sequence[Activity]
    """What it took over from the other case while it was merged."""
    keeps_priority: bool
    """Whether a person changed the priority that the other case had taken over from it."""

    @property
    def people(self) -> list[str | None]:
        """The staff ids on the page."""
        return [self.merged.by if self.merged else None, self.division.done.by if self.division else None]


async def of_page(session: AsyncSession, viewer: Viewer, case: Case) -> Page:
    """Return what the tab shows."""
    done = await chain.read(session, case.case_id)
    there = await family(session, viewer, case)
    main = await chain.read(session, there.main.case_id) if there.main else []
    return Page(
        there,
        await part_of(session, case),
        _last_merge(done),
        await _division_of(session, viewer, case) if is_linked(case.reference) and is_untouched(done) else None,
        meanwhile(done),
        keeps_priority(main, case.case_id),
    )


async def _division_of(session: AsyncSession, viewer: Viewer, case: Case) -> Division | None:
    for one in await cases.related(session, viewer, case, []):
        if found := await division(session, one.case_id, case.case_id):
            return found
    return None
