"""The life of a request for an account, and who may decide about one (S7). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.registry.accounts.domain import Registration, Vetting
from services.registry.context.domain import same_person
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, StaffId

LONGEST_DELEGATION_DAYS = 366
"""The longest delegation: for more than a year it is no proxy. Our choice; the policy states no period."""

REQUESTED_CLASSES = (AccountClass.OFFICIAL, AccountClass.PROFESSIONAL_INDIVIDUAL, AccountClass.LINKEDIN)
"""A personal account is never the department's, and a union's is outside the policy, so neither can be requested."""


class RequestState(StrEnum):
    """The state of a request."""

    WITH_ADVICE_CENTRE = "with_advice_centre"
    """On a platform that is not in use yet: the Security Advice Centre decides first (X3)."""
    REQUESTED = "requested"
    RETURNED = "returned"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class RequestAction(StrEnum):
    """What can happen to a request."""

    CLEAR = "clear"
    APPROVE = "approve"
    RETURN = "return"
    REFUSE = "refuse"
    RESUBMIT = "resubmit"
    WITHDRAW = "withdraw"


class About(StrEnum):
    """Whether a new account is requested, or the checks of an existing one (Sc-d)."""

    NEW = "new"
    LEGACY = "legacy"


_S, _T = RequestState, RequestAction
_DECIDABLE = frozenset({_S.WITH_ADVICE_CENTRE, _S.REQUESTED})
_FROM: Mapping[RequestAction, frozenset[RequestState]] = {
    _T.CLEAR: frozenset({_S.WITH_ADVICE_CENTRE}),
    _T.APPROVE: frozenset({_S.REQUESTED}),
    _T.RETURN: _DECIDABLE,
    _T.REFUSE: _DECIDABLE,
    _T.RESUBMIT: frozenset({_S.RETURNED}),
    _T.WITHDRAW: _DECIDABLE | {_S.RETURNED},
}
OPEN = _DECIDABLE | {_S.RETURNED}
"""States in which a request reserves its handle."""


@dataclass(frozen=True, slots=True)
class Draft:
    """The content of a request."""

    platform: str
    handle: str
    """Canonical for its platform."""
    account_class: AccountClass
    requirement: str
    """The strategic business requirement that the account fulfils (S7)."""
    purpose: str
    """What it will be used for: one account, one purpose (S4)."""
    owner: StaffId
    title: str | None = None
    approved_person: StaffId | None = None
    vetting_required: Vetting | None = None

    def registration(self) -> Registration:
        """Return the registration that would result."""
        return Registration(
            platform=self.platform,
            handle=self.handle,
            account_class=self.account_class,
            status=AccountStatus.APPROVED,
            official_use=True,
            title=self.title,
            owner=self.owner,
            approved_person=self.approved_person,
            vetting_required=self.vetting_required,
            to_confirm=True,
        )


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """A request in its current state."""

    id: UUID
    account_id: AccountId
    """The account's id, known from the start because its record begins with the request."""
    about: About
    state: RequestState
    draft: Draft
    requested_by: StaffId
    requested_at: datetime
    changed_at: datetime
    version: int
    new_platform: bool
    reason: str | None
    """Why it was returned, refused or withdrawn."""
    relevance: str | None
    """Why this approver is the relevant one, in their own words."""
    decided_by: StaffId | None
    on_behalf_of: StaffId | None

    @property
    def parties(self) -> tuple[StaffId | None, ...]:
        """The people whose own request it is: the person who asks, and the people it is for."""
        return (self.requested_by, self.draft.owner, self.draft.approved_person)


@dataclass(frozen=True, slots=True)
class Delegation:
    """An approver's proxy for some days, including the last."""

    id: UUID
    approver: StaffId
    proxy: StaffId
    first_day: date
    last_day: date
    reason: str
    ended: bool = False

    def holds_on(self, day: date) -> bool:
        """Return whether the proxy may decide on this day."""
        return not self.ended and self.first_day <= day <= self.last_day


@dataclass(frozen=True, slots=True)
class Decider:
    """The person who wants to decide, in their own right or as a proxy."""

    staff_id: StaffId
    approves: bool
    """Whether they are an approver themselves."""
    stands_in_for: StaffId | None = None
    delegated: bool = False
    """Whether that person's delegation to them is valid today."""


class Barrier(StrEnum):
    """Why a person may not decide about a request."""

    OWN_REQUEST = "own_request"
    NO_APPROVER = "no_approver"
    NO_DELEGATION = "no_delegation"


def allowed(state: RequestState, step: RequestAction) -> bool:
    """Return whether this action is possible in this state."""
    return state in _FROM[step]


def first_state(*, platform_in_use: bool) -> RequestState:
    """Return the state of a new or resubmitted request; the advice centre first decides on a new platform."""
    return RequestState.REQUESTED if platform_in_use else RequestState.WITH_ADVICE_CENTRE


def barrier(request: AccountRequest, decider: Decider) -> Barrier | None:
    """Return why a person may not decide: no one decides about their own request, even by proxy."""
    if any(same_person(party, decider.staff_id) for party in request.parties):
        return Barrier.OWN_REQUEST
    if decider.stands_in_for is None:
        return None if decider.approves else Barrier.NO_APPROVER
    if any(same_person(party, decider.stands_in_for) for party in request.parties):
        return Barrier.OWN_REQUEST
    return None if decider.delegated else Barrier.NO_DELEGATION
