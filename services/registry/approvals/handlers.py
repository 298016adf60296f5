"""What happens to a request for an account: it is made, cleared, approved, returned, refused, changed, withdrawn (S7).

A legacy account, declared or already on the register, passes the same gate as a new one (Sc-d).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from services.registry.accounts.changes import AccountChange, RegistrationRefused, change, lock_one, record_activities
from services.registry.accounts.domain import LEGACY_PERIOD, faults, status_after_approval
from services.registry.accounts.handlers import HandleTaken, StatusNotAllowed, register, register_as
from services.registry.accounts.queries import find_open, platform_in_use
from services.registry.approvals import domain
from services.registry.approvals.queries import get_request, platform_cleared, request_of, stands_in_for
from services.registry.approvals.tables import RequestRow
from services.registry.context.domain import months_later, same_person
from services.registry.context.work import Work
from shared.audit.chain import Change
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId, StaffId


class HandleRequested(Exception):
    """Another open request is for this handle."""


class UnknownRequest(LookupError):
    """No request has this id, or the person may not see it."""


class RequestChangedMeanwhile(Exception):
    """The request has changed since it was read."""


class ActionNotAllowed(Exception):
    """The request's state does not allow this."""


class OwnRequest(Exception):
    """Neither a person nor their proxy can decide about their own request, or an account for themselves (S7)."""


class NoApprover(Exception):
    """Only a relevant approver, or their recorded proxy, decides (S7)."""


class NotYourRequest(Exception):
    """Only the person who made a request changes or withdraws it."""


_BARRIERS: Mapping[domain.Barrier, type[Exception]] = {
    domain.Barrier.OWN_REQUEST: OwnRequest,
    domain.Barrier.NO_APPROVER: NoApprover,
    domain.Barrier.NO_DELEGATION: NoApprover,
}


@dataclass(frozen=True, slots=True)
class RequestDecision:
    """A decision about a request, in the version that was read."""

    request_id: UUID
    version: int
    words: str
    """Why; for an approval, why this approver is the relevant one."""
    on_behalf_of: StaffId | None = None


async def sees_all_requests(work: Work) -> bool:
    """Return whether the signed-in person sees all requests."""
    if work.may(Permission.SEE_REGISTER):
        return True
    return bool(await stands_in_for(work.session, work.person, work.today))


async def visible_request(work: Work, request_id: UUID) -> domain.AccountRequest:
    """Return a request that the signed-in person may see.

    Raises:
        UnknownRequest: there is none, or they may not see it.
    """
    request = await get_request(work.session, request_id)
    if request is None:
        raise UnknownRequest
    concerned = any(same_person(party, work.person) for party in request.parties)
    if not concerned and not await sees_all_requests(work):
        raise UnknownRequest
    return request


async def request_account(work: Work, draft: domain.Draft) -> domain.AccountRequest:
    """Request an account (S7).

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is already on the register.
        HandleRequested: another open request is for the handle.
    """
    return await _store_request(work, draft, AccountId(work.ids.uuid()), domain.About.NEW)


async def declare(work: Work, draft: domain.Draft) -> domain.AccountRequest:
    """Declare an account that exists: it is legacy until the request made with it is approved (Sc-d).

    Until then only one person vouches for it, so the lookup and the public list leave it out.

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is already on the register.
        HandleRequested: another open request is for the handle.
    """
    registration = replace(
        draft.registration(),
        status=AccountStatus.LEGACY,
        checks_due_on=work.today + LEGACY_PERIOD,
        declared_by=work.person,
    )
    (account_id,) = await register(
        work.session, [registration], outbox=work.outbox, now=work.now, ids=work.ids, actor=work.actor
    )
    return await _store_request(work, draft, account_id, domain.About.LEGACY)


async def begin_checks(work: Work, account_id: AccountId, draft: domain.Draft) -> domain.AccountRequest:
    """Request the checks of a legacy account on the register; platform, handle and class come from the account.

    Raises:
        UnknownAccount: there is none.
        StatusNotAllowed: it is not legacy.
        HandleRequested: its checks have already begun.
    """
    account = await lock_one(work, account_id)
    kept = account.registration
    if kept.status is not AccountStatus.LEGACY:
        raise StatusNotAllowed
    asked = replace(draft, platform=kept.platform, handle=kept.handle, account_class=kept.account_class)
    return await _store_request(work, asked, account_id, domain.About.LEGACY)


async def clear_platform(work: Work, decision: RequestDecision) -> domain.AccountRequest:
    """Clear a platform that is not in use yet; the request goes on to an approver (X3)."""
    row = await _locked(work, decision, domain.RequestAction.CLEAR)
    _must_decide(request_of(row), domain.Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS)))
    row.cleared_by = work.person
    return await _move(work, row, domain.RequestState.REQUESTED, "platform_cleared", decision.words)


