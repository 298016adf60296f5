"""Intake's settings."""

from shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """What intake needs beside what all services need."""

    intake_database_url: str
    """`postgresql+asyncpg://…` of intake's own database."""
