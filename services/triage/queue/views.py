"""How the queue says things, in as few words as a row has room for."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.triage.cases import views as wording
from services.triage.cases.lists import MOST_COUNTED, Listed
from services.triage.deadlines.domain import OfficeHours
from services.triage.queue.domain import ME, NOBODY, OVERDUE, QueueView, Sort
from services.triage.queue.queries import Page
from services.triage.search.domain import NEWEST, Part
from shared.web.times import UK, clock_time

VIEWS = {
    QueueView.ALL: "All open",
    QueueView.MINE: "My work",
    QueueView.UNCLAIMED: "Unclaimed",
    QueueView.REPLIES: "Replies",
    QueueView.AT_RISK: "At risk",
    QueueView.RESTRICTED: "Restricted",
    QueueView.REVIEWS: "Asked to look again",
    QueueView.CHASE: "Take-downs to chase",
    QueueView.FINISHED: "Finished",
}
ORDERS = {
    Sort.DUE: "missed first, then soonest due",
    Sort.PRIORITY: "most urgent and oldest first",
    Sort.NEWEST: "newest first",
    Sort.OLDEST: "oldest first",
    Sort.BEST: "best matches first",
}
PRIORITIES = {"P1": "Urgent", "P2": "High", "P3": "Normal", "P4": "Low"}
MARKS = {
    "task_overdue": "Task overdue",
    "evidence": "Evidence",
    "restricted": "Restricted",
    "withdrawal": "Withdrawal requested",
    "review": "Asked to look again",
    "campaign": "Campaign",
}
SHORT_MARKS = {"withdrawal": "Withdrawal", "review": "Look again"}
"""What a row has room for; it says the whole when it is pointed at."""
WHO = {ME: "Me", NOBODY: "No one"}
DONE = {
    "saved": "The view is saved.",
}
TAKEN_DOWN = {
    "removed": "Removed",
    "refused": "Refused",
    "asked": "Asked for",
    "due": "To be asked again",
}
TASKS = {OVERDUE: "With an overdue task"}
PARTS = {
    Part.REPORT: "report",
    Part.MESSAGE: "messages",
    Part.NOTE: "notes",
    Part.OUTCOME: "outcome",
    Part.NAME: "names",
    Part.ACCOUNT: "accounts",
    Part.LINK: "links",
    Part.FILE: "files",
}
"""Where a search finds its words."""
_SOON = 7
"""In so many days, the name of a day says which one."""


def count(number: int) -> str:
    """Return how many cases there are, as far as they were counted; empty for none."""
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number or "")


def found_in(parts: Sequence[Part]) -> str:
    """Return where in a case a search found its words: `In report, notes`; empty if that is not known."""
    return f"In {', '.join(PARTS[part] for part in parts)}" if parts else ""


def how_many(found: Page) -> str:
    """Return how many cases a search found, and in which order they come."""
    if found.by_date:
        return "These are older matches, newest first."
    if not found.older:
        return f"{found.total} {'case matches' if found.total == 1 else 'cases match'}."
    if found.total < NEWEST:
        return f"{found.total} of the newer cases match. Older ones follow by date."
    return f"More than {NEWEST:,} cases match. The newest {NEWEST:,} come first; older ones follow by date."


def what(row: Listed, with_team: bool) -> str:  # noqa: FBT001 - called by a template
    """Return what a case is about: its kind and what happened, after its team where the viewer has several."""
    said = f"{wording.TYPES[row.case.report_type]}: {wording.listed(row.happened)}".rstrip(": ")
    return f"{wording.SHORT_TEAM_NAMES[row.case.team]} · {said}" if with_team else said


def due(due_at: datetime, now: datetime, hours: OfficeHours | None = None) -> str:
    """Return `12 min left`, `Missed by 3 min`, `9:20am tomorrow` or `9:20am 4 Dec`.

    What is left is said where all of it counts; otherwise, as over a night, when it ends.
    """
    if due_at <= now or hours is None or hours.between(now, due_at) == due_at - now:
        words = wording.clock_words(due_at, now)
        return words[0].upper() + words[1:]
    local, today = due_at.astimezone(UK), now.astimezone(UK).date()
    days = (local.date() - today).days
    day = {0: "today", 1: "tomorrow"}.get(days) or (f"{local:%A}" if days < _SOON else f"{local.day} {local:%b}")
    return f"{clock_time(due_at)} {day}"


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit: `4 min`, `2 h`, `3 days`."""
    words = wording.duration(max(now - since, timedelta(0)))
    number, unit, *_ = words.split(" ")
    return "now" if words.startswith("less") else f"{number} {unit}"
