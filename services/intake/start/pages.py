"""The start page, and honest answers to the choices that have no form here yet."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from shared.auth.guard import anyone
from shared.web.pages import render
from shared.web.problems import standard_problem

router = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])

SIGNPOSTS = ("misuse", "incident", "account", "advice")
"""Choices whose form does not exist here: each page says where to go today."""


@router.get("/")
def start(request: Request) -> Response:
    """Ask what has happened."""
    return render(request, "start/start.html")


@router.get("/report/where-to-go/{choice}")
def where_to_go(request: Request, choice: str) -> Response:
    """Say where to go today."""
    if choice not in SIGNPOSTS:
        raise standard_problem(404)
    return render(request, f"start/{choice}.html")
