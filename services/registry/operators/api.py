"""Operators as JSON: /accounts/api/v1/accounts/{id}/operators, /operators, /removals."""

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AliasPath, BaseModel, ConfigDict, Field

from services.registry.accounts.queries import known_account
from services.registry.context.dependencies import Day, Id, Read, Words, WorkDep, read_through
from services.registry.context.work import Work
from services.registry.operators import handlers
from services.registry.operators.domain import Device, GateName, OperatorState
from services.registry.operators.queries import OperatorWithGates, get_operator, operators_of
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.events.vocabulary import WithdrawalReason
from shared.ids import StaffId
from shared.web.bodies import Body


class GateBody(BaseModel):
    """One gate, and whether the operator passes it today."""

    model_config = ConfigDict(frozen=True)

    gate: GateName = Field(validation_alias="name")
    passed: bool
    until: date | None
    by_exception: bool


class OperatorBody(BaseModel):
    """One operator. Platform access is open while they operate, and until there is evidence of its removal."""

    model_config = ConfigDict(frozen=True, alias_generator=read_through("operator"), validate_by_name=True)

    operator_id: UUID = Field(validation_alias=AliasPath("operator", "id"))
    account_id: UUID
    staff_id: str
    state: OperatorState
    reason: WithdrawalReason | None
    wanted: bool
    device: Device | None
    gates: tuple[GateBody, ...]
    lapses_at: datetime | None
    exception_until: date | None
    removal_task: UUID | None
    """The open task to remove access on the platform."""
    version: int


class OperatorList(BaseModel):
    """The operators of an account."""

    model_config = ConfigDict(frozen=True)

    items: tuple[OperatorBody, ...]


class NamingBody(Body):
    """Who is to operate the account, and on which device."""

    staff_id: Id
    device: Device | None = None


class DeviceBody(Body):
    """The device that an operator uses the account on."""

    device: Device


class WhyBody(Body):
    """Why."""

    reason: Words


class GrantBody(Body):
    """The last day of the exception, and why it is granted."""

    last_day: Day
    reason: Words


class EvidenceBody(Body):
    """The evidence that access on the platform is removed."""

    evidence: Words


router = APIRouter(prefix="/accounts/api/v1", tags=["operators"])

_SEES = [requires(Permission.SEE_REGISTER)]
_RECORDS = [requires(Permission.RECORD_GATES)]
_GRANTS = [requires(Permission.GRANT_EXCEPTIONS)]


@router.get("/accounts/{account_id}/operators", dependencies=_SEES)
async def get_operators(work: WorkDep, account_id: UUID) -> OperatorList:
    """List the operators of an account, with today's state of their gates."""
    return OperatorList(
        items=tuple(
            OperatorBody.model_validate(one, from_attributes=True) for one in await _operators(work, account_id)
        )
    )


@router.post("/accounts/{account_id}/operators", status_code=201, dependencies=_RECORDS)
async def post_operator(work: WorkDep, account_id: UUID, body: NamingBody, response: Response) -> OperatorBody:
    """Name an operator of an account; they are authorised as long as they pass every gate."""
    named = await handlers.name_operator(work, handlers.NewOperator(account_id, StaffId(body.staff_id), body.device))
    return await _answer(work, named.id, response)


@router.get("/operators/{operator_id}", dependencies=_SEES)
async def get_one(work: WorkDep, operator_id: UUID, response: Response) -> OperatorBody:
    """Return one operator; its version is the ETag."""
    return await _answer(work, operator_id, response)


@router.post("/operators/{operator_id}/device", dependencies=_RECORDS)
async def post_device(
    work: WorkDep, operator_id: UUID, version: Read, body: DeviceBody, response: Response
) -> OperatorBody:
    """Record the device that an operator uses the account on."""
    await handlers.record_device(work, operator_id, version, body.device)
    return await _answer(work, operator_id, response)


@router.post("/operators/{operator_id}/withdraw", dependencies=_RECORDS)
async def post_withdrawal(
    work: WorkDep, operator_id: UUID, version: Read, body: WhyBody, response: Response
) -> OperatorBody:
    """Withdraw an operator by decision."""
    await handlers.withdraw(work, operator_id, version, body.reason)
    return await _answer(work, operator_id, response)


@router.post("/operators/{operator_id}/reinstate", dependencies=_RECORDS)
async def post_reinstatement(
    work: WorkDep, operator_id: UUID, version: Read, body: WhyBody, response: Response
) -> OperatorBody:
    """Let an operator operate the account again, once every gate is passed."""
    await handlers.reinstate(work, operator_id, version, body.reason)
    return await _answer(work, operator_id, response)


@router.post("/operators/{operator_id}/exception", dependencies=_GRANTS)
async def post_exception(
    work: WorkDep, operator_id: UUID, version: Read, body: GrantBody, response: Response
) -> OperatorBody:
    """Grant a dated Security Policy Exception from the device rule."""
    await handlers.grant_exception(work, handlers.NewException(operator_id, version, body.last_day, body.reason))
    return await _answer(work, operator_id, response)


@router.post("/operators/{operator_id}/exception/end", dependencies=_GRANTS)
async def post_exception_end(
    work: WorkDep, operator_id: UUID, version: Read, body: WhyBody, response: Response
) -> OperatorBody:
    """End a live exception before its date."""
    await handlers.end_exception(work, operator_id, version, body.reason)
    return await _answer(work, operator_id, response)


@router.post("/removals/{task_id}", status_code=204, dependencies=_RECORDS)
async def post_removal(work: WorkDep, task_id: UUID, body: EvidenceBody) -> None:
    """Record the evidence that an operator's access on the platform is removed."""
    await handlers.record_removal(work, task_id, body.evidence)


async def _answer(work: Work, operator_id: UUID, response: Response) -> OperatorBody:
    operator = await get_operator(work.session, operator_id)
    if operator is None:
        raise handlers.UnknownOperator
    checked = next(one for one in await _operators(work, operator.account_id) if one.operator.id == operator_id)
    response.headers["etag"] = f'"{checked.operator.version}"'
    return OperatorBody.model_validate(checked, from_attributes=True)


async def _operators(work: Work, account_id: UUID) -> list[OperatorWithGates]:
    account = await known_account(work.session, account_id)
    return await operators_of(work.session, account, work.periods, work.today)
