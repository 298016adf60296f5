"""Shows what became of the reports: tables for people, one JSON object for programs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from services.cli.demo.outcome import Outcome, Row
from shared.events.vocabulary import RecipientReason, Team

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
    RecipientReason.PERSON_AFFECTED: "the person affected",
    RecipientReason.COMMS: "communications",
}


def show(outcome: Outcome, console: Console) -> None:
    """Print the table, the sums, and what does not add up."""
    if outcome.sent <= MOST_ROWS:
        console.print(_each(outcome.rows))
    else:
        console.print(_by_scenario(outcome.rows))
    for line in _sums(outcome):
        console.print(line, highlight=False, markup=False)
    _show_problems(list(outcome.problems()), console)


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return all of it as JSON to be. Nothing in it says who anybody is."""
    return {
        "sent": outcome.sent,
        "accepted": outcome.accepted,
        "refused": outcome.refused,
        "unanswered": outcome.unanswered,
        "repeated": outcome.repeated,
        "with_a_case": outcome.with_a_case,
        "interrupted": outcome.interrupted,
        "ledger": {
            "source": outcome.source,
            "before": asdict(outcome.before),
            "after": asdict(outcome.after) if outcome.after else None,
            "grew": dict(outcome.growth),
        },
        "problems": list(outcome.problems()),
        "by_scenario": [_scenario_json(name, rows) for name, rows in _grouped(outcome.rows).items()],
        "reports": [_row_json(row) for row in outcome.rows],
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


def _sums(outcome: Outcome) -> Iterable[str]:
    unanswered = f" + not answered {outcome.unanswered}" if outcome.unanswered else ""
    yield ""
    yield f"Sent {outcome.sent} = accepted {outcome.accepted} + refused {outcome.refused}{unanswered}"
    if outcome.repeated:
        yield f"{outcome.repeated} of them were sent again with the same key until they were answered"
    yield f"Accepted {outcome.accepted} = reports with a case {outcome.with_a_case}"
    if outcome.after is not None:
        grew = ", ".join(f"{name.replace('_', ' ')} +{n}" for name, n in outcome.growth.items())
        after = outcome.after
        yield f"The ledger ({outcome.source}) grew: {grew}"
        yield f"Unaccounted for {after.unaccounted}, dead-lettered {after.dead_lettered}"
    if outcome.interrupted:
        yield "Interrupted: this is what was sent until then."


def _show_problems(problems: Sequence[str], console: Console) -> None:
    if not problems:
        console.print("Everything adds up.", style="green")
        return
    console.print("This does not add up:", style="bold red")
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
    """Return who has the cases: first cases' teams, then what linked cases add."""
    names = dict.fromkeys(_ways(rows))
    return ", ".join(names)


def _ways(rows: Sequence[Row]) -> Iterable[str]:
    for row in rows:
        if row.first is not None:
            yield " + ".join(_TEAMS.get(case.team, case.team) for case in (row.first, *row.linked))


def _told(rows: Sequence[Row]) -> Counter[str]:
    """Return who was told, and about how many of the accepted reports."""
    told: Counter[str] = Counter()
    for row in rows:
        names = {_TOLD.get(alert.reason, alert.reason.replace("_", " ")) for alert in row.alerts}
        told.update(sorted(names) or (["nobody"] if row.answer.accepted else []))
    return told


def _mark(rows: Sequence[Row]) -> str:
    return "[red]✗[/red]" if any(True for row in rows for _ in row.problems()) else "[green]✓[/green]"


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
