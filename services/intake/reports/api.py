"""POST /report/api/v1/abuse-reports."""

from fastapi import APIRouter, Request, Response

from services.intake.idempotency.dependencies import IdempotencyDep, IdempotencyKey
from services.intake.reports.bodies import AbuseReportBody, AcceptedBody
from services.intake.reports.dependencies import Sender, SubmitDep
from services.intake.reports.domain import check_found_by
from shared.auth.permissions import Permission
from shared.web.dependencies import Now, Transaction

router = APIRouter(prefix="/report/api/v1", tags=["reports"])


@router.post("/abuse-reports", status_code=201, response_model_exclude_none=True)
async def post_abuse_report(
    request: Request,
    response: Response,
    body: AbuseReportBody,
    principal: Sender,
    session: Transaction,
    now: Now,
    submit: SubmitDep,
    idempotency: IdempotencyDep,
    key: IdempotencyKey = None,
) -> AcceptedBody:
    """Report social media abuse: with a bearer token in your name, without one anonymously."""
    command = body.to_command(principal)
    check_found_by(command, may_monitor=principal is not None and principal.may(Permission.REPORT_FROM_MONITORING))

    async def work() -> bytes:
        return AcceptedBody.of(await submit(command), request.app.state.settings.public_url).model_dump_json().encode()

    client = principal.subject if principal else ""
    asked = body.model_dump_json().encode()
    answer = await (idempotency.once(session, (key, client), asked, now, work) if key else work())
    accepted = AcceptedBody.model_validate_json(answer)
    response.headers["location"] = accepted.status_url
    return accepted
