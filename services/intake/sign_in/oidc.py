"""Sign-in with an OpenID Connect provider: authorization code flow with PKCE by authlib, over the network by httpx."""

import base64
import binascii
import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from services.intake.settings import IntakeSettings
from shared.auth.permissions import Principal
from shared.auth.provider import Description, ProviderUnavailable, fetch_json, json_object
from shared.auth.provider_config import claim
from shared.auth.provider_tokens import Provider
from shared.auth.tokens import InvalidToken
from shared.encryption import DecryptionFailed, Keys, Secret, decrypt_with_any
from shared.web.cookies import Cookie

ATTEMPT_LIFETIME = timedelta(minutes=15)
"""Long enough to find a phone for the second factor."""
_COOKIE = "signpost_sign_in_"
_COOKIE_NAME = re.compile(rf"{_COOKIE}[0-9a-f]{{16}}")
_PATH = "/sign-in"
MOST_AT_ONCE = 5
"""Sign-ins that one browser may have in progress, one per tab."""


class AttemptOver(Exception):
    """This browser has no sign-in in progress with that state, or it took too long."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must be the same when the person comes back from the provider."""

    state: str
    nonce: str
    verifier: str = field(repr=False)
    onward: str
    started: int

    @classmethod
    def begin(cls, onward: str, now: datetime) -> Self:
        """Return a new attempt that leads to `onward`, with random secrets (RFC 7636 §4.1, RFC 9700 §2.1)."""
        new = secrets.token_urlsafe
        return cls(new(32), new(32), new(48), onward, int(now.timestamp()))

    @property
    def cookie(self) -> Cookie:
        return cookie_of(self.state)

    def is_over(self, now: datetime) -> bool:
        return now >= datetime.fromtimestamp(self.started, UTC) + ATTEMPT_LIFETIME


def cookie_of(state: str) -> Cookie:
    """Return the cookie that keeps the attempt with `state`."""
    return Cookie(_COOKIE + hashlib.sha256(state.encode()).hexdigest()[:16], _PATH)


def cookie_named(name: str) -> Cookie | None:
    """Return the cookie of an attempt that a browser sends as `name`; None for another cookie."""
    found = _COOKIE_NAME.search(name)
    return Cookie(found[0], _PATH) if found else None


class SignInAttempts:
    """Encrypts attempts with AES-256-GCM, so that no one, the person included, can read or make one."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def encrypt(self, attempt: Attempt) -> str:
        """Return the cookie's value."""
        plain = json.dumps(asdict(attempt)).encode()
        return base64.urlsafe_b64encode(self._secrets(attempt.state)[0].encrypt(plain)).decode()

    def decrypt(self, state: str, encrypted: str | None, now: datetime) -> Attempt:
        """Return the attempt with `state`.

        Raises:
            AttemptOver: there is none, it is another one, or it took too long.
        """
        try:
            sealed = base64.urlsafe_b64decode((encrypted or "").encode())
            plain = decrypt_with_any(self._secrets(state), sealed)
        except (DecryptionFailed, binascii.Error, ValueError):
            raise AttemptOver from None
        attempt = Attempt(**json.loads(plain))
        if attempt.is_over(now) or not secrets.compare_digest(attempt.state.encode(), state.encode()):
            raise AttemptOver
        return attempt

    def _secrets(self, state: str) -> Sequence[Secret]:
        return [Secret(cookie_of(state).plain.encode(), key) for key in self._keys]


CALLBACK = "/sign-in/callback"
_PATIENCE_SECONDS = 10.0


class SignInRefused(Exception):
    """The provider does not take the code: it was used before, is too old, or was made for another client."""


@dataclass(frozen=True, slots=True)
class Client:
    """Our client at the provider."""

    client_id: str
    client_secret: str | None
    scopes: str
    public_url: str

    @property
    def redirect_uri(self) -> str:
        """The one address that people come back to; the provider compares it to the letter."""
        return f"{self.public_url}{CALLBACK}"


