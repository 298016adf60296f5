"""Everything on the page, from one reading of the figures: panels with their tables and charts. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from services.triage.cases import views
from services.triage.deadlines.domain import UK
from services.triage.operations import panels
from services.triage.operations.charts import Bar, Bars, Columns, Panel, Table, Value
from services.triage.operations.domain import SHORTEST_TREND, Cell, Figure, Kept, Looked, day_of, percentile, slot_of
from services.triage.operations.panels import HALF, ByDay, date_of, in_order, short, team_name, total
from services.triage.operations.queries import MOST_WAITING, Casework, Lag, Ledger, OpenLetter, Snapshot
from shared.events.topics import GROUPS, SERVICES, sessions_group
from shared.events.vocabulary import Team
from shared.web.times import clock_time, uk_time

READERS: Mapping[str, str] = {
    "signpost-intake": "Status pages: what happened to each report",
    "signpost-intake-inbound": "Reports from other systems",
    "signpost-triage": "Cases: new reports",
    "signpost-triage-accounts": "Cases: the register and the staff directory",
    "signpost-triage-operations": "The figures of this page",
    "signpost-registry": "The register: confirmed takeovers, and the staff directory",
    "signpost-notifier": "Alerts and emails",
    **{sessions_group(service): f"Ended sessions, for {service}" for service in SERVICES},
}
"""What each reader of the event log reads, by its group."""
_FIRST = "A report counts for the team of its first case."
_LINKED = "A report can have linked cases with several teams, so cases add up to more than reports."
PERIODS = {1: "Today", 7: "7 days", 30: "30 days"}
MOST_BARS = 10
AGES = (
    ("Under 1 hour", timedelta(hours=1)),
    ("1 to 4 hours", timedelta(hours=4)),
    ("4 to 24 hours", timedelta(days=1)),
    ("1 to 7 days", timedelta(days=7)),
    ("Over 7 days", timedelta.max),
)
STEPS: Mapping[str, str] = {
    "deadline_at_risk": "Warning that a deadline is at risk",
    "deadline_missed": "Warning that a deadline was missed",
    "takedown": "Chasing of a take-down",
    "machine_form": "Sending of a form to a platform",
    "task": "Note that a task is overdue",
    "lease": "End of a claim that ran out",
    "change_search": "Update of the search after a change",
    "change_campaigns": "Comparison of a changed case with others",
    "bulk": "End of a bulk action",
    "bulk_forgotten": "Deletion of a bulk action",
    "key_forgotten": "End of a link between cases",
    "hand_over_forgotten": "Deletion of a hand-over",
    "exposure_forgotten": "Deletion of what people were shown",
    "exposure_request_forgotten": "Deletion of who asked to be shown more",
    "search_forgotten": "Deletion of who searched for cases",
    "view_forgotten": "Deletion of a saved view of the queue",
    "shift": "Announcement of a change of shifts",
    "report_forgotten": "Deletion of how to reach a reporter",
    "grant_forgotten": "Deletion of a used permission to open evidence",
    "reminder": "Reminder of an alert",
    "escalation": "Escalation of an alert",
    "digest": "Digest of alerts",
    "delivery": "Email or message to be sent",
    "follow_up": "Alert about a case whose report was missing",
    "lapse": "End of a lapsed authorisation",
    "exception": "End of a policy exception",
    "review": "Notice of a review of an account",
    "upload_forgotten": "Deletion of an upload that was not used",
    "draft_forgotten": "Deletion of a form that was not sent",
    "answer_forgotten": "Deletion of an answer kept for a repeated request",
}
"""What an auditor looks for, by the name of the step in its event."""
AUDITOR_SILENT = timedelta(minutes=15)
"""An auditor reports every five minutes; after three reports that did not come, the page says so."""
NO_WORK = Casework()


@dataclass(frozen=True, slots=True)
class Top:
    """The line that says whether all is well."""

    unaccounted: int | None
    """None until the first ledger event arrives."""
    oldest_unaccounted_s: int | None
    dead_lettered: int
    ledger_at: datetime | None
    accepted_today: int
    first_action: timedelta | None
    """The median of the last seven days."""
    missed_today: int

    @property
    def median_first_action_s(self) -> int | None:
        """The same in whole seconds."""
        return int(self.first_action.total_seconds()) if self.first_action else None


class Asked(NamedTuple):
    """Which days the page shows, and of which team; None for all."""

    days: int
    team: Team | None = None

    def query(self, **changes: object) -> str:
        """Return it as a URL's query, with `changes`."""
        wanted = self._replace(**changes)  # type: ignore[arg-type]  # checks the names itself
        return urlencode({"days": wanted.days} | ({"team": wanted.team} if wanted.team else {}))


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page."""

    at: datetime
    version: int
    asked: Asked
    top: Top
    panels: tuple[Panel, ...]
    letters: tuple[OpenLetter, ...]

    def panel(self, panel_id: str) -> Panel | None:
        return next((panel for panel in self.panels if panel.id == panel_id), None)


def dashboard(snapshot: Snapshot, lag: Lag, asked: Asked, work: Casework = NO_WORK) -> Dashboard:
    """Return what the UK days that were asked for look like, of one team or of all."""
    figures = by_figure(snapshot.counts, asked.team, lambda _team, what: what)
    of_teams = by_figure(snapshot.counts, asked.team, lambda team, _what: team)
    of_both = by_figure(snapshot.counts, asked.team, lambda team, what: f"{team}|{what}")
    period = days_until(snapshot.at, asked.days)
    trend = days_until(snapshot.at, max(asked.days, SHORTEST_TREND))
    ledger = None if asked.team else snapshot.ledger
    parts = (
        volume(figures, snapshot.at, asked.days, trend),
        funnel(ledger, figures, period),
        deadlines(of_both, figures, period),
        queues(of_teams[Figure.WAITING], snapshot.at),
        looked_again(of_both[Figure.LOOKED_AGAIN], of_teams[Figure.TO_LOOK_AT], period, snapshot.at),
        overdue(snapshot),
        panels.lengths("first-action", "Time to first action", figures[Figure.FIRST_ACTION], trend),
        panels.lengths("to-resolve", "Time to resolve", figures[Figure.TO_RESOLVE], trend),
        panels.lengths_by_team("first-action-by-team", "First action, by team", of_both[Figure.FIRST_ACTION], period),
        panels.lengths_by_team("to-resolve-by-team", "Resolved, by team", of_both[Figure.TO_RESOLVE], trend),
        panels.campaigns(work),
        panels.takedowns(figures[Figure.TAKEDOWN], figures[Figure.REMOVED_WITHIN], period),
        panels.agreement(work),
        misdirected(figures, trend),
        named("platforms", "Platforms", "Platform", figures[Figure.PLATFORM], period, views.platform),
        named("behaviours", "What was reported", "What", figures[Figure.BEHAVIOUR], period, views.words),
        letters(snapshot),
        pipeline(snapshot, lag),
    )
    return Dashboard(snapshot.at, snapshot.version, asked, _top(snapshot, figures), parts, snapshot.newest_letters)


def _top(snapshot: Snapshot, figures: Mapping[Figure, ByDay]) -> Top:
    today, week, ledger = days_until(snapshot.at, 1), days_until(snapshot.at, 7), snapshot.ledger
    spans = {int(label): n for label, n in total(figures[Figure.FIRST_ACTION], week).items()}
    return Top(
        unaccounted=ledger.unaccounted if ledger else None,
        oldest_unaccounted_s=ledger.oldest_unaccounted_s if ledger else None,
        dead_lettered=ledger.dead_lettered if ledger else 0,
        ledger_at=ledger.at if ledger else None,
        accepted_today=total(figures[Figure.ROUTED], today).total() + waiting_for_a_case(ledger),
        first_action=percentile(spans, HALF),
        missed_today=total(figures[Figure.MISSED], today).total(),
    )


def funnel(ledger: Ledger | None, figures: Mapping[Figure, ByDay], period: Sequence[datetime]) -> Panel:
    """Return how many of the period's reports reached each step."""
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
        note=f"{nobody} of them needed no alert, or the reporter asked for none." if nobody else "",
        empty="" if accepted else "Each report appears here as it goes from step to step.",
    )


