"""Reads what a manager's page shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.alerts.queries import AlertView, Viewer, alerts_to
from services.notifier.directory.queries import names_of

MOST = 50


@dataclass(frozen=True, slots=True)
class TeamAlert:
    """An alert with the name of the person it concerns, where their manager may know it."""

    alert: AlertView
    about: str | None


@dataclass(frozen=True, slots=True)
class Team:
    """A manager's page: newest first, `MOST` of each."""

    waiting: Sequence[TeamAlert]
    done: Sequence[TeamAlert]


async def my_team(session: AsyncSession, viewer: Viewer) -> Team:
    """Return the alerts that were sent to `viewer`."""
    waiting = await alerts_to(session, viewer, answered=False, limit=MOST)
    done = await alerts_to(session, viewer, answered=True, limit=MOST)
    names = await names_of(session, {alert.about for alert in (*waiting, *done) if alert.about})
    return Team(
        [TeamAlert(alert, names.get(alert.about) if alert.about else None) for alert in waiting],
        [TeamAlert(alert, names.get(alert.about) if alert.about else None) for alert in done],
    )
