"""Decisions of a time, as a part of a statement: for whoever counts them by rule or replays them."""

from datetime import datetime

from sqlalchemy import Subquery, select

from services.triage.routing.tables import StoredDecision


def decided(since: datetime, until: datetime) -> Subquery:
    """Return what was decided from `since` to before `until`; the index on `decided_at` bounds what is read."""
    within = (StoredDecision.decided_at >= since, StoredDecision.decided_at < until)
    return select(StoredDecision).where(*within).subquery("decided")
