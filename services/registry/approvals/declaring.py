"""Accounts from before: declared by their holder or sponsor, or on the register already, they pass the same gate."""

from dataclasses import replace

from services.registry.accounts.changes import lock_one
from services.registry.accounts.domain import LEGACY_PERIOD
from services.registry.accounts.handlers import StatusNotAllowed, register
from services.registry.approvals.asking import put
from services.registry.approvals.domain import About, Draft, Request
from services.registry.context.work import Work
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId


async def declare(work: Work, draft: Draft) -> Request:
    """Declare an account that exists: it is legacy until the request made with it is approved (Sc-d).

    Nobody vouches for it before that, so the lookup and the public list do not know it.

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is on the register already.
        HandleRequested: somebody asked for it already.
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
    return await put(work, draft, account_id, About.LEGACY)


async def begin_checks(work: Work, account_id: AccountId, draft: Draft) -> Request:
    """Ask that a legacy account on the register passes its checks; platform, handle and class are the account's.

    Raises:
        UnknownAccount: there is none.
        StatusNotAllowed: it is not legacy.
        HandleRequested: its checks have begun already.
    """
    account = await lock_one(work, account_id)
    kept = account.registration
    if kept.status is not AccountStatus.LEGACY:
        raise StatusNotAllowed
    asked = replace(draft, platform=kept.platform, handle=kept.handle, account_class=kept.account_class)
    return await put(work, asked, account_id, About.LEGACY)
