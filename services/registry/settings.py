"""Settings of the registry."""

from shared.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """`SIGNPOST_REGISTRY_*`, beside what all services share."""

    registry_database_url: str
    """`postgresql+asyncpg://…` of the registry's own database."""
