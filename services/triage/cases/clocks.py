"""What a step in a case's life does to its clocks. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.triage.cases.domain import FINISHED, Case
from services.triage.deadlines.domain import Clock, Timekeeper
from shared.events.vocabulary import CaseState, DeadlineKind, Team

_UNTOUCHED = frozenset({CaseState.NEW, CaseState.CLAIMED})


@dataclass(frozen=True, slots=True)
class ClockRules:
    """How clocks run here: working time, and which teams are staffed round the clock."""

    timekeeper: Timekeeper
    staffed_24_7: frozenset[Team]

    def respond(self, case: Case) -> Clock:
        """Start a new case's clock, from when the report was made and not from when it reached us."""
        return self.timekeeper.respond(case.priority, case.submitted_at, staffed_24_7=case.team in self.staffed_24_7)

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
            return [_met(clock, now) for clock in clocks]
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
        return self.timekeeper.pause(clock, now) if waits else self.timekeeper.resume(clock, now)

    def _with_next_update(self, case: Case, clocks: list[Clock], now: datetime) -> list[Clock]:
        update = self.timekeeper.update(case.priority, now, staffed_24_7=case.team in self.staffed_24_7)
        if update is None:
            return clocks
        if case.state is CaseState.AWAITING_INFORMATION:
            update = self.timekeeper.pause(update, now)
        return [clock for clock in clocks if clock.kind is not DeadlineKind.UPDATE] + [update]


def _met(clock: Clock, now: datetime) -> Clock:
    return clock if clock.met_at else replace(clock, met_at=now, paused_at=None)
