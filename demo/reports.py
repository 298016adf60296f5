"""A report that is to be sent, and what should become of it. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from shared.auth.permissions import Role
from shared.events.vocabulary import AlertPurpose, Team

JSON = "application/json"
CREATED = 201

JsonObject = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a report: a role, and a person of the sample directory where it is a particular one."""

    role: Role | None = None
    staff_id: str | None = None

    @property
    def anonymous(self) -> bool:
        return self.role is None


ANONYMOUS = Sender()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What should become of it.

    Args:
        status: the HTTP status.
        team: who has the case as it was routed; None where the report is refused. A line manager's case moves on to the
            triage desk where the directory knows no manager who may work it.
        also: teams with a linked case; None where history decides, as it does for misuse by the same person again.
        misdirected: whether the first case came by the wrong form.
        alerted: why someone must get an alert.
        not_alerted: why no one may get an alert.
    """

    status: int
    team: Team | None = None
    also: frozenset[Team] | None = frozenset()
    misdirected: bool = False
    alerted: frozenset[AlertPurpose] = frozenset()
    not_alerted: frozenset[AlertPurpose] = frozenset()

    @property
    def accepted(self) -> bool:
        return self.status == CREATED


@dataclass(frozen=True, slots=True)
class PlannedReport:
    """One request of the stream."""

    number: int
    """From 1."""
    path: str
    body: JsonObject | bytes
    """JSON to be, or the bytes as they are where they are malformed."""
    content_type: str
    sender: Sender
    key: str
    """Its `Idempotency-Key`: the request can be repeated until it is answered, and is one report."""
    scenario: str
    """`family:case`, such as `abuse:doxing` or `malformed:truncated`."""
    expected: Expectation

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else as_json(self.body)

    @property
    def family(self) -> str:
        """What kind of scenario it is: `abuse`, `malformed`."""
        return self.scenario.partition(":")[0]


def as_json(body: JsonObject) -> bytes:
    """Return `body` as UTF-8, with every character as itself."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
