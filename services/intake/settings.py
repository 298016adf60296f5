"""Intake's settings."""

from pathlib import Path

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """What intake needs beside what all services need."""

    intake_database_url: str
    """`postgresql+asyncpg://…` of intake's own database."""
    intake_inbound_sources: Path | None = None
    """YAML that says which events of other systems become which reports; without it the packaged sample."""
    oidc_client_id: str | None = None
    """What the identity provider knows Signpost's sign-in by; needed where there is a provider."""
    oidc_client_secret: SecretStr | None = None
    """Of that client; a public client has none and relies on PKCE."""
    oidc_scopes: str = "openid profile email"
    """What sign-in asks the provider for, with spaces between."""

    @field_validator("oidc_client_id")
    @classmethod
    def _named_to_the_provider(cls, client_id: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("oidc_issuer") and not client_id:
            raise PydanticCustomError("signpost_client", "is needed beside SIGNPOST_OIDC_ISSUER")
        return client_id
