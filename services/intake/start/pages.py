"""The start page: one question, and a way on for every answer."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from shared.auth.guard import anyone
from shared.web.pages import render

router = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])


@router.get("/")
def start(request: Request) -> Response:
    """Ask what has happened."""
    return render(request, "start/start.html")
