"""The panels about the work on cases: how long it took, campaigns, take-downs, second reviews. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from services.triage.campaigns.domain import MOST_RECENT, MOST_REPORTS, CampaignState
from services.triage.cases import views
from services.triage.deadlines.domain import UK
from services.triage.operations.charts import Bar, Bars, Columns, Panel, Small, Smalls, Table, Value
from services.triage.operations.domain import CameOf, percentile
from services.triage.operations.queries import Casework
from services.triage.wellbeing import queries as wellbeing
from shared.events.vocabulary import Team

_CAMPAIGNS = {
    CampaignState.SUGGESTED: "Suggested",
    CampaignState.CONFIRMED: "Confirmed",
    CampaignState.DISMISSED: "Dismissed",
}


HALF, NINE_TENTHS = 0.5, 0.9
ByDay = Mapping[datetime, Mapping[str, int]]
_TOOK = ("Cases", "Half took at most", "Nine in ten took at most")
_DRAWN = ("Nine in ten took at most", "Half took at most")
_ACCURATE = "Lengths are right within 25%."
_OF_CAMPAIGNS = (
    f"By the day they were suggested or made, of your teams’ newest {MOST_RECENT:,}, with up to "
    f"{MOST_REPORTS:,} cases of each. A case can be in several, and a campaign in several teams."
)
_OF_REVIEWS = (
    f"By the day of the second decision, of each team’s newest {wellbeing.MOST_COUNTED:,}. It says how clear the "
    "criteria are, not who was right."
)
_OF_TAKEDOWNS = (
    "By the day they were asked, for the team that has the case now. Overdue ones have no answer yet. A case can have "
    f"several take-downs, so they add up to more than cases. {_ACCURATE}"
)


def lengths(panel_id: str, title: str, by_day: ByDay, days: Sequence[datetime]) -> Panel:
    """Return how long a step took, by the day of the report."""
    spans = [_spans(by_day.get(day, {})) for day in days]
    rows = tuple((date_of(day), *_took(one)) for day, one in zip(days, spans, strict=True))
    series = _series(spans)
    top = max((one for one in series[0] if one), default=None)
    longest = timedelta(seconds=top) if top else None
    return Panel(
        title,
        Table(panel_id, ("Day of the report", *_TOOK), rows),
        Columns.of(short(days), series, _seconds, _DRAWN),
        said=f"{title} on each of {len(days)} days. The slowest day: nine in ten took at most {length_of(longest)}",
        note=_ACCURATE if longest else "",
        empty="" if longest else "How long cases took appears here by the day they were reported.",
    )


def lengths_by_team(panel_id: str, title: str, by_day: ByDay, days: Sequence[datetime]) -> Panel:
    """Return how long a step took in each team, by the day of the report. Teams are in one order, never ranked."""
    teams: dict[str, list[dict[int, int]]] = defaultdict(lambda: [{} for _ in days])
    for number, day in enumerate(days):
        for label, n in by_day.get(day, {}).items():
            team, _, span = label.partition("|")
            teams[team][number][int(span)] = n
    drawn = {team: _series(teams[team]) for team in in_order(teams)}
    highest = max((one for series in drawn.values() for one in series[0] if one), default=0.0)
    rows: list[tuple[Value, ...]] = []
    smalls = []
    for team, series in drawn.items():
        name, whole = team_name(team), _took(sum(map(Counter, teams[team]), Counter()))
        rows.append((name, "All days", *whole))
        rows += [(name, date_of(day), *_took(one)) for day, one in zip(days, teams[team], strict=True) if one]
        said = f"{name}: half took at most {whole[1]}, nine in ten at most {whole[2]}"
        smalls.append(Small(name, Columns.of(short(days), series, _seconds, (), highest), said))
    return Panel(
        title,
        Table(panel_id, ("Team", "Day of the report", *_TOOK), tuple(rows)),
        Smalls(tuple(smalls), _DRAWN),
        said="; ".join(small.said for small in smalls),
        note=f"All teams have one scale. {_ACCURATE}" if rows else "",
        empty="" if rows else "How long the cases of each team took appears here.",
    )


def _spans(counts: Mapping[str, int]) -> dict[int, int]:
    return {int(label): n for label, n in counts.items()}


def _took(spans: Mapping[int, int]) -> tuple[int, str | None, str | None]:
    return sum(spans.values()), length_of(percentile(spans, HALF)), length_of(percentile(spans, NINE_TENTHS))


def _series(days: Sequence[Mapping[int, int]]) -> tuple[list[float | None], list[float | None]]:
    """Return for each day, in seconds, what nine in ten took at most, and what half did."""
    tenths, halves = ([_in_seconds(percentile(spans, share)) for spans in days] for share in (NINE_TENTHS, HALF))
    return tenths, halves


def _in_seconds(length: timedelta | None) -> float | None:
    return length.total_seconds() if length else None


def campaigns(work: Casework) -> Panel:
    """Return the campaigns that began in the period, by what people made of them."""
    known = {one.state: one for one in work.campaign_counts}
    found = [(name, known[state]) for state, name in _CAMPAIGNS.items() if state in known]
    most = max((one.campaigns for _, one in found), default=0)
    return Panel(
        "Campaigns",
        Table("campaigns", ("State", "Campaigns", "Cases"), tuple((name, n, cases) for name, (_, n, cases) in found)),
        Bars(tuple(Bar.of(name, [one.campaigns], most) for name, one in found)),
        said=", ".join(f"{name} {one.campaigns}" for name, one in found),
        note=_OF_CAMPAIGNS if found else "",
        empty="" if found else "Cases that seem to belong together appear here.",
    )


def takedowns(asked: ByDay, took: ByDay, period: Sequence[datetime]) -> Panel:
    """Return what platforms did when they were asked to remove something, by the day they were asked."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    spans: dict[str, dict[int, int]] = defaultdict(dict)
    for label, n in total(asked, period).items():
        platform, _, came_of = label.rpartition("|")
        found[platform][came_of] = n
    for label, n in total(took, period).items():
        platform, _, span = label.rpartition("|")
        spans[platform][int(span)] = n
    rows = [_takedowns_of(platform, found[platform], spans[platform]) for platform in sorted(found)]
    names = ("Removed", "Refused", "No answer yet")
    most = max((sum(row[1:4]) for row in rows), default=0)
    return Panel(
        "Take-downs",
        Table("takedowns", ("Platform", *names, "Overdue", "Half were removed within"), tuple(rows)),
        Bars(tuple(Bar.of(row[0], row[1:4], most) for row in rows), names, "age"),
        said=", ".join(f"{row[0]}: {row[1]} removed, {row[2]} refused, {row[3]} without an answer" for row in rows),
        note=_OF_TAKEDOWNS if rows else "",
        empty="" if rows else "What platforms are asked to remove appears here.",
    )


