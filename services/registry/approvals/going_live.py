"""What an approval does on the register: a new account is put there, a legacy one has passed its checks (S7, Sc-d)."""

from dataclasses import replace

from services.registry.accounts.changes import AccountChange, change, lock_one
from services.registry.accounts.handlers import StatusNotAllowed, register_as
from services.registry.approvals.domain import About, Request
from services.registry.context.domain import months_later
from services.registry.context.work import Work
from shared.events.vocabulary import AccountStatus


async def go_live(work: Work, request: Request) -> None:
    """Make the account of an approved request live; its first review is due after the usual time (S8).

    Raises:
        HandleTaken: the handle is on the register meanwhile.
        StatusNotAllowed: the legacy account is not legacy any more.
    """
    if request.about is About.LEGACY:
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


async def _pass_checks(work: Work, request: Request) -> None:
    account = await lock_one(work, request.account_id)
    kept, asked = account.registration, request.draft
    if kept.status is not AccountStatus.LEGACY:
        raise StatusNotAllowed
    becomes = replace(
        kept,
        status=AccountStatus.LIVE,
        official_use=True,
        checks_due_on=None,
        title=asked.title or kept.title,
        owner=asked.owner,
        approved_person=asked.approved_person,
        vetting_required=asked.vetting_required,
        next_review_on=kept.next_review_on or months_later(work.today, work.periods.review_months),
    )
    await change(work, account, AccountChange(becomes, "checks_passed"))
