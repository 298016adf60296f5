"""Everything on the page, from one reading of the figures. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.triage.cases import views
from services.triage.operations import panels
from services.triage.operations.domain import SHORTEST_TREND, Figure, percentile
from services.triage.operations.figures import ByDay, Panel, by_figure, days_until, total, waiting_for_a_case
from services.triage.operations.lag import Lag
from services.triage.operations.queries import OpenLetter, Snapshot

PERIODS = {1: "Today", 7: "7 days", 30: "30 days"}


@dataclass(frozen=True, slots=True)
class Top:
    """The line that says whether all is well."""

    unaccounted: int | None
    """None until the ledger has spoken."""
    oldest_unaccounted_s: int | None
    dead_lettered: int
    ledger_at: datetime | None
    accepted_today: int
    first_action: timedelta | None
    """The median of the last seven days."""
    missed_today: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page."""

    at: datetime
    version: int
    days: int
    top: Top
    panels: tuple[Panel, ...]
    letters: tuple[OpenLetter, ...]

    def panel(self, panel_id: str) -> Panel | None:
        return next((panel for panel in self.panels if panel.id == panel_id), None)


def dashboard(snapshot: Snapshot, lag: Lag, days: int) -> Dashboard:
    """Return what the last `days` UK days look like."""
    figures = by_figure(snapshot.counts)
    period, trend = days_until(snapshot.at, days), days_until(snapshot.at, max(days, SHORTEST_TREND))
    top = _top(snapshot, figures)
    parts = (
        panels.funnel(snapshot.ledger, figures, period),
        panels.deadlines(figures, period),
        panels.queues(figures[Figure.WAITING], snapshot.at),
        panels.lengths("first-action", "Time to first action", figures[Figure.FIRST_ACTION], trend),
        panels.lengths("to-resolve", "Time to resolve", figures[Figure.TO_RESOLVE], trend),
        panels.misdirected(figures, trend),
        panels.named("platforms", "Platforms", "Platform", figures[Figure.PLATFORM], period, views.platform),
        panels.named("behaviours", "What was reported", "What", figures[Figure.BEHAVIOUR], period, views.words),
        panels.letters(snapshot),
        panels.pipeline(snapshot, lag),
    )
    return Dashboard(snapshot.at, snapshot.version, days, top, parts, snapshot.newest_letters)


def _top(snapshot: Snapshot, figures: Mapping[Figure, ByDay]) -> Top:
    today, week, ledger = days_until(snapshot.at, 1), days_until(snapshot.at, 7), snapshot.ledger
    spans = {int(label): n for label, n in total(figures[Figure.FIRST_ACTION], week).items()}
    return Top(
        unaccounted=ledger.unaccounted if ledger else None,
        oldest_unaccounted_s=ledger.oldest_unaccounted_s if ledger else None,
        dead_lettered=ledger.dead_lettered if ledger else 0,
        ledger_at=ledger.at if ledger else None,
        accepted_today=total(figures[Figure.ROUTED], today).total() + waiting_for_a_case(ledger),
        first_action=percentile(spans, panels.HALF),
        missed_today=total(figures[Figure.MISSED], today).total(),
    )
