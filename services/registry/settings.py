"""Settings of the registry."""

from typing import Annotated

from pydantic import Field

from shared.settings import ServiceSettings

Months = Annotated[int, Field(ge=1, le=120)]


class RegistrySettings(ServiceSettings):
    """Settings of the registry, besides the common ones."""

    registry_database_url: str
    """`postgresql+asyncpg://…` of the registry's own database."""
    registry_training_months: Months = 24
    """How many months training is valid for operators of accounts; the policy states no number."""
    registry_review_months: Months = 12
    """After how many months a new account is first reviewed; the policy states no number."""
