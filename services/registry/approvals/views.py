"""Requests, as pages show them, and what the signed-in person may do with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registry.accounts.domain import CLASS_LABELS
from services.registry.accounts.views import VETTING_LABELS
from services.registry.approvals import domain
from services.registry.approvals.queries import stands_in_for
from services.registry.context.domain import same_person
from services.registry.context.work import Work
from shared.auth.permissions import Permission
from shared.events.platforms import platform_label, profile_url
from shared.ids import StaffId
from shared.people import Names

STATE_LABELS = {
    domain.RequestState.WITH_ADVICE_CENTRE: "With the Security Advice Centre",
    domain.RequestState.REQUESTED: "Waiting for an approver",
    domain.RequestState.RETURNED: "Returned for changes",
    domain.RequestState.APPROVED: "Approved",
    domain.RequestState.REFUSED: "Refused",
    domain.RequestState.WITHDRAWN: "Withdrawn",
}
STEP_BUTTONS = {
    domain.RequestAction.CLEAR: "Clear the platform",
    domain.RequestAction.APPROVE: "Approve the request",
    domain.RequestAction.RETURN: "Return the request",
    domain.RequestAction.REFUSE: "Refuse the request",
    domain.RequestAction.WITHDRAW: "Withdraw the request",
}
STEP_EFFECTS = {
    domain.RequestAction.CLEAR: "An approver then decides about the account.",
    domain.RequestAction.APPROVE: (
        "The account may then be created. It is official once someone confirms that it is ours."
    ),
    domain.RequestAction.RETURN: "The person who asked can change the request and send it again.",
    domain.RequestAction.REFUSE: "This ends the request. The person who asked sees your reason.",
    domain.RequestAction.WITHDRAW: "This ends the request.",
}
STEP_LABELS = {
    domain.RequestAction.CLEAR: "Clear the platform, so that an approver decides",
    domain.RequestAction.APPROVE: "Approve",
    domain.RequestAction.RETURN: "Return it for changes",
    domain.RequestAction.REFUSE: "Refuse",
    domain.RequestAction.WITHDRAW: "Withdraw",
}
_TAGS = {
    domain.RequestState.WITH_ADVICE_CENTRE: "govuk-tag--purple",
    domain.RequestState.REQUESTED: "govuk-tag--blue",
    domain.RequestState.RETURNED: "govuk-tag--yellow",
    domain.RequestState.APPROVED: "govuk-tag--green",
    domain.RequestState.REFUSED: "govuk-tag--grey",
    domain.RequestState.WITHDRAWN: "govuk-tag--grey",
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

    steps: tuple[tuple[domain.RequestAction, str], ...]
    behalf: tuple[StaffId, ...]
    """The approvers for whom they may decide."""
    in_own_right: bool
    resubmits: bool


def draft_rows(draft: domain.Draft, names: Names) -> tuple[tuple[str, str | None], ...]:
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


def answers_to_check(draft: domain.Draft, names: Names, *, listed: bool) -> list[tuple[str, str]]:
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


def people_of(request: domain.AccountRequest) -> Sequence[StaffId | None]:
    """Return the staff ids that a request names."""
    return (
        request.draft.owner,
        request.draft.approved_person,
        request.requested_by,
        request.decided_by,
        request.on_behalf_of,
    )


def request_view(request: domain.AccountRequest, names: Names | None = None) -> RequestView:
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
        legacy=request.about is domain.About.LEGACY,
        new_platform=request.new_platform,
        changed_at=request.changed_at,
        rows=tuple((label, text) for label, text in rows if text),
        version=request.version,
    )


async def possible_actions(work: Work, request: domain.AccountRequest) -> PossibleActions:
    """Return what the signed-in person can do with a request."""
    return possible_actions_as(work, request, await stands_in_for(work.session, work.person, work.today))


def possible_actions_as(work: Work, request: domain.AccountRequest, proxies: Sequence[StaffId]) -> PossibleActions:
    """Return what the signed-in person can do with a request, in their own right or as proxy of these approvers."""
    own = same_person(request.requested_by, work.person)
    behalf = tuple(
        approver
        for approver in proxies
        if domain.barrier(request, domain.Decider(work.person, False, approver, delegated=True)) is None  # noqa: FBT003 -- in order
    )
    approves = (
        domain.barrier(request, domain.Decider(work.person, approves=work.may(Permission.APPROVE_ACCOUNTS))) is None
    )
    clears = (
        domain.barrier(request, domain.Decider(work.person, approves=work.may(Permission.CLEAR_NEW_PLATFORMS))) is None
    )
    with_centre = request.state is domain.RequestState.WITH_ADVICE_CENTRE
    decides = clears if with_centre else approves or bool(behalf)
    wanted = [
        (domain.RequestAction.CLEAR, clears),
        (domain.RequestAction.APPROVE, decides and not with_centre),
        (domain.RequestAction.RETURN, decides),
        (domain.RequestAction.REFUSE, decides),
        (domain.RequestAction.WITHDRAW, own),
    ]
    steps = tuple((step, STEP_LABELS[step]) for step, may in wanted if may and domain.allowed(request.state, step))
    return PossibleActions(
        steps=steps,
        behalf=() if with_centre else behalf,
        in_own_right=approves or with_centre,
        resubmits=own and domain.allowed(request.state, domain.RequestAction.RESUBMIT),
    )
