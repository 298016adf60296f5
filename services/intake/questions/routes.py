"""The pages of every form, from one set of routes."""

from collections.abc import Iterable

from fastapi import APIRouter, Depends

from services.intake.questions import pages, sending
from services.intake.questions.definition import Form
from services.intake.questions.visit import filling_in
from shared.auth.guard import anyone, requires


def form_routes(forms: Iterable[Form]) -> APIRouter:
    """Return the routes of `forms`; the last pages come before the questions, whose path ends in any word."""
    every = APIRouter()
    for form in forms:
        who = Depends(anyone) if form.open_to_all else requires(form.needs)
        for router in (sending.router, pages.router):
            every.include_router(router, prefix=form.base, dependencies=[Depends(filling_in(form)), who])
    return every