def volume(figures: Mapping[Figure, ByDay], now: datetime, days: int, trend: Sequence[datetime]) -> Panel:
    """Return how many reports came: today by the hour, otherwise by the day."""
    by_hour = days == 1
    figure, moments = (Figure.HOURLY, hours_until(now)) if by_hour else (Figure.ROUTED, trend)
    counts = [figures[figure].get(moment, {}).get("", 0) for moment in moments]
    names = tuple(map(_hour, moments)) if by_hour else short(moments)
    rows = zip(names if by_hour else map(date_of, moments), counts, strict=True)
    most, all_of_them = max(counts), sum(counts)
    return Panel(
        "Reports today, by hour" if by_hour else "Reports a day",
        Table("volume", ("Hour" if by_hour else "Day", "Reports"), tuple(rows)),
        Columns.of(names, (counts,), _whole, ("Reports",)),
        said=f"{all_of_them} reports; the most in one {'hour' if by_hour else 'day'}: {most}",
        note=f"{all_of_them} reports with a case, by when they were made. {_FIRST}",
        empty="" if all_of_them else "Reports appear here as soon as they have a case.",
    )


def queues(waiting: ByDay, now: datetime) -> Panel:
    """Return the open cases, by team and age."""
    ages: dict[str, list[int]] = defaultdict(lambda: [0] * len(AGES))
    for opened_at, teams in waiting.items():
        age = next(number for number, (_, limit) in enumerate(AGES) if now - opened_at < limit)
        for team, n in teams.items():
            ages[team][age] += n
    rows: list[tuple[Value, ...]] = [(team_name(team), *ages[team], sum(ages[team])) for team in in_order(ages)]
    most = max((sum(counts) for counts in ages.values()), default=0)
    names = tuple(name for name, _ in AGES)
    return Panel(
        "Open cases, by team and age",
        Table("queues", ("Team", *names, "All"), tuple(rows)),
        Bars(tuple(Bar.of(team_name(team), ages[team], most) for team in in_order(ages)), names, "age"),
        said=", ".join(f"{row[0]} {row[-1]}" for row in rows),
        note=f"Ages are right within a quarter of an hour. {_LINKED}" if rows else "",
        empty="" if rows else "Cases that are not resolved appear here. There are none now.",
    )