async def approve(work: Work, decision: RequestDecision) -> domain.AccountRequest:
    """Approve a request: the account is live and official once it is confirmed to exist and to be ours (S7, Sc-d).

    Raises:
        UnknownRequest, RequestChangedMeanwhile, ActionNotAllowed: as for every decision.
        OwnRequest, NoApprover: they may not decide about it.
        HandleTaken: the handle has been registered meanwhile.
        StatusNotAllowed: the legacy account is frozen or closed.
    """
    row = await _locked(work, decision, domain.RequestAction.APPROVE)
    decider = await _decider(work, decision.on_behalf_of)
    _must_decide(request_of(row), decider)
    row.decided_by, row.on_behalf_of = decider.staff_id, decider.stands_in_for
    row.relevance = decision.words
    request = await _move(work, row, domain.RequestState.APPROVED, "approved", None)
    await _put_on_register(work, request)
    return request


async def send_back(work: Work, decision: RequestDecision) -> domain.AccountRequest:
    """Return a request with what has to change."""
    return await _decide_against(work, decision, domain.RequestAction.RETURN, domain.RequestState.RETURNED)


async def refuse(work: Work, decision: RequestDecision) -> domain.AccountRequest:
    """Refuse a request, for good."""
    return await _decide_against(work, decision, domain.RequestAction.REFUSE, domain.RequestState.REFUSED)


async def withdraw(work: Work, decision: RequestDecision) -> domain.AccountRequest:
    """Withdraw a request; only the person who made it can."""
    row = await _locked(work, decision, domain.RequestAction.WITHDRAW)
    _must_be_own(work, row)
    row.reason = decision.words
    return await _move(work, row, domain.RequestState.WITHDRAWN, "withdrawn", decision.words)


async def resubmit(work: Work, request_id: UUID, version: int, draft: domain.Draft) -> domain.AccountRequest:
    """Send a returned request again, changed.

    Raises:
        NotYourRequest: another person made it.
        HandleTaken, HandleRequested, RegistrationRefused: as for a new one.
    """
    row = await _locked(work, RequestDecision(request_id, version, ""), domain.RequestAction.RESUBMIT)
    _must_be_own(work, row)
    before = request_of(row)
    if before.about is domain.About.LEGACY:
        draft = replace(draft, platform=row.platform, handle=row.handle, account_class=before.draft.account_class)
    await _must_fit(work, draft, before.about)
    if (draft.platform, draft.handle) != (row.platform, row.handle):
        await _must_be_unrequested(work, draft)
    known = before.about is domain.About.LEGACY or await _platform_known(work, draft.platform)
    for name, value in asdict(draft).items():
        setattr(row, name, value)
    row.new_platform, row.cleared_by, row.reason = not known, None, None
    row.decided_by = row.on_behalf_of = None
    try:
        async with work.session.begin_nested():
            return await _move(work, row, domain.first_state(platform_in_use=known), "resubmitted", None)
    except IntegrityError as error:
        raise HandleRequested from error


async def _store_request(
    work: Work, draft: domain.Draft, account_id: AccountId, about: domain.About
) -> domain.AccountRequest:
    """Store a request: for a new account, or for one on the register that has to pass its checks."""
    await _must_fit(work, draft, about)
    known = about is domain.About.LEGACY or await _platform_known(work, draft.platform)
    row = RequestRow(
        id=work.ids.uuid(),
        account_id=account_id,
        about=about,
        state=domain.first_state(platform_in_use=known),
        requested_by=work.person,
        requested_at=work.now,
        changed_at=work.now,
        version=1,
        new_platform=not known,
        **asdict(draft),
    )
    values = {column.key: getattr(row, column.key) for column in RequestRow.__table__.columns}
    open_states = ", ".join(f"'{state}'" for state in domain.RequestState if state in domain.OPEN)
    statement = insert(RequestRow).on_conflict_do_nothing(
        index_elements=["platform", "handle"], index_where=text(f"state in ({open_states})")
    )
    if not (await work.session.scalars(statement.returning(RequestRow.id), [values])).all():
        raise HandleRequested
    request = request_of(row)
    await record_activities(work, [(account_id, _content_change(work, request, "requested"))])
    return request


def _content_change(work: Work, request: domain.AccountRequest, action: str) -> Change:
    """Return the audit entry for what is requested."""
    draft = request.draft
    facts = {"platform": draft.platform, "account_class": str(draft.account_class), "request": str(request.state)}
    private = {
        "handle": draft.handle,
        "title": draft.title,
        "owner": draft.owner,
        "approved_person": draft.approved_person,
        "requirement": draft.requirement,
        "purpose": draft.purpose,
    }
    return Change(
        action,
        work.actor,
        after=facts,
        personal={name: words for name, words in private.items() if words},
    )


