"""Every step at which a process may die: the one list for the fault suite.

A step is one act of one role, at one moment. `test_steps.py` fails if the code commits, publishes, moves an
offset or sends in a place that is not listed here, or if a service is wired with a role that is not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Act(StrEnum):
    """An act of a role whose effect outlives the process."""

    ANSWER = "answer"
    """A request's transaction is committed; the response is sent afterwards."""
    PUBLISH = "publish"
    """Events are appended to the log."""
    MARK = "mark"
    """The outbox records that they were."""
    BATCH = "batch"
    """A consumed batch's effects are committed."""
    OFFSETS = "offsets"
    """The log stores the consumer's offsets."""
    CLAIM = "claim"
    """An attempt to send is opened."""
    SEND = "send"
    """The dialogue with the email server."""
    RECORD = "record"
    """An attempt's result is committed."""
    RELEASE = "release"
    """Attempts that a dead process left open become due again."""
    SWEEP = "sweep"
    """Due rows are handled in one transaction."""
    PART = "part"
    """A part of a file is stored, and recorded in a transaction of its own."""
    ATTACH = "attach"
    """A file is stored whole, and becomes evidence."""
    WAIT = "wait"
    """A file that waits for its turn is given a minute more."""
    SETTLE = "settle"
    """Dead letters are replayed or discarded, and events that were deferred too long become dead letters."""


class Moment(StrEnum):
    """The moment within an act."""

    BEFORE = "before"
    WITHIN = "within"
    """After it began and before it counts: records sent and the transaction open; a recipient given, no message yet."""
    AFTER = "after"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One act of one role, and a moment within it."""

    role: str
    act: Act
    moment: Moment

    def __str__(self) -> str:
        return f"{self.role}/{self.act}/{self.moment}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the step with this spelling."""
        role, act, moment = text.split("/")
        return cls(role, Act(act), Moment(moment))


SITES: Mapping[str, Act] = {
    "_transaction": Act.ANSWER,
    "begin": Act.ANSWER,
    "complete": Act.ANSWER,
    "keep_for_form": Act.ANSWER,
    "discard": Act.ANSWER,
    "delete_evidence": Act.ANSWER,
    "use_up": Act.ANSWER,
    "_working": Act.ANSWER,
    "send": Act.ANSWER,
    "answer_with_files": Act.ANSWER,
    "_take_lease": Act.ANSWER,
    "_keep_change": Act.ANSWER,
    "_send_message": Act.ANSWER,
    "_keep_part_now": Act.PART,
    "_attach": Act.ATTACH,
    "Relay._publish_batch": Act.MARK,
    "BatchHandler.handle": Act.BATCH,
    "BatchHandler.upkeep": Act.SETTLE,
    "BatchHandler.replay_known_versions": Act.SETTLE,
    "DeliveryLoop._send_what_is_due": Act.CLAIM,
    "DeliveryLoop._recorded": Act.RECORD,
    "DeliveryLoop._release_abandoned": Act.RELEASE,
    "Sweep._sweep_once": Act.SWEEP,
    "send_form": Act.CLAIM,
    "_extend": Act.WAIT,
    "forget_uploads": Act.SWEEP,
    "scan_later": Act.SWEEP,
}
"""Which function of the product opens which act's transaction."""

READ_ONLY: Mapping[str, str] = {
    "_Stream._changed": "looks at what the operations page shows",
    "_Stream._counted": "counts campaigns and take-downs for the operations page",
    "reported_by": "looks whose report it is",
    "add": "looks whose report it is, and what its page shows",
    "waiting": "looks what waits",
    "get_evidence": "lists what there is",
    "_is_anonymous": "looks how a file is kept",
    "_attached": "looks what an upload became",
    "_stored": "looks what a grant opens",
    "_found": "looks which pieces go with an export",
    "delete_orphans": "looks which objects are needed",
}
"""Functions that open a transaction and write nothing, with the reason."""

ON_NO_WAY: Mapping[str, str] = {
    "_extend": "gives an upload time while it waits for its turn; without it the upload expires, and is sent again",
}
"""Functions that write for a file and are on no way of `test_file_ways.py`, with the reason."""

WEB = {"intake": "intake-web"}
"""The web role whose responses promise something (events: promise 1)."""
RELAYS = {f"{service}-relay": service for service in ("intake", "triage", "registry", "notifier")}
CONSUMERS = {
    "signpost-intake": "intake",
    "signpost-intake-inbound": "intake",
    "signpost-triage": "triage",
    "signpost-triage-accounts": "triage",
    "signpost-triage-operations": "triage",
    "signpost-registry": "registry",
    "signpost-notifier": "notifier",
    **{f"signpost-{service}-sessions": service for service in ("intake", "triage", "registry", "notifier")},
}
DELIVERY = {"notifier-delivery": "notifier"}
BULK, FORMS = "triage-bulk", "triage-machine-forms"
"""The sweeps that `test_sweeps.py` kills: one works for a long time, the other writes to platforms."""
SERVICE_OF: Mapping[str, str] = {
    **{role: service for service, role in WEB.items()},
    **RELAYS,
    **CONSUMERS,
    **DELIVERY,
    **dict.fromkeys((BULK, FORMS), "triage"),
}

NOT_KILLED_AT: Mapping[Act, str] = {
    Act.WAIT: "of a file nothing changes but when it expires: a minute later, and then it is swept",
    Act.SWEEP: "rows stay due until the transaction commits that is its last step; each has a test that runs it twice "
    "or dies there",
    Act.SETTLE: "one transaction over rows that stay asked for until it commits; see tests/shared/messaging",
}
"""Acts that the list leaves out, with the reason."""

_EDGES = (Moment.BEFORE, Moment.AFTER)
_THROUGHOUT = (Moment.BEFORE, Moment.WITHIN, Moment.AFTER)


def _steps(roles: Mapping[str, str], acts: Mapping[Act, tuple[Moment, ...]]) -> Iterator[Step]:
    return (Step(role, act, moment) for role in roles for act, moments in acts.items() for moment in moments)


SWEEP_STEPS: Mapping[str, tuple[tuple[Step, int], ...]] = {
    BULK: tuple((Step(BULK, Act.SWEEP, moment), 1) for moment in _EDGES),
    FORMS: tuple((Step(FORMS, Act.CLAIM, moment), passes) for passes in (1, 2) for moment in _EDGES),
}
"""Each with its pass: a form is sent after the first, which counts the attempt; the second records what came of it."""

EVIDENCE_STEPS: tuple[Step, ...] = tuple(
    _steps({role: service for service, role in WEB.items()}, {Act.ANSWER: _EDGES, Act.PART: _EDGES, Act.ATTACH: _EDGES})
)
"""While a file comes, is opened or goes: `test_file_ways.py` lets intake die at each, `test_evidence.py` kills it."""

STEPS: tuple[Step, ...] = (
    *_steps({role: service for service, role in WEB.items()}, {Act.ANSWER: _EDGES}),
    *_steps(RELAYS, {Act.PUBLISH: _THROUGHOUT, Act.MARK: _EDGES}),
    *_steps(CONSUMERS, {Act.BATCH: _EDGES, Act.OFFSETS: _EDGES}),
    *_steps(DELIVERY, {Act.CLAIM: _EDGES, Act.SEND: _THROUGHOUT, Act.RECORD: _EDGES, Act.RELEASE: _EDGES}),
)