def deadlines(of_both: Mapping[Figure, ByDay], figures: Mapping[Figure, ByDay], period: Sequence[datetime]) -> Panel:
    """Return how many cases of the period kept or missed their deadlines."""
    teams: dict[str, dict[str, int]] = defaultdict(dict)
    for label, n in total(of_both[Figure.DEADLINES], period).items():
        team, _, kept = label.partition("|")
        teams[team][kept] = n
    rows: list[tuple[Value, ...]] = [
        (team_name(team), *(teams[team].get(kept, 0) for kept in Kept)) for team in in_order(teams)
    ]
    most = max((sum(counts.values()) for counts in teams.values()), default=0)
    names = ("Finished, every deadline kept", "Open, none missed so far", "A deadline was missed")
    bars = [Bar.of(team_name(team), [teams[team].get(kept, 0) for kept in Kept], most) for team in in_order(teams)]
    return Panel(
        "Deadlines",
        Table("deadlines", ("Team", *names), tuple(rows)),
        Bars(tuple(bars), names),
        said=", ".join(f"{row[0]}: {row[3]} with a missed deadline" for row in rows),
        note=_sum(sum(map(sum, ([*counts.values()] for counts in teams.values()))), figures, period) if rows else "",
        empty="" if rows else "Cases appear here with the deadlines they kept and missed.",
    )


