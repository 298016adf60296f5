"""Brings the registry's database to what its mappings say."""

import services.registry.accounts.tables
import services.registry.approvals.tables
import services.registry.operators.tables
import services.registry.training.tables
import services.registry.vetting.tables  # noqa: F401 -- each module adds its tables to the metadata
from services.registry.accounts.tables import AccountRow
from shared.audit.tables import audit_metadata
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata

run_environment([AccountRow.metadata, messaging_metadata, audit_metadata])
