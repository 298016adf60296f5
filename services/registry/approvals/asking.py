"""Asks for an account (S7): what every request has to say, and where it begins."""

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from services.registry.accounts.changes import RegistrationRefused, note
from services.registry.accounts.domain import faults
from services.registry.accounts.handlers import HandleTaken
from services.registry.accounts.queries import find_open, platform_in_use
from services.registry.approvals.domain import OPEN, About, Draft, Request, RequestState, first_state
from services.registry.approvals.queries import platform_cleared, request_of
from services.registry.approvals.tables import RequestRow
from services.registry.context.work import Work
from shared.audit.chain import Change
from shared.ids import AccountId


class HandleRequested(Exception):
    """Another open request is for this handle."""


async def ask(work: Work, draft: Draft) -> Request:
    """Ask for an account (S7).

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is on the register already.
        HandleRequested: somebody asked for it already.
    """
    return await put(work, draft, AccountId(work.ids.uuid()), About.NEW)


async def put(work: Work, draft: Draft, account_id: AccountId, about: About) -> Request:
    """Store a request: for a new account, or for one on the register that has to pass its checks."""
    await must_fit(work, draft, about)
    known = about is About.LEGACY or await platform_known(work, draft.platform)
    row = RequestRow(
        id=work.ids.uuid(),
        account_id=account_id,
        about=about,
        state=first_state(platform_in_use=known),
        requested_by=work.person,
        requested_at=work.now,
        changed_at=work.now,
        version=1,
        new_platform=not known,
        **columns_of(draft),
    )
    values = {column.key: getattr(row, column.key) for column in RequestRow.__table__.columns}
    open_states = ", ".join(f"'{state}'" for state in RequestState if state in OPEN)
    statement = insert(RequestRow).on_conflict_do_nothing(
        index_elements=["platform", "handle"], index_where=text(f"state in ({open_states})")
    )
    if not (await work.session.scalars(statement.returning(RequestRow.id), [values])).all():
        raise HandleRequested
    request = request_of(row)
    await note(work, [(account_id, asked(work, request, "requested"))])
    return request


def asked(work: Work, request: Request, action: str) -> Change:
    """Describe what is asked for."""
    draft = request.draft
    told = {"platform": draft.platform, "account_class": str(draft.account_class), "request": str(request.state)}
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
        after=told,
        personal={name: words for name, words in private.items() if words},
    )


async def must_fit(work: Work, draft: Draft, about: About) -> None:
    """Refuse what the register would refuse.

    Raises:
        RegistrationRefused: it breaks a rule of the register.
        HandleTaken: the handle is on the register already.
    """
    if found := faults(draft.registration()):
        raise RegistrationRefused(*found)
    if about is About.NEW and await find_open(work.session, [(draft.platform, draft.handle)]):
        raise HandleTaken


async def must_be_unasked(work: Work, draft: Draft) -> None:
    """Refuse a handle that another open request is for.

    Raises:
        HandleRequested: there is one.
    """
    same = select(RequestRow.id).where(
        RequestRow.platform == draft.platform, RequestRow.handle == draft.handle, RequestRow.state.in_(OPEN)
    )
    if await work.session.scalar(same):
        raise HandleRequested


async def platform_known(work: Work, platform: str) -> bool:
    """Say whether a platform is in use, or was cleared before."""
    if platform == "other":
        return False
    return await platform_in_use(work.session, platform) or await platform_cleared(work.session, platform)


def columns_of(draft: Draft) -> dict[str, str | None]:
    """Return what a request stores of its draft."""
    return {
        "platform": draft.platform,
        "handle": draft.handle,
        "account_class": str(draft.account_class),
        "title": draft.title,
        "owner": draft.owner,
        "approved_person": draft.approved_person,
        "vetting_required": draft.vetting_required,
        "requirement": draft.requirement,
        "purpose": draft.purpose,
    }
