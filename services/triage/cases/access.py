"""Who may see and work on which cases: by queue permission, or by name where a case is restricted."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.triage.cases.domain import Actor, Case
from shared.auth.permissions import LEADS, QUEUES, Permission, Principal
from shared.events.people import keys_of_member
from shared.events.vocabulary import Team
from shared.ids import folded_id

_CONFLICT = "conflict:"


@dataclass(frozen=True, slots=True)
class Viewer:
    """What cases need to know about a responder."""

    subject: str
    name: str | None
    keys: frozenset[str]
    """Keys by which a report may name them: a case with one of these keys is kept from them."""
    teams: frozenset[Team]
    leads: frozenset[Team]
    sees_content: bool
    works: bool

    @classmethod
    def of(cls, principal: Principal) -> "Viewer":
        """Ask the permission table what `principal` may do with cases."""
        subject = principal.staff_id or principal.subject
        return cls(
            subject=subject,
            name=principal.name,
            keys=keys_of_colleague(subject, principal.name, principal.email),
            teams=frozenset(team for team, permission in QUEUES.items() if principal.may(permission)),
            leads=frozenset(team for team, permission in LEADS.items() if principal.may(permission)),
            sees_content=principal.may(Permission.SEE_CASE_CONTENT),
            works=principal.may(Permission.WORK_CASES),
        )

    def actor(self, case: Case) -> Actor:
        """Return who acts on `case`."""
        return Actor(self.subject, self.name, lead=case.team in self.leads)


def keys_of_colleague(staff_id: str, name: str | None, email: str | None) -> frozenset[str]:
    """Return the keys that keep a case from a person: a report may be about them, or they declared a conflict."""
    return keys_of_member(staff_id=staff_id, name=name, email=email) | {conflict_key(staff_id)}


def is_kept_from(keys: Iterable[str], staff_id: str, name: str | None) -> bool:
    """Return whether a case with these keys is kept from a person."""
    return not keys_of_colleague(staff_id, name, None).isdisjoint(keys)


def conflict_key(staff_id: str) -> str:
    """Return the key that keeps a case from a person because they declared a conflict of interest."""
    return f"{_CONFLICT}{folded_id(staff_id)}"


def conflicts(keys: Iterable[str]) -> tuple[str, ...]:
    """Return those of a case's keys by which it is kept from people because they declared a conflict of interest."""
    return tuple(key for key in keys if key.startswith(_CONFLICT))
