"""Take-downs: what a platform was asked to remove, when it is asked again, what came of it (decision 0067). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.triage.cases import domain as cases
from services.triage.cases.domain import Actor, Case
from shared.events.vocabulary import Outcome, Priority, ReportType

Form = Mapping[str, object]
"""A form that a machine reads."""
LONGEST_LINK = 2_000
LONGEST_REFERENCE = 200
LONGEST_NOTE = 2_000
"""Characters."""
MOST_OF_A_CASE = 100
"""Take-downs."""
LONGEST_AGO = timedelta(days=366)
"""How long ago a platform may have been asked when that is recorded. Our choice."""
CHASE_AFTER: Mapping[Priority, timedelta] = {
    Priority.P1: timedelta(days=1),
    Priority.P2: timedelta(days=2),
    Priority.P3: timedelta(days=4),
    Priority.P4: timedelta(days=7),
}
"""How long a platform has before it is asked again. Calendar time, because platforms work at all hours. Our choice."""
DUE_AFTER = 3
"""An answer is overdue after so many times that long: then something else has to be done. Our choice."""

MOST_ATTEMPTS = 10
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=4)
"""How long until a form is sent again: twice as long each time. Ten attempts take about 15 hours. Our choice."""


class TakedownState(StrEnum):
    """How far a take-down is."""

    REPORTED = "reported"
    CHASED = "chased"
    """The platform was asked again."""
    REMOVED = "removed"
    REFUSED = "refused"
    RESTORED = "restored"
    """What was removed is back, so the platform has to be asked again."""


class How(StrEnum):
    """By which way a platform was asked."""

    WEB_FORM = "web_form"
    IN_APP = "in_app"
    PARTNER = "partner"
    """The platform's channel for trusted flaggers or public authorities."""
    EMAIL = "email"
    MACHINE = "machine"
    """By a form that a machine reads (`protocols.py`)."""


class Clock(StrEnum):
    """What the sweep notices."""

    CHASE = "takedown_chase_due"
    OVERDUE = "takedown_overdue"


class TakedownNotFound(Exception):
    """The case has no such take-down."""


class TakedownForbids(Exception):
    """The state of the take-down does not allow this."""

    def __init__(self, state: TakedownState) -> None:
        super().__init__(state)
        self.state = state


class AlreadyAsked(Exception):
    """That platform was asked about that link already."""


class NoSuchLink(Exception):
    """The report has no link of that number, or has several and none was chosen."""


class NoSuchCategory(Exception):
    """The platform has no such category."""


class NotAskedThen(Exception):
    """The time at which a platform is said to have been asked is still to come, or very long ago."""


class TooManyTakedowns(Exception):
    """One case has no more take-downs than that."""


_OPEN = frozenset({TakedownState.REPORTED, TakedownState.CHASED, TakedownState.RESTORED})
_FROM: Mapping[TakedownState, frozenset[TakedownState]] = {
    TakedownState.CHASED: _OPEN,
    TakedownState.REMOVED: _OPEN | {TakedownState.REFUSED},
    TakedownState.REFUSED: _OPEN,
    TakedownState.RESTORED: frozenset({TakedownState.REMOVED}),
}
"""From which states each step leads. A platform that refused may remove it after all."""


@dataclass(frozen=True, slots=True)
class Takedown:
    """One link on one platform that it was asked to remove."""

    takedown_id: UUID
    case_id: UUID
    platform: str
    link: str = field(repr=False)
    link_number: int | None
    """Which link of the report it is, counted from 1; None for one that a responder found."""
    category: str
    """By the platform's own words (`platforms.yaml`), or empty."""
    how: How
    reference: str | None = field(repr=False)
    """The platform's own, if it gave one."""
    reported_at: datetime
    reported_by: str
    state: TakedownState
    chase_at: datetime | None
    """When the platform is to be asked again; None once there is an answer."""
    due_at: datetime
    """By when there should be an answer."""
    chases: int = 0
    chase_due: bool = False
    """Whether the time to ask again has come, and no one has."""
    overdue: bool = False
    look_at: datetime | None = None
    """When the sweep looks at it next."""
    settled_at: datetime | None = None
    settled_by: str | None = None

    @property
    def open(self) -> bool:
        """Whether an answer of the platform is still to come."""
        return self.state in _OPEN


class Protocol(StrEnum):
    """Which form."""

    AT_PROTOCOL = "at_protocol"
    ACTIVITYPUB = "activitypub"
    XARF = "xarf"


class FormState(StrEnum):
    """How far a machine form is."""

    MADE = "made"
    """No endpoint is set: a person sends it."""
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    NOT_NEEDED = "not_needed"
    """The platform answered before it was sent."""


@dataclass(frozen=True, slots=True)
class MachineForm:
    """A form that a machine reads, about one take-down."""

    form_id: UUID
    takedown_id: UUID
    case_id: UUID
    protocol: Protocol
    body: Form = field(repr=False)
    made_at: datetime
    made_by: str
    state: FormState
    attempts: int = 0
    next_at: datetime | None = None
    """When it is sent, or sent again."""
    sent_at: datetime | None = None
    answer: str | None = None
    """What the endpoint calls it; why it was not sent."""


class FormExists(Exception):
    """Such a form about the take-down was sent, or is about to be."""


