"""`signpost topics` handles only its own topics."""

from services.cli.deployment import of_signpost
from shared.messaging.topics_admin import Difference


def test_topics_of_other_tenants_are_no_difference_and_forgotten_ones_of_ours_are() -> None:
    forgotten = Difference("intake.rumours.v1", "undeclared")
    missing = Difference("triage.cases.v1", "missing")
    assert of_signpost([Difference("payroll.runs", "undeclared"), forgotten, missing]) == [forgotten, missing]
