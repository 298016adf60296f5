"""What became of each report, whether all of it adds up, and how it is shown: tables, or one JSON object."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from rich.console import Console
from rich.table import Table

from demo.readers import Alert, Case, Figures
from demo.reports import Expectation
from demo.submission import Answer
from shared.events.vocabulary import RecipientReason, Team

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
        """Yield what is not as it should be, in a few words: wrong, or not there yet."""
        yield from self.wrong()
        yield from self.late()

    def late(self) -> Iterator[str]:
        """Yield what is not there, and may still come."""
        answer, expected = self.answer, self.answer.expected
        if not answer.accepted or answer.status != expected.status:
            return
        if self.first is None:
            yield "has no case"
            return
        missing = (expected.also or frozenset()) - {case.team for case in self.linked}
        if missing:
            yield f"has no linked case of {_list(missing)}"
        told = {alert.purpose for alert in self.alerts}
        yield from (f"told no one for {purpose}" for purpose in sorted(expected.alerted - told))

    def wrong(self) -> Iterator[str]:
        """Yield what is there and should be otherwise."""
        answer, expected = self.answer, self.answer.expected
        if answer.status is None:
            yield "was not answered: nobody knows whether it was taken"
        elif answer.status != expected.status:
            yield f"was answered {answer.status} instead of {expected.status}"
        elif answer.accepted:
            yield from self._taken(expected)

    def _taken(self, expected: Expectation) -> Iterator[str]:
        first = self.first
        if first is None:
            return
        if first.team not in _may_have_it(expected):
            yield f"is with {first.team} instead of {expected.team}"
        if expected.also is not None and (more := {case.team for case in self.linked} - expected.also):
            yield f"has linked cases of {_list(more)}, which were not expected"
        if first.routing.misdirected != expected.misdirected:
            yield "was called misdirected" if first.routing.misdirected else "was not called misdirected"
        purposes = {alert.purpose for alert in self.alerts}
        yield from (f"told somebody for {purpose}" for purpose in sorted(expected.not_alerted & purposes))


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Whether a report was followed by a file, an answer, and an outcome that another person looked at again."""

    reference: str
    missing: str = ""
    """The first of the steps that did not happen in time; nothing if all did."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that was sent, and the ledger before and after."""

    rows: Sequence[Row]
    before: Figures
    after: Figures | None
    """None where it could not be read afterwards."""
    source: str
    """Where the ledger's figures are from."""
    interrupted: bool = False
    waited: float = 0
    """The most seconds that were waited for all of it to arrive."""
    followed: Sequence[FollowUp] = ()

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
        """Yield what does not add up: what is wrong, and what is not there yet."""
        yield from self.wrong()
        yield from self.late()

    def late(self) -> Iterator[str]:
        """Yield what was not there in time, and may still come."""
        for row in self.rows:
            yield from (f"{_name(row)} {problem} within {self.waited:g} s" for problem in row.late())
        if self.with_a_case < self.accepted:
            yield f"{self.accepted} were accepted, and {self.with_a_case} different reports have a case"
        for name, grown in self.growth.items():
            if grown < self.accepted:
                yield self._grew(name, grown)
        if self.after and self.after.in_flight:
            yield f"{self.after.in_flight} are still on their way"
        for one in self.followed:
            if one.missing:
                yield f"{one.reference} was to be followed up, and {one.missing} is missing within {self.waited:g} s"

    def wrong(self) -> Iterator[str]:
        """Yield what is otherwise than it should be, and will stay so."""
        for row in self.rows:
            yield from (f"{_name(row)} {problem}" for problem in row.wrong())
        if self.with_a_case > self.accepted:
            yield f"{self.accepted} were accepted, and {self.with_a_case} different reports have a case"
        yield from self._of_the_ledger()

    def _grew(self, name: str, grown: int) -> str:
        return f"{self.accepted} were accepted, and the ledger's {_WORDS.get(name, name)} grew by {grown}"

    def _of_the_ledger(self) -> Iterator[str]:
        after = self.after
        if after is None:
            yield "the ledger could not be read afterwards"
            return
        for name, grown in self.growth.items():
            if grown > self.accepted:
                said = self._grew(name, grown)
                yield f"{said}: somebody else reports at the same time, or a report was taken twice"
        if after.unaccounted > self.before.unaccounted:
            yield f"{after.unaccounted - self.before.unaccounted} are unaccounted for"
        if after.dead_lettered > self.before.dead_lettered:
            yield f"{after.dead_lettered - self.before.dead_lettered} were set aside as dead letters"


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


