"""The conclusions that the benchmarks print from their measurements."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import findings as measuring
from benchmarks.findings import Figure, Findings, at_least, below, ratios


@pytest.fixture(autouse=True)
def _without_the_bench_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_PACKAGES", ("asyncpg", "fastapi"))


def test_a_figure_is_the_median_of_its_runs_and_shows_the_worst_and_the_best() -> None:
    figure = Figure("1 triage", "floor", "reports/s", [3.0, 1.0, 20.0])
    assert (figure.median, figure.spread, figure.met) == (3.0, (1.0, 20.0), None)


@pytest.mark.parametrize(("runs", "met"), [([0.4, 0.5, 0.9], True), ([0.49, 0.1, 0.9], False)])
def test_a_ratio_is_met_by_its_median_and_not_by_its_best_run(runs: list[float], *, met: bool) -> None:
    assert at_least("1 triage", "signpost / floor", runs, 0.5).met is met


@pytest.mark.parametrize(("runs", "met"), [([0.2, 0.99, 4.0], True), ([1.0, 1.0, 0.1], False)])
def test_a_limit_is_met_below_it_only(runs: list[float], *, met: bool) -> None:
    assert below("3 alert", "p95", runs, 1, unit="s").met is met


def test_contenders_are_compared_run_by_run() -> None:
    assert ratios([10.0, 1.0], [20.0, 4.0]) == [0.5, 0.25]
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0], [1.0, 2.0])


def test_table_and_file_say_the_same_of_every_figure(tmp_path: Path) -> None:
    findings = Findings(
        [Figure("1 triage", "floor", "reports/s", [5_674.0]), at_least("1 triage", "signpost / floor", [0.25], 0.5)],
        {"PostgreSQL": "fsync=on"},
    )
    output = io.StringIO()
    measuring.show(findings, Console(file=output, width=200))
    findings.save(tmp_path / "bench.json")
    saved = json.loads((tmp_path / "bench.json").read_text())
    for words in ("5,674", "0.25", "≥ 0.5 ✗", "fsync=on", "asyncpg"):
        assert words in output.getvalue()
    assert [figure["median"] for figure in saved["figures"]] == [5_674.0, 0.25]
    assert [figure["met"] for figure in saved["figures"]] == [None, False]
    assert saved["conditions"] == {"PostgreSQL": "fsync=on"}
    assert "fastapi" in saved["versions"]["versions"]