def attempted(form: MachineForm, now: datetime) -> MachineForm:
    """Return a form that is about to be sent: the attempt counts, and the next has its time, whatever comes of it."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2**form.attempts)
    return replace(form, attempts=form.attempts + 1, next_at=now + wait)


def not_sent(form: MachineForm, because: str, *, final: bool) -> MachineForm:
    """Return a form that was attempted and not sent: it is tried again at its time, or has failed."""
    if final or form.attempts >= MOST_ATTEMPTS:
        return replace(form, state=FormState.FAILED, next_at=None, answer=because)
    return replace(form, answer=because)


class Summary(StrEnum):
    """What a case's take-downs are together, for the queue; the first that fits."""

    DUE = "due"
    """A platform is to be asked again, or its answer is overdue."""
    ASKED = "asked"
    REFUSED = "refused"
    REMOVED = "removed"


def without_queued(forms: Iterable[MachineForm], takedown: Takedown) -> list[MachineForm]:
    """Return the forms; those about a settled take-down that were still to be sent are not needed any more."""
    return [
        replace(one, state=FormState.NOT_NEEDED, next_at=None)
        if one.takedown_id == takedown.takedown_id and one.state is FormState.QUEUED and not takedown.open
        else one
        for one in forms
    ]


def summary(takedowns: Iterable[Takedown]) -> str:
    """Return what a case's take-downs are together; empty if it has none."""
    kept = list(takedowns)
    if any(one.open and (one.chase_due or one.overdue) for one in kept):
        return Summary.DUE
    if any(one.open for one in kept):
        return Summary.ASKED
    if any(one.state is TakedownState.REFUSED for one in kept):
        return Summary.REFUSED
    return Summary.REMOVED if kept else ""


def started(takedown: Takedown, kept: Iterable[Takedown]) -> Takedown:
    """Return a new take-down, if no one asked the platform about the link before.

    Raises:
        AlreadyAsked: someone did; what came of it is recorded there.
        TooManyTakedowns: the case has very many.
    """
    others = list(kept)
    if len(others) >= MOST_OF_A_CASE:
        raise TooManyTakedowns
    if (takedown.platform, takedown.link) in {(one.platform, one.link) for one in others}:
        raise AlreadyAsked
    return _looked_at_next(takedown)


def asked_at(said: datetime | None, now: datetime) -> datetime:
    """Return when a platform was asked: now, if nothing else is said.

    Raises:
        NotAskedThen: the time is still to come, or very long ago.
    """
    if said and not now - LONGEST_AGO <= said <= now:
        raise NotAskedThen
    return said or now


def step(takedown: Takedown, to: TakedownState, priority: Priority, by: str, now: datetime) -> Takedown:
    """Return a take-down after a step: asked again, removed, refused, or back again.

    Raises:
        TakedownForbids: the step does not follow from its state.
    """
    if takedown.state not in _FROM.get(to, frozenset()):
        raise TakedownForbids(takedown.state)
    if to not in _OPEN:
        still = replace(takedown, chase_at=None, look_at=None, chase_due=False, overdue=False)
        return replace(still, state=to, settled_at=now, settled_by=by)
    wait = CHASE_AFTER[priority]
    if to is TakedownState.RESTORED:
        again = replace(takedown, chase_at=now, due_at=now + DUE_AFTER * wait, settled_at=None, settled_by=None)
    else:
        again = replace(takedown, chase_at=now + wait, chases=takedown.chases + 1)
    return _looked_at_next(replace(again, state=to, chase_due=False))


def steps_from(state: TakedownState) -> list[TakedownState]:
    """Return the steps that can follow."""
    return [to for to, before in _FROM.items() if state in before]


def clocks(asked: datetime, priority: Priority) -> tuple[datetime, datetime]:
    """Return when a platform that was asked then is to be asked again, and by when it should have answered."""
    wait = CHASE_AFTER[priority]
    return asked + wait, asked + DUE_AFTER * wait


def warn(takedown: Takedown, now: datetime) -> tuple[Takedown, list[Clock]]:
    """Return the take-down with the clocks noted that have run out since the last look, and which they are."""
    ran_out: list[Clock] = []
    if takedown.chase_at and takedown.chase_at <= now and not takedown.chase_due:
        takedown, ran_out = replace(takedown, chase_due=True), [Clock.CHASE]
    if takedown.open and takedown.due_at <= now and not takedown.overdue:
        takedown, ran_out = replace(takedown, overdue=True), [*ran_out, Clock.OVERDUE]
    return _looked_at_next(takedown), ran_out


def _looked_at_next(takedown: Takedown) -> Takedown:
    if not takedown.open:
        return replace(takedown, look_at=None)
    times = [
        *([takedown.chase_at] if takedown.chase_at and not takedown.chase_due else []),
        *([] if takedown.overdue else [takedown.due_at]),
    ]
    return replace(takedown, look_at=min(times, default=None))


def takes_takedowns(case: Case) -> bool:
    """Return whether anything is asked of a platform because of such a case.

    What may be trade union activity is not: nothing is written about it until the triage desk has decided (C-j).
    """
    of_content = case.report_type not in {ReportType.ENQUIRY, ReportType.POLICY_EXCEPTION}
    return of_content and case.category != cases.UNION_ACTIVITY and case.outcome is not Outcome.EXEMPT


def worked_on(case: Case, actor: Actor, now: datetime, takedowns: Iterable[Takedown]) -> Case:
    """Return a case after something was done about its take-downs.

    No claim is needed, and a closed case takes it too: platforms answer late.

    Raises:
        NotForThisCase: it may be trade union activity, or is about no content.
    """
    if not takes_takedowns(case):
        raise cases.NotForThisCase
    after = cases.next_version(case) if case.finished else cases.note(case, actor, now)
    return replace(after, takedown=summary(takedowns))
