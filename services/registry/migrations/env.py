"""Alembic environment of the registry's database."""

from services.registry.accounts import tables as accounts
from services.registry.approvals import tables as approvals
from services.registry.confirmations import tables as confirmations
from services.registry.eligibility import tables as eligibility
from services.registry.operators import tables as operators
from services.registry.tables import Base
from shared.audit.tables import audit_metadata
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata
from shared.people import people_metadata

REGISTERED = (accounts, approvals, confirmations, eligibility, operators)
"""Imported so that their tables are in the metadata."""

run_environment([Base.metadata, messaging_metadata, audit_metadata, people_metadata])
