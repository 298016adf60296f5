"""The `Idempotency-Key` header as a route asks for it."""

from typing import Annotated, cast

from fastapi import Depends, Header, Request

from services.intake.idempotency.handlers import Idempotency

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


async def _idempotency(request: Request) -> Idempotency:
    return cast(Idempotency, request.app.state.idempotency)


IdempotencyDep = Annotated[Idempotency, Depends(_idempotency)]
