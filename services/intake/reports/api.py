"""POST /report/api/v1/…: an address for each kind of report."""

from fastapi import APIRouter

from services.intake.reports import bodies
from services.intake.reports.dependencies import IncidentSender, MisuseSender, Sender, SignedInSender, SubmitReportDep

router = APIRouter(prefix="/report/api/v1", tags=["reports"])


@router.post("/abuse-reports", status_code=201, response_model_exclude_none=True)
async def post_abuse_report(
    body: bodies.AbuseReportBody, sender: Sender, submit: SubmitReportDep
) -> bodies.AcceptedBody:
    """Report social media abuse: with a bearer token in your name, without one anonymously."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/misuse-reports", status_code=201, response_model_exclude_none=True)
async def post_misuse_report(
    body: bodies.MisuseReportBody, sender: MisuseSender, submit: SubmitReportDep
) -> bodies.AcceptedBody:
    """Report that someone misuses social media: in your name or, where a setting allows it, anonymously."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/security-incidents", status_code=201, response_model_exclude_none=True)
async def post_security_incident(
    body: bodies.SecurityIncidentBody, sender: IncidentSender, submit: SubmitReportDep
) -> bodies.AcceptedBody:
    """Refer a security incident: in your name or, where a setting allows it, anonymously."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/enquiries", status_code=201, response_model_exclude_none=True)
async def post_enquiry(
    body: bodies.EnquiryBody, sender: SignedInSender, submit: SubmitReportDep
) -> bodies.AcceptedBody:
    """Ask for advice about the policy."""
    return await submit(body, body.to_command(sender), sender)


@router.post("/policy-exceptions", status_code=201, response_model_exclude_none=True)
async def post_policy_exception(
    body: bodies.PolicyExceptionBody, sender: SignedInSender, submit: SubmitReportDep
) -> bodies.AcceptedBody:
    """Ask for an exception to the policy, or give notice of an activity that may need one."""
    return await submit(body, body.to_command(sender), sender)
