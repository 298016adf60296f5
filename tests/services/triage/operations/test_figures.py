"""What reports and cases add to the figures, and how numbers are calculated from them."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.triage.operations.charts import Bar, Columns
from services.triage.operations.domain import (
    AlertNews,
    CaseFacts,
    CaseNews,
    Cell,
    Figure,
    Missed,
    ReportFacts,
    day_of,
    difference,
    percentile,
    slot_of,
    span_of,
)
from tests.services.triage.builders import NOW

DAY = datetime(2026, 11, 23, tzinfo=UTC)
MOMENTS = st.integers(0, 10 * 86400).map(lambda seconds: NOW + timedelta(seconds=seconds))
MISSES = st.builds(Missed, MOMENTS, st.sampled_from(["respond", "update"]), st.sampled_from(["smart", "sirt"]))
SAID = st.builds(
    CaseNews,
    first_action_at=st.none() | MOMENTS,
    resolved_at=st.none() | MOMENTS,
    misdirected=st.booleans(),
    missed=st.frozensets(MISSES, max_size=2),
)


def case(**changes: object) -> CaseFacts:
    facts: dict[str, object] = {
        "case_id": uuid4(),
        "report_id": uuid4(),
        "team": "smart",
        "submitted_at": NOW,
        "opened_at": NOW + timedelta(minutes=20),
        "finished": False,
    }
    return CaseFacts(**{**facts, **changes})  # type: ignore[arg-type] # the dataclass checks the names


def figures(facts: CaseFacts | ReportFacts) -> dict[Figure, set[str]]:
    found: dict[Figure, set[str]] = {}
    for cell in facts.cells():
        found.setdefault(cell.figure, set()).add(cell.label)
    return found


def test_a_new_case_waits_since_its_quarter_of_an_hour() -> None:
    assert case().cells() == {
        Cell(Figure.WAITING, NOW + timedelta(minutes=15), "smart|"): 1,
        Cell(Figure.DEADLINES, DAY, "smart|running"): 1,
    }


def test_a_finished_case_counts_how_long_it_took_and_waits_no_longer() -> None:
    done = case(finished=True, first_action_at=NOW + timedelta(minutes=5), resolved_at=NOW + timedelta(hours=2))
    assert figures(done) == {
        Figure.DEADLINES: {"smart|kept"},
        Figure.FIRST_ACTION: {f"smart|{span_of(timedelta(minutes=5))}"},
        Figure.TO_RESOLVE: {f"smart|{span_of(timedelta(hours=2))}"},
    }


def test_a_reopened_case_waits_again_and_took_no_time_yet() -> None:
    again = case(finished=False, resolved_at=NOW + timedelta(hours=2))
    assert Figure.TO_RESOLVE not in figures(again)
    assert Figure.WAITING in figures(again)


def test_a_missed_deadline_stays_with_the_team_that_missed_it() -> None:
    moved = case(team="sirt", missed=frozenset({Missed(NOW, "respond", "smart")}))
    assert figures(moved)[Figure.MISSED] == {"smart|"}
    assert figures(moved)[Figure.DEADLINES] == {"sirt|missed"}


def test_a_report_that_is_only_known_from_its_alerts_counts_nothing_yet() -> None:
    assert not ReportFacts(uuid4(), decided=True, anybody=True, sent=True).cells()


def test_nobody_told_is_a_decision_and_an_alert_is_not_one() -> None:
    nobody = ReportFacts(uuid4(), submitted_at=NOW, decided=True)
    both = AlertNews(decided=True, anybody=True, sent=True).applied_to(nobody)
    assert set(figures(nobody)) == {Figure.ROUTED, Figure.HOURLY, Figure.NOBODY_TOLD}
    assert set(figures(both)) == {Figure.ROUTED, Figure.HOURLY, Figure.ALERTED}


@given(st.lists(SAID, max_size=6), st.randoms())
def test_what_is_heard_in_any_order_and_twice_comes_to_the_same(said: list[CaseNews], chance: random.Random) -> None:
    shuffled = [*said, *said]
    chance.shuffle(shuffled)
    in_order = mixed = case()
    for one in said:
        in_order = one.applied_to(in_order)
    for one in shuffled:
        mixed = one.applied_to(mixed)
    assert in_order == mixed
    assert in_order.cells() == mixed.cells()


@given(st.lists(SAID, max_size=4))
def test_differences_step_by_step_add_up_to_what_there_is(said: list[CaseNews]) -> None:
    facts = case()
    figure = dict(facts.cells())
    for one in said:
        after = one.applied_to(facts)
        for cell, n in difference([facts.cells()], [after.cells()]).items():
            figure[cell] = figure.get(cell, 0) + n
        facts = after
    assert {cell: n for cell, n in figure.items() if n} == dict(facts.cells())


def test_a_day_is_the_one_of_the_united_kingdom_also_when_clocks_change() -> None:
    assert day_of(datetime(2026, 6, 1, 23, 30, tzinfo=UTC)) == datetime(2026, 6, 1, 23, tzinfo=UTC)
    assert day_of(datetime(2026, 10, 25, 12, tzinfo=UTC)) == datetime(2026, 10, 24, 23, tzinfo=UTC)
    assert day_of(datetime(2026, 10, 26, 12, tzinfo=UTC)) == datetime(2026, 10, 26, tzinfo=UTC)


def test_a_slot_is_a_quarter_of_an_hour() -> None:
    assert slot_of(NOW + timedelta(minutes=44, seconds=59, microseconds=5)) == NOW + timedelta(minutes=30)


@given(st.lists(st.integers(60, 30 * 86400), min_size=1, max_size=60), st.sampled_from([0.5, 0.9]))
def test_a_percentile_is_right_within_a_quarter(seconds: list[int], share: float) -> None:
    lengths = [timedelta(seconds=length) for length in seconds]
    spans: dict[int, int] = {}
    for length in lengths:
        spans[span_of(length)] = spans.get(span_of(length), 0) + 1
    exact = sorted(lengths)[max(0, -int(-share * len(lengths) // 1) - 1)]
    found = percentile(spans, share)
    assert found
    assert exact / 1.26 <= found <= exact * 1.26


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 0}, 0.5) is None


def test_parts_of_a_bar_fill_what_they_are_of_the_most() -> None:
    bar = Bar.of("SMART", [1, 0, 3], 8)
    assert [(part.start, part.shade) for part in bar.parts] == [(0.0, 0), (12.5, 2)]
    assert bar.number == 4
    assert Bar.of("none", [0], 0).parts == ()


def test_a_column_without_a_value_is_not_one_of_no_height() -> None:
    columns = Columns.of(("a", "b", "c"), ((4.0, None, 2.0),), str, ("x",)).columns
    assert [column.heights for column in columns] == [(100.0,), (None,), (50.0,)]