class OidcSignIn:
    """Sends people to the provider, and finds out who came back."""

    def __init__(self, provider: Provider, client: Client) -> None:
        self._provider = provider
        self._client = client

    async def address(self, attempt: Attempt, now: datetime) -> str:
        """Return where the person signs in.

        Raises:
            ProviderUnavailable: the provider is unavailable.
        """
        description = await self._provider.description(now)
        client = OAuth2Client(
            None,
            client_id=self._client.client_id,
            redirect_uri=self._client.redirect_uri,
            scope=self._client.scopes,
            code_challenge_method="S256",
        )
        address, _ = client.create_authorization_url(
            description.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
        )
        return str(address)

    async def who_came_back(self, code: str, attempt: Attempt, now: datetime) -> Principal:
        """Trade the code for an ID token, check it, and return whom it is about.

        Raises:
            SignInRefused: the provider does not take the code.
            ProviderUnavailable: the provider is unavailable, or its answer cannot be read.
            InvalidToken: the ID token cannot be trusted.
        """
        description = await self._provider.description(now)
        answer = await self._trade(code, attempt, description)
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise InvalidToken
        await self._provider.prepare(id_token, now)
        claims = self._provider.read_id_token(id_token, self._client.client_id, attempt.nonce, now)
        if isinstance(access_token, str):
            claims = await self._with_user_info(claims, access_token, description)
        return self._provider.principal(claims)

    async def farewell(self, now: datetime) -> str | None:
        """Return where the person signs out of the provider too (RP-Initiated Logout 1.0); None where it has no such.

        The ID token is not sent as a hint: it would put a name and an address into a URL.
        """
        try:
            description = await self._provider.description(now)
        except ProviderUnavailable:
            return None
        if description.end_session_endpoint is None:
            return None
        back = {"client_id": self._client.client_id, "post_logout_redirect_uri": f"{self._client.public_url}/"}
        joined = "&" if "?" in description.end_session_endpoint else "?"
        return f"{description.end_session_endpoint}{joined}{urlencode(back)}"

    async def _trade(self, code: str, attempt: Attempt, description: Description) -> Mapping[str, object]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._client.redirect_uri, code_verifier=attempt.verifier
        )
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded;charset=UTF-8"}
        how = ClientAuth(self._client.client_id, self._client.client_secret, self._auth_method(description))
        url, headers, body = how.prepare("POST", description.token_endpoint, headers, body)
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, follow_redirects=False) as client:
                response = await client.post(url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnavailable(type(error).__name__) from None
        if response.status_code == httpx.codes.BAD_REQUEST:
            raise SignInRefused
        return json_object(response)

    def _auth_method(self, description: Description) -> str:
        if self._client.client_secret is None:
            return "none"
        return "client_secret_basic" if description.basic_auth else "client_secret_post"

    async def _with_user_info(
        self, claims: Mapping[str, object], access_token: str, description: Description
    ) -> Mapping[str, object]:
        """Ask for what the ID token leaves out; an answer about another person is none (OpenID Connect §5.3.2)."""
        names = self._provider.config.claims
        asked = (names.roles, names.staff_id, names.name, names.email)
        if description.userinfo_endpoint is None or all(claim(claims, name) is not None for name in asked):
            return claims
        bearer = {"authorization": f"Bearer {access_token}"}
        more = await fetch_json(description.userinfo_endpoint, bearer)
        if more.get("sub") != claims.get("sub"):
            raise InvalidToken
        return {**more, **claims}


def open_oidc(settings: IntakeSettings, provider: Provider | None) -> OidcSignIn | None:
    """Return what signs people in with the provider; None without one."""
    if provider is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    client = Client(
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        scopes=settings.oidc_scopes,
        public_url=settings.public_url.rstrip("/"),
    )
    return OidcSignIn(provider, client)
