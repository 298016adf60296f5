"""Commands about the rule book: is it right, why did a report go where it went, what would another book have done?"""

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.backtest import backtest
from services.cli.session import transaction
from services.triage.cases.queries import ids_of_report
from services.triage.routing.domain import RuleBook
from services.triage.routing.queries import Explanation
from services.triage.routing.queries import explain as explain_cases
from services.triage.routing.rulebook import PACKAGED, RuleBookRefused
from services.triage.rules.reading import read, read_text
from services.triage.rules.wording import mistake_words
from shared.ids import InvalidReference, Reference

_console = Console(soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    rules = typer.Typer(help="The rule book that routes reports.", no_args_is_help=True)
    rules.command(name="check")(check)
    rules.command(name="explain")(explain)
    rules.command(name="backtest")(backtest)
    app.add_typer(rules, name="rules")


def check(
    book: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Default: the packaged book")] = PACKAGED,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a rule book: exit code 1 with rule, line and column of the first mistake."""
    try:
        rules = read(read_text(book))
    except RuleBookRefused as refused:
        if as_json:
            typer.echo(json.dumps({"book": None, "mistake": asdict(refused)}))
        else:
            _console.print(mistake_words(refused), markup=False)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(
            json.dumps({"book": rules.digest, "policy": rules.policy, "rules": _counted(rules), "mistake": None})
        )
        return
    _console.print(f"{len(rules.rules)} rules, book {rules.digest[:12]}: no mistake found")
    for what, counted in _counted(rules).items():
        figures = ", ".join(f"{name} {count}" for name, count in counted.items())
        _console.print(f"  {what:14} {figures}", markup=False)


def _counted(rules: RuleBook) -> dict[str, dict[str, int]]:
    return {
        "by state": dict(Counter(str(rule.state) for rule in rules.rules)),
        "by team": dict(Counter(str(rule.team) for rule in rules.rules)),
        "opens also": dict(Counter(str(also.team) for rule in rules.rules for also in rule.also)),
    }


def explain(reference: str, *, as_json: AsJson = False) -> None:
    """Say why each case of a report went to its team: rule, clause and the facts used."""
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
        _say(name, why)


async def _explain(reference: Reference) -> dict[str, Explanation]:
    async with transaction("triage") as session:
        cases = await ids_of_report(session, reference)
        explanations = await explain_cases(session, list(cases.values()))
    return {name: explanations[case_id] for name, case_id in cases.items()}


def _say(reference: str, why: Explanation) -> None:
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
