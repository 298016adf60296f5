"""Alembic's environment: every table of this service."""

from services.triage.accounts import tables as accounts
from services.triage.bulk import tables as bulk
from services.triage.campaigns import tables as campaigns
from services.triage.cases import tables as cases
from services.triage.conversation import tables as conversation
from services.triage.deadlines import tables as deadlines
from services.triage.exposure import tables as exposure
from services.triage.operations import tables as operations
from services.triage.outcome_reviews import tables as outcome_reviews
from services.triage.people_told import tables as people_told
from services.triage.queue import tables as queue
from services.triage.reports import tables as reports
from services.triage.routing import tables as routing
from services.triage.search import tables as search
from services.triage.tables import Base
from services.triage.takedowns import tables as takedowns
from services.triage.tasks import tables as tasks
from services.triage.wellbeing import tables as wellbeing
from shared.audit.tables import audit_metadata
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata
from shared.people import people_metadata

REGISTERED = (
    accounts,
    bulk,
    campaigns,
    cases,
    conversation,
    deadlines,
    exposure,
    operations,
    outcome_reviews,
    people_told,
    queue,
    reports,
    routing,
    search,
    takedowns,
    tasks,
    wellbeing,
)
"""Imported so that their tables are in the metadata."""

run_environment([Base.metadata, messaging_metadata, audit_metadata, people_metadata])
