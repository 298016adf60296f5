"""The panels about the work on cases: campaigns, take-downs, second reviews. Pure."""

from datetime import timedelta

from services.triage.campaigns.domain import MOST_RECENT, CampaignState
from services.triage.cases import views
from services.triage.operations.charts import Bar, Bars, Panel, Table
from services.triage.operations.queries import Casework
from shared.events.vocabulary import Team

_CAMPAIGNS = {
    CampaignState.SUGGESTED: "Suggested",
    CampaignState.CONFIRMED: "Confirmed",
    CampaignState.DISMISSED: "Dismissed",
}


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
        note=f"By the day they were suggested or made, of your teams' newest {MOST_RECENT:,}. A case can be in several."
        if found
        else "",
        empty="" if found else "Cases that seem to belong together appear here.",
    )


def takedowns(work: Casework) -> Panel:
    """Return what platforms did when they were asked to remove something, by the day they were asked."""
    found = work.takedown_counts
    rows = tuple(
        (views.platform(one.platform), one.removed, one.refused, one.open, one.overdue, _hours(one.hours))
        for one in found
    )
    names = ("Removed", "Refused", "No answer yet")
    most = max((one.removed + one.refused + one.open for one in found), default=0)
    bars = [Bar.of(views.platform(one.platform), (one.removed, one.refused, one.open), most) for one in found]
    return Panel(
        "Take-downs",
        Table("takedowns", ("Platform", *names, "Overdue", "Half were removed within"), rows),
        Bars(tuple(bars), names, "age"),
        said=", ".join(f"{row[0]}: {row[1]} removed, {row[2]} refused, {row[3]} without an answer" for row in rows),
        note="Overdue ones have no answer yet." if rows else "",
        empty="" if rows else "What platforms are asked to remove appears here.",
    )


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
        note="By the day of the second decision. It says how clear the criteria are, not who was right."
        if rows
        else "",
        empty="" if rows else "Outcomes that a second person decides without knowing the first appear here.",
    )


def team_name(team: str) -> str:
    """Return what a team is called."""
    return views.SHORT_TEAM_NAMES[Team(team)] if team in list(Team) else views.words(team)


def length_of(length: timedelta | None) -> str | None:
    """Return a length in words; None if there is none."""
    return views.duration(length) if length else None


def _hours(hours: float | None) -> str | None:
    return None if hours is None else length_of(timedelta(hours=hours))
