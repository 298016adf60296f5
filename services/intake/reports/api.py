"""POST /report/api/v1/…: an address for each kind of report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.idempotency.handlers import Idempotency
from services.intake.reports.bodies import (
    AbuseReportBody,
    AcceptedBody,
    EnquiryBody,
    MisuseReportBody,
    PolicyExceptionBody,
    ReportBody,
    SecurityIncidentBody,
)
from services.intake.reports.dependencies import ReportParts, Sender, SignedInSender, Submit, SubmitDep
from services.intake.reports.domain import Report, check_found_by
from shared.auth.permissions import Permission, Principal
from shared.runtime import parts_of
from shared.web.dependencies import Now, Transaction

router = APIRouter(prefix="/report/api/v1", tags=["reports"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and body within 24 hours get the same answer, and one report.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ReportApiParts(ReportParts):
    """What these routes need beside the parts of every service."""

    idempotency: Idempotency


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """Takes a report that came as a body, once for each `Idempotency-Key`."""

    request: Request
    response: Response
    session: AsyncSession
    now: datetime
    submit: Submit
    key: str | None

    async def __call__(self, body: ReportBody, report: Report, who: Principal | None) -> AcceptedBody:
        """Take `report`, which `body` asked for.

        Raises:
            MonitoringRoleRequired: another sender than monitoring says that monitoring found it.
            ReportRefused: something in it is wrong.
            KeyUsedForAnotherRequest: the key came with another request.
        """
        check_found_by(report, may_monitor=who is not None and who.may(Permission.REPORT_FROM_MONITORING))
        accepted = AcceptedBody.model_validate_json(await self._answer(body, report, who.subject if who else ""))
        self.response.headers["location"] = accepted.status_url
        return accepted

    async def _answer(self, body: ReportBody, report: Report, client: str) -> bytes:
        parts = parts_of(self.request, ReportApiParts)

        async def work() -> bytes:
            return AcceptedBody.of(await self.submit(report), parts.settings.public_url).model_dump_json().encode()

        if not self.key:
            return await work()
        asked = f"{self.request.url.path}\n{body.model_dump_json()}".encode()
        return await parts.idempotency.once(self.session, (self.key, client), asked, self.now, work)


async def _submit_report(
    request: Request,
    response: Response,
    session: Transaction,
    now: Now,
    submit: SubmitDep,
    key: IdempotencyKey = None,
) -> SubmitReport:
    return SubmitReport(request, response, session, now, submit, key)


SubmitReportDep = Annotated[SubmitReport, Depends(_submit_report)]


@router.post("/abuse-reports", status_code=201, response_model_exclude_none=True)
async def post_abuse_report(body: AbuseReportBody, sender: Sender, submit: SubmitReportDep) -> AcceptedBody:
    """Report social media abuse: with a bearer token in your name, without one anonymously."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/misuse-reports", status_code=201, response_model_exclude_none=True)
async def post_misuse_report(body: MisuseReportBody, sender: SignedInSender, submit: SubmitReportDep) -> AcceptedBody:
    """Report that someone misuses social media."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/security-incidents", status_code=201, response_model_exclude_none=True)
async def post_security_incident(
    body: SecurityIncidentBody, sender: SignedInSender, submit: SubmitReportDep
) -> AcceptedBody:
    """Refer a security incident."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/enquiries", status_code=201, response_model_exclude_none=True)
async def post_enquiry(body: EnquiryBody, sender: SignedInSender, submit: SubmitReportDep) -> AcceptedBody:
    """Ask for advice about the policy."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/policy-exceptions", status_code=201, response_model_exclude_none=True)
async def post_policy_exception(
    body: PolicyExceptionBody, sender: SignedInSender, submit: SubmitReportDep
) -> AcceptedBody:
    """Ask for an exception to the policy, or give notice of an activity that may need one."""
    return await submit(body, body.to_command(sender), sender)
