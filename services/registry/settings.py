"""Settings of the registry."""

from datetime import timedelta

from shared.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """`SIGNPOST_REGISTRY_*`, beside what all services share."""

    registry_database_url: str
    """`postgresql+asyncpg://…` of the registry's own database."""
    registry_anchor_every: timedelta = timedelta(minutes=10)
    """How often changed activity chains are anchored, where `audit_anchors_dir` is set (seconds, or ISO 8601)."""