async def _must_fit(work: Work, draft: domain.Draft, about: domain.About) -> None:
    """Check that the register would accept the account.

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is already on the register.
    """
    if found := faults(draft.registration()):
        raise RegistrationRefused(*found)
    if about is domain.About.NEW and await find_open(work.session, [(draft.platform, draft.handle)]):
        raise HandleTaken


async def _must_be_unrequested(work: Work, draft: domain.Draft) -> None:
    """Check that no other open request is for the handle.

    Raises:
        HandleRequested: there is one.
    """
    same = select(RequestRow.id).where(
        RequestRow.platform == draft.platform, RequestRow.handle == draft.handle, RequestRow.state.in_(domain.OPEN)
    )
    if await work.session.scalar(same):
        raise HandleRequested


async def _platform_known(work: Work, platform: str) -> bool:
    """Return whether a platform is in use, or was cleared before."""
    if platform == "other":
        return False
    return await platform_in_use(work.session, platform) or await platform_cleared(work.session, platform)


async def _put_on_register(work: Work, request: domain.AccountRequest) -> None:
    """Register the account of an approved request; its first review is due after the usual time (S8).

    Raises:
        HandleTaken: the handle has been registered meanwhile.
        StatusNotAllowed: the legacy account is no longer legacy.
    """
    if request.about is domain.About.LEGACY:
        await _pass_checks(work, request)
        return
    review = months_later(work.today, work.periods.review_months)
    registration = replace(request.draft.registration(), next_review_on=review)
    await register_as(
        work.session,
        [(request.account_id, registration)],
        outbox=work.outbox,
        now=work.now,
        ids=work.ids,
        actor=work.actor,
    )
    await work.observers.accounts_changed(work, [request.account_id])


async def _pass_checks(work: Work, request: domain.AccountRequest) -> None:
    account = await lock_one(work, request.account_id)
    kept, asked = account.registration, request.draft
    if kept.status is not AccountStatus.LEGACY:
        raise StatusNotAllowed
    becomes = replace(
        kept,
        status=status_after_approval(kept),
        official_use=True,
        checks_due_on=None,
        title=asked.title or kept.title,
        owner=asked.owner,
        approved_person=asked.approved_person,
        vetting_required=asked.vetting_required,
        next_review_on=kept.next_review_on or months_later(work.today, work.periods.review_months),
    )
    await change(work, account, AccountChange(becomes, "checks_passed"))


async def _decide_against(
    work: Work, decision: RequestDecision, step: domain.RequestAction, becomes: domain.RequestState
) -> domain.AccountRequest:
    row = await _locked(work, decision, step)
    request = request_of(row)
    if request.state is domain.RequestState.WITH_ADVICE_CENTRE:
        decider = domain.Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS))
    else:
        decider = await _decider(work, decision.on_behalf_of)
    _must_decide(request, decider)
    row.reason, row.decided_by, row.on_behalf_of = decision.words, decider.staff_id, decider.stands_in_for
    return await _move(work, row, becomes, str(becomes), decision.words)


async def _locked(work: Work, decision: RequestDecision, step: domain.RequestAction) -> RequestRow:
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
    if not domain.allowed(domain.RequestState(row.state), step):
        raise ActionNotAllowed
    return row


async def _move(
    work: Work, row: RequestRow, becomes: domain.RequestState, action: str, reason: str | None
) -> domain.AccountRequest:
    before = domain.RequestState(row.state)
    row.state, row.version, row.changed_at = becomes, row.version + 1, work.now
    await work.session.flush()
    request = request_of(row)
    if action == "resubmitted":
        change = _content_change(work, request, f"request_{action}")
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
    await record_activities(work, [(request.account_id, change)])
    return request


async def _decider(work: Work, on_behalf_of: StaffId | None) -> domain.Decider:
    approves = work.may(Permission.APPROVE_ACCOUNTS)
    if on_behalf_of is None:
        return domain.Decider(work.person, approves=approves)
    delegators = await stands_in_for(work.session, work.person, work.today)
    known = next((approver for approver in delegators if same_person(approver, on_behalf_of)), None)
    return domain.Decider(work.person, approves, known or on_behalf_of, delegated=known is not None)


def _must_decide(request: domain.AccountRequest, decider: domain.Decider) -> None:
    if barred := domain.barrier(request, decider):
        raise _BARRIERS[barred]


def _must_be_own(work: Work, row: RequestRow) -> None:
    if not same_person(row.requested_by, work.person):
        raise NotYourRequest
