"""Cookies: out of reach of scripts, of other sites' forms and, with TLS, of other hosts of our own domain.

With TLS a cookie's name begins with `__Host-` (RFC 6265bis §4.1.3.2): a browser takes it from this host alone, and over
TLS alone. Its path must be `/`, so the path that it would have goes into its name. Without TLS a browser ignores such
names, and a cookie has its plain name and its own path.
"""

from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response

_PREFIX = "__Host-"


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie by its plain name, and the path that it is for."""

    plain: str
    path: str = "/"

    def name(self, *, secure: bool) -> str:
        """Return its name; `secure` is whether people reach Signpost by TLS."""
        return f"{_PREFIX}{self.plain}{self.path.rstrip('/').replace('/', '-')}" if secure else self.plain

    def value(self, request: Request, *, secure: bool) -> str | None:
        """Return what `request` brings."""
        return request.cookies.get(self.name(secure=secure))

    def give(self, response: Response, value: str, *, secure: bool, max_age: int | None = None) -> None:
        """Let the browser keep `value`, for `max_age` seconds or until it is closed."""
        response.set_cookie(
            self.name(secure=secure),
            value,
            max_age=max_age,
            path="/" if secure else self.path,
            secure=secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, response: Response, *, secure: bool) -> None:
        """Let the browser forget it."""
        path = "/" if secure else self.path
        response.delete_cookie(self.name(secure=secure), path=path, secure=secure, httponly=True, samesite="lax")