def looked_again(by_day: ByDay, due: ByDay, period: Sequence[datetime], now: datetime) -> Panel:
    """Return what came of outcomes that reporters asked to be looked at again, by the day of the request."""
    asked = total(by_day, period)
    waiting, late = total(due, due), total(due, [at for at in due if at < slot_of(now)])
    known = in_order({label.partition("|")[0] for label in asked} | set(waiting))
    teams = {team: [asked[f"{team}|{looked}"] for looked in Looked] for team in known}
    rows: list[tuple[Value, ...]] = []
    for team, n in teams.items():
        share = round(100 * n[2] / (n[1] + n[2]), 1) if n[1] + n[2] else None
        rows.append((team_name(team), sum(n), *n, share, waiting[team], late[team]))
    legend, most = ("Waiting", "It stands", "Changed", "Reopened first"), max(map(sum, teams.values()), default=0)
    return Panel(
        "Outcomes looked at again",
        Table("looked-again", ("Team", "Asked", *legend, "Changed, per cent", "Open now", "Overdue"), tuple(rows)),
        Bars(tuple(Bar.of(team_name(team), n, most) for team, n in teams.items()), legend, "age"),
        said=", ".join(f"{row[0]}: {row[1]} asked, {row[7]} open, {row[8]} overdue" for row in rows),
        note=f"{waiting.total()} open now, {late.total()} of them overdue." if rows else "",
        empty="" if rows else "Requests of reporters to look at an outcome again appear here.",
    )


def overdue(snapshot: Snapshot) -> Panel:
    """Return the steps that time demanded and that did not happen, as the auditor of each service found them."""
    rows = [
        (service.capitalize(), STEPS.get(step, step), n, _since(oldest), _since(at))
        for service, at, found in snapshot.overdue
        for step, n, oldest in found
    ]
    rows.sort(key=lambda row: not row[2])
    silent = [service for service, at, _ in snapshot.overdue if snapshot.at - at > AUDITOR_SILENT]
    late = sum(n for _, _, n, _, _ in rows)
    said = f"{late} did not happen when they were due. " if late else ""
    if silent:
        said += f"The auditor has not reported lately for: {', '.join(silent)}. What it said last may be out of date."
    return Panel(
        "Steps that did not happen",
        Table("overdue-steps", ("Service", "Step", "Not done", "Due since", "Checked"), tuple(rows)),
        note=said.strip() or ("Every step that was due has happened." if rows else ""),
        folded=bool(rows) and not late,
        empty="" if rows else "The auditor’s first check appears here within a minute of a start.",
    )


