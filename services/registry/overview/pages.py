"""Pages across capabilities: one account with the actions on it, and the tasks of the signed-in person."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.registry.accounts.domain import Account, can_be_reviewed, statuses_by_hand
from services.registry.accounts.forms import OUTCOMES, read_status_change, status_fields
from services.registry.accounts.handlers import change_status
from services.registry.accounts.queries import known_account, reviews_of
from services.registry.accounts.refusals import REFUSALS
from services.registry.accounts.views import account_view, history_view, name_of, people_in
from services.registry.approvals.queries import requests_about
from services.registry.approvals.views import request_view
from services.registry.confirmations.queries import confirmation_of
from services.registry.context.dependencies import WorkDep
from services.registry.context.forms import RegistryForm
from services.registry.context.work import Work
from services.registry.operators.domain import can_have_operators
from services.registry.operators.queries import operators_of
from services.registry.operators.views import REASON_LABELS, operator_view
from services.registry.overview.queries import tasks_for
from shared.audit import chain
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.people import names_of
from shared.web.pages import render
from shared.web.refusals import attempt


@dataclass(frozen=True, slots=True)
class Link:
    """An action, and its URL."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One review in words."""

    outcome: str
    reason: str
    reviewed_by: str
    next_on: date | None


def account_links(work: Work, account: Account) -> list[Link]:
    """Return what the signed-in person can do with an account, besides changing its status."""
    kept, at = account.registration, f"/accounts/{account.id}"
    closed, union = kept.status is AccountStatus.CLOSED, kept.account_class is AccountClass.UNION
    records = work.may(Permission.RECORD_GATES) and work.answers_for(account.registration.owner)
    keeps = work.may(Permission.MANAGE_REGISTER) and not closed and not union
    confirms = work.may(Permission.CONFIRM_ACCOUNTS) and kept.status is AccountStatus.APPROVED
    frozen, legacy = kept.status is AccountStatus.FROZEN, kept.status is AccountStatus.LEGACY
    possible = [
        (confirms, Link("Confirm that it exists and is ours", f"{at}/confirm")),
        (records and frozen, Link("Record its recovery", f"{at}/recover")),
        (legacy and work.may(Permission.REQUEST_ACCOUNTS), Link("Begin its checks", f"{at}/checks")),
        (records and can_have_operators(kept) and not frozen, Link("Name an operator", f"{at}/operators/new")),
        (records and can_be_reviewed(kept), Link("Record a review", f"{at}/review")),
        (keeps, Link("Change details", f"{at}/details")),
        (keeps, Link("Close the account", f"{at}/close")),
    ]
    return [link for may, link in possible if may]


def by_hand(work: Work, account: Account) -> tuple[AccountStatus, ...]:
    """Return the statuses that the signed-in person can choose with only a reason."""
    return statuses_by_hand(account.registration) if work.may(Permission.MANAGE_REGISTER) else ()


router = APIRouter(prefix="/accounts", include_in_schema=False)


@router.get("/{account_id:uuid}", response_class=HTMLResponse, dependencies=[requires(Permission.SEE_REGISTER)])
async def show_account(request: Request, work: WorkDep, account_id: UUID) -> HTMLResponse:
    """Show one account with its operators, reviews, requests and history."""
    return await _account_page(request, work, account_id, RegistryForm({}), 200)


@router.post(
    "/{account_id:uuid}/status", response_class=HTMLResponse, dependencies=[requires(Permission.MANAGE_REGISTER)]
)
async def post_status(request: Request, work: WorkDep, account_id: UUID) -> Response:
    """Change an account's status, or show the page again with every answer."""
    form = await RegistryForm.posted(request)
    wanted = read_status_change(account_id, form)
    done = await attempt(work.session, change_status(work, wanted), form.errors, REFUSALS, "status") if wanted else 422
    if isinstance(done, int):
        return await _account_page(request, work, account_id, form, done)
    return RedirectResponse(f"/accounts/{account_id}", 303)


async def _account_page(
    request: Request, work: Work, account_id: UUID, form: RegistryForm, status: int
) -> HTMLResponse:
    account = await known_account(work.session, account_id)
    operators = await operators_of(work.session, account, work.periods, work.today)
    reviews = await reviews_of(work.session, account_id)
    history = await chain.read(work.session, account_id)
    confirmation = await confirmation_of(work.session, account_id)
    kept = account.registration
    named = [kept.owner, kept.approved_person, kept.declared_by, confirmation.confirmed_by if confirmation else None]
    named += [one.operator.staff_id for one in operators] + [one.reviewed_by for one in reviews]
    names = await names_of(work.session, [*named, *people_in(history)])
    return render(
        request,
        "overview/account.html",
        status,
        account=account_view(account, work.now),
        approved=kept.status is AccountStatus.APPROVED,
        confirmation=confirmation,
        names=names,
        operators=list(map(operator_view, operators)),
        reviews=[ReviewView(OUTCOMES[one.outcome], one.reason, one.reviewed_by, one.next_on) for one in reviews],
        requests=[request_view(one) for one in await requests_about(work.session, account_id)],
        union=kept.account_class is AccountClass.UNION,
        links=account_links(work, account),
        fields=status_fields(account, following) if (following := by_hand(work, account)) else (),
        history=[history_view(activity, names) for activity in reversed(history)],
        form=form,
        errors=form.errors,
    )


@router.get("/waiting", response_class=HTMLResponse)
async def show_tasks(request: Request, work: WorkDep) -> HTMLResponse:
    """Show what waits for the signed-in person."""
    found = await tasks_for(work)
    return render(
        request,
        "overview/tasks.html",
        names=await names_of(work.session, found.people),
        nothing=found.nothing,
        requests=[request_view(one) for one in found.requests],
        removals=[(name_of(account), one.operator, REASON_LABELS[one.because]) for account, one in found.removals],
        gates=[(name_of(account), operator) for account, operator in found.gates],
        exceptions=[(name_of(account), operator) for account, operator in found.exceptions],
        confirmations=[(name_of(account), account) for account in found.confirmations],
        recoveries=[(name_of(account), account) for account in found.recoveries],
        reviews=[(name_of(account), account) for account in found.reviews],
        checks=[(name_of(account), account) for account in found.checks],
        today=work.today,
    )
