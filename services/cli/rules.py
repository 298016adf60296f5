"""Commands about the rule book: is it right, and why did a report go where it went?"""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.cli.session import transaction
from services.triage.cases.queries import ids_of_report
from services.triage.routing.queries import Explanation
from services.triage.routing.queries import explain as explain_cases
from services.triage.routing.rulebook import PACKAGED, RuleBookRefused, load
from shared.ids import InvalidReference, Reference

_console = Console(soft_wrap=True, highlight=False)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    rules = typer.Typer(help="The rule book that routes reports.", no_args_is_help=True)
    rules.command(name="check")(check)
    rules.command(name="explain")(explain)
    app.add_typer(rules, name="rules")


def check(
    book: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Default: the packaged book")] = PACKAGED,
) -> None:
    """Check a rule book: exit code 1 with rule, line and column of the first mistake."""
    try:
        rules = load(book)
    except RuleBookRefused as refused:
        _console.print(str(refused), markup=False)
        raise typer.Exit(1) from None
    _console.print(f"{len(rules.rules)} rules, book {rules.digest[:12]}: no mistake found")


def explain(reference: str, *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False) -> None:
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
    facts = json.dumps(dict(why.facts), default=str, sort_keys=True)
    lines = {
        "rule": f"{why.rule} (clause {why.clause}, book {why.rulebook[:12]}, policy {why.policy})",
        "priority": f"{why.priority}, {why.category}",
        "misdirected": "yes" if why.misdirected else "no",
        "also matched": ", ".join(why.matched) or "nothing else",
        "shadow rules": ", ".join(why.shadow) or "none",
        "facts used": facts,
        "problem": why.problem or "none",
    }
    for name, value in lines.items():
        _console.print(f"  {name:14} {value}", markup=False)
