"""Requests, as pages show them, and what the signed-in person may do with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.accounts.domain import CLASS_LABELS
from services.registry.accounts.views import VETTING_LABELS
from services.registry.approvals.domain import (
    About,
    AccountRequest,
    Decider,
    Draft,
    RequestAction,
    RequestState,
    allowed,
    barrier,
)
from services.registry.approvals.queries import stands_in_for
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from shared.auth.permissions import Permission
from shared.events.platforms import platform_label, profile_url
from shared.ids import StaffId
from shared.people import Names

STATE_LABELS = {
    RequestState.WITH_ADVICE_CENTRE: "With the Security Advice Centre",
    RequestState.REQUESTED: "Waiting for an approver",
    RequestState.RETURNED: "Returned for changes",
    RequestState.APPROVED: "Approved",
    RequestState.REFUSED: "Refused",
    RequestState.WITHDRAWN: "Withdrawn",
}
STEP_BUTTONS = {
    RequestAction.CLEAR: "Clear the platform",
    RequestAction.APPROVE: "Approve the request",
    RequestAction.RETURN: "Return the request",
    RequestAction.REFUSE: "Refuse the request",
    RequestAction.WITHDRAW: "Withdraw the request",
}
STEP_EFFECTS = {
    RequestAction.CLEAR: "An approver then decides about the account.",
    RequestAction.APPROVE: "The account may then be created. It is official once someone confirms that it is ours.",
    RequestAction.RETURN: "The person who asked can change the request and send it again.",
    RequestAction.REFUSE: "This ends the request. The person who asked sees your reason.",
    RequestAction.WITHDRAW: "This ends the request.",
}
STEP_LABELS = {
    RequestAction.CLEAR: "Clear the platform, so that an approver decides",
    RequestAction.APPROVE: "Approve",
    RequestAction.RETURN: "Return it for changes",
    RequestAction.REFUSE: "Refuse",
    RequestAction.WITHDRAW: "Withdraw",
}
_TAGS = {
    RequestState.WITH_ADVICE_CENTRE: "govuk-tag--purple",
    RequestState.REQUESTED: "govuk-tag--blue",
    RequestState.RETURNED: "govuk-tag--yellow",
    RequestState.APPROVED: "govuk-tag--green",
    RequestState.REFUSED: "govuk-tag--grey",
    RequestState.WITHDRAWN: "govuk-tag--grey",
}


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request, as a row or a page shows it."""

    id: UUID
    account_id: UUID
    name: str
    platform: str
    profile: str | None
    account_class: str
    state: str
    tag: str
    legacy: bool
    new_platform: bool
    changed_at: datetime
    rows: Sequence[tuple[str, str]]
    version: int


@dataclass(frozen=True, slots=True)
class PossibleActions:
    """What the signed-in person can do with a request."""

    steps: tuple[tuple[RequestAction, str], ...]
    behalf: tuple[StaffId, ...]
    """The approvers for whom they may decide."""
    in_own_right: bool
    resubmits: bool


def draft_rows(draft: Draft, names: Names) -> tuple[tuple[str, str | None], ...]:
    """Return what is asked for."""
    return (
        ("Class", CLASS_LABELS[draft.account_class]),
        ("Title", draft.title),
        ("Strategic business requirement", draft.requirement),
        ("Purpose", draft.purpose),
        ("Proposed owner", names(draft.owner)),
        ("Who uses it", names(draft.approved_person)),
        ("Vetting required", VETTING_LABELS[draft.vetting_required] if draft.vetting_required else "None"),
    )


def answers_to_check(draft: Draft, names: Names, *, listed: bool) -> list[tuple[str, str]]:
    """Return what is asked for, before it is sent.

    Args:
        draft: what is asked for.
        names: the known names of the people in it.
        listed: whether any staff are known: only then is a staff id that no one has pointed out.
    """
    people = {str(one) for one in (draft.owner, draft.approved_person) if listed and one and not names.of(one)}
    rows = [("Platform", platform_label(draft.platform)), ("Handle", draft.handle), *draft_rows(draft, names)]
    unknown = {one: f"{one}: Signpost knows no one with this staff ID" for one in people}
    return [(question, unknown.get(answer, answer)) for question, answer in rows if answer]


def people_of(request: AccountRequest) -> Sequence[StaffId | None]:
    """Return the staff ids that a request names."""
    return (
        request.draft.owner,
        request.draft.approved_person,
        request.requested_by,
        request.decided_by,
        request.on_behalf_of,
    )


def request_view(request: AccountRequest, names: Names | None = None) -> RequestView:
    """Return a request in words; a row of a list names no one, and needs no `names`."""
    said = names or Names()
    draft = request.draft
    rows = (
        *draft_rows(draft, said),
        ("Asked for by", said(request.requested_by)),
        ("Decided by", said(request.decided_by)),
        ("On behalf of", said(request.on_behalf_of)),
        ("Why this approver", request.relevance),
        ("Reason", request.reason),
    )
    return RequestView(
        id=request.id,
        account_id=request.account_id,
        name=draft.handle,
        platform=platform_label(draft.platform),
        profile=profile_url(draft.platform, draft.handle),
        account_class=CLASS_LABELS[draft.account_class],
        state=STATE_LABELS[request.state],
        tag=_TAGS[request.state],
        legacy=request.about is About.LEGACY,
        new_platform=request.new_platform,
        changed_at=request.changed_at,
        rows=tuple((label, text) for label, text in rows if text),
        version=request.version,
    )


async def possible_actions(work: Work, request: AccountRequest) -> PossibleActions:
    """Return what the signed-in person can do with a request."""
    return possible_actions_as(work, request, await stands_in_for(work.session, work.person, work.today))


def possible_actions_as(work: Work, request: AccountRequest, proxies: Sequence[StaffId]) -> PossibleActions:
    """Return what the signed-in person can do with a request, in their own right or as proxy of these approvers."""
    own = same_person(request.requested_by, work.person)
    behalf = tuple(
        approver
        for approver in proxies
        if barrier(request, Decider(work.person, False, approver, delegated=True)) is None  # noqa: FBT003 -- in order
    )
    approves = barrier(request, Decider(work.person, approves=work.may(Permission.APPROVE_ACCOUNTS))) is None
    clears = barrier(request, Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS))) is None
    with_centre = request.state is RequestState.WITH_ADVICE_CENTRE
    decides = clears if with_centre else approves or bool(behalf)
    wanted = [
        (RequestAction.CLEAR, clears),
        (RequestAction.APPROVE, decides and not with_centre),
        (RequestAction.RETURN, decides),
        (RequestAction.REFUSE, decides),
        (RequestAction.WITHDRAW, own),
    ]
    steps = tuple((step, STEP_LABELS[step]) for step, may in wanted if may and allowed(request.state, step))
    return PossibleActions(
        steps=steps,
        behalf=() if with_centre else behalf,
        in_own_right=approves or with_centre,
        resubmits=own and allowed(request.state, RequestAction.RESUBMIT),
    )
