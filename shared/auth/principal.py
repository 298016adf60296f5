"""Somebody who is signed in."""

from dataclasses import dataclass
from datetime import datetime

from shared.auth.permissions import Permission, Role, permissions_of
from shared.ids import StaffId


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person or client, as their token says."""

    subject: str
    staff_id: StaffId | None
    name: str | None
    email: str | None
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """Tell whether any of the principal's roles allows `permission`."""
        return permission in permissions_of(self.roles)


@dataclass(frozen=True, slots=True)
class Session:
    """A principal, and since when and until when a token speaks for them."""

    principal: Principal
    started_at: datetime
    issued_at: datetime
    expires_at: datetime
