"""Has the identity provider's keys at hand before a request with one of its tokens is looked at."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.auth.provider_tokens import Provider
from shared.clock import Clock


class ProviderKeysAtHand:
    """Middleware: guards read tokens without waiting, so whatever has to be fetched is fetched here.

    Raises:
        ProviderUnavailable: the token's key is not known and the provider cannot be asked: nobody is turned away as
            if the token were wrong.
    """

    def __init__(self, app: ASGIApp, *, provider: Provider | None, clock: Clock) -> None:
        self._app = app
        self._provider = provider
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._provider is not None and scope["type"] == "http":
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            if scheme.lower() == "bearer":
                await self._provider.prepare(token.strip(), self._clock.now())
        await self._app(scope, receive, send)
