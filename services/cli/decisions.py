"""Commands about past decisions: why a report went to its team, and what another rule book would have decided."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.cli.database import transaction
from services.triage.cases.queries import ids_of_report
from services.triage.routing import queries as routing
from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse, read_text
from services.triage.rules.domain import EXAMPLES, Backtest, Window
from services.triage.rules.handlers import replay
from shared.clock import SystemClock
from shared.ids import InvalidReference, Reference

REFUSED = 2
INTERRUPTED = 130
"""The exit code of a command that was ended by Ctrl-C."""
_UK = ZoneInfo("Europe/London")
_console = Console(soft_wrap=True, highlight=False)
_errors = Console(soft_wrap=True, highlight=False, stderr=True)


def explain(reference: str, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
    """Explain why each case of a report went to its team: rule, clause and the facts used."""
    try:
        wanted = Reference.parse(reference)
    except InvalidReference:
        message = "this is not a reference; one looks like SP-7K3M-Q9XC"
        raise typer.BadParameter(message) from None
    found = asyncio.run(_explain(wanted))
    if not found:
        message = f"no case of {wanted} is known"
        raise typer.BadParameter(message)
    if as_json:
        typer.echo(json.dumps({name: asdict(why) for name, why in found.items()}, default=str))
        return
    for name, why in found.items():
        _print_explanation(name, why)


async def _explain(reference: Reference) -> dict[str, routing.Explanation]:
    async with transaction("triage") as session:
        cases = await ids_of_report(session, reference)
        explanations = await routing.explain(session, list(cases.values()))
    return {name: explanations[case_id] for name, case_id in cases.items()}


def _print_explanation(reference: str, why: routing.Explanation) -> None:
    _console.print(f"{reference}: {why.sentence}", markup=False)
    answered = {name: value for name, value in why.facts.items() if value}
    lines = {
        "rule": f"{why.rule} (clause {why.clause}, book {why.rulebook[:12]}, policy {why.policy})",
        "priority": f"{why.priority}, {why.category}",
        "misdirected": "yes" if why.misdirected else "no",
        "also matched": ", ".join(rule for rule in why.matched if rule != why.rule) or "nothing else",
        "shadow rules": ", ".join(why.shadow) or "none",
        "facts used": json.dumps(answered, default=str, sort_keys=True),
        "problem": why.problem or "none",
    }
    for name, value in lines.items():
        _console.print(f"  {name:14} {value}", markup=False)


def backtest(
    since: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], metavar="ISO-DATE", help="The first day, in UK local time")
    ],
    book: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The candidate rule book")],
    examples: Annotated[
        int, typer.Option(min=0, max=1000, help="Example references for each change of rule")
    ] = EXAMPLES,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Decide past reports again with another rule book and show what would differ. Only reads.

    Exit code 2 when the book is refused, with rule, line and column. Ctrl-C ends it and shows what was replayed until
    then.
    """
    try:
        candidate = parse(read_text(book))
    except RuleBookRefused as refused:
        _errors.print(refused.sentence, markup=False)
        raise typer.Exit(REFUSED) from None
    window = Window(since.replace(tzinfo=_UK), SystemClock().now())
    result = Backtest(examples)
    try:
        asyncio.run(_replay(candidate, window, result))
    except KeyboardInterrupt:
        _errors.print("Interrupted: this is what was replayed until then, newest first.")
    _print_backtest(result, candidate, window, as_json=as_json)
    raise typer.Exit(0 if result.complete else INTERRUPTED)


async def _replay(candidate: RuleBook, window: Window, into: Backtest) -> None:
    """Replay with a progress bar that runs back in time, because the number of decisions is not known in advance."""
    length = max((window.until - window.since).total_seconds(), 1)
    columns = (TextColumn("Deciding again"), BarColumn(), TextColumn("{task.fields[replayed]} decisions"))
    shown = sys.stderr.isatty()
    with Progress(*columns, TimeElapsedColumn(), console=_errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("", total=length, replayed=0)

        def show(position: datetime) -> None:
            done = (window.until - position).total_seconds()
            progress.update(task, completed=done, replayed=into.replayed)

        async with transaction("triage") as session:
            await replay(session, candidate, window, into, progress=show)


def as_object(result: Backtest, candidate: RuleBook, window: Window) -> Mapping[str, Any]:
    """Return the result for JSON."""
    return {
        "book": candidate.digest,
        "policy": candidate.policy,
        "since": window.since.isoformat(),
        "until": window.until.astimezone(_UK).isoformat(timespec="seconds"),
        "complete": result.complete,
        "replayed": result.replayed,
        "differ": result.differing,
        "rules": [
            {"from": change[0], "to": change[1], "count": count, "examples": result.examples[change]}
            for change, count in result.rules.most_common()
        ],
        "teams": [{"from": was, "to": to, "count": count} for (was, to), count in result.teams.most_common()],
        "priorities": [{"from": was, "to": to, "count": count} for (was, to), count in result.priorities.most_common()],
        "linked_cases": {"more": dict(result.opened_also), "fewer": dict(result.not_opened_also)},
        "misdirected": {"newly": result.newly_misdirected, "no_longer": result.no_longer_misdirected},
        "restricted": {"newly": result.newly_restricted, "no_longer": result.no_longer_restricted},
        "moved_by_people": {
            "moved": result.moved,
            "would_have_gone_there": result.would_have_gone_there,
            "would_leave_where_people_left_it": result.would_no_longer_go_there,
        },
        "shadow": dict(result.shadow),
    }


def _print_backtest(result: Backtest, candidate: RuleBook, window: Window, *, as_json: bool) -> None:
    shown = as_object(result, candidate, window)
    if as_json:
        typer.echo(json.dumps(shown))
        return
    _console.print(f"{result.replayed} decisions since {window.since.date()}, {result.differing} would differ")
    _table("By rule", shown["rules"])
    _table("By team", shown["teams"])
    _table("By priority", shown["priorities"])
    for name in ("linked_cases", "misdirected", "restricted", "moved_by_people", "shadow"):
        figures = ", ".join(f"{_words(key)}: {_figure(value)}" for key, value in shown[name].items())
        _console.print(f"{_words(name).capitalize():16} {figures or 'none'}", markup=False)


def _table(title: str, rows: list[Mapping[str, Any]]) -> None:
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name, justify="right" if name == "count" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_figure(value) for value in row.values()))
    _console.print(table, markup=False)


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