def _name(row: Row) -> str:
    return f"{row.answer.reference or f'report {row.answer.number}'} ({row.answer.scenario})"


def _may_have_it(expected: Expectation) -> set[Team | None]:
    """Return which teams may have the first case: the triage desk too, where the subject has no known manager."""
    if expected.team is Team.LINE_MANAGER:
        return {Team.LINE_MANAGER, Team.TRIAGE_DESK}
    return {expected.team}


def _list(teams: Iterable[str]) -> str:
    return " and ".join(sorted(teams)) or "no one"


MOST_ROWS = 200
"""With more reports than this the table has a line for each scenario."""
_MOST_PROBLEMS = 20

_TEAMS: Mapping[str, str] = {
    Team.SMART: "SMART",
    Team.SIRT: "SIRT",
    Team.LINE_MANAGER: "line manager",
    Team.ADVICE_CENTRE: "advice centre",
    Team.POLICY_STANDARDS: "policy and standards",
    Team.TRIAGE_DESK: "triage desk",
}
_TOLD: Mapping[str, str] = {
    RecipientReason.REPORTERS_MANAGER: "the reporter's manager",
    RecipientReason.NAMED_ON_REPORT: "the manager named",
    RecipientReason.SOMEONE_ELSE_CHOSEN: "somebody else they chose",
    RecipientReason.CONFLICTED_NEXT_UP: "the next manager up",
    RecipientReason.FALLBACK_NO_MANAGER_KNOWN: "the stand-in (no manager known)",
    RecipientReason.FALLBACK_ADDRESS_NOT_ALLOWED: "the stand-in (address not allowed)",
    RecipientReason.FALLBACK_ALL_CONFLICTED: "the stand-in (all conflicted)",
    RecipientReason.SUBJECTS_MANAGER: "the subject's manager",
    RecipientReason.TEAM_MAILBOX: "the team",
    RecipientReason.TEAM_LEAD: "the team's lead",
    RecipientReason.THE_REPORTER: "the reporter",
    RecipientReason.THE_RESPONDER: "who has the case",
    RecipientReason.GIVEN_A_TASK: "who was given a task",
    RecipientReason.PERSON_AFFECTED: "the person affected",
    RecipientReason.COMMS: "communications",
}


def show(result: DemoResult, console: Console) -> None:
    """Print the table, the sums, and what does not add up."""
    if result.sent <= MOST_ROWS:
        console.print(_each(result.rows))
    else:
        console.print(_by_scenario(result.rows))
    for line in _sums(result):
        console.print(line, highlight=False, markup=False)
    wrong, late = list(result.wrong()), list(result.late())
    if not wrong and not late:
        console.print("Everything adds up.", style="green")
    _show_problems("This does not add up:", "bold red", wrong, console)
    heading = f"Not there within {result.waited:g} s. It may still come; `signpost reconcile` says whether it did:"
    _show_problems(heading, "bold yellow", late, console)


def as_json(result: DemoResult) -> dict[str, object]:
    """Return everything as one JSON object. It identifies no one."""
    return {
        "sent": result.sent,
        "accepted": result.accepted,
        "refused": result.refused,
        "unanswered": result.unanswered,
        "repeated": result.repeated,
        "with_a_case": result.with_a_case,
        "interrupted": result.interrupted,
        "followed_up": sum(not one.missing for one in result.followed),
        "ledger": {
            "source": result.source,
            "before": asdict(result.before),
            "after": asdict(result.after) if result.after else None,
            "grew": dict(result.growth),
        },
        "problems": list(result.problems()),
        "late": list(result.late()),
        "by_scenario": [_scenario_json(name, rows) for name, rows in _grouped(result.rows).items()],
        "reports": [_row_json(row) for row in result.rows],
    }


def _each(rows: Sequence[Row]) -> Table:
    table = Table("No.", "Scenario", "Reference", "Status", "With", "Told", "", header_style="bold", box=None)
    for row in rows:
        answer = row.answer
        status = "none" if answer.status is None else str(answer.status)
        told = ", ".join(_told([row]))
        table.add_row(str(answer.number), answer.scenario, answer.reference, status, _teams([row]), told, _mark([row]))
    return table


