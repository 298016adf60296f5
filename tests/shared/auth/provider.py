"""An identity provider that answers as a test wants: with faults that a real one would not have."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from shared.auth import provider as provider_keys
from shared.auth.permissions import Role
from shared.auth.provider import ProviderUnavailable
from shared.auth.provider_config import ProviderConfig
from tests.support.web import START

ISSUER = "https://id.example.org/realms/department"
CONFIG = ProviderConfig(
    issuer=ISSUER,
    discovery_url=f"{ISSUER}/.well-known/openid-configuration",
    api_audience="signpost-api",
    roles=(("SOC monitoring", Role.MONITORING), ("smart", Role.SMART_RESPONDER), ("smart", Role.SMART_LEAD)),
)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS: Mapping[str, Key] = {
    "RS256": RSA,
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}


class ProviderForTests:
    """Answers instead of the network, and counts the requests."""

    def __init__(self) -> None:
        self.keys: list[Key] = list(KEYS.values())
        self.listed: list[dict[str, object]] = []
        self.away = False
        self.asked = 0
        self.description: dict[str, object] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
        }

    async def fetch(self, url: str, _headers: Mapping[str, str] | None = None) -> Mapping[str, object]:
        if self.away:
            raise ProviderUnavailable("ConnectError")
        if url == CONFIG.discovery_url:
            self.asked += 1
            return self.description
        assert url == f"{ISSUER}/keys"
        return {"keys": [*(key.as_dict(private=False) for key in self.keys), *self.listed]}

    def token(self, algorithm: str = "RS256", key: Key | None = None, **changes: object) -> str:
        """Return an access token; a claim that is changed to None is left out."""
        signing = key or KEYS[algorithm]
        claims = {name: value for name, value in (claims_of(START) | changes).items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": signing.kid}, claims, signing, algorithms=[algorithm])


def claims_of(now: datetime) -> dict[str, object]:
    """Return the claims of a service client's access token."""
    return {
        "iss": ISSUER,
        "aud": ["signpost-api", "account"],
        "sub": "c7f1",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "groups": ["SOC monitoring", "smart", "everybody"],
        "staff_id": "S1001",
        "name": "Priya Shah",
        "email": "priya.shah@example.org",
    }


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ProviderForTests:
    fake = ProviderForTests()
    monkeypatch.setattr(provider_keys, "fetch_json", fake.fetch)
    return fake
