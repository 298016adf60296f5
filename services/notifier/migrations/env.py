"""Alembic's environment: every table of this service."""

from services.notifier.acknowledgement import tables as acknowledgement
from services.notifier.alerts import tables as alerts
from services.notifier.cases import tables as cases
from services.notifier.delivery import tables as delivery
from services.notifier.directory import tables as directory
from services.notifier.misuse import tables as misuse
from services.notifier.my_team import tables as my_team
from services.notifier.reports import tables as reports
from services.notifier.tables import Base
from shared.db.migrations import run_environment
from shared.messaging.tables import messaging_metadata

CAPABILITIES = (acknowledgement, alerts, cases, delivery, directory, misuse, my_team, reports)
"""Imported so that their tables are known."""

run_environment([Base.metadata, messaging_metadata])
