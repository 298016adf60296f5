"""The page of the abuse form that no other form has."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.intake.abuse_form.form import FORM, SAFETY
from shared.auth.guard import anyone
from shared.web.pages import render

router = APIRouter(prefix=FORM.base, include_in_schema=False)


@router.get("/help-now", dependencies=[Depends(anyone)])
def help_now(request: Request) -> Response:
    """Say what to do first where it is not safe. It never stops a report (Sc-b)."""
    return render(request, "abuse/help-now.html", form=FORM, back=f"{FORM.base}/{SAFETY.slug}")