def misdirected(figures: Mapping[Figure, ByDay], days: Sequence[datetime]) -> Panel:
    """Return the share of reports sent by the wrong form."""
    rows, shares = [], []
    for day in days:
        every, wrong = (figures[figure].get(day, {}).get("", 0) for figure in (Figure.ROUTED, Figure.MISDIRECTED))
        share = 100 * wrong / every if every else None
        rows.append((date_of(day), every, wrong, None if share is None else round(share, 1)))
        shares.append(share)
    highest = max((share for share in shares if share), default=0)
    wrong_in_all = sum(int(row[2]) for row in rows)
    return Panel(
        "Sent by another form than the right one",
        Table("misdirected", ("Day", "Reports", "Misdirected", "Share in per cent"), tuple(rows)),
        Columns.of(short(days), (shares,), lambda share: f"{share:.0f}%", ("Share of the day’s reports",)),
        said=f"{wrong_in_all} in {len(days)} days; the highest share of a day is {highest:.0f} per cent",
        empty="" if wrong_in_all else "Reports sent by the wrong form appear here. They are accepted too.",
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
    """Return how many events are not yet published or read."""
    ledger = snapshot.ledger
    unpublished = max(0, ledger.accepted - ledger.published - ledger.in_flight) if ledger else None
    more = "or more" if snapshot.outbox >= MOST_WAITING else ""
    rows = [("Reports not yet published", unpublished, _state(unpublished))]
    rows += [("Events of triage not yet published", snapshot.outbox, f"{_state(snapshot.outbox)} {more}".strip())]
    known = lag.behind or {}
    nothing = "Not known" if lag.behind is None else "Nothing to read yet"
    rows += [(READERS.get(group, group), known.get(group), _state(known.get(group), nothing)) for group in GROUPS]
    return Panel(
        "Events on their way",
        Table("lag", ("Where", "Events behind", "State"), tuple(rows)),
        note="" if lag.behind is not None else "The event log does not answer: how far its readers are is not known.",
    )


def letters(snapshot: Snapshot) -> Panel:
    """Return the dead letters that wait, by reader and reason."""
    rows = tuple((GROUPS.get(group, group).capitalize(), group, error, n) for group, error, n in snapshot.letters)
    waiting = sum(n for _, _, n in snapshot.letters)
    return Panel(
        "Dead letters",
        Table("dead-letters", ("Service", "Reader", "Why", "Waiting"), rows),
        note=f"{waiting} wait in all four services together." if rows else "",
        empty="" if rows else "Records that a service cannot handle appear here until an operator settles them.",
    )


def by_figure(
    counts: Mapping[Cell, int], team: Team | None, label_of: Callable[[str, str], str]
) -> dict[Figure, ByDay]:
    """Return the numbers of each figure by day (or moment) and label, of one team or of all.

    Args:
        counts: the cells.
        team: whose cells count; None for every team's.
        label_of: from a cell's team and what else it says to the label; cells with one label are added up.
    """
    figures: dict[Figure, dict[datetime, Counter[str]]] = {figure: defaultdict(Counter) for figure in Figure}
    for (figure, at, label), n in counts.items():
        whose, _, what = label.partition("|")
        if n > 0 and team in {None, whose}:
            figures[figure][at][label_of(whose, what)] += n
    return {figure: dict(by_day) for figure, by_day in figures.items()}


def days_until(now: datetime, count: int) -> list[datetime]:
    """Return when each of the last `count` UK days began, the oldest first."""
    today = now.astimezone(UK).date()
    noon = [datetime.combine(today - timedelta(days=back), now.time().replace(12), UK) for back in range(count)]
    return [day_of(moment) for moment in reversed(noon)]


def hours_until(now: datetime) -> list[datetime]:
    """Return when each hour of this UK day began, up to the current one: 23 to 25 hours at the most."""
    first = day_of(now)
    return [first + timedelta(hours=number) for number in range(int((now - first) / timedelta(hours=1)) + 1)]


def waiting_for_a_case(ledger: Ledger | None) -> int:
    """Return how many reports have no case and are not in flight.

    Reports in flight are left out for everyone: a number that rises and falls again while a case is opened would show
    a person that there is a case that is kept from them.
    """
    return max(0, ledger.accepted - ledger.cases - ledger.in_flight) if ledger else 0


def _sum(cases: int, figures: Mapping[Figure, ByDay], period: Sequence[datetime]) -> str:
    """Say why the teams add up to more than the reports, where they do."""
    came = total(figures[Figure.ROUTED], period).total()
    return f"{cases} cases of {came} reports. {_LINKED}" if cases > came else ""


def _state(behind: int | None, unknown: str = "Not known") -> str:
    if behind is None:
        return unknown
    return "Catching up" if behind else "Up to date"


def _since(moment: datetime | None) -> str | None:
    return uk_time(moment) if moment else None


def _whole(count: float) -> str | None:
    """Return a count for the axis; None between two whole numbers."""
    return f"{count:,.0f}" if count == int(count) else None


def _hour(moment: datetime) -> str:
    return clock_time(moment)
