"""What happens to a request: cleared, approved, returned, refused, changed, withdrawn. Each locks the request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from services.registry.accounts.changes import note
from services.registry.approvals.asking import (
    HandleRequested,
    asked,
    columns_of,
    must_be_unasked,
    must_fit,
    platform_known,
)
from services.registry.approvals.domain import (
    About,
    Barrier,
    Decider,
    Draft,
    Request,
    RequestState,
    Step,
    allowed,
    barrier,
    first_state,
)
from services.registry.approvals.going_live import go_live
from services.registry.approvals.queries import request_of, stands_in_for
from services.registry.approvals.tables import RequestRow
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from shared.audit.chain import Change
from shared.auth.permissions import Permission
from shared.ids import StaffId


class UnknownRequest(LookupError):
    """No request has this id, or none that may be seen."""


class RequestChangedMeanwhile(Exception):
    """The request is not in the version that was read."""


class StepNotAllowed(Exception):
    """The request is in a state from which this cannot happen."""


class OwnRequest(Exception):
    """Nobody decides about what they ask for, or what is for them; not by proxy either (S7)."""


class NoApprover(Exception):
    """Only a relevant approver, or their recorded proxy, decides (S7)."""


class NotYourRequest(Exception):
    """Only who made a request changes or withdraws it."""


_BARRIERS: Mapping[Barrier, type[Exception]] = {
    Barrier.OWN_REQUEST: OwnRequest,
    Barrier.NO_APPROVER: NoApprover,
    Barrier.NO_DELEGATION: NoApprover,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides about a request, having read this version of it."""

    request_id: UUID
    version: int
    words: str
    """Why; of an approval, why this approver is the relevant one."""
    on_behalf_of: StaffId | None = None


async def clear_platform(work: Work, decision: Decision) -> Request:
    """Say that a platform not in use yet may be used; the request goes on to an approver (X3)."""
    row = await _locked(work, decision, Step.CLEAR)
    _must_decide(request_of(row), Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS)))
    row.cleared_by = work.person
    return await _step(work, row, RequestState.REQUESTED, "platform_cleared", decision.words)


async def approve(work: Work, decision: Decision) -> Request:
    """Approve a request: the account is live from now on (S7, Sc-d).

    Raises:
        UnknownRequest, RequestChangedMeanwhile, StepNotAllowed: as everywhere here.
        OwnRequest, NoApprover: they may not decide about it.
        HandleTaken: somebody registered the handle meanwhile.
        StatusNotAllowed: the legacy account is frozen or closed.
    """
    row = await _locked(work, decision, Step.APPROVE)
    decider = await _decider(work, decision.on_behalf_of)
    _must_decide(request_of(row), decider)
    row.decided_by, row.on_behalf_of = decider.staff_id, decider.stands_in_for
    row.relevance = decision.words
    request = await _step(work, row, RequestState.APPROVED, "approved", None)
    await go_live(work, request)
    return request


async def send_back(work: Work, decision: Decision) -> Request:
    """Return a request with what has to change."""
    return await _turn_down(work, decision, Step.RETURN, RequestState.RETURNED)


async def refuse(work: Work, decision: Decision) -> Request:
    """Refuse a request, for good."""
    return await _turn_down(work, decision, Step.REFUSE, RequestState.REFUSED)


async def withdraw(work: Work, decision: Decision) -> Request:
    """Take one's own request back."""
    row = await _locked(work, decision, Step.WITHDRAW)
    _must_be_own(work, row)
    row.reason = decision.words
    return await _step(work, row, RequestState.WITHDRAWN, "withdrawn", decision.words)


async def resubmit(work: Work, request_id: UUID, version: int, draft: Draft) -> Request:
    """Send a returned request again, changed.

    Raises:
        NotYourRequest: somebody else made it.
        HandleTaken, HandleRequested, RegistrationRefused: as for a new one.
    """
    row = await _locked(work, Decision(request_id, version, ""), Step.RESUBMIT)
    _must_be_own(work, row)
    before = request_of(row)
    if before.about is About.LEGACY:
        draft = replace(draft, platform=row.platform, handle=row.handle, account_class=before.draft.account_class)
    await must_fit(work, draft, before.about)
    if (draft.platform, draft.handle) != (row.platform, row.handle):
        await must_be_unasked(work, draft)
    known = before.about is About.LEGACY or await platform_known(work, draft.platform)
    for name, value in columns_of(draft).items():
        setattr(row, name, value)
    row.new_platform, row.cleared_by, row.reason = not known, None, None
    row.decided_by = row.on_behalf_of = None
    try:
        async with work.session.begin_nested():
            return await _step(work, row, first_state(platform_in_use=known), "resubmitted", None)
    except IntegrityError as error:
        raise HandleRequested from error


async def _turn_down(work: Work, decision: Decision, step: Step, becomes: RequestState) -> Request:
    row = await _locked(work, decision, step)
    request = request_of(row)
    if request.state is RequestState.WITH_ADVICE_CENTRE:
        decider = Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS))
    else:
        decider = await _decider(work, decision.on_behalf_of)
    _must_decide(request, decider)
    row.reason, row.decided_by, row.on_behalf_of = decision.words, decider.staff_id, decider.stands_in_for
    return await _step(work, row, becomes, str(becomes), decision.words)


async def _locked(work: Work, decision: Decision, step: Step) -> RequestRow:
    row = await work.session.scalar(
        select(RequestRow)
        .where(RequestRow.id == decision.request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise UnknownRequest
    if row.version != decision.version:
        raise RequestChangedMeanwhile
    if not allowed(RequestState(row.state), step):
        raise StepNotAllowed
    return row


async def _step(work: Work, row: RequestRow, becomes: RequestState, action: str, reason: str | None) -> Request:
    before = RequestState(row.state)
    row.state, row.version, row.changed_at = becomes, row.version + 1, work.now
    await work.session.flush()
    request = request_of(row)
    if action == "resubmitted":
        change = asked(work, request, f"request_{action}")
    else:
        deciding = {"relevance": row.relevance, "on_behalf_of": row.on_behalf_of} if row.decided_by else {}
        personal = {name: words for name, words in deciding.items() if words}
        change = Change(
            f"request_{action}",
            work.actor,
            reason=reason,
            before={"request": before},
            after={"request": becomes},
            personal=personal,
        )
    await note(work, [(request.account_id, change)])
    return request


async def _decider(work: Work, on_behalf_of: StaffId | None) -> Decider:
    approves = work.may(Permission.APPROVE_ACCOUNTS)
    if on_behalf_of is None:
        return Decider(work.person, approves=approves)
    delegators = await stands_in_for(work.session, work.person, work.today)
    known = next((approver for approver in delegators if same_person(approver, on_behalf_of)), None)
    return Decider(work.person, approves, known or on_behalf_of, delegated=known is not None)


def _must_decide(request: Request, decider: Decider) -> None:
    if barred := barrier(request, decider):
        raise _BARRIERS[barred]


def _must_be_own(work: Work, row: RequestRow) -> None:
    if not same_person(row.requested_by, work.person):
        raise NotYourRequest
