"""`python -m benchmarks`: measures, prints the table, writes JSON."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks import alerts, cases, embedded, evidence, intake, triage, triage_floor, triage_usual
from benchmarks.findings import Findings, show
from benchmarks.stage import Stage, set_up
from shared.observability.logs import configure_logging

ROWS = ("triage", "intake", "alerts", "lists", "embedded", "evidence")
_console = Console()


def main(
    runs: Annotated[int, typer.Option(min=1, help="Medians of so many runs")] = 5,
    reports: Annotated[int, typer.Option(min=1, help="Reports in a run of the triage pipeline")] = 5_000,
    lists: Annotated[str, typer.Option("--cases", help="Among how many cases lists are read")] = cases.SIZES,
    only: Annotated[str, typer.Option(help=f"Some of {','.join(ROWS)}")] = ",".join(ROWS),
    keep: Annotated[Path | None, typer.Option(help="Keep the lists' cases here for the next time")] = None,
    json: Annotated[Path | None, typer.Option(help="Also write everything here")] = None,
    *,
    full: Annotated[bool, typer.Option("--full", help="Alerts: 100,000 reports in an hour")] = False,
) -> None:
    """Measure Signpost beside the least that could do the same, and beside the usual way."""
    wanted = only.split(",")
    if unknown := set(wanted) - set(ROWS):
        raise typer.BadParameter(f"nothing is called {', '.join(sorted(unknown))}")
    configure_logging("error")
    findings = Findings()
    try:
        shape = alerts.FULL if full else alerts.SHORT
        sizes = [int(size) for size in lists.split(",")]
        asyncio.run(_measure(findings, wanted, runs, reports, shape, sizes, keep))
    finally:  # keeps what was measured before an error or an interruption
        show(findings, _console)
        if json:
            findings.save(json)


async def _measure(
    findings: Findings,
    wanted: list[str],
    runs: int,
    reports: int,
    shape: alerts.Shape,
    sizes: list[int],
    keep: Path | None,
) -> None:
    with set_up(keep) as stage, Progress(console=_console, transient=True) as progress:
        await _prepare(stage, findings)
        for row in ROWS:
            if row == "lists" and row in wanted:
                await cases.measure(stage, sizes, findings, _advancing(progress, row, len(sizes)))
            elif row in wanted:
                await _one(row, stage, runs, reports, shape, findings, _advancing(progress, row, runs))


async def _prepare(stage: Stage, findings: Findings) -> None:
    await stage.new_topics(triage_floor.TOPIC, triage_usual.TOPIC)
    told = await stage.settings()
    findings.conditions["PostgreSQL"] = ", ".join(f"{name}={value}" for name, value in told.items())


async def _one(
    row: str,
    stage: Stage,
    runs: int,
    reports: int,
    shape: alerts.Shape,
    findings: Findings,
    advance: Callable[[], None],
) -> None:
    match row:
        case "triage":
            await triage.measure(stage, runs, reports, findings, advance)
        case "intake":
            await intake.measure(stage, runs, findings, advance)
        case "alerts":
            await alerts.measure(stage, 1 if shape is alerts.FULL else runs, shape, findings, advance)
        case "evidence":
            await evidence.measure(runs, findings, advance)
        case _:
            await embedded.measure(runs, findings, advance)


def _advancing(progress: Progress, row: str, runs: int) -> Callable[[], None]:
    steps = {"triage": 3, "intake": 3}.get(row, 1)
    task = progress.add_task(row, total=runs * steps)
    return lambda: progress.advance(task)


typer.run(main)