def _by_scenario(rows: Sequence[Row]) -> Table:
    table = Table("Scenario", "Sent", "Accepted", "Refused", "With", "Told", "", header_style="bold", box=None)
    for name, alike in _grouped(rows).items():
        accepted = sum(row.answer.accepted for row in alike)
        told = ", ".join(f"{who} {n}" for who, n in _told(alike).most_common())
        refused = sum(not row.answer.accepted and row.answer.status is not None for row in alike)
        table.add_row(name, str(len(alike)), str(accepted), str(refused), _teams(alike), told, _mark(alike))
    return table


def _sums(result: DemoResult) -> Iterable[str]:
    unanswered = f" + not answered {result.unanswered}" if result.unanswered else ""
    yield ""
    yield f"Sent {result.sent} = accepted {result.accepted} + refused {result.refused}{unanswered}"
    if result.repeated:
        yield f"{result.repeated} of them were sent again with the same key until they were answered"
    yield f"Accepted {result.accepted} = reports with a case {result.with_a_case}"
    if result.after is not None:
        grew = ", ".join(f"{name.replace('_', ' ')} +{n}" for name, n in result.growth.items())
        after = result.after
        yield f"The ledger ({result.source}) grew: {grew}"
        yield f"Unaccounted for {after.unaccounted}, dead-lettered {after.dead_lettered}"
    if result.followed:
        done = sum(not one.missing for one in result.followed)
        yield f"Followed up {done} of {len(result.followed)}: a file, an answer, an outcome looked at again by another"
    if result.interrupted:
        yield "Interrupted: this is what was sent until then."


def _show_problems(heading: str, style: str, problems: Sequence[str], console: Console) -> None:
    if not problems:
        return
    console.print(heading, style=style)
    for problem in problems[:_MOST_PROBLEMS]:
        console.print(f"  {problem}", highlight=False, markup=False)
    if len(problems) > _MOST_PROBLEMS:
        console.print(f"  and {len(problems) - _MOST_PROBLEMS} more")


def _grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.answer.scenario):
        groups[row.answer.scenario].append(row)
    return groups


def _teams(rows: Sequence[Row]) -> str:
    """Return the teams with the cases: of first cases, then of linked cases."""
    names = dict.fromkeys(_ways(rows))
    return ", ".join(names)


def _ways(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.first is not None:
            yield " + ".join(_TEAMS.get(case.team, case.team) for case in (row.first, *row.linked))


def _told(rows: Sequence[Row]) -> Counter[str]:
    """Return who was alerted, and of how many accepted reports."""
    told: Counter[str] = Counter()
    for row in rows:
        names = {_TOLD.get(alert.reason, alert.reason.replace("_", " ")) for alert in row.alerts}
        no_one = "not yet known" if any(row.late()) else "no one"
        told.update(sorted(names) or ([no_one] if row.answer.accepted else []))
    return told


def _mark(rows: Sequence[Row]) -> str:
    if any(any(row.wrong()) for row in rows):
        return "[red]✗[/red]"
    return "[yellow]late[/yellow]" if any(any(row.late()) for row in rows) else "[green]✓[/green]"


def _scenario_json(name: str, rows: Sequence[Row]) -> dict[str, object]:
    return {
        "scenario": name,
        "sent": len(rows),
        "accepted": sum(row.answer.accepted for row in rows),
        "statuses": dict(Counter(str(row.answer.status) for row in rows)),
        "teams": dict(Counter(case.team for row in rows for case in row.cases)),
        "told": dict(Counter(alert.reason for row in rows for alert in row.alerts)),
    }


def _row_json(row: Row) -> dict[str, object]:
    answer = row.answer
    return {
        "number": answer.number,
        "scenario": answer.scenario,
        "status": answer.status,
        "tries": answer.tries,
        "report_id": str(answer.report_id) if answer.report_id else None,
        "reference": answer.reference or None,
        "cases": [
            {
                "reference": case.reference,
                "team": case.team,
                "rule": case.routing.rule,
                "misdirected": case.routing.misdirected,
            }
            for case in row.cases
        ],
        "alerts": [alert.model_dump() for alert in row.alerts],
        "problems": list(row.problems()),
    }
