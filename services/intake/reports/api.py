"""POST /report/api/v1/…: an address for each kind of report."""

from fastapi import APIRouter

from services.intake.reports.bodies import AcceptedBody
from services.intake.reports.bodies.abuse import AbuseReportBody
from services.intake.reports.bodies.advice import EnquiryBody, PolicyExceptionBody
from services.intake.reports.bodies.incident import SecurityIncidentBody
from services.intake.reports.bodies.misuse import MisuseReportBody
from services.intake.reports.dependencies import Sender, SignedInSender, TakeDep

router = APIRouter(prefix="/report/api/v1", tags=["reports"])


@router.post("/abuse-reports", status_code=201, response_model_exclude_none=True)
async def post_abuse_report(body: AbuseReportBody, sender: Sender, take: TakeDep) -> AcceptedBody:
    """Report social media abuse: with a bearer token in your name, without one anonymously."""
    return await take(body, body.to_command(sender), sender)


@router.post("/misuse-reports", status_code=201, response_model_exclude_none=True)
async def post_misuse_report(body: MisuseReportBody, sender: SignedInSender, take: TakeDep) -> AcceptedBody:
    """Report that somebody misuses social media."""
    return await take(body, body.to_command(sender), sender)


@router.post("/security-incidents", status_code=201, response_model_exclude_none=True)
async def post_security_incident(body: SecurityIncidentBody, sender: SignedInSender, take: TakeDep) -> AcceptedBody:
    """Refer a security incident."""
    return await take(body, body.to_command(sender), sender)


@router.post("/enquiries", status_code=201, response_model_exclude_none=True)
async def post_enquiry(body: EnquiryBody, sender: SignedInSender, take: TakeDep) -> AcceptedBody:
    """Ask for advice about the policy."""
    return await take(body, body.to_command(sender), sender)


@router.post("/policy-exceptions", status_code=201, response_model_exclude_none=True)
async def post_policy_exception(body: PolicyExceptionBody, sender: SignedInSender, take: TakeDep) -> AcceptedBody:
    """Ask for an exception to the policy, or tell of an activity that may need one."""
    return await take(body, body.to_command(sender), sender)
