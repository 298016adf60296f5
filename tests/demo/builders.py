"""Small builders of the data that the demo reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from demo.readers import Alert, Case, Figures, Routing
from demo.reports import CREATED, Expectation
from demo.results import DemoResult, Row
from demo.submission import Answer
from shared.events.vocabulary import AlertPurpose, Team

REFERENCE = "SP-8T7W-W779"
TO_SMART = Expectation(CREATED, Team.SMART)
REFUSED = Expectation(422)


def accepted(expected: Expectation = TO_SMART, number: int = 1, report_id: UUID | None = None) -> Answer:
    return Answer(number, "abuse:doxing", expected, CREATED, report_id or uuid4(), REFERENCE)


def refused(status: int = 422, expected: Expectation = REFUSED, number: int = 2) -> Answer:
    return Answer(number, "malformed:truncated", expected, status)


def case(team: Team = Team.SMART, reference: str = REFERENCE, *, misdirected: bool = False) -> Case:
    return Case(
        case_id=uuid4(),
        report_id=uuid4(),
        reference=reference,
        team=team,
        opened_at=datetime(2026, 1, 5, tzinfo=UTC),
        routing=Routing(rule="abuse-of-a-user", misdirected=misdirected),
    )


def alert(purpose: AlertPurpose) -> Alert:
    return Alert(alert_id=uuid4(), purpose=purpose, reason="reporters_manager", state="sent")


def figures(n: int = 0, *, dead_lettered: int = 0, unaccounted: int = 0, in_flight: int = 0) -> Figures:
    return Figures(n, dead_lettered, unaccounted, published=n, cases=n, alert_decisions=n, in_flight=in_flight)


def result(rows: Sequence[Row], before: Figures, after: Figures | None, *, interrupted: bool = False) -> DemoResult:
    return DemoResult(rows, before, after, "database", interrupted=interrupted)
