"""What it means that every report is accounted for (promise 5)."""

from dataclasses import dataclass
from datetime import timedelta

GRACE = timedelta(seconds=60)
"""An incomplete report that is younger than this is in flight."""
CASE_OPENER = "signpost-triage"
"""The consumer group that opens cases."""
ALERT_DECIDER = "signpost-notifier"
"""The consumer group that decides who is alerted."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The ledger's figures, counted in reports. `accepted` = complete + dead_lettered + in_flight + unaccounted.

    A report of any type is complete when it is published, a case is open and it is decided who is alerted, if
    anyone.
    """

    accepted: int
    published: int
    cases: int
    alert_decisions: int
    dead_lettered: int
    """Incomplete because the group that owes what is missing dead-lettered a record, which a person can work on."""
    in_flight: int
    unaccounted: int
    oldest_unaccounted_s: int
    """Whole seconds since the oldest unaccounted report was accepted; 0 if there is none."""

    @property
    def settled(self) -> bool:
        """Whether every report is accounted for. A service that was unavailable may still work off an overdue one."""
        return not self.in_flight and not self.unaccounted