def _takedowns_of(
    platform: str, n: Counter[str], spans: Mapping[int, int]
) -> tuple[str, int, int, int, int, str | None]:
    late = n[CameOf.OVERDUE]
    half = length_of(percentile(spans, HALF))
    return views.platform(platform), n[CameOf.REMOVED], n[CameOf.REFUSED], n[CameOf.OPEN] + late, late, half


def agreement(work: Casework) -> Panel:
    """Return in how many second reviews both people came to the same outcome, by team."""
    rows = tuple(
        (team_name(one.team), one.decided, one.agree, one.decided - one.agree, one.share) for one in work.agreement
    )
    most = max((one.decided for one in work.agreement), default=0)
    bars = [Bar.of(team_name(one.team), (one.agree, one.decided - one.agree), most) for one in work.agreement]
    names = ("Same outcome", "Another outcome")
    return Panel(
        "Second reviews",
        Table("second-reviews", ("Team", "Decided", *names, "Same, per cent"), rows),
        Bars(tuple(bars), names),
        said=", ".join(f"{row[0]}: {row[4]} per cent the same" for row in rows),
        note=_OF_REVIEWS if rows else "",
        empty="" if rows else "Outcomes that a second person decides without knowing the first appear here.",
    )


def team_name(team: str) -> str:
    """Return what a team is called."""
    return views.SHORT_TEAM_NAMES[Team(team)] if team in list(Team) else views.words(team)


def length_of(length: timedelta | None) -> str | None:
    """Return a length in words; None if there is none."""
    return views.duration(length) if length else None


def total(by_day: ByDay, days: Iterable[datetime]) -> Counter[str]:
    """Return the sum over `days`, by label."""
    together: Counter[str] = Counter()
    for day in days:
        together.update(by_day.get(day, {}))
    return together


def in_order(teams: Iterable[str]) -> list[str]:
    """Return teams in the order of the policy, whatever they did."""
    known = list(Team)
    return sorted(teams, key=lambda team: (known.index(Team(team)) if team in known else len(known), team))


def date_of(day: datetime) -> str:
    """Return the date of a UK day."""
    return day.astimezone(UK).date().isoformat()


def short(days: Sequence[datetime]) -> tuple[str, ...]:
    """Return the names of days below a chart."""
    return tuple(_day_and_month(day.astimezone(UK).date()) for day in days)


def _seconds(length: float) -> str | None:
    return length_of(timedelta(seconds=length))


def _day_and_month(day: date) -> str:
    return f"{day.day} {day:%b}"
