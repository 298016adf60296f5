"""The panels of the page: each has its table, and the chart is a picture of that table. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.triage.cases import views
from services.triage.operations.charts import Bar, Bars, Columns
from services.triage.operations.domain import UK, Figure, Kept, percentile
from services.triage.operations.figures import ByDay, Panel, Table, Value, total, waiting_for_a_case
from services.triage.operations.lag import Lag
from services.triage.operations.queries import MOST_WAITING, Ledger, Snapshot
from shared.events.topics import GROUPS
from shared.events.vocabulary import Team

MOST_BARS = 10
AGES = (
    ("Under 1 hour", timedelta(hours=1)),
    ("1 to 4 hours", timedelta(hours=4)),
    ("4 to 24 hours", timedelta(days=1)),
    ("1 to 7 days", timedelta(days=7)),
    ("Over 7 days", timedelta.max),
)
HALF, NINE_TENTHS = 0.5, 0.9


def funnel(ledger: Ledger | None, figures: Mapping[Figure, ByDay], period: Sequence[datetime]) -> Panel:
    """Return how far the reports of the period have come."""
    count = {figure: total(figures[figure], period).total() for figure in Figure}
    waiting = waiting_for_a_case(ledger)
    accepted = count[Figure.ROUTED] + waiting
    unpublished = min(waiting, ledger.accepted - ledger.published) if ledger else 0
    stages = (
        ("Accepted", accepted),
        ("Published", accepted - unpublished),
        ("Routed to a team", count[Figure.ROUTED]),
        ("Alert sent", count[Figure.ALERTED]),
        ("Acknowledged", count[Figure.ACKNOWLEDGED]),
        ("Resolved", count[Figure.RESOLVED]),
    )
    nobody = count[Figure.NOBODY_TOLD]
    return Panel(
        "From accepted to resolved",
        Table("funnel", ("Step", "Reports"), stages),
        Bars(tuple(Bar.of(name, [n], accepted) for name, n in stages)),
        said=", ".join(f"{name.lower()} {n}" for name, n in stages),
        note=f"{nobody} of them needed nobody to be told, or the reporter asked for nobody." if nobody else "",
        empty="" if accepted else "Each report appears here as it goes from step to step.",
    )


def queues(waiting: ByDay, now: datetime) -> Panel:
    """Return the cases that wait."""
    ages: dict[str, list[int]] = defaultdict(lambda: [0] * len(AGES))
    for opened_at, teams in waiting.items():
        age = next(number for number, (_, limit) in enumerate(AGES) if now - opened_at < limit)
        for team, n in teams.items():
            ages[team][age] += n
    rows: list[tuple[Value, ...]] = [(_team(team), *ages[team], sum(ages[team])) for team in _in_order(ages)]
    most = max((sum(counts) for counts in ages.values()), default=0)
    names = tuple(name for name, _ in AGES)
    return Panel(
        "Cases that wait, by team and age",
        Table("queues", ("Team", *names, "All"), tuple(rows)),
        Bars(tuple(Bar.of(_team(team), ages[team], most) for team in _in_order(ages)), names, "age"),
        said=", ".join(f"{row[0]} {row[-1]}" for row in rows),
        note="Ages are right within a quarter of an hour." if rows else "",
        empty="" if rows else "Cases that are not resolved appear here. Nothing waits.",
    )


def deadlines(figures: Mapping[Figure, ByDay], period: Sequence[datetime]) -> Panel:
    """Return how the cases of the period stand with their deadlines."""
    teams: dict[str, dict[str, int]] = defaultdict(dict)
    for label, n in total(figures[Figure.DEADLINES], period).items():
        team, _, kept = label.partition("|")
        teams[team][kept] = n
    rows: list[tuple[Value, ...]] = [
        (_team(team), *(teams[team].get(kept, 0) for kept in Kept)) for team in _in_order(teams)
    ]
    most = max((sum(counts.values()) for counts in teams.values()), default=0)
    names = ("Finished, every deadline kept", "Open, none missed so far", "A deadline was missed")
    bars = [Bar.of(_team(team), [teams[team].get(kept, 0) for kept in Kept], most) for team in _in_order(teams)]
    return Panel(
        "Deadlines",
        Table("deadlines", ("Team", *names), tuple(rows)),
        Bars(tuple(bars), names),
        said=", ".join(f"{row[0]}: {row[3]} with a missed deadline" for row in rows),
        empty="" if rows else "Cases appear here with the deadlines they kept and missed.",
    )


def lengths(panel_id: str, title: str, by_day: ByDay, days: Sequence[datetime]) -> Panel:
    """Return how long something took, by the day of the report."""
    rows, halves, tenths = [], [], []
    for day in days:
        spans = {int(label): n for label, n in by_day.get(day, {}).items()}
        half, tenth = percentile(spans, HALF), percentile(spans, NINE_TENTHS)
        rows.append((_date(day), sum(spans.values()), _length(half), _length(tenth)))
        halves.append(half.total_seconds() if half else None)
        tenths.append(tenth.total_seconds() if tenth else None)
    top = max((one for one in tenths if one), default=None)
    longest = timedelta(seconds=top) if top else None
    return Panel(
        title,
        Table(panel_id, ("Day of the report", "Cases", "Half took at most", "Nine in ten took at most"), tuple(rows)),
        Columns.of(_short(days), (tenths, halves), _length(longest), ("Nine in ten took at most", "Half took at most")),
        said=f"{title} on each of {len(days)} days. The slowest day: nine in ten took at most {_length(longest)}",
        note="Lengths are right within 25%." if longest else "",
        empty="" if longest else "How long cases took appears here by the day they were reported.",
    )


def misdirected(figures: Mapping[Figure, ByDay], days: Sequence[datetime]) -> Panel:
    """Return the share of reports that came by the wrong form."""
    rows, shares = [], []
    for day in days:
        every, wrong = (figures[figure].get(day, {}).get("", 0) for figure in (Figure.ROUTED, Figure.MISDIRECTED))
        share = 100 * wrong / every if every else None
        rows.append((_date(day), every, wrong, None if share is None else round(share, 1)))
        shares.append(share)
    highest = max((share for share in shares if share), default=0)
    wrong_in_all = sum(int(row[2]) for row in rows)
    return Panel(
        "Sent by another form than the right one",
        Table("misdirected", ("Day", "Reports", "Misdirected", "Share in per cent"), tuple(rows)),
        Columns.of(_short(days), (shares,), f"{highest:.0f}%", ("Share of the day’s reports",)),
        said=f"{wrong_in_all} in {len(days)} days; the highest share of a day is {highest:.0f} per cent",
        empty="" if wrong_in_all else "Reports that came by the wrong form appear here. They are accepted too.",
    )


def named(
    panel_id: str, title: str, column: str, by_day: ByDay, period: Sequence[datetime], name: Callable[[str], str]
) -> Panel:
    """Return how often each word was reported, the most frequent first."""
    found = total(by_day, period).most_common()
    rows = tuple((name(label), n) for label, n in sorted(found, key=lambda one: (-one[1], one[0])))
    most = rows[0][1] if rows else 0
    return Panel(
        title,
        Table(panel_id, (column, "Reports"), rows),
        Bars(tuple(Bar.of(label, [n], most) for label, n in rows[:MOST_BARS])),
        said=", ".join(f"{label} {n}" for label, n in rows[:MOST_BARS]),
        note=f"The {MOST_BARS} most frequent of {len(rows)} are drawn." if len(rows) > MOST_BARS else "",
        empty="" if rows else "What reports are about appears here.",
    )


def pipeline(snapshot: Snapshot, lag: Lag) -> Panel:
    """Return how far events are behind."""
    ledger = snapshot.ledger
    unpublished = max(0, ledger.accepted - ledger.published - ledger.in_flight) if ledger else None
    more = "or more" if snapshot.outbox >= MOST_WAITING else ""
    rows = [("Reports not yet published", unpublished, _state(unpublished))]
    rows += [("Events of triage not yet published", snapshot.outbox, f"{_state(snapshot.outbox)} {more}".strip())]
    known = lag.behind or {}
    nothing = "Not known" if lag.behind is None else "Has read nothing yet"
    rows += [(f"Reader {group}", known.get(group), _state(known.get(group), nothing)) for group in GROUPS]
    return Panel(
        "Events on their way",
        Table("lag", ("Where", "Events behind", "State"), tuple(rows)),
        note="" if lag.behind is not None else "The event log does not answer: how far its readers are is not known.",
    )


def letters(snapshot: Snapshot) -> Panel:
    """Return the dead letters that wait, by reader and reason."""
    rows = tuple((GROUPS.get(group, group).capitalize(), group, error, n) for group, error, n in snapshot.letters)
    return Panel(
        "Dead letters",
        Table("dead-letters", ("Service", "Reader", "Why", "Waiting"), rows),
        empty="" if rows else "Records that a service cannot handle appear here until somebody settles them.",
    )


def _state(behind: int | None, unknown: str = "Not known") -> str:
    if behind is None:
        return unknown
    return "Catching up" if behind else "Up to date"


def _in_order(teams: Iterable[str]) -> list[str]:
    known = list(Team)
    return sorted(teams, key=lambda team: (known.index(Team(team)) if team in known else len(known), team))


def _team(team: str) -> str:
    return views.SHORT_TEAM_NAMES[Team(team)] if team in list(Team) else views.words(team)


def _length(length: timedelta | None) -> str | None:
    return views.duration(length) if length else None


def _date(day: datetime) -> str:
    return day.astimezone(UK).date().isoformat()


def _short(days: Sequence[datetime]) -> tuple[str, ...]:
    return tuple(_day_and_month(day.astimezone(UK).date()) for day in days)


def _day_and_month(day: date) -> str:
    return f"{day.day} {day:%b}"
