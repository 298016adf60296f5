"""One port for all services: what a proxy does in front of separate ones."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send


class Front:
    """Hands a request to the application whose prefix its path begins with, or to the front door."""

    def __init__(self, front_door: ASGIApp, prefixes: Mapping[str, ASGIApp]) -> None:
        self._front_door = front_door
        self._prefixes = prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "/")
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        await self._prefixes.get(f"/{first}", self._front_door)(scope, receive, send)
