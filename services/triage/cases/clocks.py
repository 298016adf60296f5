"""What a step in a case's life does to its clocks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.triage.cases.domain import FINISHED, Case
from services.triage.deadlines.domain import Clock, Timekeeper
from shared.events.vocabulary import CaseState, DeadlineKind, Team

_UNTOUCHED = frozenset({CaseState.NEW, CaseState.CLAIMED})


@dataclass(frozen=True, slots=True)
class ClockRules:
    """How clocks run here: working time, and which teams are staffed round the clock."""

    timekeeper: Timekeeper
    """Of every team that has no hours of its own."""
    staffed_24_7: frozenset[Team]
    own_hours: Mapping[Team, Timekeeper] = field(default_factory=dict)

    def at_work(self, team: Team, moment: datetime) -> bool:
        """Return whether somebody of `team` is at work."""
        return team in self.staffed_24_7 or self._keeper(team).office.open_at(moment)

    def respond(self, case: Case, start: datetime | None = None) -> Clock:
        """Start a new case's clock, from when the report was made and not from when it reached us.

        Args:
            case: the case.
            start: for a case that somebody asked for later: when they did.
        """
        keeper = self._keeper(case.team)
        return keeper.respond(case.priority, start or case.submitted_at, staffed_24_7=case.team in self.staffed_24_7)

    def breach(self, aware_at: datetime) -> Clock:
        """Start the clock of a breach of personal data."""
        return self.timekeeper.breach(aware_at)

    def after(self, before: Case, after: Case, clocks: Sequence[Clock], now: datetime, *, news: bool) -> list[Clock]:
        """Return the clocks as they run after a step.

        Args:
            before: the case.
            after: the case after the step.
            clocks: all its clocks.
            now: when the step was made.
            news: whether the step was news for the reporter, so that the next update counts from now.
        """
        clocks = [self._paused_or_resumed(clock, before, after, now) for clock in clocks]
        if after.state in FINISHED:
            return [clock if clock.statutory else _met(clock, now) for clock in clocks]
        if after.state in _UNTOUCHED:
            return clocks
        begun = before.state in _UNTOUCHED or before.state in FINISHED
        clocks = [_met(clock, now) if clock.kind is DeadlineKind.RESPOND else clock for clock in clocks]
        return self._with_next_update(after, clocks, now) if begun or news else clocks

    def _paused_or_resumed(self, clock: Clock, before: Case, after: Case, now: datetime) -> Clock:
        waits = after.state is CaseState.AWAITING_INFORMATION
        waited = before.state is CaseState.AWAITING_INFORMATION
        if waits == waited:
            return clock
        keeper = self._keeper(after.team)
        return keeper.pause(clock, now) if waits else keeper.resume(clock, now)

    def _with_next_update(self, case: Case, clocks: list[Clock], now: datetime) -> list[Clock]:
        keeper = self._keeper(case.team)
        update = keeper.update(case.priority, now, staffed_24_7=case.team in self.staffed_24_7)
        if update is None:
            return clocks
        if case.state is CaseState.AWAITING_INFORMATION:
            update = keeper.pause(update, now)
        return [clock for clock in clocks if clock.kind is not DeadlineKind.UPDATE] + [update]

    def _keeper(self, team: Team) -> Timekeeper:
        return self.own_hours.get(team, self.timekeeper)


def _met(clock: Clock, now: datetime) -> Clock:
    return clock if clock.met_at else replace(clock, met_at=now, paused_at=None)
