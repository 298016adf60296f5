"""`signpost rules check`: checks a rule book for mistakes."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import PACKAGED, RuleBookRefused, parse, read_text

_console = Console(soft_wrap=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def check(
    book: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Default: the packaged book")] = PACKAGED,
    *,
    as_json: AsJson = False,
) -> None:
    """Check a rule book: exit code 1 with rule, line and column of the first mistake."""
    try:
        rules = parse(read_text(book))
    except RuleBookRefused as refused:
        if as_json:
            typer.echo(json.dumps({"book": None, "mistake": asdict(refused)}))
        else:
            _console.print(refused.sentence, markup=False)
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
