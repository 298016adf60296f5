"""Figures: what a run gave, medians and spread over runs, the table and the JSON."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

_WHOLE_FROM = 100
_PACKAGES = ("aiokafka", "asyncpg", "fastapi", "faststream", "pydantic", "sqlalchemy", "uvicorn", "uvloop")


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity over all runs."""

    row: str
    """Which row of the table of targets."""
    name: str
    unit: str
    values: Sequence[float]
    target: str = ""
    """What it should be, in words; empty for what is only compared with."""
    met: bool | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most of all runs."""
        return min(self.values), max(self.values)

    def to_json(self) -> dict[str, object]:
        return {
            "row": self.row,
            "name": self.name,
            "unit": self.unit,
            "runs": list(self.values),
            "median": self.median,
            "least": self.spread[0],
            "most": self.spread[1],
            "target": self.target,
            "met": self.met,
        }


@dataclass(slots=True)
class Findings:
    """Everything that was measured, and under which conditions."""

    figures: list[Figure] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    """What was the same for all contenders: durability, sizes, counts."""

    def to_json(self) -> dict[str, object]:
        return {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
            "conditions": self.conditions,
            "figures": [figure.to_json() for figure in self.figures],
        }

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(self.to_json(), indent=2) + "\n")


def at_least(row: str, name: str, values: Sequence[float], least: float, *, unit: str = "×") -> Figure:
    """Return a figure that should be at least `least`."""
    return Figure(row, name, unit, values, f"≥ {least:g}", median(values) >= least)


def below(row: str, name: str, values: Sequence[float], most: float, *, unit: str) -> Figure:
    """Return a figure that should be below `most`."""
    return Figure(row, name, unit, values, f"< {most:g}", median(values) < most)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return our ratio in each run, because a disturbance of a run affects both."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def show(findings: Findings, console: Console) -> None:
    """Print the table."""
    for name, value in {**machine(), **versions(), **findings.conditions}.items():
        console.print(f"[dim]{name}:[/dim] {value}", highlight=False)
    table = Table()
    for heading in ("", "what", "median", "least … most", "unit", "reach"):
        table.add_column(heading, justify="right" if heading in {"median", "least … most"} else "left")
    row = None
    for figure in findings.figures:
        if row not in (None, figure.row):
            table.add_section()
        least, most = (_short(value) for value in figure.spread)
        verdict = "" if figure.met is None else " ✓" if figure.met else " ✗"
        shown = figure.row if figure.row != row else ""
        table.add_row(
            shown, figure.name, _short(figure.median), f"{least} … {most}", figure.unit, figure.target + verdict
        )
        row = figure.row
    console.print(table)


def machine() -> Mapping[str, str]:
    """Return what it was measured on."""
    return {
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": str(len(os.sched_getaffinity(0))),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def versions() -> Mapping[str, str]:
    """Return the versions of the software involved."""
    installed = {name: importlib.metadata.version(name) for name in _PACKAGES}
    found = {"python": platform.python_version()} | installed
    return {"versions": ", ".join(f"{name} {version}" for name, version in found.items())}


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE_FROM else f"{value:.3g}"
