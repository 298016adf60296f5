"""Health, metrics and the API's description, under each service's prefix."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from shared.auth.guard import anyone
from shared.observability.metrics import exposition

Readiness = Callable[[], Sequence[str]]


def operations_router(prefix: str, readiness: Readiness) -> APIRouter:
    """Return the routes. `readiness` gives the reasons why the service cannot work right now; none means ready."""
    router = APIRouter(prefix=prefix, include_in_schema=False, dependencies=[Depends(anyone)])

    @router.get("/health/live")
    def live() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @router.get("/health/ready")
    def ready() -> JSONResponse:
        reasons = list(readiness())
        body: dict[str, object] = {"status": "unready", "reasons": reasons} if reasons else {"status": "ready"}
        return JSONResponse(body, 503 if reasons else 200)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
