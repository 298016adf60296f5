"""Alembic environment of the registry's database."""

from services.registry.accounts.tables import AccountRow
from shared.audit.tables import audit_metadata
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata

run_environment([AccountRow.metadata, messaging_metadata, audit_metadata])
