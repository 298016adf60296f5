"""What became of each report, and whether all of it adds up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.cli.demo.following import Alert, Case
from services.cli.demo.ledger import Figures
from services.cli.demo.planned import Expected
from services.cli.demo.sending import Answer
from shared.events.vocabulary import Team

_GROWS = ("accepted", "published", "cases", "alert_decisions")
_WORDS = {"alert_decisions": "alert decisions"}


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one report."""

    answer: Answer
    cases: Sequence[Case] = ()
    alerts: Sequence[Alert] = ()

    @property
    def first(self) -> Case | None:
        """The case of the reference that the reporter was given."""
        return next((case for case in self.cases if case.reference == self.answer.reference), None)

    @property
    def linked(self) -> Sequence[Case]:
        return [case for case in self.cases if case.reference != self.answer.reference]

    def problems(self) -> Iterator[str]:
        """Yield what is not as it should be, in a few words."""
        answer, expected = self.answer, self.answer.expected
        if answer.status is None:
            yield "was not answered: nobody knows whether it was taken"
        elif answer.status != expected.status:
            yield f"was answered {answer.status} instead of {expected.status}"
        elif answer.accepted:
            yield from self._taken(expected)

    def _taken(self, expected: Expected) -> Iterator[str]:
        first = self.first
        if first is None:
            yield "has no case"
            return
        if first.team not in _may_have_it(expected):
            yield f"is with {first.team} instead of {expected.team}"
        if expected.also is not None and {case.team for case in self.linked} != expected.also:
            yield f"has linked cases of {_list(case.team for case in self.linked)} instead of {_list(expected.also)}"
        if first.routing.misdirected != expected.misdirected:
            yield "was called misdirected" if first.routing.misdirected else "was not called misdirected"
        purposes = {alert.purpose for alert in self.alerts}
        yield from (f"told nobody for {purpose}" for purpose in sorted(expected.told - purposes))
        yield from (f"told somebody for {purpose}" for purpose in sorted(expected.untold & purposes))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was sent, and the ledger before and after."""

    rows: Sequence[Row]
    before: Figures
    after: Figures | None
    """None where it could not be read any more."""
    source: str
    """Where the ledger's figures are from."""
    interrupted: bool = False

    @property
    def sent(self) -> int:
        return len(self.rows)

    @property
    def accepted(self) -> int:
        return sum(row.answer.accepted for row in self.rows)

    @property
    def refused(self) -> int:
        return self.sent - self.accepted - self.unanswered

    @property
    def unanswered(self) -> int:
        return sum(row.answer.status is None for row in self.rows)

    @property
    def repeated(self) -> int:
        """How many were sent more than once."""
        return sum(row.answer.tries > 1 for row in self.rows)

    @property
    def with_a_case(self) -> int:
        """How many different reports have their case."""
        return len({row.answer.report_id for row in self.rows if row.first is not None})

    @property
    def growth(self) -> Mapping[str, int]:
        """How much each of the ledger's figures grew that was read before and after."""
        grown: dict[str, int] = {}
        for name in _GROWS:
            was, became = getattr(self.before, name), getattr(self.after, name, None)
            if was is not None and became is not None:
                grown[name] = became - was
        return grown

    def problems(self) -> Iterator[str]:
        """Yield what does not add up."""
        for row in self.rows:
            name = row.answer.reference or f"report {row.answer.number}"
            yield from (f"{name} ({row.answer.scenario}) {problem}" for problem in row.problems())
        if self.with_a_case != self.accepted:
            yield f"{self.accepted} were accepted, and {self.with_a_case} different reports have a case"
        yield from self._of_the_ledger()

    def _of_the_ledger(self) -> Iterator[str]:
        after = self.after
        if after is None:
            yield "the ledger could not be read afterwards"
            return
        for name, grown in self.growth.items():
            said = f"{self.accepted} were accepted, and the ledger's {_WORDS.get(name, name)} grew by {grown}"
            if grown < self.accepted:
                yield said
            elif grown > self.accepted:
                yield f"{said}: somebody else reports at the same time, or a report was taken twice"
        if after.unaccounted > self.before.unaccounted:
            yield f"{after.unaccounted - self.before.unaccounted} are unaccounted for"
        if after.dead_lettered > self.before.dead_lettered:
            yield f"{after.dead_lettered - self.before.dead_lettered} were set aside as dead letters"
        if after.in_flight:
            yield f"{after.in_flight} are still on their way"


def rows_of(
    answers: Iterable[Answer], cases: Mapping[UUID, Sequence[Case]], alerts: Mapping[UUID, Sequence[Alert]]
) -> list[Row]:
    """Return a row for each answer, in the order of the plan."""
    in_order = sorted(answers, key=lambda answer: answer.number)
    return [_row(answer, answer.report_id, cases, alerts) for answer in in_order]


def _row(
    answer: Answer,
    report_id: UUID | None,
    cases: Mapping[UUID, Sequence[Case]],
    alerts: Mapping[UUID, Sequence[Alert]],
) -> Row:
    if report_id is None:
        return Row(answer)
    return Row(answer, cases.get(report_id, ()), alerts.get(report_id, ()))


def _may_have_it(expected: Expected) -> set[Team | None]:
    """Return who may have the first case: of a subject whom nobody manages, the triage desk."""
    if expected.team is Team.LINE_MANAGER:
        return {Team.LINE_MANAGER, Team.TRIAGE_DESK}
    return {expected.team}


def _list(teams: Iterable[str]) -> str:
    return " and ".join(sorted(teams)) or "nobody"
