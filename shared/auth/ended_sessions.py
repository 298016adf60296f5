"""The sessions that are over before they expire, in memory, so that a guard finds them without asking anyone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.auth.permissions import Principal, Session
from shared.ids import folded_id

REMEMBERED_FOR = timedelta(hours=9)
"""Longer than any session or bearer token of ours is valid."""
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one session, or of all sessions of a person that began before `not_before`."""

    session_id: UUID | None = None
    subject: str | None = None
    not_before: datetime | None = None


class EndedSessions:
    """What one web process knows of ended sessions."""

    def __init__(self) -> None:
        self._ids: set[UUID] = set()
        self._not_before: dict[str, datetime] = {}

    def include(self, session: Session) -> bool:
        """Return whether `session` is over, although its token has not expired."""
        return session.id in self._ids or session.started_at < self.not_before(session.principal)

    def not_before(self, principal: Principal) -> datetime:
        """Return the time before which all sessions of `principal` are over."""
        if not self._not_before:
            return _NEVER
        names = (principal.subject, principal.staff_id)
        return max(self._not_before.get(folded_id(name), _NEVER) for name in names if name is not None)

    def learn(self, endings: Iterable[Ending]) -> None:
        """Add `endings`."""
        for ending in endings:
            if ending.session_id:
                self._ids.add(ending.session_id)
            if ending.subject and ending.not_before:
                name = folded_id(ending.subject)
                self._not_before[name] = max(ending.not_before, self._not_before.get(name, _NEVER))

    def learn_all(self, endings: Iterable[Ending]) -> None:
        """Replace everything by `endings`; what is remembered no longer is forgotten."""
        self._ids, self._not_before = set(), {}
        self.learn(endings)
