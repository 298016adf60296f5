"""Alembic's environment of intake."""

from services.intake.evidence import tables as evidence
from services.intake.forms import tables as drafts
from services.intake.idempotency import tables as idempotency
from services.intake.inbound import tables as inbound
from services.intake.ledger import tables as ledger
from services.intake.reports import tables as reports
from services.intake.tables import Base
from services.intake.tracking import tables as tracking
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata

REGISTERED = (evidence, drafts, idempotency, inbound, ledger, reports, tracking)
"""Importing a module adds its tables to `Base.metadata`."""

run_environment([Base.metadata, messaging_metadata])
